"""What single operators do that random uses do not reach: TFLM's defects, and what is refused on their account."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import graphs
from tests.graphs import O, T, constant
from tinyperf import content, cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.host import HostModel, compiler
from tinyperf.engines.aot.interpret import interpret
from tinyperf.engines.aot.passes.lower import lower
from tinyperf.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

HOST = Target(cores.load("host"))


def numbers(*values: int | list[int]) -> T:
    return constant(np.array(values, np.int32))


def blocks(above: int, below: int, left: int, right: int) -> bytes:
    """[1, 3, 5, 2] with margins as four images, and back to one without them."""
    image = (1, 3, 5, 2)
    deep = (4, (3 + above + below) // 2, (5 + left + right) // 2, 2)
    tensors = [
        T(image, 0.1, 7),
        numbers(2, 2),
        numbers([above, below], [left, right]),
        T(deep, 0.1, 7),
        T(image, 0.1, 7),
    ]
    ops = [O("SPACE_TO_BATCH_ND", [0, 1, 2], [3]), O("BATCH_TO_SPACE_ND", [3, 1, 2], [4])]
    return graphs.build(tensors, ops, [0], [4])


def test_blocks_and_back_is_the_same_image() -> None:
    samples = np.random.default_rng(0).integers(-128, 128, (4, 1, 3, 5, 2), np.int8)
    for margins in ((1, 0, 0, 1), (0, 1, 2, 1), (1, 2, 1, 0)):
        data = blocks(*margins)
        model = tflite.parse(data, "blocks")
        with HostModel(model) as host:
            made = host.run(samples)[0]
        np.testing.assert_array_equal(made, samples.reshape(4, -1))
        np.testing.assert_array_equal(made, graphs.wheel(data, samples))
        assert "with the zero point" in ENGINE.generate(model, HOST, {}).warnings[0]


def test_margins_of_blocks_hold_the_zero_point() -> None:
    tensors = [T((1, 1, 1, 1), 0.1, 7), numbers(2, 2), numbers([1, 0], [0, 1]), T((4, 1, 1, 1), 0.1, 7)]
    model = tflite.parse(graphs.build(tensors, [O("SPACE_TO_BATCH_ND", [0, 1, 2], [3])], [0], [3]), "margin")
    (made,) = interpret(lower(model), np.full((1, 1, 1, 1, 1), 100, np.int8))
    assert made.ravel().tolist() == [7, 7, 100, 7]


def division(denominators: npt.NDArray[np.int8], made: float) -> bytes:
    tensors = [T((1, 4), 0.5), T((1, 4), 0.5, 3, denominators), T((1, 4), made)]
    return graphs.build(tensors, [O("DIV", [0, 1], [2])], [0], [2])


@pytest.mark.parametrize(
    ("denominator", "made", "seen"),
    [
        pytest.param(3, 0.01, "1 of tensor 1; rule: A constant denominator is nowhere zero", id="by zero"),
        pytest.param(100, 0.1, "ratio 10, denominators up to 97 codes; rule: .*32 bits", id="far right"),
    ],
)
def test_a_division_that_tflm_does_wrongly_is_refused(denominator: int, made: float, seen: str) -> None:
    codes = np.array([[4, 5, 6, denominator]], np.int8)
    with pytest.raises(ModelError, match=seen):
        lower(tflite.parse(division(codes, made), "divided"))


def test_a_computed_denominator_of_zero_counts_as_one_code() -> None:
    tensors = [T((1, 4), 0.5), T((1, 4), 0.5, 3), T((1, 4), 1 / 128)]
    data = graphs.build(tensors, [O("DIV", [0, 0], [2]), O("RELU", [0], [1])], [0], [2])
    (made,) = interpret(lower(tflite.parse(data, "divided")), np.array([[[0, 1, -1, 100]]], np.int8))
    assert made.tolist() == [[[0, 127, 127, 127]]]


def test_the_root_of_what_may_be_negative_is_refused() -> None:
    data = graphs.build([T((1, 4), 0.1, -127), T((1, 4), 0.1)], [O("RSQRT", [0], [1])], [0], [1])
    with pytest.raises(ModelError, match="zero point -127; rule: The input's zero point is -128"):
        lower(tflite.parse(data, "root"))


def test_a_constant_that_is_filled_or_zero_is_folded() -> None:
    tensors = [T((1, 4), 0.1, 3), numbers(1, 4), constant(np.array(9, np.int8), 0.1), T((1, 4), 0.1), T((1, 4), 0.1, 3)]
    tensors[2].zero = tensors[3].zero = 3
    for op in (O("FILL", [1, 2], [3]), O("ZEROS_LIKE", [0], [3])):
        data = graphs.build(tensors, [op, O("MAXIMUM", [0, 3], [4])], [0], [4])
        samples = np.random.default_rng(0).integers(-128, 128, (4, 1, 4), np.int8)
        graph = lower(tflite.parse(data, "filled"))
        assert len(graph.nodes) == 1
        np.testing.assert_array_equal(interpret(graph, samples)[0].reshape(4, -1), graphs.wheel(data, samples))


def test_a_slice_from_where_arithmetic_on_a_shape_says() -> None:
    """The last five rows of however many: SHAPE, SUB and PACK are computed when the model is compiled."""
    scalar = T((), dtype="int32")
    tensors = [T((1, 8, 2), 0.1, 3), T((3,), dtype="int32"), numbers(1), numbers(2), scalar, T((), dtype="int32")]
    tensors += [constant(np.array(n, np.int32)) for n in (5, 0)] + [T((3,), dtype="int32"), numbers(1, 5, 2)]
    tensors += [T((1, 5, 2), 0.1, 3)]
    ops = [
        O("SHAPE", [0], [1], {"outType": 2}),
        O("STRIDED_SLICE", [1, 2, 3, 2], [4], {"shrinkAxisMask": 1}),
        O("SUB", [4, 6], [5]),
        O("PACK", [7, 5, 7], [8], {"valuesCount": 3, "axis": 0}),
        O("SLICE", [0, 8, 9], [10]),
    ]
    data = graphs.build(tensors, ops, [0], [10])
    samples = np.random.default_rng(0).integers(-128, 128, (4, 1, 8, 2), np.int8)
    graph = lower(tflite.parse(data, "last rows"))
    assert len(graph.nodes) == 1
    np.testing.assert_array_equal(interpret(graph, samples)[0].reshape(4, -1), graphs.wheel(data, samples))


def test_all_portable_kernels_fit_into_one_file(tmp_path: Path) -> None:
    """A model may need any two of them: no header defines what another one does."""
    folder = content.shipped("firmware_templates") / "engines" / "aot"
    headers = sorted(path.name for path in folder.glob("tp_*.h") if not {"dsp", "mve"} & set(path.stem.split("_")))
    (tmp_path / "all.c").write_text("".join(f'#include "{name}"\n' for name in headers), encoding="utf-8")
    argv = [*compiler(), "-std=c99", "-Wall", "-Wextra", "-Werror", f"-I{folder}", "-fsyntax-only", "all.c"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
