"""Arm Cortex-M33: Armv8-M mainline. TRM: 100230."""

from __future__ import annotations

from tinyperf.cores import MAINLINE, Core, Exceptions, PairedIssue

CORE = Core(
    name="cortex-m33",
    title="Arm Cortex-M33",
    architecture="armv8-m.main",
    features=MAINLINE | {"dsp", "fpu"},
    optional=frozenset({"dsp", "fpu"}),
    fpus={"fpu": "fpv5-sp-d16"},
    # Arm publishes no timings of this core: the Cortex-M4's.
    exceptions=Exceptions(entry_cycles=12, exit_cycles=10, tail_chain_cycles=6, return_mask=0xFFFF_FFBE),
    unicorn="CORTEX_M33",
    pipeline=PairedIssue(divide=6, fp_divide=14),
)
