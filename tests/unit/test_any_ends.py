"""Models with several inputs and outputs of every type: host, process, virtual board, with and without their file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

import tinyperf
from tests import graphs, m4
from tests.graphs import O, T
from tinyperf import board, cores, tflite, wire
from tinyperf.benchmark import BENCHMARKS
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.host import HostModel
from tinyperf.errors import ModelError
from tinyperf.firmware import build
from tinyperf.learn import backends
from tinyperf.session import profile
from tinyperf.session.compare import compare
from tinyperf.tflite import Model

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.learn.backends import Backend

# Codes of three widths, floats, plain integers and truth values; batch 3, and shapes of one to four dimensions.
TYPES = (
    (T((3, 2), 0.5, 3), "int8"),
    (T((2,), 0.25, 131, dtype="uint8"), "uint8"),
    (T((1, 2, 1, 3), 0.125, dtype="int16"), "int16"),
    (T((3, 1), dtype="float32"), "float32"),
    (T((4,), dtype="int32"), "int32"),
    (T((1, 3), dtype="uint32"), "uint32"),
    (T((1, 3), dtype="bool"), "bool"),
)


def every_type() -> bytes:
    """Each input turned round (of one row: as it is, where TFLM turns no such type); outputs in the other order."""
    tensors = [tensor for tensor, _ in TYPES]
    flipped = [T(t.shape, t.scale, t.zero, dtype=t.dtype) for t in tensors]
    count = len(tensors)
    axes = [graphs.constant(np.array([0], np.int32))]
    ops = [
        O("RESHAPE", [i], [count + i], {"newShape": list(t.shape)})
        if t.dtype == "uint32"
        else O("REVERSE_V2", [i, 2 * count], [count + i])
        for i, t in enumerate(tensors)
    ]
    outputs = [count + i for i in reversed(range(count))]
    return graphs.build([*tensors, *flipped, *axes], ops, list(range(count)), outputs)


def several_floats() -> bytes:
    """Two float inputs behind QUANTIZE; of the float outputs the second is read by an operator too."""
    tensors = [
        T((2, 4), dtype="float32"),
        T((2, 4), dtype="float32"),
        T((2, 4), 0.05, 3),
        T((2, 4), 0.05, 3, dtype="int8"),
        T((2, 4), 0.05, 3),
        T((2, 4), dtype="float32"),
        T((2, 4), 0.05, 3),
        T((2, 4), dtype="float32"),
        T((2, 4), dtype="float32"),
    ]
    ops = [
        O("QUANTIZE", [0], [2]),
        O("QUANTIZE", [1], [3]),
        O("MAXIMUM", [2, 3], [4]),
        O("DEQUANTIZE", [4], [5]),
        O("RELU", [4], [6]),
        O("DEQUANTIZE", [6], [7]),
        O("NEG", [7], [8]),
    ]
    return graphs.build(tensors, ops, [1, 0], [5, 7, 8])


def test_each_float_end_is_cut_off_for_itself() -> None:
    model = tflite.parse(several_floats(), "floats")
    assert [op.index for op in model.boundary] == [0, 1, 3]
    assert (model.inputs, model.outputs) == ((3, 2), (4, 7, 8))


def test_the_file_is_cut_likewise() -> None:
    """The whole file fed with reals gives what the cut one gives for their codes."""
    data = several_floats()
    model = tflite.parse(data, "floats")
    codes = [np.random.default_rng(i).integers(-128, 128, (5, 2, 4), np.int8) for i in range(2)]
    reals = [wire.real(rows, tensor) for rows, tensor in zip(codes, model.input_tensors, strict=True)]
    with HostModel(model) as host:
        made = host.run(*codes)
    whole = graphs.wheel_all(data, zip(*reals, strict=True), outputs=3)
    cut = graphs.wheel_all(model.data, zip(*codes, strict=True), outputs=3)
    for k in range(5):
        np.testing.assert_array_equal(wire.real(made[0][k], model.output_tensors[0]), whole[k][0].ravel())
        for i in range(3):
            np.testing.assert_array_equal(made[i][k], cut[k][i].ravel())
            if i:
                np.testing.assert_array_equal(made[i][k], whole[k][i].ravel())


@pytest.mark.parametrize("backend", ["aot", "tflm", "litert"])
def test_every_type_goes_in_and_comes_out(backend: Backend) -> None:
    if backend != "aot":
        pytest.importorskip(
            {"tflm": "tflite_micro", "litert": "ai_edge_litert"}[backend],
            reason=f"the extra '{backend}' is not installed",
        )
    model = tflite.parse(every_type(), "types")
    sent = np.random.default_rng(0).integers(0, 2, (4, wire.input_bytes(model, None)), np.uint8)
    inputs = wire.to_tensors(None, sent.tobytes(), model)
    outputs = backends.infer(backend, model, inputs)
    for (_, dtype), given, made in zip(TYPES, inputs, reversed(outputs), strict=True):
        assert str(made.dtype) == dtype
        np.testing.assert_array_equal(made.reshape(given.shape), given[:, ::-1])


@pytest.mark.parametrize("name", ["host", pytest.param("nucleo-l4r5zi", marks=pytest.mark.slow)])
def test_compare_sees_every_value(name: str) -> None:
    if name != "host":
        pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    model = tflite.parse(every_type(), "types")
    (row,) = compare(board.load(name), [model], ["aot"])
    assert (row.mismatches, row.values) == (0, 3 * sum(tensor.elements for tensor in model.output_tensors))


@pytest.mark.slow
def test_a_code_is_cast_to_uint32_under_every_warning(tmp_path: Path) -> None:
    """The cross compiler looks through a cast of a code to the sum that it is part of."""
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    tensors = [T((1, 6), dtype="int8"), T((1, 6), dtype="uint32")]
    model = tflite.parse(graphs.build(tensors, [O("CAST", [0], [1])], [0], [1]), "cast")
    machine = m4.Machine(m4.build(ENGINE.generate(model, Target(cores.load("cortex-m4")), {}), tmp_path), model)
    codes = np.array([-128, -1, 0, 1, 77, 127], np.int8)
    np.testing.assert_array_equal(machine.infer(codes), codes.astype(np.uint32))


@pytest.mark.slow
def test_a_foreign_image_says_what_it_takes(tmp_path: Path) -> None:
    """`profile --image` and `emulate --image`, without the model's file."""
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    chosen = board.load("nucleo-l4r5zi")
    image = build.build(chosen, tflite.parse(every_type(), "types"), benchmark=None, engine="aot", folder=tmp_path)
    assert profile.profile(chosen, image.path, None, None).instructions_per_inference


