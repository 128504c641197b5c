"""Clocks of the RP2040 and RP2350: CLOCKS, the PLLs and the crystal oscillator, which differ in their addresses only.

Source: RP2040 datasheet, 2.15 to 2.18; RP2350 datasheet, 8.1, 8.2 and 8.6. Dividers behind the sources are taken as 1,
which they are after reset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.chips import ClockTree
from tinyperf.virtual.board.rp2.atomic import Atomic

if TYPE_CHECKING:
    from tinyperf.virtual.board.peripherals import Host

XOSC_HZ = 12_000_000
"""The crystal of the Picos."""


class Clocks(Atomic, ClockTree):
    """CLOCKS; a chip's own has its flash. `ring_hz`: of the ring oscillator."""

    REF_CTRL, REF_SELECTED, SYS_CTRL, SYS_SELECTED, PERI_CTRL = 0x30, 0x38, 0x3C, 0x44, 0x48

    def __init__(
        self, host: Host, plls: tuple[Atomic, Atomic], *, ring_hz: int, resets: dict[int, int] | None = None
    ) -> None:
        reads = {
            self.REF_SELECTED: lambda regs: 1 << (regs.get(self.REF_CTRL, 0) & 3),
            self.SYS_SELECTED: lambda regs: 1 << (regs.get(self.SYS_CTRL, 0) & 1),
        }
        super().__init__(host, resets, reads, clocks=True)
        self._plls, self._ring_hz = plls, ring_hz

    def hz(self, name: str) -> int:
        if name == "peri":
            return self._auxiliary(self.regs.get(self.PERI_CTRL, 0) >> 5 & 7, (self.hz("hclk"), *self._sources()))
        if name == "ref":
            ring = self._ring_hz
            return (ring, self._pll(1), XOSC_HZ, ring)[self.regs.get(self.REF_CTRL, 0) & 3]
        control = self.regs.get(self.SYS_CTRL, 0)
        return self._auxiliary(control >> 5 & 7, self._sources()) if control & 1 else self.hz("ref")

    def _sources(self) -> tuple[int, ...]:
        return self._pll(0), self._pll(1), self._ring_hz, XOSC_HZ

    @staticmethod
    def _auxiliary(choice: int, sources: tuple[int, ...]) -> int:
        return sources[choice] if choice < len(sources) else XOSC_HZ

    def _pll(self, number: int) -> int:
        regs = self._plls[number].regs
        if regs[4] & 0x29:  # PWR: PD, POSTDIVPD, VCOPD
            return XOSC_HZ
        vco = XOSC_HZ // max(regs[0] & 63, 1) * regs.get(8, 0)
        return max(vco // max(regs[0xC] >> 16 & 7, 1) // max(regs[0xC] >> 12 & 7, 1), 1)


def pll(host: Host) -> Atomic:
    """Locked as soon as it is powered."""
    reads = {0: lambda regs: regs[0] | (0 if regs[4] & 0x21 else 1 << 31)}
    return Atomic(host, {0: 1, 4: 0x2D, 0xC: 0x7_7000}, reads, clocks=True)


def crystal(host: Host) -> Atomic:
    """XOSC: where it is enabled, it is stable."""
    return Atomic(host, {}, {4: lambda regs: 0x8000_1000 if regs.get(0, 0) >> 12 & 0xFFF == 0xFAB else 0})


def resets(host: Host, blocks: int) -> Atomic:
    """RESETS: all `blocks` in reset; RESET_DONE follows RESET."""
    return Atomic(host, {0: blocks}, {8: lambda regs: ~regs[0] & blocks})
