"""SVDF of float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators._float import ANYTHING, single
from tinyperf.tflite import Tensor

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._float import Float, Limits
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.tflite import Option

INFINITE = float("inf")
LIMITS: dict[str, Limits] = {
    "NONE": ANYTHING,
    "RELU": (0.0, INFINITE),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
}
"""Source: micro/kernels/activation_utils.h."""


@dataclass(frozen=True, eq=False)
class SvdfFloat(Work):
    """`features` [filters, inputs], `time` [filters, frames], `bias` [units]; each unit sums `rank` filters."""

    batch: int
    features: npt.NDArray[np.float32]
    time: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]
    clamp: Limits

    @property
    def rank(self) -> int:
        return len(self.features) // len(self.bias)

    @property
    def signature(self) -> Signature:
        state = Operand((self.batch, *self.time.shape), "float32")
        given = Operand((self.batch, self.features.shape[1]), "float32")
        return Signature((given, state), (Operand((self.batch, len(self.bias)), "float32"), state))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        """svdf_common.cc `EvalFloatSvdfReference`."""
        given, before = (single(data) for data in inputs)
        with np.errstate(all="ignore"):  # infinities and NaN are results like any other
            newest = _summed(given[..., None, :] * self.features)
            after = np.concatenate([before[..., 1:], newest[..., None]], axis=-1)
            weighted = _summed(after * self.time).reshape(*newest.shape[:-1], len(self.bias), self.rank)
            made = np.broadcast_to(self.bias, weighted.shape[:-1])
            for filter_of_unit in range(self.rank):
                made = single(made + weighted[..., filter_of_unit])
            return self._clamped(made), after

    def _clamped(self, made: Float) -> Float:
        """fmin and then fmax, which give the bound for a NaN; nothing where the bound is infinite."""
        low, high = self.clamp
        capped = made if high == INFINITE else np.where(made < high, made, high)
        return single(capped if low == -INFINITE else np.where(capped > low, capped, low))


def _summed(products: Float) -> Float:
    """Along the last dimension, from the first one on."""
    made = np.zeros(products.shape[:-1], np.float32)
    for at in range(products.shape[-1]):
        made = made + products[..., at]
    return made


def parameters_are_floats(use: Use) -> str | None:
    """Features, time and bias are constant float32, the state is float32."""
    for position in (1, 2, 3):
        tensor = use.input(position)
        if tensor.data is None or tensor.dtype != "float32":
            return f"input {position} is {tensor.dtype if tensor.data is not None else 'computed'}"
    state = use.input(4).dtype
    return None if state == "float32" else f"the state is {state}"


def activation_is_a_clamp(use: Use) -> str | None:
    """The fused activation is none, RELU, RELU6 or RELU_N1_TO_1."""
    activation = use.text("fused_activation_function")
    return None if activation in LIMITS else activation


FLOATS = (parameters_are_floats, activation_is_a_clamp)


def lower(use: Use) -> SvdfFloat:
    features, time, bias = (single(np.asarray(use.input(i).data)) for i in (1, 2, 3))
    limits = LIMITS[use.text("fused_activation_function")]
    return SvdfFloat(use.input(0).shape[0], features, time, bias.ravel(), limits)


def sample(random: Random) -> Sample:
    batch, inputs, units, rank, frames = (random.integer(1, most) for most in (1, 9, 5, 3, 6))
    filters = units * rank
    constants = (random.constant(random.codes(*shape)) for shape in ((filters, inputs), (filters, frames), (units,)))
    state = Tensor(0, "", (batch, filters * frames), "float32", None, variable=True)
    tensors = (random.tensor((batch, inputs), 1.0), *constants, state, random.tensor((batch, units), 1.0))
    options: dict[str, Option] = {"rank": rank, "fused_activation_function": random.pick(*LIMITS)}
    return random.use("SVDF", tensors, (0, 1, 2, 3, 4), options)
