"""The model reader: what it reads, and one sentence for everything it cannot."""

from __future__ import annotations

import contextlib
import struct
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import graphs
from tests.data import REFERENCE, find
from tests.flatbuffer import write
from tests.some import some
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.operators import all_operators
from tinyperf.engines.aot.operators._sample import Random
from tinyperf.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path


def small(**changed: Any) -> bytes:
    """A fully connected layer of 4 inputs and 2 outputs; `changed` replaces parts of it."""
    parts: dict[str, Any] = {
        "tensors": [
            graphs.T((1, 4), 0.5, 3),
            graphs.constant(np.arange(8, dtype=np.int8).reshape(2, 4), 0.25),
            graphs.T((1, 2), 0.75, -4),
        ],
        "ops": [graphs.O("FULLY_CONNECTED", [0, 1], [2])],
        "inputs": [0],
        "outputs": [2],
    } | changed
    return bytes(graphs.build(parts["tensors"], parts["ops"], parts["inputs"], parts["outputs"]))


@pytest.mark.parametrize(("name", "ops"), [("kws", 13), ("vww", 31), ("ic", 16), ("ad", 10)])
def test_reference_models(name: str, ops: int) -> None:
    model = tflite.load(find(REFERENCE[name]))
    assert len(model.ops) == ops
    assert model.input.dtype == model.output.dtype == "int8"


def test_kws_in_detail() -> None:
    model = tflite.load(find(REFERENCE["kws"]))
    first = model.ops[0]
    weights = model.tensors[first.inputs[1]]
    assert first.kind == "CONV_2D"
    assert first.options == {
        "padding": "SAME",
        "stride_w": 2,
        "stride_h": 2,
        "fused_activation_function": "RELU",
        "dilation_w_factor": 1,
        "dilation_h_factor": 1,
        "quantized_bias_type": 0,
    }
    assert weights.shape == (64, 10, 4, 1)
    assert weights.quantization is not None
    assert len(weights.quantization.scale) == 64
    assert weights.data is not None
    assert not weights.data.flags.writeable


def test_small_graph() -> None:
    model = tflite.parse(small(), "small")
    assert model.input.quantization == tflite.Quantization((0.5,), (3,))
    assert [(op.kind, op.inputs, op.outputs) for op in model.ops] == [("FULLY_CONNECTED", (0, 1), (2,))]


@pytest.mark.parametrize(
    ("kind", "written", "read"),
    [
        pytest.param("LOGISTIC", {}, {}, id="none"),
        pytest.param("REDUCE_MAX", {"keep_dims": True}, {"keep_dims": True}, id="a table of another name"),
        pytest.param("RESHAPE", {"new_shape": [1, 4]}, {"new_shape": (1, 4)}, id="a vector"),
        pytest.param("VAR_HANDLE", {"shared_name": "v"}, {"shared_name": "v", "container": None}, id="a text"),
        pytest.param(
            "CONCATENATION",
            {"axis": -1, "fused_activation_function": 3},
            {"axis": -1, "fused_activation_function": "RELU6"},
            id="an enumeration",
        ),
        pytest.param(
            "RESIZE_BILINEAR",
            {"align_corners": True},
            {"align_corners": True, "half_pixel_centers": False},
            id="a default",
        ),
    ],
)
def test_options_of_any_operator(kind: str, written: dict[str, Any], read: dict[str, Any]) -> None:
    data = small(ops=[graphs.O(kind, [0], [2], written)])
    assert tflite.parse(data, "small").ops[0].options == read


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        pytest.param(b"", "is empty", id="empty file"),
        pytest.param(b"hello, world", "does not hold 'TFL3'", id="text file"),
        pytest.param(b"\x10\0\0\0TFL2" + bytes(100), "does not hold 'TFL3'", id="older identifier"),
        pytest.param(b"\x10\0\0\0TFL3", "damaged", id="header only"),
        pytest.param(b"\xff\xff\xff\x7fTFL3" + bytes(100), "damaged", id="root far outside"),
        pytest.param(b"\x08\0\0\0TFL3" + bytes(100), "0 subgraphs", id="zeros"),
    ],
)
def test_no_model_at_all(data: bytes, seen: str) -> None:
    with pytest.raises(ModelError, match=seen):
        tflite.parse(data, "x")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot read model"):
        tflite.load(tmp_path / "absent.tflite")
    with pytest.raises(ModelError, match="is a directory"):
        tflite.load(tmp_path)


