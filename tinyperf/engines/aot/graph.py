"""The compiler's own graph: values and nodes, apart from the .tflite they came from, checked after every pass.

A value is made once, by a node, or is there from the start: an input, a state, a constant. Nodes stand in the order
in which they run. Every pass is a function from graph to graph; nothing is changed in place.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.layouts import NHWC, laid_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Data = npt.NDArray[np.generic]

QUANTIZED = {"int8", "uint8", "int16"}
"""dtypes whose values are codes: they have a range, and a scale and a zero point where they are more than moved."""


class GraphError(Exception):
    """A pass left a graph that breaks its rules: a defect of the compiler, never of a model."""


@dataclass(frozen=True, eq=False)
class Value:
    """What an edge carries. `dtype` is numpy's name; `range` the lowest and highest code; `data` that of a constant."""

    id: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    layout: str = NHWC
    scale: float | None = None
    zero_point: int | None = None
    range: tuple[int, int] | None = None
    data: npt.NDArray[np.generic] | None = field(default=None, repr=False)

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def size_bytes(self) -> int:
        return laid_bytes(self.layout, self.shape, size_of(self.dtype))


@dataclass(frozen=True)
class Operand:
    """What a work expects of a value: as many elements as `shape` has, of this type (numpy's name)."""

    shape: tuple[int, ...]
    dtype: str = "int8"

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


def size_of(dtype: str) -> int:
    """Bytes of an element."""
    return np.dtype(dtype).itemsize


@dataclass(frozen=True)
class Signature:
    inputs: tuple[Operand, ...]
    outputs: tuple[Operand, ...]


@dataclass(frozen=True)
class Shared:
    """Output `output` starts `offset` bytes behind the start of input `input`, in the same bytes.

    Negative where the input lies inside the output.
    """

    input: int
    output: int
    offset: int


class Work(ABC):
    """What a node computes: no scale is left. Its fields are all that a kernel needs to know.

    A work is defined in the file of the operator that it is named for. One that computes knows its types, and does
    so for one combination; one that moves elements has a field `dtype` and does so for any.
    """

    @property
    @abstractmethod
    def signature(self) -> Signature:
        """Elements and types of every input and output."""

    @abstractmethod
    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        """The outputs, computed in numpy: the meaning of the work, which every kernel must reproduce bit for bit.

        Args: one array per input, [n, *shape of the signature]: n inferences at once.
        """

    @property
    def shared(self) -> tuple[Shared, ...]:
        """Where there is nothing to compute: which bytes inputs and outputs share, if they can be placed so.

        A kernel that copies is needed too, but for a work that only renames its one input.
        """
        return ()


@dataclass(frozen=True, eq=False)
class Bounds:
    """Lowest and highest value that each accumulator takes at any point of its sum, proven; int64 [channels]."""

    low: npt.NDArray[np.int64]
    high: npt.NDArray[np.int64]

    @property
    def largest(self) -> int:
        return int(np.maximum(-self.low, self.high).max())


@dataclass(frozen=True)
class Origin:
    """The operator of the file that a node comes from; `macs`: its multiply-accumulates per inference."""

    index: int
    kind: str
    macs: int = 0


