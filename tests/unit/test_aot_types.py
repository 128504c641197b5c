"""Random small graphs of every operator in every combination of types, portable C against the tflite-micro wheel."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import graphs
from tests.floats import assert_near
from tests.portable import Library
from tinyperf import tflite
from tinyperf.engines.aot.interpret import interpret
from tinyperf.engines.aot.operators import all_operators
from tinyperf.engines.aot.operators._sample import Random
from tinyperf.engines.aot.passes.lower import lower

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from tinyperf.engines.aot.operators import Operator, Typed
    from tinyperf.tflite import Tensor

PAIRS = [
    (operator, typed)
    for operator in all_operators().values()
    for typed in operator.types
    if typed.sample or operator.sample
]
KINDS = sorted({operator.kind for operator, _ in PAIRS})


def drawn(operator: Operator, typed: Typed, seed: int) -> tuple[bytes, list[npt.NDArray[np.generic]]]:
    """A file with one use, and samples of each of its inputs."""
    random = Random(seed, typed.given[0], typed.result)
    sample = typed.sample or operator.sample
    assert sample is not None
    use = sample(random)
    given = [(i, use.tensors[i]) for i in dict.fromkeys(use.inputs) if i >= 0]
    ends = [(i, tensor) for i, tensor in given if tensor.data is None and not tensor.variable]
    return graphs.sampled(use), [numbers(random, tensor, use.limits.get(i)) for i, tensor in ends]


def numbers(random: Random, tensor: Tensor, limits: tuple[int, int] | None) -> npt.NDArray[np.generic]:
    """Eight samples of an input."""
    if limits is None:
        return random.codes(8, *tensor.shape, dtype=tensor.dtype)
    return random.generator.integers(*limits, (8, *tensor.shape), tensor.dtype, endpoint=True)


def every_pair(kinds: list[str], seeds: range) -> Iterator[tuple[str, Typed, bytes, list[npt.NDArray[np.generic]]]]:
    for operator, typed in PAIRS:
        for seed in seeds if operator.kind in kinds else ():
            yield f"{operator.kind} {typed} {seed}", typed, *drawn(operator, typed, seed)


@pytest.mark.slow
@pytest.mark.parametrize("kinds", [KINDS[i : i + 12] for i in range(0, len(KINDS), 12)], ids=lambda kinds: kinds[0])
def test_operators_in_every_type_equal_the_wheel(kinds: list[str], tmp_path: Path) -> None:
    cases = list(every_pair(kinds, range(2)))
    library = Library([file for _, _, file, _ in cases], tmp_path)
    for i, (name, typed, file, samples) in enumerate(cases):
        made, expected = library.run(i, *samples)[0], graphs.wheel(file, *samples)
        assert_near(made, expected, typed.ulps, typed.least, name)
        meant = interpret(lower(library.models[i]), *samples)[0].reshape(expected.shape)
        assert_near(meant, expected, typed.ulps, typed.least, f"{name}, interpreted")


def test_many_pairs_of_operator_and_type_are_reached(capsys: pytest.CaptureFixture[str]) -> None:
    """Every line of every operator that computes can be drawn."""
    reached = {(operator.kind, str(typed)) for operator, typed in PAIRS}
    with capsys.disabled():
        sys.stdout.write(f" {len(reached)} pairs of operator and type ")
    declared = {(o.kind, str(typed)) for o in all_operators().values() if o.compiled for typed in o.types}
    assert reached == declared


@pytest.mark.parametrize("kind", ["ABS", "LEAKY_RELU", "RELU"])
def test_ratios_of_scales_are_formed_in_double(kind: str) -> None:
    """As the wheel does; in float32 some of all 65,536 codes come out one off."""
    codes = np.arange(-(2**15), 2**15, dtype=np.int16)[None, None]
    shape = codes.shape[1:]
    tensors = [graphs.T(shape, 0.00456789, dtype="int16"), graphs.T(shape, 0.0045123, dtype="int16")]
    options = {"alpha": 0.3} if kind == "LEAKY_RELU" else {}
    file = graphs.build(tensors, [graphs.O(kind, [0], [1], options)], [0], [1])
    (made,) = interpret(lower(tflite.parse(file, kind)), codes)
    np.testing.assert_array_equal(made[0], graphs.wheel(file, codes))
