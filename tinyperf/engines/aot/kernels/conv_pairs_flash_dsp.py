"""Convolutions on pairs of pixels, as conv_pairs_dsp, but weights are read from flash, not copied to RAM first."""

from functools import partial

from tinyperf.engines.aot.kernels import Kernel
from tinyperf.engines.aot.kernels.conv_pairs_dsp import FLASH_STEPS, emit, forms, lacks
from tinyperf.engines.aot.operators.conv_2d import Conv

KERNEL = Kernel(
    "conv_pairs_flash_dsp",
    Conv,
    "tp_conv_pairs_dsp.h",
    partial(forms, most_steps=FLASH_STEPS),
    partial(emit, copies=False, most_steps=FLASH_STEPS),
    lacks,
    needs=frozenset({"dsp", "fpu"}),
)
