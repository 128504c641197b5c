"""A .tflite model as typed values: one subgraph, one int8 input, one int8 output, batch 1.

`load` and `parse` check what every later pass relies on: indices in range, constants of the right size, each tensor
made once and before it is used. Damaged bytes end in a ModelError, whatever the flatbuffer package made of them.
"""

from __future__ import annotations

import hashlib
import math
import struct
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

Option = int | float | str | bool | tuple[int, ...]

# One size for all: far above any microcontroller, far below what would make a damaged file a slow one.
MAX_RANK = 8
MAX_ELEMENTS = 2**28


@dataclass(frozen=True)
class Quantization:
    """real = scale * (q - zero_point); one entry per tensor, or one per index of `axis`."""

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int = 0

    @property
    def per_channel(self) -> bool:
        return len(self.scale) > 1


@dataclass(frozen=True)
class Tensor:
    """`data` is None for activations; else a read-only array of `shape` and `dtype` (numpy name: int8, int32, ...).

    A constant of a type that numpy lacks (int4, string) holds its bytes, flat.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    quantization: Quantization | None
    data: npt.NDArray[np.generic] | None = field(default=None, repr=False, compare=False)

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class Op:
    """One operator; `kind` is the schema's name (CONV_2D), `options` its option fields by schema name, snake case.

    An absent optional input is -1.
    """

    index: int
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Option]


@dataclass(frozen=True)
class Model:
    """One subgraph with one input and one output tensor, both int8, batch 1.

    A float model input that goes straight into QUANTIZE, and a float output straight from DEQUANTIZE, are cut off:
    `inputs` and `outputs` are then the int8 tensors inside, and `boundary` holds the ops so removed (the host does
    their work). `data` is the file itself.
    """

    name: str
    sha256: str
    size_bytes: int
    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    boundary: tuple[Op, ...] = ()
    data: bytes = field(default=b"", repr=False, compare=False)

    @property
    def input(self) -> Tensor:
        return self.tensors[self.inputs[0]]

    @property
    def output(self) -> Tensor:
        return self.tensors[self.outputs[0]]

    @property
    def macs(self) -> int:
        """Multiply-accumulates per inference."""
        return sum(macs(self, op) for op in self.ops)


def macs(model: Model, op: Op) -> int:
    """Multiply-accumulates of one operator: those of convolutions and fully connected layers, 0 for all others.

    Positions that padding adds are counted, as every published figure does.
    """
    if op.kind not in {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}:
        return 0
    weights = model.tensors[op.inputs[1]].shape
    outputs = model.tensors[op.outputs[0]].elements
    if op.kind == "DEPTHWISE_CONV_2D":
        return outputs * math.prod(weights[:-1])
    return outputs * math.prod(weights[1:])


def load(path: Path) -> Model:
    """Read a .tflite file.

    Raises: ModelError: no such file, damaged, or not one int8 graph with one input and one output.
    """
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise ModelError(
            f"cannot read model {path}: {exc.strerror}", hint="give the path of a .tflite file, or a benchmark's name"
        ) from exc
    return parse(data, path.stem)


def parse(data: bytes, name: str) -> Model:
    """A model from the bytes of a .tflite file; `name` is what messages and reports call it.

    Raises: ModelError: damaged, or not one int8 graph with one input and one output.
    """
    if len(data) < 8 or data[4:8] != b"TFL3":
        what = "is empty" if not data else "does not hold 'TFL3' at byte 4"
        raise ModelError(
            f"model '{name}' {what}, so it is no .tflite file",
            hint="give a TensorFlow Lite flatbuffer, as the TFLite converter writes it",
        )
    try:
        model = _read(data, name)
    except (
        struct.error,
        TypeError,
        ValueError,  # UnicodeDecodeError included
        LookupError,
        AttributeError,
        ArithmeticError,
        MemoryError,
    ) as exc:
        raise ModelError(
            f"model '{name}' is damaged: {type(exc).__name__} while reading its {len(data)} bytes",
            means="the file was cut short or its bytes were changed",
            hint="copy or convert the model again",
        ) from exc
    _check_graph(model)
    return _int8_boundary(model)


def _read(data: bytes, name: str) -> Model:
    import tflite

    root = tflite.Model.GetRootAs(data, 0)
    if root.SubgraphsLength() != 1:
        raise ModelError(
            f"model '{name}' has {root.SubgraphsLength()} subgraphs; supported: one, without control flow",
            hint="export the model without while loops, conditions and several signatures",
        )
    graph = root.Subgraphs(0)
    size = len(data)
    kinds = [_kind(tflite, root.OperatorCodes(i)) for i in range(_count(root.OperatorCodesLength(), size))]
    tensors = tuple(_tensor(root, graph.Tensors(i), i) for i in range(_count(graph.TensorsLength(), size)))
    ops = tuple(_op(tflite, kinds, graph.Operators(i), i) for i in range(_count(graph.OperatorsLength(), size)))
    return Model(
        name=name,
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=size,
        tensors=tensors,
        ops=ops,
        inputs=_ints(graph.InputsAsNumpy()),
        outputs=_ints(graph.OutputsAsNumpy()),
        data=data,
    )


def _count(length: int, size: int) -> int:
    """A vector of offsets cannot have more entries than the file has words."""
    if length * 4 > size:
        raise ValueError(length)
    return length


def _ints(vector: Any) -> tuple[int, ...]:
    """An integer vector as a tuple; the flatbuffer package returns the number 0 for an absent one."""
    return tuple(vector.tolist()) if isinstance(vector, np.ndarray) else ()


def _kind(tflite: Any, code: Any) -> str:
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    if number == tflite.BuiltinOperator.CUSTOM:
        custom = code.CustomCode()
        return f"CUSTOM {custom.decode() if custom else '(no name)'}"
    known: str = tflite.BUILTIN_OPCODE2NAME[number]
    return known


# Schema's TensorType by number; those numpy lacks keep their bytes.
DTYPES = (
    *("float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8", "float64"),
    *("complex128", "uint64", "resource", "variant", "uint32", "uint16", "int4", "bfloat16"),
)
BYTES_ONLY = {"string", "resource", "variant", "int4", "bfloat16"}


def _tensor(root: Any, raw: Any, index: int) -> Tensor:
    name = (raw.Name() or b"").decode(errors="replace")
    shape = _ints(raw.ShapeAsNumpy())
    dtype = DTYPES[raw.Type()]
    if len(shape) > MAX_RANK or (min(shape, default=1) >= 0 and math.prod(shape) > MAX_ELEMENTS):
        raise ModelError(
            f"tensor {index} '{name}' has shape {list(shape)}; supported: up to {MAX_RANK} dimensions and "
            f"{MAX_ELEMENTS} elements",
            hint="the file is damaged, or the model is none for a microcontroller",
        )
    quantization = _quantization(raw.Quantization(), shape)
    buffer = root.Buffers(raw.Buffer())
    content = buffer.DataAsNumpy()
    data = None
    if isinstance(content, np.ndarray) and content.size:
        data = content if dtype in BYTES_ONLY else np.frombuffer(content.tobytes(), dtype).reshape(shape)
    return Tensor(index, name, shape, dtype, quantization, data)


def _quantization(raw: Any, shape: tuple[int, ...]) -> Quantization | None:
    if raw is None or not raw.ScaleLength():
        return None
    scale = tuple(raw.ScaleAsNumpy().tolist())
    zero_point = _ints(raw.ZeroPointAsNumpy()) or (0,) * len(scale)
    axis = raw.QuantizedDimension()
    if not all(-(2**31) <= z < 2**31 for z in zero_point):
        raise ValueError(zero_point)
    if len(zero_point) != len(scale) or (len(scale) > 1 and shape[axis] != len(scale)):
        raise ValueError(len(scale))
    if not all(math.isfinite(s) and s >= 0 for s in scale):
        raise ValueError(scale)
    return Quantization(scale, zero_point, axis)


# Options by op kind: class of the schema, then field -> enumeration of the schema ("" for plain numbers).
_WINDOW = {"padding": "Padding", "stride_w": "", "stride_h": "", "fused_activation_function": "ActivationFunctionType"}
_DILATION = {"dilation_w_factor": "", "dilation_h_factor": ""}
OPTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "CONV_2D": ("Conv2DOptions", _WINDOW | _DILATION),
    "DEPTHWISE_CONV_2D": ("DepthwiseConv2DOptions", _WINDOW | _DILATION | {"depth_multiplier": ""}),
    "AVERAGE_POOL_2D": ("Pool2DOptions", _WINDOW | {"filter_width": "", "filter_height": ""}),
    "MAX_POOL_2D": ("Pool2DOptions", _WINDOW | {"filter_width": "", "filter_height": ""}),
    "FULLY_CONNECTED": (
        "FullyConnectedOptions",
        {"fused_activation_function": "ActivationFunctionType", "weights_format": "", "keep_num_dims": ""},
    ),
    "ADD": ("AddOptions", {"fused_activation_function": "ActivationFunctionType"}),
    "SOFTMAX": ("SoftmaxOptions", {"beta": ""}),
    "MEAN": ("ReducerOptions", {"keep_dims": ""}),
    "STRIDED_SLICE": (
        "StridedSliceOptions",
        {"begin_mask": "", "end_mask": "", "ellipsis_mask": "", "new_axis_mask": "", "shrink_axis_mask": ""},
    ),
    "PACK": ("PackOptions", {"axis": "", "values_count": ""}),
}


def _op(tflite: Any, kinds: list[str], raw: Any, index: int) -> Op:
    kind = kinds[raw.OpcodeIndex()]
    options: dict[str, Option] = {}
    table = raw.BuiltinOptions()
    if kind in OPTIONS:
        class_name, fields = OPTIONS[kind]
        read = getattr(tflite, class_name)()
        if table is None:
            raise ValueError(kind)
        read.Init(table.Bytes, table.Pos)
        for name, enumeration in fields.items():
            value = getattr(read, "".join(part.capitalize() for part in name.split("_")))()
            options[name] = _enum_name(getattr(tflite, enumeration), value) if enumeration else value
    return Op(index, kind, _ints(raw.InputsAsNumpy()), _ints(raw.OutputsAsNumpy()), options)


def _enum_name(enumeration: Any, value: int) -> str:
    names: dict[int, str] = {n: name for name, n in vars(enumeration).items() if not name.startswith("_")}
    return names[value]


def _check_graph(model: Model) -> None:
    """Indices in range; each activation made once, before its first use; sizes known."""
    made = {t.index for t in model.tensors if t.data is not None} | set(model.inputs)
    for what, found in (("input", model.inputs), ("output", model.outputs)):
        if len(found) != 1 or not 0 <= found[0] < len(model.tensors):
            raise ModelError(
                f"model '{model.name}' has {len(found)} {what} tensors {list(found)}; supported: exactly one",
                hint=f"export the model with one {what}",
            )
    if model.tensors[model.inputs[0]].data is not None:
        raise ModelError(
            f"model '{model.name}': input tensor {model.inputs[0]} holds data of its own",
            means="what is sent to it would be ignored",
            hint="export the model again",
        )
    for op in model.ops:
        where = f"op {op.index} {op.kind}"
        if not op.inputs or not op.outputs:
            raise ModelError(
                f"{where}: {len(op.inputs)} inputs and {len(op.outputs)} outputs",
                means="the file is damaged",
                hint="copy or convert the model again",
            )
        for index in op.inputs:
            if index != -1 and index not in made:
                raise ModelError(
                    f"{where}: input tensor {index} is made by no earlier op",
                    means="the file is damaged",
                    hint="copy or convert the model again",
                )
        for index in op.outputs:
            if not 0 <= index < len(model.tensors) or index in made:
                raise ModelError(
                    f"{where}: output tensor {index} does not exist or is made twice",
                    means="the file is damaged",
                    hint="copy or convert the model again",
                )
            _check_shape(model.tensors[index], where)
            made.add(index)
    _check_shape(model.input, "the model's input")
    if model.outputs[0] not in made:
        raise ModelError(
            f"model '{model.name}': output tensor {model.outputs[0]} is made by no op",
            means="the file is damaged",
            hint="copy or convert the model again",
        )


def _check_shape(tensor: Tensor, where: str) -> None:
    if min(tensor.shape, default=1) < 1:
        raise ModelError(
            f"{where}: tensor {tensor.index} '{tensor.name}' has the open shape {list(tensor.shape)}; "
            "supported: every dimension fixed at conversion, batch 1",
            hint="in Keras: tf.keras.Input(batch_shape=(1, ...)), then convert again",
        )


def _int8_boundary(model: Model) -> Model:
    """Cut off float at both ends where QUANTIZE and DEQUANTIZE bound it; then both ends must be int8, batch 1."""
    cut: list[Op] = []
    inputs, outputs = model.inputs, model.outputs
    first = [op for op in model.ops if inputs[0] in op.inputs]
    if model.input.dtype == "float32" and len(first) == 1 and first[0].kind == "QUANTIZE":
        cut.append(first[0])
        inputs = first[0].outputs
    last = next((op for op in model.ops if outputs[0] in op.outputs), None)
    if model.output.dtype == "float32" and last is not None and last.kind == "DEQUANTIZE" and -1 not in last.inputs:
        cut.append(last)
        outputs = last.inputs
    ops = tuple(op for op in model.ops if op not in cut)
    made = replace(model, ops=ops, inputs=inputs, outputs=outputs, boundary=tuple(cut))
    for what, tensor in (("input", made.input), ("output", made.output)):
        if tensor.dtype != "int8" or tensor.quantization is None or tensor.quantization.per_channel:
            raise ModelError(
                f"model '{model.name}': {what} tensor {tensor.index} '{tensor.name}' is {tensor.dtype}"
                f"{'' if tensor.quantization else ' without quantization'}; supported: int8 with one scale and zero "
                "point (float32 only where a QUANTIZE or DEQUANTIZE op turns it into int8)",
                means="the model was not quantized to full integers" if tensor.dtype == "float32" else "",
                hint="'tinyperf quantize' makes an int8 model, or convert with inference_input_type = "
                "inference_output_type = tf.int8 and a representative dataset",
            )
    if len(made.input.shape) > 1 and made.input.shape[0] != 1:
        raise ModelError(
            f"model '{model.name}': input shape {list(made.input.shape)} has batch {made.input.shape[0]}; "
            "supported: batch 1",
            hint="convert the model with batch size 1",
        )
    return made
