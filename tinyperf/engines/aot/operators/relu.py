"""RELU on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.arithmetic import code_range, quantize_multiplier
from tinyperf.engines.aot.operators import INT8, Arity, Operator, Typed
from tinyperf.engines.aot.operators._float_map import mapped
from tinyperf.engines.aot.operators._rules import same_elements
from tinyperf.engines.aot.operators._scales import scale, zero
from tinyperf.engines.aot.operators.quantize import Rescale

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample


def lower(use: Use) -> Rescale:
    """micro/kernels/activations_common.cc; the ratio is formed in double."""
    multiplier, shift = quantize_multiplier(scale(use.input(0)) / scale(use.output))
    out_zero = zero(use.output)
    low, high = code_range(use.output.dtype)
    dtypes = use.input(0).dtype, use.output.dtype
    clamp = max(low, out_zero), high
    return Rescale(use.output.elements, zero(use.input(0)), out_zero, multiplier, shift, clamp, *dtypes)


def sample(random: Random) -> Sample:
    return random.elementwise("RELU")


OPERATOR = Operator(
    kind="RELU",
    arity=Arity(1, 1),
    rules=(same_elements,),
    types=(*INT8, Typed(("int16",)), mapped("relu")),
    lower=lower,
    sample=sample,
)
