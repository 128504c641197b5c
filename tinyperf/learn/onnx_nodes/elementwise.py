"""Functions of one value, and of two with broadcasting."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.learn.onnx_nodes import Node, Symbol, Value, channels_last, natural

if TYPE_CHECKING:
    from collections.abc import Callable


def _unary(function: Callable[[Any, Node], Any], least: float = -math.inf) -> Callable[[Node], Value]:
    """Whatever the order of the dimensions, and also where they are flattened."""

    def translated(node: Node) -> Value:
        symbol = node.inputs[0] if isinstance(node.inputs[0], Symbol) else node.symbol()
        return replace(symbol, tensor=function(symbol.tensor, node), least=least)

    return translated


def same(node: Node) -> Value:
    """Identity, and Dropout, which does nothing in an inference."""
    return node.inputs[0]


def cast(node: Node) -> Value:
    if isinstance(node.inputs[0], Symbol) and int(node.attributes["to"]) not in (1, 10, 11, 16):
        raise node.refusal("a cast to whole numbers")
    return node.inputs[0]


def relu(node: Node) -> Value:
    import tensorflow as tf

    return _unary(lambda x, _: tf.nn.relu(x), 0.0)(node)


def leaky_relu(tensor: Any, node: Node) -> Any:
    import tensorflow as tf

    return tf.nn.leaky_relu(tensor, float(node.attributes.get("alpha", 0.01)))


def elu(tensor: Any, node: Node) -> Any:
    import tensorflow as tf

    if float(node.attributes.get("alpha", 1.0)) != 1:
        raise node.refusal("alpha other than 1")
    return tf.nn.elu(tensor)


def hard_sigmoid(tensor: Any, node: Node) -> Any:
    """max(0, min(1, alpha x + beta)); where alpha is 1/6 and beta 1/2 it is a part of HARD_SWISH."""
    import tensorflow as tf

    alpha, beta = float(node.attributes.get("alpha", 0.2)), float(node.attributes.get("beta", 0.5))
    return tf.nn.relu6(tensor * np.float32(6 * alpha) + np.float32(6 * beta)) * np.float32(1 / 6)


def hard_swish(tensor: Any, _: Node) -> Any:
    import tensorflow as tf

    return tensor * tf.nn.relu6(tensor + np.float32(3)) * np.float32(1 / 6)


def clip(node: Node) -> Value:
    import tensorflow as tf

    low, high = node.number("min", 1, -math.inf), node.number("max", 2, math.inf)
    known: dict[tuple[float, float], Callable[[Any], Any]] = {(0, 6): tf.nn.relu6, (0, math.inf): tf.nn.relu}

    def function(x: Any, _: Node) -> Any:
        if (low, high) in known:
            return known[low, high](x)
        bounded = x if low == -math.inf else tf.maximum(x, np.float32(low))
        return bounded if high == math.inf else tf.minimum(bounded, np.float32(high))

    return _unary(function, low)(node)


def prelu(node: Node) -> Symbol:
    import tensorflow as tf

    first, second, order = aligned(node)
    return Symbol(tf.nn.relu(first) + second * (first - tf.abs(first)) * np.float32(0.5), order)


def power(node: Node) -> Value:
    import tensorflow as tf

    exponent = float(node.constant(1).reshape(-1)[0])
    known: dict[float, Callable[[Any], Any]] = {1.0: tf.identity, 2.0: tf.square, 0.5: tf.sqrt, -0.5: tf.math.rsqrt}
    if exponent not in known or node.constant(1).size != 1:
        raise node.refusal(f"exponent {exponent:g}")
    return _unary(lambda x, _: known[exponent](x))(node)


def aligned(node: Node, positions: tuple[int, int] = (0, 1)) -> tuple[Any, Any, tuple[int, ...]]:
    """Both inputs with their dimensions in one order, and that order: the one of the larger input."""
    values = [node.inputs[i] for i in positions]
    flat = [v for v in values if isinstance(v, Symbol) and v.flat]
    if flat and all(isinstance(v, Symbol) or np.size(v) == 1 for v in values) and _all_alike(values):
        return values[0].tensor, values[1].tensor, flat[0].order
    symbols = [node.symbol(i) if isinstance(node.inputs[i], Symbol) else node.inputs[i] for i in positions]
    rank = max(len(s.order) if isinstance(s, Symbol) else np.ndim(s) for s in symbols)
    leaders = [s for s in symbols if isinstance(s, Symbol) and len(s.order) == rank]
    order = max(leaders, key=_weight).order if leaders else natural(rank)
    first, second = (_in(node, s, order) for s in symbols)
    return first, second, order


def _all_alike(values: list[Value]) -> bool:
    """Flattened alike, so that element meets element."""
    symbols = [v for v in values if isinstance(v, Symbol)]
    return len(symbols) == 2 and all(
        s.flat and s.order == symbols[0].order and s.tensor.shape == symbols[0].tensor.shape for s in symbols
    )


def _weight(symbol: Symbol) -> tuple[int, bool]:
    return math.prod(symbol.shape), symbol.order == channels_last(len(symbol.order))


def _in(node: Node, value: Value, order: tuple[int, ...]) -> Any:
    """`value` with ones in front up to the rank of `order`, in that order."""
    import tensorflow as tf

    if not isinstance(value, Symbol):
        array = np.asarray(value, np.float32)
        if array.size == 1:
            return array.reshape(())
        wide = array.reshape((1,) * (len(order) - array.ndim) + array.shape)
        return np.ascontiguousarray(wide.transpose(order))
    missing = len(order) - len(value.order)
    if missing:
        shape = [1] * missing + [int(n) for n in value.tensor.shape]
        own = (*range(missing), *(axis + missing for axis in value.order))
        value = Symbol(tf.reshape(value.tensor, shape), own)
    return node.layouts.ordered(value, order)


def _binary(name: str) -> Callable[[Node], Value]:
    def translated(node: Node) -> Value:
        import tensorflow as tf

        function = {
            "Add": tf.add,
            "Sub": tf.subtract,
            "Mul": tf.multiply,
            "Div": _divided,
            "Max": tf.maximum,
            "Min": tf.minimum,
        }[name]
        first, second, order = aligned(node)
        least = [v.least if isinstance(v, Symbol) else float(np.min(v)) for v in node.inputs]
        bound = 0.0 if min(least) >= 0 and name in ("Add", "Mul", "Max", "Min") else -math.inf
        flat = all(isinstance(v, Symbol) and v.flat for v in node.inputs) and len(order) > 2
        return Symbol(function(first, second), order, flat=flat, least=bound)

    return translated


def _divided(first: Any, second: Any) -> Any:
    """A division by a constant is a multiplication, which has an int8 form."""
    return first * (np.float32(1) / second) if isinstance(second, np.ndarray | np.floating) else first / second


def folded(kind: str) -> Callable[[Node], Value]:
    """Of any number of inputs, two by two."""
    binary = _binary(kind)

    def translated(node: Node) -> Value:
        made = node.inputs[0]
        for other in node.inputs[1:]:
            made = binary(replace(node, inputs=(made, other)))
        return made

    return translated


def _tf(name: str, least: float = -math.inf) -> Callable[[Node], Value]:
    """A function of TensorFlow of one tensor, `math.exp` for instance."""

    def function(tensor: Any, _: Node) -> Any:
        import tensorflow as tf

        place = tf
        for part in name.split("."):
            place = getattr(place, part)
        return place(tensor)

    return _unary(function, least)


def gelu(tensor: Any, node: Node) -> Any:
    import tensorflow as tf

    return tf.nn.gelu(tensor, approximate=node.attributes.get("approximate", "none") == "tanh")


OPERATORS = {
    "Identity": same,
    "Dropout": same,
    "Cast": cast,
    "Relu": relu,
    "LeakyRelu": _unary(leaky_relu),
    "Elu": _unary(elu),
    "Gelu": _unary(gelu),
    "HardSigmoid": _unary(hard_sigmoid, 0.0),
    "HardSwish": _unary(hard_swish),
    "Clip": clip,
    "PRelu": prelu,
    "Pow": power,
    "Sigmoid": _tf("sigmoid", 0.0),
    "Tanh": _tf("tanh"),
    "Exp": _tf("exp", 0.0),
    "Log": _tf("math.log"),
    "Sqrt": _tf("sqrt", 0.0),
    "Abs": _tf("abs", 0.0),
    "Neg": _tf("negative"),
    "Softplus": _tf("nn.softplus", 0.0),
    "Sin": _tf("sin"),
    "Cos": _tf("cos"),
    "Floor": _tf("floor"),
    "Ceil": _tf("math.ceil"),
    "Round": _tf("round"),
    **{kind: _binary(kind) for kind in ("Sub", "Div")},
    "Mul": folded("Mul"),
    "Add": folded("Add"),
    "Sum": folded("Add"),
    "Max": folded("Max"),
    "Min": folded("Min"),
}
