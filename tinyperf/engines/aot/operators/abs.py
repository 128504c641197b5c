"""ABS: a table of the output of every code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import codes, quantize_multiplier, requantized
from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._float_map import mapped
from tinyperf.engines.aot.operators._lookup import EVERY_CODE, Lookup
from tinyperf.engines.aot.operators._rules import same_elements
from tinyperf.engines.aot.operators._scales import scale, zero

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def input_is_not_much_coarser(use: Use) -> str | None:
    """The input scale is below 2**22 output scales: larger ones leave 32 bits."""
    ratio = scale(use.input(0)) / scale(use.output)
    return None if ratio < 2**22 else f"ratio {ratio:g}"


def lower(use: Use) -> Lookup:
    """micro/kernels/elementwise.cc `AbsEvalQuantized`; the ratio of the scales is a float32."""
    size = np.abs(EVERY_CODE - zero(use.input(0)))
    given, made = np.float32(scale(use.input(0))), np.float32(scale(use.output))
    if given != made:
        size = requantized(size, *quantize_multiplier(float(given / made)))
    return Lookup(use.output.elements, codes(size + zero(use.output)))


def sample(random: Random) -> Sample:
    return random.elementwise("ABS")


OPERATOR = Operator(
    kind="ABS",
    arity=Arity(1, 1),
    rules=(same_elements,),
    types=(Typed(("int8",), rules=(input_is_not_much_coarser,)), mapped("abs")),
    lower=lower,
    sample=sample,
)
