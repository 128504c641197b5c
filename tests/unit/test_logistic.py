"""LOGISTIC: all 256 codes over many scales, and what is refused."""

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


def logistic(scale: float, zero: int, made: float = 1 / 256, made_zero: int = -128) -> bytes:
    tensors = [T((1, 256), float(np.float32(scale)), zero), T((1, 256), made, made_zero)]
    return graphs.build(tensors, [O("LOGISTIC", [0], [1])], [0], [1])


@pytest.mark.parametrize("zero", [-128, 0, 46, 127])
@pytest.mark.parametrize("scale", [*EXTREMES, *(10 ** np.random.default_rng(0).uniform(-3, 0.5, 40)).tolist()])
def test_every_code_equals_the_wheel(scale: float, zero: int) -> None:
    data = logistic(scale, zero)
    (made,) = interpret(lower(tflite.parse(data, "logistic")), CODES)
    np.testing.assert_array_equal(made.reshape(1, -1), graphs.wheel(data, CODES))


def test_c_equals_the_wheel(tmp_path: Path) -> None:
    data = logistic(0.05, -3)
    model, expected = tflite.parse(data, "logistic"), graphs.wheel(data, CODES)
    with HostModel(model) as host:
        np.testing.assert_array_equal(host.run(CODES), expected)
    machine = m4.Machine(m4.build(ENGINE.generate(model, M4, {}), tmp_path), model)
    np.testing.assert_array_equal(machine.infer(CODES[0]), expected[0])


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        pytest.param(logistic(0.1, 0, 1 / 128), "output", id="output scale"),
        pytest.param(logistic(0.1, 0, 1 / 256, 0), "output", id="output zero point"),
        pytest.param(logistic(2.0**-28, 0), "input scale 3.7", id="input scale"),
    ],
)
def test_refused(data: bytes, seen: str) -> None:
    with pytest.raises(ModelError, match=f"op 0 LOGISTIC: {seen}"):
        ENGINE.generate(tflite.parse(data, "logistic"), M4, {})
