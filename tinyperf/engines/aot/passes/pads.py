"""A PAD before a convolution or a maximum is that one's own padding: no copy of the image is made.

Networks of PyTorch pad both sides of an image before a stride of 2, which TensorFlow's SAME does not; converters
write a PAD for it. A convolution takes its input's zero point for what lies outside, and a maximum takes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tinyperf.engines.aot.arithmetic import INT8_LOW
from tinyperf.engines.aot.operators._pool import Pool
from tinyperf.engines.aot.operators._weighted import Weighted
from tinyperf.engines.aot.operators.pad import PadImage

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Graph, Node
    from tinyperf.engines.aot.operators._window import Window


def pads(graph: Graph) -> Graph:
    """`graph` without the paddings that all who read them can do themselves."""
    for node in graph.nodes:
        if isinstance(node.work, PadImage) and _folds(graph, node, node.work):
            graph = _without(graph, node, node.work)
    return graph


def _folds(graph: Graph, node: Node, pad: PadImage) -> bool:
    (made,) = node.outputs
    readers = graph.consumers.get(made, ())
    ends = {*graph.outputs, *(state.after for state in graph.states)}
    image = (pad.in_shape[0], pad.in_shape[3]) == (pad.out_shape[0], pad.out_shape[3]) and pad.out_shape[0] == 1
    return image and made not in ends and bool(readers) and all(_takes(reader, pad) for reader in readers)


def _takes(reader: Node, pad: PadImage) -> bool:
    """It sees outside of its image what the padding holds, and no window lies outside altogether."""
    work = reader.work
    if isinstance(work, Weighted):
        same = pad.value == work.in_zero
    elif isinstance(work, Pool):
        same = work.maximum and pad.value == INT8_LOW
    else:
        return False
    return same and work.window.in_shape == pad.out_shape[1:] and _touches(_wider(work.window, pad), pad)


def _touches(window: Window, pad: PadImage) -> bool:
    for axis in range(2):
        reach = (window.kernel[axis] - 1) * window.dilation[axis] + 1
        before, size = window.pad[axis], pad.in_shape[1 + axis]
        last = (window.out_shape[axis] - 1) * window.stride[axis] - before
        if before >= reach or last >= size:
            return False
    return True


def _wider(window: Window, pad: PadImage) -> Window:
    _, height, width, channels = pad.in_shape
    before = (window.pad[0] + pad.before[1], window.pad[1] + pad.before[2])
    return replace(window, in_shape=(height, width, channels), pad=before)


def _without(graph: Graph, node: Node, pad: PadImage) -> Graph:
    """The padding's origin goes to the first who reads it."""
    (given,), (made,) = node.inputs, node.outputs
    origin, nodes = node.origin, []
    for other in graph.nodes:
        if other is node:
            continue
        work = other.work
        if made in other.inputs and isinstance(work, Weighted | Pool):
            wider = replace(work, window=_wider(work.window, pad))
            nodes.append(replace(other, work=wider, inputs=(given,), origin=(*other.origin, *origin)))
            origin = ()
        else:
            nodes.append(other)
    values = {i: value for i, value in graph.values.items() if i != made}
    return replace(graph, nodes=tuple(nodes), values=values)
