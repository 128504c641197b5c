"""An input or output of a model on one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinyperf.session.ends import End


def end_text(end: End) -> str:
    """Name, type, shape, scale and zero point."""
    shape = f"{end.name} {end.dtype} {list(end.shape)}"
    if not end.scale:
        return f"{shape}, not quantized"
    if len(end.scale) > 1:
        return f"{shape}, {len(end.scale)} scales from {min(end.scale):.9g} to {max(end.scale):.9g}"
    return f"{shape}, scale {end.scale[0]:.9g}, zero point {end.zero_point[0]}"
