"""Works that are done together, row by row: of what lies between them, only some rows are there at once.

A row of a convolution sees a few rows of its input, so a chain of works, or a branch and its shortcut, need not make
one image after another. Each work is done on a row at a time, as soon as the rows that it sees are there; no row is
made twice, and each is made as it always was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Node, Operand, Signature, Work, size_of
from tinyperf.engines.aot.layouts import NHWC
from tinyperf.engines.aot.operators._broadcast import Broadcast
from tinyperf.engines.aot.operators._pool import Pool
from tinyperf.engines.aot.operators._weighted import Weighted
from tinyperf.engines.aot.plan import ALIGNMENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tinyperf.engines.aot.graph import Bounds, Data, Form, Graph, Value
    from tinyperf.engines.aot.operators._window import Window


@dataclass(frozen=True)
class Image:
    """Rows of `width` elements; `shape`: of the value."""

    height: int
    width: int
    dtype: str
    shape: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        return self.width * size_of(self.dtype)


@dataclass(frozen=True)
class Sight:
    """Row y of an output sees `reach` rows of an input of `height` rows, from row y * step - above on.

    below: of these the last row of the output sees so many below the image.
    """

    step: int
    above: int
    reach: int
    height: int
    below: int

    @property
    def padded(self) -> bool:
        """Some row of the output sees rows outside of the image."""
        return bool(self.above or self.below)

    def first(self, y: int) -> int:
        """The first row of the image that output rows from `y` on see, if there are any."""
        return max(y * self.step - self.above, 0)

    def end(self, rows: int) -> int:
        """So many rows of the image are seen by the first `rows` of the output."""
        return min((rows - 1) * self.step - self.above + self.reach, self.height)


@dataclass(frozen=True, eq=False)
class Stage:
    """One of the works; `row`: the same on a row of its output, whose input starts with the first row that is there.

    given: its inputs by number: those of all works together, then what these make, in turn. sights: a row's, of each.
    """

    work: Work
    row: Work
    bounds: Bounds | None
    node: Node
    given: tuple[int, ...]
    sights: tuple[Sight, ...]
    made: Image


@dataclass(frozen=True)
class Step:
    """Before a row of the last work: of what each of the others makes, the rows from `first` up to `end` are there."""

    first: tuple[int, ...]
    end: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class ByRows(Work):
    """`stages` in an order in which they can run; only the last one's output is an output."""

    given: tuple[Image, ...]
    stages: tuple[Stage, ...]

    @property
    def signature(self) -> Signature:
        given = tuple(Operand(image.shape, image.dtype) for image in self.given)
        made = self.stages[-1].made
        return Signature(given, (Operand(made.shape, made.dtype),))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        values = list(inputs)
        for stage in self.stages:
            operands = zip(stage.given, stage.work.signature.inputs, strict=True)
            given = (values[i].reshape(len(values[i]), *operand.shape) for i, operand in operands)
            (made,) = stage.work.interpret(*given)
            values.append(made.reshape(len(made), *stage.made.shape))
        return (values[-1],)

    @property
    def inner(self) -> tuple[Stage, ...]:
        """All but the last one."""
        return self.stages[:-1]

    def readers(self, i: int) -> list[tuple[int, Sight]]:
        """Who sees an image, by number as in `Stage.given`, and how."""
        pairs = ((n, zip(stage.given, stage.sights, strict=True)) for n, stage in enumerate(self.stages))
        return [(n, sight) for n, sights in pairs for given, sight in sights if given == i]

    def steps(self) -> Iterator[Step]:
        """One for each row of the output: rows that no later one sees are forgotten, then those made that this sees."""
        first, made = [0] * len(self.inner), [0] * len(self.stages)
        for y in range(self.stages[-1].made.height):
            needed = self._needed(y)
            for i in range(len(self.inner)):
                first[i] = min(sight.first(made[n]) for n, sight in self.readers(len(self.given) + i))
                made[i] = max(made[i], first[i], needed[i])
            yield Step(tuple(first), tuple(made[:-1]))
            made[-1] = y + 1

    def _needed(self, y: int) -> list[int]:
        """Rows of each stage's output that row y of the last one's rests on."""
        ends = [y + 1] * len(self.stages)
        for i in reversed(range(len(self.inner))):
            ends[i] = max(sight.end(ends[n]) for n, sight in self.readers(len(self.given) + i))
        return ends

    @cached_property
    def rooms(self) -> tuple[int, ...]:
        """Rows of what each inner stage makes that are there at once, at most."""
        steps = list(self.steps())
        return tuple(max(step.end[i] - step.first[i] for step in steps) for i in range(len(self.inner)))

    @cached_property
    def rows_made(self) -> tuple[int, ...]:
        """By each stage, in all: rows that nobody sees are left out."""
        made, before = [0] * len(self.inner), [0] * len(self.inner)
        for step in self.steps():
            for i, (first, end) in enumerate(zip(step.first, step.end, strict=True)):
                made[i] += end - max(before[i], first)
                before[i] = end
        return (*made, self.stages[-1].made.height)

    def leads(self, last: Form) -> tuple[int, ...]:
        """As `Form.lead`. Args: last: the form of the last work on a row."""
        leads = [0] * len(self.given)
        for y, step in enumerate(self.steps()):
            for i, image in enumerate(self.given):
                leads[i] = max(leads[i], self._ahead(i, image, y, step, last))
        return tuple(leads)

    def _ahead(self, i: int, image: Image, y: int, step: Step, last: Form) -> int:
        """How far row y of the output may get ahead of what is still to be read of an input."""
        row, end, ahead = self.stages[-1].made.row_bytes, len(self.inner), 0
        for n, sight in self.readers(i):
            done = y + 1 if n == end else step.end[n]
            if done < self.stages[n].made.height:
                ahead = max(ahead, (y + 1) * row - sight.first(done) * image.row_bytes)
        for order, sight in enumerate(self.stages[-1].sights):
            if self.stages[-1].given[order] == i:
                lead = last.lead_of(order)
                ahead = max(ahead, y * row + (row if lead is None else lead) - sight.first(y) * image.row_bytes)
        return ahead


