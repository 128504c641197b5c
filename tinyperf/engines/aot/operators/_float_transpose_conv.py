"""TRANSPOSE_CONV of float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators._float import clamped, single

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators._float import Limits
    from tinyperf.engines.aot.operators._window import Window


@dataclass(frozen=True, eq=False)
class TransposeConvFloat(Work):
    """`weights` [out, kernel_h, kernel_w, in]; the `window` slides over the output, a stride per input pixel."""

    window: Window
    weights: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]
    clamp: Limits

    @property
    def signature(self) -> Signature:
        given, made = (Operand(shape, "float32") for shape in (self.window.in_shape, self.window.out_shape))
        return Signature((given,), (made,))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        """reference/transpose_conv.h goes over the input: what comes from higher taps is added first."""
        window = self.window
        (height, width, depth), (kernel_h, kernel_w), (step_h, step_w) = window.in_shape, window.kernel, window.stride
        image = single(inputs[0])
        wide = (height - 1) * step_h + kernel_h, (width - 1) * step_w + kernel_w
        reach = [max(n, size + pad) for n, size, pad in zip(wide, window.out_shape[:2], window.pad, strict=True)]
        sums = np.zeros((len(image), *reach, window.out_shape[2]), np.float32)
        (above, left), (tall, broad, _) = window.pad, window.out_shape
        with np.errstate(all="ignore"):  # infinities and NaN are results like any other
            for y in reversed(range(kernel_h)):
                for x in reversed(range(kernel_w)):
                    at = slice(y, y + height * step_h, step_h), slice(x, x + width * step_w, step_w)
                    for channel in range(depth):
                        sums[:, *at] += image[..., channel : channel + 1] * self.weights[:, y, x, channel]
            return (clamped(sums[:, above : above + tall, left : left + broad] + self.bias, self.clamp),)
