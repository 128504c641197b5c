"""What a virtual board draws: a linear model over its activity. Always an estimate.

Charge follows the core clock's cycles; a core that waits for flash or sleeps draws less. A linear regulator passes the
core's current on, whatever the supply (published figures at 1.8 and 3 V: within 2 %), so that energy follows the core
voltage; behind a switching converter power is what stays, and energy follows its square (published pairs at two clocks:
docs/virtual_board.md, "Energy").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinyperf.chip import Power


def core_mv(figures: Power, clock_hz: int) -> int:
    """Core voltage of the lowest range that takes the clock."""
    return next((row.mv for row in figures.core_mv if clock_hz <= row.up_to_hz), figures.core_mv[-1].mv)


def mean_w(
    figures: Power,
    *,
    active_cycles: float,
    flash_misses: float,
    idle_cycles: float,
    seconds: float,
    clock_hz: int,
    supply_mv: int,
) -> float:
    """Mean power over `seconds` in which the core was active and idle for so many cycles of its clock.

    `flash_misses`: data reads that waited for flash, among the active cycles.
    """
    if seconds <= 0:
        return 0.0
    moving = max(active_cycles - figures.stall_cycles_per_flash_miss * flash_misses, 0.0)
    charge_c = moving * figures.active_pc_per_cycle * 1e-12 + idle_cycles * figures.idle_ma_per_mhz * 1e-9
    less = core_mv(figures, clock_hz) / figures.core_mv[-1].mv
    charge_c *= less if figures.switched_at_mv is None else less**2
    current_a = charge_c / seconds + figures.static_ma * 1e-3
    return current_a * (figures.switched_at_mv or supply_mv) * 1e-3
