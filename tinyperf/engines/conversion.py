"""How a refused model was converted, told by what it holds, and how to convert it instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinyperf.tflite import Model, Op

INT8 = "'tinyperf quantize' makes a full int8 model of its source"
HYBRID = f"it was converted with optimizations but no representative dataset (a hybrid model): give one, or {INT8}"
HALF = f"its weights are float16 (supported_types = [tf.float16]): convert without that, or {INT8}"
OLD = f"it is quantized to uint8, as converters before 2020 did: convert it again, or {INT8}"
SPARSE = "its weights are stored sparse: convert the pruned network without sparsity (tf.lite.Optimize.DEFAULT alone)"
FLEX = (
    "it holds operators of TensorFlow itself: convert with tf.lite.OpsSet.TFLITE_BUILTINS alone, without SELECT_TF_OPS"
)

_WEIGHTED = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"}


def advice(model: Model) -> list[str]:
    """Sentences about conversions that no engine here runs; empty for any other model."""
    found = {
        HYBRID: any(_dtypes(model, op) == ("float32", "int8") for op in model.ops),
        HALF: any(tensor.dtype == "float16" and tensor.data is not None for tensor in model.tensors),
        OLD: any(_dtypes(model, op) == ("uint8", "uint8") for op in model.ops),
        SPARSE: any(op.kind == "DENSIFY" for op in model.ops),
        FLEX: any(op.kind.startswith("CUSTOM Flex") for op in model.ops),
    }
    return [sentence for sentence, true in found.items() if true]


def _dtypes(model: Model, op: Op) -> tuple[str, str] | None:
    """Of the first activation and the weights."""
    if op.kind not in _WEIGHTED or len(op.inputs) < 2 or min(op.inputs[:2]) < 0:
        return None
    activation = 2 if op.kind == "TRANSPOSE_CONV" else 0
    return model.tensors[op.inputs[activation]].dtype, model.tensors[op.inputs[1]].dtype
