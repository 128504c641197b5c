"""Random small graphs of every operator in every combination of types, portable C against the tflite-micro wheel."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tflite as schema

from tests import graphs
from tests.floats import assert_near
from tests.graphs import O, T
from tests.portable import Library
from tests.some import some
from tinyperf import tflite
from tinyperf.engines.aot.interpret import interpret
from tinyperf.engines.aot.operators import all_operators
from tinyperf.engines.aot.operators._sample import Random
from tinyperf.engines.aot.passes.lower import lower
from tinyperf.errors import ModelError

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


@pytest.mark.parametrize("bias_type", ["INT32", "INT64", None])
@pytest.mark.parametrize("kind", ["FULLY_CONNECTED", "CONV_2D"])
def test_sums_without_a_bias_have_the_width_that_the_file_asks_for(kind: str, bias_type: str | None) -> None:
    """Sums of 32 bits round otherwise, and wrap round: 4096 x 127 x 32767 is above 2**33."""
    random = np.random.default_rng(5)
    shape, options = {"FULLY_CONNECTED": ((1,), {}), "CONV_2D": ((1, 1, 1), {"stride_w": 1, "stride_h": 1})}[kind]
    if bias_type is not None:
        options = options | {"quantized_bias_type": getattr(schema.TensorType, bias_type)}
    weights = random.integers(-127, 128, (6, *shape[:-1], 4096)).astype(np.int8)
    weights[0] = 127
    tensors = [
        T((*shape, 4096), 0.001, dtype="int16"),
        graphs.constant(weights, 0.01),
        T((*shape, 6), 6.0, dtype="int16"),
    ]
    given = random.integers(-32768, 32768, (4, *shape, 4096)).astype(np.int16)
    given[0] = 32767
    data = graphs.build(tensors, [O(kind, [0, 1], [2], options)], [0], [2])
    (made,) = interpret(lower(tflite.parse(data, kind)), given)
    np.testing.assert_array_equal(made.reshape(4, -1), graphs.wheel(data, given))


@pytest.mark.parametrize(
    "kinds", some([KINDS[i : i + 12] for i in range(0, len(KINDS), 12)], 99), ids=lambda kinds: kinds[0]
)
def test_sizes_of_zero_are_compiled_or_refused(kinds: list[str]) -> None:
    """Each dimension of each constant of a random use in turn; the wheel divides by some of them."""
    for kind, typed, operator in ((o.kind, t, o) for o, t in PAIRS if o.kind in kinds):
        sampler = typed.sample or operator.sample
        assert sampler is not None
        whole = graphs.drawn(sampler(Random(0, typed.given[0], typed.result)))
        constants = [(i, t, t.data.ravel()[:0]) for i, t in enumerate(whole.tensors) if t.data is not None]
        for i, tensor, nothing, dimension in ((*c, d) for c in constants for d in range(len(c[1].shape))):
            tensors = list(whole.tensors)
            shape = tuple(0 if d == dimension else size for d, size in enumerate(tensor.shape))
            tensors[i] = replace(tensor, shape=shape, data=nothing)
            with contextlib.suppress(ModelError):
                lower(tflite.parse(graphs.build(tensors, whole.ops, whole.inputs, whole.outputs), kind))
