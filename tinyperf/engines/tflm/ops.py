"""TFLM's operators: the resolver method of each, and the registration that knows int8 only.

Source: `micro_mutable_op_resolver.h` and `kernels/*.h` of tflite-micro, the same from December 2023 to August 2026.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinyperf.tflite import Model, Op

# Schema names whose resolver method is not just the words with capitals (CONV_2D: AddConv2D).
_IRREGULAR = {
    "BATCH_MATMUL": "BatchMatMul",
    "CUMSUM": "CumSum",
    "PADV2": "PadV2",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTM",
}

# fmt: off
_KNOWN = frozenset({
    "ABS", "ADD", "ADD_N", "ARG_MAX", "ARG_MIN", "AVERAGE_POOL_2D", "BATCH_MATMUL", "BATCH_TO_SPACE_ND",
    "BROADCAST_ARGS", "BROADCAST_TO", "CAST", "CEIL", "CONCATENATION", "CONV_2D", "COS", "CUMSUM",
    "DEPTH_TO_SPACE", "DEPTHWISE_CONV_2D", "DEQUANTIZE", "DIV", "ELU", "EQUAL", "EXP", "EXPAND_DIMS", "FILL",
    "FLOOR", "FLOOR_DIV", "FLOOR_MOD", "FULLY_CONNECTED", "GATHER", "GATHER_ND", "GREATER", "GREATER_EQUAL",
    "HARD_SWISH", "L2_NORMALIZATION", "L2_POOL_2D", "LEAKY_RELU", "LESS", "LESS_EQUAL", "LOG", "LOGICAL_AND",
    "LOGICAL_NOT", "LOGICAL_OR", "LOGISTIC", "LOG_SOFTMAX", "MAX_POOL_2D", "MAXIMUM", "MEAN", "MINIMUM",
    "MIRROR_PAD", "MUL", "NEG", "NOT_EQUAL", "PACK", "PAD", "PADV2", "PRELU", "QUANTIZE", "REDUCE_MAX", "RELU",
    "RELU6", "RESHAPE", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "ROUND", "RSQRT", "SELECT_V2", "SHAPE",
    "SIN", "SLICE", "SOFTMAX", "SPACE_TO_BATCH_ND", "SPACE_TO_DEPTH", "SPLIT", "SPLIT_V", "SQRT", "SQUARE",
    "SQUARED_DIFFERENCE", "SQUEEZE", "STRIDED_SLICE", "SUB", "SUM", "SVDF", "TANH", "TRANSPOSE",
    "TRANSPOSE_CONV", "UNIDIRECTIONAL_SEQUENCE_LSTM", "UNPACK", "ZEROS_LIKE",
})
# fmt: on

# TFLM has these; the firmware's interpreter is given nothing to run them with.
_SUBGRAPHS_AND_VARIABLES = {"ASSIGN_VARIABLE", "CALL_ONCE", "IF", "READ_VARIABLE", "VAR_HANDLE", "WHILE"}

# Kernel header that declares Register_<KIND>_INT8. These leave the other types out of the image.
INT8_HEADERS = {
    "ADD": "add.h",
    "AVERAGE_POOL_2D": "pooling.h",
    "CONV_2D": "conv.h",
    "DEPTHWISE_CONV_2D": "depthwise_conv.h",
    "FULLY_CONNECTED": "fully_connected.h",
    "MAX_POOL_2D": "pooling.h",
    "MUL": "mul.h",
    "SOFTMAX": "softmax.h",
    "SVDF": "svdf.h",
}


def known() -> list[str]:
    """Operators that TFLM has, by schema name."""
    return sorted(_KNOWN)


def method(kind: str) -> str:
    """`AddDepthwiseConv2D` for `DEPTHWISE_CONV_2D`."""
    words = "".join(part[:1] + part[1:].lower() if not part[:1].isdigit() else part for part in kind.split("_"))
    return "Add" + _IRREGULAR.get(kind, words)


def used(model: Model) -> list[str]:
    """The model's operators, each once, by schema name."""
    return sorted({op.kind for op in model.ops})


def missing(model: Model) -> list[str]:
    """A line for each kind of operator that the engine has not, in the order of the model."""
    found: dict[str, list[int]] = {}
    for op in model.ops:
        if op.kind not in _KNOWN:
            found.setdefault(op.kind, []).append(op.index)
    return [
        f"op {first} {kind}: {_why_missing(kind)}" + (f" (also op {', '.join(map(str, others))})" if others else "")
        for kind, (first, *others) in found.items()
    ]


def _why_missing(kind: str) -> str:
    if kind in _SUBGRAPHS_AND_VARIABLES:
        return "engine 'tflm' runs one subgraph, without resource variables"
    if kind.startswith("CUSTOM"):
        return "engine 'tflm' registers no custom operators"
    return "TensorFlow Lite Micro has no such operator"


def int8_kinds(model: Model) -> set[str]:
    """Operators for which the int8-only registration is enough: every use has int8 input, weights and output."""
    other = {op.kind for op in model.ops if not _is_int8(model, op)}
    return {op.kind for op in model.ops if op.kind in INT8_HEADERS} - other


def _is_int8(model: Model, op: Op) -> bool:
    operands = [index for index in op.inputs[:2] if index >= 0] + list(op.outputs)
    return all(model.tensors[index].dtype == "int8" for index in operands)


def per_channel_dense(model: Model) -> Op | None:
    """The first FULLY_CONNECTED with one scale per output channel; TFLM knows these since September 2024."""
    for op in model.ops:
        dense = op.kind == "FULLY_CONNECTED" and len(op.inputs) > 1
        weights = model.tensors[op.inputs[1]] if dense else None
        if weights is not None and weights.quantization is not None and weights.quantization.per_channel:
            return op
    return None


def peak_bytes(model: Model) -> int:
    """Lower bound of the activations that live together, each rounded up to 16 bytes as TFLM's planner does."""
    last = {index: op.index for op in model.ops for index in op.inputs}
    born = {index: op.index for op in model.ops for index in op.outputs}
    born[model.inputs[0]] = 0
    last[model.outputs[0]] = len(model.ops)
    sizes = {index: _tensor_bytes(model, index) for index in born}
    at_once = (
        sum(size for index, size in sizes.items() if born[index] <= op.index <= last.get(index, born[index]))
        for op in model.ops
    )
    return max(at_once, default=0)


def _tensor_bytes(model: Model, index: int) -> int:
    tensor = model.tensors[index]
    count = 1
    for extent in tensor.shape:
        count *= extent
    width = {"int8": 1, "uint8": 1, "bool": 1, "int16": 2}.get(tensor.dtype, 4)
    return (count * width + 15) // 16 * 16
