"""The range of every accumulator, proven per channel from the actual weights.

What a kernel may assume (that a doubled accumulator fits 32 bits, for one) rests on these bounds, never on habit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import INT8_HIGH, INT8_LOW
from tinyperf.engines.aot.graph import Bounds
from tinyperf.engines.aot.operators._weighted import Weighted

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Graph, Node


def bounds(graph: Graph) -> Graph:
    """`graph` with the bounds of every accumulator; a warning where one may leave 32 bits."""
    return replace(graph, nodes=tuple(_bounded(node) for node in graph.nodes))


def _bounded(node: Node) -> Node:
    if not isinstance(node.work, Weighted):
        return node
    found = accumulators(node.work)
    note = node.note
    if not note and found.largest >= 2**31:
        note = (
            f"{node.name}: accumulators may reach {found.largest}, beyond 32 bits; inputs that get "
            "there give results that no two runtimes agree on"
        )
    return replace(node, bounds=found, note=note)


def accumulators(work: Weighted) -> Bounds:
    """Lowest and highest value that bias + sum(w * (q - in_zero)) takes at any point of the sum.

    Partial sums lie within them too, since 0 is among the possible inputs.
    """
    wide = work.rows.astype(np.int64)
    low_input, high_input = min(INT8_LOW - work.in_zero, 0), max(INT8_HIGH - work.in_zero, 0)
    positive, negative = np.maximum(wide, 0).sum(axis=1), np.minimum(wide, 0).sum(axis=1)
    return Bounds(
        work.channels.bias + positive * low_input + negative * high_input,
        work.channels.bias + positive * high_input + negative * low_input,
    )
