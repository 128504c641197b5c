"""Random chains and branches of windows and ADD, all of whose works are done together, row by row."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tests import forced, graphs
from tinyperf import tflite
from tinyperf.engines.aot.operators._sample import Random
from tinyperf.engines.aot.rows import ByRows, goes_by_rows, joined

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Graph

KINDS = ("CONV_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D", "ADD", "ADD")
SCALE = 0.05


class _Network:
    """Layers one after another; rows are whole words."""

    def __init__(self, random: Random) -> None:
        self.random = random
        size = random.integer(2, 12), random.pick(random.integer(1, 9), 4, 8, 12)
        self.tensors = [graphs.T((1, *size, 4 * random.integer(1, 3)), SCALE, random.zero())]
        self.ops: list[graphs.O] = []
        self.images = [0]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.tensors[self.images[-1]].shape

    def layer(self) -> None:
        kind = self.random.pick(*KINDS)
        same = [i for i in self.images[:-1] if self.tensors[i].shape == self.shape]
        if kind == "ADD" and same:
            self._add(kind, [self.images[-1], self.random.pick(*same)], self.shape, {})
        elif kind != "ADD":
            self._window(kind)

    def _window(self, kind: str) -> None:
        """A layer of that kind on the last image, if two rows come of it."""
        random, (_, height, width, in_c) = self.random, self.shape
        kernel = random.integer(1, 5), random.integer(1, 4)
        dilation = (1, 1) if "POOL" in kind else random.pick((1, 1), (1, 1), (2, 1), (1, 2))
        stride = random.pick(1, 1, 1, 2, 3), random.pick(1, 1, 2)
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        valid = height >= reach[0] and width >= reach[1] and random.pick(True, False, False)
        made = [-(-(n - (r - 1) * valid) // s) for n, r, s in zip((height, width), reach, stride, strict=True)]
        options = {"padding": int(valid), "strideH": stride[0], "strideW": stride[1]}
        if made[0] < 2:
            return
        if "POOL" in kind:
            options |= {"filterHeight": kernel[0], "filterWidth": kernel[1]}
            self._add(kind, [self.images[-1]], (1, *made, in_c), options)
            return
        options |= {"dilationHFactor": dilation[0], "dilationWFactor": dilation[1]}
        options["fusedActivationFunction"] = random.pick(0, 1)
        if kind == "CONV_2D":
            out_c = random.pick(in_c, 4 * random.integer(1, 3))
            shape: tuple[int, ...] = (out_c, *kernel, in_c)
        else:
            options["depthMultiplier"] = random.pick(1, 1, 2)
            out_c = in_c * options["depthMultiplier"]
            shape = (1, *kernel, out_c)
        bias = random.generator.integers(-900, 900, out_c).astype(np.int32)
        first = len(self.tensors)
        self.tensors += [graphs.constant(random.weights(*shape), 0.01), graphs.constant(bias, SCALE * 0.01)]
        self._add(kind, [self.images[-1], first, first + 1], (1, *made, out_c), options)

    def _add(self, kind: str, inputs: list[int], shape: tuple[int, ...], options: dict[str, Any]) -> None:
        zero = self.tensors[inputs[0]].zero if "POOL" in kind else self.random.pick(-128, self.random.zero())
        self.tensors.append(graphs.T(shape, SCALE, zero))
        self.images.append(len(self.tensors) - 1)
        self.ops.append(graphs.O(kind, inputs, [self.images[-1]], options))


def drawn(seed: int) -> forced.Layer:
    """Two to five layers as one work."""
    random = Random(seed)
    while True:
        network = _Network(random)
        for _ in range(random.integer(3, 8)):
            network.layer()
        if 2 <= len(network.ops) <= 5 and _used(network):
            break
    file = graphs.build(network.tensors, network.ops, [0], [network.images[-1]])
    model = tflite.parse(file, "rows")
    made = forced.layer(file, (forced.rows_of(random, model.input),))
    return replace(made, graph=_together(made.graph))


def _used(network: _Network) -> bool:
    """Every image but the last one is read."""
    read = {i for op in network.ops for i in op.inputs}
    return set(network.images[:-1]) <= read


def _together(graph: Graph) -> Graph:
    assert all(goes_by_rows(node, graph.values) for node in graph.nodes)
    made = replace(graph, nodes=(joined(graph.nodes, graph),))
    made.verify("joining")
    return made


def work_of(layer: forced.Layer) -> ByRows:
    (node,) = layer.graph.nodes
    assert isinstance(node.work, ByRows)
    return node.work
