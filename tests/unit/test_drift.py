"""Kernels cost on the virtual core what the cores' files say; perf/choose.py measures more."""

from __future__ import annotations

import shutil

import pytest

from perf import choose
from tinyperf.engines.aot import space_for


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("arm-none-eabi-gcc"), reason="arm-none-eabi-gcc is not installed")
@pytest.mark.parametrize("name", ["separable", "dense"])
def test_predictions_have_not_drifted(name: str) -> None:
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    model = choose.networks()[name]
    space = space_for(model, choose.TARGET)
    _, layers = choose.measured(model, space, space.best({}))
    whole = choose.total(layers)
    large = [layer for layer in layers if layer.measured > choose.LARGE * whole]
    assert len(large) >= 4
    assert {layer.name: layer.off for layer in large if abs(layer.off) > choose.MOST_OFF} == {}
    assert abs(sum(layer.predicted for layer in layers) / whole - 1) < choose.MOST_OFF