def test_a_constant_whose_buffer_is_filled_up_is_read() -> None:
    """As TFLM does; some writers end every buffer at a word."""
    tensors = [graphs.T((1, 4), 0.1), graphs.constant(np.array([[0, 0], [1, 1]], np.int32))]
    tensors += [graphs.constant(np.array(3, np.int8), 0.1), graphs.T((1, 6), 0.1)]
    model = graphs.model(graphs.G(tensors, [graphs.O("PADV2", [0, 1, 2], [3])], [0], [3]))
    model["buffers"][2]["data"] += b"\0\0\0"
    value = tflite.parse(write(model), "filled").tensors[2]
    assert value.data is not None
    assert value.data.tolist() == 3


def test_many_dimensions_are_read() -> None:
    shape = (1,) * 8 + (4,)
    tensors = [graphs.T((1, 4), 0.1), graphs.constant(np.array(shape, np.int32)), graphs.T(shape, 0.1)]
    file = graphs.build(tensors, [graphs.O("RESHAPE", [0, 1], [2])], [0], [2])
    assert tflite.parse(file, "many").output.shape == shape


def test_a_hybrid_model_is_refused() -> None:
    with pytest.raises(ModelError, match=r"weights are int8.*hybrid"):
        ENGINE.generate(
            tflite.load(find("reference_models/kws_ref_model_float32.tflite")), Target(cores.load("host")), {}
        )


def compile_bytes(data: bytes) -> None:
    model = tflite.parse(data, "bad")
    ENGINE.generate(model, Target(cores.load("host")), {})


FC = (graphs.T((1, 4), 0.5, 3), graphs.constant(np.ones((2, 4), np.int8), 0.25), graphs.T((1, 2), 0.75, -4))
IMAGE = graphs.T((1, 4, 4, 2), 0.5, 0)
REFUSED = [
    pytest.param({"inputs": [0, 1]}, "input tensor 1 't1' holds data", id="two inputs"),
    pytest.param(
        {"tensors": [graphs.T((1, 4), 0.5, 3, np.ones((1, 4), np.int8)), *FC[1:]]},
        "input tensor 0 't0' holds data of its own",
        id="input that is a constant",
    ),
    pytest.param(
        {"ops": [graphs.O("FULLY_CONNECTED", [0, 1], [2]), graphs.O("RELU", [0], [])]},
        "op 1 RELU: 1 inputs and 0 outputs",
        id="op without an output",
    ),
    pytest.param({"ops": [graphs.O("SHAPE", [], [2])]}, "op 0 SHAPE: 0 inputs and 1 outputs", id="op without an input"),
    pytest.param({"outputs": []}, "has no output tensor", id="no output"),
    pytest.param({"outputs": [77]}, "output tensors", id="output that does not exist"),
    pytest.param(
        {"ops": [graphs.O("FULLY_CONNECTED", [0, 2], [2])]}, "op 0 FULLY_CONNECTED", id="reads its own output"
    ),
    pytest.param({"ops": [graphs.O("FULLY_CONNECTED", [0, 99], [2])]}, "op 0 FULLY_CONNECTED", id="no such tensor"),
    pytest.param({"ops": [graphs.O("TILE", [0], [2])]}, "op 0 TILE is not supported by engine 'aot'", id="unknown op"),
    pytest.param(
        {"tensors": [graphs.T((1, -1), 0.5, 3), *FC[1:]]}, "open shape.*every dimension fixed", id="open dimension"
    ),
    pytest.param(
        {"tensors": [graphs.T((2, 4), 0.5, 3), *FC[1:]]}, "op 0 FULLY_CONNECTED: output .* for 2 rows", id="batch 2"
    ),
    pytest.param({"tensors": [*FC[:2], graphs.T((1, 3), 0.75, -4)]}, "op 0 FULLY_CONNECTED: weights", id="wrong size"),
    pytest.param({"tensors": [graphs.T((1, 4), 0.5, 3, dtype="int16"), *FC[1:]]}, "int16 to int8", id="int16 input"),
    pytest.param({"tensors": [graphs.T((1, 4)), *FC[1:]]}, "has no scale", id="input without scale"),
    pytest.param(
        {"tensors": [FC[0], graphs.T((2, 4), 0.25, 5, np.ones((2, 4), np.int8)), FC[2]]},
        "zero points.*Weights have a scale, and zero points of 0",
        id="asymmetric weights",
    ),
    pytest.param(
        {"tensors": [FC[0], graphs.constant(np.ones((2, 4), np.float32)), FC[2]]}, "weights are float32", id="hybrid"
    ),
    pytest.param(
        {
            "tensors": [IMAGE, graphs.T((1, 4, 4, 2), 0.25, 0)],
            "ops": [
                graphs.O(
                    "MAX_POOL_2D",
                    [0],
                    [1],
                    {"padding": 0, "strideH": 1, "strideW": 1, "filterHeight": 2, "filterWidth": 2},
                )
            ],
            "outputs": [1],
        },
        "scales 0.5 and 0.25",
        id="pool that rescales",
    ),
    pytest.param(
        {
            "tensors": [FC[0], graphs.T((1, 4), 0.01, 0)],
            "ops": [graphs.O("SOFTMAX", [0], [1], {"beta": 1.0})],
            "outputs": [1],
        },
        "op 0 SOFTMAX.*1/256",
        id="softmax in another scale",
    ),
]


