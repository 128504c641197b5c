"""Models that were converted for other runtimes: refused by both engines, each with what to do instead."""

from __future__ import annotations

import numpy as np
import pytest

from tests import graphs
from tests.graphs import O, T, constant
from tinyperf import cores, tflite
from tinyperf.engines import Target, conversion, engine
from tinyperf.errors import ModelError

M4 = Target(cores.load("cortex-m4"))


def real(*shape: int) -> T:
    return T(shape, dtype="float32")


WEIGHTS = constant(np.ones((4, 4), np.int8), 0.01)
HALF = T((4, 4), data=np.ones((4, 4), np.float16), dtype="float16")
DENSE = [O("FULLY_CONNECTED", [0, 1, -1], [2])]
CASES = [
    pytest.param([real(1, 4), WEIGHTS, real(1, 4)], DENSE, [0], [2], conversion.HYBRID, id="hybrid"),
    pytest.param(
        [real(1, 4), HALF, real(4, 4), real(1, 4)],
        [O("DEQUANTIZE", [1], [2]), O("FULLY_CONNECTED", [0, 2, -1], [3])],
        [0],
        [3],
        conversion.HALF,
        id="float16 weights",
    ),
    pytest.param(
        [T((1, 4), 0.1, dtype="uint8"), constant(np.ones((4, 4), np.uint8), 0.01), T((1, 4), 0.1, dtype="uint8")],
        DENSE,
        [0],
        [2],
        conversion.OLD,
        id="uint8",
    ),
    pytest.param(
        [T((1, 4), 0.1), WEIGHTS, T((4, 4), 0.01), T((1, 4), 0.1)],
        [O("DENSIFY", [1], [2]), O("FULLY_CONNECTED", [0, 2, -1], [3])],
        [0],
        [3],
        conversion.SPARSE,
        id="sparse",
    ),
    pytest.param(
        [real(1, 4), real(1, 4)], [O("CUSTOM", [0], [1], None, "FlexErf")], [0], [1], conversion.FLEX, id="flex"
    ),
]


@pytest.mark.parametrize("name", ["aot", "tflm"])
@pytest.mark.parametrize(("tensors", "ops", "inputs", "outputs", "advice"), CASES)
def test_the_conversion_is_named(
    name: str, tensors: list[T], ops: list[O], inputs: list[int], *, outputs: list[int], advice: str
) -> None:
    model = tflite.parse(graphs.build(tensors, ops, inputs, outputs), "odd")
    with pytest.raises(ModelError) as caught:
        engine(name).footprints(model, [M4], {})
    assert advice in caught.value.hint
    assert f"op 0 {ops[0].kind}" in caught.value.seen
    assert "--engine tflm" not in caught.value.hint


def test_a_model_that_runs_gets_no_advice() -> None:
    tensors = [T((1, 4), 0.1), WEIGHTS, T((1, 4), 0.1)]
    assert conversion.advice(tflite.parse(graphs.build(tensors, DENSE, [0], [2]), "int8")) == []
