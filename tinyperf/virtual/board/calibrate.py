"""Cycles per instruction of an image, from the detailed model, for the windows that then run in quanta."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.virtual.board.link import VirtualLink


SHORT = 500_000
"""Cycles. What surrounds the first call, on cold caches, takes up to some 1,300 more than around the second: a
thousandth of such an inference, but half of the smallest. Those are measured again, on caches that are warm."""


@dataclass(frozen=True)
class Calibration:
    """One inference in full detail. `flash_misses_per_inference`: data reads that waited for flash."""

    instructions_per_inference: int
    cycles_per_inference: int
    flash_misses_per_inference: int
    cpi: float


def calibrate(link: VirtualLink, infer: Callable[[int], None]) -> Calibration:
    """Run `infer(1)` and `infer(3)` in full detail and take half of the difference, so that serial output cancels.

    One inference goes before: a block that runs for the first time is looked through, and told of again at each stop.
    `infer(n)` makes the firmware run n inferences without warm-up and returns when it has answered. Afterwards the
    link takes the cycles per instruction that were found.
    """
    infer(1)
    link.detailed = True
    try:
        instructions, cycles, misses = _difference(link, infer)
        if cycles < SHORT:
            instructions, cycles, misses = _difference(link, infer)
    finally:
        link.detailed = False
    if instructions <= 0 or cycles <= 0:
        raise DeviceError(
            f"the virtual board counted {instructions:,} instructions and {cycles:,} cycles for one inference",
            means="the inference is so short that what surrounds it, on cold caches, outweighs it",
            hint="'tinyperf run' measures windows of many inferences",
        )
    found = Calibration(instructions, cycles, misses, cycles / instructions)
    link.set_cycles_per_instruction(found.cpi)
    return found


def _difference(link: VirtualLink, infer: Callable[[int], None]) -> tuple[int, int, int]:
    """Instructions, cycles and flash misses of one inference."""
    one = _cost(link, infer, 1)
    three = _cost(link, infer, 3)
    instructions, cycles, misses = ((b - a) // 2 for a, b in zip(one, three, strict=True))
    return instructions, cycles, misses


def _cost(link: VirtualLink, infer: Callable[[int], None], inferences: int) -> tuple[int, int, int]:
    before = link.counters()
    skipped = link.machine.waited_cycles
    misses = link.activity.flash_data_misses
    infer(inferences)
    after = link.counters()
    # Waiting for the serial port is skipped, not executed: it would count as cycles without instructions.
    return (
        after.instructions - before.instructions,
        after.cycles - before.cycles - (link.machine.waited_cycles - skipped),
        link.activity.flash_data_misses - misses,
    )