@pytest.mark.slow
def test_every_layer_of_a_model_of_floats_has_its_cost() -> None:
    """The core stops in front of a floating-point instruction that runs for the first time; it is counted once."""
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    floats = [T((1, 8), dtype="float32")] * 3
    data = graphs.build(floats, [O("ADD", [0, 0], [1]), O("LOGISTIC", [1], [2])], [0], [2])
    chosen = board.load("nucleo-l4r5zi")
    model = tflite.parse(data, "floats")
    image = build.build(chosen, model, benchmark=None, engine="aot")
    cost = profile.profile(chosen, image.path, image, model)
    assert all(8 < (layer.instructions or 0) <= layer.cycles for layer in cost.layers)
    assert sum(layer.instructions or 0 for layer in cost.layers) < (cost.instructions_per_inference or 0)


def test_a_file_holds_all_inputs_of_a_sample(tmp_path: Path) -> None:
    """The model adds its inputs, one int8 and one int8 of other size, and gives three scores."""
    tensors = [T((1, 3), 1.0), T((1, 1), 1.0), T((1, 3), 1.0)]
    (tmp_path / "m.tflite").write_bytes(graphs.build(tensors, [O("ADD", [0, 1], [2])], [1, 0], [2]))
    data = tmp_path / "data"
    data.mkdir()
    for k in range(3):
        codes = np.array([k, *(10 if i == k else 0 for i in range(3))], np.int8)
        (data / f"{k}.bin").write_bytes(codes.tobytes())
    (data / "y_labels.csv").write_text("0.bin,3,0\n1.bin,3,1\n2.bin,3,1\n")
    found = tinyperf.evaluate(model=tmp_path / "m.tflite", data=data, backend="aot")
    assert found.value == pytest.approx(2 / 3)
    assert found.samples == 3


def test_what_tflm_loads_and_does_not_run_is_refused() -> None:
    """A SPLIT of uint8 is prepared, and fails when it runs."""
    pytest.importorskip("tflite_micro", reason="the tflite-micro wheel is absent")
    axis = graphs.constant(np.array([1], np.int32))
    tensors = [axis, *(T((1, n), 0.1, dtype="uint8") for n in (4, 2, 2))]
    model = tflite.parse(graphs.build(tensors, [O("SPLIT", [0, 1], [2, 3], {"num_splits": 2})], [1], [2, 3]), "split")
    with pytest.raises(ModelError, match="backend 'tflm' refuses split"):
        backends.infer("tflm", model, [np.zeros((1, 1, 4), np.uint8)])


def test_top1_of_several_outputs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(several_floats())
    (tmp_path / "0.bin").write_bytes(bytes(16))
    (tmp_path / "y_labels.csv").write_text("0.bin,24,0\n")
    with pytest.raises(ModelError, match="has 3 output tensors"):
        tinyperf.evaluate(model=tmp_path / "m.tflite", data=tmp_path, backend="aot")


def test_a_benchmark_may_have_uint8_inputs_and_one_tensor_only() -> None:
    """The pixel is the code: nothing is shifted."""
    quantization = tflite.Quantization((1 / 255,), (0,))
    given = tflite.Tensor(0, "in", (1, 32, 32, 3), "uint8", quantization)
    made = tflite.Tensor(1, "out", (1, 10), "float32", None)
    model = Model("ic", "0" * 64, 1, (given, made), (), (0,), (1,))
    wire.check_model(model, BENCHMARKS["ic"])
    (codes,) = wire.to_tensors(BENCHMARKS["ic"], bytes(range(256)) * 12, model)
    assert codes.ravel()[:256].tolist() == list(range(256))
    with pytest.raises(ModelError, match="it has 2 input tensors, ic has one"):
        wire.check_model(
            replace(model, tensors=(given, made, replace(given, index=2)), inputs=(0, 2)), BENCHMARKS["ic"]
        )
