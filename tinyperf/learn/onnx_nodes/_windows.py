"""Sliding windows: ONNX's explicit padding as TensorFlow's SAME or VALID, or as a padding of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinyperf.learn.onnx_nodes import Node

Pads = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Window:
    """Of one or two spatial dimensions. `pads`: before and after each of them."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: Pads

    @property
    def padded(self) -> bool:
        return any(n for pair in self.pads for n in pair)

    def is_same(self, sizes: tuple[int, ...]) -> bool:
        """TensorFlow's SAME pads an image of `sizes` so."""
        reach = (self._same(*of) for of in zip(sizes, self.kernel, self.strides, self.dilations, strict=True))
        return self.pads == tuple(reach)

    @staticmethod
    def _same(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
        made = -(-size // stride)
        total = max((made - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
        return total // 2, total - total // 2


def window(node: Node, kernel: tuple[int, ...], sizes: tuple[int, ...]) -> Window:
    """The window of a node over an image of `sizes`; ceil_mode's longer reach is a padding behind."""
    rank = len(kernel)
    strides = tuple(int(n) for n in node.attributes.get("strides", (1,) * rank))
    dilations = tuple(int(n) for n in node.attributes.get("dilations", (1,) * rank))
    auto = node.attributes.get("auto_pad", "NOTSET")
    flat = [int(n) for n in node.attributes.get("pads", (0,) * 2 * rank)]
    pads: Pads = tuple(zip(flat[:rank], flat[rank:], strict=True))
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        same = Window(kernel, strides, dilations, ())
        found = [same._same(*of) for of in zip(sizes, kernel, strides, dilations, strict=True)]  # noqa: SLF001  (its own class)
        pads = tuple(pair if auto == "SAME_UPPER" else pair[::-1] for pair in found)
    elif auto == "VALID":
        pads = ((0, 0),) * rank
    if node.attributes.get("ceil_mode", 0):
        pads = tuple(
            (a, b + _rest(size + a + b - ((k - 1) * d + 1), s, size + a))
            for size, (a, b), k, d, s in zip(sizes, pads, kernel, dilations, strides, strict=True)
        )
    return Window(kernel, strides, dilations, pads)


def _rest(slack: int, stride: int, inside: int) -> int:
    """What is missing behind for one more window, if that one begins inside the image."""
    more = -slack % stride
    return more if more and slack + more < inside else 0
