"""Arm Cortex-M7: Armv7E-M, dual issue, caches and tightly coupled memories. TRM: DDI 0489."""

from __future__ import annotations

from tinyperf.cores import MAINLINE, Core, DualIssue, Exceptions, m4, scaled

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
    # Measured over what the Cortex-M4's say: layers of the reference models on the virtual DISCO-F746NG, and of the
    # small networks of perf/choose.py --chip stm32f746. Layers of one pixel take up to twice as much where weights miss
    # the data cache: the middle.
    costs={
        # The layers of the Cortex-M4's: within 8 % (one 19 %), and within 8 %.
        "conv_1x1_dsp": {"taps": 17.8, "iteration": 24.8, "outputs": 38.5, "channels": 139.0, "uncached": 0.0},
        "conv_2d_dsp": {"tap": 1.2, "iteration": 18.9, "output": 22.0, "gathered": 0.0, "row": 84.0},
        # In DTCM: kws within 4 %, ic within 10 %. Behind the data cache (vww) up to a quarter more.
        "conv_pairs_dsp": {
            "taps": 8.5,
            "iteration": 2.7,
            "outputs": 36.4,
            "outputs in planes": 38.3,
            "ties": 22.32,
            "clamped": 1.6,
            "taps alone": 5.52,
            "output alone": 31.12,
            "copied": 0.72,
            "channels": 47.5,
            "part": 173.6,
            "paired": 0.73,
            "paired planes": 1.09,
            "gathered": 1.5,
            "row": 34.0,
            "left": 30.0,
        },
        # ad: within 1 %, of eight inputs 6 %.
        "fully_connected_pairs_dsp": {
            "tap": 1.036,
            "output": 6.1,
            "ties": 2.0,
            "input": 0.9,
            "call": 125.0,
            "sum": 3.5,
            "chunk": 130.0,
        },
    }
    | scaled(
        m4.COSTS_IN_CACHE,
        {
            "average_pool_dsp": 0.9,
            "conv_direct_dsp": 0.79,
            "conv_winograd_dsp": 0.78,
            "depthwise_conv_2d_dsp": 0.83,
            "depthwise_planes_dsp": 0.90,
            "fully_connected_dsp": 0.74,
            "laid": 0.55,
            "pool_2d": 0.56,
            "pool_planes": 0.45,
            "pool_planes_dsp": 0.47,
            "softmax": 1.0,
        },
    ),
)
