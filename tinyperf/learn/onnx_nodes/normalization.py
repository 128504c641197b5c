"""Batch norm (two constants), norms of computed statistics, and softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.learn.onnx_nodes import Node, Symbol

if TYPE_CHECKING:
    import numpy.typing as npt


def batch_normalization(node: Node) -> Symbol:
    scale, bias, mean, variance = (node.constant(i).astype(np.float64) for i in range(1, 5))
    factor = scale / np.sqrt(variance + float(node.attributes.get("epsilon", 1e-5)))
    symbol = node.symbol()
    made = symbol.tensor * _along(symbol, factor) + _along(symbol, bias - mean * factor)
    return Symbol(made, symbol.order)


def _along(symbol: Symbol, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """One number for each channel, for a tensor in the order of `symbol`."""
    shape = [1] * len(symbol.order)
    shape[symbol.place(1)] = -1
    return values.astype(np.float32).reshape(shape)


def instance_normalization(node: Node) -> Symbol:
    symbol = node.symbol()
    axes = sorted(symbol.place(axis) for axis in range(2, len(symbol.order)))
    scale, bias = (_along(symbol, node.constant(i).astype(np.float64)) for i in (1, 2))
    return Symbol(_normalized(symbol.tensor, axes, node) * scale + bias, symbol.order)


def layer_normalization(node: Node) -> Symbol:
    """Over `axis` and all behind it; scale and bias have their shape."""
    symbol = node.symbol()
    rank = len(symbol.order)
    first = int(node.attributes.get("axis", -1)) % rank
    axes = sorted(symbol.place(axis) for axis in range(first, rank))

    def ordered(values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        wide = values.astype(np.float32).reshape((1,) * (rank - values.ndim) + values.shape)
        return np.ascontiguousarray(wide.transpose(symbol.order))

    made = _normalized(symbol.tensor, axes, node) * ordered(node.constant(1))
    return Symbol(made if node.optional(2) is None else made + ordered(node.constant(2)), symbol.order)


def _normalized(tensor: Any, axes: list[int], node: Node) -> Any:
    import tensorflow as tf

    centred = tensor - tf.reduce_mean(tensor, axes, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), axes, keepdims=True)
    return centred * tf.math.rsqrt(variance + np.float32(node.attributes.get("epsilon", 1e-5)))


def softmax(node: Node) -> Symbol:
    """Along one axis since opset 13; before, over all dimensions from `axis` on, which default to 1."""
    import tensorflow as tf

    function = tf.nn.softmax if node.kind == "Softmax" else tf.nn.log_softmax
    symbol = node.symbol()
    rank = len(symbol.order)
    axis = int(node.attributes.get("axis", -1 if node.opset >= 13 else 1)) % rank
    if node.opset < 13 and axis != rank - 1:
        plain = node.layouts.plain(symbol)
        rows = tf.reshape(plain, (int(np.prod(symbol.shape[:axis])), -1))
        return Symbol(tf.reshape(function(rows), symbol.shape), tuple(range(rank)))
    order = (*(a for a in symbol.order if a != axis), axis)
    return Symbol(
        function(node.layouts.ordered(symbol, order)), order, least=0.0 if node.kind == "Softmax" else -np.inf
    )


OPERATORS = {
    "BatchNormalization": batch_normalization,
    "InstanceNormalization": instance_normalization,
    "LayerNormalization": layer_normalization,
    "Softmax": softmax,
    "LogSoftmax": softmax,
}
