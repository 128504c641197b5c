"""Done at compile time: SHAPE, STRIDED_SLICE and PACK, as Keras writes them before a RESHAPE; RESHAPE of a constant.

A converter that was not told the batch size computes it while running. Here the batch is 1, so every shape is known.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.errors import ModelError

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.tflite import Model, Op, Tensor

FOLDED = ("SHAPE", "STRIDED_SLICE", "PACK")


def fold(model: Model) -> Model:
    """`model` with its shape arithmetic, and RESHAPE of constants, as constants; other ops keep their index.

    Raises: ModelError: such an op cannot be folded, or the model's output is a constant.
    """
    tensors = list(model.tensors)
    kept: list[Op] = []
    for op in model.ops:
        if not op.outputs or not op.inputs or op.inputs[0] < 0:
            kept.append(op)  # refused by the rules of its kind
            continue
        out = tensors[op.outputs[0]]
        data = tensors[op.inputs[0]].data if op.kind == "RESHAPE" else None
        if data is not None and data.size == out.elements:
            if out.index == model.outputs[0]:
                raise ModelError(f"model '{model.name}': its output is a constant", hint="export the model again")
            tensors[out.index] = replace(out, data=data.reshape(out.shape))
            continue
        if op.kind not in FOLDED:
            kept.append(op)
            continue
        inputs = [tensors[i] for i in op.inputs if i >= 0]
        if op.kind != "SHAPE" and any(t.data is None for t in inputs):
            kept.append(op)  # works on activations: refused, or compiled, as any other
            continue
        value = _value(op, inputs)
        tensors[out.index] = replace(out, shape=value.shape, dtype="int32", data=value)
    return replace(model, tensors=tuple(tensors), ops=tuple(kept))


def _value(op: Op, inputs: list[Tensor]) -> npt.NDArray[np.int32]:
    if op.kind == "SHAPE":
        return np.array(inputs[0].shape, np.int32)
    constants = [t.data for t in inputs if t.data is not None]
    try:
        if op.kind == "PACK":
            return np.stack(constants, axis=int(_option(op, "axis"))).astype(np.int32)
        return _strided_slice(op, *constants[:4])
    except (ValueError, IndexError, TypeError) as exc:
        raise ModelError(
            f"op {op.index} {op.kind} cannot be folded: {exc}", hint="export the model with a fixed batch size"
        ) from exc


def _strided_slice(
    op: Op,
    data: npt.NDArray[np.generic],
    begin: npt.NDArray[np.generic],
    end: npt.NDArray[np.generic],
    strides: npt.NDArray[np.generic],
) -> npt.NDArray[np.int32]:
    if _option(op, "ellipsis_mask") or _option(op, "new_axis_mask"):
        raise ValueError("ellipsis and new-axis masks are not supported")
    index: list[int | slice] = []
    for axis, (first, last, step) in enumerate(
        zip(begin.astype(int).tolist(), end.astype(int).tolist(), strides.astype(int).tolist(), strict=True)
    ):
        bit = 1 << axis
        if _option(op, "shrink_axis_mask") & bit:
            index.append(first)
        else:
            index.append(
                slice(
                    None if _option(op, "begin_mask") & bit else first,
                    None if _option(op, "end_mask") & bit else last,
                    step,
                )
            )
    return np.asarray(data[tuple(index)], np.int32)


def _option(op: Op, name: str) -> int:
    value = op.options[name]
    if not isinstance(value, int):
        raise TypeError(name)
    return value
