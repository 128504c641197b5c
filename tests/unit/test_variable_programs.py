"""Random programs of reads, assignments and moves of resource variables: the wheel's outputs, and a plan that holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import graphs
from tests.unit.test_variables import Written
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot.interpret import interpret
from tinyperf.engines.aot.passes import compiled
from tinyperf.engines.aot.passes.place import place

if TYPE_CHECKING:
    from collections.abc import Callable

M4 = Target(cores.load("cortex-m4"))
MOST_ROWS = 12


class Program:
    """`values`: rows of `width` codes that can be read; each variable has a number of rows of its own."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.width = int(self.random.choice([1, 2, 4, 4, 8]))
        self.model = Written(1, int(self.random.integers(1, 4)), self.width)
        self.sizes = self.random.integers(1, 6, self.random.integers(1, 5)).tolist()
        self.handles = [self.model.handle(f"v{k}") for k in range(len(self.sizes))]
        self.values = [0]
        for k in np.flatnonzero(self.random.random(len(self.sizes)) < self.random.choice([0, 0.6])):
            codes = self.random.integers(-20, 20, (1, self.sizes[k], self.width))
            self.model.start(f"v{k}", codes.astype(np.int8))

    def rows(self, i: int) -> int:
        return self.model.tensors[i].shape[1]

    def any(self, rows: int | None = None) -> int:
        fitting = [i for i in self.values if rows is None or self.rows(i) == rows]
        return int(self.random.choice(fitting))

    def read(self) -> None:
        k = int(self.random.integers(len(self.handles)))
        self.values.append(self.model.read(self.handles[k], 1, self.sizes[k], self.width))

    def join(self) -> None:
        parts = [self.any() for _ in range(self.random.integers(1, 4))]
        if sum(map(self.rows, parts)) <= MOST_ROWS:
            self.values.append(self.model.concatenation(*parts))

    def cut(self) -> None:
        given = self.any()
        begin = int(self.random.integers(self.rows(given)))
        end = int(self.random.integers(begin, self.rows(given))) + 1
        self.values.append(self.model.slice(given, begin, end))

    def add(self) -> None:
        one = self.any()
        self.values.append(self.model.add(one, self.any(self.rows(one))))

    def assign(self, k: int | None = None) -> None:
        k = int(self.random.integers(len(self.handles))) if k is None else k
        value = self.any()
        while self.rows(value) < self.sizes[k]:
            value = self.model.concatenation(value, value)
        if self.rows(value) > self.sizes[k]:
            value = self.model.slice(value, 0, self.sizes[k])
        self.model.assign(self.handles[k], value)

    def file(self) -> bytes:
        steps: list[Callable[[], None]] = [self.read, self.join, self.cut, self.add, self.assign]
        for _ in range(self.random.integers(4, 16)):
            steps[self.random.integers(len(steps))]()
        for k in range(len(self.handles)):
            self.assign(k)
        return self.model.file(self.values[-1] or self.model.add(0, 0))


@pytest.mark.slow
def test_random_programs_equal_the_wheel() -> None:
    for seed in range(60):
        data = Program(seed).file()
        model = tflite.parse(data, f"program {seed}")
        samples = np.random.default_rng(seed).integers(-40, 41, (4, *model.input.shape)).astype(np.int8)
        graph = compiled(model, M4)
        place(graph).verify(graph)
        (made,) = interpret(graph, samples)
        np.testing.assert_array_equal(made.reshape(4, -1), graphs.wheel(data, samples), err_msg=f"program {seed}")
