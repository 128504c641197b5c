"""Operators that are a table: all 256 codes over many scales, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import graphs, m4
from tests.graphs import O, T
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.host import HostModel
from tinyperf.engines.aot.interpret import interpret
from tinyperf.engines.aot.passes.lower import lower
from tinyperf.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

M4 = Target(cores.load("cortex-m4"))
CODES = np.arange(-128, 128, dtype=np.int8).reshape(1, 1, 256)
EXTREMES = [2.0**-27, 2.0**-26, 2.0**-20, 1e-4, 2.0**-7, 0.0625, 0.125, 0.153, 1.0, 15.0, 16.0, 17.0, 300.0, 1e6]


Output = tuple[float, int]
SIGMOIDS: dict[str, Output] = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}


def sigmoid(kind: str, scale: float, zero: int, made: Output | None = None) -> bytes:
    tensors = [T((1, 256), float(np.float32(scale)), zero), T((1, 256), *(made or SIGMOIDS[kind]))]
    return graphs.build(tensors, [O(kind, [0], [1])], [0], [1])


@pytest.mark.parametrize("zero", [-128, 0, 46, 127])
@pytest.mark.parametrize("scale", [*EXTREMES, *(10 ** np.random.default_rng(0).uniform(-3, 0.5, 40)).tolist()])
@pytest.mark.parametrize("kind", SIGMOIDS)
def test_every_code_equals_the_wheel(kind: str, scale: float, zero: int) -> None:
    data = sigmoid(kind, scale, zero)
    (made,) = interpret(lower(tflite.parse(data, kind)), CODES)
    np.testing.assert_array_equal(made.reshape(1, -1), graphs.wheel(data, CODES))


@pytest.mark.parametrize("kind", SIGMOIDS)
def test_c_equals_the_wheel(kind: str, tmp_path: Path) -> None:
    data = sigmoid(kind, 0.05, -3)
    model, expected = tflite.parse(data, kind), graphs.wheel(data, CODES)
    with HostModel(model) as host:
        np.testing.assert_array_equal(host.run(CODES)[0], expected)
    machine = m4.Machine(m4.build(ENGINE.generate(model, M4, {}), tmp_path), model)
    np.testing.assert_array_equal(machine.infer(CODES[0]), expected[0])


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        pytest.param(
            sigmoid("LOGISTIC", 0.1, 0, (1 / 128, -128)), "op 0 LOGISTIC: the output has", id="scale of LOGISTIC"
        ),
        pytest.param(
            sigmoid("LOGISTIC", 0.1, 0, (1 / 256, 0)), "op 0 LOGISTIC: the output has", id="zero point of LOGISTIC"
        ),
        pytest.param(sigmoid("LOGISTIC", 2.0**-28, 0), "op 0 LOGISTIC: input scale 3.7", id="input of LOGISTIC"),
        pytest.param(sigmoid("TANH", 0.1, 0, (1 / 256, 0)), "op 0 TANH: the output has", id="scale of TANH"),
        pytest.param(sigmoid("TANH", 2.0**-28, 0), "op 0 TANH: input scale 3.7", id="input of TANH"),
    ],
)
def test_refused(data: bytes, seen: str) -> None:
    with pytest.raises(ModelError, match=seen):
        ENGINE.generate(tflite.parse(data, "sigmoid"), M4, {})


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("kind", ["HARD_SWISH", "LEAKY_RELU"])
def test_every_code_of_any_output_equals_the_wheel(kind: str, seed: int) -> None:
    """Every other ratio of scales lies next to one at which products are half way between two codes."""
    random = np.random.default_rng(seed)
    made = np.float32(10 ** random.uniform(-3, 0))
    given = np.float32(made * (10 ** random.uniform(-1, 1) if seed % 2 else random.choice([0.75, 1.5, 2.5, 0.375])))
    zeros = random.integers(-128, 128, 2).tolist()
    tensors = [T((1, 256), float(given), zeros[0]), T((1, 256), float(made), zeros[1])]
    options = {"alpha": float(random.choice([0.0, 0.1, 0.2, 0.3, 0.01, 1.5]))} if kind == "LEAKY_RELU" else {}
    data = graphs.build(tensors, [O(kind, [0], [1], options)], [0], [1])
    (output,) = interpret(lower(tflite.parse(data, kind)), CODES)
    np.testing.assert_array_equal(output.reshape(1, -1), graphs.wheel(data, CODES))
