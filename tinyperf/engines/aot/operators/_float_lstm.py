"""UNIDIRECTIONAL_SEQUENCE_LSTM of float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Operand, Signature, Work
from tinyperf.engines.aot.operators._float import ACTIVATIONS, clamped, logistic, single, tanh
from tinyperf.tflite import Tensor

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Data
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._float import Float
    from tinyperf.engines.aot.operators._sample import Random, Sample
    from tinyperf.tflite import Option

INPUTS, HIDDEN, CELL = 24, 18, 19
WEIGHTS, RECURRENT, BIASES = range(1, 5), range(5, 9), range(12, 16)
FINITE = ACTIVATIONS["NONE"]


@dataclass(frozen=True, eq=False)
class GateFloat:
    """Weights [units, inputs] and [units, units], bias [units]."""

    weights: npt.NDArray[np.float32]
    recurrent: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class LstmFloat(Work):
    """`gates`: input, forget, cell, output. clip: how far the cell may be from 0; 0: as far as it likes."""

    batch: int
    steps: int
    time_major: bool
    gates: tuple[GateFloat, GateFloat, GateFloat, GateFloat]
    clip: float

    @property
    def inputs(self) -> int:
        return int(self.gates[0].weights.shape[1])

    @property
    def units(self) -> int:
        return len(self.gates[0].weights)

    @property
    def signature(self) -> Signature:
        rows = (self.steps, self.batch) if self.time_major else (self.batch, self.steps)
        state = Operand((self.batch, self.units), "float32")
        given, made = (Operand((*rows, n), "float32") for n in (self.inputs, self.units))
        return Signature((given, state, state), (made, state, state))

    def interpret(self, *inputs: Data) -> tuple[Data, ...]:
        """lstm_eval.h `EvalLstm`."""
        given, hidden, cell = (single(data) for data in inputs)
        axis = 1 if self.time_major else 2
        rows = []
        with np.errstate(all="ignore"):  # infinities and NaN are results like any other
            for step in range(self.steps):
                hidden, cell = self._step(np.take(given, step, axis), hidden, cell)
                rows.append(hidden)
        return np.stack(rows, axis), hidden, cell

    def _step(self, given: Float, hidden: Float, cell: Float) -> tuple[Float, Float]:
        """The next hidden state and cell, each [..., batch, units]."""
        entering, forget, fresh, leaving = (
            clamped(_product(given, gate.weights) + gate.bias, FINITE)
            + clamped(_product(hidden, gate.recurrent), FINITE)
            for gate in self.gates
        )
        kept = clamped(logistic(forget) * cell, FINITE)
        cell = kept + clamped(logistic(entering) * tanh(fresh), FINITE)
        if self.clip > 0:
            cell = clamped(cell, (-self.clip, self.clip))
        return clamped(tanh(cell) * logistic(leaving), FINITE), cell


def _product(rows: Float, weights: Float) -> Float:
    """Sums of products, from the first one on."""
    made = np.zeros((*rows.shape[:-1], len(weights)), np.float32)
    for at in range(weights.shape[1]):
        made = made + rows[..., at : at + 1] * weights[:, at]
    return made


def parameters_are_floats(use: Use) -> str | None:
    """Weights and biases are constant float32."""
    for position in (*WEIGHTS, *RECURRENT, *BIASES):
        tensor = use.input(position)
        if tensor.data is None or tensor.dtype != "float32":
            return f"input {position} is {tensor.dtype if tensor.data is not None else 'computed'}"
    return None


def states_are_floats(use: Use) -> str | None:
    """Hidden state and cell are variable float32 tensors."""
    for position in (HIDDEN, CELL):
        tensor = use.input(position)
        if not tensor.variable or tensor.dtype != "float32":
            return f"input {position} is {tensor.dtype}{'' if tensor.variable else ', no variable'}"
    return None


FLOATS = (parameters_are_floats, states_are_floats)


def lower(use: Use) -> LstmFloat:
    batch, steps = use.input(0).shape[:2]
    major, clip = bool(use.number("time_major")), float(use.text("cell_clip"))
    gates = [
        GateFloat(*(single(np.asarray(use.input(kind[gate]).data)) for kind in (WEIGHTS, RECURRENT, BIASES)))
        for gate in range(4)
    ]
    return LstmFloat(
        batch=steps if major else batch,
        steps=batch if major else steps,
        time_major=major,
        gates=(gates[0], gates[1], gates[2], gates[3]),
        clip=clip,
    )


def sample(random: Random) -> Sample:
    """The first dimension, steps or batch, is 1: a model has one batch. Weights are small, as trained ones are: large
    ones make a chaos of the hidden state, in which every difference grows from step to step.
    """
    major = random.pick(False, True)
    rows, inputs, units = random.integer(1, 4), random.integer(1, 7), random.integer(1, 6)
    batch = rows if major else 1
    tensors: list[Tensor] = [random.tensor((1, rows, inputs), 1.0)]
    places = [0] + [-1] * (INPUTS - 1)
    for kind, shape in ((WEIGHTS, (units, inputs)), (RECURRENT, (units, units)), (BIASES, (units,))):
        for position in kind:
            places[position] = len(tensors)
            tensors.append(random.constant(random.codes(*shape) * np.float32(0.1 / shape[-1] ** 0.5)))
    for position in (HIDDEN, CELL):
        places[position] = len(tensors)
        tensors.append(Tensor(0, "", (batch, units), "float32", None, variable=True))
    tensors.append(random.tensor((1, rows, units), 1.0))
    options: dict[str, Option] = {
        "fused_activation_function": "TANH",
        "time_major": major,
        "cell_clip": random.pick(0.0, 0.0, 1.5),
    }
    return random.use("UNIDIRECTIONAL_SEQUENCE_LSTM", tuple(tensors), tuple(places), options)
