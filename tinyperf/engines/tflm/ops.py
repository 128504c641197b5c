"""TFLM's operators: the resolver method of each, its types, and the registration that knows int8 only.

Source: `micro_mutable_op_resolver.h` and `kernels/*.h` of tflite-micro, the same from December 2023 to August 2026.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

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

# These name further subgraphs of the file, or hold what goes from inference to inference.
_SUBGRAPHS_AND_VARIABLES = frozenset({"ASSIGN_VARIABLE", "CALL_ONCE", "IF", "READ_VARIABLE", "VAR_HANDLE", "WHILE"})

NEWER = frozenset({"DYNAMIC_UPDATE_SLICE", "EMBEDDING_LOOKUP", "REDUCE_ALL", "REDUCE_MIN", "REVERSE_V2"})
"""Operators that TFLM got after December 2023."""

_CUSTOM = {
    "CUSTOM CIRCULAR_BUFFER": "CircularBuffer",
    "CUSTOM SignalDelay": "Delay",
    "CUSTOM SignalEnergy": "Energy",
    "CUSTOM SignalFftAutoScale": "FftAutoScale",
    "CUSTOM SignalFilterBank": "FilterBank",
    "CUSTOM SignalFilterBankLog": "FilterBankLog",
    "CUSTOM SignalFilterBankSpectralSubtraction": "FilterBankSpectralSubtraction",
    "CUSTOM SignalFilterBankSquareRoot": "FilterBankSquareRoot",
    "CUSTOM SignalFramer": "Framer",
    "CUSTOM SignalIrfft": "Irfft",
    "CUSTOM SignalOverlapAdd": "OverlapAdd",
    "CUSTOM SignalPCAN": "PCAN",
    "CUSTOM SignalRfft": "Rfft",
    "CUSTOM SignalStacker": "Stacker",
    "CUSTOM SignalWindow": "Window",
    "CUSTOM TFLM_DECODE": "Decode",
    "CUSTOM TFLite_Detection_PostProcess": "DetectionPostprocess",
}
"""Custom operators that the resolver has a method for, by the name in the file."""

_F, _F8, _F816 = ("float32",), ("float32", "int8"), ("float32", "int8", "int16")
_F81632 = (*_F816, "int32")
_COMPARED = ("float32", "int8", "int32", "int64")
_TYPES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("CEIL", "COS", "EXP", "FLOOR", "FLOOR_DIV", "FLOOR_MOD", "L2_POOL_2D", "LOG", "NEG"), _F),
    **dict.fromkeys(("ROUND", "SIN", "SQRT", "SQUARE"), _F),
    **dict.fromkeys(("ADD_N", "ARG_MAX", "ARG_MIN", "BATCH_TO_SPACE_ND", "CUMSUM", "DEPTH_TO_SPACE", "ELU"), _F8),
    **dict.fromkeys(("HARD_SWISH", "L2_NORMALIZATION", "LOG_SOFTMAX", "RESIZE_BILINEAR", "RSQRT"), _F8),
    **dict.fromkeys(("SPACE_TO_BATCH_ND", "SPACE_TO_DEPTH"), _F8),
    **dict.fromkeys(("ABS", "AVERAGE_POOL_2D", "BATCH_MATMUL", "CONV_2D", "DEPTHWISE_CONV_2D"), _F816),
    **dict.fromkeys(("FULLY_CONNECTED", "LEAKY_RELU", "LOGISTIC", "MAX_POOL_2D", "MEAN", "PRELU", "RELU"), _F816),
    **dict.fromkeys(("RELU6", "SELECT_V2", "SOFTMAX", "SVDF", "TANH", "TRANSPOSE_CONV"), _F816),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _F816,
    **dict.fromkeys(("LOGICAL_AND", "LOGICAL_NOT", "LOGICAL_OR", "REDUCE_ALL"), ("bool",)),
    **dict.fromkeys(("EQUAL", "NOT_EQUAL"), (*_COMPARED, "int16", "bool")),
    **dict.fromkeys(("GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"), (*_COMPARED, "int16")),
    **dict.fromkeys(("ADD", "MUL", "SQUARED_DIFFERENCE", "SUB"), _F81632),
    **dict.fromkeys(("MAXIMUM", "MINIMUM"), (*_F81632, "int64")),
    "CUSTOM TFLite_Detection_PostProcess": _F,
    "DEQUANTIZE": ("int8", "int16", "uint8"),
    "DIV": ("float32", "int8", "int32"),
    "QUANTIZE": (*_F81632, "uint8"),
}
"""Types of the operator's first activation that TFLM's kernel takes, in any release; absent: whatever it moves.

