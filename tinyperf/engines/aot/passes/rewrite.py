"""Works that are another work under a different name, which has better kernels or needs none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators.conv_2d import Conv
from tinyperf.engines.aot.operators.depthwise_conv_2d import Depthwise

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Graph, Work


def rewrite(graph: Graph) -> Graph:
    """`graph` with every such work replaced."""
    return replace(graph, nodes=tuple(replace(node, work=_rewritten(node.work)) for node in graph.nodes))


def _rewritten(work: Work) -> Work:
    if isinstance(work, Depthwise) and work.window.in_shape[2] == 1:
        return _convolution(work)
    return work


def _convolution(work: Depthwise) -> Conv:
    """Of one input channel: every output channel sums over it, as in a convolution."""
    weights = np.moveaxis(work.weights, 2, 0)[..., None]
    return Conv(work.window, weights, work.channels, work.in_zero, work.out_zero, work.clamp)
