"""SVDF in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.ctext import c_int
from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Array, Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, constant
from tinyperf.engines.aot.operators.svdf import Svdf

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: Svdf, costs: Costs) -> tuple[Form, ...]:
    """The state may be shifted where it is."""
    steps = costs["input"] * work.features.size + costs["frame"] * work.time.size + costs["filter"] * work.filters
    return (Form(work.batch * steps, lead=(None, 0)),)


def emit(work: Svdf, place: Place) -> Code:
    features = Array(f"{place.prefix}_features", "int8_t", work.features.ravel(), "Weights of the inputs, by filter.")
    time = Array(f"{place.prefix}_time", f"{work.time.dtype}_t", work.time.ravel(), "Weights of the frames, by filter.")
    bias = Array(f"{place.prefix}_bias", "int32_t", work.bias, "Bias of each unit.")
    arrays = (features, time, bias)
    given, before = place.inputs
    made, after = place.outputs
    operands = (*(array.name for array in arrays), given, before, made, after)
    return Code(arrays, _constant(work) + call("tp_svdf", "&svdf", *operands))


def _constant(work: Svdf) -> str:
    """The `struct tp_svdf` of a layer."""
    in_zero, state_zero, out_zero = work.zeros
    pairs = {
        "batch": work.batch,
        "inputs": work.features.shape[1],
        "units": len(work.bias),
        "rank": work.rank,
        "frames": work.frames,
        "in_zero": in_zero,
        "state_zero": state_zero,
        "out_zero": out_zero,
        "multiplier": work.first[0],
        "shift": -work.first[1],
        "out_multiplier": work.second[0],
        "out_shift": -work.second[1],
    }
    rows = [f".{name} = {c_int(value)}" for name, value in pairs.items()]
    rows.append(f".wide = {'true' if work.time.dtype.itemsize == 2 else 'false'}")
    return constant("struct tp_svdf svdf", rows)


KERNEL = Kernel("svdf", Svdf, "tp_svdf.h", forms, emit, costs={"input": 6.0, "frame": 10.0, "filter": 60.0})
