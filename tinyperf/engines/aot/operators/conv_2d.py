"""CONV_2D."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._float_weighted import FLOATS, conv
from tinyperf.engines.aot.operators._grouped import GroupedConv
from tinyperf.engines.aot.operators._rules import activation_is_known
from tinyperf.engines.aot.operators._sample import window_sample
from tinyperf.engines.aot.operators._scales import clamp, int8, zero
from tinyperf.engines.aot.operators._weighted import SHORT, Weighted, channels, macs, ratios
from tinyperf.engines.aot.operators._weighted_int16 import INT16, bias_is_constant
from tinyperf.engines.aot.operators._weighted_int16 import conv as conv_int16
from tinyperf.engines.aot.operators._window import (
    images_have_four_dimensions,
    window,
    window_fits,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


@dataclass(frozen=True, eq=False)
class Conv(Weighted):
    """CONV_2D, and FULLY_CONNECTED as a 1x1 convolution. `weights` int8 [out, kernel_h, kernel_w, in]."""

    @property
    def rows(self) -> npt.NDArray[np.int8]:
        return self.weights.reshape(self.weights.shape[0], -1)

    def sums(self, windows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        taps = windows.reshape(*windows.shape[:3], -1)
        return taps @ self.rows.T.astype(np.float64)


def weights_fit_the_groups(use: Use) -> str | None:
    """Weights are [output channels, height, width, input channels / groups]; all channels divide into groups."""
    weights, given, made = use.input(1).shape, use.input(0).shape[-1], use.output.shape[-1]
    whole = len(weights) == 4 and weights[0] == made and weights[3] > 0 and given > 0 and not given % weights[3]
    if whole and not made % (given // weights[3]):
        return None
    return f"weights of shape {list(weights)} for {given} channels in, {made} out"


def lower(use: Use) -> Conv | GroupedConv:
    weights = int8(use.input(1))
    per_channel = channels(use, weights.shape[0], ratios(use))
    make = Conv if weights.shape[3] == use.input(0).shape[3] else GroupedConv
    return make(window(use), weights, per_channel, zero(use.input(0)), zero(use.output), clamp(use))


def sample(random: Random) -> Sample:
    kernel = random.integer(1, 3), random.integer(1, 3)
    dilation = random.pick((1, 1), (1, 1), (2, 1), (2, 3))
    in_c, out_c = random.pick(1, 2, 4, 8, 16, 3), random.integer(1, 7)
    if random.pick(True, False):
        kernel, dilation = (1, 1), (1, 1)
    batch = random.batch()
    given, made, options = window_sample(random, kernel, dilation)
    groups = random.pick(1, 1, 1, in_c, max(in_c // 2, 1))
    out_c = out_c if groups == 1 else groups * random.integer(1, 2)
    weights = random.weights(out_c, *kernel, in_c // groups)
    options |= {"dilation_h_factor": dilation[0], "dilation_w_factor": dilation[1]}
    return random.weighted("CONV_2D", (batch, *given, in_c), weights, (batch, *made, out_c), options)


OPERATOR = Operator(
    kind="CONV_2D",
    arity=Arity(2, 3),
    rules=(images_have_four_dimensions, window_fits, activation_is_known),
    types=(
        Typed(("int8",), rules=(*SHORT, weights_fit_the_groups)),
        Typed(("int16",), rules=(*INT16, bias_is_constant, weights_fit_the_groups), lower=conv_int16),
        Typed(("float32",), rules=(*FLOATS, weights_fit_the_groups), lower=conv),
    ),
    lower=lower,
    macs=macs,
    each_image=True,
    sample=sample,
)
