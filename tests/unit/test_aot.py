"""Engine aot: the reference models against the tflite-micro wheel, the plan, the text it writes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tinyperf import tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.constraints import document
from tinyperf.engines.aot.host import HostModel

ROOT = Path(__file__).parent.parent.parent
DATA = Path(os.environ.get("TINYPERF_DATA", ROOT / "../shared/data"))
REFERENCE = {
    "kws": "kws_ref_model",
    "vww": "vww_96_int8",
    "ic": "pretrainedResnet_quant",
    "ad": "ad01_int8",
}
# TFLM's arenas (docs/baseline of the project: tflite-micro 90b983c with CMSIS-NN).
TFLM_ARENA_BYTES = {"kws": 22_820, "vww": 100_708, "ic": 54_996, "ad": 2_580}


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
    made = ENGINE.generate(tflite.load(reference(name)), Target("cortex-m4", "fpv4-sp-d16", dsp=True), {})
    assert made.arena_bytes < TFLM_ARENA_BYTES[name]


@pytest.mark.parametrize("name", REFERENCE)
def test_generated_twice_is_equal(name: str) -> None:
    model = tflite.load(reference(name))
    target = Target("cortex-m4", "fpv4-sp-d16", dsp=True)
    assert ENGINE.generate(model, target, {}) == ENGINE.generate(model, target, {})


def test_operator_table_is_current() -> None:
    path = ROOT / "docs" / "supported_operators.md"
    if os.environ.get("TINYPERF_UPDATE_GOLDEN"):
        path.write_text(document(), encoding="utf-8")
    assert path.read_text(encoding="utf-8") == document()
