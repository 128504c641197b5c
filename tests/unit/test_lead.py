"""How far an output runs ahead of its input: kernels replayed on tagged bytes, whole when they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyperf.engines.aot.kernels import _lead
from tinyperf.engines.aot.operators._window import Window

if TYPE_CHECKING:
    from collections.abc import Iterator

    Step = tuple[set[int], int]
    """Bytes of the input that are read, then so many more of the output that are written."""


@st.composite
def any_window(draw: st.DrawFn) -> Window:
    kernel, stride, dilation, pad = (
        (draw(st.integers(least, most)), draw(st.integers(least, most)))
        for least, most in ((1, 3), (1, 3), (1, 2), (0, 1))
    )
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    sizes = zip((height, width), pad, reach, stride, strict=True)
    out_h, out_w = (max((n + 2 * p - r) // s + 1, 1) for n, p, r, s in sizes)
    channels = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    return Window((height, width, channels[0]), (out_h, out_w, channels[1]), kernel, stride, dilation, pad)


def pixel(window: Window, at: int) -> set[int]:
    """The bytes that a pixel of the output reads."""
    height, width, channels = window.in_shape
    y, x = divmod(at, window.out_shape[1])
    rows, columns = (
        {i * s - p + k * d for k in range(n)} & set(range(size))
        for i, s, p, n, d, size in zip(
            (y, x), window.stride, window.pad, window.kernel, window.dilation, (height, width), strict=True
        )
    )
    return {(row * width + column) * channels + c for row in rows for column in columns for c in range(channels)}


def gathered(window: Window, step: int) -> Iterator[Step]:
    for first in range(0, window.pixels, step):
        group = range(first, min(first + step, window.pixels))
        yield set().union(*(pixel(window, at) for at in group)), len(group) * window.out_shape[2]


def direct(window: Window) -> Iterator[Step]:
    """Every channel of a pixel reads its window anew."""
    for at in range(window.pixels):
        for _ in range(window.out_shape[2]):
            yield pixel(window, at), 1


def by_rows(window: Window) -> Iterator[Step]:
    height, width, channels = window.in_shape
    copied = 0
    for y in range(window.out_shape[0]):
        last = y * window.stride[0] - window.pad[0] + (window.kernel[0] - 1) * window.dilation[0] + 1
        read = {
            i
            for row in range(copied, min(last, height))
            for i in range(row * width * channels, (row + 1) * width * channels)
        }
        copied = max(copied, last)
        yield read, window.out_shape[1] * window.out_shape[2]


def whole(window: Window, steps: Iterator[Step], lead: int) -> bool:
    """Nothing is written over before it is read, where the output starts `lead` bytes before the input."""
    size = int(np.prod(window.in_shape))
    memory = np.full(lead + size + int(np.prod(window.out_shape)), -1)
    memory[lead : lead + size] = np.arange(size)
    written = 0
    for read, count in steps:
        if any(memory[lead + i] != i for i in read):
            return False
        memory[written : written + count] = -1
        written += count
    return True


@settings(deadline=None, derandomize=True, database=None, max_examples=60)
@given(window=any_window())
def test_a_lead_suffices_and_is_no_longer_than_it_must_be(window: Window) -> None:
    """A little too long where rows or padding are read as a whole."""
    assert whole(window, gathered(window, 2), _lead.gathered(window, 2))
    assert whole(window, direct(window), _lead.direct(window))
    assert whole(window, by_rows(window), _lead.by_rows(window))
    least = min(lead for lead in range(_lead.by_rows(window) + 1) if whole(window, by_rows(window), lead))
    assert least == _lead.by_rows(window)
