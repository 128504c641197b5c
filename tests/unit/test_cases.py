"""Small files that once failed, and models of public repositories: right to the bit, or refused in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests import graphs
from tests.data import CASES, DATA, needs
from tests.some import some
from tinyperf import tflite
from tinyperf.engines.aot.host import HostModel
from tinyperf.engines.aot.passes.lower import lower
from tinyperf.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Array = npt.NDArray[Any]

# These run, and stay so; any other may be refused until its operator exists.
RUN = (
    *("add_scalar", "add_without_options_table", "concat", "dw_1ch_mult8", "dw_bias_axis3", "expand_dims"),
    *("fc_1000_outputs_wide", "fc_nobias_product", "fc_without_options_table", "in1", "logistic", "mean_empty"),
    *("mul_const", "mul_new_code_only", "out1500", "perchannel_one_zero_point", "reduce_max", "same_as_conv"),
    *("subgraph_unused", "transpose", "two_outputs", "uint8_in", "uint8_in_out"),
)
# TFLM takes weights without a zero point for not quantized; here they are computed, with a warning.
DIFFERENT = {"weights_no_zero_point"}
# The wheel itself ends on equal logits.
ABORTED = {"softmax1000"}
MOST_ULPS = 8
"""Of the outputs of a whole network of float32: what its operators may be off adds up."""


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.tflite"))


def outputs(path: Path, samples: int) -> tuple[list[Array], list[Array]] | ModelError:
    """What the generated C and the wheel compute of extremes and seeded noise; or why there is no such C."""
    try:
        model = tflite.load(path)
        given = [noise(tensor, samples, extremes=path.stem not in ABORTED) for tensor in model.input_tensors]
        with HostModel(model) as host:
            made = host.run(*given)
    except ModelError as error:
        return error
    rows = graphs.wheel_all(model.data, zip(*given, strict=True), outputs=len(made))
    return list(made), [np.stack([made.ravel() for made in each]) for each in zip(*rows, strict=True)]


def noise(tensor: tflite.Tensor, count: int, *, extremes: bool) -> Array:
    """[count, *shape]: the least and the greatest, alone and side by side; and values at random."""
    rng, shape = np.random.default_rng(tensor.index), (count, tensor.elements)
    if tensor.dtype in tflite.CODES:
        info = np.iinfo(tensor.dtype)
        low, high = float(info.min), float(info.max)
        rows = rng.integers(info.min, info.max, shape, endpoint=True).astype(float)
    else:  # plain integers may be indices
        low, high = (-8.0, 8.0) if tensor.dtype == "float32" else (0.0, 1.0)
        rows = rng.normal(0, 1, shape) if tensor.dtype == "float32" else rng.integers(0, 2, shape).astype(float)
    if extremes:
        rows[0], rows[1] = low, high
        rows[2] = np.where(np.arange(tensor.elements) % 2, low, high)
    return rows.reshape(count, *tensor.shape).astype(tensor.dtype)


def equal(computed: tuple[list[Array], list[Array]]) -> bool:
    return all(
        ulps(*both) <= MOST_ULPS if both[0].dtype.kind == "f" else np.array_equal(*both)
        for both in zip(*computed, strict=True)
    )


def ulps(one: Array, other: Array) -> int:
    """The largest distance of two float32, in units in the last place."""
    places = [rows.view(np.int32).astype(np.int64) for rows in (one, other)]
    here, there = (np.where(bits < 0, -(2**31) - bits, bits) for bits in places)
    return int(np.abs(here - there).max())


def refused(path: Path) -> ModelError | None:
    try:
        lower(tflite.load(path))
    except ModelError as error:
        return error
    return None


@needs("cases/models")
@pytest.mark.parametrize("path", some(files(CASES / "models"), 4), ids=lambda path: path.stem)
def test_a_case_equals_the_wheel_or_is_refused(path: Path) -> None:
    computed = outputs(path, 16)
    if isinstance(computed, ModelError):
        assert path.stem not in RUN, computed
    else:
        assert equal(computed) == (path.stem not in DIFFERENT)


@needs("cases/models")
@pytest.mark.parametrize("name", [*RUN, *DIFFERENT])
def test_every_case_that_runs_is_there(name: str) -> None:
    assert (CASES / "models" / f"{name}.tflite").is_file()


@needs("cases/models", "zoo")
@pytest.mark.parametrize("path", [*files(CASES / "models"), *files(DATA / "zoo")], ids=lambda path: path.stem)
def test_a_whole_file_is_never_called_damaged(path: Path) -> None:
    error = refused(path)
    assert error is None or error.hint
    assert error is None or "damaged" not in f"{error.seen} {error.means}"


@needs("zoo")
@pytest.mark.slow
@pytest.mark.parametrize("path", files(DATA / "zoo"), ids=lambda path: path.stem)
def test_a_model_of_the_zoo_equals_the_wheel_or_is_refused(path: Path) -> None:
    computed = outputs(path, 4)
    assert isinstance(computed, ModelError) or equal(computed)


@needs("zoo")
@pytest.mark.slow
def test_what_is_refused_is_refused_in_a_sentence() -> None:
    """A line for each reason, what to do about it, and how many there are."""
    errors = {path.stem: error for path in files(DATA / "zoo") if (error := refused(path))}
    told = f"{len(errors)} of {len(files(DATA / 'zoo'))} models are refused: {', '.join(errors)}"
    print(told)  # noqa: T201  (how many there are is for who runs it)
    for error in errors.values():
        assert error.hint
        assert all(len(line.split()) > 4 for line in error.seen.splitlines())
