"""The firmware of board `host`, run as a process: its standard input and output are the serial port."""

from __future__ import annotations

import os
import queue
import subprocess
import threading
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
        # A thread, because Windows cannot wait for a pipe with a time limit.
        self._arrived: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read_all, name=f"output of {self._name}", daemon=True)
        self._reader.start()

    def _read_all(self) -> None:
        """Until b"", the end of the output, which is passed on too."""
        assert self._process.stdout is not None  # noqa: S101  (it was asked for)
        data = b"?"
        while data:
            data = os.read(self._process.stdout.fileno(), READ_BYTES)
            self._arrived.put(data)

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
        try:
            data = self._arrived.get(timeout=timeout_s) if timeout_s > 0 else self._arrived.get_nowait()
        except queue.Empty:
            return b""
        if not data:
            self._arrived.put(data)  # for whoever asks again
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
        self._reader.join(END_S)  # what it started may hold its output open
        if self._process.stdout:
            self._process.stdout.close()

    def _ended(self) -> DeviceError:
        code = self._process.poll()
        return DeviceError(
            f"the firmware process {self._name} has ended" + ("" if code is None else f" with status {code}"),
            means="a negative status is the signal that killed it" if code is not None and code < 0 else "",
            hint="start it again; if it ends each time, please report it with the transcript",
        )
