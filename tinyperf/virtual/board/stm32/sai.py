"""SAI block A of the STM32L4+ (RM0432) as an I2S slave receiver: samples that the interface board plays, to the DMA."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.clock import PS
from tinyperf.virtual.board.peripherals import Peripheral

if TYPE_CHECKING:
    from tinyperf.virtual.board.peripherals import Event, Host
    from tinyperf.virtual.board.stm32.dma import Dma

ITEMS_HZ = 32_000
"""Samples of both channels in a second, at 16 kHz."""


class Sai(Peripheral):
    """`play` gives it what comes over the line; without that there is no bit clock, and nothing happens.

    Samples reach memory when the DMA's next half is full, all at once, at the time when the last of them would: one
    event for 1024 samples. CNDTR does not count between.
    """

    CR1 = 0x04
    ENABLED = 1 << 16 | 1 << 17  # SAIEN, DMAEN

    def __init__(self, host: Host, dmas: tuple[Dma, ...], request: int) -> None:
        super().__init__(host)
        self.dmas, self.request = dmas, request
        self._silence()

    def _silence(self) -> None:
        self._line = b""
        self._begun_ps = 0
        self._next = 0  # the item that is received next
        self._event: Event | None = None

    def reset(self) -> None:
        super().reset()
        self._silence()

    def play(self, line: bytes) -> None:
        """From now on these samples are on the line: 16 bits, little-endian, left and right in turn."""
        self._line, self._begun_ps = line, self.host.now_ps()
        self._next = 0
        self._plan()

    @property
    def playing(self) -> bool:
        """The end of what is played has not come."""
        return self.host.now_ps() < self._begun_ps + len(self._line) // 2 * PS // ITEMS_HZ

    def write(self, offset: int, value: int) -> None:
        was_on = self._on()
        super().write(offset, value)
        if offset == self.CR1 and self._on() != was_on:
            now = (self.host.now_ps() - self._begun_ps) * ITEMS_HZ // PS
            self._next = min(now, len(self._line) // 2)
            self._plan()

    def _on(self) -> bool:
        return self.regs.get(self.CR1, 0) & self.ENABLED == self.ENABLED

    def _plan(self) -> None:
        if self._event:
            self._event.cancel()
            self._event = None
        if not self._on():
            return
        wanted = sum(dma.items_to_half(self.request) for dma in self.dmas)
        end = self._next + wanted
        if wanted and 2 * end <= len(self._line):
            self._event = self.host.at(self._begun_ps + end * PS // ITEMS_HZ, lambda: self._arrived(end))

    def _arrived(self, end: int) -> None:
        self._event = None
        data = self._line[2 * self._next : 2 * end]
        self._next = end
        for dma in self.dmas:
            dma.fill(self.request, data)
        self._plan()
