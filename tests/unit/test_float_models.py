"""`tinyperf quantize`: forms of float models, and what is said of calibration inputs."""

from __future__ import annotations

import importlib.util
import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.unit.test_onnx_nodes import Network, weights
from tinyperf import tflite
from tinyperf.cli import invoke
from tinyperf.errors import DataError, ModelError, UsageError
from tinyperf.learn import arrays, calibration, quantize, sources
from tinyperf.learn.interpreter import outputs
from tinyperf.learn.sources import Port, Source, pytorch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TENSORFLOW = importlib.util.find_spec("tensorflow") is not None
TORCH = importlib.util.find_spec("torch") is not None and importlib.util.find_spec("onnxscript") is not None
slow = [
    pytest.mark.slow,
    pytest.mark.skipif(not TENSORFLOW, reason="TensorFlow (extra 'train') is absent"),
    pytest.mark.filterwarnings("ignore"),  # TensorFlow's own, dozens of them
]


def residual_network() -> Any:
    """Channels first: convolution, batch norm, depthwise with stride 2, a shortcut, a flattened image."""
    chain = Network((1, 3, 12, 10)).then("Conv", weights(8, 3, 3, 3), pads=[1] * 4)
    chain.then("BatchNormalization", weights(8), weights(8), weights(8), np.abs(weights(8)) + 1).then("Relu")
    chain.then("Conv", weights(8, 1, 3, 3), pads=[1] * 4, group=8).then("Add", inputs=("v2", "v3")).then("Relu")
    chain.then("Conv", weights(8, 1, 3, 3), pads=[1] * 4, group=8, strides=[2, 2])
    chain.then("Flatten").then("Gemm", weights(4, 240) / 16, weights(4), transB=1).then("Softmax", axis=1)
    return chain.model(output=(1, 4))


def kinds(model: tflite.Model) -> list[str]:
    return [op.kind for op in model.ops]


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    x = np.random.default_rng(0).normal(size=(120, 3, 12, 10)).astype(np.float32)
    np.savez(tmp_path / "inputs.npz", x=x, y=np.arange(120) % 4)
    return tmp_path / "inputs.npz"


