"""Windows that slide over an image: what convolutions and poolings share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._scales import Pair, Shape3

Number = TypeVar("Number", bound=np.generic)


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

    @property
    def padded(self) -> bool:
        """A window reaches outside of the image somewhere."""
        reaches = (
            (made - 1) * stride + (kernel - 1) * dilation + 1 - before
            for made, stride, kernel, dilation, before in zip(
                self.out_shape[:2], self.stride, self.kernel, self.dilation, self.pad, strict=True
            )
        )
        return any(self.pad) or any(reach > size for reach, size in zip(reaches, self.in_shape[:2], strict=True))

    @property
    def transposed(self) -> Window:
        """The same window, with height and width exchanged."""
        (in_h, in_w, in_c), (out_h, out_w, out_c) = self.in_shape, self.out_shape
        kernel, stride, dilation, pad = ((x, y) for y, x in (self.kernel, self.stride, self.dilation, self.pad))
        return Window((in_w, in_h, in_c), (out_w, out_h, out_c), kernel, stride, dilation, pad)

    def of(self, given: int, made: int) -> Window:
        """The same window over so many channels."""
        return replace(self, in_shape=(*self.in_shape[:2], given), out_shape=(*self.out_shape[:2], made))


def windows(images: npt.NDArray[Number], window: Window, outside: float) -> npt.NDArray[Number]:
    """What each position of the window sees.

    Args:    images: [n, height, width, channel]; outside: what stands where the image does not reach.
    Returns: [n, out_height, out_width, kernel_h, kernel_w, channel].
    """
    pads, reaches = [(0, 0)], []
    for axis in range(2):
        reach = (window.kernel[axis] - 1) * window.dilation[axis] + 1
        last = (window.out_shape[axis] - 1) * window.stride[axis] + reach
        before = window.pad[axis]
        pads.append((before, max(last - window.in_shape[axis] - before, 0)))
        reaches.append(reach)
    padded = np.pad(images, (*pads, (0, 0)), constant_values=outside)
    view = np.lib.stride_tricks.sliding_window_view(padded, reaches, axis=(1, 2))
    (stride_h, stride_w), (dilation_h, dilation_w) = window.stride, window.dilation
    view = view[:, ::stride_h, ::stride_w, :, ::dilation_h, ::dilation_w]
    return view[:, : window.out_shape[0], : window.out_shape[1]].transpose(0, 1, 2, 4, 5, 3)


def images_have_four_dimensions(use: Use) -> str | None:
    """Input and output have four dimensions [batch, height, width, channels], and one batch."""
    given, made = use.input(0).shape, use.output.shape
    fits = len(given) == len(made) == 4 and given[0] == made[0]
    return None if fits else f"input {list(given)}, output {list(made)}"


def window_fits(use: Use) -> str | None:
    """Padding is SAME or VALID, strides and dilations are positive, and the output has the size that follows; strides
    and reaches are at most 32767, as TFLM keeps them in 16 bits.
    """
    if "filter_height" not in use.op.options and len(use.input(1).shape) != 4:
        return f"weights of shape {list(use.input(1).shape)}"
    kernel, dilation, stride = kernel_of(use), dilation_of(use), stride_of(use)
    if use.text("padding") not in {"SAME", "VALID"}:
        return f"padding {use.text('padding')}"
    if min(*stride, *dilation, *kernel) < 1:
        return f"kernel {kernel}, stride {stride}, dilation {dilation}"
    reaches = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    if max(*stride, *dilation, *reaches) >= 2**15:
        return f"stride {stride}, dilation {dilation}, reach {tuple(reaches)}"
    for axis in range(2):
        size, made = use.input(0).shape[1 + axis], use.output.shape[1 + axis]
        expected = -(-(size if use.text("padding") == "SAME" else size - reaches[axis] + 1) // stride[axis])
        if made != expected:
            return f"output size {made}, expected {expected}"
    return None


def kernel_of(use: Use) -> Pair:
    """(height, width): an option of poolings, the weights' shape of convolutions."""
    if "filter_height" in use.op.options:
        return use.number("filter_height"), use.number("filter_width")
    height, width = use.input(1).shape[1:3]
    return height, width


def stride_of(use: Use) -> Pair:
    return use.number("stride_h"), use.number("stride_w")


def dilation_of(use: Use) -> Pair:
    if "dilation_h_factor" in use.op.options:
        return use.number("dilation_h_factor"), use.number("dilation_w_factor")
    return 1, 1


def window(use: Use) -> Window:
    """lite/kernels/padding.h: where the padding is odd, the larger half goes behind."""
    (_, in_h, in_w, in_c), (_, out_h, out_w, out_c) = use.input(0).shape, use.output.shape
    kernel, stride, dilation = kernel_of(use), stride_of(use), dilation_of(use)
    before = []
    for size, made, k, s, d in zip((in_h, in_w), (out_h, out_w), kernel, stride, dilation, strict=True):
        total = max((made - 1) * s + (k - 1) * d + 1 - size, 0)
        before.append(total // 2)
    return Window((in_h, in_w, in_c), (out_h, out_w, out_c), kernel, stride, dilation, (before[0], before[1]))
