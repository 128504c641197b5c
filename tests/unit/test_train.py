"""Training and quantization with TensorFlow, on small made-up data."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data import REFERENCE, find
from tinyperf import tflite
from tinyperf.cli import invoke
from tinyperf.datasets import sources
from tinyperf.errors import DataError, ModelError, UsageError
from tinyperf.learn import calibration as calibration_files
from tinyperf.learn import quantize, reference, train
from tinyperf.learn.sources import Port, Source
from tinyperf.learn.sources import keras as keras_source

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="TensorFlow (extra 'train') is absent"),
    pytest.mark.filterwarnings("ignore"),  # TensorFlow's own, dozens of them
]

PATHS = os.pathsep.join(filter(None, sys.path))
PARAMETERS = {"kws": (24908, 22604), "vww": (221794, 210850), "ic": (78666, 77706), "ad": (269992, 265864)}
MACS = {"kws": 2656768, "vww": 7489664, "ic": 12501632, "ad": 264192}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 made-up ToyCar clips: a fixed spectrum at a level that drifts."""
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    spectrum = np.linspace(-20, -60, 128) + 5 * np.sin(np.arange(128) / 9)
    x = spectrum + rng.normal(0, 3, (20, 200, 1)) + rng.normal(0, 1, (20, 200, 128))
    np.savez(folder / "ad_toycar_normal.npz", x=x.astype(np.float16), name=[f"clip {i}" for i in range(20)])
    return folder


