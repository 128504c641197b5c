"""Channels that no output depends on leave their value: their producer does not make them, nobody reads them.

A channel that holds one code for every input contributes the same to every sum of a convolution that reads it: nothing
where the code is the zero point of that input, else a constant that goes into the bias, if no padding is in its place
anywhere. Depthwise convolutions and poolings work channel by channel, so what they read and make leaves together.
Everything else (ADD, CONCATENATION, a RESHAPE of an image, the model's ends) keeps all channels.

Kernels take channels in fours, so as many stay as fill the last four. A filler has weights of zero on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from tinyperf.engines.aot.operators._pool import Pool
from tinyperf.engines.aot.operators._weighted import Channels, Weighted
from tinyperf.engines.aot.operators.conv_2d import Conv
from tinyperf.engines.aot.operators.depthwise_conv_2d import Depthwise
from tinyperf.engines.aot.operators.reshape import Alias
from tinyperf.engines.aot.passes.ranges import by_channel, channels_of, ranges

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Graph, Node, Value, Work
    from tinyperf.engines.aot.passes.ranges import Codes

    Mask = npt.NDArray[np.bool_]

W = TypeVar("W", bound=Weighted)

MULTIPLE = 4
"""What conv_1x1_dsp and depthwise_conv_2d_dsp need; without them a channel costs several times as much.

The reference vww by the Cortex-M4's costs: 10.7 M cycles for multiples of 1, 10.6 of 2, 9.8 of 4, 10.0 of 8.
"""


@dataclass(frozen=True, eq=False)
class Rest:
    """What is left of a value's channels: `wanted` of all of them; `channels`: their numbers, with the fillers."""

    wanted: Mask
    channels: npt.NDArray[np.int64]

    @property
    def live(self) -> Mask:
        """Of `channels`: it is no filler."""
        return np.asarray(self.wanted[self.channels])


def leave_out(graph: Graph) -> Graph:
    """`graph` without the channels that are constant for every input or that nobody reads, where that is possible."""
    known = ranges(graph)
    return without(graph, {i: _rest(wanted) for i, wanted in wanted_channels(graph, known).items()}, known)


def without(graph: Graph, rests: dict[int, Rest], known: dict[int, Codes]) -> Graph:
    """`graph` with what `rests` says is left of each value, where `known` are its codes."""
    values = {i: _smaller(value, rests[i]) for i, value in graph.values.items()}
    return replace(graph, values=values, nodes=tuple(_without(graph, node, rests, known) for node in graph.nodes))


def _rest(wanted: Mask) -> Rest:
    """The wanted channels in their order, and the first of the others as fillers."""
    order = np.argsort(~wanted, kind="stable")[: _filled(wanted)]
    return Rest(wanted, np.sort(order))


def wanted_channels(graph: Graph, known: dict[int, Codes]) -> dict[int, Mask]:
    """Of every value, the channels that must stay: the least that satisfies all its consumers and its producer."""
    masks = {i: np.full(channels_of(value), not _free(graph, i)) for i, value in graph.values.items()}
    nodes = [node for node in reversed(graph.nodes) if _narrows(graph, node)]
    while True:
        before = sum(int(mask.sum()) for mask in masks.values())
        for node in nodes:
            (given,), (made,) = node.inputs, node.outputs
            if isinstance(node.work, Conv):
                masks[given] = _worth(masks[given] | _read(node.work, known[given], masks[made]))
            else:
                masks[given] = masks[made] = _worth(masks[given] | masks[made])
        if sum(int(mask.sum()) for mask in masks.values()) == before:
            return masks


def _worth(wanted: Mask) -> Mask:
    """All channels, where fillers would bring them all back."""
    return wanted if _filled(wanted) < len(wanted) else np.ones_like(wanted)


