"""Works on one image at a time: of a batch, on each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Operand, Signature, Work

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.tflite import Tensor


@dataclass(frozen=True, eq=False)
class Images(Work):
    """The same work, of one input and one output, on each of `count` images."""

    count: int
    each: Work

    @property
    def signature(self) -> Signature:
        given, made = (
            tuple(Operand((self.count, *one.shape), one.dtype) for one in side)
            for side in (self.each.signature.inputs, self.each.signature.outputs)
        )
        return Signature(given, made)

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        (images,) = inputs
        (made,) = self.each.interpret(images.reshape(-1, *images.shape[2:]))
        return (made.reshape(len(images), self.count, *made.shape[1:]),)


def of_images(use: Use, make: Callable[[Use], Work]) -> Work:
    """What `make` gives for a batch of 1, for any batch."""
    count = use.data[0].shape[0]
    if count == 1:
        return make(use)
    images = {tensor.index for tensor in (*use.data, *use.outputs)}

    def one(tensor: Tensor | None) -> Tensor | None:
        return replace(tensor, shape=(1, *tensor.shape[1:])) if tensor and tensor.index in images else tensor

    outputs = tuple(replace(tensor, shape=(1, *tensor.shape[1:])) for tensor in use.outputs)
    return Images(count, make(replace(use, inputs=tuple(map(one, use.inputs)), outputs=outputs)))