def test_a_run_survives_a_kill(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A real one, in a process of its own; the run goes on to the losses of an undisturbed one."""
    whole = train.train("ad", clips, tmp_path / "whole", epochs=3)
    run = tmp_path / "killed"
    command = [
        sys.executable,
        "-m",
        "tinyperf",
        "train",
        "ad",
        "--from",
        str(clips),
        "--epochs",
        "3",
        "--out",
        str(run),
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": PATHS})
    assert process.stderr is not None
    assert any(line.startswith("epoch 1/3") for line in process.stderr)
    process.kill()
    process.wait()
    process.stderr.close()
    assert invoke(["train", "--resume", str(run), "--json"]) == 0
    resumed = json.loads(capsys.readouterr().out)
    assert resumed["validation_loss"] == pytest.approx(whole.validation_loss, rel=1e-4)
    first, second = (json.loads((tmp_path / name / "run.json").read_text()) for name in ("whole", "killed"))
    assert first["recipe"] == second["recipe"]
    assert len((run / "log.csv").read_text().splitlines()) == 4
    assert (run / "curve.png").stat().st_size > 1000
    with pytest.raises(UsageError, match="already holds a run"):
        train.train("ad", clips, tmp_path / "whole")
    with pytest.raises(UsageError, match="is a run of 'ad', not of 'ic'"):
        train.resume(run, benchmark="ic")
    assert invoke(["train", "--resume", str(run), "--seed", "0"]) == 2
    (run / "run.json").unlink()
    with pytest.raises(UsageError, match="holds the state of a run, but no run"):
        train.train("ad", clips, run)


def test_without_matplotlib_there_is_no_curve_and_a_damaged_run_is_named(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one short run."""
    with monkeypatch.context() as absent:
        absent.setitem(sys.modules, "matplotlib.figure", None)
        trained = train.train("ad", clips, tmp_path / "run", epochs=1)
    assert Path(trained.model).is_file()
    assert not (tmp_path / "run" / "curve.png").exists()
    for name in ("state.npz", "run.json"):  # run.json is read first
        (tmp_path / "run" / name).write_text("{")
        with pytest.raises(DataError, match=name):
            train.resume(tmp_path / "run")


def test_what_cannot_begin_leaves_no_run_behind(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = tmp_path / "few"
    few.mkdir()
    with np.load(clips / "ad_toycar_normal.npz") as stored:
        np.savez(few / "ad_toycar_normal.npz", x=stored["x"][:2], name=stored["name"][:2])
    run = tmp_path / "run"
    assert invoke(["train", "ad", "--from", str(few), "--out", str(run)]) == 2
    assert "make no batch of 512" in capsys.readouterr().err
    assert invoke(["train", "ad", "--from", str(clips), "--epochs", "1", "--out", str(run)]) == 0
    (tmp_path / "file").touch()
    assert invoke(["train", "ad", "--from", str(clips), "--out", str(tmp_path / "file" / "run")]) == 4
    assert "cannot be written" in capsys.readouterr().err


def test_a_label_of_no_class_is_refused(tmp_path: Path) -> None:
    sources.make_synthetic("kws", tmp_path)
    with np.load(tmp_path / "kws_sc2_mfcc.npz") as stored:
        held = dict(stored)
    held["y"][7] = 12
    np.savez(tmp_path / "kws_sc2_mfcc.npz", **held)
    with pytest.raises(DataError, match=r"label 12 of synthetic/7\.wav is out of range 0 to 11"):
        train.train("kws", tmp_path, tmp_path / "run")


def test_training_that_diverges_says_so(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = train.task("ad")
    wild = dataclasses.replace(task, recipe=dataclasses.replace(task.recipe, rate=float("inf")))
    monkeypatch.setattr(train, "task", lambda _: wild)
    with pytest.raises(DataError, match="the loss of epoch 1 is no finite number"):
        train.train("ad", clips, tmp_path / "run", epochs=2)


def test_in_a_run_of_two_steps_the_average_is_the_network(tmp_path: Path) -> None:
    sources.make_synthetic("kws", tmp_path)
    with np.load(tmp_path / "kws_sc2_mfcc.npz") as stored:
        np.savez(tmp_path / "kws_sc2_mfcc.npz", **{name: array[:420] for name, array in dict(stored).items()})
    train.train("kws", tmp_path, tmp_path / "run", epochs=1)
    with np.load(tmp_path / "run" / "state.npz") as state:
        count = len(train.task("kws").architecture().variables)
        np.testing.assert_array_equal(state["v000"], state[f"v{count:03}"])


def test_train_and_quantize_from_the_command_line(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "find", lambda _: None)
    run, out = str(tmp_path / "run"), tmp_path / "ad.tflite"
    assert invoke(["train", "ad", "--from", str(clips), "--epochs", "2", "--out", run, "--json"]) == 0
    trained = json.loads(capsys.readouterr().out)
    assert trained["dropped"] == []
    assert trained["validation_accuracy"] is None
    assert invoke(["quantize", "ad", "--run", run, "-o", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["metric"] == "mse"
    assert found["int8_value"] == pytest.approx(found["float_value"], rel=0.1)
    errors = [layer["relative_error"] for layer in found["layers"]]
    assert len(errors) == 10
    assert errors == sorted(errors, reverse=True)
    assert all(layer["op"] == "FULLY_CONNECTED" for layer in found["layers"])
    assert tflite.load(out).input.dtype == "int8"


@pytest.mark.parametrize(("name", "epochs"), [("kws", 2), ("ic", 2)])
def test_a_made_up_set_is_learned_and_quantized(
    name: str, epochs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a hundred steps: batch norm's moving statistics would take a thousand, and the model know nothing."""
    monkeypatch.setattr(reference, "find", lambda _: None)
    sources.make_synthetic(name, tmp_path)
    told: list[str] = []
    trained = train.train(name, tmp_path, tmp_path / "run", epochs=epochs, notice=told.append)
    assert trained.notes  # no teacher, or no recordings of noise
    assert told[:-1] == list(trained.notes)
    assert "steps an epoch; 'tinyperf train --resume" in told[-1]
    assert trained.validation_accuracy is not None
    assert trained.validation_accuracy > 0.9
    found = quantize.quantize_run(tmp_path / "run", tmp_path / "out.tflite")
    assert found.metric == "top1"
    assert found.int8_value is not None
    assert found.int8_value > 0.9
    assert found.percentile == (99.99 if name == "ic" else 100)
    assert tflite.load(tmp_path / "out.tflite").output.shape == (1, {"ic": 10, "kws": 12}[name])


@pytest.mark.parametrize("name", sorted(REFERENCE))
def test_architectures_equal_the_reference_layer_by_layer(name: str, tmp_path: Path) -> None:
    reference_model = find(REFERENCE[name])
    task = train.task(name)
    network = task.architecture()
    assert network.count_params() == PARAMETERS[name][0]
    rng = np.random.default_rng(0)
    # The converter leaves out a bias of zeros, which only an untrained network has.
    network.set_weights([w + 0.05 * np.abs(rng.normal(size=w.shape)) for w in network.get_weights()])
    low, high = task.limits or (-80.0, 10.0)
    inputs = rng.uniform(low, high, (8, *network.input_shape[1:])).astype(np.float32)
    out = tmp_path / f"{name}.tflite"
    quantize.quantize(
        keras_source.source(network, name),
        out,
        benchmark=name,
        inputs=(quantize.spanning(inputs, task.limits),),
        rule="noise",
        compare=((inputs,), None),
        coding=quantize.Coding(),
    )
    ours, theirs = tflite.load(out), tflite.load(reference_model)
    assert computing(ours) == computing(theirs)
    assert sum(parameters(ours)) == PARAMETERS[name][1]
    assert macs(ours) == macs(theirs) == MACS[name]
    if name in ("ic", "vww"):
        scale = (ours.input.quantization or pytest.fail("no input quantization")).scale[0]
        assert scale == pytest.approx(1 / 128 if name == "ic" else 1 / 255, rel=1e-6)


def computing(model: tflite.Model) -> list[tuple[Any, ...]]:
    """(op, shapes of its constants, output without the batch) of all but RESHAPE."""
    return [
        (
            op.kind,
            [model.tensors[i].shape for i in op.inputs if i >= 0 and model.tensors[i].data is not None],
            tuple(n for n in model.tensors[op.outputs[0]].shape if n != 1),
        )
        for op in model.ops
        if op.kind != "RESHAPE"
    ]


def parameters(model: tflite.Model) -> list[int]:
    """Number of values of each constant of the computing operators."""
    return [int(np.prod(shape)) for _, shapes, _ in computing(model) for shape in shapes]


def macs(model: tflite.Model) -> int:
    """Multiplications of weights with activations: what the layer's output has, times what goes into one value."""
    total = 0
    for kind, shapes, output in computing(model):
        if kind in ("CONV_2D", "FULLY_CONNECTED"):
            total += int(np.prod(output)) * int(np.prod(shapes[0][1:]))
        elif kind == "DEPTHWISE_CONV_2D":
            total += int(np.prod(output)) * int(np.prod(shapes[0][1:3]))
    return total


def small_network() -> Any:
    import keras

    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(4, 3, activation="relu")(inputs)
    x = keras.layers.Flatten()(x)
    return keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x))


@pytest.fixture
def calibration(tmp_path: Path) -> Path:
    x = np.random.default_rng(0).normal(size=(30, 8, 8, 1)).astype(np.float32)
    np.savez(tmp_path / "inputs.npz", x=x, y=np.arange(30) % 3)
    return tmp_path / "inputs.npz"


@pytest.mark.parametrize("kind", ["mine.keras", "mine.h5", "saved_model"])
@pytest.mark.parametrize("fc_per_channel", [False, True])
def test_a_model_of_ones_own(kind: str, fc_per_channel: bool, calibration: Path, tmp_path: Path) -> None:
    network, source = small_network(), tmp_path / kind
    network.export(str(source), verbose=False) if kind == "saved_model" else network.save(source)
    found = quantize.quantize_file(source, calibration, tmp_path / "o.tflite", fc_per_channel=fc_per_channel)
    assert (found.benchmark, found.metric, found.samples) == ("custom", "top1", 30)
    model = tflite.load(tmp_path / "o.tflite")
    assert model.input.shape == (1, 8, 8, 1)
    assert {op.kind for op in model.ops} <= {"CONV_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX"}
    dense = next(op for op in model.ops if op.kind == "FULLY_CONNECTED")
    weights = model.tensors[dense.inputs[1]].quantization
    assert weights is not None
    assert weights.per_channel == fc_per_channel


def test_a_percentile_clips_activations_but_no_input(calibration: Path, tmp_path: Path) -> None:
    """One sample in thirty ten times as large: minimum and maximum spend the codes on it."""
    with np.load(calibration) as stored:
        x, y = stored["x"].copy(), stored["y"]
    x[0] *= 10
    np.savez(calibration, x=x, y=y)
    small_network().save(tmp_path / "m.keras")
    scales = []
    for percentile in (None, 96.0):
        out = tmp_path / f"{percentile}.tflite"
        found = quantize.quantize_file(tmp_path / "m.keras", calibration, out, percentile=percentile)
        assert found.percentile == (percentile or 100)
        model = tflite.load(out)
        first = model.tensors[model.ops[0].outputs[0]]
        scales.append([(t.quantization or pytest.fail("no scale")).scale[0] for t in (model.input, first)])
    assert scales[0][0] == scales[1][0]
    assert scales[1][1] < scales[0][1] / 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"x": np.zeros((30, 9, 8, 1))}, r"an array x \[n, 8, 8, 1\] of numbers is needed", id="shape"),
        pytest.param({"x": np.full((30, 8, 8, 1), np.nan)}, "not finite, first in row 0", id="not a number"),
        pytest.param({"x": np.full((30, 8, 8, 1), 1e300)}, r"x reaches from 1e\+300 to 1e\+300", id="beyond float32"),
        pytest.param({"y": np.zeros((30, 1), np.int64)}, r"labels y \[30, 1\] int64 from 0 to 0", id="column"),
        pytest.param({"y": np.eye(3)[np.arange(30) % 3]}, r"labels y \[30, 3\] float64 do not fit", id="one-hot"),
        pytest.param({"y": np.array(["a"] * 30)}, r"labels y \[30\] <U1 do not fit", id="words"),
        pytest.param({"y": np.zeros(3, np.int64)}, r"labels y \[3\] int64", id="short"),
        pytest.param({"y": np.full(30, 3)}, "from 3 to 3 do not fit 30 inputs", id="no such class"),
    ],
)
def test_calibration_that_does_not_fit_is_refused(
    change: dict[str, Any], words: str, calibration: Path, tmp_path: Path
) -> None:
    small_network().save(tmp_path / "m.keras")
    with np.load(calibration) as stored:
        held = dict(stored) | change
    np.savez(calibration, **held)
    with pytest.raises(DataError, match=words):
        quantize.quantize_file(tmp_path / "m.keras", calibration, tmp_path / "o.tflite")
    assert not (tmp_path / "o.tflite").exists()


