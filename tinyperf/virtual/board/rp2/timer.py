"""TIMER of the RP2040 and RP2350. Source: RP2040 datasheet, 4.6; RP2350 datasheet, 12.8."""

from __future__ import annotations

from tinyperf.virtual.board.rp2.atomic import Atomic

US = 1_000_000
"""Picoseconds."""


class Timer(Atomic):
    """Microseconds, where the tick that it counts is as long as that; alarms are storage."""

    TIMEHR, TIMELR, TIMERAWH, TIMERAWL = 0x08, 0x0C, 0x24, 0x28

    def load(self, offset: int) -> int:
        if offset not in {self.TIMELR, self.TIMERAWH, self.TIMERAWL}:
            return super().load(offset)
        self.host.time_was_read()
        now_us = self.host.now_ps() // US
        if offset == self.TIMELR:
            self.regs[self.TIMEHR] = now_us >> 32
        return now_us >> 32 if offset == self.TIMERAWH else now_us & 0xFFFF_FFFF
