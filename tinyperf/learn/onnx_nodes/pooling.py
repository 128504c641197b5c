"""Pooling, by window and of the whole image."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinyperf.learn.onnx_nodes import Node, Symbol
from tinyperf.learn.onnx_nodes._windows import Window, window


def max_pool(node: Node) -> Symbol:
    """Padding must never win: zeros where nothing is below, else the image's own edge, which is in the window."""
    import tensorflow as tf

    tensor, order, view, sizes = _image(node)
    if set(view.dilations) != {1} or node.outputs > 1:
        raise node.refusal("dilations, or indices")
    padding = "SAME" if view.padded and view.is_same(sizes) else "VALID"
    if view.padded and padding == "VALID":
        fits = all(max(pair) <= kernel // 2 for pair, kernel in zip(view.pads, view.kernel, strict=True))
        zeros = node.symbol().least >= 0
        if not fits and not zeros:
            raise node.refusal(f"pads {view.pads} of a window {list(view.kernel)}")
        tensor = tf.pad(tensor, [(0, 0), *view.pads, (0, 0)], "CONSTANT" if zeros else "SYMMETRIC")
    made = tf.nn.max_pool2d(tensor, view.kernel, view.strides, padding)
    return _symbol(node, made, order)


def average_pool(node: Node) -> Symbol:
    import tensorflow as tf

    tensor, order, view, sizes = _image(node)
    if set(view.dilations) != {1}:
        raise node.refusal("dilations")
    counts_padding = bool(node.attributes.get("count_include_pad", 0))
    padding = "SAME" if view.padded and not counts_padding and view.is_same(sizes) else "VALID"
    share = None
    if view.padded and padding == "VALID":
        if counts_padding and node.attributes.get("ceil_mode", 0):
            raise node.refusal("ceil_mode with padding that counts")
        share = None if counts_padding else _share_inside(view, sizes)
        tensor = tf.pad(tensor, [(0, 0), *view.pads, (0, 0)])
    made = tf.nn.avg_pool2d(tensor, view.kernel, view.strides, padding)
    return _symbol(node, made if share is None else made / share, order)


def _image(node: Node) -> tuple[Any, tuple[int, ...], Window, tuple[int, ...]]:
    """The input as an image (a series is one row high), its order in the source, and the window over it."""
    import tensorflow as tf

    tensor, order = node.last()
    if len(order) not in (3, 4):
        raise node.refusal(f"an input of {len(order)} dimensions")
    kernel = tuple(int(n) for n in node.attributes["kernel_shape"])
    if len(order) == 3:
        tensor = tf.expand_dims(tensor, 1)
        view = window(node, kernel, (int(tensor.shape[2]),))
        view = Window((1, *view.kernel), (1, *view.strides), (1, *view.dilations), ((0, 0), *view.pads))
    else:
        view = window(node, kernel, tuple(int(n) for n in tensor.shape[1:3]))
    return tensor, order, view, tuple(int(n) for n in tensor.shape[1:3])


def _symbol(node: Node, made: Any, order: tuple[int, ...]) -> Symbol:
    import tensorflow as tf

    return Symbol(tf.squeeze(made, 1) if len(order) == 3 else made, order, least=min(node.symbol().least, 0.0) or 0.0)


def _share_inside(view: Window, sizes: tuple[int, ...]) -> Any:
    """Which part of every window lies inside the image; float32 [1, height, width, 1]."""
    shares = []
    for size, kernel, stride, (a, b) in zip(sizes, view.kernel, view.strides, view.pads, strict=True):
        starts = np.arange((size + a + b - kernel) // stride + 1) * stride - a
        inside = np.minimum(starts + kernel, size) - np.maximum(starts, 0)
        shares.append(inside / kernel)
    return np.outer(*shares)[None, :, :, None].astype(np.float32)


def whole(node: Node) -> Symbol:
    """GlobalAveragePool and GlobalMaxPool keep the spatial dimensions, as ones."""
    import tensorflow as tf

    symbol = node.symbol()
    axes = sorted(symbol.place(axis) for axis in range(2, len(symbol.order)))
    reduce = tf.reduce_mean if node.kind == "GlobalAveragePool" else tf.reduce_max
    return Symbol(reduce(symbol.tensor, axes, keepdims=True), symbol.order, least=symbol.least)


OPERATORS = {
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": whole,
    "GlobalMaxPool": whole,
}
