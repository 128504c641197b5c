"""Orders of elements: which element of one array each element of another is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators._strided import MOST, Strided

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Order = npt.NDArray[np.int64]

Dimension = tuple[int, tuple[int, ...]]
"""A size, and the stride of each array along it."""


def order_of(work: Strided) -> Order:
    """For every element of the output the number of the input's element."""
    (found,) = work.interpret(np.arange(work.elements)[None])
    return np.asarray(found, np.int64).ravel()


def is_permutation(order: Order, elements: int) -> bool:
    return len(order) == elements and bool((np.bincount(order, minlength=elements) == 1).all())


def is_identity(order: Order) -> bool:
    return bool((order == np.arange(len(order))).all())


def inverse(order: Order) -> Order:
    found = np.empty_like(order)
    found[order] = np.arange(len(order))
    return found


def dimensions(orders: Sequence[Order], most: int) -> list[Dimension] | None:
    """Sizes and strides, outermost first, that walk all `orders` at once; None where more than `most` are needed."""
    count, block = len(orders[0]), 1
    found: list[Dimension] = []
    while block < count:
        seen = [order[::block] for order in orders]
        steps = tuple(int(s[1] - s[0]) for s in seen)
        fits = np.ones(len(seen[0]), bool)
        for s, step in zip(seen, steps, strict=True):
            fits &= s == s[0] + step * np.arange(len(s))
        size = len(fits) if fits.all() else int(fits.argmin())
        if len(found) == most or len(fits) % size:
            return None
        found.append((size, steps))
        block *= size
    found.reverse()
    walked = [walk(found, which, int(order[0])) for which, order in enumerate(orders)]
    return found if all((a == b).all() for a, b in zip(walked, orders, strict=True)) else None


def walk(dims: Sequence[Dimension], which: int, start: int) -> Order:
    """The order that the strides of array number `which` give."""
    at = np.array([start], np.int64)
    for size, steps in dims:
        at = (at[:, None] + np.arange(size) * steps[which]).ravel()
    return at


def strided(order: Order, elements: int, dtype: str) -> Strided | None:
    """The work that puts `elements` into `order`; None where it needs too many dimensions."""
    dims = dimensions([order], MOST)
    if dims is None:
        return None
    missing = MOST - len(dims)
    sizes = (1,) * missing + tuple(size for size, _ in dims)
    strides = (0,) * missing + tuple(steps[0] for _, steps in dims)
    return Strided(elements, int(order[0]), sizes, strides, dtype)
