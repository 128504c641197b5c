"""Sums, differences, products, quotients and squared differences of int32 that are no codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import code_range, codes, int32
from tinyperf.engines.aot.operators import Typed
from tinyperf.engines.aot.operators._broadcast import Broadcast, broadcast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tinyperf.engines.aot.arithmetic import Wide
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._scales import Pair


def quotient(a: Wide, b: Wide) -> Wide:
    """Towards zero, as C's; by zero it is zero."""
    made: Wide = np.sign(a) * np.sign(b) * (np.abs(a) // np.maximum(np.abs(b), 1))
    return made


FUNCTIONS: Mapping[str, Callable[[Wide, Wide], Wide]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": quotient,
    "squared_difference": lambda a, b: int32(a - b) ** 2,
}


@dataclass(frozen=True)
class IntPair(Broadcast):
    """One of FUNCTIONS of two int32; what leaves 32 bits wraps."""

    function: str
    clamp: Pair

    @property
    def types(self) -> tuple[str, str, str]:
        return "int32", "int32", "int32"

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        a, b = (side.astype(np.int64) for side in inputs)
        return (codes(int32(FUNCTIONS[self.function](a, b)), *self.clamp, dtype="int32"),)


def no_scales(use: Use) -> str | None:
    """Tensors have no scale: TFLM takes numbers alone."""
    scaled = [tensor for tensor in (*use.data, *use.outputs) if tensor.quantization]
    return f"tensor {scaled[0].index} has {scaled[0].quantization}" if scaled else None


def of_int32(function: str, *, activation: bool = False, scaled: bool = True) -> Typed:
    """The line of an operator's types for int32. `activation`: the fused one counts. `scaled`: tensors may be codes."""

    def lower(use: Use) -> IntPair:
        clamps = {"RELU": (0, 2**31 - 1), "RELU6": (0, 6), "RELU_N1_TO_1": (-1, 1)}
        fused = use.text("fused_activation_function") if activation else "NONE"
        shapes = broadcast(use.input(0).shape, use.input(1).shape)
        return IntPair(*shapes, function, clamps.get(fused, code_range("int32")))

    return Typed(("int32",), rules=() if scaled else (no_scales,), lower=lower)
