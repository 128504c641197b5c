"""RELU6 on its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import activation_range
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import INT8, Arity, Operator, Typed
from tinyperf.engines.aot.operators._float_map import mapped
from tinyperf.engines.aot.operators._rules import same_elements
from tinyperf.engines.aot.operators._scales import scale, zero

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Pair


@dataclass(frozen=True)
class Clamp(Work):
    """RELU6 on its own."""

    elements: int
    clamp: Pair
    dtype: str = "int8"

    @property
    def signature(self) -> Signature:
        row = (Operand((self.elements,), self.dtype),)
        return Signature(row, row)

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        """TFLM looks at the upper bound first; that matters where it lies below the lower one."""
        given, (low, high) = inputs[0].astype(np.int64), self.clamp
        return (np.where(given > high, high, np.maximum(given, low)).astype(self.dtype),)


def lower(use: Use) -> Clamp:
    """micro/kernels/activations_common.cc: a clamp of the input's codes."""
    given = use.input(0)
    clamp = activation_range("RELU6", scale(given), zero(given), given.dtype)
    return Clamp(use.output.elements, clamp, given.dtype)


def warn(use: Use) -> str:
    if use.input(0).quantization == use.output.quantization or use.output.dtype == "float32":
        return ""
    return (
        f"op {use.op.index} RELU6 stands alone and its input and output scales differ: TFLM ignores the output's "
        "scale, and so does this code; fuse the activation into the operator before it"
    )


def sample(random: Random) -> Sample:
    return random.elementwise("RELU6")


OPERATOR = Operator(
    kind="RELU6",
    arity=Arity(1, 1),
    rules=(same_elements,),
    types=(*INT8, Typed(("int16",)), mapped("relu6")),
    lower=lower,
    warn=warn,
    sample=sample,
)
