"""What a firmware takes: one int8 input and one int8 output, batch 1, every shape fixed at conversion.

The reader gives a model for every file that is not damaged. Engines, and whoever prepares inputs, ask here whether its
ends fit the firmware (`tp_model.h` and the serial protocol carry one of each); an engine says its own reasons too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tinyperf.tflite import Model, Tensor

INT8_HINT = (
    "'tinyperf quantize' makes an int8 model, or convert with inference_input_type = inference_output_type = tf.int8 "
    "and a representative dataset"
)


def reasons(model: Model) -> dict[str, str]:
    """Everything about the ends that stands in the way: what is seen -> what can be done. Empty: nothing."""
    found: dict[str, str] = {}
    for what, indices in (("input", model.inputs), ("output", model.outputs)):
        if len(indices) != 1:
            seen = f"has {len(indices)} {what} tensors {list(indices)}; supported: exactly one"
            found[seen] = f"export the model with one {what}"
        for index in indices:
            found |= _end_reasons(what, model.tensors[index])
    for op in model.ops:
        for tensor in (model.tensors[index] for index in op.outputs):
            if min(tensor.shape, default=1) < 0 and not found:
                found |= _open_shape(f"op {op.index} {op.kind}: tensor", tensor)
    return found


def check(model: Model) -> None:
    """Refuses a model whose ends do not fit, where no engine is asked.

    Raises: ModelError: with every reason.
    """
    if found := reasons(model):
        raise refusal(model, found)


def refusal(
    model: Model, found: Mapping[str, str], lines: Iterable[str] = (), *, means: str = "", hints: Iterable[str] = ()
) -> ModelError:
    """One error: a line of what is wrong with the ends (`found`, as of `reasons`), and the engine's own `lines`."""
    at_ends = [f"model '{model.name}': " + "; ".join(found)] if found else []
    floats = bool(found) and any(model.tensors[i].dtype == "float32" for i in (*model.inputs, *model.outputs))
    meanings = ("the model was not quantized to full integers" if floats else "", means)
    return ModelError(
        "\n".join((*at_ends, *lines)),
        means="; ".join(filter(None, meanings)),
        hint="; ".join(dict.fromkeys((*found.values(), *hints))),
    )


def _end_reasons(what: str, tensor: Tensor) -> dict[str, str]:
    """What keeps a tensor from being the input or output of firmware, and what can be done."""
    found: dict[str, str] = {}
    called = f"{what} tensor {tensor.index} '{tensor.name}'"
    if what == "input" and tensor.data is not None:
        found[f"input tensor {tensor.index} holds data of its own, so what is sent to it would be ignored"] = (
            "export the model again"
        )
    quantization = tensor.quantization
    if tensor.dtype != "int8" or quantization is None or quantization.per_channel:
        scales = f" with {quantization}" if quantization and quantization.per_channel else ""
        seen = (
            f"{called} is {tensor.dtype}{scales if quantization else ' without quantization'}; supported: int8 with "
            "one scale and zero point (float32 only where a QUANTIZE or DEQUANTIZE op turns it into int8)"
        )
        found[seen] = INT8_HINT
    if min(tensor.shape, default=1) < 1:
        found |= _open_shape(f"the model's {what}", tensor)
    elif what == "input" and len(tensor.shape) > 1 and tensor.shape[0] != 1:
        seen = f"input shape {list(tensor.shape)} has batch {tensor.shape[0]}; supported: batch 1"
        found[seen] = "convert the model with batch size 1"
    return found


def _open_shape(where: str, tensor: Tensor) -> dict[str, str]:
    if min(tensor.shape) == 0:
        seen = f"{where} {tensor.index} '{tensor.name}' has shape {list(tensor.shape)}, so it holds nothing"
        return {seen: "export the model with an input and an output of at least one element"}
    seen = (
        f"{where} {tensor.index} '{tensor.name}' has the open shape {list(tensor.shape)}; "
        "supported: every dimension fixed at conversion, batch 1"
    )
    return {seen: "in Keras: tf.keras.Input(batch_shape=(1, ...)), then convert again"}
