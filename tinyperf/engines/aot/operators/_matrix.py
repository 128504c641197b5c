"""Where the entries of matrices stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators._scales import Shape3


@dataclass(frozen=True)
class Side:
    """One matrix of a product: how far apart batches (three dimensions), rows and entries of the sum stand.

    `elements`: of all its matrices.
    """

    elements: int
    batches: Shape3
    row: int
    entry: int
    zero: int
