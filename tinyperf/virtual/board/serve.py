"""The virtual board on a pseudo-terminal or a TCP port, for any other client.

Other clients measure with their own clock, so virtual time is held to real time unless told otherwise. They open the
port by path, close it and open it again: the server keeps the slave side open itself, so that neither loses anything.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from typing import TYPE_CHECKING, Protocol

from tinyperf.errors import DeviceError
from tinyperf.virtual.raw_pty import raw_pty

if TYPE_CHECKING:
    from collections.abc import Callable

SLICE_S = 0.002
"""Virtual time between two looks at the host's side: a fifth of the time a host takes to notice."""

UNREAD_S = 1.0
"""Full for so long, a pty has no reader: virtual time goes on without one."""


class Wire(Protocol):
    """One side of the line: a pty or a socket."""

    def place(self) -> str:
        """What a client opens."""

    def exchange(self, output: bytes, wait_s: float) -> bytes:
        """Hand over output; input that arrived, waiting for it up to `wait_s`."""

    def close(self) -> None:
        """Release it."""


class Pty:
    """A pseudo-terminal in raw mode; Linux and macOS.

    Raises: UsageError: this system has none.
    """

    def __init__(self) -> None:
        self._master, self._slave = raw_pty("use --tcp PORT")
        os.set_blocking(self._master, False)
        self._read = True  # somebody took the last output

    def place(self) -> str:
        return os.ttyname(self._slave)

    def exchange(self, output: bytes, wait_s: float) -> bytes:
        while output and self._room():
            with contextlib.suppress(BlockingIOError):
                output = output[os.write(self._master, output) :]
        ready, _, _ = select.select([self._master], [], [], wait_s)
        return os.read(self._master, 4096) if ready else b""

    def _room(self) -> bool:
        """Whether output can be handed over. A reader that is slow is waited for; where nobody reads it is lost.

        A real line would lose it too.
        """
        _, room, _ = select.select([], [self._master], [], UNREAD_S if self._read else 0.0)
        self._read = bool(room)
        return self._read

    def close(self) -> None:
        os.close(self._master)
        os.close(self._slave)


class Tcp:
    """A listening socket, one client at a time; loopback unless `host` says otherwise.

    Raises: DeviceError: the port cannot be had.
    """

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        try:
            self._server = socket.create_server((host, port))
        except OSError as exc:
            raise DeviceError(
                f"cannot listen on {host}:{port}: {exc.strerror or exc}",
                means="another program uses the port, or it is reserved",
                hint="choose another --tcp PORT; 0 lets the system choose",
            ) from exc
        self._client: socket.socket | None = None

    def place(self) -> str:
        host, port = self._server.getsockname()[:2]
        return f"socket://{host}:{port}"

    def exchange(self, output: bytes, wait_s: float) -> bytes:
        if output and self._client:
            with contextlib.suppress(OSError):
                self._client.sendall(output)
        ready, _, _ = select.select([self._server, *([self._client] if self._client else [])], [], [], wait_s)
        if self._server in ready:
            self._accept()
        if self._client in ready and self._client:
            return self._receive(self._client)
        return b""

    def _accept(self) -> None:
        client, _ = self._server.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each line waits 40 ms (Nagle)
        client.settimeout(UNREAD_S)  # one that reads nothing must not stop the board, nor keep the next one out
        if self._client:
            self._client.close()
        self._client = client

    def _receive(self, client: socket.socket) -> bytes:
        try:
            data = client.recv(4096)
        except OSError:
            data = b""
        if not data:
            client.close()
            self._client = None
        return data

    def close(self) -> None:
        if self._client:
            self._client.close()
        self._server.close()


class Served(Protocol):
    """What is served: a virtual board, or what is played in front of it. Time passes in `read`."""

    @property
    def idle(self) -> bool:
        """Nothing happens until the host speaks."""

    def write(self, data: bytes) -> None:
        """Bytes from the host."""

    def read(self, timeout_s: float) -> bytes:
        """Let time pass until there is output, at most `timeout_s` of virtual time."""

    def now_s(self) -> float:
        """Virtual seconds since power-on."""


def serve(link: Served, wire: Wire, *, fast: bool, stop: Callable[[], bool] = lambda: False) -> None:
    """Run until `stop` or Ctrl-C. `fast`: as fast as this computer can, else never ahead of real time.

    Where this computer is too slow for real time, virtual time falls behind and does not hurry to catch up.
    Raises: FaultError: the firmware ended in a processor fault.
    """
    begun = time.monotonic() - link.now_s()
    output = b""
    while not stop():
        ahead_s = link.now_s() - (time.monotonic() - begun)
        if fast:
            wait_s = 0.2 if link.idle and not output else 0.0
        else:
            wait_s = max(0.0, ahead_s)
            if ahead_s < -0.05:
                begun = time.monotonic() - link.now_s()
        data = wire.exchange(output, wait_s)
        if data:
            link.write(data)
        elif fast and wait_s:  # nothing to do and nobody speaks: virtual time stands still
            output = b""
            continue
        output = link.read(SLICE_S)