@pytest.mark.parametrize(
    ("names", "write"),
    [
        (("a", "b"), "numpy.savez(path, a=inputs, b=inputs, y=labels)"),
        (("in:0", "b"), "numpy.savez(path, **{'in:0': inputs, 'b': inputs}, y=labels)"),
    ],
)
def test_calibration_of_two_inputs_says_how_to_write_it(names: tuple[str, str], write: str) -> None:
    source = Source("m", "a model", b"", tuple(Port(name, (1, 4)) for name in names), (Port("o", (1, 2)),))
    good = np.zeros((3, 4))
    with pytest.raises(DataError, match=rf"arrays {names[0]} \[n, 4\] and b \[n, 4\] of numbers are needed") as caught:
        calibration_files.fitted(Path("c.npz"), {"x": good}, source)
    assert caught.value.hint == f"{write} writes one; y is optional"
    with pytest.raises(DataError, match=r"c\.npz: b reaches from 1e\+300"):
        calibration_files.fitted(Path("c.npz"), {names[0]: good, "b": good + 1e300}, source)


def odd_network(kind: str) -> Any:
    import keras

    series = keras.Input((8, 8), batch_size=1)
    if kind == "recurrent":
        return keras.Model(series, keras.layers.Bidirectional(keras.layers.LSTM(4, stateful=True))(series))
    if kind == "open size":
        wide = keras.Input((None, None, 1))
        return keras.Model(wide, keras.layers.Conv2D(2, 3)(wide))
    return keras.Sequential([keras.layers.Dense(3)])


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("recurrent", r"keep their state between inferences"),
        ("open size", "has inputs and outputs"),
        ("never built", "it was never built"),
    ],
)
def test_a_network_that_cannot_be_measured_is_refused(kind: str, words: str, calibration: Path, tmp_path: Path) -> None:
    odd_network(kind).save(tmp_path / "m.keras")
    with pytest.raises(ModelError, match=words):
        quantize.quantize_file(tmp_path / "m.keras", calibration, tmp_path / "o.tflite")


