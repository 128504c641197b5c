"""ic2 is ic with a larger model: its own target and its own name on the wire, ic's inputs, and no model shipped."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import tinyperf
from tests.data import find, needs
from tinyperf.benchmark import BENCHMARKS, of_model_id
from tinyperf.datasets import layout, official
from tinyperf.errors import UsageError
from tinyperf.submissions import rounds

if TYPE_CHECKING:
    from pathlib import Path

IC, IC2 = BENCHMARKS["ic"], BENCHMARKS["ic2"]
LARGE = "reference_models/pretrainedResnet_large_int8.tflite"


def test_it_differs_from_ic_in_name_and_target_alone() -> None:
    own = {"name": "ic2", "model_id": "ic02", "title": IC2.title, "target": 0.91, "inputs_of": "ic"}
    assert replace(IC, **own) == IC2  # type: ignore[arg-type]  # names of fields
    assert of_model_id("ic02") is IC2
    assert (IC.inputs_id, IC2.inputs_id) == ("ic01", "ic01")
    assert rounds.TASKS["ic2"].target == IC2.target


def test_its_inputs_are_those_of_ic() -> None:
    assert official.inputs("ic2") == official.inputs("ic")
    made = [[sample.read() for sample in layout.synthetic(one).samples] for one in (IC, IC2)]
    assert made[0] == made[1]


def test_what_it_has_not_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no trained model is shipped for 'ic2'") as raised:
        tinyperf.build("host", "ic2")
    assert "models pull" in raised.value.hint
    with pytest.raises(UsageError, match="ic2 has the inputs of ic"):
        tinyperf.data_synthetic("ic2", tmp_path)
    with pytest.raises(UsageError, match="no training for 'ic2'"):
        tinyperf.train("ic2", tmp_path, tmp_path / "run")


@pytest.mark.slow
@needs(LARGE, "datasets/ic01")
def test_the_reference_model_gives_what_the_wheel_gives() -> None:
    pytest.importorskip("tflite_micro", reason="the tflite-micro wheel is for Linux x86-64")
    found = tinyperf.evaluate("ic2", model=find(LARGE), backend="aot", data=find("datasets"), samples=3, compare="tflm")
    assert found.comparison is not None
    assert (found.comparison.inferences, found.comparison.inferences_that_differ) == (3, 0)
    assert (found.target, found.inputs) == (0.91, "subset")
