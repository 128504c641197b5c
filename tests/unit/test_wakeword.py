"""Streaming wakeword: the front end here and in the firmware, and the model that takes a frame at a time."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import graphs
from tests.graphs import O, T
from tests.unit.test_frontends import noise
from tinyperf import content, cores, tflite, wakeword
from tinyperf.engines import Target
from tinyperf.engines.aot.host import compiler
from tinyperf.engines.aot.interpret import interpret
from tinyperf.engines.aot.passes import compiled
from tinyperf.engines.stepwise import stepwise
from tinyperf.firmware import streaming

if TYPE_CHECKING:
    from pathlib import Path

SCALE = 0.003701042616739869


def test_features_are_tensorflows() -> None:
    """Expected: get_lfbe_func of the reference under TensorFlow 2.21, on the same noise behind 512 zeros."""
    found = wakeword.features(noise(4 * 512) // 8)
    assert found.shape == (4, 40)
    assert found.dtype == np.float32
    expected = FEATURES
    assert found[[0, 1, 2, 3], [0, 7, 20, 39]].tolist() == pytest.approx(expected, abs=2e-6)


FEATURES = [0.0, 0.2589338421821594, 0.5194944143295288, 0.7342391610145569]


@pytest.mark.parametrize(
    ("audio", "codes"),
    [
        pytest.param(np.zeros(512, np.int16), {-128}, id="silence is the least code"),
        pytest.param(np.full(511, 99, np.int16), set(), id="less than a frame is none"),
        pytest.param((32767 * np.sin(np.arange(2048) * 0.4)).astype(np.int16), {127}, id="the loudest stay at 127"),
    ],
)
def test_codes_stay_in_range(audio: np.ndarray[tuple[int], np.dtype[np.int16]], codes: set[int]) -> None:
    found = wakeword.codes(wakeword.features(audio), SCALE)
    assert codes <= set(found.ravel().tolist())
    assert len(found) == len(audio) // 512


def test_before_the_first_frame_stand_zeros() -> None:
    frames = np.arange(1, 81, dtype=np.int8).reshape(2, 40)
    first, second = wakeword.inputs(frames)
    assert first[:29].any() == 0
    assert first[29].tolist() == frames[0].tolist()
    assert second[28:].tolist() == frames.tolist()


MAIN = """
#include <stdio.h>
#include "tp_features.h"
int main(void)
{
    int16_t samples[2 * TP_HOP_SAMPLES];
    int8_t codes[TP_MELS];
    tp_features_reset();
    while (fread(samples, sizeof samples, 1, stdin) == 1) {
        tp_features(samples, 2, codes);
        (void)fwrite(codes, sizeof codes, 1, stdout);
    }
    return 0;
}
"""


@pytest.mark.slow
def test_the_firmwares_front_end_gives_the_same_codes(tmp_path: Path) -> None:
    """Single precision and an FFT of its own: of these codes none differs, of 150,000 of speech and noise one, by 1."""
    folder = content.shipped("firmware_templates") / "streaming"
    (tmp_path / "main.c").write_text(MAIN)
    (tmp_path / "tables.c").write_text(streaming.tables("test"))
    (tmp_path / "tp_config.h").write_text(f"#define TP_FEATURE_SCALE {SCALE}f\n#define TP_FEATURE_ZERO_POINT (-128)\n")
    flags = ("-O2", "-std=c99", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", f"-I{tmp_path}", f"-I{folder}")
    sources = (str(folder / "tp_features.c"), str(tmp_path / "tables.c"), str(tmp_path / "main.c"))
    subprocess.run([*compiler(), *flags, *sources, "-o", str(tmp_path / "front_end")], check=True)
    loud = noise(200 * 512)
    audio = (loud * np.geomspace(1e-4, 1.0, len(loud))).astype(np.int16)
    stereo = np.stack([audio, loud], axis=1).astype("<i2").tobytes()
    made = subprocess.run([str(tmp_path / "front_end")], input=stereo, capture_output=True, check=True).stdout
    expected = wakeword.codes(wakeword.features(audio), SCALE)
    assert (np.frombuffer(made, np.int8).reshape(-1, 40) != expected).sum() == 0


def chain() -> list[T]:
    rng = np.random.default_rng(5)

    def weights(*shape: int) -> T:
        return graphs.constant(rng.integers(-127, 128, shape).astype(np.int8), 0.02)

    def bias(count: int) -> T:
        return graphs.constant(rng.integers(-500, 500, count).astype(np.int32), 0.05 * 0.02)

    made = [T((1, 6, 1, 4), 0.05, -3), weights(1, 3, 1, 4), bias(4), T((1, 4, 1, 4), 0.05, 5)]
    made += [weights(5, 1, 1, 4), bias(5), T((1, 4, 1, 5), 0.05, -2)]
    return [*made, weights(3, 4, 1, 5), bias(3), T((1, 1, 1, 3), 0.05), T((1, 1, 1, 3), 1 / 256, -128)]


CONVOLUTION = {"padding": 1, "strideW": 1, "strideH": 1, "dilationWFactor": 1, "dilationHFactor": 1}
DEPTHWISE = O("DEPTHWISE_CONV_2D", [0, 1, 2], [3], CONVOLUTION | {"depthMultiplier": 1})
POINTWISE = O("CONV_2D", [3, 4, 5], [6], CONVOLUTION)
LAST = O("CONV_2D", [6, 7, 8], [9], CONVOLUTION)
SOFTMAX = O("SOFTMAX", [9], [10], {"beta": 1.0})


def test_a_frame_at_a_time_gives_what_the_whole_window_gives() -> None:
    model = tflite.parse(graphs.build(chain(), [DEPTHWISE, POINTWISE, LAST, SOFTMAX], [0], [10]), "chain")
    stepped = stepwise(model)
    assert stepped is not None
    assert stepped.input.shape == (1, 1, 1, 4)
    target = Target(cores.load("host"))
    frames = np.random.default_rng(6).integers(-128, 128, (20, 4)).astype(np.int8)
    windows = np.lib.stride_tricks.sliding_window_view(frames, 6, axis=0).transpose(0, 2, 1).reshape(-1, 1, 6, 1, 4)
    (whole,) = interpret(compiled(model, target, channels=True), np.ascontiguousarray(windows))
    (made,) = interpret(compiled(stepped, target, channels=True), frames.reshape(-1, 1, 1, 1, 4))
    assert len(np.unique(whole)) > 3
    np.testing.assert_array_equal(made.reshape(20, 3)[5:], whole.reshape(15, 3))


@pytest.mark.parametrize(
    "ops",
    [
        pytest.param([DEPTHWISE, POINTWISE, LAST, O("ADD", [9, 9], [10])], id="then anything"),
        pytest.param([DEPTHWISE, POINTWISE, LAST, SOFTMAX], id="a chain"),
    ],
)
def test_the_form_that_can_be_stepped(ops: list[O]) -> None:
    assert stepwise(tflite.parse(graphs.build(chain(), ops, [0], [10]), "chain")) is not None


@pytest.mark.parametrize(
    "ops",
    [
        pytest.param([O("RESHAPE", [0], [10], {"newShape": [1, 1, 1, 24]})], id="no convolution"),
        pytest.param([DEPTHWISE, POINTWISE, O("ADD", [6, 6], [10])], id="a layer between"),
        pytest.param([DEPTHWISE, O("ADD", [3, 3], [10])], id="frames left at the end"),
    ],
)
def test_another_form_is_left_alone(ops: list[O]) -> None:
    tensors = chain()
    tensors[10] = T(tensors[ops[-1].inputs[0]].shape, 0.1)
    if ops[0].kind == "RESHAPE":
        tensors[10] = T((1, 1, 1, 24), 0.05, -3)
    assert stepwise(tflite.parse(graphs.build(tensors, ops, [0], [10]), "other")) is None
