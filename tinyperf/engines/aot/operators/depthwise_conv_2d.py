"""DEPTHWISE_CONV_2D."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._float_weighted import FLOATS, depthwise
from tinyperf.engines.aot.operators._rules import activation_is_known
from tinyperf.engines.aot.operators._sample import window_sample
from tinyperf.engines.aot.operators._scales import clamp, int8, zero
from tinyperf.engines.aot.operators._weighted import SHORT, Weighted, channels, ratios
from tinyperf.engines.aot.operators._weighted_int16 import INT16, bias_is_constant_int64
from tinyperf.engines.aot.operators._weighted_int16 import depthwise as depthwise_int16
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
class Depthwise(Weighted):
    """DEPTHWISE_CONV_2D. `weights` int8 [kernel_h, kernel_w, out]; out = in * depth_multiplier."""

    depth_multiplier: int

    @property
    def rows(self) -> npt.NDArray[np.int8]:
        return self.weights.reshape(-1, self.weights.shape[2]).T

    def sums(self, windows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        *kernel, channels = windows.shape[3:]
        weights = self.weights.reshape(*kernel, channels, self.depth_multiplier).astype(np.float64)
        made: npt.NDArray[np.float64] = np.einsum("nyxklc,klcm->nyxcm", windows, weights)
        return made.reshape(*windows.shape[:3], -1)


def weights_fit_the_channels(use: Use) -> str | None:
    """Weights are [1, height, width, output channels]; output channels = input channels x depth multiplier."""
    weights, given, made = use.input(1).shape, use.input(0).shape[-1], use.output.shape[-1]
    if len(weights) == 4 and weights[0] == 1 and weights[3] == made == given * use.number("depth_multiplier"):
        return None
    return f"weights of shape {list(weights)} for {given} channels in, {made} out"


def lower(use: Use) -> Depthwise:
    weights = int8(use.input(1))[0]
    per_channel = channels(use, weights.shape[2], ratios(use))
    multiplier = use.number("depth_multiplier")
    return Depthwise(window(use), weights, per_channel, zero(use.input(0)), zero(use.output), clamp(use), multiplier)


def macs(use: Use) -> int:
    """Outputs times taps; positions that padding adds are counted, as every published figure does."""
    return use.output.elements * math.prod(use.input(1).shape[:-1])


def sample(random: Random) -> Sample:
    kernel = random.pick((3, 3), (3, 3), (random.integer(1, 4), random.integer(1, 4)))
    dilation = random.pick((1, 1), (1, 1), (2, 1), (2, 3))
    in_c, multiplier = random.pick(1, 3, 4, 8), random.pick(1, 1, 2, 3)
    batch = random.batch()
    given, made, options = window_sample(random, kernel, dilation)
    weights = random.weights(1, *kernel, in_c * multiplier)
    options |= {"dilation_h_factor": dilation[0], "dilation_w_factor": dilation[1], "depth_multiplier": multiplier}
    out = (batch, *made, in_c * multiplier)
    return random.weighted("DEPTHWISE_CONV_2D", (batch, *given, in_c), weights, out, options, axis=3)


OPERATOR = Operator(
    kind="DEPTHWISE_CONV_2D",
    arity=Arity(2, 3),
    rules=(images_have_four_dimensions, weights_fit_the_channels, window_fits, activation_is_known),
    types=(
        Typed(("int8",), rules=SHORT),
        Typed(("int16",), rules=(*INT16, bias_is_constant_int64), lower=depthwise_int16),
        Typed(("float32",), rules=FLOATS, lower=depthwise),
    ),
    lower=lower,
    macs=macs,
    each_image=True,
    sample=sample,
)
