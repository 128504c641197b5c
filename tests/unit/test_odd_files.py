"""Files that are legal, or that TFLM takes, and that few writers make: the wheel's outputs, or one true sentence."""

from __future__ import annotations

import copy
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests import graphs, m4
from tests.flatbuffer import write
from tests.graphs import O, T, constant
from tests.some import some
from tinyperf import board, cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.host import HostModel
from tinyperf.errors import ModelError
from tinyperf.firmware import render

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest.importorskip("tflite_micro", reason="the tflite-micro wheel is for Linux x86-64")

M4 = Target(cores.load("cortex-m4"))
HOST = Target(cores.load("host"))
RANDOM = np.random.default_rng(18)
Change = Any  # or a function that changes the dictionary of a file


def written(tensors: list[T], ops: list[O], inputs: list[int], outputs: list[int], change: Change) -> bytes:
    """The file after `change` has had its dictionary."""
    model = copy.deepcopy(graphs.model(graphs.G(tensors, ops, inputs, outputs)))
    change(model)
    return write(model)


def codes(*shape: int) -> Any:
    return RANDOM.integers(-127, 128, shape).astype(np.int8)


def biases(count: int) -> Any:
    return RANDOM.integers(-3000, 3000, count).astype(np.int32)


def fully_connected(change: Change, scales: float | list[float] = 0.01, *, inputs: int = 4, outputs: int = 8) -> bytes:
    tensors = [
        T((1, inputs), 0.02, -7),
        constant(codes(outputs, inputs), scales),
        T((1, outputs), 0.03, 5),
        constant(biases(outputs), 0.0002),
    ]
    return written(tensors, [O("FULLY_CONNECTED", [0, 1, 3], [2])], [0], [2], change)


