"""A user's own data: arrays, pictures, sounds and raw files become the model's inputs, or one sentence says why not."""

from __future__ import annotations

import json
import wave
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests import graphs
from tests.graphs import O, T
from tinyperf import cli, tflite
from tinyperf.datasets import own
from tinyperf.datasets.own import Asked
from tinyperf.errors import DataError, ModelError

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.result import Metric
    from tinyperf.tflite import Model

SHAPE = (1, 2, 3)
PIXELS = (0.00392156862745098, -128)
"""Scale and zero point of pictures scaled to 0..1."""


def model(
    shape: tuple[int, ...] = SHAPE, outputs: int = 6, scale: float = 0.1, zero: int = 0, *, last: float = 0.1
) -> Model:
    """int8 `shape` -> RESHAPE [1, outputs]."""
    tensors = [T(shape, scale, zero), T((1, outputs), last, -128 if last == 1 / 256 else zero)]
    return tflite.parse(graphs.build(tensors, [O("RELU", [0], [1])], [0], [1]), "own")


def saved(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "data.npz", **arrays)
    return folder / "data.npz"


REAL = np.linspace(-1.0, 1.0, 12).reshape(2, 2, 3)


@pytest.mark.parametrize(
    ("x", "quantization", "codes", "note"),
    [
        pytest.param(
            REAL.astype(np.float32), (0.1, 3), np.rint(REAL / 0.1) + 3, "quantized with scale 0.1", id="float32"
        ),
        pytest.param(REAL, (0.1, 3), np.rint(REAL / 0.1) + 3, "quantized", id="float64"),
        pytest.param(np.int8(REAL * 100), (0.1, 3), np.int8(REAL * 100), "taken as codes", id="int8 codes"),
        pytest.param(
            np.arange(12, dtype=np.uint8).reshape(2, 2, 3), PIXELS, np.arange(12) - 128, "pixels", id="pixels"
        ),
        pytest.param(np.arange(12).reshape(2, 2, 3), (1.0, -128), np.arange(12) - 128, "int64, quantized", id="int64"),
        pytest.param(REAL.reshape(2, 1, 2, 3, 1), (0.1, 0), np.rint(REAL / 0.1), "quantized", id="dimensions of 1"),
        pytest.param(
            np.where(REAL == 1, 99, REAL),
            (0.1, 0),
            np.where(REAL == 1, 127, np.rint(REAL / 0.1)),
            "8.3% of the",
            id="clipped",
        ),
    ],
)
def test_arrays_become_codes(x: Any, quantization: tuple[float, int], codes: Any, note: str, tmp_path: Path) -> None:
    found = own.load(saved(tmp_path, x=x, y=np.array([5, 0])), model(SHAPE, 6, *quantization), Asked())
    made = np.frombuffer(b"".join(sample.read() for sample in found.samples), np.int8)
    assert np.array_equal(made, np.asarray(codes, np.int8).ravel())
    assert [(sample.name, sample.label) for sample in found.samples] == [("data[0]", 5), ("data[1]", 0)]
    assert note in " ".join(found.notes)
    assert (found.kind, found.metric, found.labels[-1]) == ("user", "top1", "5")


ONE_HOT = np.eye(6)[[2, 4]]
X = {"x": REAL.astype(np.float32)}


@pytest.mark.parametrize(
    ("arrays", "labels"),
    [
        pytest.param({**X, "y": np.array([1.0, 2.0])}, [1, 2], id="whole floats"),
        pytest.param({**X, "y": np.array([[1], [2]])}, [1, 2], id="a column"),
        pytest.param({**X, "y": ONE_HOT}, [2, 4], id="one-hot"),
    ],
)
def test_labels(arrays: dict[str, Any], labels: list[int], tmp_path: Path) -> None:
    found = own.load(saved(tmp_path, **arrays), model(), Asked(metric="top1"))
    assert [sample.label for sample in found.samples] == labels


def test_the_first_samples_alone(tmp_path: Path) -> None:
    found = own.load(saved(tmp_path, x=np.zeros((5, 2, 3), np.int8), y=np.zeros(5, int)), model(), Asked(), count=3)
    assert len(found.samples) == 3


