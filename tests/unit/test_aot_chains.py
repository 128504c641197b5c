"""Random chains of operators that change types: outputs that lie over inputs of other sizes, parts of any type."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import graphs
from tests.floats import assert_near
from tests.portable import Library
from tinyperf.engines.aot.interpret import interpret
from tinyperf.engines.aot.operators._sample import Random
from tinyperf.engines.aot.passes.lower import lower

if TYPE_CHECKING:
    from pathlib import Path

BITS = {"int8": 8, "uint8": 8, "int16": 16, "int32": 24}
# What each type may become, by which operator.
MOVES = {
    "int8": [("QUANTIZE", t) for t in BITS] + [("CAST", "int32"), ("CAST", "int16"), ("DEQUANTIZE", "float32")],
    "uint8": [("QUANTIZE", "int8"), ("DEQUANTIZE", "float32")],
    "int16": [("QUANTIZE", t) for t in ("int8", "int16", "int32")] + [("CAST", "float32"), ("DEQUANTIZE", "float32")],
    "int32": [("QUANTIZE", "int8"), ("QUANTIZE", "int16"), ("CAST", "float32"), ("CAST", "int16"), ("CAST", "uint32")],
    "uint32": [("CAST", "int32"), ("CAST", "float32"), ("CAST", "int8")],
    "float32": [("QUANTIZE", "int8"), ("QUANTIZE", "int16"), ("CAST", "int32"), ("RELU", "float32")],
}


@dataclass
class Chain:
    """Tensors and operators so far; `span`: how far from 0 the last tensor's real numbers go, about."""

    random: Random
    size: int
    tensors: list[graphs.T] = field(default_factory=list)
    ops: list[graphs.O] = field(default_factory=list)
    span: float = 1.0

    def add(self, dtype: str, size: int) -> int:
        scale = self.random.near(self.span / 2 ** (BITS[dtype] - 1), 0.3) if dtype in BITS else None
        zero = self.random.zero(dtype) if dtype in {"int8", "uint8"} else 0
        self.tensors.append(graphs.T((1, size), scale, zero, dtype=dtype))
        return len(self.tensors) - 1

    def move(self, at: int) -> int:
        """One operator more; the tensor that it makes."""
        given = self.tensors[at]
        if given.dtype not in {"uint8", "uint32"} and self.random.pick(True, False, False):
            return self.swap(at)
        kind, dtype = self.random.pick(*MOVES[given.dtype])
        if kind == "CAST" and given.dtype == "float32" and self.span >= 2**24:
            kind, dtype = "QUANTIZE", "int16"  # what a float beyond 32 bits becomes, C leaves open
        if kind == "CAST" and given.dtype != "float32":
            self.span = 2.0 ** (BITS.get(given.dtype, 32) - 1)
        made = self.add(dtype, self.size)
        self.ops.append(graphs.O(kind, [at], [made]))
        return made

    def swap(self, at: int) -> int:
        """Two parts, the other way round."""
        given, first = self.tensors[at], self.random.integer(1, self.size - 1)
        sizes = np.array([first, self.size - first], np.int32)
        constants = [graphs.constant(sizes), graphs.constant(np.array(1, np.int32))]
        shapes = [(1, first), (1, self.size - first), (1, self.size)]
        made = [graphs.T(shape, given.scale, given.zero, dtype=given.dtype) for shape in shapes]
        n = len(self.tensors)
        self.tensors += [*constants, *made]
        self.ops.append(graphs.O("SPLIT_V", [at, n, n + 1], [n + 2, n + 3], {"numSplits": 2}))
        self.ops.append(graphs.O("CONCATENATION", [n + 3, n + 2], [n + 4], {"axis": 1}))
        return n + 4


def chain(seed: int) -> tuple[bytes, str]:
    """A file, and its input's type."""
    random = Random(seed)
    made = Chain(random, random.integer(2, 30), span=random.scale(-1, 2))
    at = made.add(random.pick("int8", "uint8", "int16", "float32"), made.size)
    for _ in range(random.integer(3, 9)):
        at = made.move(at)
    return graphs.build(made.tensors, made.ops, [0], [at]), made.tensors[0].dtype


@pytest.mark.slow
def test_chains_through_types_equal_the_wheel(tmp_path: Path) -> None:
    compare(range(40), tmp_path)


def compare(seeds: range, folder: Path, *flags: str) -> None:
    cases = [chain(seed) for seed in seeds]
    library = Library([file for file, _ in cases], folder, *flags)
    for i, (file, dtype) in enumerate(cases):
        model = library.models[i]
        samples = Random(i).codes(6, *model.input.shape, dtype=dtype)
        expected = graphs.wheel(file, samples)
        assert_near(library.run(i, samples)[0], expected, 0, 0.0, f"chain {seeds[i]}")
        (meant,) = interpret(lower(model), samples)
        assert_near(meant.reshape(expected.shape), expected, 0, 0.0, f"chain {seeds[i]}, interpreted")
