"""The firmware of board `host`, run as a process: its standard input and output are the serial port."""

from __future__ import annotations

import os
import select
import subprocess
import time
from typing import TYPE_CHECKING

from tinyperf.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tinyperf.device.link import Transport

READ_BYTES = 65536
END_S = 2.0


class ProcessLink:
    """A `Link` to a native firmware. Raises DeviceError: it cannot be started, or has ended."""

    transport: Transport = "process"

    def __init__(self, executable: Path, arguments: Sequence[str] = ()) -> None:
        self._name = executable.name
        try:
            self._process = subprocess.Popen(
                [executable.absolute(), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
        except OSError as exc:
            raise DeviceError(
                f"{executable} cannot be started: {exc.strerror}",
                means="it is no firmware built for board 'host' on this computer",
                hint="'tinyperf build --board host BENCH' makes one",
            ) from exc

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        pipe = self._process.stdin
        try:
            while data and pipe:
                data = data[pipe.write(data) or 0 :]
        except (BrokenPipeError, ValueError) as exc:
            raise self._ended() from exc

    def read(self, timeout_s: float) -> bytes:
        """Whatever has arrived, as soon as something has; b"" after `timeout_s` of silence."""
        pipe = self._process.stdout
        if pipe is None or pipe.closed:
            raise self._ended()
        if not select.select([pipe], [], [], max(timeout_s, 0.0))[0]:
            return b""
        data = os.read(pipe.fileno(), READ_BYTES)
        if not data:
            raise self._ended()
        return data

    def now_s(self) -> float:
        """Monotonic seconds of this computer."""
        return time.monotonic()

    def close(self) -> None:
        """End the process: its input ends, and it follows; killed if it does not."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            pass
        finally:  # also when Ctrl-C comes while waiting
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def _ended(self) -> DeviceError:
        code = self._process.poll()
        return DeviceError(
            f"the firmware process {self._name} has ended" + ("" if code is None else f" with status {code}"),
            means="a negative status is the signal that killed it" if code is not None and code < 0 else "",
            hint="start it again; if it ends each time, please report it with the transcript",
        )