def goes_by_rows(node: Node, values: Mapping[int, Value]) -> bool:
    """A row of the node's output is a work of its own, on some rows of its inputs, in whole words."""
    images = [_image(values[i]) for i in (*node.inputs, *node.outputs)]
    if any(image is None or image.row_bytes % ALIGNMENT or image.height < 2 for image in images):
        return False
    if isinstance(node.work, Broadcast):
        return node.work.elementwise and len({values[i].shape for i in (*node.inputs, *node.outputs)}) == 1
    if not isinstance(node.work, (Weighted, Pool)):
        return False
    window = node.work.window
    shapes = [values[i].shape for i in (*node.inputs, *node.outputs)]
    return shapes == [(1, *window.in_shape), (1, *window.out_shape)]


def joined(nodes: Sequence[Node], graph: Graph) -> Node:
    """Nodes that each `goes_by_rows`, of which only the last one is read by others, as one."""
    values = graph.values
    inner = {i for node in nodes for i in node.outputs}
    inputs = tuple(dict.fromkeys(i for node in nodes for i in node.inputs if i not in inner))
    numbers = {i: n for n, i in enumerate((*inputs, *(i for node in nodes for i in node.outputs)))}
    images = {i: image for i in numbers if (image := _image(values[i]))}
    stages = tuple(_stage(node, images, numbers) for node in nodes)
    return Node(
        ByRows(tuple(images[i] for i in inputs), stages),
        inputs,
        nodes[-1].outputs,
        tuple(origin for node in nodes for origin in node.origin),
        note="; ".join(node.note for node in nodes if node.note),
        why="; ".join(dict.fromkeys(node.why for node in nodes if node.why)),
    )


def _image(value: Value) -> Image | None:
    shape = value.shape
    if value.data is not None or value.layout != NHWC or len(shape) != 4 or shape[0] != 1:
        return None
    return Image(shape[1], shape[2] * shape[3], value.dtype, shape)


def _stage(node: Node, images: Mapping[int, Image], numbers: Mapping[int, int]) -> Stage:
    given, made = [images[i] for i in node.inputs], images[node.outputs[0]]
    work = node.work
    row: Work
    sights: tuple[Sight, ...]
    if isinstance(work, (Weighted, Pool)):
        sights = (_sight(work.window),)
        row = replace(work, window=_row_window(work.window, sights[0]))
    elif isinstance(work, Broadcast):
        sights = (Sight(1, 0, 1, made.height, 0),) * len(given)
        row = replace(work, shape=(1, 1, 1, made.width), strides=((0, 0, 0, 1),) * 2)
    else:
        raise TypeError(work)
    return Stage(work, row, node.bounds, node, tuple(numbers[i] for i in node.inputs), sights, made)


def _sight(window: Window) -> Sight:
    reach = (window.kernel[0] - 1) * window.dilation[0] + 1
    height, rows = window.in_shape[0], window.out_shape[0]
    below = max((rows - 1) * window.stride[0] - window.pad[0] + reach - height, 0)
    return Sight(window.stride[0], window.pad[0], reach, height, below)


def _row_window(window: Window, sight: Sight) -> Window:
    """Over the fewest rows of the image that a row of the output sees; how many there are is known only at run time."""
    least = min(sight.end(y + 1) - sight.first(y) for y in range(window.out_shape[0]))
    in_shape = (max(least, 1), *window.in_shape[1:])
    return replace(window, in_shape=in_shape, out_shape=(1, *window.out_shape[1:]))
