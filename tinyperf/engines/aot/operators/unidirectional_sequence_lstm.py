"""UNIDIRECTIONAL_SEQUENCE_LSTM: hidden state and cell are variables, and go from step to step and on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.arithmetic import code_range, quantize_multiplier, requantized, requantized_wide
from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators import Arity, Operator, Typed, _float_lstm
from tinyperf.engines.aot.operators._rules import has_a_scale
from tinyperf.engines.aot.operators._scales import int8, scale, zero
from tinyperf.engines.aot.operators._sigmoid import sigmoid, tanh
from tinyperf.tflite import Quantization, Tensor

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.arithmetic import Wide
    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.engines.aot.operators._scales import Pair
    from tinyperf.tflite import Option

INPUTS = 24
HIDDEN, CELL = 18, 19
WEIGHTS, RECURRENT, BIASES = range(1, 5), range(5, 9), range(12, 16)
"""Of the input gate, the forget gate, the cell gate and the output gate."""
PRESENT = (0, *WEIGHTS, *RECURRENT, *BIASES, HIDDEN, CELL)
GATE_SCALE = 2.0**-12
"""Of what the functions of the gates are applied to; what they give has 2**-15."""
LOW, HIGH = code_range("int16")


@dataclass(frozen=True, eq=False)
class Gate:
    """Weights int8 [units, inputs] and [units, units], the zero points of what they are multiplied with taken out of
    `bias` and `recurrent_bias`; multiplier and shift of both sums.
    """

    weights: npt.NDArray[np.int8]
    recurrent: npt.NDArray[np.int8]
    bias: npt.NDArray[np.int64]
    recurrent_bias: npt.NDArray[np.int64]
    ratio: Pair
    recurrent_ratio: Pair


@dataclass(frozen=True, eq=False)
class Lstm(Work):
    """`gates`: input, forget, cell, output. `dtype`: of input, hidden state and output; the cell is int16.

    forget, update, output: multiplier and shift of the products that make cell and hidden state.
    tanh: multiplier and right shift from the cell to the argument of its tanh. clip: how far the cell may be from 0.
    """

    batch: int
    steps: int
    time_major: bool
    dtype: str
    gates: tuple[Gate, Gate, Gate, Gate]
    hidden_zero: int
    forget: Pair
    update: Pair
    output: Pair
    tanh: Pair
    clip: int

    @property
    def inputs(self) -> int:
        return int(self.gates[0].weights.shape[1])

    @property
    def units(self) -> int:
        return len(self.gates[0].weights)

    @property
    def signature(self) -> Signature:
        rows = (self.steps, self.batch) if self.time_major else (self.batch, self.steps)
        states = Operand((self.batch, self.units), self.dtype), Operand((self.batch, self.units), "int16")
        given, made = (Operand((*rows, n), self.dtype) for n in (self.inputs, self.units))
        return Signature((given, *states), (made, *states))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        """lstm_eval.h `EvalLstm`."""
        given, *states = (data.astype(np.int64) for data in inputs)
        axis = 1 if self.time_major else 2
        hidden, cell = states
        rows = []
        for step in range(self.steps):
            hidden, cell = self._step(np.take(given, step, axis), hidden, cell)
            rows.append(hidden)
        return np.stack(rows, axis).astype(self.dtype), hidden.astype(self.dtype), cell.astype(np.int16)

    def _step(self, given: Wide, hidden: Wide, cell: Wide) -> tuple[Wide, Wide]:
        """The next hidden state and cell, each [..., batch, units]."""
        entering, forget, fresh, leaving = (self._gate(gate, given, hidden) for gate in self.gates)
        kept = _clamped(requantized(sigmoid(forget) * cell, *self.forget))
        added = _clamped(requantized(sigmoid(entering) * tanh(fresh), *self.update))
        cell = _clamped(kept + added)
        cell = np.maximum(np.minimum(cell, self.clip), -self.clip)
        made = requantized(tanh(cell, *self.tanh) * sigmoid(leaving), *self.output) + self.hidden_zero
        return np.clip(made, *code_range(self.dtype)), cell

    def _gate(self, gate: Gate, given: Wide, hidden: Wide) -> Wide:
        scaled = requantized_wide if self.dtype == "int16" else requantized
        of_input = scaled(given @ gate.weights.astype(np.int64).T + gate.bias, *gate.ratio)
        recurrent = hidden @ gate.recurrent.astype(np.int64).T + gate.recurrent_bias
        return _clamped(_clamped(of_input) + _clamped(scaled(recurrent, *gate.recurrent_ratio)))


def _clamped(numbers: Wide) -> Wide:
    return np.clip(numbers, LOW, HIGH)


def variant_is_plain(use: Use) -> str | None:
    """There are 24 inputs, and of the optional ones those of the four gates alone: no coupled input and forget gates
    (CIFG), peephole, projection or layer normalization.
    """
    present = tuple(i for i, tensor in enumerate(use.inputs) if tensor is not None)
    if len(use.inputs) == INPUTS and present == PRESENT:
        return None
    return f"{len(use.inputs)} inputs, present are {', '.join(map(str, present))}"


def parameters_are_constant(use: Use) -> str | None:
    """Weights are constant int8 with one scale and zero point 0; biases are constant, int32 (int16: int64)."""
    bias = "int64" if use.input(0).dtype == "int16" else "int32"
    for position in (*WEIGHTS, *RECURRENT, *BIASES):
        tensor, quantization = use.input(position), use.input(position).quantization
        if tensor.data is None or tensor.dtype != (bias if position in BIASES else "int8"):
            return f"input {position} is {tensor.dtype if tensor.data is not None else 'computed'}"
        if position not in BIASES and (
            quantization is None or quantization.per_channel or any(quantization.zero_point)
        ):
            return f"input {position} has {quantization or 'no scale'}"
    return None


def states_are_variable(use: Use) -> str | None:
    """Hidden state and cell are variable tensors with a scale: the hidden state of the input's type, the cell int16."""
    for position, dtype in ((HIDDEN, use.input(0).dtype), (CELL, "int16")):
        tensor = use.input(position)
        if not tensor.variable or tensor.dtype != dtype or not has_a_scale(tensor):
            kind = "" if tensor.variable else ", no variable"
            return f"input {position} is {tensor.dtype} with {tensor.quantization or 'no scale'}{kind}"
    return None


