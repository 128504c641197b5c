"""Convolutions on pairs of pixels, as conv_pairs_dsp, where the weights are in RAM already."""

from functools import partial

from tinyperf.engines.aot.kernels import Kernel
from tinyperf.engines.aot.kernels.conv_pairs_dsp import emit, forms, lacks
from tinyperf.engines.aot.operators.conv_2d import Conv

KERNEL = Kernel(
    "conv_pairs_resident_dsp",
    Conv,
    "tp_conv_pairs_dsp.h",
    forms,
    partial(emit, copies=False),
    lacks,
    needs=frozenset({"dsp", "fpu"}),
)