class TestForms:
    pytestmark = slow

    def test_an_onnx_network_loses_its_transposes(
        self, inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        onnx = pytest.importorskip("onnx", reason="ONNX (extra 'onnx') is absent")
        onnx.save(residual_network(), str(tmp_path / "net.onnx"))
        argv = ["quantize", str(tmp_path / "net.onnx"), "--calibration", str(inputs), "-o", str(tmp_path / "o.tflite")]
        assert invoke([*argv, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["import_error"] < 1e-5
        assert found["inputs"][0]["shape"] == [1, 12, 10, 3]
        assert found["inputs"][0]["source_shape"] == [1, 3, 12, 10]
        assert found["metric"] == "top1"
        assert "TRANSPOSE" not in kinds(tflite.load(tmp_path / "o.tflite"))
        assert invoke([*argv, "--keep-layout", "--json"]) == 0
        kept = json.loads(capsys.readouterr().out)
        assert kept["inputs"][0]["shape"] == [1, 3, 12, 10]
        assert kinds(tflite.load(tmp_path / "o.tflite")).count("TRANSPOSE") == 1
        assert kept["float_value"] == pytest.approx(found["float_value"])

    def test_a_float_tflite_is_quantized_again_and_again_the_same(self, inputs: Path, tmp_path: Path) -> None:
        onnx = pytest.importorskip("onnx", reason="ONNX (extra 'onnx') is absent")
        onnx.save(residual_network(), str(tmp_path / "net.onnx"))
        source = sources.load(tmp_path / "net.onnx")
        (tmp_path / "float.tflite").write_bytes(source.content)
        x = np.load(inputs)["x"].transpose(0, 2, 3, 1)
        np.savez(tmp_path / "last.npz", x=x)
        ours = quantize.quantize_file(tmp_path / "net.onnx", inputs, tmp_path / "a.tflite")
        again = quantize.quantize_file(tmp_path / "float.tflite", tmp_path / "last.npz", tmp_path / "b.tflite")
        assert [layer.relative_error for layer in again.layers] == [layer.relative_error for layer in ours.layers]
        with pytest.raises(ModelError, match="is no float32 model"):
            sources.load(tmp_path / "a.tflite")

    def test_a_network_of_two_inputs_unrolled_and_in_16_bits(self, tmp_path: Path) -> None:
        import keras

        series, scalar = keras.Input((5, 3), name="series"), keras.Input((2,), name="scalar")
        joined = keras.layers.Concatenate()([keras.layers.GRU(4)(series), scalar])
        last = [keras.layers.Dense(3, activation="softmax")(joined), keras.layers.Dense(1)(joined)]
        keras.Model([series, scalar], last).save(tmp_path / "net.keras")
        rng = np.random.default_rng(0)
        values: dict[str, Any] = {"series": rng.normal(size=(20, 5, 3)), "scalar": rng.normal(size=(20, 2))}
        np.savez(tmp_path / "inputs.npz", **values)
        for activations, most in (("int8", 0.2), ("int16", 0.05)):
            found = quantize.quantize_file(
                tmp_path / "net.keras",
                tmp_path / "inputs.npz",
                tmp_path / "o.tflite",
                activations=activations,  # type: ignore[arg-type]  # a table's values
            )
            assert sorted(end.name for end in found.inputs) == ["scalar", "series"]
            assert len(found.outputs) == 2
            assert "WHILE" not in kinds(tflite.load(tmp_path / "o.tflite"))
            assert found.layers[0].relative_error < most

    def test_enlarged_images_are_one_operator(self, tmp_path: Path) -> None:
        import keras

        picture = keras.Input((4, 3, 2))
        network = keras.Model(picture, keras.layers.UpSampling2D((2, 3))(keras.layers.Conv2D(3, 3)(picture)))
        network.save(tmp_path / "net.keras")
        x = np.random.default_rng(0).normal(size=(8, 4, 3, 2)).astype(np.float32)
        source = sources.load(tmp_path / "net.keras")
        (made,) = outputs(source.content, (x,))
        np.testing.assert_allclose(made, network.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
        assert kinds(tflite.parse(source.content, "net")) == ["CONV_2D", "RESIZE_NEAREST_NEIGHBOR"]

    @pytest.mark.skipif(not TORCH, reason="PyTorch (extra 'torch') is absent")
    def test_a_pytorch_program_loses_its_transposes(self, inputs: Path, tmp_path: Path) -> None:
        import torch
        from torch import nn

        class Residual(nn.Module):  # type: ignore[misc]  # PyTorch may be absent
            def __init__(self) -> None:
                super().__init__()
                self.first = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
                self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
                self.last = nn.Sequential(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(240, 4))

            def forward(self, x: Any) -> Any:
                y = self.first(x)
                return self.last(torch.relu(y + self.depthwise(y)))

        program = torch.export.export(Residual().eval(), (torch.zeros(1, 3, 12, 10),))
        torch.export.save(program, tmp_path / "net.pt2")
        found = quantize.quantize_file(tmp_path / "net.pt2", inputs, tmp_path / "o.tflite")
        assert found.import_error is not None
        assert found.import_error < 1e-5
        assert "TRANSPOSE" not in kinds(tflite.load(tmp_path / "o.tflite"))


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ({"config": {"a": {"path_name": "weight_0", "use_pickle": True}}}, "pickled tensors"),
        ({"nodes": [{"target": "torch.hub.load", "inputs": []}]}, "the operator torch.hub.load"),
        ({"nodes": [{"target": "torch.ops.aten.relu.default.__class__"}]}, "the operator torch.ops.aten"),
        ({"sizes": [{"as_expr": {"expr_str": "__import__('os')"}}]}, "open sizes"),
        ({"guards_code": ["1"]}, "guards"),
        ({"nodes": [{"target": "torch.ops.aten.relu.default", "sizes": [{"as_int": 3}]}]}, ""),
    ],
)
def test_what_pytorch_would_run_is_seen_before_it_reads(description: dict[str, Any], words: str) -> None:
    assert any(words in risk for risk in pytorch._risks(description)) == bool(words)  # noqa: SLF001  (it works on the description alone, without PyTorch)


def read(path: Path, source: Source) -> calibration.Samples:
    return calibration.fitted(path, arrays.read(path), source)


def source_of(*shape: int, order: tuple[int, ...] | None = None, outputs: int = 4) -> Source:
    """One input of `shape`, with no model behind it."""
    return Source("m", "a model", b"", (Port("pixels", (1, *shape), order),), (Port("out", (1, outputs)),))


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((5, 8, 8, 3), r"x = x\.transpose\(0, 3, 1, 2\)"),
        ((3, 8, 8), r"x = x\[None\]"),
        ((5, 192), r"x = x\.reshape\(-1, 3, 8, 8\)"),
        ((5, 7), "numpy.savez"),
    ],
)
def test_inputs_of_another_shape_are_told_how_they_may_be_meant(
    shape: tuple[int, ...], hint: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "x.npz", x=np.zeros(shape))
    with pytest.raises(DataError) as caught:
        read(tmp_path / "x.npz", source_of(3, 8, 8))
    assert re.search(hint, caught.value.hint)


def test_inputs_in_either_order_are_taken(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(5, 3, 8, 7)).astype(np.float32)
    source = source_of(3, 8, 7, order=(0, 2, 3, 1))
    for given in (x, x.transpose(0, 2, 3, 1)):
        np.savez(tmp_path / "x.npz", pixels=given)
        np.testing.assert_array_equal(read(tmp_path / "x.npz", source).inputs[0], x.transpose(0, 2, 3, 1))


