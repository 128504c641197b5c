"""Small int8 graphs for tests, written with the schema classes that the tflite-micro wheel carries, and the wheel."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

OPTIONS = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "ADD": "AddOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "SOFTMAX": "SoftmaxOptions",
    "MEAN": "ReducerOptions",
    "RESHAPE": "ReshapeOptions",
    "SHAPE": "ShapeOptions",
    "PACK": "PackOptions",
    "STRIDED_SLICE": "StridedSliceOptions",
    "PAD": "PadOptions",
    "PADV2": "PadV2Options",
    "QUANTIZE": "QuantizeOptions",
    "DEQUANTIZE": "DequantizeOptions",
}
TYPES = {"int8": "INT8", "int32": "INT32", "float32": "FLOAT32", "uint8": "UINT8", "int16": "INT16"}


@dataclass
class T:
    """One tensor; `data` makes it a constant. `scale` may be a list, one per index of `axis`."""

    shape: tuple[int, ...]
    scale: float | list[float] | None = None
    zero: int = 0
    data: npt.NDArray[Any] | None = None
    dtype: str = "int8"
    axis: int = 0


@dataclass
class O:  # noqa: E742  # T and O, tensors and operators, in tables of graphs
    """One operator: tensors by position in the list; options by the schema's camel-case names."""

    kind: str
    inputs: list[int]
    outputs: list[int]
    options: dict[str, Any] = field(default_factory=dict)


def constant(data: npt.NDArray[Any], scale: float | list[float] | None = None, axis: int = 0) -> T:
    return T(data.shape, scale, 0, data, str(data.dtype), axis)


def build(tensors: list[T], ops: list[O], inputs: list[int], outputs: list[int]) -> bytes:
    """The .tflite file."""
    import flatbuffers
    from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

    model = schema.ModelT()
    model.version, model.description = 3, "test"
    model.buffers = [schema.BufferT()]
    graph = schema.SubGraphT()
    graph.tensors = []
    for i, t in enumerate(tensors):
        made = schema.TensorT()
        made.name, made.shape, made.type = f"t{i}", list(t.shape), getattr(schema.TensorType, TYPES[t.dtype])
        made.buffer = 0
        if t.data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(t.data.tobytes(), np.uint8)
            made.buffer = len(model.buffers)
            model.buffers.append(buffer)
        if t.scale is not None:
            quantization = schema.QuantizationParametersT()
            quantization.scale = t.scale if isinstance(t.scale, list) else [t.scale]
            quantization.zeroPoint = [t.zero] * len(quantization.scale)
            quantization.quantizedDimension = t.axis
            made.quantization = quantization
        graph.tensors.append(made)
    kinds = sorted({op.kind for op in ops})
    model.operatorCodes = []
    for kind in kinds:
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, kind)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = 1
        model.operatorCodes.append(code)
    graph.operators = []
    for op in ops:
        written = schema.OperatorT()
        written.opcodeIndex, written.inputs, written.outputs = kinds.index(op.kind), op.inputs, op.outputs
        if op.kind in OPTIONS:
            name = OPTIONS[op.kind]
            written.builtinOptionsType = getattr(schema.BuiltinOptions, name)
            written.builtinOptions = getattr(schema, f"{name}T")()
            for key, value in op.options.items():
                setattr(written.builtinOptions, key, value)
        graph.operators.append(written)
    graph.inputs, graph.outputs, graph.name = inputs, outputs, "main"
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def wheel(data: bytes, samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Outputs of TFLM itself, one row per sample (`samples` [n, ...input shape without batch])."""
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(data, arena_size=1 << 20)
    rows = []
    for sample in samples:
        interpreter.set_input(sample, 0)
        interpreter.invoke()
        rows.append(interpreter.get_output(0).ravel().copy())
    return np.stack(rows)
