"""Arm Cortex-M33: Armv8-M mainline. TRM: 100230."""

from __future__ import annotations

from tinyperf.cores import MAINLINE, Core, Exceptions, PairedIssue, m4, scaled

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
    # Measured over what the Cortex-M4's say: layers of the reference models on the virtual NUCLEO-U575ZI-Q, and of the
    # small networks of perf/choose.py --chip stm32u575.
    costs={
        # The layers of the Cortex-M4's: within 2 %, and within 3 %.
        "conv_1x1_dsp": {"taps": 21.8, "iteration": 2.7, "outputs": 56.3, "channels": 100.0, "uncached": 0.45},
        "conv_2d_dsp": {"tap": 1.456, "iteration": 3.4, "output": 14.4, "gathered": 0.67, "row": 31.6},
        # kws, vww, ic, and four of the small networks, 36 layers: within 3 %.
        "conv_pairs_flash_dsp": {
            "taps": 14.1,
            "iteration": 4.0,
            "outputs": 61.2,
            "outputs in planes": 51.3,
            "ties": 30.0,
            "clamped": 1.6,
            "taps alone": 8.2,
            "output alone": 35.0,
            "copied": 0.22,
            "channels": 52.5,
            "part": 372.0,
            "paired": 1.62,
            "paired planes": 1.07,
            "gathered": 1.48,
            "row": 40.5,
            "left": 25.0,
        },
        # ad: within 1 %.
        "fully_connected_pairs_dsp": {
            "tap": 1.356,
            "output": 7.0,
            "ties": 3.2,
            "input": 1.8,
            "call": 130.0,
            "sum": 4.5,
            "chunk": 150.0,
        },
    }
    | scaled(
        m4.COSTS_IN_CACHE,
        {
            "average_pool_dsp": 0.97,
            "conv_direct_dsp": 0.92,
            "conv_pairs_dsp": 0.93,
            "conv_winograd_dsp": 0.90,
            "depthwise_conv_2d_dsp": 0.70,
            "depthwise_planes_dsp": 1.01,
            "fully_connected_dsp": 0.87,
            "laid": 0.83,
            "pool_2d": 0.82,
            "pool_planes": 0.58,
            "pool_planes_dsp": 0.77,
            "softmax": 0.92,
        },
    ),
    resident_costs={"fully_connected_pairs_dsp": {"tap": 1.095}},  # ad: within 1 %
)
