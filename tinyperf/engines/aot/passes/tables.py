"""Functions of one code are tables: what follows one another composes into one, and a mere clamp joins its producer.

A code has 256 values, so an operator with a constant at its other side (an unfolded batch normalization's MUL and ADD
among them) is a table, one for each channel where the constant has one for each. Every table is computed for all codes
with the works' own arithmetic: exact for every input.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import INT8_LOW
from tinyperf.engines.aot.operators._larger import Larger
from tinyperf.engines.aot.operators._lookup import EVERY_CODE, ChannelLookup, Lookup
from tinyperf.engines.aot.operators._pool import Pool
from tinyperf.engines.aot.operators._weighted import Weighted
from tinyperf.engines.aot.operators.add import Add
from tinyperf.engines.aot.operators.mul import Mul
from tinyperf.engines.aot.operators.prelu import Prelu
from tinyperf.engines.aot.operators.quantize import Rescale
from tinyperf.engines.aot.operators.relu6 import Clamp
from tinyperf.engines.aot.operators.reshape import Alias
from tinyperf.engines.aot.operators.sub import Sub

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Graph, Node, Work
    from tinyperf.engines.aot.operators._broadcast import Broadcast

UNARY = (Rescale, Clamp, Lookup)
BINARY = (Add, Sub, Mul, Larger, Prelu)
CLAMPED = (Weighted, Pool, Add, Sub, Mul, Rescale)

MOST_BYTES = 16_384
"""Of one table: what a reader of the flash figure would not expect is not done for cycles alone."""

WORTH = 5
"""Cycles that an operator in a table saves per element, at least; a byte of flash must bring one in an inference."""


@dataclass(frozen=True, eq=False)
class Function:
    """What a chain of nodes makes of a code of value `given`; `table` int8 [channels, 256], channels last in memory."""

    nodes: tuple[Node, ...]
    given: int
    table: npt.NDArray[np.int8]

    @property
    def elements(self) -> int:
        return self.nodes[-1].work.signature.outputs[0].elements

    @property
    def is_identity(self) -> bool:
        return bool(np.all(self.table == EVERY_CODE))

    @property
    def is_worth_it(self) -> bool:
        kept = sum(node.work.table.size for node in self.nodes if isinstance(node.work, Lookup))
        added = self.table.size - kept
        return added <= 0 or (self.table.size <= MOST_BYTES and added <= WORTH * self.elements * len(self.nodes))

    def after(self, first: Function) -> Function:
        """What the two make one after the other."""
        channels = np.arange(max(len(first.table), len(self.table)))
        one, other = first.table[channels % len(first.table)], self.table[channels % len(self.table)]
        table = np.take_along_axis(other, one.astype(np.int64) - INT8_LOW, axis=1)
        return Function((*first.nodes, *self.nodes), first.given, _single(table))


def tables(graph: Graph) -> Graph:
    """`graph` with clamps and chains of such functions as fewer nodes, where that costs fewer cycles."""
    return _composed(_clamped(graph))


def _single(table: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """One row where all are equal."""
    return table[:1] if np.all(table == table[:1]) else table


def function(graph: Graph, node: Node) -> Function | None:
    """The function that `node` is; None where it is none of one code."""
    operands = (*node.work.signature.inputs, *node.work.signature.outputs)
    if any(operand.dtype != "int8" for operand in operands):
        return None
    if isinstance(node.work, UNARY):
        every = replace(node.work, elements=len(EVERY_CODE))
        (made,) = every.interpret(EVERY_CODE.astype(np.int8)[None])
        return Function((node,), node.inputs[0], made.astype(np.int8))
    return _of_constant(graph, node, node.work) if isinstance(node.work, BINARY) else None


def _of_constant(graph: Graph, node: Node, work: Broadcast) -> Function | None:
    """Of a binary operator on a value and a constant that repeats along all but the last dimensions."""
    data = [graph.values[i].data for i in node.inputs]
    sides = [side for side in (0, 1) if data[side] is None]
    if len(sides) != 1:
        return None
    (given,) = sides
    wide = [axis for axis in range(len(work.shape)) if work.shape[axis] > 1]
    varying = [axis for axis in wide if work.strides[1 - given][axis]]
    if not all(work.strides[given][axis] for axis in wide) or varying != wide[len(wide) - len(varying) :]:
        return None
    channels = math.prod(work.shape[axis] for axis in varying)
    if channels * len(EVERY_CODE) > MOST_BYTES:
        return None
    constant = data[1 - given]
    steps = [(0, 0, 0, 1 if channels > 1 else 0)] * 2
    steps[given] = (0, 0, channels, 1 if channels > 1 else 0)
    every = replace(work, shape=(1, 1, len(EVERY_CODE), channels), strides=(steps[0], steps[1]))
    codes = np.broadcast_to(EVERY_CODE.astype(np.int8)[:, None], (len(EVERY_CODE), channels))
    sides_of = [np.asarray(constant).reshape(1, 1, 1, 1, channels)] * 2
    sides_of[given] = codes.reshape(1, 1, 1, len(EVERY_CODE), channels)
    (made,) = every.interpret(*sides_of)
    table = made.reshape(len(EVERY_CODE), channels).T.astype(np.int8)
    return Function((node,), node.inputs[given], _single(np.ascontiguousarray(table)))


def _inner(graph: Graph, i: int) -> bool:
    """One node alone reads the value, and nobody outside the graph."""
    ends = {*graph.inputs, *graph.outputs, *(i for state in graph.states for i in (state.before, state.after))}
    return i not in ends and len(graph.consumers.get(i, ())) == 1


def _clamped(graph: Graph) -> Graph:
    """`graph`, where clamps of what another node clamps join that node, and are names for its output."""
    works: dict[int, Work] = {}  # by the value made
    aliases: dict[int, int] = {}  # what is a name -> for what: a constant at the other side is read no more
    for node in graph.nodes:
        made = function(graph, node)
        maker = graph.producers.get(made.given) if made else None
        if made is None or maker is None or not _inner(graph, made.given) or not isinstance(maker.work, CLAMPED):
            continue
        low, high = int(made.table.min()), int(made.table.max())
        before = works.get(made.given, maker.work)
        if isinstance(before, CLAMPED) and np.all(made.table == np.clip(EVERY_CODE, low, high)):
            if maker.work.signature.outputs[0].dtype != "int8" or before.clamp[0] > before.clamp[1]:
                continue
            first, last = (int(np.clip(end, low, high)) for end in before.clamp)
            works[made.given] = replace(before, clamp=(first, last))
            works[node.outputs[0]] = Alias(made.elements, "int8")
            aliases[node.outputs[0]] = made.given
    nodes = (
        replace(n, work=works.get(n.outputs[0], n.work), inputs=(aliases[n.outputs[0]],))
        if n.outputs[0] in aliases
        else replace(n, work=works.get(n.outputs[0], n.work))
        for n in graph.nodes
    )
    return _with_values(replace(graph, nodes=tuple(nodes)))


def _composed(graph: Graph) -> Graph:
    """`graph` with one node for every chain."""
    chains: dict[int, Function] = {}  # by the value that the chain makes
    nodes: list[Node] = []
    for node in graph.nodes:
        made = function(graph, node)
        first = chains.get(made.given) if made and _inner(graph, made.given) else None
        both = made.after(first) if made and first else None
        if both and first and both.is_worth_it:
            nodes.remove(first.nodes[-1])
            chains[node.outputs[0]] = replace(both, nodes=(*both.nodes[:-1], node))
        elif made:
            chains[node.outputs[0]] = made
        nodes.append(node)
    return _with_values(replace(graph, nodes=tuple(_written(node, chains.get(node.outputs[0])) for node in nodes)))


def _written(node: Node, chain: Function | None) -> Node:
    """The last node of a chain, which does the work of all."""
    if chain is None or not (chain.is_worth_it or chain.is_identity):
        return node
    if len(chain.nodes) == 1 and isinstance(node.work, Clamp | Lookup) and not chain.is_identity:
        return node
    work: Work = Lookup(chain.elements, chain.table[0])
    if chain.is_identity:
        work = Alias(chain.elements, "int8")
    elif len(chain.table) > 1:
        work = ChannelLookup(chain.elements // len(chain.table), chain.table)
    origin = tuple(origin for each in chain.nodes for origin in each.origin)
    note = "; ".join(each.note for each in chain.nodes if each.note)
    return replace(node, work=work, inputs=(chain.given,), origin=origin, note=note)


def _with_values(graph: Graph) -> Graph:
    """`graph` without the values that no node makes or reads any more."""
    states = (i for state in graph.states for i in (state.before, state.after))
    used = {*graph.inputs, *graph.outputs, *states, *(i for n in graph.nodes for i in (*n.inputs, *n.outputs))}
    return replace(graph, values={i: value for i, value in graph.values.items() if i in used})