def _filled(wanted: Mask) -> int:
    """The number of wanted channels, filled to the multiple that kernels take; never none."""
    return min(-(-max(int(wanted.sum()), 1) // MULTIPLE) * MULTIPLE, len(wanted))


def _narrows(graph: Graph, node: Node) -> bool:
    """It can do with fewer channels: a depthwise convolution that makes several of each cannot."""
    single = not isinstance(node.work, Depthwise) or node.work.depth_multiplier == 1
    return single and by_channel(graph, node)


def _free(graph: Graph, i: int) -> bool:
    """Its producer and all its consumers can do with fewer of its channels, and it is no end of the model."""
    ends = {*graph.outputs, *(state.after for state in graph.states)}
    if i in ends or i not in graph.producers:
        return False
    return all(_narrows(graph, node) for node in (graph.producers[i], *graph.consumers.get(i, ())))


def _read(work: Conv, given: Codes, made: Mask) -> Mask:
    """The input channels that a convolution needs for the output channels `made`."""
    used = np.any(work.weights[made] != 0, axis=(0, 1, 2))
    return np.asarray(used & ~_folds(work, given))


def _folds(work: Conv, given: Codes) -> Mask:
    """The input channels whose contribution is a constant that the bias can take."""
    largest = np.abs(work.channels.bias.astype(np.int64)) + 255 * np.abs(work.rows.astype(np.int64)).sum(axis=1)
    any_code = not work.window.padded and int(largest.max()) < 2**31
    return np.asarray(given.constant & (any_code | (given.low == work.in_zero)))


def _smaller(value: Value, rest: Rest) -> Value:
    if len(rest.channels) == len(rest.wanted):
        return value
    return replace(value, shape=(*value.shape[:-1], len(rest.channels)))


def _without(graph: Graph, node: Node, rests: dict[int, Rest], known: dict[int, Codes]) -> Node:
    if not _narrows(graph, node):
        return node
    (i,), (o,) = node.inputs, node.outputs
    given, made = rests[i], rests[o]
    if given.wanted.all() and made.wanted.all():
        return node
    work = _work(node.work, given, made, known[i])
    return replace(node, work=work, why=_said(made, known[o]) if isinstance(work, Weighted) else "")


def _work(work: Work, given: Rest, made: Rest, codes: Codes) -> Work:
    """`work` on the channels that are left."""
    if isinstance(work, Alias):
        return replace(work, elements=len(made.channels))
    if isinstance(work, Conv):
        return _conv(work, given, made, codes)
    if isinstance(work, Depthwise):
        weights = work.weights[..., made.channels] * made.live
        return _sized(work, given, made, weights.astype(np.int8), work.channels.bias.astype(np.int64))
    if isinstance(work, Pool):
        return replace(work, window=work.window.of(len(given.channels), len(made.channels)))
    raise TypeError(work)


def _conv(work: Conv, given: Rest, made: Rest, codes: Codes) -> Conv:
    gone = ~given.wanted & codes.constant
    taps = work.weights.astype(np.int64).sum(axis=(1, 2))
    folds = gone & _folds(work, codes)
    bias = work.channels.bias + taps[:, folds] @ (codes.low[folds] - work.in_zero)
    weights = work.weights[made.channels][..., given.channels] * given.live
    weights *= made.live[:, None, None, None]
    return _sized(work, given, made, weights.astype(np.int8), bias)


def _sized(work: W, given: Rest, made: Rest, weights: npt.NDArray[np.int8], bias: npt.NDArray[np.int64]) -> W:
    kept, live = work.channels, made.live

    def of(numbers: npt.NDArray[np.int64] | npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        return np.where(live, numbers[made.channels], 0).astype(np.int32)

    window = work.window.of(len(given.channels), len(made.channels))
    return replace(
        work, window=window, weights=weights, channels=Channels(of(bias), of(kept.multiplier), of(kept.shift))
    )


def _said(made: Rest, codes: Codes) -> str:
    """What became of the channels, for the report."""
    gone = np.delete(np.arange(len(made.wanted)), made.channels)
    if not len(gone):
        return ""
    constant = int(codes.constant[gone].sum())
    kinds = ((constant, "constant"), (len(gone) - constant, "read by nobody"))
    said = " and ".join(f"{count} {kind}" for count, kind in kinds if count)
    return f"{len(gone)} of {len(made.wanted)} channels left out ({said}), exact for every input"
