"""Output channels that give one code for every input: rewritten with small numbers.

Quantizers leave dead channels with biases near 2**30; a kernel that doubles its accumulators could not take them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tinyperf.engines.aot.arithmetic import requantize
from tinyperf.engines.aot.operators._weighted import Channels, Weighted
from tinyperf.engines.aot.passes.bounds import accumulators

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Graph, Node


def dead_channels(graph: Graph) -> Graph:
    """`graph` with the constant channels of its convolutions and matrix products rewritten."""
    return replace(graph, nodes=tuple(_rewritten(node) for node in graph.nodes))


def _rewritten(node: Node) -> Node:
    work = node.work
    if not isinstance(work, Weighted):
        return node
    given, bounds = work.channels, accumulators(work)
    bias, multiplier, shift = given.bias.copy(), given.multiplier.copy(), given.shift.copy()
    for c, ends in enumerate(zip(bounds.low.tolist(), bounds.high.tolist(), strict=True)):
        constant = _constant_channel(ends, int(multiplier[c]), int(shift[c]), out_zero=work.out_zero, clamp=work.clamp)
        if constant is not None:
            bias[c], multiplier[c], shift[c] = constant
    return replace(node, work=replace(work, channels=Channels(bias, multiplier, shift)))


def _constant_channel(
    ends: tuple[int, int], multiplier: int, shift: int, *, out_zero: int, clamp: tuple[int, int]
) -> tuple[int, int, int] | None:
    """Bias, multiplier and shift that give the same output with small numbers, where the output is a constant.

    Args: ends: lowest and highest accumulator.

    Requantization is monotonic, so a channel whose two ends give one code gives it for every input. None where it
    does not, where its weights would still count, and where an accumulator, shifted left, may leave 32 bits.
    """
    if max(-ends[0], ends[1]) << max(shift, 0) >= 2**31:
        return None
    codes = {min(max(requantize(end, multiplier, shift) + out_zero, clamp[0]), clamp[1]) for end in ends}
    if len(codes) > 1:
        return None
    code = codes.pop()
    if code == min(max(out_zero, clamp[0]), clamp[1]):
        return 0, 0, 0
    return (4 * (code - out_zero), 2**30, -1) if ends[0] == ends[1] else None
