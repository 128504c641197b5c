"""Arm Cortex-M0+: Armv6-M. TRM: DDI 0484C; architecture: DDI 0419."""

from __future__ import annotations

from tinyperf.cores import Core, Exceptions, TwoStage

CORE = Core(
    name="cortex-m0plus",
    title="Arm Cortex-M0+",
    architecture="armv6-m",
    features=frozenset({"thumb"}),
    # TRM, 3.8: 15 cycles with zero-wait memory. The way back is not documented: the loads of the eight words of a frame
    # at two cycles less the pipelining of LDM (1 + N, TRM table 3-1), and the refill.
    exceptions=Exceptions(entry_cycles=15, exit_cycles=11, tail_chain_cycles=6, priority_bits=2),
    unicorn="CORTEX_M0",
    pipeline=TwoStage(multiply=1),  # the fast multiplier; the small one, which takes 32, is in none of our chips
    # Settled on layers as the virtual NUCLEO-G0B1RE counts them: the portable ones of ad (when an output took 30 cycles
    # more), depthwise and thumb ones of kws, dense thumb ones of ad: within 5 %, but 13 % under for eight inputs.
    costs={
        "conv_1x1": {"tap": 11.3, "output": 90.0},
        "conv_1x1_thumb": {"tap": 6.4, "four": 110.0, "output": 95.0},
        "conv_2d": {"tap": 14.3, "row": 0.0, "output": 90.0},
        "conv_2d_thumb": {"tap": 4.1, "output": 90.0, "channel": 104.0, "gathered": 14.0},
        "depthwise_conv_2d": {"tap": 14.0, "output": 125.0},
    },
)
