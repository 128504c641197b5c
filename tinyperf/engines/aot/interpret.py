"""A graph computed in numpy: the oracle that needs neither a compiler nor the tflite-micro wheel.

It knows nothing of kernels, layouts or the arena, so a graph gives the same outputs after every pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data, Graph, State

BATCH = 16
"""Inferences at once: enough to amortize Python, few enough for the windows of a first layer to fit into a cache."""


def interpret(graph: Graph, *inputs: Data) -> tuple[Data, ...]:
    """Outputs of n inferences.

    Args:    one array per input of the graph, [n, *shape]. States are at first what `tp_model_init` leaves, and are
             kept from one inference to the next.
    Returns: one array per output, [n, *shape].
    """
    count = len(inputs[0])
    size = 1 if graph.states else BATCH
    states = _first(graph)
    batches = []
    for start in range(0, count, size):
        given = dict(zip(graph.inputs, (i[start : start + size] for i in inputs), strict=True))
        values = _run(graph, given | states, min(size, count - start))
        states = {state.before: values[state.after] for state in graph.states}
        batches.append([values[i] for i in graph.outputs])
    return tuple(np.concatenate(parts) for parts in zip(*batches, strict=True))


def left(graph: Graph) -> tuple[Data, ...]:
    """What the states of a graph without inputs hold after its first inference, each of its value's shape."""
    values = _run(graph, _first(graph), 1)
    return tuple(values[state.after].reshape(_shape(graph, state.before)) for state in graph.states)


def _first(graph: Graph) -> dict[int, Data]:
    """What the states hold before the first inference."""
    return {state.before: _start(graph, state) for state in graph.states}


def _start(graph: Graph, state: State) -> Data:
    shape = (1, *_shape(graph, state.before))
    if state.start is not None:
        return state.start.reshape(shape)
    value = graph.values[state.before]
    data: Data = np.full(value.size_bytes, state.reset, np.int8).view(value.dtype).reshape(shape)
    return data


def _run(graph: Graph, values: dict[int, Data], count: int) -> dict[int, Data]:
    """`values` at the start, and all that the nodes make of them in `count` inferences."""
    values = values | {
        i: np.broadcast_to(v.data, (count, *v.shape)) for i, v in graph.values.items() if v.data is not None
    }
    for node in graph.nodes:
        operands = node.work.signature.inputs
        given = (values[i].reshape(count, *o.shape) for i, o in zip(node.inputs, operands, strict=True))
        for i, made in zip(node.outputs, node.work.interpret(*given), strict=True):
            values[i] = made.reshape(count, *_shape(graph, i))
    return values


def _shape(graph: Graph, i: int) -> tuple[int, ...]:
    return graph.values[i].shape
