"""The driver's end of an instrument that is played on a pseudo terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.device.port_reader import PortReader

if TYPE_CHECKING:
    from tinyperf.virtual.pty_port import PtyPort

ANY_BAUD = 115200  # a pseudo terminal has none


class PlayedPort(PortReader):
    """A `PortReader` on a simulator, which ends with it.

    Writing returns when the simulator has obeyed: in virtual time a command takes none, acknowledged or not.
    """

    def __init__(self, simulator: PtyPort) -> None:
        self._simulator = simulator
        try:
            super().__init__(simulator.path, ANY_BAUD)
        except BaseException:
            simulator.close()
            raise

    def write(self, data: bytes) -> None:
        super().write(data)
        self._simulator.wait_for(self.written)

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._simulator.close()
