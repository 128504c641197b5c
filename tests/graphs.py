"""Small graphs for tests, written without the tflite-micro wheel; the wheel as the oracle of what they compute."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.flatbuffer import write
from tinyperf.tflite import ENUMERATIONS

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    import numpy.typing as npt

    from tinyperf.engines.aot.operators._sample import Sample
    from tinyperf.tflite import Option, Tensor

# Option tables that are not named like their operator.
OPTIONS = {
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "L2_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "SUM": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions",
    "REDUCE_MIN": "ReducerOptions",
    "REDUCE_ALL": "ReducerOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MINIMUM": "MaximumMinimumOptions",
}


@dataclass
class T:
    """One tensor; `data` makes it a constant. `scale` may be a list, one per index of `axis`.

    `zero` is one zero point for all scales, or the list as it shall stand in the file.
    """

    shape: tuple[int, ...]
    scale: float | list[float] | None = None
    zero: int | list[int] = 0
    data: npt.NDArray[Any] | None = None
    dtype: str = "int8"
    axis: int = 0
    variable: bool = False


@dataclass
class O:  # noqa: E742  # T and O, tensors and operators, in tables of graphs
    """One operator: tensors by position in the list; options by the schema's names, snake or camel case.

    `options` None leaves the option table away. `custom` is the name of a CUSTOM operator, its options are bytes.
    """

    kind: str
    inputs: list[int]
    outputs: list[int]
    options: dict[str, Any] | bytes | None = field(default_factory=dict)
    custom: str = ""


@dataclass
class G:
    """One subgraph."""

    tensors: list[T]
    ops: list[O]
    inputs: list[int]
    outputs: list[int]
    name: str = "main"


def constant(data: npt.NDArray[Any], scale: float | list[float] | None = None, axis: int = 0) -> T:
    return T(data.shape, scale, 0, data, str(data.dtype), axis)


def build(tensors: list[T], ops: list[O], inputs: list[int], outputs: list[int]) -> bytes:
    """The .tflite file of one subgraph."""
    return write(model(G(tensors, ops, inputs, outputs)))


def dense() -> bytes:
    """Thousands of multiplications and eight values to print, which cost a virtual board more than they."""
    weights = (np.arange(8 * 1024) % 251 - 125).astype(np.int8).reshape(8, 1024)
    tensors = [T((1, 1024), 0.1), constant(weights, 0.02), constant(np.zeros(8, np.int32), 0.002), T((1, 8), 9.0)]
    return build(tensors, [O("FULLY_CONNECTED", [0, 1, 2], [3])], [0], [3])


def kinds_in_int8() -> list[str]:
    """Operators that a sampler draws with int8 in and out."""
    from tinyperf.engines.aot.operators import all_operators

    known = all_operators().items()
    return [kind for kind, o in known if o.sample and any((t.given, t.made) == (("int8",), ()) for t in o.types)]


def sampled(sample: Sample) -> bytes:
    """The .tflite file of a random use of an operator."""
    return write(model(drawn(sample)))


def drawn(sample: Sample) -> G:
    """A random use of an operator: its last output is the model's, of a custom one all of them."""
    tensors = [_plain(tensor) for tensor in sample.tensors]
    outputs = list(range(len(tensors) - sample.made, len(tensors)))
    given = [i for i in dict.fromkeys(sample.inputs) if i >= 0]
    inputs = [i for i in given if sample.tensors[i].data is None and not sample.tensors[i].variable]
    kind, _, custom = sample.kind.partition(" ")
    options = {name: _number(name, value) for name, value in sample.options.items()}
    use = O(kind, list(sample.inputs), outputs, sample.custom or options, custom)
    return G(tensors, [use], inputs, outputs if custom else outputs[-1:])


def _plain(tensor: Tensor) -> T:
    quantization = tensor.quantization
    if quantization is None:
        return T(tensor.shape, data=tensor.data, dtype=tensor.dtype, variable=tensor.variable)
    scale, zero = list(quantization.scale), list(quantization.zero_point)
    return T(tensor.shape, scale, zero, tensor.data, tensor.dtype, quantization.axis, tensor.variable)


