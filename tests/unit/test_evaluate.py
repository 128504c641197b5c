from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import graphs
from tests.data import DATA, REFERENCE, needs
from tinyperf import api, cli, tflite
from tinyperf.errors import DataError, MissingExtraError, ModelError, UsageError
from tinyperf.learn import backends

if TYPE_CHECKING:
    from pathlib import Path

NO_MODEL = tflite.Model("any", "0" * 64, 0, (), (), (0,), (0,))
KEYS = {"benchmark", "backend", "model_sha256", "metric", "value", "target", "samples", "seconds"}

needs_data = needs("datasets", "reference_models")
needs_wheel = pytest.mark.skipif(
    os.uname().sysname != "Linux" or os.uname().machine != "x86_64", reason="tflite-micro is a Linux x86-64 wheel"
)


def fully_connected(path: Path, weights: np.ndarray[tuple[int, int], np.dtype[np.int8]], *, reshape: bool) -> Path:
    """An int8 model [1, n] -> [1, classes] of one layer, y = W x; `reshape` appends a RESHAPE to a fixed batch of 1."""
    classes, n = weights.shape
    tensors = [graphs.T((1, n), 1.0), graphs.constant(weights, 1.0), graphs.T((1, classes), 1.0)]
    ops = [graphs.O("FULLY_CONNECTED", [0, 1, -1], [2])]
    if reshape:
        tensors += [graphs.constant(np.array([1, classes], np.int32)), graphs.T((1, classes), 1.0)]
        ops += [graphs.O("RESHAPE", [2, 3], [4], {"newShape": [1, classes]})]
    path.write_bytes(graphs.build(tensors, ops, [0], ops[-1].outputs))
    return path


def own_inputs(folder: Path) -> Path:
    """Four inputs whose class is the index of their greatest value; the last one is labelled wrongly."""
    folder.mkdir()
    for index, row in enumerate([[9, 1, 1], [1, 9, 1], [1, 1, 9], [9, 1, 1]]):
        (folder / f"{index}.raw").write_bytes(bytes(row))
    (folder / "y_labels.csv").write_text("0.raw,3,0\n1.raw,3,1\n2.raw,3,2\n3.raw,3,1\n")
    (folder / "labels.txt").write_text("red\ngreen\nblue\n")
    return folder


@needs_wheel
@pytest.mark.parametrize("backend", ["tflm", "litert", "aot"])
def test_own_model_with_own_labels(tmp_path: Path, backend: backends.Backend) -> None:
    model = fully_connected(tmp_path / "own.tflite", np.eye(3, dtype=np.int8), reshape=False)
    result = api.evaluate(backend=backend, model=model, data=own_inputs(tmp_path / "in"))
    assert (result.benchmark, result.metric, result.value, result.target) == ("custom", "top1", 0.75, None)
    assert result.confusion == ((1, 0, 0), (1, 1, 0), (0, 0, 1))
    assert result.recall == {"red": 1.0, "green": 0.5, "blue": 1.0}
    assert result.histogram.counts["wrong"] == (*(0 for _ in range(24)), 1, *(0 for _ in range(5)))
    assert [curve.label for curve in result.roc] == ["red", "green", "blue"]
    assert (result.inputs, result.target_met, result.exit_code) == ("user", None, 0)


def summing(path: Path) -> Path:
    """int8 [1, 3] in, and out the sum of all inputs so far."""
    row = graphs.T((1, 3), 1.0)
    tensors = [row, graphs.T((), dtype="resource"), row, row]
    ops = [
        graphs.O("VAR_HANDLE", [], [1], {"sharedName": "total"}),
        graphs.O("READ_VARIABLE", [1], [2]),
        graphs.O("ADD", [2, 0], [3]),
        graphs.O("ASSIGN_VARIABLE", [1, 3], []),
    ]
    path.write_bytes(graphs.build(tensors, ops, [0], [3]))
    return path


