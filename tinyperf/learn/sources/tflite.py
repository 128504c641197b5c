"""A float32 .tflite: TensorFlow's quantizer takes it as it is, only the float weights must still be there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf import foreign
from tinyperf.errors import ModelError
from tinyperf.learn.interpreter import interpreter
from tinyperf.learn.sources import Options, Port, Source

if TYPE_CHECKING:
    from pathlib import Path

KINDS = (foreign.TFLITE,)


def load(path: Path, _options: Options) -> Source:
    """Raises: ModelError: it is quantized already, in whole or in part, or has open sizes, or cannot be read."""
    content = path.read_bytes()
    try:
        model = interpreter(content)
    except (ValueError, RuntimeError) as exc:
        raise ModelError(
            f"{path} cannot be read by TensorFlow: {str(exc).strip().splitlines()[0][:200]}",
            means="damaged, or it holds operators that TensorFlow Lite has not",
            hint="convert the model again",
        ) from exc
    ends = [*model.get_input_details(), *model.get_output_details()]
    seen = [f"'{e['name']}' is {np.dtype(e['dtype']).name}" for e in ends if e["dtype"] != np.float32]
    coded = {np.dtype(t["dtype"]).name for t in model.get_tensor_details()} & {"int8", "uint8", "int16", "float16"}
    if seen or coded:
        raise ModelError(
            f"{path} is no float32 model: {', '.join(seen) or 'its weights are ' + ' and '.join(sorted(coded))}",
            means="it is quantized already"
            if seen
            else "a hybrid or float16 model has lost its float weights, and int8 of int8 would lose twice",
            hint=f"'tinyperf inspect {path}' says what runs it"
            if seen
            else "convert it again without optimizations, or give the Keras, SavedModel, ONNX or PyTorch model",
        )
    if any(n < 1 for e in ends for n in e["shape_signature"][1:]):
        raise ModelError(
            f"{path} has open sizes: {', '.join(str(list(e['shape_signature'])) for e in ends)}",
            hint="convert it again with all sizes but the batch's known",
        )
    inputs, outputs = (
        tuple(Port(str(e["name"]), tuple(int(n) for n in e["shape"])) for e in details)
        for details in (model.get_input_details(), model.get_output_details())
    )
    return Source(str(path), "a float .tflite", _plain(content), inputs, outputs)


def _plain(content: bytes) -> bytes:
    """Without metadata: litert-torch's `keep_stablehlo_constant` hides the weights from the quantizer."""
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    model.metadata = None
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
