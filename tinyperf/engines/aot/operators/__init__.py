"""Operators of a .tflite: one file each; the folder is the registry, and nothing else knows an operator.

An operator module has `OPERATOR`: how many inputs it takes, of which types, on what terms it is compiled
(each rule is a function whose docstring is the rule), what it computes (`lower`), its multiply-accumulates, and a
sampler for the test that compares random graphs with TFLM. The dataclass of its work stands in the same file.
Modules that start with an underscore hold what several share.

`types` has a line for each combination of types: the data inputs' and the outputs'. A line may have rules, a `lower`
and a sampler of its own, beside or in place of the operator's.
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

    from tinyperf.engines.aot.graph import Node, Work
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._variables import Variables
    from tinyperf.tflite import Op, Tensor

ANY = 1_000_000
"""As many inputs or outputs as the model likes."""


@dataclass(frozen=True)
class Arity:
    """From `least` to `most` inputs; those from `data[0]` up to `data[1]` are activations, the others parameters.

    `outputs`: how many there are; ANY: one or more. `variables`: positions of the variable tensors that it reads and
    writes; they are inputs of its work behind the activations, and outputs behind its own. `computed`: positions of
    parameters that are activations too where they are no constants.
    """

    least: int
    most: int
    data: tuple[int, int] = (0, 1)
    outputs: int = 1
    variables: tuple[int, ...] = ()
    computed: tuple[int, ...] = ()


@dataclass(frozen=True)
class Use:
    """One operator of a model with its tensors; None for an absent optional input.

    `variables`: of the subgraph, as the operators before it left them.
    """

    op: Op
    arity: Arity
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    variables: Variables

    @property
    def output(self) -> Tensor:
        """The first output; often the only one."""
        return self.outputs[0]

    @property
    def data(self) -> tuple[Tensor, ...]:
        """The inputs that are activations."""
        first, end = self.arity.data
        more = (self.optional(position) for position in self.arity.computed)
        computed = (tensor for tensor in more if tensor is not None and tensor.data is None)
        return (*(tensor for tensor in self.inputs[first:end] if tensor is not None), *computed)

    @property
    def written(self) -> tuple[Tensor, ...]:
        """The inputs that are variables of the operator's own."""
        return tuple(self.input(position) for position in self.arity.variables)

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
class Typed:
    """A combination of types that an operator is compiled in.

    given:  types of the data inputs, by numpy's names; the last one stands for all that follow.
    made:   the same of the outputs; empty: all are of the first input's type.
    scales: codes must have a scale and a zero point; False where they are only moved.
    rules:  beside those of the operator.
    lower:  in place of the operator's; `sample` likewise.
    ulps:   how far an output may be from TFLM's, whose exponentials are those of a C library, in units of its last
            place, or of that of `least` where an output is smaller.
    """

    given: tuple[str, ...]
    made: tuple[str, ...] = ()
    scales: bool = True
    rules: tuple[Rule, ...] = ()
    lower: Callable[[Use], Work] | None = None
    sample: Callable[[Random], Sample] | None = None
    ulps: int = 0
    least: float = 0.0

    @property
    def result(self) -> str:
        """The first output's type."""
        return (self.made or self.given)[0]

    def fits(self, use: Use) -> bool:
        """Data inputs and outputs of `use` are of these types."""
        made = self.made or self.given[:1]
        return _are(use.data, self.given) and _are(use.outputs, made)

    def __str__(self) -> str:
        """As documents call it: 'int8', 'int8 to float32', 'bool and int8 to int8'."""
        given = " and ".join(self.given)
        return given if not self.made else f"{given} to {' and '.join(self.made)}"


def _are(tensors: tuple[Tensor, ...], types: tuple[str, ...]) -> bool:
    expected = types[: len(tensors)] + types[-1:] * (len(tensors) - len(types))
    return all(tensor.dtype == dtype for tensor, dtype in zip(tensors, expected, strict=True))


INT8 = (Typed(("int8",)),)
"""Codes of 8 bits in, codes of 8 bits out."""


EVERY = ("int8", "uint8", "int16", "int32", "uint32", "int64", "float32", "bool")
"""Types of which TFLM's wheel takes and gives tensors."""


def moved(*types: str) -> tuple[Typed, ...]:
    """Each of these types in and out, by an operator that moves elements and computes nothing."""
    return tuple(Typed((dtype,), scales=False) for dtype in types)


@dataclass(frozen=True)
class Operator:
    """See the module.

    rules:  of all types.
    lower:  the work of a use that breaks no rule; None where the operator exists at compile time only, or each line
            of `types` has its own.
    types:  a line for each combination.
    effect: of an operator on resource variables: what it does to them while the model is lowered, in place of `lower`;
            the node that is left of it, if any.
    fold:   the output's data where it is known at compile time, else None.
    warn:   what a user must know of a use that is compiled faithfully but does not do what one expects.
    sample: a random use of the operator that breaks no rule, of the types that the drawer names; None as of `lower`.
    each_image: `lower` gives the work on one image, and a batch is compiled as so many of them.
    """

    kind: str
    arity: Arity
    rules: tuple[Rule, ...]
    lower: Callable[[Use], Work] | None = None
    sample: Callable[[Random], Sample] | None = None
    types: tuple[Typed, ...] = INT8
    macs: Callable[[Use], int] = no_macs
    fold: Callable[[Use], npt.NDArray[np.generic] | None] | None = None
    effect: Callable[[Use], Node | None] | None = None
    warn: Callable[[Use], str] = nothing
    each_image: bool = False

    @property
    def compiled(self) -> bool:
        """It computes something while the model runs."""
        return self.lower is not None or any(typed.lower for typed in self.types)

    def typed(self, use: Use) -> Typed | None:
        """The line of `types` that the tensors of `use` have; None where there is none."""
        return next((typed for typed in self.types if typed.fits(use)), None)


@cache
def all_operators() -> Mapping[str, Operator]:
    """Every operator of this folder, by kind."""
    names = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_"))
    found: list[Operator] = [importlib.import_module(f"{__name__}.{name}").OPERATOR for name in names]
    return {operator.kind: operator for operator in found}
