"""Operators of a .tflite: one file each; the folder is the registry, and nothing else knows an operator.

An operator module has `OPERATOR`: how many inputs it takes, on what terms it is compiled
(each rule is a function whose docstring is the rule), what it computes on integers (`lower`), its
multiply-accumulates, and a sampler for the test that compares random graphs with TFLM. The dataclass of its work
stands in the same file. Modules that start with an underscore hold what several share.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tinyperf.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Work
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.tflite import Op, Tensor

ANY = 1_000_000
"""As many inputs or outputs as the model likes."""


@dataclass(frozen=True)
class Arity:
    """From `least` to `most` inputs; those from `data[0]` up to `data[1]` are activations, the others parameters.

    `outputs`: how many there are; ANY: one or more.
    """

    least: int
    most: int
    data: tuple[int, int] = (0, 1)
    outputs: int = 1


@dataclass(frozen=True)
class Use:
    """One operator of a model with its tensors; None for an absent optional input."""

    op: Op
    arity: Arity
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]

    @property
    def output(self) -> Tensor:
        """The first output; often the only one."""
        return self.outputs[0]

    @property
    def data(self) -> tuple[Tensor, ...]:
        """The inputs that are activations."""
        first, end = self.arity.data
        return tuple(t for t in self.inputs[first:end] if t is not None)

    def input(self, position: int) -> Tensor:
        """The tensor at that position; the operator's own rules say that it is there."""
        tensor = self.inputs[position]
        if tensor is None:
            raise ModelError(
                f"op {self.op.index} {self.op.kind}: input {position} is absent",
                hint="the model is damaged; convert it again",
            )
        return tensor

    def optional(self, position: int) -> Tensor | None:
        return self.inputs[position] if position < len(self.inputs) else None

    def number(self, name: str) -> int:
        value = self.op.options[name]
        return int(value) if isinstance(value, int | float) else 0

    def text(self, name: str) -> str:
        return str(self.op.options[name])


Rule = Callable[[Use], str | None]


def no_macs(_: Use) -> int:
    """Of all operators but convolutions and matrix products, as every published figure counts them."""
    return 0


def nothing(_: Use) -> str:
    """No warning."""
    return ""


@dataclass(frozen=True)
class Operator:
    """See the module.

    lower:  the work of a use that breaks no rule; None where the operator exists at compile time only.
    fold:   the output's data where it is known at compile time, else None.
    warn:   what a user must know of a use that is compiled faithfully but does not do what one expects.
    sample: a random use of the operator that breaks no rule; None where the operator exists at compile time only.
    """

    kind: str
    arity: Arity
    rules: tuple[Rule, ...]
    lower: Callable[[Use], Work] | None = None
    sample: Callable[[Random], Sample] | None = None
    macs: Callable[[Use], int] = no_macs
    fold: Callable[[Use], npt.NDArray[np.generic] | None] | None = None
    warn: Callable[[Use], str] = nothing


@cache
def all_operators() -> Mapping[str, Operator]:
    """Every operator of this folder, by kind."""
    names = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_"))
    found: list[Operator] = [importlib.import_module(f"{__name__}.{name}").OPERATOR for name in names]
    return {operator.kind: operator for operator in found}
