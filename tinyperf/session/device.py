"""Where the firmware runs that is to be measured, and how a conversation with it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from tinyperf.device import isolators
from tinyperf.device.dut import Dut
from tinyperf.virtual.connect import debug_port, is_process, open_image, open_port
from tinyperf.virtual.isolators.interface_board import Wired
from tinyperf.virtual.isolators.line import through

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tinyperf.board import Board
    from tinyperf.device.happenings import Direction
    from tinyperf.device.link import Link
    from tinyperf.virtual.isolators.interface_board import SoundBoard

    OpenLink = Callable[["Device"], Link]
    Recorder = Callable[[Direction, bytes, float], None]


def open_device(device: Device) -> Link:
    """The link to the board, or to the isolator in front of a real one; a virtual one starts from reset."""
    if device.image is not None:
        return open_image(device.board, device.image, cycles_per_instruction=device.cycles_per_instruction)
    return open_port(device.url or "", isolators.HOST_BAUD if device.isolator else device.baud)


@dataclass(frozen=True)
class Device:
    """A board on a port (`url`), or a virtual one that starts `image`.

    `cycles_per_instruction`: from one inference in full detail; what a virtual board counts with from then on.
    `card`: a folder, the memory card of an interface board that is played. `open_link`: makes the link.
    """

    board: Board
    image: Path | None
    url: str | None
    baud: int
    isolator: isolators.Choice | None = None
    cycles_per_instruction: float | None = None
    card: Path | None = None
    open_link: OpenLink = open_device

    @property
    def has_cycle_model(self) -> bool:
        """It is a virtual board whose time comes from a cycle model."""
        emulator = self.board.emulator
        return self.image is not None and emulator is not None and emulator.engine == "unicorn"

    @property
    def where(self) -> str:
        """The device in words."""
        if self.isolator:
            return f"the board behind {self.isolator.where} (which answers)"
        if self.url:
            return self.url
        return "the host process" if is_process(self.board) else f"the virtual {self.board.name}"

    def _wired(self, link: Link) -> Wired | None:
        """What else leads from a played interface board to a virtual board."""
        if self.card is None or self.board.sound is None or self.image is None:
            return None
        pins = self.board.sound
        return Wired(cast("SoundBoard", link), pins.detected_pin, pins.processing_pin, self.card)

    def dut(self, record: Recorder = lambda *_: None, wrap: Callable[[Link], Link] = lambda link: link) -> Dut:
        """Open it.

        Args: record: told every byte; wrap: stands between the link and the conversation; an energy run listens there.
        Raises: DeviceError: it cannot be opened, or the isolator in front of it is silent.
        """
        link = self.open_link(self)
        return Dut(
            through(self.isolator, wrap(link), self.baud, self._wired(link)),
            record,
            where=self.where,
            baud=self.baud if self.url else None,
            most_bytes=isolators.CHUNK_BYTES if self.isolator else None,
            store=debug_port(link),
        )