def test_a_network_without_layers_is_refused(tmp_path: Path) -> None:
    import keras

    inputs = keras.Input((4,))
    keras.Model(inputs, inputs).save(tmp_path / "m.keras")
    np.savez(tmp_path / "inputs.npz", x=np.ones((3, 4)))
    with pytest.raises(ModelError, match="Keras cannot build the model for a batch of 1"):
        quantize.quantize_file(tmp_path / "m.keras", tmp_path / "inputs.npz", tmp_path / "o.tflite")


def test_a_network_of_another_benchmark_is_refused(calibration: Path, tmp_path: Path) -> None:
    small_network().save(tmp_path / "m.keras")
    with pytest.raises(ModelError, match=r"takes \[8, 8, 1\], kws has \[49, 10, 1\]"):
        quantize.quantize_file(tmp_path / "m.keras", calibration, tmp_path / "o.tflite", benchmark="kws")


@pytest.mark.parametrize("name", ["damaged.keras", "saved_model_of_keras_2"])
def test_what_keras_cannot_read_is_a_model_error(name: str, calibration: Path, tmp_path: Path) -> None:
    path = tmp_path / name
    if name.endswith(".keras"):
        path.write_bytes(b"PK\3\4 no zip")
    else:
        path.mkdir()
        (path / "saved_model.pb").write_bytes(b"\x01")
    with pytest.raises(ModelError, match="cannot be read by"):
        quantize.quantize_file(path, calibration, tmp_path / "o.tflite")