Source: `kernels/*.cc` of tflite-micro, August 2026; those of December 2023 take some fewer.
"""
_FIRST_ACTIVATION = {"SELECT_V2": 1, "TRANSPOSE_CONV": 2}
_WEIGHTED = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "SVDF", "TRANSPOSE_CONV"})

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
    return sorted(_KNOWN | NEWER | _SUBGRAPHS_AND_VARIABLES | {*_CUSTOM})


def method(kind: str) -> str:
    """`AddDepthwiseConv2D` for `DEPTHWISE_CONV_2D`."""
    words = "".join(part[:1] + part[1:].lower() if not part[:1].isdigit() else part for part in kind.split("_"))
    return "Add" + (_CUSTOM.get(kind) or _IRREGULAR.get(kind, words))


def used(model: Model) -> list[str]:
    """The operators of the model and of the subgraphs that it calls, each once, by schema name."""
    return sorted({op.kind for graph in (model, *model.called.values()) for op in graph.ops})


def resources(model: Model) -> int:
    """How many resource variables the model has: each is known by its names, in every subgraph."""
    handles = (op for graph in (model, *model.called.values()) for op in graph.ops if op.kind == "VAR_HANDLE")
    return len({(op.options.get("container"), op.options.get("shared_name")) for op in handles})


def missing(model: Model, lacks: Collection[str] = ()) -> list[str]:
    """A line for each kind of operator that TFLM has not, or not for the types of its use, in the order of the model.

    Args: lacks: operators that this TFLM has not, and others have.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for number, graph in ((0, model), *((n, graph) for n, graph in model.called.items() if n)):
        for op in graph.ops:
            if why := _why_missing(graph, op, lacks):
                found.setdefault((op.kind, why), []).append(f"{op.index}{f' of subgraph {number}' if number else ''}")
    return [
        f"op {first} {kind}: {why}" + (f" (also op {', '.join(others)})" if others else "")
        for (kind, why), (first, *others) in found.items()
    ]


def _why_missing(model: Model, op: Op, lacks: Collection[str]) -> str:
    if op.kind == "CUSTOM ethos-u":
        return "code for an Arm Ethos-U NPU, which no board here has (the model as it was before Vela may run)"
    if op.kind in lacks:
        return "this TensorFlow Lite Micro has no such operator, newer ones have"
    if op.kind not in _KNOWN | NEWER | _SUBGRAPHS_AND_VARIABLES and op.kind not in _CUSTOM:
        return f"TensorFlow Lite Micro has no such {'custom ' if op.kind.startswith('CUSTOM') else ''}operator"
    return _why_not_of_these_types(model, op)


def _why_not_of_these_types(model: Model, op: Op) -> str:
    position = _FIRST_ACTIVATION.get(op.kind, 0)
    if op.kind not in _TYPES or len(op.inputs) <= position or op.inputs[position] < 0:
        return ""
    dtype = model.tensors[op.inputs[position]].dtype
    if dtype not in _TYPES[op.kind]:
        return f"TensorFlow Lite Micro's takes {', '.join(_TYPES[op.kind])}, not {dtype}"
    weighted = op.kind in _WEIGHTED and len(op.inputs) > 1 and op.inputs[1] >= 0
    weights = model.tensors[op.inputs[1]].dtype if weighted else dtype
    if dtype == "float32" and weights != "float32":
        return f"{weights} weights with float32 activations (a hybrid model), which TensorFlow Lite Micro does not run"
    return ""


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
