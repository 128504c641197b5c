"""Engine aot: the reference models against the tflite-micro wheel, the plan, the text it writes."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tinyperf import tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.constraints import document
from tinyperf.engines.aot.host import HostModel

if TYPE_CHECKING:
    from types import ModuleType


def helper(name: str) -> ModuleType:
    """A module of tests/ that several tests share; tests are no package."""
    path = Path(__file__).parent.parent / f"{name}.py"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


m4: Any = helper("m4")

ROOT = Path(__file__).parent.parent.parent
DATA = Path(os.environ.get("TINYPERF_DATA", ROOT / "../shared/data"))
REFERENCE = {
    "kws": "kws_ref_model",
    "vww": "vww_96_int8",
    "ic": "pretrainedResnet_quant",
    "ad": "ad01_int8",
}
M4 = Target("cortex-m4", "fpv4-sp-d16", dsp=True)
# TFLM 90b983c with CMSIS-NN 4ab83cc3, GCC 12.2 -O2, counted in an emulator: what this engine must not exceed.
TFLM_ARENA_BYTES = {"kws": 22_820, "vww": 100_708, "ic": 54_996, "ad": 2_580}
TFLM_INSTRUCTIONS = {"kws": 7_699_895, "vww": 24_101_965, "ic": 29_863_355, "ad": 582_947}


def reference(name: str) -> Path:
    path = DATA / "reference_models" / f"{REFERENCE[name]}.tflite"
    if not path.is_file():
        pytest.skip(f"no reference model {path.name}: set TINYPERF_DATA")
    return path


@pytest.mark.parametrize("name", REFERENCE)
def test_reference_model_equals_the_wheel(name: str) -> None:
    pytest.importorskip("tflite_micro", reason="the tflite-micro wheel is for Linux x86-64")
    from tflite_micro import runtime

    path = reference(name)
    model = tflite.load(path)
    inputs = np.random.default_rng(1).integers(-128, 128, (8, *model.input.shape[1:]), np.int8)
    wheel = runtime.Interpreter.from_file(str(path))
    with HostModel(model) as host:
        for given, made in zip(inputs, host.run(inputs), strict=True):
            wheel.set_input(given[None], 0)
            wheel.invoke()
            np.testing.assert_array_equal(made, wheel.get_output(0).ravel())


@pytest.mark.parametrize("name", REFERENCE)
def test_arena_is_below_tflm(name: str) -> None:
    made = ENGINE.generate(tflite.load(reference(name)), M4, {})
    assert made.arena_bytes < TFLM_ARENA_BYTES[name]


@pytest.mark.parametrize("name", REFERENCE)
def test_generated_twice_is_equal(name: str) -> None:
    model = tflite.load(reference(name))
    assert ENGINE.generate(model, M4, {}) == ENGINE.generate(model, M4, {})


@pytest.mark.parametrize("name", REFERENCE)
def test_dsp_path_equals_the_portable_one_in_fewer_instructions_than_tflm(name: str, tmp_path: Path) -> None:
    model = tflite.load(reference(name))
    sample = np.random.default_rng(2).integers(-128, 128, (1, *model.input.shape[1:]), np.int8)
    machine = m4.Machine(m4.build(ENGINE.generate(model, M4, {}), tmp_path), model)
    with HostModel(model) as host:
        np.testing.assert_array_equal(machine.infer(sample), host.run(sample)[0])
    assert machine.instructions.total() < TFLM_INSTRUCTIONS[name]


def test_operator_table_is_current() -> None:
    path = ROOT / "docs" / "supported_operators.md"
    if os.environ.get("TINYPERF_UPDATE_GOLDEN"):
        path.write_text(document(), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == document()