def _number(name: str, value: Option) -> Any:
    """A value as the schema has it: of an enumeration, the number."""
    import tflite

    if isinstance(value, tuple):
        return list(value)
    return getattr(getattr(tflite, ENUMERATIONS[name]), str(value)) if name in ENUMERATIONS else value


def model(*graphs: G) -> dict[str, Any]:
    """The file as a dictionary by the schema's names, to be changed at will and then written with `write`.

    Operator codes are sorted by name and give both fields; buffer 0 is empty, as the schema asks.
    """
    kinds = sorted({(op.kind, op.custom) for graph in graphs for op in graph.ops})
    buffers: list[dict[str, Any]] = [{}]
    return {
        "version": 3,
        "description": "test",
        "operator_codes": [_code(kind, custom) for kind, custom in kinds],
        "subgraphs": [
            {
                "tensors": [_tensor(f"t{i}", t, buffers) for i, t in enumerate(graph.tensors)],
                "inputs": graph.inputs,
                "outputs": graph.outputs,
                "operators": [_operator(op, kinds.index((op.kind, op.custom))) for op in graph.ops],
                "name": graph.name,
            }
            for graph in graphs
        ],
        "buffers": buffers,
    }


def _code(kind: str, custom: str) -> dict[str, Any]:
    import tflite

    number = getattr(tflite.BuiltinOperator, kind)
    # Codes above 127 do not fit the old field; it then holds PLACEHOLDER_FOR_GREATER_OP_CODES.
    code = {"deprecated_builtin_code": min(number, 127), "version": 1, "builtin_code": number}
    return code | ({"custom_code": custom} if custom else {})


def _tensor(name: str, t: T, buffers: list[dict[str, Any]]) -> dict[str, Any]:
    import tflite

    made: dict[str, Any] = {
        "name": name,
        "shape": list(t.shape),
        "type": getattr(tflite.TensorType, t.dtype.upper()),
        "buffer": 0,
    }
    if t.data is not None:
        made["buffer"] = len(buffers)
        buffers.append({"data": t.data.tobytes()})
    if t.scale is not None:
        scale = t.scale if isinstance(t.scale, list) else [t.scale]
        zero = t.zero if isinstance(t.zero, list) else [t.zero] * len(scale)
        made["quantization"] = {"scale": scale, "zero_point": zero, "quantized_dimension": t.axis}
    return made | ({"is_variable": True} if t.variable else {})


def _operator(op: O, code: int) -> dict[str, Any]:
    written: dict[str, Any] = {"opcode_index": code, "inputs": op.inputs, "outputs": op.outputs}
    table = _option_table(op.kind)
    if isinstance(op.options, bytes):
        written["custom_options"] = op.options
    elif op.options is not None and table:
        written["builtin_options"] = (table, op.options)
    return written


def _option_table(kind: str) -> str:
    """Conv2DOptions for CONV_2D; empty for an operator that has no options."""
    import tflite

    plain = kind.replace("_", "").lower() + "options"
    return OPTIONS.get(kind) or next((name for name in vars(tflite.BuiltinOptions) if name.lower() == plain), "")


def wheel(data: bytes, *samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The output of TFLM itself, one row per sample; `samples`: of each input, [n, ...its shape]."""
    rows = [list(row) for row in zip(*samples, strict=True)]
    return np.stack([made.ravel() for (made,) in wheel_all(data, rows, outputs=1)])


def wheel_all(
    data: bytes, samples: Iterable[Sequence[npt.NDArray[Any]]], *, outputs: int, resets: Container[int] = ()
) -> list[list[npt.NDArray[Any]]]:
    """Outputs of TFLM itself, a list per sample; a sample holds an array for each input, in the model's order.

    One interpreter runs them all in turn, so that variables keep their state; it is reset before the samples `resets`.
    """
    runtime = pytest.importorskip("tflite_micro", reason="the tflite-micro wheel is for Linux x86-64").runtime
    interpreter = runtime.Interpreter.from_bytes(data, arena_size=1 << 24)
    rows = []
    for number, sample in enumerate(samples):
        if number in resets:
            interpreter.reset()
        for i, given in enumerate(sample):
            interpreter.set_input(given, i)
        interpreter.invoke()
        rows.append([interpreter.get_output(i).copy() for i in range(outputs)])
    return rows