@pytest.mark.parametrize(
    ("arrays", "asked", "seen", "hint"),
    [
        pytest.param({"a": REAL}, Asked(), "holds a [2, 2, 3] float64; an array x", "savez", id="no x"),
        pytest.param(X, Asked(), "has no array y", "y=labels", id="no y"),
        pytest.param(
            {"x": np.zeros((2, 3, 2)), "y": [0, 1]}, Asked(), "takes rows of [2, 3]", "input", id="transposed"
        ),
        pytest.param({"x": np.zeros((2, 9)), "y": [0, 1]}, Asked(), "x is [2, 9] float64", "input", id="other model"),
        pytest.param({**X, "y": [0, 1, 2]}, Asked(), "y [3] int64", "savez", id="lengths"),
        pytest.param({**X, "y": [0, 9]}, Asked(), "labels from 0 to 9, the model has 6", "savez", id="label"),
        pytest.param({**X, "y": [1, 6]}, Asked(), "labels from 1 to 6", "y - 1 counts from 0", id="from 1"),
        pytest.param({**X, "y": [0.5, 1]}, Asked(metric="top1"), "y is [2] float64", "mse or mae", id="no labels"),
        pytest.param({**X, "y": ["a", "b"]}, Asked(), "y is [2] <U1", "savez", id="names as labels"),
        pytest.param({"x": np.array([["a"]]), "y": [0]}, Asked(), "x is [1, 1] <U1", "input", id="text"),
        pytest.param({"x": np.full((1, 2, 3), np.nan), "y": [0]}, Asked(), "not finite", "leave", id="nan"),
        pytest.param(
            {"x": np.array([[{}]]), "y": [0]}, Asked(), "Python objects, which are pickles", "float32", id="objects"
        ),
        pytest.param(
            {"x": 255 * np.abs(REAL), "y": [0, 1]}, Asked(), "would be clipped", "x / 255", id="pixels unscaled"
        ),
        pytest.param(
            {"x": REAL / 100, "y": [0, 1]}, Asked(), "differ by 0 of its 256 codes", "training", id="too small"
        ),
        pytest.param({**X, "y": REAL[:, 0]}, Asked(metric="mse"), "the model gives 6 values", "top1", id="targets"),
    ],
)
def test_what_does_not_fit(arrays: dict[str, Any], asked: Asked, seen: str, hint: str, tmp_path: Path) -> None:
    scale = 1 / 128 if "255" in hint else 0.1
    with pytest.raises(DataError) as caught:
        own.load(saved(tmp_path, **arrays), model(scale=scale), asked)
    assert seen in caught.value.seen
    assert hint in caught.value.hint + caught.value.means


def test_the_bytes_of_a_misfit_are_never_read(tmp_path: Path) -> None:
    """A gigabyte of zeros, packed into a megabyte: its head says that it does not fit."""
    np.savez_compressed(tmp_path / "data.npz", x=np.zeros((1 << 20, 64), np.int8), y=np.zeros(3, np.int8))
    with pytest.raises(DataError, match="takes rows of"):
        own.load(tmp_path / "data.npz", model(), Asked())


@pytest.mark.parametrize("metric", ["mse", "mae", "auc", "top1"])
def test_one_output(metric: Any, tmp_path: Path) -> None:
    """A probability is two classes, for top1 only where it is one."""
    data = saved(tmp_path, **X, y=np.array([0, 1]))
    assert own.load(data, model(outputs=1, last=1 / 256), Asked(metric=metric)).metric == metric
    if metric == "top1":
        with pytest.raises(ModelError, match=r"has one output, from -12.8 to 12.7"):
            own.load(data, model(outputs=1), Asked(metric=metric))


def test_an_autoencoder_wants_its_inputs(tmp_path: Path) -> None:
    shape = (1, 6)
    metrics: tuple[Metric, ...] = ("mse", "mae", "auc")
    for metric in metrics:
        labels = {"y": [0, 1]} if metric == "auc" else {}
        found = own.load(saved(tmp_path, x=REAL.reshape(2, 6), **labels), model(shape), Asked(metric=metric))
        assert found.targets is not None
        assert np.allclose(found.targets, REAL.reshape(2, 6), atol=0.051)


def picture(path: Path, pixels: Any) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)


def test_pictures_by_class(tmp_path: Path) -> None:
    pytest.importorskip("PIL", reason="the extra 'data' is not installed")
    for name, grey in (("dog", 200), ("cat", 100)):
        for number in range(2):
            picture(tmp_path / name / f"{number}.png", np.full((4, 8, 3), grey + number))
    found = own.load(tmp_path, model((1, 2, 2, 1), 2, *PIXELS), Asked())
    assert [(sample.name, sample.label) for sample in found.samples] == [
        ("cat/0.png", 0),
        ("dog/0.png", 1),
        ("cat/1.png", 0),
        ("dog/1.png", 1),
    ]
    assert found.samples[1].read() == bytes(np.full(4, 200 - 128, np.int8))
    assert "classes in alphabetical order: cat, dog" in found.notes
    (tmp_path / "labels.txt").write_text("dog\ncat\n")
    assert own.load(tmp_path, model((1, 2, 2, 1), 2, *PIXELS), Asked()).samples[1].label == 0


