"""Layouts: in which order the elements of an image lie, and how many bytes that takes.

`choose` gives every value one; a kernel's form says which it eats and which it makes. Channels that lie in planes have
each plane start at a whole word: what stands between is never read as a code.
"""

from __future__ import annotations

import math

NHWC = "NHWC"
"""The layout of a .tflite: dimensions in their order, the last one contiguous."""

ROWS = "planes of rows"
"""[channel, height, width] of one image, each plane filled to whole words."""

COLUMNS = "planes of columns"
"""[channel, width, height]: as `ROWS` of the image with height and width exchanged."""

PLANES = (ROWS, COLUMNS)


def plane_bytes(height: int, width: int) -> int:
    """From a plane to the next, of codes of one byte."""
    return -(-height * width // 4) * 4


def laid_bytes(layout: str, shape: tuple[int, ...], element_bytes: int) -> int:
    """Of a value. Only [1, height, width, channel] of one byte lies in planes."""
    if layout not in PLANES:
        return math.prod(shape) * element_bytes
    _, height, width, channels = shape
    return plane_bytes(height, width) * channels


def strides(layout: str, shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Bytes to the next row, column and channel of an image [height, width, channel] of codes of one byte."""
    height, width, channels = shape
    if layout == ROWS:
        return width, 1, plane_bytes(height, width)
    return (1, height, plane_bytes(height, width)) if layout == COLUMNS else (width * channels, channels, 1)
