"""Works that are another work under a different name, which has better kernels or needs none."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators._strided import Strided
from tinyperf.engines.aot.operators.conv_2d import Conv
from tinyperf.engines.aot.operators.depthwise_conv_2d import Depthwise
from tinyperf.engines.aot.operators.reshape import Alias
from tinyperf.engines.aot.operators.slice import Part
from tinyperf.engines.aot.passes.defer import sharing

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Graph, Node, Work


def rewrite(graph: Graph) -> Graph:
    """`graph` with every such work replaced."""
    return replace(graph, nodes=tuple(replace(node, work=_rewritten(graph, node)) for node in graph.nodes))


def _rewritten(graph: Graph, node: Node) -> Work:
    work = node.work
    if isinstance(work, Depthwise) and work.window.in_shape[2] == 1:
        return _convolution(work)
    if isinstance(work, Strided) and work.one_run and _free(graph, node):
        count = math.prod(work.shape)
        same = count == work.elements
        return Alias(count, work.dtype) if same else Part(work.elements, work.start, count, work.dtype)
    return work


def _convolution(work: Depthwise) -> Conv:
    """Of one input channel: every output channel sums over it, as in a convolution."""
    weights = np.moveaxis(work.weights, 2, 0)[..., None]
    return Conv(work.window, weights, work.channels, work.in_zero, work.out_zero, work.clamp)


def _free(graph: Graph, node: Node) -> bool:
    """Neither side is a constant or in a variable's bytes, which are written again while a part of them may be read."""
    near = sharing(graph, node.inputs[0]) | sharing(graph, node.outputs[0])
    taken = {i for state in graph.states for i in (state.before, state.after)}
    return not near & taken and graph.values[node.inputs[0]].data is None