@pytest.mark.parametrize(
    ("shape", "outputs", "seen"),
    [
        pytest.param((1, 2, 2, 3), 3, r"2 folders \(cat, dog\), the model 3 classes", id="classes"),
        pytest.param((1, 4), 2, r"holds pictures; input 't0' takes \[1, 4\]", id="no picture"),
    ],
)
def test_pictures_that_do_not_fit(shape: tuple[int, ...], outputs: int, seen: str, tmp_path: Path) -> None:
    pytest.importorskip("PIL", reason="the extra 'data' is not installed")
    picture(tmp_path / "cat" / "a.png", np.zeros((2, 2, 3)))
    picture(tmp_path / "dog" / "a.png", np.zeros((2, 2, 3)))
    with pytest.raises(DataError, match=seen):
        own.load(tmp_path, model(shape, outputs), Asked())


def sound(path: Path, samples: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(np.asarray(samples, "<i2").tobytes())


def test_sounds_want_a_front_end(tmp_path: Path) -> None:
    pytest.importorskip("soundfile", reason="the extra 'data' is not installed")
    sound(tmp_path / "no" / "a.wav", [16384, -16384, 8192])
    sound(tmp_path / "yes" / "a.wav", np.zeros(9) + 3277)
    with pytest.raises(DataError, match="no front end is named"):
        own.load(tmp_path, model((1, 6), 2, 1 / 128), Asked())
    with pytest.raises(DataError, match="front end kws makes 490 values"):
        own.load(tmp_path, model((1, 6), 2, 1 / 128), Asked(front_end="kws"))
    found = own.load(tmp_path, model((1, 6), 2, 1 / 128), Asked(front_end="pcm"))
    assert np.frombuffer(found.samples[0].read(), np.int8).tolist() == [64, -64, 32, 0, 0, 0]
    assert np.frombuffer(found.samples[1].read(), np.int8).tolist() == [13] * 6


@pytest.mark.parametrize(
    ("name", "content", "seen"),
    [
        pytest.param("a.csv", b"1,2\n", "is text", id="csv"),
        pytest.param("a.npy", b"\x93NUMPY\1\0", "is an .npy NumPy array", id="npy"),
        pytest.param("a.pkl", b"\x80\x04.", "is a Python pickle", id="pickle"),
        pytest.param("a.npz", b"PK\3\4" + bytes(22) + b"\5\0\0\0x.npy", "cannot be read as an .npz", id="cut short"),
    ],
)
def test_other_files(name: str, content: bytes, seen: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        own.load(tmp_path / name, model(), Asked())
    assert seen in caught.value.seen
    assert caught.value.hint


def test_two_inputs_by_name(tmp_path: Path) -> None:
    tensors = [T((1, 2), 0.1), T((1, 3), 0.1, dtype="uint8"), T((1, 2), 0.1)]
    data = graphs.build(tensors, [O("RELU", [0], [2])], [0, 1], [2])
    path = saved(tmp_path, t0=np.array([[1, 2]], np.int8), x1=np.array([[3, 4, 5]], np.uint8), y=[1])
    (sample,) = own.load(path, tflite.parse(data, "two"), Asked()).samples
    assert sample.read() == bytes([1, 2, 3, 4, 5])


def shown(argv: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert cli.invoke([*argv, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


RELU_TENTHS = np.array([[-10, 0, 3], [4, -5, 6]]) / 10
SCORES: tuple[tuple[Metric, dict[str, Any], float], ...] = (
    ("top1", {"y": [2, 0]}, 0.5),
    ("mse", {"y": np.zeros((2, 3))}, float(np.mean(np.maximum(RELU_TENTHS, 0) ** 2))),
    ("mae", {}, (1.0 + 0.5) / 6),
    ("auc", {"y": [0, 1]}, 0.0),
)


@pytest.mark.slow
def test_host_and_device_give_the_same_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same .npz through 'evaluate' and through the firmware as a process; figures worked out by hand."""
    model_file = tmp_path / "own.tflite"
    tensors = [T((1, 3), 0.1), T((1, 3), 0.1)]
    model_file.write_bytes(graphs.build(tensors, [O("RELU", [0], [1])], [0], [1]))
    for metric, arrays, value in SCORES:
        data = saved(tmp_path, x=RELU_TENTHS, **arrays)
        asked = ["--model", str(model_file), "--data", str(data), "--metric", metric]
        host = shown(["evaluate", *asked], capsys)
        out = str(tmp_path / metric)
        device = shown(["run", "--board", "host", "--mode", "accuracy", *asked, "--out", out], capsys)["accuracy"]
        assert host["value"] == pytest.approx(value, abs=1e-6)
        assert (device["metric"], device["value"], device["samples"]) == (metric, pytest.approx(host["value"]), 2)
