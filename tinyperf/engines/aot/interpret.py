"""A graph computed in numpy: the oracle that needs neither a compiler nor the tflite-micro wheel.

It knows nothing of kernels, layouts or the arena, so a graph gives the same outputs after every pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data, Graph

BATCH = 16
"""Inferences at once: enough to amortize Python, few enough for the windows of a first layer to fit into a cache."""


def interpret(graph: Graph, *inputs: Data) -> tuple[Data, ...]:
    """Outputs of n inferences.

    Args:    one array per input of the graph, [n, *shape]. States start at their zero point and are kept from one
             inference to the next.
    Returns: one array per output, [n, *shape].
    """
    count = len(inputs[0])
    size = 1 if graph.states else BATCH
    states = {
        state.before: np.full((1, *_shape(graph, state.before)), _zero(graph, state.before)) for state in graph.states
    }
    batches = []
    for start in range(0, count, size):
        values = _run(graph, dict(zip(graph.inputs, (i[start : start + size] for i in inputs), strict=True)) | states)
        states = {state.before: values[state.after] for state in graph.states}
        batches.append([values[i] for i in graph.outputs])
    return tuple(np.concatenate(parts) for parts in zip(*batches, strict=True))


def _run(graph: Graph, values: dict[int, Data]) -> dict[int, Data]:
    """`values` at the start, and all that the nodes make of them."""
    count = len(next(iter(values.values())))
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


def _zero(graph: Graph, i: int) -> Data:
    value = graph.values[i]
    return np.array(value.zero_point or 0, value.dtype)
