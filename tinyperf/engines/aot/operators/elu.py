"""ELU: a table of the output of every code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators import Arity, Operator, Typed
from tinyperf.engines.aot.operators._float_map import mapped
from tinyperf.engines.aot.operators._lookup import EVERY_CODE, Lookup, rounded
from tinyperf.engines.aot.operators._rules import same_elements
from tinyperf.engines.aot.operators._scales import scale, zero

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def output_is_not_much_finer(use: Use) -> str | None:
    """The input scale is below 2**22 output scales: TFLM keeps codes in 32 bits before it clamps them."""
    ratio = scale(use.input(0)) / scale(use.output)
    return None if ratio < 2**22 else f"ratio {ratio:g}"


def lower(use: Use) -> Lookup:
    """micro/kernels/elu.cc, in float32; std::exp is right to the last bit but for one result in thousands."""
    x = np.float32(scale(use.input(0))) * (EVERY_CODE - zero(use.input(0))).astype(np.float32)
    grown = np.exp(np.minimum(x, 0).astype(np.float64)).astype(np.float32) - np.float32(1)
    made = np.where(x < 0, grown, x) * (np.float32(1) / np.float32(scale(use.output)))
    return Lookup(use.output.elements, rounded(made, zero(use.output)))


def sample(random: Random) -> Sample:
    return random.elementwise("ELU")


OPERATOR = Operator(
    kind="ELU",
    arity=Arity(1, 1),
    rules=(same_elements,),
    types=(Typed(("int8",), rules=(output_is_not_much_finer,)), mapped("elu", ulps=1)),
    lower=lower,
    sample=sample,
)
