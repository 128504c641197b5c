"""Variable tensors: what goes from inference to inference is the wheel's, whoever reads and writes it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests import graphs
from tests.graphs import O, T
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot.host import HostModel
from tinyperf.engines.aot.interpret import interpret
from tinyperf.engines.aot.operators import all_operators
from tinyperf.engines.aot.operators._sample import Random, Sample
from tinyperf.engines.aot.passes import compiled, stages
from tinyperf.engines.aot.passes.place import place
from tinyperf.errors import ModelError

M4 = Target(cores.load("cortex-m4"))
SVDF = O("SVDF", [0, 1, 2, 3, 4], [5], {"rank": 1})
STATE = T((1, 12), 0.05, 7, variable=True)


def weights(seed: int, *shape: int) -> T:
    return graphs.constant(np.random.default_rng(seed).integers(-127, 128, shape).astype(np.int8), 0.01)


def tensors(state: T = STATE) -> list[T]:
    """Of an SVDF [1, 6] -> [1, 4] with three frames, and three more for operators behind it."""
    bias = graphs.constant(np.zeros(4, np.int32), 0.05 * 0.01)
    made = T((1, 4), 0.05, 2)
    rest = [made, replace(STATE, variable=False), T((1, 12), 0.1), made]
    return [T((1, 6), 0.05, -3), weights(1, 4, 6), weights(2, 4, 3), bias, state, *rest]


def named() -> O:
    return O("RESHAPE", [4], [6], {"newShape": [1, 12]})


DATA = np.arange(12, dtype=np.int8)[None]
FILES = {
    "the state of an SVDF": graphs.build(tensors(), [SVDF], [0], [5]),
    "bytes of the file are not looked at": graphs.build(tensors(replace(STATE, data=DATA)), [SVDF], [0], [5]),
    "read behind its operator": graphs.build(tensors(), [SVDF, named(), O("ADD", [6, 6], [7])], [0], [7]),
    "read before its operator": graphs.build(tensors(), [named(), SVDF, O("ADD", [6, 6], [7])], [0], [7]),
    "the model's output": graphs.build(tensors(), [SVDF], [0], [4]),
    "written twice": graphs.build(tensors(), [SVDF, O("SVDF", [0, 1, 2, 3, 4], [8], {"rank": 1})], [0], [8]),
    "never written": graphs.build([T((1, 12), 0.05), STATE, T((1, 12), 0.05)], [O("ADD", [0, 1], [2])], [0], [2]),
}


@pytest.mark.parametrize("name", FILES)
def test_every_pass_equals_the_wheel(name: str) -> None:
    model = tflite.parse(FILES[name], "variable")
    samples = np.random.default_rng(3).integers(-128, 128, (8, *model.input.shape)).astype(np.int8)
    expected = graphs.wheel(FILES[name], samples)
    assert len(np.unique(expected)) > 1
    for after, graph in stages(model, M4):
        (made,) = interpret(graph, samples)
        np.testing.assert_array_equal(made.reshape(8, -1), expected, err_msg=f"after pass {after}")
    place(graph).verify(graph)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_the_code_equals_the_wheel_after_a_reset_too(name: str) -> None:
    model = tflite.parse(FILES[name], "variable")
    samples = np.random.default_rng(3).integers(-128, 128, (8, *model.input.shape)).astype(np.int8)
    rows = graphs.wheel_all(FILES[name], [[sample] for sample in samples], outputs=1, resets=[5])
    with HostModel(model) as host:
        before = host.run(samples[:5])[0]
        host.reset()
        made = np.concatenate([before, host.run(samples[5:])[0]])
    np.testing.assert_array_equal(made, np.stack([row.ravel() for (row,) in rows]))


def lstm() -> Sample:
    sample = all_operators()["UNIDIRECTIONAL_SEQUENCE_LSTM"].sample
    assert sample is not None
    return sample(Random(0))


@pytest.mark.parametrize(
    ("position", "present"),
    [
        pytest.param(1, False, id="coupled gates"),
        pytest.param(9, True, id="peephole"),
        pytest.param(16, True, id="projection"),
        pytest.param(20, True, id="layer normalization"),
    ],
)
def test_a_variant_of_the_lstm_is_refused_as_tflm_refuses_it(position: int, *, present: bool) -> None:
    sample = lstm()
    inputs = list(sample.inputs)
    inputs[position] = inputs[13] if present else -1
    data = graphs.sampled(replace(sample, inputs=tuple(inputs)))
    with pytest.raises(
        ModelError, match=r"rule: There are 24 inputs, and of the optional ones those of the four gates"
    ):
        compiled(tflite.parse(data, "variant"), M4)
    with pytest.raises(RuntimeError, match="failed to allocate"):
        graphs.wheel_all(data, [], outputs=1)
