"""Sums, means and extremes along dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.learn.onnx_nodes import Node, Symbol, axes_of

if TYPE_CHECKING:
    from collections.abc import Callable


def _reduced(name: str) -> Callable[[Node], Symbol]:
    def translated(node: Node) -> Symbol:
        import tensorflow as tf

        symbol = node.symbol()
        given = node.parameter("axes", 1)
        if not given and node.attributes.get("noop_with_empty_axes", 0):
            return symbol
        axes = axes_of(given or None, len(symbol.order))
        keep = bool(node.attributes.get("keepdims", 1))
        made = getattr(tf, name)(symbol.tensor, sorted(symbol.place(axis) for axis in axes), keepdims=keep)
        order = symbol.order if keep else renumbered(symbol.order, axes)
        return Symbol(made, order, least=0.0 if symbol.least >= 0 else -float("inf"))

    return translated


def renumbered(order: tuple[int, ...], gone: list[int]) -> tuple[int, ...]:
    """`order` without some of the source's dimensions, the others counted anew."""
    left = sorted(set(order) - set(gone))
    return tuple(left.index(axis) for axis in order if axis in left)


OPERATORS = {
    "ReduceMean": _reduced("reduce_mean"),
    "ReduceMax": _reduced("reduce_max"),
    "ReduceMin": _reduced("reduce_min"),
    "ReduceSum": _reduced("reduce_sum"),
}
