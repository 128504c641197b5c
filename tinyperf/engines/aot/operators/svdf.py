"""SVDF: a matrix product of each frame, kept for some frames and weighted along time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import code_range, codes, int32, quantize_multiplier, requantized
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator, Typed, _float_svdf
from tinyperf.engines.aot.operators._scales import scale, zero
from tinyperf.tflite import Quantization, Tensor

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Pair
    from tinyperf.tflite import Option

INPUT, FEATURES, TIME, BIAS, STATE = range(5)


@dataclass(frozen=True, eq=False)
class Svdf(Work):
    """`features` int8 [filters, inputs], `time` [filters, frames] of the state's type, `bias` int32 [units].

    Each unit sums the filters of its own, `rank` of them. `first` and `second`: multiplier and shift from the matrix
    product to the state, and from the weighted sum to the output.
    """

    batch: int
    features: npt.NDArray[np.int8]
    time: npt.NDArray[np.int8 | np.int16]
    bias: npt.NDArray[np.int32]
    zeros: tuple[int, int, int]
    first: Pair
    second: Pair

    @property
    def filters(self) -> int:
        return len(self.features)

    @property
    def frames(self) -> int:
        return int(self.time.shape[1])

    @property
    def rank(self) -> int:
        return self.filters // len(self.bias)

    @property
    def signature(self) -> Signature:
        state = Operand((self.batch, self.filters, self.frames), str(self.time.dtype))
        given = Operand((self.batch, self.features.shape[1]))
        return Signature((given, state), (Operand((self.batch, len(self.bias))), state))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        """svdf_common.cc `EvalIntegerSvdfReference`; the newest frame's codes may wrap, as they do there."""
        given, before = inputs
        in_zero, state_zero, out_zero = self.zeros
        sums = (given.astype(np.int64) - in_zero) @ self.features.astype(np.int64).T
        newest = np.clip(requantized(sums, *self.first), *code_range(str(self.time.dtype))) + state_zero
        after = np.concatenate([before[..., 1:], newest[..., None].astype(before.dtype)], axis=-1)
        weighted = ((after.astype(np.int64) - state_zero) * self.time).sum(axis=-1)
        units = weighted.reshape(*weighted.shape[:-1], len(self.bias), self.rank).sum(axis=-1) + self.bias
        return codes(requantized(int32(units), *self.second) + out_zero), after


def shapes_fit(use: Use) -> str | None:
    """Input [batch, inputs], features [filters, inputs], time [filters, frames], bias [units], state [batch, filters x
    frames], output [batch, units]; filters = rank x units.
    """
    shapes = [use.input(i).shape for i in range(5)]
    given, features, time, bias, state = shapes
    made, rank = use.output.shape, use.number("rank")
    seen = f"rank {rank}, {', '.join(str(list(s)) for s in shapes)} to {list(made)}"
    if [len(s) for s in (given, features, time, state, made)] != [2] * 5 or rank < 1 or 0 in (*features, *time):
        return seen
    units = features[0] // rank
    fits = (
        features[0] == time[0] == units * rank
        and features[1] == given[1]
        and state == (given[0], time[0] * time[1])
        and made == (given[0], units)
        and bias[:1] == (units,)
        and use.input(BIAS).elements == units
    )
    return None if fits else seen


def parameters_are_constant(use: Use) -> str | None:
    """Features are constant int8, time constant of the state's type (int8 or int16), the bias constant int32."""
    state = use.input(STATE).dtype
    for position, types in ((FEATURES, {"int8"}), (TIME, {state} & {"int8", "int16"}), (BIAS, {"int32"})):
        tensor = use.input(position)
        if tensor.data is None or tensor.dtype not in types:
            kind = tensor.dtype if tensor.data is not None else "computed"
            return f"input {position} is {kind}, the state {state}"
    return None


def state_is_variable(use: Use) -> str | None:
    """The state is a variable tensor."""
    return None if use.input(STATE).variable else f"tensor {use.input(STATE).index} is none"


