"""Arm Cortex-M4: Armv7E-M. TRM: DDI 0439."""

from __future__ import annotations

from tinyperf.cores import MAINLINE, Core, Exceptions, FetchQueue

CONV_PAIRS = {
    "taps": 15.04,
    "iteration": 4.7,
    "outputs": 64.5,
    "outputs in planes": 49.1,
    "ties": 27.9,
    "clamped": 2.0,
    "taps alone": 6.9,
    "output alone": 38.9,
    "copied": 0.9,
    "channels": 139.0,
    "part": 217.0,
    "paired": 1.83,
    "paired planes": 1.36,
    "gathered": 3.75,
    "row": 17.0,
    "left": 28.7,
}
"""kws, vww, ic (3x3 and 1x1) and four small networks, 37 layers: within 4 %."""

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
    # They only rank the kernels that fit. Settled on layers of the reference models as the virtual NUCLEO-L4R5ZI counts
    # them at 120 MHz, those of vww with and without fold, each also by kernels that are not chosen; per kernel: where.
    costs={
        "add": {"element": 60.0},
        "add_dsp": {"element": 28.0},
        "clamp_codes": {"element": 8.0},
        # Of 3x3 to 48x48 pixels, 8 to 256 channels, 26 layers: within 2 %.
        "conv_1x1_dsp": {"taps": 22.85, "iteration": 3.4, "outputs": 56.8, "channels": 88.0, "uncached": 2.7},
        # Of 1x1, 3x3 and 5x5 pixels, and of one, in small networks, 11 layers: within 6 %.
        "conv_2d": {"tap": 10.4, "row": 40.0, "output": 20.0},
        # Of 1 to 64 channels, 1x1, 3x3 and 5x5 pixels, 11 layers: within 4 %.
        "conv_2d_dsp": {"tap": 1.683, "iteration": 3.4, "output": 18.7, "gathered": 1.0, "row": 31.6},
        # A chain of 5x1 depthwise, 1x1 and fully connected layers of 64 channels: within 5 %.
        "conv_2d_int16_dsp": {"tap": 2.45, "output": 15.0},
        # vww, ic (3x3 and 1x1) and two small networks, 17 layers: within 2 %; the first of ic, unaligned, 5 %.
        "conv_direct_dsp": {
            "pair": 15.02,
            "shared": 5.0,
            "pass": 5.0,
            "row of a window": 4.8,
            "outputs": 51.1,
            "outputs in planes": 47.8,
            "ties": 15.9,
            "clamped": 2.0,
            "copied": 1.31,
            "row": 30.0,
            "channels": 0.0,
            "paired": 4.2,
            "paired row": 42.4,
        },
        "conv_pairs_dsp": CONV_PAIRS,
        # The same layers, read from flash: within 10 %, of 3x3 pixels 20 %.
        "conv_pairs_flash_dsp": {
            "taps": 17.7,
            "iteration": 4.0,
            "outputs": 70.0,
            "outputs in planes": 40.0,
            "ties": 8.0,
            "clamped": 2.0,
            "taps alone": 25.0,
            "output alone": 50.0,
            "copied": 0.75,
            "channels": 240.0,
            "part": 100.0,
            "paired": 1.77,
            "paired planes": 1.2,
            "gathered": 3.75,
            "row": 17.0,
            "left": 28.7,
        },
        # ic, and as cut for time: within 2 %.
        "conv_winograd_dsp": {
            "product": 1.10,
            "block": 13.0,
            "pass": 20.0,
            "input": 11.9,
            "copied": 1.5,
            "output": 21.0,
            "call": 280.0,
            "turn": 300.0,
            "weights": 0.28,
        },
        "depthwise_conv_2d": {"tap": 12.0, "output": 40.0},
        "depthwise_conv_2d_int16_dsp": {"tap": 4.0, "output": 20.0},  # the same chain
        # kws and vww, 21 layers: within 15 %. Copies have in them what strides cost, whose pixels share fewer codes.
        # Several channels of one code, and windows of 1x3 and 5x5: a chain of layers of 9x8 pixels, within 13 %.
        "depthwise_conv_2d_dsp": {
            "tap": 5.5,
            "tap of one code": 5.9,
            "tap of two codes": 5.7,
            "tap of four codes": 10.0,
            "output": 8.0,
            "copied": 4.6,
        },
        # The layers of the streaming wakeword model: within 4 %; taps apart from the outputs' steps: by count.
        "depthwise_line_dsp": {"tap": 5.3, "product": 1.0, "product apart": 2.5, "output": 10.3},
        # kws and vww, 25 layers: within 5 %; from planes of 6x6 to 3x3 9 % off.
        "depthwise_planes_dsp": {
            "row": 29.0,
            "row of stride 2": 40.0,
            "channel": 13.9,
            "channel of stride 2": 48.9,
            "copied row": 19.9,
            "loaded row": 50.0,
        },
        # kws, ic, 64 to 256 inputs: within 4 %; fewer within 20 %.
        "fully_connected_dsp": {"tap": 2.68, "output": 20.0, "call": 350.0},
        # ad: within 1 %, of eight inputs 3 %. A chunk loads code that a round of outputs has pushed from the cache.
        "fully_connected_pairs_dsp": {
            "tap": 1.496,
            "output": 7.1,
            "ties": 2.5,
            "input": 2.4,
            "call": 640.0,
            "sum": 5.6,
            "chunk": 420.0,
        },
        # Six shapes of 4x4 to 16x16 pixels, all layouts: within 11 %. A run: the codes of a row and channel.
        "laid": {"run": 6.0, "element": 7.9, "run to planes": 4.0, "element to planes": 7.3},
        "mean": {"element": 6.0},
        "pad": {"element": 8.0},
        "average_pool_dsp": {"word": 5.0, "row": 11.0, "outputs": 80.0},  # of ic alone: 8x8 pixels
        "pool_2d": {"tap": 8.3, "output": 20.0},  # kws and ic: within 6 %
        "pool_planes": {"tap": 7.0, "output": 26.0},  # of 90 and 120 pixels: within 1 %
        # kws, vww, and of 90 and 120 pixels: within 3 %.
        "pool_planes_dsp": {"word": 5.1, "rest": 6.9, "output": 17.4, "call": 480.0},
        "rescale": {"element": 20.0},
        "softmax": {
            "row": 1600.0,
            "element": 288.0,
        },  # kws, and of ten elements: within 2 %
    },
    resident_costs={
        # ad: within 1 %, of eight inputs 2 %. ic: within 3 %. The third: kws, vww, ic, within 3 % from 15 k cycles on.
        "fully_connected_pairs_dsp": {"tap": 1.217},
        "conv_winograd_dsp": {"product": 1.04, "weights": 0.0},
        "conv_pairs_resident_dsp": {**CONV_PAIRS, "copied": 0.0},
    },
)

COSTS_IN_CACHE = {
    **CORE.costs,
    "conv_winograd_dsp": {**CORE.costs["conv_winograd_dsp"], "turn": 0.0},
    "depthwise_planes_dsp": {**CORE.costs["depthwise_planes_dsp"], "loaded row": 0.0},
}
"""The same where the cache of instructions holds all functions that are called in turn."""
