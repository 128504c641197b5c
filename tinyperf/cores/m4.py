"""Arm Cortex-M4: Armv7E-M. TRM: DDI 0439."""

from __future__ import annotations

from tinyperf.cores import MAINLINE, Core, Exceptions, FetchQueue

CORE = Core(
    name="cortex-m4",
    title="Arm Cortex-M4",
    architecture="armv7e-m",
    features=MAINLINE | {"dsp", "fpu"},
    optional=frozenset({"fpu"}),
    fpus={"fpu": "fpv4-sp-d16"},
    # TRM, "Exceptions": 12 cycles to the first instruction of a handler with zero-wait memory (FP state stacked
    # lazily), 6 from one handler to the next. The way back takes as many loads as the way in stores.
    exceptions=Exceptions(entry_cycles=12, exit_cycles=10, tail_chain_cycles=6),
    unicorn="CORTEX_M4",
    pipeline=FetchQueue(
        divide=6,  # 2 to 12 by the leading zeros of the operands; the middle of what quotients of 8 to 16 bits take
        branch=1,  # the TRM says 1 to 3 by alignment and width of the target, which the queue has in it
        branch_register=2,
        load_pc=3,
        address_stall=1,
        register_store=2,
        load_behind_store=1,
        pre_indexed=1,  # the weakest: settled on HALE 1.0 ad alone, see docs/virtual_board.md
        fp_multiply_add=3,
        fp_divide=14,
    ),
    # Fitted by hand to a few layers of the reference models; they only rank the kernels that fit.
    costs={
        "add": {"element": 60.0},
        "add_dsp": {"element": 28.0},
        "clamp_codes": {"element": 8.0},
        "conv_1x1_dsp": {"tap": 1.65, "output": 14.0},
        "conv_2d": {"tap": 6.0, "output": 40.0},
        "conv_2d_dsp": {"tap": 1.65, "output": 18.0, "gathered": 1.5, "row": 10.0},
        "depthwise_conv_2d": {"tap": 12.0, "output": 40.0},
        "depthwise_conv_2d_dsp": {
            "tap": 2.4,
            "tap of one code": 2.4,
            "tap of two codes": 3.1,
            "tap of four codes": 4.9,
            "output": 14.0,
            "copied": 1.0,
        },
        "fully_connected_dsp": {"tap": 2.6, "output": 24.0},
        "mean": {"element": 6.0},
        "pad": {"element": 8.0},
        "pool_2d": {"tap": 6.0, "output": 20.0},
        "rescale": {"element": 20.0},
        "softmax": {"element": 400.0},
    },
)