@needs_wheel
@pytest.mark.parametrize("backend", ["tflm", "aot"])
def test_a_stream_is_scored_by_its_last_frame_and_the_next_one_starts_anew(
    tmp_path: Path, backend: backends.Backend
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    streams = [[0, 9, 0, 5, 0, 0], [0, 0, 1], [3, 0, 0, 0, 0, 2, 2, 0, 0]]  # of two frames, one and three
    for index, frames in enumerate(streams):
        (folder / f"{index}.raw").write_bytes(bytes(frames))
    (folder / "y_labels.csv").write_text("0.raw,3,1\n1.raw,3,2\n2.raw,3,0\n")
    model = summing(tmp_path / "sum.tflite")
    result = api.evaluate(backend=backend, model=model, data=folder, compare="aot")
    assert (result.value, result.samples, result.inferences) == (1.0, 3, 6)
    assert result.comparison is not None
    assert result.comparison.inferences_that_differ == 0
    clips = np.array([[[0, 9, 0], [5, 0, 0]], [[0, 0, 1], [0, 0, 0]]], np.int8)
    np.savez(tmp_path / "clips.npz", x=clips, y=[1, 2])
    result = api.evaluate(backend=backend, model=model, data=tmp_path / "clips.npz")
    assert (result.value, result.samples, result.inferences) == (1.0, 2, 4)
    (folder / "1.raw").write_bytes(bytes(4))
    with pytest.raises(DataError, match=r"1\.raw has 4 bytes, expected a multiple of 3"):
        api.evaluate(backend=backend, model=model, data=folder)


@needs_wheel
@pytest.mark.parametrize("reshape", [pytest.param(False, id="batches of 32"), pytest.param(True, id="fixed batch")])
def test_batches_and_processes_change_nothing(tmp_path: Path, reshape: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    weights = rng.integers(-3, 4, (4, 6)).astype(np.int8)
    model = tflite.load(fully_connected(tmp_path / "m.tflite", weights, reshape=reshape))
    codes = rng.integers(-8, 9, (101, 6)).astype(np.int8)
    expected = np.clip(codes.astype(int) @ weights.T.astype(int), -128, 127)
    assert np.array_equal(backends.infer("litert", model, [codes])[0], expected)
    monkeypatch.setattr(backends, "FAN_OUT_S", 0.0)
    seen: list[int] = []
    assert np.array_equal(backends.infer("tflm", model, [codes[:, None]], jobs=2, progress=seen.append)[0], expected)
    assert sum(seen) == 101


@needs_wheel
@needs_data
def test_below_the_target_on_official_inputs_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = fully_connected(tmp_path / "bad.tflite", np.ones((12, 490), np.int8), reshape=False)
    argv = ["evaluate", "kws", "--model", str(model), "--data", str(DATA / "datasets"), "--backend", "litert", "--json"]
    assert cli.invoke(argv) == 1
    shown = json.loads(capsys.readouterr().out)
    assert shown.keys() >= KEYS
    assert (shown["inputs"], shown["target_met"], shown["target"]) == ("official", False, 0.9)
    assert cli.invoke([*argv, "--samples", "500"]) == 0
    assert json.loads(capsys.readouterr().out)["target_met"] is None


@needs_data
@pytest.mark.parametrize(
    ("name", "value", "inferences"),
    [
        pytest.param("kws", 0.902, 1000, id="kws"),
        pytest.param("vww", 0.852, 1000, id="vww"),
        pytest.param("ic", 0.850, 200, id="ic"),
        pytest.param("ad", 0.859, 248 * 196, id="ad, all windows", marks=pytest.mark.slow),
    ],
)
def test_reference_models_with_litert(name: str, value: float, inferences: int) -> None:
    result = api.evaluate(name, backend="litert", model=DATA / REFERENCE[name], data=DATA / "datasets")
    assert result.value == pytest.approx(value, abs=5e-4)
    assert (result.inferences, result.inputs, result.exit_code) == (inferences, "official", 0)


@needs_data
@needs_wheel
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "correct", "value"),
    [
        pytest.param("kws", 901, 0.901, id="kws"),
        pytest.param("vww", 854, 0.854, id="vww"),
        pytest.param("ic", 173, 0.865, id="ic"),
        pytest.param("ad", None, 0.862, id="ad"),
    ],
)
def test_reference_models_with_tflm_and_aot(name: str, correct: int | None, value: float) -> None:
    """All official files of kws, vww and ic, every window of every file of ad: both engines give the same codes."""
    model, data = DATA / REFERENCE[name], DATA / "datasets"
    result = api.evaluate(name, backend="tflm", model=model, data=data, jobs=2, compare="aot")
    assert result.correct == correct
    assert result.value == pytest.approx(value, abs=5e-4)
    assert result.comparison is not None
    assert (result.comparison.inferences_that_differ, result.comparison.value) == (0, result.value)


@needs_data
@needs_wheel
def test_backends_that_disagree_are_told_sample_by_sample(capsys: pytest.CaptureFixture[str]) -> None:
    data = str(DATA / "datasets")
    argv = ["evaluate", "kws", "--model", str(DATA / REFERENCE["kws"]), "--data", data, "--samples", "50", "--json"]
    assert cli.invoke([*argv, "--backend", "tflm", "--compare", "litert"]) == 0
    compared = json.loads(capsys.readouterr().out)["comparison"]
    # ml_facts: 14 of the first 50 outputs differ between TFLM and LiteRT's default kernels
    assert (compared["backend"], compared["inferences_that_differ"], len(compared["samples"])) == ("litert", 14, 14)
    assert all(row["codes"] >= 1 and row["name"].startswith("tst_0000") for row in compared["samples"])


@needs_data
def test_one_label_alone_has_no_auc() -> None:
    result = api.evaluate("ad", backend="litert", model=DATA / REFERENCE["ad"], data=DATA / "datasets", samples=3)
    assert (result.value, result.target_met, result.exit_code) == (None, None, 0)
    assert "all samples have one label: an AUC needs both" in result.notes


