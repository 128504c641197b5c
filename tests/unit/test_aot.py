"""Engine aot: the reference models against the tflite-micro wheel, the plan, the text it writes."""

from __future__ import annotations

import os
import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import m4
from tests.data import REFERENCE, ROOT, find
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.host import HostModel
from tinyperf.engines.aot.operators._document import document

if TYPE_CHECKING:
    from pathlib import Path

M4 = Target(cores.load("cortex-m4"))
# TFLM 90b983c with CMSIS-NN 4ab83cc3, GCC 12.2 -O2, counted in an emulator: what this engine must not exceed.
TFLM_ARENA_BYTES = {"kws": 22_820, "vww": 100_708, "ic": 54_996, "ad": 2_580}
TFLM_INSTRUCTIONS = {"kws": 7_699_895, "vww": 24_101_965, "ic": 29_863_355, "ad": 582_947}


@pytest.mark.parametrize("name", REFERENCE)
def test_reference_model_equals_the_wheel(name: str) -> None:
    """On made-up inputs; on all official ones in test_evaluate.py."""
    pytest.importorskip("tflite_micro", reason="the tflite-micro wheel is for Linux x86-64")
    from tflite_micro import runtime

    path = find(REFERENCE[name])
    model = tflite.load(path)
    inputs = np.random.default_rng(1).integers(-128, 128, (8, *model.input.shape[1:]), np.int8)
    wheel = runtime.Interpreter.from_file(str(path))
    with HostModel(model) as host:
        for given, made in zip(inputs, host.run(inputs)[0], strict=True):
            wheel.set_input(given[None], 0)
            wheel.invoke()
            np.testing.assert_array_equal(made, wheel.get_output(0).ravel())


@pytest.mark.parametrize(
    ("name", "macs"), [("kws", 2_656_768), ("vww", 7_489_664), ("ic", 12_501_632), ("ad", 264_192)]
)
def test_multiply_accumulates_are_the_published_ones(name: str, macs: int) -> None:
    made = ENGINE.generate(tflite.load(find(REFERENCE[name])), M4, {})
    assert sum(layer.macs for layer in made.layers) == macs


@pytest.mark.parametrize("name", REFERENCE)
def test_arena_is_below_tflm(name: str) -> None:
    made = ENGINE.generate(tflite.load(find(REFERENCE[name])), M4, {})
    assert made.arena_bytes < TFLM_ARENA_BYTES[name]


@pytest.mark.parametrize("name", REFERENCE)
def test_generated_twice_is_equal(name: str) -> None:
    model = tflite.load(find(REFERENCE[name]))
    assert ENGINE.generate(model, M4, {}) == ENGINE.generate(model, M4, {})


@pytest.mark.parametrize("name", ["kws", "ad", *(pytest.param(n, marks=pytest.mark.slow) for n in ("vww", "ic"))])
def test_dsp_path_equals_the_portable_one_in_fewer_instructions_than_tflm(name: str, tmp_path: Path) -> None:
    model = tflite.load(find(REFERENCE[name]))
    sample = np.random.default_rng(2).integers(-128, 128, (1, *model.input.shape[1:]), np.int8)
    machine = m4.Machine(m4.build(ENGINE.generate(model, M4, {}), tmp_path), model)
    with HostModel(model) as host:
        np.testing.assert_array_equal(machine.infer(sample), host.run(sample)[0][0])
    assert machine.instructions < TFLM_INSTRUCTIONS[name]


def test_operator_table_is_current() -> None:
    path = ROOT / "docs" / "supported_operators.md"
    if os.environ.get("TINYPERF_UPDATE_GOLDEN"):
        path.write_text(document(), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == document()


def test_no_two_headers_define_one_name() -> None:
    """Any two kernels may meet in one model."""
    headers = (ROOT / "firmware_templates" / "engines" / "aot").glob("*.h")
    names = [
        name for path in headers for name in re.findall(r"^TP_KERNEL .*?(tp_\w+)\(", path.read_text(), re.MULTILINE)
    ]
    assert len(names) > 100
    assert [name for name, count in Counter(names).items() if count > 1] == []
