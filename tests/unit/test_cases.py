"""Small files that once failed, and models of public repositories: right to the bit, or refused in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests import graphs
from tests.data import CASES, DATA, needs
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.host import HostModel
from tinyperf.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Array = npt.NDArray[Any]

HOST = Target(cores.load("host"))
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
    """[count, *shape]: the least code and the greatest, one after the other, and all codes at random."""
    info = np.iinfo(tensor.dtype)
    rows = np.random.default_rng(0).integers(info.min, info.max, (count, tensor.elements), endpoint=True)
    if extremes:
        rows[0], rows[1] = info.min, info.max
        rows[2] = np.where(np.arange(tensor.elements) % 2, info.min, info.max)
    return rows.reshape(count, *tensor.shape).astype(tensor.dtype)


def equal(computed: tuple[list[Array], list[Array]]) -> bool:
    return all(map(np.array_equal, *computed))


def refused(path: Path) -> ModelError | None:
    try:
        ENGINE.generate(tflite.load(path), HOST, {})
    except ModelError as error:
        return error
    return None


@needs("cases/models")
@pytest.mark.parametrize("path", files(CASES / "models"), ids=lambda path: path.stem)
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