@pytest.mark.slow
@needs_data
def test_plot_writes_a_png(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra 'plot' is not installed")
    for name, samples in (("kws", 30), ("ad", 150)):
        result = api.evaluate(
            name, backend="litert", model=DATA / REFERENCE[name], data=DATA / "datasets", samples=samples
        )
        api.plot_evaluation(result, tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


@needs_wheel
def test_a_picture_that_cannot_be_written_leaves_one_json_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="the extra 'plot' is not installed")
    model = fully_connected(tmp_path / "own.tflite", np.eye(3, dtype=np.int8), reshape=False)
    (tmp_path / "x.bin").write_bytes(bytes([1, 2, 3]))
    (tmp_path / "y_labels.csv").write_text("x.bin,3,2\n")
    argv = ["evaluate", "--model", str(model), "--data", str(tmp_path), "--backend", "tflm", "--json"]
    assert cli.invoke([*argv, "--plot", str(tmp_path / "nowhere" / "x.png")]) == 4
    assert "nowhere" in json.loads(capsys.readouterr().out)["error"]["seen"]
    assert cli.invoke(argv) == 0
    assert sum(sum(part) for part in json.loads(capsys.readouterr().out)["histogram"]["counts"].values()) == 1


@needs_wheel
def test_refusals_say_what_was_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TINYPERF_DATA", raising=False)
    model = fully_connected(tmp_path / "own.tflite", np.eye(3, dtype=np.int8), reshape=False)
    with pytest.raises(ModelError, match=r"input \[1, 3\] has 3 elements, kws has 490"):
        api.evaluate("kws", model=model, data=tmp_path)
    with pytest.raises(DataError, match="--data was not given"):
        api.evaluate(model=model)
    with pytest.raises(UsageError, match="neither a benchmark nor a model"):
        api.evaluate()


def test_a_refusal_names_the_runtime() -> None:
    kind = pytest.importorskip("ai_edge_litert.interpreter", reason="the extra 'litert' is not installed").Interpreter
    broken = dataclasses.replace(NO_MODEL, data=b"no model")
    for backend in ("litert", "tflite-runtime"):
        with pytest.raises(ModelError, match=f"backend '{backend}' refuses any"):
            backends.interpreter(backend, kind, broken)


def test_tflite_runtime_is_checked_before_it_is_imported() -> None:
    if np.__version__.startswith("1."):
        pytest.skip("numpy 1 is what tflite-runtime wants")
    with pytest.raises(MissingExtraError, match="tflite-runtime' cannot run") as caught:
        backends.infer("tflite-runtime", NO_MODEL, [np.zeros((1, 1, 2), np.int8)])
    assert "numpy below 2" in caught.value.means


def test_tflm_on_another_machine_names_the_alternative(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    with pytest.raises(MissingExtraError, match="'tflm' does not exist for") as caught:
        backends.infer("tflm", NO_MODEL, [np.zeros((1, 1, 2), np.int8)])
    assert "--backend aot" in caught.value.hint


@pytest.mark.slow
@needs_wheel
@pytest.mark.parametrize("backend", ["aot", "litert", "tflm"])
def test_nothing_but_training_needs_tensorflow(backend: str, tmp_path: Path) -> None:
    """In a process of its own, where importing TensorFlow or Keras fails."""
    for module in ("tensorflow", "keras"):
        (tmp_path / f"{module}.py").write_text("raise ImportError('blocked')\n")
    api.data_synthetic("kws", tmp_path / "data")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}

    def tinyperf(*argv: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tinyperf", *argv]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    done = tinyperf("evaluate", "kws", "--backend", backend, "--data", str(tmp_path / "data"), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["samples"] == 120
    refused = tinyperf("train", "kws", "--from", str(tmp_path / "data"), "--out", str(tmp_path / "run"))
    assert refused.returncode == 2
    assert "pip install 'tinyperf[train]'" in refused.stderr


@needs_wheel
def test_tflm_gets_the_arena_that_it_needs(tmp_path: Path) -> None:
    """Two tensors of nine million bytes each: more than the first arena that is tried."""
    path = tmp_path / "large.tflite"
    shape = (1, 3000, 3000, 1)
    path.write_bytes(graphs.build([graphs.T(shape, 0.1), graphs.T(shape, 0.1)], [graphs.O("RELU", [0], [1])], [0], [1]))
    (made,) = backends.infer("tflm", tflite.load(path), [np.full((1, *shape), -5, np.int8)])
    assert made.shape == (1, 9_000_000)
    assert not made.any()


@needs_wheel
def test_tflm_says_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "tile.tflite"
    tensors = [graphs.T((1, 4), 0.1), graphs.T((1, 4), 0.1)]
    path.write_bytes(graphs.build(tensors, [graphs.O("TILE", [0], [1])], [0], [1]))
    with pytest.raises(ModelError, match="op 0 TILE: TensorFlow Lite Micro has no such operator"):
        backends.infer("tflm", tflite.load(path), [np.zeros((1, 1, 4), np.int8)])
