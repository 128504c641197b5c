"""SVDF of floats in portable C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.ctext import c_int
from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, constant, float_array, floats
from tinyperf.engines.aot.operators._float_svdf import SvdfFloat

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: SvdfFloat, costs: Costs) -> tuple[Form, ...]:
    """The state may be shifted where it is."""
    steps = costs["input"] * work.features.size + costs["frame"] * work.time.size
    return (Form(work.batch * steps, lead=(None, 0)),)


def emit(work: SvdfFloat, place: Place) -> Code:
    features = float_array(f"{place.prefix}_features", work.features, "Weights of the inputs, by filter.")
    time = float_array(f"{place.prefix}_time", work.time, "Weights of the frames, by filter.")
    bias = float_array(f"{place.prefix}_bias", work.bias, "Bias of each unit.")
    given, before = place.inputs
    made, after = place.outputs
    operands = (features.name, time.name, bias.name, given, before, made, after)
    return Code((features, time, bias), _constant(work) + call("tp_svdf_f32", "&svdf", *operands))


def _constant(work: SvdfFloat) -> str:
    """The `struct tp_svdf_f32` of a layer."""
    low, high = floats(work.clamp)
    sizes = {
        "batch": work.batch,
        "inputs": work.features.shape[1],
        "units": len(work.bias),
        "rank": work.rank,
        "frames": work.time.shape[1],
    }
    rows = [f".{name} = {c_int(value)}" for name, value in sizes.items()]
    return constant("struct tp_svdf_f32 svdf", [*rows, f".low = {low}", f".high = {high}"])


KERNEL = Kernel("svdf_f32", SvdfFloat, "tp_svdf_f32.h", forms, emit, costs={"input": 7.0, "frame": 12.0})
