"""TensorFlow's own interpreter: real values in, real values out, and every tensor in between."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.learn import train

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]


def interpreter(content: bytes) -> Any:
    """TensorFlow's interpreter without delegates, every tensor kept, ready to invoke."""
    tf = train.tensorflow()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it announces its move to ai-edge-litert
        made = tf.lite.Interpreter(
            model_content=content,
            num_threads=1,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
    made.allocate_tensors()
    return made


def outputs(content: bytes, inputs: Sequence[Floats]) -> tuple[Floats, ...]:
    """Real outputs [n, ...] of a model for real `inputs`, one array [n, ...] each, in the model's order."""
    model = interpreter(content)
    details = model.get_output_details()
    made: list[list[Floats]] = [[] for _ in details]
    for _ in invocations(model, inputs):
        for rows, output in zip(made, details, strict=True):
            rows.append(real(model, output).reshape(output["shape"]))
    return tuple(np.concatenate(rows) for rows in made)


def invocations(model: Any, inputs: Sequence[Floats]) -> Iterator[None]:
    """Invoke once per sample; whole-number inputs are coded here, half to even."""
    entries = model.get_input_details()
    for rows in zip(*inputs, strict=True):
        for entry, row in zip(entries, rows, strict=True):
            model.set_tensor(entry["index"], coded(row, entry)[None])
        model.invoke()
        yield


def coded(row: Floats, details: dict[str, Any]) -> npt.NDArray[Any]:
    """Real values as the codes of a tensor; float32 stays."""
    if details["dtype"] == np.float32:
        return row
    scale, zero = details["quantization"]
    ends = np.iinfo(details["dtype"])
    codes: npt.NDArray[Any] = np.clip(np.rint(row / scale) + zero, ends.min, ends.max).astype(details["dtype"])
    return codes


def real(model: Any, details: dict[str, Any]) -> Floats:
    """A tensor's content as real values."""
    values = model.get_tensor(details["index"])
    if values.dtype == np.float32:
        return np.asarray(values)
    scale, zero = details["quantization"]
    return np.asarray((values.astype(np.float32) - zero) * np.float32(scale))


def operators(model: Any) -> list[tuple[int, str, dict[str, Any]]]:
    """(index, kind, details of the first output tensor) of the operators that compute."""
    tensors = {details["index"]: details for details in model.get_tensor_details()}
    listed = model._get_ops_details()  # noqa: SLF001  (no public way to the operators)
    return [
        (op["index"], op["op_name"], tensors[int(op["outputs"][0])])
        for op in listed
        if op["op_name"] not in ("QUANTIZE", "DEQUANTIZE", "DELEGATE")
    ]