def shapes_fit(use: Use) -> str | None:
    """The input is [batch, steps, inputs] (time-major: [steps, batch, inputs]), the output likewise with units; weights
    are [units, inputs] and [units, units], biases [units], states of batch x units elements.
    """
    given, made = use.input(0).shape, use.output.shape
    hidden = use.input(HIDDEN).shape
    seen = f"input {list(given)}, hidden state {list(hidden)}, output {list(made)}"
    if len(given) != 3 or len(hidden) != 2:
        return seen
    batch, units = given[1 if use.number("time_major") else 0], hidden[1]
    wanted = {
        **dict.fromkeys(WEIGHTS, (units, given[2])),
        **dict.fromkeys(RECURRENT, (units, units)),
        **dict.fromkeys(BIASES, (units,)),
    }
    for position, shape in wanted.items():
        if use.input(position).shape != shape:
            return f"input {position} is {list(use.input(position).shape)}, not {list(shape)}"
    sizes = {use.input(position).elements for position in (HIDDEN, CELL)}
    return None if made == (*given[:2], units) and sizes == {batch * units} else seen


def cell_function_is_tanh(use: Use) -> str | None:
    """The function of cell gate and cell is TANH."""
    activation = use.text("fused_activation_function")
    return None if activation == "TANH" else activation


def cell_scale_is_moderate(use: Use) -> str | None:
    """The cell's scale lies between 2**-40 and 4; TFLM takes the nearest power of two in its tanh."""
    found = scale(use.input(CELL))
    return None if 2.0**-40 <= found <= 4 else f"scale {found:g}"


CODES = (parameters_are_constant, states_are_variable, cell_scale_is_moderate)


def lower(use: Use) -> Lstm:
    given, hidden, cell = use.input(0), use.input(HIDDEN), scale(use.input(CELL))
    batch, steps = given.shape[:2]
    power = round(float(np.log(np.float32(cell)) / np.log(np.float32(2))))
    clip = use.op.options["cell_clip"]
    limit = min(float(clip) / cell, HIGH) if isinstance(clip, int | float) and clip > 0 else -LOW
    gates = [_gate(use, position) for position in range(4)]
    return Lstm(
        batch=steps if use.number("time_major") else batch,
        steps=batch if use.number("time_major") else steps,
        time_major=bool(use.number("time_major")),
        dtype=given.dtype,
        gates=(gates[0], gates[1], gates[2], gates[3]),
        hidden_zero=zero(hidden),
        forget=quantize_multiplier(2.0**-15 * cell / cell),
        update=quantize_multiplier(2.0**-30 / cell),
        output=quantize_multiplier(2.0**-30 / scale(hidden)),
        tanh=(3 << (power + 12), 0) if power + 12 >= 0 else (3, -power - 12),
        clip=int(limit),
    )


