"""Arm Cortex-M0+: Armv6-M. TRM: DDI 0484C; architecture: DDI 0419."""

from __future__ import annotations

from tinyperf.cores import Core, Exceptions, TwoStage

CORE = Core(
    name="cortex-m0plus",
    title="Arm Cortex-M0+",
    architecture="armv6-m",
    features=frozenset(),
    # TRM, 3.8: 15 cycles with zero-wait memory. The way back is not documented: the loads of the eight words of a frame
    # at two cycles less the pipelining of LDM (1 + N, TRM table 3-1), and the refill.
    exceptions=Exceptions(entry_cycles=15, exit_cycles=11, tail_chain_cycles=6, priority_bits=2),
    unicorn="CORTEX_M0",
    pipeline=TwoStage(multiply=1),  # the fast multiplier; the small one, which takes 32, is in none of our chips
    # Settled on the layers of ad as the virtual NUCLEO-G0B1RE counts them: within 6 %.
    costs={"conv_1x1": {"tap": 11.3, "output": 90.0}, "conv_2d": {"tap": 14.3, "output": 90.0}},
)
