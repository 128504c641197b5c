"""Kernels cost on the virtual core what the cores' files say; perf/choose.py measures more."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from perf import bare, choose
from tinyperf import tflite
from tinyperf.engines.aot import space_for


def test_every_form_that_may_be_worth_it_is_measured_or_one_like_it() -> None:
    steps = [choose.Step("dw", kernel=3), choose.Step("conv", 8)] * 2
    file = choose.Network((6, 6, 8), np.random.default_rng(1)).file(steps)
    space = space_for(tflite.parse(file, "twice"), choose.target(bare.CHIP))
    known: set[choose.Alike] = set()
    seen = [place for _, new in choose.rounds(space, 1.6, known) for place in new]
    worthy = [choose.alike(space, k, form) for k, forms in enumerate(space.tried(1.6)) for form in forms]
    assert known == {*worthy}
    assert len(seen) == len({*seen}) == len(known)
    assert len(known) < len(worthy)  # two layers of one shape


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("arm-none-eabi-gcc"), reason="arm-none-eabi-gcc is not installed")
@pytest.mark.parametrize(
    ("name", "chip", "most_off"),
    [
        pytest.param("separable", bare.CHIP, choose.MOST_OFF, id="separable"),
        pytest.param("dense", bare.CHIP, choose.MOST_OFF, id="dense"),
        # Costs that are the Cortex-M4's times a factor.
        pytest.param("separable", "stm32u575", 0.08, id="separable on M33"),
        pytest.param("separable", "stm32f746", 0.08, id="separable on M7"),
    ],
)
def test_predictions_have_not_drifted(name: str, chip: str, most_off: float) -> None:
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    model = choose.networks()[name]
    space = space_for(model, choose.target(chip))
    _, layers = choose.measured(model, space, space.best({}), chip)
    whole = choose.total(layers)
    large = [layer for layer in layers if layer.measured > choose.LARGE * whole]
    assert len(large) >= 4
    assert {layer.name: layer.off for layer in large if abs(layer.off) > most_off} == {}
    assert abs(sum(layer.predicted for layer in layers) / whole - 1) < most_off