POOL = {"padding": 1, "strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2}
WINDOW = {"padding": 0, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}


def conv(change: Change, scales: float | list[float] = 0.01, axis: int = 0) -> bytes:
    tensors = [
        T((1, 5, 5, 4), 0.02, -7),
        constant(codes(4, 3, 3, 4), scales, axis=axis),
        T((1, 5, 5, 4), 0.03, 5),
        constant(biases(4), [0.0002] * 4),
    ]
    return written(tensors, [O("CONV_2D", [0, 1, 3], [2], WINDOW)], [0], [2], change)


def depthwise(change: Change, scales: float | list[float] = 0.01, axis: int = 3) -> bytes:
    tensors = [
        T((1, 5, 5, 4), 0.02, -7),
        constant(codes(1, 3, 3, 4), scales, axis=axis),
        T((1, 5, 5, 4), 0.03, 5),
        constant(biases(4), [0.0002] * 4),
    ]
    options = WINDOW | {"depthMultiplier": 1}
    return written(tensors, [O("DEPTHWISE_CONV_2D", [0, 1, 3], [2], options)], [0], [2], change)


def unary(kind: str, change: Change, shape: tuple[int, ...] = (1, 20)) -> bytes:
    same = kind == "RESHAPE"
    tensors = [T(shape, 0.1, 5), T(shape, 0.1 if same else 0.3, 5)]
    return written(tensors, [O(kind, [0], [1])], [0], [1], change)


def add(change: Change, first: T, second: T, shape: tuple[int, ...], order: tuple[int, int] = (0, 1)) -> bytes:
    return written([first, second, T(shape, 0.15, -3)], [O("ADD", list(order), [2])], [0], [2], change)


def mean(
    change: Change, shape: tuple[int, ...], axes: list[int], made: tuple[int, ...], *, keep: bool = False
) -> bytes:
    tensors = [T(shape, 0.1, 4), constant(np.array(axes, np.int32)), T(made, 0.07, -9)]
    return written(tensors, [O("MEAN", [0, 1], [2], {"keepDims": keep})], [0], [2], change)


def as_is(_model: Change) -> None:
    """The file as every writer makes it."""


def new_code_only(model: dict[str, Any]) -> None:
    for code in model["operator_codes"]:
        code["deprecated_builtin_code"] = 0


def old_code_only(model: dict[str, Any]) -> None:
    for code in model["operator_codes"]:
        del code["builtin_code"]


def without_options(model: dict[str, Any]) -> None:
    for op in model["subgraphs"][0]["operators"]:
        del op["builtin_options"]


def foreign_options(model: dict[str, Any]) -> None:
    """An option table of another operator: TFLM takes the defaults then."""
    for op in model["subgraphs"][0]["operators"]:
        op["builtin_options"] = ("Pool2DOptions", {"stride_w": 3, "stride_h": 2, "padding": 1})


def changed(index: int, **fields: Any) -> Callable[[dict[str, Any]], None]:
    """Fields of tensor `index`, of its quantization where it has them there."""

    def change(model: dict[str, Any]) -> None:
        tensor = model["subgraphs"][0]["tensors"][index]
        for name, value in fields.items():
            (tensor if name in {"type", "buffer", "is_variable", "shape"} else tensor["quantization"])[name] = value

    return change


def zero_points(count: int) -> Callable[[dict[str, Any]], None]:
    """So many in the weights, whatever the number of scales."""
    return changed(1, zero_point=[0] * count)


def bias_axis(axis: int) -> Callable[[dict[str, Any]], None]:
    return changed(3, quantized_dimension=axis)


def option(name: str, value: int) -> Callable[[dict[str, Any]], None]:
    def change(model: dict[str, Any]) -> None:
        model["subgraphs"][0]["operators"][0]["builtin_options"][1][name] = value

    return change


def maximum(change: Change) -> bytes:
    tensors = [T((1, 20), 0.1, 5), T((1, 20), 0.1, 5, codes(1, 20)), T((1, 20), 0.1, 5)]
    return written(tensors, [O("MAXIMUM", [0, 1], [2])], [0], [2], change)


def box(kind: str, size_kind: str = "") -> bytes:
    """SLICE with begin and size of these types."""
    begin, size = np.array([0, 1, 0], kind), np.array([1, 2, -1], size_kind or kind)
    tensors = [T((1, 4, 3), 0.1, 5), constant(begin), constant(size), T((1, 2, 3), 0.1, 5)]
    return written(tensors, [O("SLICE", [0, 1, 2], [3])], [0], [3], as_is)


def halves(kind: str, axis: Any, shape: tuple[int, ...] = (1, 2, 3)) -> bytes:
    """SPLIT or SPLIT_V of [1, 4, 3] into two outputs of `shape`."""
    tensors = [T((1, 4, 3), 0.1, 5), constant(axis), T(shape, 0.1, 5), T(shape, 0.1, 5)]
    inputs = [1, 0]
    if kind == "SPLIT_V":
        tensors.append(constant(np.array([2, 2], np.int32)))
        inputs = [0, 4, 1]
    return written(tensors, [O(kind, inputs, [2, 3], {"numSplits": 2})], [0], [3], as_is)


def no_bytes(shape: list[int]) -> Callable[[dict[str, Any]], None]:
    """The constant has that shape and an empty buffer."""

    def change(model: dict[str, Any]) -> None:
        model["subgraphs"][0]["tensors"][1] |= {"shape": shape, "buffer": 0}

    return change


def spare(bytes_of: dict[str, Any], **fields: Any) -> Callable[[dict[str, Any]], None]:
    """One more tensor, which nothing names, on one more buffer."""

    def change(model: dict[str, Any]) -> None:
        model["subgraphs"][0]["tensors"].append(
            {"name": "spare", "shape": [4], "type": 9, "buffer": len(model["buffers"])} | fields
        )
        model["buffers"].append(bytes_of)

    return change


def negative_code(model: dict[str, Any]) -> None:
    """One more operator code, which no operator has."""
    model["operator_codes"].append({"builtin_code": -1, "deprecated_builtin_code": -1})


def scratch(model: dict[str, Any]) -> None:
    """An input that nothing makes, as Vela adds them."""
    model["subgraphs"][0]["operators"][0]["inputs"].append(len(model["subgraphs"][0]["tensors"]))
    model["subgraphs"][0]["tensors"].append({"name": "scratch", "shape": [64], "type": 3, "buffer": 0})


def unused_subgraph(model: dict[str, Any]) -> None:
    model["subgraphs"].append({"tensors": [], "operators": [], "inputs": [], "outputs": [], "name": "extra"})


def code(new: int, old: int) -> Callable[[dict[str, Any]], None]:
    def change(model: dict[str, Any]) -> None:
        model["operator_codes"][0] |= {"builtin_code": new, "deprecated_builtin_code": old}

    return change


def no_such_code(model: dict[str, Any]) -> None:
    model["subgraphs"][0]["operators"][0]["opcode_index"] = 4


def short_weights(model: dict[str, Any]) -> None:
    model["buffers"][1]["data"] = model["buffers"][1]["data"][:-3]


def behind_the_file(model: dict[str, Any]) -> None:
    model["buffers"][1] = {"offset": 4096, "size": 32}


MANY = [0.01, 0.002, 0.03, 0.004]
SCALAR = T((), 0.1, 7, np.array(50, np.int8))
RUNS = [
    pytest.param(fully_connected(new_code_only), id="FULLY_CONNECTED in the new field only"),
    pytest.param(conv(new_code_only), id="CONV_2D in the new field only"),
    pytest.param(unary("RELU", new_code_only), id="RELU in the new field only"),
    *(
        pytest.param(
            written(
                [T((1, 20), 0.1, 5), T((1, 20), 0.1, 5, codes(1, 20)), T((1, 20), 0.1, 5)],
                [O(kind, [0, 1], [2])],
                [0],
                [2],
                new_code_only,
            ),
            id=f"{kind} in the new field only",
        )
        for kind in ("MUL", "SUB", "MAXIMUM")
    ),
    pytest.param(unary("QUANTIZE", new_code_only), id="QUANTIZE in the new field only"),
    pytest.param(mean(new_code_only, (1, 4, 3), [1], (1, 3)), id="MEAN in the new field only"),
    pytest.param(fully_connected(old_code_only), id="FULLY_CONNECTED in the old field only"),
    pytest.param(fully_connected(without_options), id="FULLY_CONNECTED without options"),
    pytest.param(unary("RESHAPE", without_options), id="RESHAPE without options"),
    pytest.param(fully_connected(foreign_options), id="FULLY_CONNECTED with another's options"),
    pytest.param(fully_connected(code(9, -56)), id="FULLY_CONNECTED, an old code that is none"),
    pytest.param(mean(without_options, (1, 4, 3), [1], (1, 3)), id="MEAN without options"),
    pytest.param(add(without_options, T((1, 8), 0.1, 0), constant(codes(1, 8), 0.2), (1, 8)), id="ADD without options"),
    pytest.param(fully_connected(zero_points(1), MANY * 2), id="FULLY_CONNECTED, one zero point for 8 scales"),
    pytest.param(fully_connected(zero_points(3), MANY * 2), id="FULLY_CONNECTED, 3 zero points for 8 scales"),
    pytest.param(conv(zero_points(1), MANY), id="CONV_2D, one zero point for 4 scales"),
    pytest.param(conv(zero_points(9), MANY), id="CONV_2D, 9 zero points for 4 scales"),
    pytest.param(depthwise(zero_points(1), MANY), id="DEPTHWISE_CONV_2D, one zero point for 4 scales"),
    pytest.param(depthwise(bias_axis(3), MANY), id="DEPTHWISE_CONV_2D, bias axis 3"),
    pytest.param(conv(bias_axis(3), MANY), id="CONV_2D, bias axis 3"),
    pytest.param(conv(bias_axis(-1), MANY), id="CONV_2D, bias axis -1"),
    pytest.param(fully_connected(bias_axis(7), MANY * 2), id="FULLY_CONNECTED, bias axis 7"),
    pytest.param(conv(as_is, MANY, axis=3), id="CONV_2D, scales along another dimension of that size"),
    pytest.param(conv(as_is, 0.01, axis=9), id="CONV_2D, one scale along an axis that is not there"),
    pytest.param(mean(as_is, (1, 5, 4, 3), [], (1, 5, 4, 3), keep=True), id="MEAN over no axis"),
    pytest.param(mean(as_is, (1, 6), [], (1, 6)), id="MEAN over no axis, two dimensions"),
    pytest.param(mean(as_is, (1, 6), [0, 1], ()), id="MEAN to a scalar"),
    pytest.param(unary("RELU", as_is, ()), id="RELU of a scalar"),
    pytest.param(unary("RELU6", as_is, ()), id="RELU6 of a scalar"),
    pytest.param(unary("QUANTIZE", as_is, ()), id="QUANTIZE of a scalar"),
    pytest.param(add(as_is, T((1, 4, 3), 0.1, 5), SCALAR, (1, 4, 3)), id="ADD of a scalar constant"),
    pytest.param(add(as_is, T((1, 4, 3), 0.1, 5), SCALAR, (1, 4, 3), (1, 0)), id="ADD to a scalar constant"),
    pytest.param(add(as_is, T((), 0.1, 5), SCALAR, ()), id="ADD of two scalars"),
    pytest.param(add(as_is, T((), 0.1, 5), constant(codes(2, 3), 0.2), (2, 3)), id="ADD of a scalar and an image"),
    pytest.param(fully_connected(unused_subgraph), id="a subgraph that nothing calls"),
    pytest.param(maximum(changed(2, quantized_dimension=1)), id="MAXIMUM, one scale along another dimension"),
    pytest.param(maximum(changed(0, quantized_dimension=-9)), id="MAXIMUM, one scale along no dimension"),
    pytest.param(box("int64"), id="SLICE by int64"),
    pytest.param(fully_connected(negative_code), id="an unused code that is none"),
    *(
        pytest.param(fully_connected(spare(buffer, **fields)), id=f"an unused tensor, {what}")
        for what, buffer, fields in (
            ("of 12 dimensions", {}, {"shape": [1] * 12}),
            ("of 16 GB", {}, {"shape": [2**31 - 1, 8]}),
            ("of open shape", {"data": bytes(4)}, {"shape": [-1]}),
            ("behind the file", {"offset": 2**40, "size": 4}, {}),
            ("too few bytes", {"data": bytes(3)}, {}),
            ("scale nan", {}, {"quantization": {"scale": [float("nan")], "zero_point": [0]}}),
        )
    ),
    *(
        pytest.param(fully_connected(as_is, inputs=i, outputs=o), id=f"{i} bytes in, {o} out")
        for i, o in [(1, 1), (1, 4), (2, 3), (3, 2), (4, 1)]
    ),
]


@pytest.mark.parametrize("data", some(RUNS, 6))
def test_outputs_equal_the_wheel(data: bytes, tmp_path: Path) -> None:
    model = tflite.parse(data, "odd")
    samples = np.random.default_rng(1).integers(-128, 128, (6, *model.input.shape), np.int8)
    samples[0], samples[1] = -128, 127
    expected = graphs.wheel(data, samples)
    assert len(np.unique(expected)) > 1
    with HostModel(model) as host:
        np.testing.assert_array_equal(host.run(samples)[0], expected)
    machine = m4.Machine(m4.build(ENGINE.generate(model, M4, {}), tmp_path), model)
    np.testing.assert_array_equal(np.stack([machine.infer(s) for s in samples]), expected)


REFUSED = [
    pytest.param(unary("TILE", new_code_only), "op 0 TILE is not supported", id="TILE in the new field only"),
    pytest.param(unary("POW", new_code_only), "op 0 POW is not supported", id="POW in the new field only"),
    pytest.param(unary("RELU", code(0, -56)), "deprecated_builtin_code -56: no operator", id="negative code"),
    pytest.param(unary("RELU", code(-3, 19)), "builtin_code -3 and .* no operator", id="negative new code"),
    pytest.param(unary("RELU", code(18, 0)), "op 0 MUL: 1 inputs and 1 outputs", id="RELU that became MUL"),
    pytest.param(unary("RELU", code(999, 127)), r"op 0 \(builtin operator 999\) is not", id="unknown code"),
    pytest.param(
        conv(option("fused_activation_function", 77)),
        "op 0 CONV_2D: 77; rule: The fused activation",
        id="unknown activation",
    ),
    pytest.param(conv(option("padding", 9)), "op 0 CONV_2D: padding 9; rule: Padding is SAME", id="unknown padding"),
    pytest.param(conv(without_options), "op 0 CONV_2D: kernel .* stride .0, 0.", id="CONV_2D without options"),
    pytest.param(conv(changed(1, type=99)), r"weights are \(type 99\)", id="unknown type"),
    pytest.param(
        conv(changed(1, buffer=99)), "damaged: tensor 1 't1', field buffer: 99 of 3 buffers", id="no such buffer"
    ),
    pytest.param(
        maximum(changed(1, shape=[-5, -4])), "damaged: tensor 1 't1', field shape: .-5, -4.", id="two negative sizes"
    ),
    pytest.param(
        maximum(no_bytes([0, 2**31 - 1, 2**31 - 1])), "tensor 1 't1' has shape .0, 2147483647", id="empty and endless"
    ),
    pytest.param(maximum(no_bytes([0, 20])), "tensor 1 't1' is int8 of shape .0, 20.", id="an operand of no elements"),
    pytest.param(
        maximum(changed(1, scale=[0.2])),
        "op 0 MAXIMUM: tensor 1 has scale 0.2 and zero point 5, the output scale 0.1 and zero point 5; rule",
        id="two scales",
    ),
    pytest.param(
        maximum(changed(1, scale=[0.1] * 20)),
        "op 0 MAXIMUM: tensor 1 has 20 scales, the output.*; rule",
        id="scale by element",
    ),
    pytest.param(
        fully_connected(changed(0, scale=[0.02] * 4)),
        "input tensor 0 't0' is int8 with 4 scales; supported: one scale",
        id="four scales at the input",
    ),
    pytest.param(
        unary("RELU6", changed(0, scale=[1e-40])),
        "op 0 RELU6: tensor 0 't0' has scale 1e-40",
        id="6 / scale is endless",
    ),
    *(
        pytest.param(
            graphs.build(
                [T((1, 4, 4, 2), 0.1, 5), T((1, 2, 2, 3), 0.1, 5)],
                [O(kind, [0], [1], POOL)],
                [0],
                [1],
            ),
            f"op 0 {kind}: 2 channels in, 3 out; rule",
            id=f"{kind} that makes a channel",
        )
        for kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D")
    ),
    pytest.param(
        written([T((1, 4), 0.1), T((1, 4), 0.1)], [O("CUSTOM", [0], [1], None, "a\x1b[31m\nb")], [0], [1], as_is),
        r"op 0 CUSTOM a\\x1b.31m\\nb is not supported",
        id="a name that a terminal would obey",
    ),
    pytest.param(
        fully_connected(spare({}, buffer=99)), "damaged: tensor 4, field buffer: 99 of 4", id="unused, no such buffer"
    ),
    *(
        pytest.param(
            graphs.build(
                [T((1, 4, 4, 2), 0.1, 5), T((1, 2, 2, 2), 0.1, 5)],
                [O("AVERAGE_POOL_2D", [0], [1], POOL | {"padding": 0, name: size})],
                [0],
                [1],
            ),
            f"op 0 AVERAGE_POOL_2D: stride .*{size}.*16 bits",
            id=f"{name} {size}",
        )
        for name, size in (("filterHeight", 2**15), ("strideW", 2**16))
    ),
    pytest.param(
        unary("RELU", as_is, (1, 0)), "the model's input 0 't0' has shape .1, 0., so it holds nothing", id="nothing"
    ),
    pytest.param(box("int16"), "op 0 SLICE: begin is int16, size int16; rule", id="SLICE by int16"),
    pytest.param(box("int64", "int32"), "op 0 SLICE: begin is int64, size int32; rule", id="SLICE by two types"),
    *(
        pytest.param(halves(kind, axis, shape), f"op 0 {kind}: {seen}", id=f"{kind} along {axis!r} to {shape}")
        for kind in ("SPLIT", "SPLIT_V")
        for axis, shape, seen in (
            (np.array(1, np.int64), (1, 2, 3), "input .1, 4, 3., axis tensor 1 is int64 1; rule"),
            (np.array([3], np.int32), (1, 2, 3), "input .1, 4, 3., axis tensor 1 is int32 .3.; rule"),
            (np.array(1, np.int32), (6,), ".1, 4, 3. to ..6., .6.. along axis 1; rule"),
        )
    ),
    pytest.param(conv(no_such_code), "damaged: op 0, field opcode_index: 4 of 1", id="no such code"),
    pytest.param(conv(short_weights), "damaged: tensor 1 't1', field shape: .* of 141 bytes", id="too few bytes"),
    pytest.param(
        conv(behind_the_file), "tensor 1 't1': its data stand behind the flatbuffer", id="data behind the file"
    ),
    pytest.param(
        conv(changed(1, scale=[float("nan")])), "damaged: tensor 1 't1', field quantization.scale: nan", id="scale nan"
    ),
    pytest.param(
        fully_connected(changed(3, scale=[0.5])),
        "bias tensor 3 has scale 0.5, input x weight",
        id="bias of another scale",
    ),
    pytest.param(conv(as_is, MANY, axis=1), "4 scales along axis 1 of .4, 3, 3, 4.", id="scales along the height"),
    pytest.param(conv(as_is, MANY, axis=5), "4 scales along axis 5 of .4, 3, 3, 4.", id="scales along no dimension"),
    pytest.param(
        written([T((1, 4), 0.1), T((1, 4), 0.1)], [O("CUSTOM", [0], [1], None, "ethos-u")], [0], [1], scratch),
        "op 0 CUSTOM ethos-u is not supported .*: code for an Arm Ethos-U NPU; .*before Vela",
        id="a model for an NPU",
    ),
    pytest.param(
        unary("RELU", scratch), "damaged: op 0 RELU, field inputs: tensor 2 is made by no earlier", id="made by nothing"
    ),
    pytest.param(unary("RELU", changed(0, is_variable=True)), "kept from inference to inference", id="state"),
    pytest.param(
        graphs.build(
            [T((1, 4), 0.1, 0), T((1, 4), 0.1, 0), T((1, 4), 0.1, 0), T((1, 4), 0.1, 0)],
            [O("TILE", [0], [1]), O("POW", [1], [2]), O("SOFTMAX", [2], [3], {"beta": 1.0})],
            [0],
            [3],
        ),
        "op 0 TILE is not supported by engine 'aot': .*\nop 1 POW is not supported.*\nop 2 SOFTMAX: output",
        id="several reasons",
    ),
    pytest.param(
        graphs.build(
            [T((1, 4), [0.1] * 4, [0] * 4, axis=1, variable=True), T((1, 4), 0.1, 0)],
            [O("RELU", [0], [1])],
            [0],
            [1],
        ),
        "input tensor 0 't0' is kept from inference .*; input tensor 0 't0' is int8 with 4 scales",
        id="several reasons at the ends",
    ),
]


@pytest.mark.parametrize(("data", "seen"), REFUSED)
def test_one_true_sentence_for_each_reason(data: bytes, seen: str) -> None:
    with pytest.raises(ModelError, match=seen) as caught:
        ENGINE.generate(tflite.parse(data, "odd"), HOST, {})
    assert all(line.startswith("op ") for line in caught.value.seen.splitlines()[1:])
    assert caught.value.hint


@pytest.mark.parametrize(
    ("data", "tensor"),
    [
        pytest.param(fully_connected(zero_points(0)), "tensor 1 't1'", id="FULLY_CONNECTED"),
        pytest.param(depthwise(zero_points(0), MANY), "tensor 1 't1'", id="DEPTHWISE_CONV_2D"),
    ],
)
def test_weights_without_zero_point_warn(data: bytes, tensor: str) -> None:
    made = ENGINE.generate(tflite.parse(data, "odd"), HOST, {})
    assert len(made.warnings) == 1
    assert f"{tensor} has a scale and no zero point" in made.warnings[0]


@pytest.mark.parametrize("elements", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 3, 4))])
@pytest.mark.parametrize("compiler", [("gcc",), ("arm-none-eabi-gcc", *m4.M4)], ids=["host", "cortex-m4"])
def test_firmware_of_few_bytes_compiles(compiler: tuple[str, ...], elements: int, tmp_path: Path) -> None:
    if not shutil.which(compiler[0]):
        pytest.skip(f"{compiler[0]} is not on PATH")
    model = tflite.parse(fully_connected(as_is, inputs=elements, outputs=elements), "few")
    target = board.load("host")
    files = render.render(target, model, ENGINE.generate(model, HOST, {}), benchmark=None).files
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    sources = sorted(str(path) for path in (tmp_path / "src" / "app").glob("*.c"))
    argv = [*compiler, *m4.STRICT, "-O2", "-Isrc", "-Isrc/app", "-Isrc/mcu", "-c", *sources]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
