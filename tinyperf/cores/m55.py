"""Arm Cortex-M55: Armv8.1-M mainline with Helium. TRM: 101051."""

from __future__ import annotations

from tinyperf.cores import MAINLINE, Core, Exceptions

CORE = Core(
    name="cortex-m55",
    title="Arm Cortex-M55",
    architecture="armv8.1-m.main",
    features=MAINLINE | {"dsp", "fpu", "fpu_double", "mve"},
    optional=frozenset({"fpu", "fpu_double", "mve"}),
    fpus={"fpu": "auto", "fpu_double": "auto"},
    # Arm publishes no timings of this core: the Cortex-M4's.
    exceptions=Exceptions(entry_cycles=12, exit_cycles=10, tail_chain_cycles=6, return_mask=0xFFFF_FFBE),
)