@dataclass(frozen=True)
class Form:
    """How a node is done: by which kernel, in which layouts, at what cost, and what may lie over what.

    cycles:  an estimate, to rank the candidates.
    lead:    per input: None: the output must not touch it. k: it may lie over it if it starts at least k bytes before
             it; 0, the very same bytes among them, only where it is no larger; less than 0: so many bytes behind it.
             The kernel then reads every byte before it writes over it.
    exact:   the output may start exactly `lead` bytes before the input, or must not touch it.
    shared:  outputs and inputs that are the same bytes.
    inputs, outputs: layouts; all NHWC where absent.
    block:   of a kernel that works in blocks: how large these are, in units of its own.
    kernel:  its name; "" where no code is needed.
    rows:    of works that are done row by row: the form of each on a row.
    why:     the choice, in words.
    next:    the next best kernel, and what the node would cost with it, all else as it is.
    """

    cycles: float = 0.0
    scratch_bytes: int = 0
    lead: tuple[int | None, ...] = ()
    exact: bool = False
    shared: tuple[Shared, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    block: int = 0
    kernel: str = ""
    rows: tuple[Form, ...] = ()
    why: str = ""
    next: tuple[str, float] | None = None

    def lead_of(self, position: int) -> int | None:
        return self.lead[position] if position < len(self.lead) else None


@dataclass(frozen=True, eq=False)
class Node:
    """One work on values. `bounds` and `form` are filled by the passes named so.

    note: a warning for the user. why: what a pass made of it, for the report.
    """

    work: Work
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    origin: tuple[Origin, ...]
    note: str = ""
    why: str = ""
    bounds: Bounds | None = None
    form: Form | None = None

    @property
    def name(self) -> str:
        """As messages call it: operators of the file by number and kind."""
        return ", ".join(f"op {origin.index} {origin.kind}" for origin in self.origin) or type(self.work).__name__

    @property
    def macs(self) -> int:
        return sum(origin.macs for origin in self.origin)


@dataclass(frozen=True)
class State:
    """A variable: what it holds before the first node, and the value that it holds after the last one.

    reset:  every byte of it after `tp_model_reset`, -128 to 127.
    start:  what the first inference after `tp_model_init` finds instead; None: the reset's bytes, like every other one.
    origin: the operator that gives it its new value.
    """

    before: int
    after: int
    reset: int = 0
    start: npt.NDArray[np.generic] | None = field(default=None, repr=False, compare=False)
    origin: tuple[Origin, ...] = ()


@dataclass(frozen=True, eq=False)
class Graph:
    """See the module. `values` by id; `inputs` and `outputs` in the model's order."""

    name: str
    values: dict[int, Value]
    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    states: tuple[State, ...] = ()

    @cached_property
    def producers(self) -> dict[int, Node]:
        """The node that makes a value, by the value's id."""
        return {made: node for node in self.nodes for made in node.outputs}

    @cached_property
    def consumers(self) -> dict[int, tuple[Node, ...]]:
        """The nodes that read a value, in order, by the value's id; absent where nobody does."""
        return {i: tuple(n for n in self.nodes if i in n.inputs) for node in self.nodes for i in node.inputs}

    def verify(self, after: str) -> None:
        """Raises: GraphError: the graph breaks a rule; all of them are named, and the pass `after` which it did."""
        defects = [*_edges(self), *_values(self), *(d for node in self.nodes for d in _fits(self, node))]
        if defects:
            raise GraphError(f"after pass '{after}': {'; '.join(defects)}")


def _edges(graph: Graph) -> Iterator[str]:
    """Every value is made once, before it is used, and every output is made."""
    there = {i for i, value in graph.values.items() if value.data is not None}
    start = [*graph.inputs, *(state.before for state in graph.states)]
    for i, times in Counter([*start, *(i for node in graph.nodes for i in node.outputs), *there]).items():
        if times > 1:
            yield f"value {i} is made {times} times"
    there.update(start)
    made = {i for node in graph.nodes for i in node.outputs}
    for node in graph.nodes:
        for i in node.inputs:
            if i not in graph.values:
                yield f"{node.name} reads value {i}, which does not exist"
            elif i not in there and i in made:
                yield f"{node.name} reads value {i} before it is made"
            elif i not in there:
                yield f"{node.name} reads value {i}, a constant without data"
        there.update(node.outputs)
    for i in (*graph.outputs, *(state.after for state in graph.states)):
        if i not in there:
            yield f"output {i} is made by no node"
    for i in (*start, *made):
        if i not in graph.values:
            yield f"value {i} is made and does not exist"


def _values(graph: Graph) -> Iterator[str]:
    """Every value is whole: codes have a scale and a range, a constant has the data that its shape says."""
    for i, value in graph.values.items():
        if value.id != i:
            yield f"value {i} calls itself {value.id}"
        if min(value.shape, default=1) < 1:
            yield f"value {i} has shape {value.shape}"
        if value.dtype in QUANTIZED:
            if (value.scale is None) != (value.zero_point is None):
                yield f"value {i} has a scale or a zero point alone"
            if value.range is None or not value.range[0] <= value.range[1]:
                yield f"value {i} has range {value.range}"
        data = value.data
        if data is not None and (str(data.dtype) != value.dtype or data.size != value.elements):
            yield f"value {i} is {value.dtype} {value.shape}, its data {data.dtype} {data.shape}"


def _fits(graph: Graph, node: Node) -> Iterator[str]:
    """A node's values are what its work and its form expect."""
    form, signature = node.form or Form(), node.work.signature
    sides = (
        ("input", node.inputs, signature.inputs, form.inputs),
        ("output", node.outputs, signature.outputs, form.outputs),
    )
    for side, ids, operands, layouts in sides:
        if len(ids) != len(operands):
            yield f"{node.name} has {len(ids)} {side}s, its work {len(operands)}"
            continue
        for i, operand, layout in zip(ids, operands, layouts or (NHWC,) * len(ids), strict=True):
            value = graph.values.get(i)
            if value is None:
                continue
            if value.dtype != operand.dtype:
                yield f"{node.name}: {side} {i} is {value.dtype}, not {operand.dtype}"
            if value.layout != layout:
                yield f"{node.name}: {side} {i} lies as {value.layout}, not {layout}"
            if value.elements != operand.elements:
                yield f"{node.name}: {side} {i} has shape {value.shape}, not {operand.shape}"