@pytest.mark.parametrize(("changed", "seen"), REFUSED)
def test_refused_in_a_sentence_for_each_reason(changed: dict[str, Any], seen: str) -> None:
    with pytest.raises(ModelError, match=seen) as caught:
        compile_bytes(small(**changed))
    assert a_sentence_for_each_reason(caught.value.seen)
    assert caught.value.hint


def test_float_ends_are_cut_off() -> None:
    """The converter's default: QUANTIZE first, DEQUANTIZE last. Equal to the wheel on the codes in between."""
    tensors = [graphs.T((1, 4), dtype="float32"), *FC, graphs.T((1, 2), dtype="float32")]
    ops = [
        graphs.O("QUANTIZE", [0], [1]),
        graphs.O("FULLY_CONNECTED", [1, 2], [3]),
        graphs.O("DEQUANTIZE", [3], [4]),
    ]
    model = tflite.parse(graphs.build(tensors, ops, [0], [4]), "float ends")
    assert [op.kind for op in model.ops] == ["FULLY_CONNECTED"]
    assert [op.kind for op in model.boundary] == ["QUANTIZE", "DEQUANTIZE"]
    assert (model.input.index, model.output.index) == (1, 3)


def test_shape_arithmetic_is_folded() -> None:
    """What Keras writes for a variable batch before RESHAPE: SHAPE, STRIDED_SLICE, PACK."""
    one = graphs.constant(np.array([0], np.int32)), graphs.constant(np.array([1], np.int32))
    tensors = [
        graphs.T((1, 2, 2), 0.5, 3),
        graphs.T((3,), dtype="int32"),
        *one,
        graphs.constant(np.array([1], np.int32)),
        graphs.T((), dtype="int32"),
        graphs.constant(np.array(4, np.int32)),
        graphs.T((2,), dtype="int32"),
        graphs.T((1, 4), 0.5, 3),
        *FC[1:],
    ]
    ops = [
        graphs.O("SHAPE", [0], [1], {"outType": 2}),
        graphs.O("STRIDED_SLICE", [1, 2, 3, 4], [5], {"shrinkAxisMask": 1}),
        graphs.O("PACK", [5, 6], [7], {"valuesCount": 2, "axis": 0}),
        graphs.O("RESHAPE", [0, 7], [8]),
        graphs.O("FULLY_CONNECTED", [8, 9], [10]),
    ]
    model = tflite.parse(graphs.build(tensors, ops, [0], [10]), "open batch")
    made = ENGINE.generate(model, Target(cores.load("host")), {})
    assert [layer.op for layer in made.layers] == ["RESHAPE", "FULLY_CONNECTED"]


def test_lone_relu6_warns() -> None:
    tensors = [graphs.T((1, 4), 0.5, 3), graphs.T((1, 4), 0.25, 3)]
    model = tflite.parse(graphs.build(tensors, [graphs.O("RELU6", [0], [1])], [0], [1]), "relu6")
    made = ENGINE.generate(model, Target(cores.load("host")), {})
    assert len(made.warnings) == 1
    assert "op 0 RELU6 stands alone" in made.warnings[0]


