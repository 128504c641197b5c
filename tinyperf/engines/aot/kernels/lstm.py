"""UNIDIRECTIONAL_SEQUENCE_LSTM in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.ctext import c_int
from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Array, Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, constant
from tinyperf.engines.aot.operators._sigmoid import table
from tinyperf.engines.aot.operators.unidirectional_sequence_lstm import Lstm

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.engines.aot.kernels import Costs, Place
    from tinyperf.engines.aot.operators._scales import Pair
    from tinyperf.engines.aot.operators.unidirectional_sequence_lstm import Gate

NAMES = ("input gate", "forget gate", "cell gate", "output gate")


def forms(work: Lstm, costs: Costs) -> tuple[Form, ...]:
    """Hidden state and cell may change where they are."""
    products = costs["product"] * 4 * (work.inputs + work.units) + costs["unit"]
    return (Form(work.batch * work.steps * work.units * products, lead=(None, 0, 0)),)


def emit(work: Lstm, place: Place) -> Code:
    sigmoid = Array("sigmoid_table", "uint16_t", table(), "sigmoid(i / 24) x 65536, as TFLM has it.")
    arrays, rows = [sigmoid], []
    for number, gate in enumerate(work.gates):
        made = _arrays(work, gate, f"{place.prefix}_gate_{number}", NAMES[number])
        arrays += made
        names = [array.name for array in made]
        rows.append(f"{{{_sum(names[:2], gate.ratio)}, {_sum(names[2:], gate.recurrent_ratio)}}}")
    body = constant("struct tp_lstm_gate gates[4]", rows) + constant("struct tp_lstm lstm", _fields(work))
    return Code(tuple(arrays), body + call("tp_lstm", "&lstm", sigmoid.name, "gates", *place.inputs, *place.outputs))


def _arrays(work: Lstm, gate: Gate, prefix: str, name: str) -> list[Array]:
    return [
        Array(f"{prefix}_weights", "int8_t", gate.weights.ravel(), f"Weights of the input, {name}."),
        _bias(work, f"{prefix}_bias", gate.bias, f"Biases, {name}."),
        Array(f"{prefix}_recurrent", "int8_t", gate.recurrent.ravel(), f"Weights of the hidden state, {name}."),
        _bias(work, f"{prefix}_recurrent_bias", gate.recurrent_bias, f"Of the hidden state's zero point, {name}."),
    ]


def _bias(work: Lstm, name: str, bias: npt.NDArray[np.int64], comment: str) -> Array:
    """As wide as the accumulator: int32 wraps as it does."""
    wide = work.dtype == "int16"
    return Array(name, "int64_t" if wide else "int32_t", bias if wide else bias.astype(np.int32), comment)


def _sum(names: list[str], ratio: Pair) -> str:
    return f"{{{', '.join(names)}, {c_int(ratio[0])}, {c_int(-ratio[1])}}}"


def _fields(work: Lstm) -> list[str]:
    numbers = {
        "batch": work.batch,
        "steps": work.steps,
        "inputs": work.inputs,
        "units": work.units,
        "hidden_zero": work.hidden_zero,
        "tanh_multiplier": work.tanh[0],
        "tanh_shift": work.tanh[1],
        "clip": work.clip,
    }
    for name, (multiplier, shift) in (("forget", work.forget), ("update", work.update), ("output", work.output)):
        numbers |= {f"{name}_multiplier": multiplier, f"{name}_shift": -shift}
    flags = {"time_major": work.time_major, "wide": work.dtype == "int16"}
    return [
        *(f".{name} = {c_int(number)}" for name, number in numbers.items()),
        *(f".{name} = {'true' if flag else 'false'}" for name, flag in flags.items()),
    ]


KERNEL = Kernel("lstm", Lstm, "tp_lstm.h", forms, emit, costs={"product": 10.0, "unit": 800.0})
