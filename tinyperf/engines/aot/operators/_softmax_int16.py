"""SOFTMAX of int16: from two tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import int32, quantize_multiplier, requantized
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators._scales import scale

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from tinyperf.engines.aot.arithmetic import Wide
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use

    Single = npt.NDArray[np.float32]

STEPS = 512
"""Of a table, from one end of int16 to the other."""


def _table(reach: int, zero: int, function: Callable[[Single], Single]) -> npt.NDArray[np.int16]:
    """Samples of a function of (code - zero) * reach / 65535, times 32768, so that lines between them err least.

    Source: kernels/internal/common.h `LUTPopulateInt16`, in float32 throughout.
    """
    given, made = np.float32(reach) / np.float32(65535), np.float32(2) / np.float32(65535)
    first, last = (given * np.float32(end - zero) for end in (-32768, 32767))
    step = (last - first) / np.float32(STEPS)
    steps = np.arange(STEPS + 1, dtype=np.float32)
    inverse = np.float32(65536) / (made * np.float32(32767) - made * np.float32(-32768))
    values = function(first + steps * step) * inverse
    between = _rounded(function(first + steps * step + step / np.float32(2)) * inverse)
    straight = _rounded((values[1:] + _rounded(values[:-1])) / np.float32(2))
    bias = _rounded((straight - between[:-1]) / np.float32(2))
    bent = _rounded(values) - np.append(bias, np.float32(0))
    return np.clip(bent, -32768, 32767).astype(np.int16)


def _rounded(numbers: Single) -> Single:
    """C's roundf."""
    return (np.sign(numbers) * np.floor(np.abs(numbers.astype(np.float64)) + 0.5)).astype(np.float32)


def _exp(x: Single) -> Single:
    return np.exp(x.astype(np.float64)).astype(np.float32)


def _reciprocal(x: Single) -> Single:
    return np.float32(1) / (np.float32(1) + x)


@cache
def tables() -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int16]]:
    """exp(x) from -10 to 0, and 1 / (1 + x) from 0 to 1; int16 [513] each."""
    return _table(10, 32767, _exp), _table(1, -32768, _reciprocal)


def _looked_up(table: npt.NDArray[np.int16], at: Wide) -> Wide:
    """Interpolated between entries, 128 apart. Args: at: codes of int16."""
    values, index = table.astype(np.int64), 256 + (at >> 7)
    made: Wide = values[index] + (((values[index + 1] - values[index]) * (at & 127) + 64) >> 7)
    return made


@dataclass(frozen=True)
class SoftmaxInt16(Work):
    """`rows` of `depth` entries. `multiplier` and `shift`: to differences of which 65535 are 10."""

    rows: int
    depth: int
    multiplier: int
    shift: int

    @property
    def signature(self) -> Signature:
        rows = (Operand((self.rows, self.depth), "int16"),)
        return Signature(rows, rows)

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        """reference/softmax.h `SoftmaxInt16`; sums are Q16.15."""
        exponential, reciprocal = tables()
        given = inputs[0].astype(np.int64)
        difference = requantized(given - given.max(axis=-1, keepdims=True), self.multiplier, self.shift)
        powers = _looked_up(exponential, np.clip(difference + 32767, -32768, 32767))
        sums = powers.sum(axis=-1, keepdims=True)
        zeros = 32 - np.frexp(sums.astype(np.float64))[1].astype(np.int64)
        shifted = int32(((sums << (zeros - 1)) + (1 << 13)) >> 14)
        scale = _looked_up(reciprocal, np.clip(shifted - 2**15 - 2**16, -32768, 32767))
        right = 31 - zeros
        return (np.clip((powers * scale + (np.int64(1) << (right - 1))) >> right, 0, 32767).astype(np.int16),)


def _ratio(use: Use) -> float:
    return scale(use.input(0)) * float(use.text("beta")) / (10.0 / 65535.0)


def probabilities_are_32768ths(use: Use) -> str | None:
    """The output scale is 1/32768, beta x the input scale below 2.5; a row has at most 65536 entries."""
    made, depth = use.output.quantization, use.input(0).shape[-1]
    if made is None or abs(made.scale[0] * 2**15 - 1) > 0.001 or not 0 <= _ratio(use) < 2**14:
        return f"output {made}, input {use.input(0).quantization}"
    return None if depth <= 2**16 else f"{depth} entries"


def lower_int16(use: Use) -> SoftmaxInt16:
    """micro/kernels/softmax_common.cc."""
    depth = use.input(0).shape[-1]
    return SoftmaxInt16(use.input(0).elements // depth, depth, *quantize_multiplier(_ratio(use)))
