"""Variables: which value each of them holds as the operators of a subgraph go by.

Two kinds. A variable tensor belongs to the operator that reads and writes it (SVDF, LSTM). A resource is known to all
subgraphs by its name, and read and written by operators of its own. Either way a value is made once: to write a
variable is to name the value that it holds from here on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import State

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data, Node, Origin
    from tinyperf.tflite import Model, Op, Tensor


@dataclass
class Resource:
    """A resource variable. `tensor`: the first value that is assigned to it; it gives type, size and what a reset
    leaves. `start`: what CALL_ONCE leaves; None where that is what a reset leaves.
    """

    container: str | None
    name: str
    tensor: Tensor | None = None
    start: Data | None = None


Initial = Callable[[int], "tuple[tuple[Resource, Data], ...]"]
"""What the subgraph of that number leaves in the resources that it assigns. Raises: ModelError: it cannot be said."""


class Resources:
    """All resource variables of a file, found as TFLM finds them (micro_resource_variable.cc)."""

    def __init__(self, model: Model) -> None:
        self._known: list[Resource] = []
        self._handles: dict[tuple[int, int], Resource] = {}
        for number, graph in sorted(((0, model), *model.called.items()), key=lambda item: item[0]):
            for op in graph.ops:
                self._see(number, graph, op)

    def of(self, number: int, handle: int) -> Resource | None:
        """The resource that tensor `handle` of subgraph `number` stands for."""
        return self._handles.get((number, handle))

    def _see(self, number: int, graph: Model, op: Op) -> None:
        if op.kind == "VAR_HANDLE" and len(op.outputs) == 1:
            self._handles[number, op.outputs[0]] = self._named(op)
        if op.kind == "ASSIGN_VARIABLE" and len(op.inputs) == 2:
            resource = self.of(number, op.inputs[0])
            if resource is not None and resource.tensor is None and op.inputs[1] >= 0:
                resource.tensor = graph.tensors[op.inputs[1]]

    def _named(self, op: Op) -> Resource:
        """A handle without a container means the first resource of its name."""
        container, name = op.options["container"], str(op.options["shared_name"])
        container = None if container is None else str(container)
        for resource in self._known:
            if resource.name == name and container in {None, resource.container}:
                return resource
        self._known.append(Resource(container, name))
        return self._known[-1]


@dataclass
class _Held:
    """`before`, `now`: ids of values."""

    before: int
    now: int
    reset: int
    resource: Resource | None = None
    origin: tuple[Origin, ...] = ()


class Variables:
    """Of one subgraph while it is lowered. `tensors`, by index, gets one more for each value that a variable takes."""

    def __init__(self, number: int, tensors: dict[int, Tensor], resources: Resources, initial: Initial) -> None:
        self.initial = initial
        self._number, self._tensors, self._resources = number, tensors, resources
        self._held: dict[int | str, _Held] = {}
        self._next = max(tensors, default=-1) + 1

    @property
    def used(self) -> bool:
        """A resource was read or assigned."""
        return bool(self.resources())

    def resource(self, handle: Tensor) -> Resource | None:
        """What a handle stands for."""
        return self._resources.of(self._number, handle.index)

    def read(self, handle: Tensor) -> int:
        """The value that a resource holds now."""
        return self._of_resource(handle).now

    def assign(self, handle: Tensor, value: Tensor, origin: Origin) -> None:
        """From here on the resource holds `value`."""
        held = self._of_resource(handle)
        held.now, held.origin = self.now(value.index), (origin,)

    def now(self, index: int) -> int:
        """The value that a tensor stands for: of a variable, the one that it holds now; of any other, its own."""
        return self._of_tensor(index).now if self._tensors[index].variable else index

    def resources(self) -> tuple[tuple[Resource, State], ...]:
        """The resources that were read or assigned."""
        pairs = ((held.resource, self._state(held)) for held in self._held.values())
        return tuple((resource, state) for resource, state in pairs if resource is not None)

    def states(self) -> tuple[State, ...]:
        """What is kept from inference to inference."""
        return tuple(self._state(held) for held in self._held.values())

    def bound(self, node: Node, written: tuple[Tensor, ...]) -> Node:
        """`node`, which names tensors, on the values that they stand for; it writes the variables `written` too."""
        inputs = tuple(self.now(i) for i in (*node.inputs, *(t.index for t in written)))
        for tensor in written:
            held = self._of_tensor(tensor.index)
            held.now, held.origin = self._new(tensor), node.origin
        return replace(node, inputs=inputs, outputs=(*node.outputs, *(self.now(t.index) for t in written)))

    def _state(self, held: _Held) -> State:
        start = held.resource.start if held.resource else None
        if start is not None and np.all(np.ascontiguousarray(start).view(np.int8) == held.reset):
            start = None
        return State(held.before, held.now, held.reset, start, held.origin)

    def _of_tensor(self, index: int) -> _Held:
        if index not in self._held:
            self._held[index] = _Held(index, index, _reset_of_tensor(self._tensors[index]))
        return self._held[index]

    def _of_resource(self, handle: Tensor) -> _Held:
        resource = self.resource(handle)
        if resource is None or resource.tensor is None:
            raise LookupError(handle.name)  # the rules ask first
        key = f"{resource.container} {resource.name}"
        if key not in self._held:
            before = self._new(replace(resource.tensor, name=resource.name))
            self._held[key] = _Held(before, before, _reset_of_resource(resource.tensor), resource)
        return self._held[key]

    def _new(self, tensor: Tensor) -> int:
        index, self._next = self._next, self._next + 1
        self._tensors[index] = replace(tensor, index=index, data=None, variable=False)
        return index


def _reset_of_tensor(tensor: Tensor) -> int:
    """`MicroInterpreterGraph::ResetTensorData`: the zero point where the type is int8, and else 0."""
    quantization = tensor.quantization
    given = tensor.dtype == "int8" and quantization is not None and quantization.zero_point_given
    return _byte(quantization.zero_point[0]) if given and quantization is not None else 0


def _reset_of_resource(tensor: Tensor) -> int:
    """`MicroResourceVariables::Allocate`: the lowest 8 bits of the zero point, whatever the type."""
    return _byte(tensor.quantization.zero_point[0]) if tensor.quantization is not None else 0


def _byte(number: int) -> int:
    return (number + 128) % 256 - 128
