"""Arm Cortex-M33: Armv8-M mainline. TRM: 100230."""

from __future__ import annotations

from dataclasses import replace

from tinyperf.cores import MAINLINE, Core, Exceptions
from tinyperf.cores.m4 import CORE as M4

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
    # The Cortex-M4's without the stall on a rotated value and with the shortest branch: chosen on the three HALE 1.0
    # images kws, ic and ad for the NUCLEO-U575ZI-Q, checked on the others.
    pipeline=replace(M4.pipeline, branch=1, rotated_use=0) if M4.pipeline else None,
)
