"""A small campaign of tests/forced.py, and what larger ones found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import graphs
from tests.forced import ROWS, Campaign, compare, forms_of, image, layer
from tests.graphs import O, T, constant
from tests.layers import FAMILIES
from tinyperf import cores
from tinyperf.engines.aot.kernels import all_kernels

if TYPE_CHECKING:
    from pathlib import Path

HOST, M4 = cores.load("host"), cores.load("cortex-m4")


@pytest.mark.slow
def test_forms_equal_the_wheel_on_the_core(tmp_path: Path) -> None:
    """All kernels for its instructions among them; scratch may start at any word."""
    campaign = Campaign(M4, seed=1)
    for apart_bytes in (0, 4):
        folder = tmp_path / str(apart_bytes)
        folder.mkdir()
        compare(campaign.take(4 * len(FAMILIES)), M4, folder, apart_bytes)
    forced = {name.split(" ")[0] for name in campaign.forced}
    assert {kernel.name for kernel in all_kernels() if kernel.needs and kernel.needs <= M4.features} <= forced


@pytest.mark.slow
def test_loops_for_two_instructions_a_cycle_equal_the_wheel(tmp_path: Path) -> None:
    core = cores.load("cortex-m7")
    forced = Campaign(core, 3, ("fully_connected_pairs", "conv_pairs_dsp")).take(12)
    assert "#define TP_DUAL_ISSUE" in image(forced, core).sources["model.c"]
    compare(forced, core, tmp_path)


@pytest.mark.slow
def test_forms_equal_the_wheel_on_the_host(tmp_path: Path) -> None:
    compare(Campaign(HOST, seed=0).take(2 * len(FAMILIES)), HOST, tmp_path)


def test_a_part_is_written_into_a_whole_that_is_consumed(tmp_path: Path) -> None:
    """No copy of the whole onto itself, of which GCC warns."""
    image, part = (1, 5, 5), (1, 1, 2)
    tensors = [T(image, 0.1, dtype="int16"), T(part, 0.1, dtype="int16"), constant(np.array([0, 3, 2], np.int32))]
    tensors.append(T(image, 0.1, dtype="int16"))
    file = graphs.build(tensors, [O("DYNAMIC_UPDATE_SLICE", [0, 1, 2], [3])], [0, 1], [3])
    samples = tuple(np.random.default_rng(0).integers(-99, 99, (ROWS, *shape), np.int16) for shape in (image, part))
    compare(list(forms_of(layer(file, samples), HOST)), HOST, tmp_path)


def test_a_sum_that_wraps_when_it_is_shifted_left_is_no_constant(tmp_path: Path) -> None:
    """Its ends give one code each way around: what TFLM does between them is not between the codes."""
    weights, bias = np.full((1, 4), 100, np.int8), np.array([-(2**29)], np.int32)
    tensors = [T((1, 4), 1.0), constant(weights, 3.0), constant(bias, 3.0), T((1, 1), 1.0, -128)]
    file = graphs.build(tensors, [O("FULLY_CONNECTED", [0, 1, 2], [3], {"fusedActivationFunction": 3})], [0], [3])
    samples = np.repeat(np.array([-128, 127, -1, 1], np.int8), 4).reshape(ROWS, 1, 4)
    wrapping = layer(file, (samples,))
    assert {int(code) for code in wrapping.expected()[0].ravel()} == {-128, -122}
    compare(list(forms_of(wrapping, HOST)), HOST, tmp_path)


@pytest.mark.slow
def test_rows_that_strides_leave_out_are_not_there(tmp_path: Path) -> None:
    """A block of one row of outputs at the end of the arena: GCC warned of an address behind it."""
    draw = np.random.default_rng(0)
    weights, bias = draw.integers(-99, 99, (4, 1, 2, 8)).astype(np.int8), draw.integers(-99, 99, 4).astype(np.int32)
    tensors = [T((1, 5, 17, 8), 0.1), constant(weights, 0.01), constant(bias, 0.001), T((1, 3, 8, 4), 0.1, -128)]
    options = {"padding": 1, "strideH": 2, "strideW": 2, "dilationHFactor": 1, "dilationWFactor": 1}
    file = graphs.build(tensors, [O("CONV_2D", [0, 1, 2], [3], options)], [0], [3])
    one = layer(file, (draw.integers(-128, 128, (ROWS, 1, 5, 17, 8)).astype(np.int8),))
    forms = [form for form in forms_of(one, M4) if form.form.kernel == "conv_direct_dsp" and form.form.block == 1]
    for number, form in enumerate(forms):
        folder = tmp_path / str(number)
        folder.mkdir()
        compare([form], M4, folder)
    assert forms
