"""DEPTHWISE_CONV_2D with Helium, sixteen channels at a time: one output for each input channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Array, Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call, weights_array, window_constant
from tinyperf.engines.aot.kernels._lead import direct
from tinyperf.engines.aot.kernels._mve import CHANNELS, CODES, POINTER_BYTES, fours_array
from tinyperf.engines.aot.operators.depthwise_conv_2d import Depthwise

if TYPE_CHECKING:
    from tinyperf.engines.aot.graph import Bounds
    from tinyperf.engines.aot.kernels import Costs, Place


def lacks(work: Depthwise, _: Bounds | None) -> str | None:
    return None if work.depth_multiplier == 1 else "one output for each input channel"


def forms(work: Depthwise, costs: Costs) -> tuple[Form, ...]:
    window = work.window
    taps, sixteens = window.kernel[0] * window.kernel[1], -(-window.out_shape[2] // CODES)
    pixel = costs["pointer"] * taps + sixteens * (costs["tap"] * taps + costs["sixteen"])
    return (Form(window.pixels * pixel, scratch_bytes=POINTER_BYTES * taps, lead=(direct(window),)),)


def emit(work: Depthwise, place: Place) -> Code:
    channels = work.window.out_shape[2]
    whole = channels + -channels % CODES
    filled = np.pad(work.weights, ((0, 0), (0, 0), (0, whole - channels)))
    by_sixteen = np.moveaxis(filled.reshape(*work.window.kernel, -1, CODES), 2, 0)
    weights = weights_array(place.prefix, by_sixteen, "Weights [sixteens of channels, kernel_h, kernel_w, 16].")
    # Products of even and odd codes come apart, and so do their sums: lane j of the i-th is channel 4 j + i.
    order = np.arange(whole).reshape(-1, CHANNELS, CHANNELS).swapaxes(1, 2).ravel()
    fours = fours_array(place.prefix, work, order)
    codes = np.full(channels, work.in_zero, np.int8)
    zeros = Array(f"{place.prefix}_zeros", "int8_t", codes, "What taps outside the image read.")
    given = (place.inputs[0], weights.name, fours.name, zeros.name, work.out_zero, *work.clamp)
    taps = f"(const int8_t **)(void *){place.scratch}"
    body = window_constant(work.window) + call("tp_depthwise_conv_2d_mve", "&window", *given, taps, place.output)
    return Code((weights, fours, zeros), body)


KERNEL = Kernel(
    "depthwise_conv_2d_mve",
    Depthwise,
    "tp_depthwise_conv_2d_mve.h",
    forms,
    emit,
    lacks,
    needs=frozenset({"mve"}),
    costs={"pointer": 10.0, "tap": 11.0, "sixteen": 90.0},
)
"""Costs: instructions; nobody has published cycles of a core with Helium."""
