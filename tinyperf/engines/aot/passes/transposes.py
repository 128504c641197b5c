"""TRANSPOSEs are put off: until they meet their reverse, or one who reads its input in any order.

Networks that count channels first are converted with a TRANSPOSE before and behind whatever wants them last. Here
such a node is not written down at once: its result is known as an order of another value's elements. What works
element by element, or sums up, works on that value; a matrix product takes its weights in the other order. Whoever
needs the elements where they belong gets them moved there, once. Nothing is done where more bytes would move.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.engines.aot.graph import Node
from tinyperf.engines.aot.operators._broadcast import Broadcast
from tinyperf.engines.aot.operators._float_map import MapFloat
from tinyperf.engines.aot.operators._float_rows import RowsFloat
from tinyperf.engines.aot.operators._lookup import Lookup
from tinyperf.engines.aot.operators._pool import Pool
from tinyperf.engines.aot.operators._reduce_extreme import ReduceExtreme
from tinyperf.engines.aot.operators._split import Split
from tinyperf.engines.aot.operators._strided import MOST, Strided
from tinyperf.engines.aot.operators._weighted import Weighted
from tinyperf.engines.aot.operators.cast import Cast
from tinyperf.engines.aot.operators.concatenation import Concatenation
from tinyperf.engines.aot.operators.conv_2d import Conv
from tinyperf.engines.aot.operators.dequantize import Dequantize
from tinyperf.engines.aot.operators.l2_normalization import L2Normalization
from tinyperf.engines.aot.operators.leaky_relu import LeakyReluFloat
from tinyperf.engines.aot.operators.log_softmax import LogSoftmax
from tinyperf.engines.aot.operators.mean import GROUPS, Mean
from tinyperf.engines.aot.operators.pad import PadImage
from tinyperf.engines.aot.operators.quantize import Quantize, Rescale
from tinyperf.engines.aot.operators.relu6 import Clamp
from tinyperf.engines.aot.operators.reshape import Alias
from tinyperf.engines.aot.operators.softmax import Softmax
from tinyperf.engines.aot.passes._order import (
    dimensions,
    inverse,
    is_identity,
    is_permutation,
    order_of,
    strided,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.engines.aot.graph import Graph, Origin, Work
    from tinyperf.engines.aot.passes._order import Order

BROADCAST = 4
"""Dimensions that a work on two inputs walks."""


def transposes(graph: Graph) -> Graph:
    """`graph` with fewer bytes moved by transposes, or itself."""
    if not any(_is_transpose(node.work) for node in graph.nodes):
        return graph
    made = _Walk(graph).graph()
    return made if _moved_bytes(made) < _moved_bytes(graph) else graph


def _is_transpose(work: Work) -> bool:
    return isinstance(work, Strided) and is_permutation(order_of(work), work.elements)


def _moved_bytes(graph: Graph) -> int:
    return sum(graph.values[node.outputs[0]].size_bytes for node in graph.nodes if isinstance(node.work, Strided))


@dataclass(frozen=True)
class _Moved:
    """Element i of the value is element `at[i]` of value `held`; `origin`: the operators that are put off."""

    held: int
    at: Order
    origin: tuple[Origin, ...]


class _Walk:
    """One walk over the nodes of a graph; `moved` is what is put off, by the value's id."""

    def __init__(self, graph: Graph) -> None:
        self.old = graph
        self.values = dict(graph.values)
        self.nodes: list[Node] = []
        self.moved: dict[int, _Moved] = {}
        self.written: set[int] = set()
        self.there: dict[tuple[int, bytes], int] = {}

    def graph(self) -> Graph:
        for node in self.old.nodes:
            if not self._put_off(node):
                self._emit(replace(node, inputs=tuple(self._in_place(i) for i in node.inputs)))
        for i in (*self.old.outputs, *(state.after for state in self.old.states)):
            self._in_place(i)  # an end of the model keeps its own value
        used = {i for node in self.nodes for i in (*node.inputs, *node.outputs)}
        used |= {*self.old.inputs, *self.old.outputs}
        used |= {i for state in self.old.states for i in (state.before, state.after)}
        return replace(self.old, nodes=tuple(self.nodes), values={i: v for i, v in self.values.items() if i in used})

    def _put_off(self, node: Node) -> bool:
        """The node needs no elements where they belong, or moves them itself."""
        work = node.work
        if isinstance(work, Strided):
            return self._reordered(node, work)
        if not any(i in self.moved for i in node.inputs):
            return False
        if isinstance(work, Alias):
            return self._record(node.outputs[0], self.moved[node.inputs[0]])
        return next((rule(self, node, work) for kinds, rule in RULES if isinstance(work, kinds)), False)

    def _reordered(self, node: Node, work: Strided) -> bool:
        given = self._known(node.inputs[0])
        if self.values[node.inputs[0]].data is not None:
            return False
        at, held = given.at[order_of(work)], self.values[given.held]
        if is_permutation(at, held.elements):
            return self._record(node.outputs[0], replace(given, at=at, origin=(*given.origin, *node.origin)))
        composed = strided(at, held.elements, held.dtype)
        if composed is None or node.inputs[0] not in self.moved:
            return False
        self._emit(replace(node, work=composed, inputs=(given.held,), origin=(*node.origin, *given.origin)))
        return True

    def _known(self, i: int) -> _Moved:
        return self.moved.get(i) or _Moved(i, np.arange(self.values[i].elements), ())

    def _record(self, out: int, moved: _Moved) -> bool:
        if dimensions([moved.at], MOST) is None:
            return False
        self.moved[out] = moved
        return True

    def new(self, like: int, shape: tuple[int, ...]) -> int:
        """A value like `like`, of another shape."""
        made = max(self.values) + 1
        self.values[made] = replace(self.values[like], id=made, shape=shape)
        return made

    def done(
        self, node: Node, work: Work, inputs: tuple[int, ...], outputs: list[tuple[Order, tuple[int, ...]]]
    ) -> bool:
        """Write `node` with `work` on other values. `outputs`: for each its order in the new one, and that one's shape.

        False, and nothing is written, where an order has too many dimensions.
        """
        if any(dimensions([at], MOST) is None for at, _ in outputs):
            return False
        origin = tuple(o for i in node.inputs if i in self.moved for o in self.moved[i].origin)
        made = []
        for out, (at, shape) in zip(node.outputs, outputs, strict=True):
            same = is_identity(at)
            made.append(out if same else self.new(out, shape))
            if not same:
                self.moved[out] = _Moved(made[-1], at, origin)
        folded = origin if tuple(made) == node.outputs else ()
        self._emit(
            replace(
                node,
                work=work,
                inputs=inputs,
                outputs=tuple(made),
                origin=tuple(dict.fromkeys((*node.origin, *folded))),
            )
        )
        return True

    def _emit(self, node: Node) -> None:
        self.nodes.append(node)

    def _in_place(self, i: int) -> int:
        """A value whose elements are where those of `i` belong."""
        if i in self.moved and i not in self.written:
            self._write(i)
        return i

    def _write(self, i: int) -> None:
        """Move the elements, or say where it was done for another value already."""
        self.written.add(i)
        moved, value = self.moved[i], self.values[i]
        key = moved.held, moved.at.tobytes()
        source = self.there.get(key, moved.held)
        alias = is_identity(moved.at) or key in self.there
        work = Alias(value.elements, value.dtype) if alias else strided(moved.at, value.elements, value.dtype)
        if work is None:
            raise AssertionError(moved)  # `_record` and `done` have seen to it
        self.there.setdefault(key, i)
        self._emit(Node(work, (source,), (i,), moved.origin or self._origin(i)))

    def _origin(self, i: int) -> tuple[Origin, ...]:
        return self.old.producers[i].origin

    # What works on values in another order. Each gives False where it cannot.

    def pointwise(self, node: Node, work: Work) -> bool:
        moved = self.moved[node.inputs[0]]
        return self.done(node, work, (moved.held,), [(moved.at, self.values[moved.held].shape)])

    def rows(self, node: Node, work: Any) -> bool:
        """Rows in any order, each whole."""
        moved = self.moved[node.inputs[0]]
        at = moved.at.reshape(-1, work.depth)
        if not (at == at[:, :1] + np.arange(work.depth)).all():
            return False
        return self.done(node, work, (moved.held,), [(moved.at, self.values[moved.held].shape)])

    def product(self, node: Node, work: Conv) -> bool:
        """Of rows with weights: rows in any order, and the elements of all rows in one."""
        window, moved = work.window, self.moved[node.inputs[0]]
        _, _, given = window.in_shape
        if window.kernel != (1, 1) or window.stride != (1, 1) or window.padded:
            return False
        at = moved.at.reshape(-1, given)
        row, column = at // given, at % given
        if not ((row == row[:, :1]).all() and (column == column[:1]).all()):
            return False
        weights = np.empty_like(work.weights)
        weights[..., column[0]] = work.weights
        made = window.out_shape[2]
        out = (row[:, :1] * made + np.arange(made)).ravel()
        return self.done(
            node, replace(work, weights=weights), (moved.held,), [(out, self.values[node.outputs[0]].shape)]
        )

    def pair(self, node: Node, work: Broadcast) -> bool:
        """In the order of a moved input that is as large as the output, else in the output's own."""
        known = [self._known(i) for i in node.inputs]
        sides = [[(n, (s,)) for n, s in zip(work.shape, side, strict=True)] for side in work.strides]
        large = [k for i, k in zip(node.inputs, known, strict=True) if i in self.moved and len(k.at) == work.elements]
        at = large[0].at if large else np.arange(work.elements)
        walked = [k.at[walk(dims, 0, 0)][inverse(at)] for k, dims in zip(known, sides, strict=True)]
        fitted = [self._read_in_order(k.held, order) for k, order in zip(known, walked, strict=True)]
        dims = dimensions([order for _, order in fitted], BROADCAST)
        held = tuple(i for i, _ in fitted)
        if dims is None or any(i < 0 for i in held):
            return False
        dims = [(1, (0, 0))] * (BROADCAST - len(dims)) + dims
        strides = tuple(tuple(steps[side] for _, steps in dims) for side in range(2))
        fields: dict[str, Any] = {"shape": tuple(size for size, _ in dims), "strides": strides}
        shape = self.values[large[0].held].shape if large else self.values[node.outputs[0]].shape
        return self.done(node, replace(work, **fields), held, [(at, shape)])

    def _read_in_order(self, i: int, order: Order) -> tuple[int, Order]:
        """Value `i`, and the order in which it is read, if every element is first read behind the one before it.

        A constant is put into that order; -1 where a value would be read crosswise.
        """
        _, first, again = np.unique(order, return_index=True, return_inverse=True)
        rank = inverse(np.argsort(first))
        if len(first) != self.values[i].elements:
            return -1, order
        if is_identity(rank):
            return i, order
        if self.values[i].data is None:
            return -1, order
        return self._constant(i, np.argsort(first)), rank[again]

    def _constant(self, i: int, order: Order) -> int:
        """The constant `i` in another order."""
        made, data = self.new(i, self.values[i].shape), self.values[i].data
        if data is not None:
            self.values[made] = replace(self.values[made], data=data.ravel()[order].reshape(data.shape))
        return made

    def summed(self, node: Node, work: Any) -> bool:
        """Dimensions of the value at hand that stay or go, in turns."""
        moved = self.moved[node.inputs[0]]
        a, _, c, _, e = work.shape
        kept = np.arange(a * c * e).reshape(a, 1, c, 1, e)
        belongs = np.broadcast_to(kept, work.shape).ravel()[inverse(moved.at)]
        dims = dimensions([belongs], 2 * GROUPS)
        if dims is None:
            return False
        sizes = [1]
        for size, (step,) in dims:
            if (len(sizes) % 2 == 1) != (step != 0):
                sizes.append(1)
            sizes[-1] *= size
        if len(sizes) > GROUPS:
            return False
        shape = tuple(sizes + [1] * (GROUPS - len(sizes)))
        made = walk([dim for dim in dims if dim[1] != (0,)], 0, int(belongs[0]))
        return self.done(node, replace(work, shape=shape), (moved.held,), [(inverse(made), (1, len(made)))])

    def joined(self, node: Node, work: Concatenation) -> bool:
        """Cut into rows so that the order of the whole has the fewest dimensions."""
        known = [self._known(i) for i in node.inputs]
        best: tuple[int, int, Order] | None = None
        for rows in self._row_counts(known):
            sizes = [len(k.at) // rows for k in known]
            starts = [0, *itertools.accumulate(sizes)][:-1]
            logical = []
            for k, size, start, part in zip(known, sizes, starts, work.parts, strict=True):
                place = k.at // size * sum(sizes) + start + k.at % size
                logical.append(place.reshape(work.rows, part))
            at = np.concatenate(logical, axis=1).ravel()
            dims = dimensions([at], MOST)
            if dims is not None and (best is None or len(dims) < best[0]):
                best = len(dims), rows, at
        if best is None:
            return False
        _, rows, at = best
        parts = tuple(len(k.at) // rows for k in known)
        changed = replace(work, rows=rows, parts=parts)
        return self.done(node, changed, tuple(k.held for k in known), [(at, (1, rows, sum(parts)))])

    def parted(self, node: Node, work: Split) -> bool:
        """As `joined`, the other way round."""
        moved = self.moved[node.inputs[0]]
        whole = moved.at.reshape(work.rows, -1)
        parts = np.split(whole, list(itertools.accumulate(work.parts))[:-1], axis=1)
        best: tuple[int, int, list[Order]] | None = None
        for rows in self._row_counts([moved]):
            orders = _cut(rows, [part.ravel() for part in parts])
            found = [dimensions([at], MOST) for at in orders] if orders else [None]
            if all(dims is not None for dims in found):
                count = sum(len(dims) for dims in found if dims is not None)
                if best is None or count < best[0]:
                    best = count, rows, orders
        if best is None:
            return False
        _, rows, orders = best
        changed = replace(work, rows=rows, parts=tuple(len(at) // rows for at in orders))
        return self.done(node, changed, (moved.held,), [(at, (1, rows, len(at) // rows)) for at in orders])

    def _row_counts(self, known: list[_Moved]) -> list[int]:
        """Into how many rows all of these can be cut, by the shapes of what holds them."""
        shapes = [self.values[k.held].shape for k in known]
        counts = {math.prod(shape[:axis]) for shape in shapes for axis in range(len(shape))}
        return [rows for rows in sorted(counts) if all(len(k.at) % rows == 0 for k in known)]

    def padded(self, node: Node, work: PadImage) -> bool:
        """The dimensions of the value at hand, if it has the same in another order; not before a convolution.

        That would read the padded image where it belongs, and has the smaller one moved instead.
        """
        moved = self.moved[node.inputs[0]]
        if any(isinstance(reader.work, Weighted | Pool) for reader in self.old.consumers.get(node.outputs[0], ())):
            return False
        for order in itertools.permutations(range(4)):
            if (_transposed(work.in_shape, order) == moved.at).all():
                given, made, before = (
                    tuple(sizes[axis] for axis in order) for sizes in (work.in_shape, work.out_shape, work.before)
                )
                fields: dict[str, Any] = {"in_shape": given, "out_shape": made, "before": before}
                return self.done(
                    node, replace(work, **fields), (moved.held,), [(_transposed(work.out_shape, order), made)]
                )
        return False


def _transposed(shape: tuple[int, ...], order: tuple[int, ...]) -> Order:
    """Where each element of an array of `shape` lies once its dimensions are in `order`."""
    sizes = [shape[axis] for axis in order]
    return np.arange(math.prod(shape)).reshape(sizes).transpose(np.argsort(order)).ravel()


def _cut(rows: int, parts: list[Order]) -> list[Order]:
    """Orders of the parts in what a cut of the whole into `rows` gives; empty where it gives others."""
    width = sum(len(part) for part in parts) // rows
    orders, start = [], 0
    for part in parts:
        if len(part) % rows:
            return []
        size = len(part) // rows
        row, column = part // width, part % width - start
        if not ((column >= 0) & (column < size)).all():
            return []
        orders.append(row * size + column)
        start += size
    return orders


POINTWISE = (Lookup, Rescale, Clamp, MapFloat, LeakyReluFloat, Cast, Quantize, Dequantize)

RULES: tuple[tuple[tuple[type, ...], Callable[[_Walk, Node, Any], bool]], ...] = (
    (POINTWISE, _Walk.pointwise),
    ((Softmax, LogSoftmax, L2Normalization, RowsFloat), _Walk.rows),
    ((Conv,), _Walk.product),
    ((Broadcast,), _Walk.pair),
    ((Mean, ReduceExtreme), _Walk.summed),
    ((Concatenation,), _Walk.joined),
    ((Split,), _Walk.parted),
    ((PadImage,), _Walk.padded),
)
