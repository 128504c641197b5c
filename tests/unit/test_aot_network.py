"""Random networks of operators that share, split and join bytes: no plan of them may break, and no output change."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from tests import graphs
from tests.floats import distance
from tests.graphs import O, T, constant
from tests.some import some
from tests.unit.test_aot_plan import replay
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot.host import HostModel
from tinyperf.engines.aot.interpret import interpret
from tinyperf.engines.aot.operators._sample import Random
from tinyperf.engines.aot.passes import stages
from tinyperf.engines.aot.passes.place import place

TARGETS = [Target(cores.load("host")), Target(cores.load("cortex-m4"))]


@dataclass
class Network:
    """Rows [1, n] of one scale, so that every operator may follow every other; of int8 or float32."""

    random: Random
    dtype: str = "int8"
    tensors: list[T] = field(default_factory=list)
    ops: list[O] = field(default_factory=list)

    def row(self, n: int) -> int:
        self.tensors.append(T((1, n), 0.5, 3) if self.dtype == "int8" else T((1, n), dtype=self.dtype))
        return len(self.tensors) - 1

    def number(self, *values: int) -> int:
        self.tensors.append(constant(np.array(values, np.int32)))
        return len(self.tensors) - 1

    def any_row(self) -> int:
        return self.random.pick(*(i for i, t in enumerate(self.tensors) if t.data is None))

    def size(self, i: int) -> int:
        return self.tensors[i].shape[1]

    def computed(self) -> None:
        given = self.any_row()
        kinds = (
            ("RELU", "QUANTIZE") if self.dtype == "int8" else ("RELU", "NEG", "SQUARE", "SQRT", "HARD_SWISH", "ROUND")
        )
        self.ops.append(O(self.random.pick(*kinds), [given], [self.row(self.size(given))]))

    def added(self) -> None:
        given = self.any_row()
        same = [i for i, t in enumerate(self.tensors) if t.data is None and t.shape == self.tensors[given].shape]
        other = self.random.pick(*same)
        kind = "ADD" if self.dtype == "int8" else self.random.pick("ADD", "SUB", "MUL", "MAXIMUM")
        self.ops.append(O(kind, [given, other], [self.row(self.size(given))]))

    def renamed(self) -> None:
        given = self.any_row()
        shape = self.number(1, self.size(given))
        self.ops.append(O("RESHAPE", [given, shape], [self.row(self.size(given))]))

    def split(self) -> None:
        given = self.any_row()
        first = self.random.pick(4, 3, self.size(given) // 2)
        if 0 < first < self.size(given):
            sizes, axis = self.number(first, self.size(given) - first), self.number(1)
            made = [self.row(first), self.row(self.size(given) - first)]
            self.ops.append(O("SPLIT_V", [given, sizes, axis], made, {"num_splits": 2}))

    def joined(self) -> None:
        given = [self.any_row() for _ in range(self.random.integer(1, 3))]
        if sum(self.size(i) for i in given) < 200:
            self.ops.append(O("CONCATENATION", given, [self.row(sum(self.size(i) for i in given))], {"axis": 1}))

    def file(self) -> bytes:
        """All that was made goes into the output, so that everything lives until it is read."""
        unread = [i for op in self.ops for i in op.outputs if not any(i in other.inputs for other in self.ops)]
        out = self.row(sum(self.size(i) for i in unread))
        self.ops.append(O("CONCATENATION", unread, [out], {"axis": 1}))
        return graphs.build(self.tensors, self.ops, [0], [out])


def network(random: Random, dtype: str = "int8") -> bytes:
    made = Network(random, dtype)
    made.row(random.pick(8, 12, 7))
    steps = (made.computed, made.computed, made.added, made.renamed, made.split, made.joined)
    made.computed()
    for _ in range(random.integer(3, 14)):
        random.pick(*steps)()
    return made.file()


@pytest.mark.parametrize("seed", some(range(100), 4))
def test_a_random_network_keeps_its_outputs(seed: int) -> None:
    random = Random(seed)
    model = tflite.parse(network(random), "network")
    samples = random.codes(4, *model.input.shape)
    expected = None
    for target in TARGETS:
        for name, graph in stages(model, target):
            (made,) = interpret(graph, samples)
            expected = made if expected is None else expected
            np.testing.assert_array_equal(made, expected, err_msg=f"after pass {name}")
        replay(graph, place(graph))


@pytest.mark.parametrize("seed", range(8))
def test_the_c_of_a_random_network_equals_the_wheel(seed: int) -> None:
    random = Random(seed)
    file = network(random)
    model = tflite.parse(file, "network")
    samples = random.codes(4, *model.input.shape)
    with HostModel(model) as host:
        np.testing.assert_array_equal(host.run(samples)[0], graphs.wheel(file, samples))


@pytest.mark.parametrize("seed", range(20))
def test_a_random_network_of_floats_keeps_its_bits(seed: int) -> None:
    random = Random(seed, "float32", "float32")
    file = network(random, "float32")
    model = tflite.parse(file, "network")
    samples = random.codes(4, *model.input.shape)
    expected = graphs.wheel(file, samples)
    for name, graph in stages(model, TARGETS[1]):
        (made,) = interpret(graph, samples)
        assert distance(made.reshape(expected.shape), expected) == 0, name
    replay(graph, place(graph))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_c_of_a_random_network_of_floats_has_the_bits_of_the_wheel(seed: int) -> None:
    random = Random(seed, "float32", "float32")
    file = network(random, "float32")
    model = tflite.parse(file, "network")
    samples = random.codes(4, *model.input.shape)
    with HostModel(model) as host:
        assert distance(host.run(samples)[0], graphs.wheel(file, samples)) == 0