def _gate(use: Use, position: int) -> Gate:
    given, hidden = use.input(0), use.input(HIDDEN)
    weights, recurrent = (use.input(at[position]) for at in (WEIGHTS, RECURRENT))
    bias = np.asarray(use.input(BIASES[position]).data, np.int64)
    return Gate(
        weights=int8(weights),
        recurrent=int8(recurrent),
        bias=bias - zero(given) * int8(weights).astype(np.int64).sum(axis=1),
        recurrent_bias=-zero(hidden) * int8(recurrent).astype(np.int64).sum(axis=1),
        ratio=_ratio(given, weights),
        recurrent_ratio=_ratio(hidden, recurrent),
    )


def _ratio(given: Tensor, weights: Tensor) -> Pair:
    return quantize_multiplier(scale(given) * scale(weights) / GATE_SCALE)


def macs(use: Use) -> int:
    """Of the gates' matrix products, in every step."""
    batch, steps, _ = use.input(0).shape
    return batch * steps * sum(use.input(position).elements for position in (*WEIGHTS, *RECURRENT))


def sample(random: Random) -> Sample:
    """The first dimension, steps or batch, is 1: a model has one batch."""
    dtype, major, (rows, inputs, units) = random.given, random.pick(False, True), _sizes(random)
    batch = rows if major else 1
    given = random.tensor((1, rows, inputs), random.scale(-3, -1))
    hidden_scale = random.near(2.0**-7 if dtype == "int8" else 2.0**-15, 0.3)
    hidden, cell = (
        Tensor(0, "", (batch, units), kind, Quantization((unit,), (zero_point,)), variable=True)
        for kind, unit, zero_point in (
            (dtype, hidden_scale, random.zero()),
            ("int16", 2.0 ** random.integer(-15, -8), 0),
        )
    )
    tensors: list[Tensor] = [given]
    inputs_at = [-1] * INPUTS
    spread = 1.0 if dtype == "int8" else 2.0**-8

    def add(position: int, tensor: Tensor) -> None:
        inputs_at[position] = len(tensors)
        tensors.append(tensor)

    inputs_at[0] = 0
    for kinds, of in ((WEIGHTS, given), (RECURRENT, hidden)):
        count = of.shape[-1]
        for position in kinds:
            unit = random.near(2.0**-12 * 2.0**5 * spread / scale(of) / math.sqrt(count) / 60, 0.7)
            add(position, random.constant(random.weights(units, count), unit))
    for position in BIASES:
        bias = random.generator.integers(-(2**12), 2**12, units).astype(np.int32 if dtype == "int8" else np.int64)
        add(position, random.constant(bias))
    add(HIDDEN, hidden)
    add(CELL, cell)
    tensors.append(random.like(hidden, (*given.shape[:2], units)))
    options: dict[str, Option] = {
        "fused_activation_function": "TANH",
        "time_major": major,
        "cell_clip": random.pick(0.0, 0.0, 1.5, 1e-9),
    }
    return random.use("UNIDIRECTIONAL_SEQUENCE_LSTM", tuple(tensors), tuple(inputs_at), options)


def _sizes(random: Random) -> tuple[int, int, int]:
    return random.integer(1, 4), random.integer(1, 7), random.integer(1, 6)


OPERATOR = Operator(
    kind="UNIDIRECTIONAL_SEQUENCE_LSTM",
    arity=Arity(1, INPUTS, variables=(HIDDEN, CELL)),
    rules=(variant_is_plain, shapes_fit, cell_function_is_tanh),
    lower=lower,
    macs=macs,
    sample=sample,
    types=(
        Typed(("int8",), rules=CODES),
        Typed(("int16",), rules=CODES),
        Typed(
            ("float32",),
            rules=_float_lstm.FLOATS,
            lower=_float_lstm.lower,
            sample=_float_lstm.sample,
            ulps=4,
            least=1.0,
        ),
    ),
)
