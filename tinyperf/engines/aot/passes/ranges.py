"""Which codes each channel of a value can hold, proven from weights, biases and clamps, for every input of the model.

An interval per channel (last dimension), from the producer on: where both ends are one code, the channel is constant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import INT8_HIGH, INT8_LOW, codes, requantized
from tinyperf.engines.aot.operators._pool import Pool
from tinyperf.engines.aot.operators._weighted import Weighted
from tinyperf.engines.aot.operators.conv_2d import Conv
from tinyperf.engines.aot.operators.reshape import Alias

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Graph, Node, Value

    Wide = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Codes:
    """The lowest and the highest code of each channel; int64 [channels]."""

    low: npt.NDArray[np.int64]
    high: npt.NDArray[np.int64]

    @property
    def constant(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self.low == self.high)


def channels_of(value: Value) -> int:
    return value.shape[-1] if value.shape else 1


def by_channel(graph: Graph, node: Node) -> bool:
    """`node` works on channels as its values have them: a convolution, a pooling, or a RESHAPE of channels alone.

    FULLY_CONNECTED may read a whole image as one row; its inputs then are no channels of the image.
    """
    work = node.work
    if isinstance(work, Alias):
        return all(channels_of(graph.values[i]) == work.elements for i in (*node.inputs, *node.outputs))
    if not isinstance(work, Weighted | Pool):
        return False
    (given,), (made,) = node.inputs, node.outputs
    ends = channels_of(graph.values[given]), channels_of(graph.values[made])
    return ends == (work.window.in_shape[2], work.window.out_shape[2])


def ranges(graph: Graph) -> dict[int, Codes]:
    """The codes of every value, by its id; whatever its type has where it is not int8."""
    found = {i: _any(value) for i, value in graph.values.items()}
    for node in graph.nodes:
        if not by_channel(graph, node):
            continue
        given = found[node.inputs[0]]
        if isinstance(node.work, Weighted):
            found[node.outputs[0]] = _weighted(node.work, given)
        elif isinstance(node.work, Pool):
            # An average of codes, rounded to the nearest, and their maximum lie between the lowest and the highest.
            clamp = node.work.clamp
            low, high = (codes(end, *clamp).astype(np.int64) for end in (given.low, given.high))
            found[node.outputs[0]] = Codes(low, high)
        else:
            found[node.outputs[0]] = given
    return found


def _any(value: Value) -> Codes:
    count, (low, high) = channels_of(value), value.range or (INT8_LOW, INT8_HIGH)
    return Codes(np.full(count, low, np.int64), np.full(count, high, np.int64))


def _weighted(work: Weighted, given: Codes) -> Codes:
    """Requantization is monotonic, so the ends of the accumulator give the ends of the code.

    Where an accumulator, shifted left, may leave 32 bits, nothing is proven.
    """
    ends = _accumulators(work, given)
    shift, multiplier = work.channels.shift.astype(np.int64), work.channels.multiplier.astype(np.int64)
    limit = np.int64(2**31) >> np.maximum(shift, 0)
    proven = np.all([np.abs(end) < limit for end in ends], axis=0)
    low, high = (
        codes(requantized(np.where(proven, end, 0), multiplier, shift) + work.out_zero, *work.clamp).astype(np.int64)
        for end in ends
    )
    return Codes(np.where(proven, low, INT8_LOW), np.where(proven, high, INT8_HIGH))


def _accumulators(work: Weighted, given: Codes) -> tuple[Wide, Wide]:
    """Lowest and highest bias + sum(w * (q - in_zero)); what padding adds is q = in_zero."""
    low, high = given.low - work.in_zero, given.high - work.in_zero
    if work.window.padded:
        low, high = np.minimum(low, 0), np.maximum(high, 0)
    weights = work.weights.astype(np.int64)
    up, down = np.maximum(weights, 0), np.minimum(weights, 0)
    bias = work.channels.bias.astype(np.int64)
    if isinstance(work, Conv):
        up, down = up.sum(axis=(1, 2)), down.sum(axis=(1, 2))  # [out, in]
        return bias + up @ low + down @ high, bias + up @ high + down @ low
    up, down = up.sum(axis=(0, 1)), down.sum(axis=(0, 1))  # [out], each of one input channel
    low, high = (np.repeat(end, len(bias) // len(end)) for end in (low, high))
    return bias + up * low + down * high, bias + up * high + down * low
