"""UNIDIRECTIONAL_SEQUENCE_LSTM of floats in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.ctext import c_int
from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, constant, float_array, floats
from tinyperf.engines.aot.operators._float_lstm import LstmFloat

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Array, Costs, Place

NAMES = ("input gate", "forget gate", "cell gate", "output gate")


def forms(work: LstmFloat, costs: Costs) -> tuple[Form, ...]:
    """Hidden state and cell may change where they are."""
    products = costs["product"] * 4 * (work.inputs + work.units) + costs["unit"]
    return (Form(work.batch * work.steps * work.units * products, lead=(None, 0, 0)),)


def emit(work: LstmFloat, place: Place) -> Code:
    arrays: list[Array] = []
    rows = []
    for number, (gate, name) in enumerate(zip(work.gates, NAMES, strict=True)):
        prefix = f"{place.prefix}_gate_{number}"
        made = [
            float_array(f"{prefix}_weights", gate.weights, f"Weights of the input, {name}."),
            float_array(f"{prefix}_recurrent", gate.recurrent, f"Weights of the hidden state, {name}."),
            float_array(f"{prefix}_bias", gate.bias, f"Biases, {name}."),
        ]
        arrays += made
        rows.append(f"{{{', '.join(array.name for array in made)}}}")
    body = constant("struct tp_lstm_gate_f32 gates[4]", rows) + constant("struct tp_lstm_f32 lstm", _fields(work))
    return Code(tuple(arrays), body + call("tp_lstm_f32", "&lstm", "gates", *place.inputs, *place.outputs))


def _fields(work: LstmFloat) -> list[str]:
    numbers = {"batch": work.batch, "steps": work.steps, "inputs": work.inputs, "units": work.units}
    return [
        *(f".{name} = {c_int(number)}" for name, number in numbers.items()),
        f".time_major = {'true' if work.time_major else 'false'}",
        f".clip = {floats((work.clip,))[0]}",
    ]


KERNEL = Kernel("lstm_f32", LstmFloat, "tp_lstm_f32.h", forms, emit, costs={"product": 8.0, "unit": 400.0})
