"""What a firmware takes: any number of inputs and outputs of these types, every shape fixed at conversion.

The reader gives a model for every file that is not damaged. Engines, and whoever prepares inputs, ask here whether its
ends fit the firmware (`tp_model.h` and the serial protocol carry them); an engine says its own reasons too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines import conversion
from tinyperf.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tinyperf.tflite import Model, Tensor

DTYPES = ("bool", "int8", "uint8", "int16", "int32", "uint32", "int64", "float32")
"""Types of an input or output (numpy's names); `app/tp_tensor.h` has the same."""


def reasons(model: Model) -> dict[str, str]:
    """Everything about the ends that stands in the way: what is seen -> what can be done. Empty: nothing."""
    found: dict[str, str] = {}
    for what, indices in (("input", model.inputs), ("output", model.outputs)):
        if not indices:
            found[f"has no {what} tensor"] = f"export the model with its {what}s"
        for index in dict.fromkeys(indices):
            found |= _end_reasons(what, model.tensors[index])
    for index in dict.fromkeys(index for index in model.inputs if model.inputs.count(index) > 1):
        found[f"names input tensor {index} '{model.tensors[index].name}' twice"] = "export the model again"
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
    return ModelError(
        "\n".join((*at_ends, *lines)),
        means=means,
        hint="; ".join(dict.fromkeys((*found.values(), *conversion.advice(model), *hints))),
    )


def _end_reasons(what: str, tensor: Tensor) -> dict[str, str]:
    """What keeps a tensor from being an input or output of firmware, and what can be done."""
    found: dict[str, str] = {}
    called = f"{what} tensor {tensor.index} '{tensor.name}'"
    if what == "input" and tensor.data is not None:
        found[f"{called} holds data of its own, so what is sent to it would be ignored"] = "export the model again"
    if what == "input" and tensor.variable:
        found[f"{called} is kept from inference to inference, so what is sent to it would last"] = (
            "export the model again"
        )
    quantization = tensor.quantization
    if tensor.dtype not in DTYPES:
        seen = f"{called} is {tensor.dtype}; supported: {', '.join(DTYPES)}"
        found[seen] = "convert the model with inputs and outputs of one of these types"
    elif quantization is not None and quantization.per_channel:
        seen = f"{called} is {tensor.dtype} with {quantization}; supported: one scale and zero point, or none"
        found[seen] = "convert the model with one scale for each input and output"
    if min(tensor.shape, default=1) < 1:
        found |= _open_shape(f"the model's {what}", tensor)
    return found


def _open_shape(where: str, tensor: Tensor) -> dict[str, str]:
    if min(tensor.shape) == 0:
        seen = f"{where} {tensor.index} '{tensor.name}' has shape {list(tensor.shape)}, so it holds nothing"
        return {seen: "export the model with inputs and outputs of at least one element"}
    seen = (
        f"{where} {tensor.index} '{tensor.name}' has the open shape {list(tensor.shape)}; "
        "supported: every dimension fixed at conversion"
    )
    return {seen: "in Keras: tf.keras.Input(batch_shape=(1, ...)), then convert again"}