def parameters_have_scales(use: Use) -> str | None:
    """Features, time, bias and state have one scale and zero point each."""
    for position in (FEATURES, TIME, BIAS, STATE):
        quantization = use.input(position).quantization
        if quantization is None or quantization.per_channel:
            return f"input {position} has {quantization or 'no scale'}"
    return None


def bias_scale_fits(use: Use) -> str | None:
    """The bias scale is state x time scale, within 0.00001."""
    product, bias = _product(use.input(STATE), use.input(TIME)), scale(use.input(BIAS))
    return None if abs(bias - product) < 1e-5 else f"bias scale {bias:g}, state x time scale {product:g}"


def _product(one: Tensor, other: Tensor) -> float:
    """TFLM multiplies, and below divides, scales in double."""
    return scale(one) * scale(other)


def lower(use: Use) -> Svdf:
    given, features, time, bias, state = (use.input(i) for i in range(5))
    return Svdf(
        batch=given.shape[0],
        features=np.asarray(features.data, np.int8),
        time=np.asarray(time.data),
        bias=np.asarray(bias.data, np.int32).ravel(),
        zeros=(zero(given), zero(state), zero(use.output)),
        first=quantize_multiplier(_product(given, features) / scale(state)),
        second=quantize_multiplier(_product(state, time) / scale(use.output)),
    )


def warn(use: Use) -> str:
    """TFLM's kernel never looks at the fused activation; a converter makes the output's codes begin at 0."""
    activation = use.text("fused_activation_function")
    if (
        activation == "NONE"
        or use.output.dtype != "int8"
        or (activation == "RELU" and zero(use.output) == code_range("int8")[0])
    ):
        return ""
    return (
        f"op {use.op.index} SVDF: TFLM's kernel ignores the fused activation {activation}, and so does this code; the "
        f"output has {use.output.quantization}"
    )


def macs(use: Use) -> int:
    """Both products, of each row."""
    return use.input(INPUT).shape[0] * (use.input(FEATURES).elements + use.input(TIME).elements)


def sample(random: Random) -> Sample:
    batch, inputs, units, rank, frames = (random.integer(1, most) for most in (1, 9, 5, 3, 6))
    filters, dtype = units * rank, random.pick("int8", "int16")
    given = random.tensor((batch, inputs), random.scale(-3, 0))
    features = random.constant(random.weights(filters, inputs), random.scale(-4, -1))
    time = random.constant(random.codes(filters, frames, dtype=dtype), random.scale(-4, -2))
    spread = 60.0 if dtype == "int8" else 0.5
    state_scale = random.near(scale(given) * scale(features) * spread * inputs**0.5, 1)
    state_zero = random.zero() if dtype == "int8" else 0
    state = Tensor(0, "", (batch, filters * frames), dtype, Quantization((state_scale,), (state_zero,)), variable=True)
    bias = random.constant(random.bias(units, frames), float(_product(state, time)))
    reach = {"int8": 2.0**12, "int16": 2.0**28}[dtype]
    made = random.tensor((batch, units), random.near(float(_product(state, time)) * reach / 128, 1))
    tensors = (given, features, time, bias, state, made)
    options: dict[str, Option] = {"rank": rank, "fused_activation_function": random.pick("NONE", "RELU")}
    return random.use("SVDF", tensors, (0, 1, 2, 3, 4), options)


OPERATOR = Operator(
    kind="SVDF",
    arity=Arity(5, 5, variables=(STATE,)),
    rules=(shapes_fit, state_is_variable),
    lower=lower,
    macs=macs,
    sample=sample,
    warn=warn,
    types=(
        Typed(("int8",), rules=(parameters_are_constant, parameters_have_scales, bias_scale_fits)),
        Typed(("float32",), rules=_float_svdf.FLOATS, lower=_float_svdf.lower, sample=_float_svdf.sample),
    ),
)
