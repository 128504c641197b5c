"""TFLite_Detection_PostProcess: all four outputs, as far as the wheel fills them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import graphs
from tests.portable import Library
from tests.unit.test_aot_types import drawn
from tinyperf import tflite
from tinyperf.engines.aot.interpret import interpret
from tinyperf.engines.aot.operators import all_operators
from tinyperf.engines.aot.operators.tflite_detection_postprocess import KIND, OPERATOR
from tinyperf.engines.aot.passes.lower import lower
from tinyperf.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Data = npt.NDArray[np.generic]


def found(outputs: list[Data]) -> tuple[int, list[list[float]]]:
    """How many detections, and boxes, classes and scores of so many: TFLM leaves the others as they are."""
    count = int(np.asarray(outputs[3]).ravel()[0])
    return count, [output.ravel()[: count * width].tolist() for output, width in zip(outputs, (4, 1, 1), strict=False)]


def compare(seeds: range, folder: Path | None) -> None:
    cases = [drawn(OPERATOR, OPERATOR.types[0], seed) for seed in seeds]
    library = Library([file for file, _ in cases], folder) if folder else None
    for i, (file, samples) in enumerate(cases):
        rows = [list(row) for row in zip(*samples, strict=True)]
        expected = graphs.wheel_all(file, rows, outputs=4)
        made = library.run(i, *samples) if library else interpret(lower(tflite.parse(file, KIND)), *samples)
        for n, outputs in enumerate(expected):
            assert found([output[n] for output in made]) == found(outputs), (seeds[i], n)


def test_every_output_equals_the_wheel() -> None:
    compare(range(60), None)


@pytest.mark.slow
def test_every_output_in_c_equals_the_wheel(tmp_path: Path) -> None:
    compare(range(60, 80), tmp_path)


def test_options_that_are_damaged_are_named() -> None:
    file, _ = drawn(all_operators()[KIND], OPERATOR.types[0], 0)
    damaged = file.replace(b"max_detections", b"mix_detections")
    with pytest.raises(ModelError, match="options without max_detections; rule: The options name"):
        lower(tflite.parse(damaged, "damaged"))
