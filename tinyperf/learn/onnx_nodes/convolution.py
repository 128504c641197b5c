"""Convolutions: plain, depthwise, grouped, transposed, of one or two dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.learn.onnx_nodes import Node, Symbol
from tinyperf.learn.onnx_nodes._windows import Window, window

if TYPE_CHECKING:
    import numpy.typing as npt


def conv(node: Node) -> Symbol:
    import tensorflow as tf

    tensor, order = node.last()
    weights = node.constant(1).astype(np.float32)
    tensor, weights, one = _two_dimensions(node, tensor, weights)
    sizes = tuple(int(n) for n in tensor.shape[1:3])
    view = _widened(window(node, tuple(weights.shape[2 + one :]), sizes[one:]))
    tensor, padding = _padded(tensor, view, sizes)
    made = _convolved(node, tensor, weights, view, padding)
    if node.optional(2) is not None:
        made = tf.nn.bias_add(made, node.constant(2).astype(np.float32))
    return Symbol(tf.squeeze(made, 1) if one else made, order)


def _two_dimensions(node: Node, tensor: Any, weights: npt.NDArray[np.float32]) -> tuple[Any, Any, int]:
    """A series as an image one row high; the last result is 1 for a series."""
    import tensorflow as tf

    if weights.ndim == 4:
        return tensor, weights, 0
    if weights.ndim == 3:
        return tf.expand_dims(tensor, 1), weights[:, :, None, :], 1
    raise node.refusal(f"weights {list(weights.shape)}; one and two spatial dimensions are translated")


def _widened(view: Window) -> Window:
    if len(view.kernel) == 2:
        return view
    return Window((1, *view.kernel), (1, *view.strides), (1, *view.dilations), ((0, 0), *view.pads))


def _padded(tensor: Any, view: Window, sizes: tuple[int, ...]) -> tuple[Any, str]:
    import tensorflow as tf

    if not view.padded:
        return tensor, "VALID"
    if view.is_same(sizes):
        return tensor, "SAME"
    return tf.pad(tensor, [(0, 0), *view.pads, (0, 0)]), "VALID"


def _convolved(node: Node, tensor: Any, weights: npt.NDArray[np.float32], view: Window, padding: str) -> Any:
    """ONNX weights are [outputs, inputs / groups, height, width]."""
    import tensorflow as tf

    groups, channels = int(node.attributes.get("group", 1)), int(tensor.shape[-1])
    kernel = np.ascontiguousarray(weights.transpose(2, 3, 1, 0))
    if groups == 1:
        return tf.nn.conv2d(tensor, kernel, view.strides, padding, dilations=view.dilations)
    if groups == channels and len(set(view.strides)) == 1:
        kernel = kernel.reshape(*kernel.shape[:2], channels, -1)
        return tf.nn.depthwise_conv2d(tensor, kernel, (1, *view.strides, 1), padding, dilations=view.dilations)
    parts = zip(tf.split(tensor, groups, -1), np.split(kernel, groups, -1), strict=True)
    return tf.concat(
        [tf.nn.conv2d(part, own, view.strides, padding, dilations=view.dilations) for part, own in parts], -1
    )


def conv_transpose(node: Node) -> Symbol:
    """ONNX weights are [inputs, outputs / groups, height, width]; what is padded is cut off the result."""
    import tensorflow as tf

    tensor, order = node.last()
    weights = node.constant(1).astype(np.float32)
    if int(node.attributes.get("group", 1)) != 1 or set(node.attributes.get("dilations", (1,))) != {1}:
        raise node.refusal("groups or dilations")
    one = int(weights.ndim == 3)
    if one:
        tensor, weights = tf.expand_dims(tensor, 1), weights[:, :, None, :]
    sizes = [int(n) for n in tensor.shape[1:3]]
    view = _widened(window(node, tuple(weights.shape[2 + one :]), tuple(sizes[one:])))
    extra = (0,) * one + tuple(int(n) for n in node.attributes.get("output_padding", (0,) * (2 - one)))
    full = [(n - 1) * s + k for n, s, k in zip(sizes, view.strides, view.kernel, strict=True)]
    made = [f + e - a - b for f, e, (a, b) in zip(full, extra, view.pads, strict=True)]
    kernel = np.ascontiguousarray(weights.transpose(2, 3, 1, 0))
    outputs = kernel.shape[2]
    if made == [n * s for n, s in zip(sizes, view.strides, strict=True)] and _begins_as_same(view):
        result = tf.nn.conv2d_transpose(tensor, kernel, (1, *made, outputs), view.strides, "SAME")
    else:
        whole = [max(f, m + a) for f, m, (a, _) in zip(full, made, view.pads, strict=True)]
        if whole != full:
            raise node.refusal(f"output_padding {list(extra)} beyond the window")
        result = tf.nn.conv2d_transpose(tensor, kernel, (1, *full, outputs), view.strides, "VALID")
        if made != full:
            result = tf.slice(result, [0, *(a for a, _ in view.pads), 0], [1, *made, outputs])
    if node.optional(2) is not None:
        result = tf.nn.bias_add(result, node.constant(2).astype(np.float32))
    return Symbol(tf.squeeze(result, 1) if one else result, order)


def _begins_as_same(view: Window) -> bool:
    """TensorFlow's SAME cuts off as much in front."""
    of = zip(view.kernel, view.strides, view.pads, strict=True)
    return all(max(k - s, 0) // 2 == a for k, s, (a, _) in of)


OPERATORS = {"Conv": conv, "ConvTranspose": conv_transpose}
