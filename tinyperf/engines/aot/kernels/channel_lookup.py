"""One output per code, from a table of 256 for each channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.kernels import Array, Code, Kernel
from tinyperf.engines.aot.kernels._c_layers import call
from tinyperf.engines.aot.operators._lookup import ChannelLookup

if TYPE_CHECKING:
    from tinyperf.engines.aot.kernels import Costs, Place


def forms(work: ChannelLookup, costs: Costs) -> tuple[Form, ...]:
    return (Form(costs["element"] * work.rows * len(work.table), lead=(0,)),)


def emit(work: ChannelLookup, place: Place) -> Code:
    channels = len(work.table)
    comment = "The output of every code, from -128 to 127, for each channel."
    table = Array(f"{place.prefix}_table", "int8_t", work.table.ravel(), comment)
    return Code((table,), call("tp_channel_lookup", work.rows, channels, place.inputs[0], table.name, place.output))


KERNEL = Kernel("channel_lookup", ChannelLookup, "tp_channel_lookup.h", forms, emit, costs={"element": 12.0})
