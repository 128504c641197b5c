"""Products of matrices; after a flattened image the weights take its order, so that nothing is transposed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.learn.onnx_nodes import Node, Symbol, natural

if TYPE_CHECKING:
    import numpy.typing as npt


def gemm(node: Node) -> Symbol:
    """alpha A B + beta C."""
    import tensorflow as tf

    weights = node.inputs[1]
    alpha, beta = float(node.attributes.get("alpha", 1)), float(node.attributes.get("beta", 1))
    if isinstance(weights, Symbol) or node.attributes.get("transA", 0):
        raise node.refusal("computed weights, or transA")
    matrix = np.asarray(weights, np.float32)
    matrix = (matrix.T if node.attributes.get("transB", 0) else matrix) * np.float32(alpha)
    made = tf.linalg.matmul(*_rows(node, matrix))
    if node.optional(2) is not None:
        made = made + node.constant(2).astype(np.float32) * np.float32(beta)
    return Symbol(made, natural(2))


def _rows(node: Node, matrix: npt.NDArray[np.float32]) -> tuple[Any, npt.NDArray[np.float32]]:
    """The input as rows, and the weights [inputs, outputs] in the order of their elements."""
    import tensorflow as tf

    symbol = node.inputs[0]
    if not isinstance(symbol, Symbol):
        return tf.constant(np.asarray(symbol, np.float32)), matrix
    if not symbol.flat:
        return node.layouts.plain(symbol), matrix
    sizes, order = symbol.unflattened[1:], [axis - 1 for axis in symbol.order[1:]]
    permuted = matrix.reshape(*sizes, -1).transpose(*order, len(sizes)).reshape(matrix.shape)
    return tf.reshape(symbol.tensor, (symbol.shape[0], -1)), np.ascontiguousarray(permuted)


def matmul(node: Node) -> Symbol:
    import tensorflow as tf

    weights = node.inputs[1]
    if isinstance(weights, Symbol):
        first, second = node.layouts.plain(node.inputs[0]), node.layouts.plain(weights)
        return Symbol(tf.linalg.matmul(first, second), natural(max(len(first.shape), len(second.shape))))
    matrix = np.asarray(weights, np.float32)
    symbol = node.inputs[0]
    if isinstance(symbol, Symbol) and symbol.flat and matrix.ndim == 2:
        return Symbol(tf.linalg.matmul(*_rows(node, matrix)), natural(2))
    symbol = node.symbol()
    rank = len(symbol.order)
    if matrix.ndim == 2 and symbol.order[-1] == rank - 1 and rank > 1:  # rows in any order
        return Symbol(tf.linalg.matmul(symbol.tensor, matrix), symbol.order)
    made = tf.linalg.matmul(node.layouts.plain(symbol), matrix)
    return Symbol(made, natural(len(made.shape)))


OPERATORS = {"Gemm": gemm, "MatMul": matmul}
