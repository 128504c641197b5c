"""The layers of one image as a table that wraps, as a file and as a picture; and what the next best kernel costs."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from tinyperf import content, cores, tflite
from tinyperf.cli import _layers_table
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.errors import UsageError
from tinyperf.session import layers_picture, schemas
from tinyperf.session.costs import FunctionCost, LayerCost, Stalls
from tinyperf.session.profile import Profile

if TYPE_CHECKING:
    from pathlib import Path

FIRST = LayerCost(
    0, "CONV_2D", 1000, 1500, 2000, "conv_pairs_dsp", "tp_layer_00_conv_2d", 64,
    stalls=Stalls(200, 20, 0, 0, 40, 300), predicted_cycles=1900, next_kernel="conv_2d", next_cycles=9000,
)  # fmt: skip
LAST = LayerCost(
    1, "SOFTMAX", 0, 90, 100, "softmax", "tp_layer_01_softmax", 0, stalls=Stalls(branches=5), predicted_cycles=95
)
FUNCTION = FunctionCost("main", 90, 120, Stalls(1, 2, 3, 4, 5, 6))


def of(layers: tuple[LayerCost, ...] = (), functions: tuple[FunctionCost, ...] = ()) -> Profile:
    return Profile(
        "one", "kws01", 120_000_000, 1600, 2100, layers, None, None, None, None, None, 1.0, 7.0, None, None,
        functions=functions,
    )  # fmt: skip


def test_a_table_of_layers(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    _layers_table.show(of((FIRST, LAST)))
    head, first, last, _ = capsys.readouterr().out.splitlines()
    assert head.split()[-6:] == ["kernel", "planned", "next", "best", "with", "kernel"]
    assert first.split()[5:12] == ["95.2", "2.00", "10.0", "1.0", "0.0", "0.0", "2.0"]
    assert first.split()[12:] == ["15.0", "conv_pairs_dsp", "1,900", "9,000", "conv_2d"]
    assert last.split()[6:] == ["-", "-", "-", "5.0", "-", "-", "-", "softmax", "95", "-", "-"]


@pytest.mark.parametrize("width", [40, 80, 100, 132])
def test_it_wraps_on_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    _layers_table.show(of((FIRST, LAST)))
    lines = capsys.readouterr().out.splitlines()[:-1]
    assert max(map(len, lines)) <= width
    assert len(lines) % 3 == 0


def test_functions_where_the_layers_are_not_known(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    _layers_table.show(of(functions=(FUNCTION,) * 30))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["main", "90", "120", "5.7", "0.8", "1.7", "2.5", "3.3", "4.2", "5.0"]
    assert "5 further" in lines[-1]


def test_a_file_has_a_column_for_each_cause(tmp_path: Path) -> None:
    _layers_table.write(_layers_table.rows(of((FIRST, LAST))), tmp_path / "layers.csv")
    with (tmp_path / "layers.csv").open(newline="") as file:
        first, last = csv.DictReader(file)
    assert (first["queue_stalls"], first["flash_data_stalls"], first["next_cycles"]) == ("200", "300", "9000")
    assert (last["queue_stalls"], last["branches_stalls"], last["next_cycles"]) == ("", "5", "")
    with pytest.raises(UsageError, match="no layers"):
        _layers_table.rows(of())


def test_bars_add_up_to_the_cycles() -> None:
    drawn = layers_picture.segments((FIRST, LAST))
    assert list(drawn) == ["work", "queue", "buses", "branches", "flash_code", "flash_data"]
    assert [sum(each) for each in zip(*drawn.values(), strict=True)] == pytest.approx([2.0, 0.1])
    assert layers_picture.names((FIRST, FIRST))[1] == "0 CONV_2D, conv_pairs_dsp (2)"


@pytest.mark.slow
def test_a_picture_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra 'plot' is not installed")
    pytest.importorskip("plotly", reason="the extra 'plot' is not installed")
    for name in ("l.png", "l.html"):
        assert layers_picture.draw(of((FIRST, LAST)), "kws", tmp_path / name).stat().st_size > 5_000


def test_there_is_a_schema() -> None:
    known = schemas.schema("profile")
    assert {"layers", "functions", "cycles_per_inference"} <= set(known["properties"])
    assert "flash_data" in known["$defs"]["Stalls"]["properties"]


@pytest.mark.skipif("ad" not in content.names("models", ".tflite"), reason="no ad model is shipped")
def test_no_other_kernel_would_have_been_cheaper() -> None:
    model = tflite.load(content.shipped("models") / "ad.tflite")
    layers = ENGINE.generate(model, Target(cores.load("cortex-m4")), {"optimize": "time"}).layers
    others = [layer for layer in layers if layer.next_cycles is not None]
    assert len(others) > len(layers) // 2
    assert all((layer.predicted_cycles or 0) <= (layer.next_cycles or 0) for layer in others)
    assert all(layer.next_kernel not in ("", layer.kernel) for layer in others)
