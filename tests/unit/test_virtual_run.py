"""A run on the virtual board takes its time from the cycle model, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

import tinyperf
from tests.graphs import O, T, build, constant, dense
from tinyperf import content

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")


@pytest.mark.slow
@pytest.mark.skipif("ad" not in content.names("models", ".tflite"), reason="no ad model is shipped")
def test_a_run_and_the_profile_give_the_same_latency(tmp_path: Path) -> None:
    found = tinyperf.run("ad", board="nucleo-l4r5zi", virtual=True, quick=True, out=tmp_path / "session")
    assert found.estimated
    calibration = json.loads((tmp_path / "session" / "session.json").read_text())["learned"]["calibration"]
    assert calibration["cpi"] > 1.1  # flash wait states alone cost more than that
    profile = tinyperf.profile("nucleo-l4r5zi", "ad")
    assert found.performance is not None
    assert found.performance.latency_ms == pytest.approx(profile.latency_ms, rel=0.002)


@pytest.mark.slow
def test_an_accuracy_run_tells_the_same_time_of_an_inference(tmp_path: Path) -> None:
    inputs = tmp_path / "kws01"
    inputs.mkdir()
    (inputs / "one.bin").write_bytes(bytes(490))
    (inputs / "y_labels.csv").write_text("one.bin,12,0\n")
    tinyperf.run("kws", board="nucleo-l4r5zi", virtual=True, mode="accuracy", data=tmp_path, out=tmp_path / "session")
    (row,) = json.loads((tmp_path / "session" / "results.json").read_text())
    profile = tinyperf.profile("nucleo-l4r5zi", "kws")
    assert [(end.dtype, end.shape, end.zero_point) for end in profile.inputs] == [("int8", (1, 49, 10, 1), (83,))]
    assert [(end.shape, end.scale) for end in profile.outputs] == [((1, 12), (1 / 256,))]
    assert profile.latency_ms
    assert row["infer"]["elapsed_time"] == pytest.approx(1000 * profile.latency_ms, rel=0.002)


@pytest.mark.slow
@pytest.mark.parametrize("board", ["nucleo-l4r5zi", "nucleo-u575zi-q"])
def test_the_layers_of_a_small_float_model_add_up(board: str, tmp_path: Path) -> None:
    """Layers of some hundred instructions: what a block adds when it runs for the first time would show."""
    weights = np.linspace(-1, 1, 64, dtype=np.float32).reshape(8, 8)
    rows = [T((1, 8), dtype="float32") for _ in range(4)]
    ops = [O("FULLY_CONNECTED", [0, 4], [1]), O("TANH", [1], [2]), O("SOFTMAX", [2], [3], {"beta": 1.0})]
    (tmp_path / "small.tflite").write_bytes(build([*rows, constant(weights)], ops, [0], [3]))
    profile = tinyperf.profile(board, model=str(tmp_path / "small.tflite"))
    assert all(0 < (layer.instructions or 0) <= layer.cycles for layer in profile.layers)
    assert profile.cycles_per_inference
    in_layers = sum(layer.instructions or 0 for layer in profile.layers)
    assert in_layers < (profile.instructions_per_inference or 0)  # IT skips some
    assert 0.8 < sum(layer.cycles for layer in profile.layers) / profile.cycles_per_inference < 1.05
    waits = [layer.stalls for layer in profile.layers if layer.stalls]
    assert all(min(vars(one).values()) >= 0 for one in waits)
    assert all(0 < one.total < layer.cycles for one, layer in zip(waits, profile.layers, strict=True))


@pytest.mark.slow
def test_a_foreign_elf_is_told_by_its_functions(tmp_path: Path) -> None:
    (tmp_path / "dense.tflite").write_bytes(dense())
    image = tinyperf.build("nucleo-l4r5zi", out=tmp_path / "out", model=tmp_path / "dense.tflite")
    found = tinyperf.profile("nucleo-l4r5zi", image=image.path, model=tmp_path / "dense.tflite")
    names = [function.name for function in found.functions]
    assert "tp_layer_00_fully_connected" in names
    assert found.cycles_per_inference
    assert sum(function.cycles for function in found.functions) == pytest.approx(found.cycles_per_inference, rel=0.05)
    assert sum(function.instructions for function in found.functions) == found.instructions_per_inference
    assert not found.layers