@pytest.mark.parametrize(
    ("y", "outputs"),
    [(np.array([0, 1, 3, 2, 1]), 4), (np.array([0, 1, 1, 0, 1]), 1), (np.zeros((5, 4), np.float32), 4)],
    ids=["classes", "yes or no", "targets"],
)
def test_labels_and_targets(y: Any, outputs: int, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.ones((5, 2)), y=y)
    labels = read(tmp_path / "x.npz", source_of(2, outputs=outputs)).labels
    assert labels is not None
    np.testing.assert_array_equal(labels, y)


RNG = np.random.default_rng(0)
NORMAL = RNG.normal(size=(150, 6)).astype(np.float32)


@pytest.mark.parametrize(
    ("check", "x", "words"),
    [
        (calibration.constants, NORMAL * [1, 1, 0, 1, 0, 1], r"2 of 6 channels of x hold one value .* \(number 2, 4;"),
        (calibration.constants, NORMAL, ""),
        (calibration.outliers, np.where(np.arange(900).reshape(150, 6) == 600, 100, NORMAL), "in sample 100, but"),
        (calibration.outliers, NORMAL, ""),
        (calibration.unscaled, RNG.integers(0, 256, (9, 6)).astype(np.uint8), r"x is uint8 from [\d.]+ to 25"),
        (calibration.unscaled, RNG.integers(0, 256, (9, 6)).astype(np.float32), "x is whole numbers"),
        (calibration.unscaled, NORMAL, ""),
        (calibration.unscaled, (NORMAL > 0).astype(np.float32), ""),
    ],
)  # fmt: skip
def test_what_looks_wrong_is_said(check: Callable[[str, Any], Any], x: Any, words: str) -> None:
    said = list(check("x", x.astype(np.float32) if x.dtype == np.float64 else x))
    assert bool(said) == bool(words)
    assert not words or re.search(words, said[0])


class TestJudgement:
    pytestmark = slow

    @pytest.fixture
    def network(self, tmp_path: Path) -> Source:
        """Which of four numbers of 0..1 is the largest."""
        import keras

        entry = keras.Input((4,))
        network = keras.Model(entry, keras.layers.Softmax()(keras.layers.Dense(4)(entry)))
        network.set_weights([np.eye(4, dtype=np.float32) * 9, np.array([0, 0, 0, 5], np.float32)])
        network.save(tmp_path / "m.keras")
        return sources.load(tmp_path / "m.keras")

    def test_pixels_given_to_a_network_of_0_to_1(self, network: Source, tmp_path: Path) -> None:
        real = np.random.default_rng(0).random((200, 4))
        y = (real * 9 + [0, 0, 0, 5]).argmax(1)
        np.savez(tmp_path / "x.npz", x=np.rint(real * 255).astype(np.uint8), y=y)
        (scaled,) = [t for t in calibration.judged(read(tmp_path / "x.npz", network), network) if "labels" in t]
        assert "x reaches from 0 to 25" in scaled
        assert "with x / 255 it is" in scaled
        np.savez(tmp_path / "x.npz", x=real, y=y)
        assert calibration.judged(read(tmp_path / "x.npz", network), network) == []

    def test_few_samples_the_same_again_and_ranges_that_grow(self, network: Source, tmp_path: Path) -> None:
        np.savez(tmp_path / "x.npz", x=np.repeat(np.linspace(0, 1, 8), 2)[:, None] * np.arange(1, 5))
        told = calibration.judged(read(tmp_path / "x.npz", network), network)
        assert [text.split()[0] for text in told] == ["only", "16", "the"]
        assert "widened the range of 1 layers, op 0 FULLY_CONNECTED" in told[2]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["a.onnx", "-o", "o"], "a model needs --calibration"),
        (["a.onnx", "--model", "b.onnx", "-o", "o"], "two models"),
        (["-o", "o"], "give either a FILE or --run"),
        (["--run", ".", "--activations", "int16", "-o", "o"], "are for a FILE"),
    ],
)
def test_what_is_missing_is_said(argv: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["quantize", *argv]) == 2
    assert words in capsys.readouterr().err


def test_int16_has_codes_enough(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--percentile together with int16"):
        quantize.quantize_file(tmp_path, tmp_path, tmp_path, percentile=99, activations="int16")


def test_what_is_wrong_with_the_inputs_is_said_before_the_model_is_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        quantize.quantize_file(tmp_path / "none.keras", tmp_path / "none.npz", tmp_path / "o.tflite")


@pytest.mark.parametrize(
    ("name", "head", "words"), [("a.pth", b"\x80\x02", "pickle"), ("a.png", b"\x89PNG\r\n\x1a\n", "a PNG picture")]
)
def test_what_is_no_float_model_is_named(name: str, head: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(head)
    with pytest.raises(ModelError, match=words):
        sources.load(tmp_path / name)
