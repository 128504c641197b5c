"""A network over a window of time that slides by one frame, made one that takes a frame and keeps what it needs.

Convolutions without padding, one step in time each, compute for a window that slid by a frame what they computed
before, but for one frame. The model made here takes that frame alone: in front of each convolution over more than one
frame stands a variable with the frames before. Its answers are those of the whole window, bit for bit, once so many
frames have gone through it as the window holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.tflite import Op, Tensor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinyperf.tflite import Model, Option

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def stepwise(model: Model) -> Model | None:
    """The model that takes one frame of dimension 1 (time) of the input; None where the network is of another form.

    That form: one input [1, frames, ...]; a chain of convolutions that in time have stride 1 and no padding, until one
    frame is left; then whatever follows.
    """
    if len(model.inputs) != 1 or model.called or model.stateful:
        return None
    made = _Steps(list(model.tensors))
    at = model.input.index
    ops = iter(model.ops)
    while model.tensors[at].shape[1:2] != (1,):
        op = next(ops, None)
        if op is None or not _slides(model, op, at):
            return None
        made.convolution(op, model.tensors[op.inputs[1]].shape[1])
        at = op.outputs[0]
    made.one_frame(model.input.index)
    for op in ops:
        made.add(op.kind, op.inputs, op.outputs, op.options, op.custom)
    return replace(model, tensors=tuple(made.tensors), ops=tuple(made.ops))


def _slides(model: Model, op: Op, at: int) -> bool:
    """It takes the value `at` alone, and gives a frame for each of its frames that has all its neighbours."""
    if op.kind not in CONVOLUTIONS or op.inputs[0] != at or len(model.tensors[at].shape) != 4:
        return False
    users = [other for other in model.ops if at in other.inputs]
    still = op.options.get("stride_h") == 1 and op.options.get("dilation_h_factor") == 1
    weights = model.tensors[op.inputs[1]]
    return (
        len(users) == 1
        and at not in model.outputs
        and still
        and weights.data is not None
        and model.tensors[op.outputs[0]].shape[1] == model.tensors[at].shape[1] - weights.shape[1] + 1
    )


@dataclass
class _Steps:
    tensors: list[Tensor]
    ops: list[Op] = field(default_factory=list)

    def add(
        self,
        kind: str,
        inputs: tuple[int, ...],
        outputs: tuple[int, ...],
        options: Mapping[str, Option],
        custom: bytes = b"",
    ) -> None:
        self.ops.append(Op(len(self.ops), kind, inputs, outputs, options, custom))

    def one_frame(self, index: int) -> None:
        """The value has one frame from now on."""
        self.tensors[index] = self._frames(index, 1)

    def convolution(self, op: Op, length: int) -> None:
        """The same over the last `length` frames, all but the newest of which are kept."""
        given = op.inputs[0]
        self.one_frame(given)
        if length > 1:
            self.add(op.kind, (self._window(given, length), *op.inputs[1:]), op.outputs, op.options)
        else:
            self.add(op.kind, op.inputs, op.outputs, op.options)
        self.one_frame(op.outputs[0])

    def _window(self, newest: int, length: int) -> int:
        """The frames before `newest` and itself; all but the oldest are kept for the next step."""
        handle = self._new(Tensor(0, f"past {newest}", (), "resource", None))
        past, window, rest = (self._new(self._frames(newest, frames)) for frames in (length - 1, length, length - 1))
        self.add("VAR_HANDLE", (), (handle,), {"container": "", "shared_name": f"past {newest}"})
        self.add("READ_VARIABLE", (handle,), (past,), {})
        self.add("CONCATENATION", (past, newest), (window,), {"axis": 1, "fused_activation_function": "NONE"})
        shape = self.tensors[window].shape
        ends = [self._constant(row) for row in ((0, 1, 0, 0), shape, (1, 1, 1, 1))]
        self.add("STRIDED_SLICE", (window, *ends), (rest,), dict.fromkeys(SLICE_OPTIONS, 0) | {"offset": False})
        self.add("ASSIGN_VARIABLE", (handle, rest), (), {})
        return window

    def _frames(self, index: int, frames: int) -> Tensor:
        tensor = self.tensors[index]
        return replace(tensor, shape=(tensor.shape[0], frames, *tensor.shape[2:]))

    def _new(self, tensor: Tensor) -> int:
        self.tensors.append(replace(tensor, index=len(self.tensors)))
        return len(self.tensors) - 1

    def _constant(self, values: tuple[int, ...]) -> int:
        data = np.array(values, np.int32)
        return self._new(Tensor(0, "slice", data.shape, "int32", None, data))


SLICE_OPTIONS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
