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
from tinyperf.benchmark import BENCHMARKS
from tinyperf.errors import ModelError
from tinyperf.tflite import Model, Quantization, Tensor

KWS, VWW, IC, AD = (BENCHMARKS[name] for name in ("kws", "vww", "ic", "ad"))


def tensor(scale: float, zero_point: int, shape: tuple[int, ...]) -> Tensor:
    return Tensor(0, "t", shape, "int8", Quantization((scale,), (zero_point,)))


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


def test_pixels_are_shifted_and_own_bytes_kept() -> None:
    assert wire.input_codes(VWW, tensor(1 / 255, -128, (1, 96, 96, 3))).tolist() == list(range(-128, 128))
    own = wire.input_codes(None, tensor(0.58, 83, (1, 490))).tolist()
    assert own == [*range(128), *range(-128, 0)]


@given(scale=st.floats(2**-10, 1000, width=32), zero_point=st.integers(-128, 127))
def test_results_round_as_printf_does(scale: float, zero_point: int) -> None:
    output = tensor(scale, zero_point, (1, 1))
    shown = [f"{m / 1000:.3f}" for m in wire.output_milli(output)]
    real = [float(np.float32(scale) * np.float32(code - zero_point)) for code in range(-128, 128)]
    assert shown == [f"{r:.3f}".replace("-0.000", "0.000") for r in real]


def test_results_beyond_32_bits_are_refused() -> None:
    output = tensor(1e6, 0, (1, 1))
    with pytest.raises(ModelError, match="too large"):
        wire.output_milli(output)


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
    assert wire.to_tensor(IC, sent, tensor(1.0, -128, (1, 3))).tolist() == [[-128, -1, 127]]
    assert wire.to_tensor(IC, sent, tensor(1 / 128, 0, (1, 3))).tolist() == [[-128, -1, 127]]


def test_kws_codes_are_copied_or_quantized_anew() -> None:
    sent = np.array([-128, 83, 84, 127], np.int8).tobytes()
    reference = tensor(KWS.wire_scale, 83, (1, 4))
    assert wire.to_tensor(KWS, sent, reference).tolist() == [[-128, 83, 84, 127]]
    assert wire.to_tensor(KWS, sent, tensor(2 * KWS.wire_scale, 0, (1, 4))).tolist() == [[-106, 0, 1, 22]]


def test_floats_round_half_away_from_zero_and_saturate() -> None:
    sent = np.array([0.5, -0.5, 0.49999997, 1.5, 1000, -1000], "<f4").tobytes()
    assert wire.to_tensor(AD, sent, tensor(1.0, 10, (1, 6))).tolist() == [[11, 9, 10, 12, 127, -128]]


def test_several_windows_stack() -> None:
    assert wire.to_tensor(IC, bytes(12), tensor(1.0, -128, (1, 2, 3))).shape == (2, 2, 3)
