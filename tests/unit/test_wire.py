"""The codes that cross the serial line: by hand, and against C's own rounding."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyperf import wire
from tinyperf.benchmark import BENCHMARKS, Benchmark
from tinyperf.errors import ModelError
from tinyperf.tflite import Model, Quantization, Tensor

KWS, VWW, IC, AD = (BENCHMARKS[name] for name in ("kws", "vww", "ic", "ad"))


def tensor(scale: float, zero_point: int, shape: tuple[int, ...], dtype: str = "int8") -> Tensor:
    return Tensor(0, "t", shape, dtype, Quantization((scale,), (zero_point,)))


def model_of(ends: list[Tensor]) -> Model:
    """Each of them an input and an output."""
    tensors = tuple(replace(end, index=i) for i, end in enumerate(ends))
    indices = tuple(range(len(ends)))
    return Model("own.tflite", "0" * 64, 1, tensors, (), indices, indices)


def codes_of(benchmark: Benchmark, sent: bytes, end: Tensor) -> list[int]:
    (codes,) = wire.to_tensors(benchmark, sent, model_of([end]))
    assert codes.shape[1:] == end.shape
    found: list[int] = codes.ravel().tolist()
    return found


@given(scale=st.floats(2**-6, 10, width=32), zero_point=st.integers(-128, 127))
def test_requantized_input_codes_round_half_away_from_zero(scale: float, zero_point: int) -> None:
    wanted = tensor(scale, zero_point, (1, 490))
    expected = []
    for code in [*range(128), *range(-128, 0)]:
        steps = float(np.float32(np.float32(code - 83) * np.float32(KWS.wire_scale)) / np.float32(scale))
        rounded = math.copysign(math.floor(abs(steps) + 0.5), steps)  # exact: a float32 in float64
        expected.append(int(np.clip(rounded + zero_point, -128, 127)))
    if (np.float32(scale), zero_point) != (np.float32(KWS.wire_scale), KWS.wire_zero_point):
        assert wire.input_codes(KWS, wanted).tolist() == expected


def test_pixels_are_shifted() -> None:
    assert wire.input_codes(VWW, tensor(1 / 255, -128, (1, 96, 96, 3))).tolist() == list(range(-128, 128))
    assert wire.input_codes(VWW, tensor(1 / 255, 0, (1, 96, 96, 3), "uint8")).tolist() == list(range(256))


@given(scale=st.floats(2**-10, 2**90, width=32), zero_point=st.integers(-128, 127))
def test_results_round_as_printf_does(scale: float, zero_point: int) -> None:
    codes = np.arange(-128, 128, dtype=np.int8)
    (shown,) = wire.printed(model_of([tensor(scale, zero_point, (256,))]), [codes[None]])
    real = [float(np.float32(scale) * np.float32(code - zero_point)) for code in range(-128, 128)]
    assert shown.tolist() == [float(f"{r:.3f}") for r in real]


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        pytest.param(127, "0.996", id="the greatest softmax code is 255/256"),
        pytest.param(-128, "0.000", id="the least is zero"),
        pytest.param(-112, "0.062", id="0.0625 rounds half to even, down"),
        pytest.param(-80, "0.188", id="0.1875 rounds half to even, up"),
    ],
)
def test_printed_values(code: int, printed: str) -> None:
    value = wire.printed(model_of([tensor(1 / 256, -128, (1, 1))]), [np.array([[code]], np.int8)])
    assert value.tolist() == [[float(printed)]]


def test_outputs_are_printed_one_behind_the_other_each_by_its_type() -> None:
    plain = Tensor(0, "t", (2,), "int32", None)
    ends = [tensor(0.5, 3, (1, 2), "uint8"), plain, replace(plain, dtype="float32"), replace(plain, dtype="bool")]
    rows = [[[3, 4]], [[-7, 2**31 - 1]], [[0.0625, -1e30]], [[True, False]]]
    arrays = [np.array(row, t.dtype) for row, t in zip(rows, ends, strict=True)]
    expected = [0, 0.5, -7, 2**31 - 1, 0.062, float(np.float32(-1e30)), 1, 0]
    assert wire.printed(model_of(ends), arrays).tolist() == [expected]


def test_inputs_lie_one_behind_the_other_in_the_order_of_the_model() -> None:
    ends = [tensor(1.0, 0, (1, 3)), replace(tensor(1.0, 0, (2,)), dtype="int16"), Tensor(0, "t", (), "float32", None)]
    sent = bytes([1, 2, 255]) + np.array([-2, 300], "<i2").tobytes() + np.array(0.5, "<f4").tobytes()
    given = wire.to_tensors(None, 2 * sent, model_of(ends))
    assert [a.tolist() for a in given] == [[[[1, 2, -1]]] * 2, [[-2, 300]] * 2, [0.5] * 2]
    assert [str(a.dtype) for a in given] == ["int8", "int16", "float32"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        pytest.param({"shape": (1, 489)}, "has 489 elements, kws has 490", id="wrong-size"),
        pytest.param({"dtype": "float32"}, "is float32", id="float"),
        pytest.param({"quantization": None}, "without quantization", id="not-quantized"),
    ],
)
def test_a_model_of_another_kind_is_refused(changed: dict[str, object], words: str) -> None:
    ends = (tensor(0.58, 83, (1, 490)), replace(tensor(1 / 256, -128, (1, 12)), index=1))
    good = Model("kws.tflite", "0" * 64, 1, ends, (), (0,), (1,))
    odd = replace(good, tensors=(replace(good.input, **changed), good.output))  # type: ignore[arg-type]  # a table's values
    with pytest.raises(ModelError, match=re.escape(words)):
        wire.check_model(odd, KWS)


@given(st.floats(width=32, min_value=-1e6, max_value=1e6))
def test_three_decimals_are_what_printf_prints(value: float) -> None:
    assert wire.three_decimals(np.array([value], np.float32))[0] == float(f"{value:.3f}")


def test_pixels_become_codes_whatever_the_scale() -> None:
    sent = bytes([0, 127, 255])
    assert codes_of(IC, sent, tensor(1.0, -128, (1, 3))) == [-128, -1, 127]
    assert codes_of(IC, sent, tensor(1 / 128, 0, (1, 3))) == [-128, -1, 127]


def test_kws_codes_are_copied_or_quantized_anew() -> None:
    sent = np.array([-128, 83, 84, 127], np.int8).tobytes()
    reference = tensor(KWS.wire_scale, 83, (1, 4))
    assert codes_of(KWS, sent, reference) == [-128, 83, 84, 127]
    assert codes_of(KWS, sent, tensor(2 * KWS.wire_scale, 0, (1, 4))) == [-106, 0, 1, 22]


def test_floats_round_half_away_from_zero_and_saturate() -> None:
    sent = np.array([0.5, -0.5, 0.49999997, 1.5, 1000, -1000], "<f4").tobytes()
    assert codes_of(AD, sent, tensor(1.0, 10, (1, 6))) == [11, 9, 10, 12, 127, -128]


def test_several_windows_stack() -> None:
    assert len(codes_of(IC, bytes(12), tensor(1.0, -128, (1, 2, 3)))) == 12
