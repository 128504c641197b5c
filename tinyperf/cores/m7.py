"""Arm Cortex-M7: Armv7E-M, dual issue, caches and tightly coupled memories. TRM: DDI 0489."""

from __future__ import annotations

from tinyperf.cores import MAINLINE, Core, DualIssue, Exceptions

CORE = Core(
    name="cortex-m7",
    title="Arm Cortex-M7",
    architecture="armv7e-m",
    features=MAINLINE | {"dsp", "fpu", "fpu_double"},
    optional=frozenset({"fpu", "fpu_double"}),
    fpus={"fpu": "fpv5-sp-d16", "fpu_double": "fpv5-d16"},
    # 12 cycles into a handler whose vectors and stack lie in TCM. The TRM gives no figures for the rest: as Cortex-M4.
    exceptions=Exceptions(entry_cycles=12, exit_cycles=10, tail_chain_cycles=6),
    unicorn="CORTEX_M7",
    pipeline=DualIssue(divide=8, fp_divide=16, mispredicted=8, flags_ahead=2, indirect=2, unaligned=3),
)
