"""What a layer computes, lowered to integers: shapes, zero points, multipliers, clamps. No scale is left.

`select` gives each a kernel, `plan` a place, `emit` its C. Shapes are (height, width, channels); batch is 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

Shape3 = tuple[int, int, int]
Pair = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """How a window slides over an image: sizes are (height, width); `pad` is what stands above and to the left."""

    in_shape: Shape3
    out_shape: Shape3
    kernel: Pair
    stride: Pair
    dilation: Pair
    pad: Pair

    @property
    def pixels(self) -> int:
        return self.out_shape[0] * self.out_shape[1]


@dataclass(frozen=True, eq=False)
class Channels:
    """Per output channel: bias (with the input zero point still to be subtracted), multiplier, shift; int32 arrays.

    `shift` is TFLM's: positive shifts left. `low`, `high`: proven bounds of every accumulator, int64.
    """

    bias: npt.NDArray[np.int32]
    multiplier: npt.NDArray[np.int32]
    shift: npt.NDArray[np.int32]
    low: npt.NDArray[np.int64]
    high: npt.NDArray[np.int64]

    @property
    def right_only(self) -> bool:
        """Every channel shifts right by at least 1 and its doubled accumulator fits 32 bits, or is flushed to 0.

        That licenses the short requantization of tp_kernels.h.
        """
        small = np.maximum(-self.low, self.high) < 2**30
        return bool(np.all((self.multiplier == 0) | ((self.shift <= -1) & small)))


@dataclass(frozen=True, eq=False)
class Conv:
    """CONV_2D, and FULLY_CONNECTED as a 1x1 convolution. `weights` int8 [out, kernel_h, kernel_w, in]."""

    window: Window
    weights: npt.NDArray[np.int8]
    channels: Channels
    in_zero: int
    out_zero: int
    clamp: Pair


@dataclass(frozen=True, eq=False)
class Depthwise:
    """DEPTHWISE_CONV_2D. `weights` int8 [kernel_h, kernel_w, out]; out = in * depth_multiplier."""

    window: Window
    weights: npt.NDArray[np.int8]
    channels: Channels
    in_zero: int
    out_zero: int
    clamp: Pair
    depth_multiplier: int


@dataclass(frozen=True)
class Pool:
    """AVERAGE_POOL_2D and MAX_POOL_2D."""

    window: Window
    maximum: bool
    clamp: Pair


@dataclass(frozen=True)
class Add:
    """ADD with broadcasting: element strides of both inputs over `shape` (four dimensions), 0 where one repeats.

    Each multiplier is (mantissa, shift) of TFLM; the sum is formed with 20 more bits.
    """

    shape: tuple[int, int, int, int]
    strides: tuple[tuple[int, int, int, int], tuple[int, int, int, int]]
    zeros: Pair
    multipliers: tuple[Pair, Pair, Pair]
    out_zero: int
    clamp: Pair

    @property
    def elementwise(self) -> bool:
        return self.strides[0] == self.strides[1]


@dataclass(frozen=True)
class Softmax:
    rows: int
    depth: int
    multiplier: int
    left_shift: int
    diff_min: int


@dataclass(frozen=True)
class PadImage:
    """PAD and PADV2 over four dimensions: `before` in each, `value` everywhere outside."""

    in_shape: tuple[int, int, int, int]
    out_shape: tuple[int, int, int, int]
    before: tuple[int, int, int, int]
    value: int


@dataclass(frozen=True)
class Mean:
    """MEAN over any axes: dimensions merged into kept, reduced, kept, reduced, kept."""

    shape: tuple[int, int, int, int, int]
    in_zero: int
    out_zero: int
    multiplier: int
    shift: int

    @property
    def reduced(self) -> int:
        return self.shape[1] * self.shape[3]


@dataclass(frozen=True)
class Rescale:
    """QUANTIZE from int8 to int8, and RELU on its own."""

    elements: int
    in_zero: int
    out_zero: int
    multiplier: int
    shift: int
    clamp: Pair


@dataclass(frozen=True)
class Clamp:
    """RELU6 on its own."""

    elements: int
    clamp: Pair


@dataclass(frozen=True)
class Alias:
    """RESHAPE: the same bytes under another shape."""


Work = Conv | Depthwise | Pool | Add | Softmax | PadImage | Mean | Rescale | Clamp | Alias


@dataclass(frozen=True)
class Step:
    """One operator: what it computes on which tensors (indices of the model). `note` is a warning for the user."""

    index: int
    kind: str
    inputs: tuple[int, ...]
    output: int
    macs: int
    work: Work
    note: str = ""


def elements(shape: tuple[int, ...]) -> int:
    return math.prod(shape)
