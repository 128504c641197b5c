"""What moves values and computes none: shapes, joins, cuts, paddings, resized images."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from tinyperf.learn.onnx_nodes import Node, Symbol, Value, channels_last, natural
from tinyperf.learn.onnx_nodes.reduction import renumbered


def transpose(node: Node) -> Symbol:
    """No data move: the tensor's dimensions are called by other numbers."""
    symbol = node.symbol()
    rank = len(symbol.order)
    moved = [int(n) for n in node.attributes.get("perm", range(rank)[::-1])]
    return replace(symbol, order=tuple(moved.index(axis) for axis in symbol.order))


def reshape(node: Node) -> Value:
    symbol = node.inputs[0]
    given = node.parameter("shape", 1) or []
    zeros = bool(node.attributes.get("allowzero", 0))
    shape = [symbol.shape[i] if n == 0 and not zeros else n for i, n in enumerate(given)]
    return reshaped(node, symbol, shape)


def flatten(node: Node) -> Value:
    symbol = node.inputs[0]
    axis = int(node.attributes.get("axis", 1)) % (len(symbol.shape) + 1)
    return reshaped(node, symbol, [math.prod(symbol.shape[:axis]), math.prod(symbol.shape[axis:])])


def reshaped(node: Node, symbol: Symbol, given: list[int]) -> Symbol:
    """`symbol` under another shape; without moving data where dimensions are only split, or joined as they lie."""
    import tensorflow as tf

    count = math.prod(symbol.shape)
    rest = -math.prod(given) if -1 in given else 1
    shape = tuple(count // rest if n == -1 else n for n in given)
    if shape == symbol.shape:
        return symbol
    if not symbol.flat:
        parts = _parts(symbol, shape)
        if parts is not None:
            sizes = [shape[axis] for axis in parts]
            return Symbol(tf.reshape(symbol.tensor, sizes), parts, least=symbol.least)
        if len(shape) == 2 and shape[0] == symbol.shape[0] and symbol.shape[0] == 1:
            return replace(symbol, flat=True)
    return Symbol(tf.reshape(node.layouts.plain(symbol), shape), natural(len(shape)), least=symbol.least)


def _parts(symbol: Symbol, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The order of the new dimensions, if each group of old ones that becomes new ones lies together and in order."""
    order: list[int] = []
    groups = _groups(symbol.shape, shape)
    at = {axis: number for number, (old, _) in enumerate(groups) for axis in old}
    walked = [axis for axis in symbol.order if axis in at and symbol.shape[axis] > 1]
    while walked:
        old, new = groups[at[walked[0]]]
        wanted = [axis for axis in old if symbol.shape[axis] > 1]
        if walked[: len(wanted)] != wanted:
            return None
        order += new
        walked = walked[len(wanted) :]
    ones = [axis for axis in range(len(shape)) if axis not in order]
    return (*ones, *order)


def _groups(old: tuple[int, ...], new: tuple[int, ...]) -> list[tuple[list[int], list[int]]]:
    """The smallest runs of dimensions (ones left out) that hold as many elements in both shapes."""
    groups: list[tuple[list[int], list[int]]] = []
    left, right = ([i for i, n in enumerate(shape) if n > 1] for shape in (old, new))
    while left:
        a, b = [left.pop(0)], [right.pop(0)]
        while (x := math.prod(old[i] for i in a)) != (y := math.prod(new[i] for i in b)):
            if x < y:
                a.append(left.pop(0))
            else:
                b.append(right.pop(0))
        groups.append((a, b))
    return groups


def squeeze(node: Node) -> Symbol:
    import tensorflow as tf

    symbol = node.symbol()
    rank = len(symbol.order)
    given = node.parameter("axes", 1)
    gone = [a % rank for a in given] if given is not None else [a for a in range(rank) if symbol.shape[a] == 1]
    order = renumbered(symbol.order, gone)
    kept = [axis for axis in symbol.order if axis not in gone]
    return Symbol(tf.reshape(symbol.tensor, [symbol.shape[a] for a in kept]), order, least=symbol.least)


def unsqueeze(node: Node) -> Symbol:
    import tensorflow as tf

    symbol = node.symbol()
    given = node.parameter("axes", 1) or []
    rank = len(symbol.order) + len(given)
    new = sorted(axis % rank for axis in given)
    kept = [axis for axis in range(rank) if axis not in new]
    order = (*new, *(kept[axis] for axis in symbol.order))
    sizes = [1] * len(new) + [int(n) for n in symbol.tensor.shape]
    return Symbol(tf.reshape(symbol.tensor, sizes), order, least=symbol.least)


def concat(node: Node) -> Symbol:
    import tensorflow as tf

    symbols = [node.symbol(i) for i in range(len(node.inputs))]
    order = max(symbols, key=lambda s: math.prod(s.shape)).order
    axis = order.index(int(node.attributes["axis"]) % len(order))
    tensors = [node.layouts.ordered(s, order) for s in symbols]
    return Symbol(tf.concat(tensors, axis), order, least=min(s.least for s in symbols))


def split(node: Node) -> list[Symbol]:
    import tensorflow as tf

    symbol = node.symbol()
    axis = int(node.attributes.get("axis", 0)) % len(symbol.order)
    size, count = symbol.shape[axis], node.outputs
    sizes = node.parameter("split", 1) or [-(-size // count)] * (count - 1) + [size - (count - 1) * -(-size // count)]
    return [replace(symbol, tensor=part) for part in tf.split(symbol.tensor, sizes, symbol.place(axis))]


def slices(node: Node) -> Symbol:
    symbol = node.symbol()
    starts, ends = node.parameter("starts", 1) or [], node.parameter("ends", 2) or []
    axes = node.parameter("axes", 3) or list(range(len(starts)))
    steps = node.parameter("steps", 4) or [1] * len(starts)
    if min(steps) < 1:
        raise node.refusal(f"steps {steps}")
    cut = [slice(None)] * len(symbol.order)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        cut[symbol.place(axis)] = slice(*slice(start, end, step).indices(symbol.shape[axis % len(symbol.order)]))
    return replace(symbol, tensor=symbol.tensor[tuple(cut)])


def gather(node: Node) -> Symbol:
    import tensorflow as tf

    symbol, indices = node.symbol(), node.constant(1)
    axis = int(node.attributes.get("axis", 0)) % len(symbol.order)
    if indices.ndim > 1:
        raise node.refusal(f"indices {list(indices.shape)}")
    found = indices.astype(np.int64) % symbol.shape[axis]
    if found.ndim == 0:
        cut: list[Any] = [slice(None)] * len(symbol.order)
        cut[symbol.place(axis)] = int(found)
        return Symbol(symbol.tensor[tuple(cut)], renumbered(symbol.order, [axis]), least=symbol.least)
    return replace(symbol, tensor=tf.gather(symbol.tensor, found.astype(np.int32), axis=symbol.place(axis)))


def pad(node: Node) -> Symbol:
    import tensorflow as tf

    symbol = node.symbol()
    rank = len(symbol.order)
    given = node.parameter("pads", 1) or []
    axes = [axis % rank for axis in node.parameter("axes", 3) or range(rank)]
    pairs = [(0, 0)] * rank
    for number, axis in enumerate(axes):
        pairs[symbol.place(axis)] = (given[number], given[number + len(axes)])
    if min(n for pair in pairs for n in pair) < 0:
        raise node.refusal(f"negative pads {given}")
    mode = node.attributes.get("mode", "constant")
    if mode == "edge" and all(max(pair) <= 1 for pair in pairs):
        mode = "symmetric"  # the same for one row
    if mode not in ("constant", "reflect", "symmetric"):
        raise node.refusal(f"mode {mode}")
    value = node.number("value", 2, 0.0)
    made = tf.pad(symbol.tensor, pairs, mode.upper(), constant_values=value)
    return replace(symbol, tensor=made, least=min(symbol.least, value))


def expand(node: Node) -> Symbol:
    import tensorflow as tf

    symbol = node.symbol()
    shape = np.broadcast_shapes(symbol.shape, tuple(node.parameter("shape", 1) or []))
    if len(shape) != len(symbol.order):
        raise node.refusal(f"shape {list(shape)} of {list(symbol.shape)}")
    if shape == symbol.shape:
        return symbol
    return replace(symbol, tensor=tf.broadcast_to(symbol.tensor, [shape[axis] for axis in symbol.order]))


def shape_of(node: Node) -> Any:
    """Known now: every size is fixed, the batch's is 1."""
    value = node.inputs[0]
    shape = value.shape if isinstance(value, Symbol) else np.shape(value)
    start, end = node.attributes.get("start", 0), node.attributes.get("end", None)
    return np.array(shape[start:end], np.int64)


def depth_to_space(node: Node) -> Symbol:
    import tensorflow as tf

    block = int(node.attributes["blocksize"])
    tensor, order = node.last()
    channels = int(tensor.shape[-1])
    if node.attributes.get("mode", "DCR") == "CRD":  # PixelShuffle: the block's two dimensions lie behind the channels
        moved = np.arange(channels).reshape(-1, block * block).T.reshape(-1)
        tensor = tf.gather(tensor, moved.astype(np.int32), axis=-1)
    return Symbol(tf.nn.depth_to_space(tensor, block), order, least=node.symbol().least)


def space_to_depth(node: Node) -> Symbol:
    import tensorflow as tf

    tensor, order = node.last()
    return Symbol(tf.nn.space_to_depth(tensor, int(node.attributes["blocksize"])), order, least=node.symbol().least)


def resize(node: Node) -> Symbol:
    """Images only; in the ways that TensorFlow Lite's two operators know."""
    import tensorflow as tf

    tensor, order = node.last()
    rank = len(order)
    if order != channels_last(4):
        raise node.refusal(f"an input of {rank} dimensions")
    old = [int(n) for n in tensor.shape[1:3]]
    size = _resized(node, [int(n) for n in node.symbol().shape])
    way = node.attributes.get("coordinate_transformation_mode", "half_pixel")
    way = "asymmetric" if node.kind == "Upsample" else way
    if node.attributes.get("mode", "nearest") == "nearest":
        whole = all(new % n == 0 for new, n in zip(size, old, strict=True))
        floor = node.attributes.get("nearest_mode", "round_prefer_floor") == "floor" or node.kind == "Upsample"
        if not ((way == "asymmetric" and floor) or (whole and "half_pixel" in way)):
            raise node.refusal(f"nearest, {way}, from {old} to {size}")
        return Symbol(tf.compat.v1.image.resize_nearest_neighbor(tensor, size), order, least=node.symbol().least)
    if node.attributes["mode"] != "linear" or way not in (
        "half_pixel",
        "pytorch_half_pixel",
        "align_corners",
        "asymmetric",
    ):
        raise node.refusal(f"{node.attributes['mode']}, {way}")
    made = tf.compat.v1.image.resize_bilinear(
        tensor, size, align_corners=way == "align_corners", half_pixel_centers="half_pixel" in way
    )
    return Symbol(made, order, least=node.symbol().least)


def _resized(node: Node, shape: list[int]) -> list[int]:
    """Height and width of the result."""
    places = (1, None) if node.kind == "Upsample" or node.opset < 11 else (2, 3)
    sizes = node.constant(3) if places[1] and node.optional(3) is not None and node.constant(3).size else None
    if sizes is not None:
        new = [int(n) for n in sizes]
    else:
        scales = node.attributes.get("scales")
        scales = node.constant(places[0]) if scales is None else np.asarray(scales)
        new = [math.floor(n * float(s)) for n, s in zip(shape[-len(scales) :], scales, strict=True)]
    if new[:-2] != shape[:-2][-len(new[:-2]) :] and len(new) > 2:
        raise node.refusal(f"from {shape} to {new}")
    return new[-2:]


OPERATORS = {
    "Transpose": transpose,
    "Reshape": reshape,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Concat": concat,
    "Split": split,
    "Slice": slices,
    "Gather": gather,
    "Pad": pad,
    "Expand": expand,
    "Shape": shape_of,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    "Resize": resize,
    "Upsample": resize,
}
