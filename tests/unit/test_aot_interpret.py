"""The numpy interpreter of the compiler's graph: the tflite-micro wheel's outputs, after every pass."""

from __future__ import annotations

import numpy as np
import pytest

from tests import graphs
from tests.data import REFERENCE, find
from tests.some import some
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot.graph import Graph, Node, Origin, State, Value
from tinyperf.engines.aot.host import HostCode
from tinyperf.engines.aot.interpret import interpret
from tinyperf.engines.aot.operators import all_operators
from tinyperf.engines.aot.operators._sample import Random
from tinyperf.engines.aot.operators.add import Add
from tinyperf.engines.aot.passes import stages
from tinyperf.engines.aot.passes.choose import choose
from tinyperf.engines.aot.passes.emit import emit
from tinyperf.engines.aot.passes.place import place

pytest.importorskip("tflite_micro", reason="the tflite-micro wheel is for Linux x86-64")

M4 = Target(cores.load("cortex-m4"))
KINDS = graphs.kinds_in_int8()


def compare(data: bytes, random: Random, count: int) -> None:
    """The wheel on random inputs and on the two ends, the interpreter after every pass."""
    model = tflite.parse(data, "compared")
    samples = [random.codes(count, *model.tensors[i].shape) for i in model.inputs]
    for codes in samples:
        codes[0], codes[1] = -128, 127
    expected = graphs.wheel(data, *samples)
    for name, graph in stages(model, M4):
        (made,) = interpret(graph, *samples)
        np.testing.assert_array_equal(made.reshape(count, -1), expected, err_msg=f"after pass {name}")


@pytest.mark.parametrize("seed", some(range(12), 4))
@pytest.mark.parametrize("kind", KINDS)
def test_operator_equals_the_wheel(kind: str, seed: int) -> None:
    operator, random = all_operators()[kind], Random(seed)
    assert operator.sample is not None
    compare(graphs.sampled(operator.sample(random)), random, 20)


@pytest.mark.parametrize("name", ["kws", "vww", "ic", "ad"])
def test_reference_model_equals_the_wheel(name: str) -> None:
    compare(find(REFERENCE[name]).read_bytes(), Random(0), 4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kws", "vww", "ic", "ad"])
def test_reference_model_equals_the_wheel_on_a_hundred_inputs(name: str) -> None:
    compare(find(REFERENCE[name]).read_bytes(), Random(1), 100)


def running_sum(zero: int) -> Graph:
    """What goes out is the state, what comes in is added to it."""
    codes = (-128, 127)
    values = {
        0: Value(0, "in", (1, 3), "int8", scale=0.5, zero_point=zero, range=codes),
        1: Value(1, "before", (1, 3), "int8", scale=0.5, zero_point=zero, range=codes),
        2: Value(2, "after", (1, 3), "int8", scale=0.5, zero_point=zero, range=codes),
    }
    half = (2**30, 0)
    strides = ((0, 0, 0, 1), (0, 0, 0, 1))
    add = Add((1, 1, 1, 3), strides, (zero, zero), (half, half, (2**30, -18)), zero, codes)
    node = Node(add, (0, 1), (2,), (Origin(0, "ADD"),))
    return Graph("sum", values, (node,), (0,), (2,), (State(1, 2, reset=zero),))


@pytest.mark.parametrize("seed", range(5))
def test_a_state_is_kept(seed: int) -> None:
    random = Random(seed)
    zero = random.zero()
    graph = running_sum(zero)
    graph.verify("the test")
    samples = random.codes(40, 1, 3)
    (made,) = interpret(graph, samples)
    total = np.full((1, 3), zero, np.int64)
    for sample, out in zip(samples, made, strict=True):
        total = np.clip(total + sample.astype(np.int64) - zero, -128, 127)
        np.testing.assert_array_equal(out, total)


def test_the_generated_code_keeps_a_state_too() -> None:
    host = Target(cores.load("host"))
    graph = choose(running_sum(zero=7), host)
    no_file = tflite.Model("sum", "0" * 64, 0, (), (), (0,), (2,))
    sources = emit(no_file, graph, place(graph), host).sources
    samples = Random(3).codes(40, 1, 3)
    (expected,) = interpret(graph, samples)
    with HostCode(sources, [graph.values[0]], [graph.values[2]]) as code:
        for _ in range(2):
            np.testing.assert_array_equal(code.run(samples[:25])[0], expected[:25, 0])
            np.testing.assert_array_equal(code.run(samples[25:])[0], expected[25:, 0])
            code.reset()
