"""SOFTMAX, LOG_SOFTMAX and L2_NORMALIZATION of float32, over the last dimension."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators._float import LARGEST, exp, larger, log, single

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._float import Float


@dataclass(frozen=True)
class RowsFloat(Work):
    """`rows` of `depth` entries."""

    rows: int
    depth: int

    @property
    def signature(self) -> Signature:
        rows = (Operand((self.rows, self.depth), "float32"),)
        return Signature(rows, rows)


@dataclass(frozen=True)
class SoftmaxFloat(RowsFloat):
    beta: float

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        """reference/softmax.h."""
        given = single(inputs[0])
        with np.errstate(all="ignore"):  # infinities and NaN are results like any other
            powers = exp((given - _largest(given)) * np.float32(self.beta))
            return (powers / _sum(powers),)


@dataclass(frozen=True)
class LogSoftmaxFloat(RowsFloat):
    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        """reference/log_softmax.h."""
        given = single(inputs[0])
        with np.errstate(all="ignore"):  # likewise
            moved = given - _largest(given)
            return (moved - log(_sum(exp(moved))),)


@dataclass(frozen=True)
class L2NormalizationFloat(RowsFloat):
    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        """reference/l2normalization.h."""
        given = single(inputs[0])
        with np.errstate(all="ignore"):  # likewise
            return (given / larger(np.sqrt(_sum(given * given)), 1e-6),)


def _largest(given: Float) -> Float:
    """Of each row, kept as a dimension; a NaN is never larger."""
    found = np.full((*given.shape[:-1], 1), -LARGEST, np.float32)
    for entry in range(given.shape[-1]):
        found = larger(found, given[..., entry : entry + 1])
    return found


def _sum(given: Float) -> Float:
    """Of each row, kept as a dimension, from the first entry on."""
    made = np.zeros((*given.shape[:-1], 1), np.float32)
    for entry in range(given.shape[-1]):
        made = made + given[..., entry : entry + 1]
    return made


def shape_of(use: Use) -> tuple[int, int]:
    depth = use.input(0).shape[-1]
    return use.input(0).elements // depth, depth
