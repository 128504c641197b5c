"""How far ahead of its input an output must run so that nothing is written over before it was read (`Form.lead`).

At every step of a kernel some bytes of the output are written, and some of the input are still to be read. The output
starts `lead` bytes before its input: as many as the ends of what is written ever pass the first byte still to be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.operators._broadcast import Broadcast
    from tinyperf.engines.aot.operators._window import Window

    Bytes = npt.NDArray[np.int64]


def gathered(window: Window, step: int) -> int:
    """Of a kernel that copies the windows of `step` pixels before it writes these; one byte a code."""
    first = _first(window)
    ends = np.arange(step, len(first), step)
    return _most(ends * window.out_shape[2], first[ends])


def direct(window: Window) -> int:
    """Of a kernel that reads the window of a pixel while it writes that pixel; one byte a code."""
    first = _first(window)
    return _most(np.arange(1, len(first) + 1) * window.out_shape[2], first)


def by_rows(window: Window, step: int = 1) -> int:
    """Of a kernel that copies every row of the input before it writes the first of `step` rows of output that need
    it.
    """
    (in_h, in_w, in_c), (out_h, out_w, out_c) = window.in_shape, window.out_shape
    reach = (window.kernel[0] - 1) * window.dilation[0] + 1
    rows = np.arange(step - 1, out_h, step)
    copied = rows * window.stride[0] + reach - window.pad[0]
    unread = (copied < in_h) & (rows < out_h - 1)
    return _most((rows[unread] + 1) * out_w * out_c, np.maximum(copied[unread], 0) * in_w * in_c)


def over_whole(work: Broadcast) -> tuple[int | None, ...]:
    """Of a kernel that makes one element of two, in order: over an input that has one for each, not a repeated one."""
    whole = (operand.elements == work.elements for operand in work.signature.inputs)
    return tuple(0 if each else None for each in whole)


def _first(window: Window) -> Bytes:
    """For every pixel of the output, in order: the first byte of the input that it or a later one reads."""
    rows, columns = (
        np.maximum(np.arange(window.out_shape[axis]) * window.stride[axis] - window.pad[axis], 0) for axis in range(2)
    )
    _, width, channels = window.in_shape
    first: Bytes = ((rows[:, None] * width + columns) * channels).ravel().astype(np.int64)
    return np.minimum.accumulate(first[::-1])[::-1]


def _most(written: Bytes, unread: Bytes) -> int:
    return max(int((written - unread).max(initial=0)), 0)