def a_sentence_for_each_reason(seen: str) -> bool:
    """One line, or, where an engine refuses the ends, several operators or rules, a line for each."""
    first, *others = seen.split("\n")
    return not others or (first.startswith(("op ", "model '")) and all(line.startswith("op ") for line in others))


def never_more_than_a_sentence(data: bytes) -> None:
    started = time.monotonic()
    seen = ""
    try:
        compile_bytes(data)
    except ModelError as error:
        seen = error.seen
    assert a_sentence_for_each_reason(seen)
    assert time.monotonic() - started < 10


def cut(data: bytes, length: int) -> bytes:
    return data[: length % len(data)]


def flipped(data: bytes, bits: list[int]) -> bytes:
    changed = bytearray(data)
    for bit in bits:
        changed[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(changed)


@settings(deadline=None, max_examples=150, derandomize=True, database=None)
@given(length=st.integers(0, 2**16))
def test_truncated(length: int) -> None:
    never_more_than_a_sentence(cut(small(), length))


@settings(deadline=None, max_examples=400, derandomize=True, database=None)
@given(bits=st.lists(st.integers(0, 2**16), min_size=1, max_size=4))
def test_flipped_bits(bits: list[int]) -> None:
    never_more_than_a_sentence(flipped(small(), bits))


@pytest.mark.parametrize("kind", some([kind for kind, operator in all_operators().items() if operator.sample], 6))
def test_damaged_files_of_every_operator(kind: str) -> None:
    sample = all_operators()[kind].sample
    assert sample is not None
    for seed in range(40):
        random = Random(seed)
        data = bytearray(graphs.sampled(sample(random)))
        for _ in range(random.integer(1, 3)):
            data[random.integer(0, len(data) - 1)] = random.pick(0, 1, 2, 127, 128, 255, random.integer(0, 255))
        with contextlib.suppress(ModelError):
            compile_bytes(bytes(data))


WORDS = (0, 1, 2**7, 2**15, 2**31, 2**31 - 1, 2**32 - 1, 2**32 - 128)


THOROUGHLY_CHANGED = {"CONV_2D", "FULLY_CONNECTED", "CONCATENATION", "STRIDED_SLICE"}


@pytest.mark.parametrize(
    "kind",
    [
        kind if kind == "CONCATENATION" else pytest.param(kind, marks=pytest.mark.slow)
        for kind, operator in all_operators().items()
        if operator.sample
    ],
)
def test_every_word_changed(kind: str) -> None:
    """One after the other, for every operator: sizes, offsets, types, scales, options and constants.

    Of a few operators every word in two ways; of each of the others every second word in one, since most of a file says
    the same whatever the operator.
    """
    sample, random = all_operators()[kind].sample, Random(7)
    assert sample is not None
    data = graphs.sampled(sample(random))
    thorough = kind in THOROUGHLY_CHANGED
    first = 0 if thorough else random.pick(0, 4)
    for at in range(first, min(len(data), 1600), 4 if thorough else 8):
        flipped_bit = int.from_bytes(data[at : at + 4], "little") ^ 1 << random.integer(0, 31)
        words = (random.pick(*WORDS), flipped_bit)
        for word in words if thorough else (random.pick(*words),):
            never_more_than_a_sentence(data[:at] + struct.pack("<I", word) + data[at + 4 :])


@settings(deadline=None, max_examples=200, derandomize=True, database=None)
@given(data=st.binary(max_size=200))
def test_any_bytes_behind_the_identifier(data: bytes) -> None:
    never_more_than_a_sentence(data[:4].ljust(4, b"\0") + b"TFL3" + data[4:])


@pytest.mark.slow
@settings(deadline=None, max_examples=100, derandomize=True, database=None)
@given(bits=st.lists(st.integers(0, 2**24), min_size=1, max_size=3), length=st.integers(0, 2**24))
def test_damaged_reference_model(bits: list[int], length: int) -> None:
    data = find(REFERENCE["kws"]).read_bytes()
    # The structure stands at the end of this file, the weights before it.
    near_the_end = [len(data) * 8 - 1 - bit % (24 * 1024 * 8) for bit in bits]
    never_more_than_a_sentence(flipped(data, near_the_end))
    never_more_than_a_sentence(cut(data, length))
