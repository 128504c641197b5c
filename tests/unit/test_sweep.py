"""Sweeps: the cells of a file, the table of their answers, and that nothing is found out twice without a word."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

import tinyperf
from tests.unit.test_budget import small
from tinyperf import cli, description
from tinyperf.errors import ContentError, TinyperfError
from tinyperf.reporting import sweeps
from tinyperf.session import cluster, sweep
from tinyperf.session.sweep import Row

DOCUMENT = (Path(__file__).parents[2] / "docs" / "sweep.md").read_text(encoding="utf-8")
GRID = """
models:
  - {model: small.tflite, data: test.npz}
  - {benchmark: kws}
boards: [nucleo-l4r5zi, nucleo-u575zi-q]
options: ["", "fold=off"]
clocks: [80000000, 24000000]
"""


def cells_of(folder: Path, text: str = GRID) -> list[sweep.Cell]:
    (small(folder) / "sweep.yaml").write_text(text)
    return sweep.read(folder / "sweep.yaml")


def test_cells_are_every_combination_and_a_score_for_each_model_with_data(tmp_path: Path) -> None:
    cells = cells_of(tmp_path)
    assert len(cells) == len({cell.key for cell in cells}) == 1 + 2 * 2 * 2 * 2
    assert [cell.subject for cell in cells if cell.board is None] == ["small"]
    assert {cell.engine for cell in cells} == {"aot", "aot:fold=off"}
    assert {cell.clock_hz for cell in cells if cell.board} == {80000000, 24000000}


def test_a_key_is_of_the_model_s_bytes_not_of_its_name(tmp_path: Path) -> None:
    first = cells_of(tmp_path)
    (tmp_path / "small.tflite").rename(tmp_path / "other.tflite")
    (tmp_path / "sweep.yaml").write_text(GRID.replace("small", "other"))
    again = sweep.read(tmp_path / "sweep.yaml")
    assert [cell.key for cell in again] == [cell.key for cell in first]
    (tmp_path / "sweep.yaml").write_text(GRID.replace("small", "other").replace("data: ", "samples: 3, data: "))
    assert sum(a.key != b.key for a, b in zip(first, sweep.read(tmp_path / "sweep.yaml"), strict=True)) == 1


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        ("nucleo-u575zi-q", "nosuch", "unknown board"),
        ("fold=off", "fould=off", "fould"),
        ("benchmark: kws", "benchmark: kwss", "unknown benchmark"),
        ("{benchmark: kws}", "{samples: 3}", "names neither benchmark nor model"),
        ("boards: [nucleo-l4r5zi, nucleo-u575zi-q]", "boards: []", "boards"),
        ("clocks:", "clock:", "did you mean clocks?"),
        ("small.tflite", "no.tflite", "no.tflite"),
    ],
)
def test_what_is_no_sweep(old: str, new: str, seen: str, tmp_path: Path) -> None:
    with pytest.raises(TinyperfError) as raised:
        cells_of(tmp_path, GRID.replace(old, new))
    assert seen in raised.value.seen


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (None, "sweep.yaml: No such file or directory"),
        ("ls -l; " * 30, "sweep.yaml:1: keys are wanted, with a value each; this is 'ls -l; ls -l; "),
        ("[1, 2]", "sweep.yaml:1: keys are wanted, with a value each; this is [1, 2]"),
        ("", "sweep.yaml:1: keys are wanted, with a value each; this is empty"),
        ("boards: [" + "9" * 300 + "]", "input should be a valid string, got 999"),
    ],
    ids=["no file", "a script", "a list", "nothing", "a long number"],
)
def test_what_is_no_description_is_told_in_a_line(text: str | None, seen: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "sweep.yaml").write_text(text)
    with pytest.raises(ContentError) as raised:
        sweep.read(tmp_path / "sweep.yaml")
    assert seen in raised.value.seen
    assert "Errno" not in raised.value.seen
    assert max(map(len, raised.value.seen.splitlines())) < 200 + len(str(tmp_path))


def test_the_document_s_own_example_is_one(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(DOCUMENT.split("```yaml\n")[1].split("```")[0])
    assert len(description.read(tmp_path / "s.yaml", sweep.Sweep, hint="").models) == 3


def answered(tmp_path: Path, begun: dict[int, int]) -> list[Row]:
    """The table of a sweep whose n-th answer takes n ms and 100 - n bytes."""
    cells = cells_of(tmp_path, GRID.replace("clocks: [80000000, 24000000]", ""))
    answers: dict[str, Any] = {
        cell.key: {"latency_ms": float(k), "ram_bytes": 100 - k, "flash_bytes": 50, "fits": True, "reason": ""}
        for k, cell in enumerate(cells)
        if cell.board and k != 2
    }
    answers[cells[0].key] = {"metric": "top1", "accuracy": 0.8}
    return sweep.table(cells, answers, {cells[k].key: count for k, count in begun.items()})


def test_the_table_has_scores_notes_and_the_front(tmp_path: Path) -> None:
    rows = answered(tmp_path, {1: 2, 3: 1})
    assert [row.latency_ms for row in rows] == [1.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    assert [row.accuracy for row in rows] == [0.8] * 3 + [None] * 4
    assert all(row.pareto for row in rows)  # the slower, the less RAM
    assert rows[0].note.startswith("measured 2 times: its worker or the sweep was stopped")
    assert rows[1].note == ""
    shown = list(csv.DictReader(sweeps.csv_text(rows).splitlines()))
    assert tuple(shown[0]) == sweep.COLUMNS
    assert "| * | small | nucleo-l4r5zi |" in sweeps.text(rows)
    assert "top1 0.8000" in sweeps.text(rows)


def test_what_another_row_beats_is_not_on_the_front(tmp_path: Path) -> None:
    row = answered(tmp_path, {})[0]
    better = Row(**{**row.as_dict(), "latency_ms": 0.5, "board": "better"})
    other = Row(**{**row.as_dict(), "latency_ms": 0.1, "benchmark": "kws"})
    unknown = Row(**{**row.as_dict(), "latency_ms": None})
    rows = [row, better, other, unknown]
    assert [sweep._best(one, rows) for one in rows] == [False, True, True, False]  # noqa: SLF001  (pure)


def test_the_picture_names_the_front_once_below_its_panels(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra 'sweep' is not installed")
    drawn = sweeps.picture(answered(tmp_path, {}))
    told = re.findall(r"<tspan[^>]*>([^<]*)</tspan>|<text[^>]*>([^<]*)</text>", drawn)
    words = [first or second for first, second in told]
    assert [word for word in words if "nucleo" in word] == [
        f"{n}  {row.subject}, {row.board}, {row.engine}: {row.latency_ms:.3f} ms"
        for n, row in enumerate(answered(tmp_path, {}), start=1)
    ]


@pytest.mark.parametrize(
    ("metric", "small", "large", "wanted"),
    [
        pytest.param("top1", None, None, [True, True], id="two models, not scored: each for itself"),
        pytest.param("top1", 0.8, 0.8, [True, False], id="as good and smaller"),
        pytest.param("top1", 0.8, 0.9, [True, True], id="larger and better"),
        pytest.param("mse", 0.1, 0.2, [True, False], id="an error is better small"),
        pytest.param("mse", 0.2, 0.1, [True, True], id="larger, with less error"),
        pytest.param("top1", 0.8, None, [True, True], id="one not scored"),
    ],
)
def test_models_race_where_both_are_scored(
    metric: str, small: float | None, large: float | None, wanted: list[bool], tmp_path: Path
) -> None:
    row = {**answered(tmp_path, {})[0].as_dict(), "metric": metric}
    one = Row(**{**row, "accuracy": small, "metric": metric if small else None})
    two = Row(**{**row, "accuracy": large, "metric": metric if large else None, "subject": "large", "ram_bytes": 999})
    assert [sweep._best(each, [one, two]) for each in (one, two)] == wanted  # noqa: SLF001  (pure)


@pytest.mark.slow
def test_a_sweep_on_two_workers_goes_on_where_it_was_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half of it as if killed: an answer of before is kept, and a cell that was begun says that it was twice."""
    pytest.importorskip("distributed", reason="the extra 'sweep' is not installed")
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    cells = cells_of(tmp_path, "models: [{model: small.tflite, data: test.npz}]\nboards: [nucleo-l4r5zi, host]\n")
    out = tmp_path / "sweep"
    (out / "cells").mkdir(parents=True)
    (out / "cells" / f"{cells[0].key}.json").write_text('{"metric": "top1", "accuracy": 0.125}')
    (out / "journal.jsonl").write_text(json.dumps({"what": "begun", "cell": cells[1].key}) + '\n{"what": "beg')
    assert cli.invoke(["sweep", str(tmp_path / "sweep.yaml"), "--jobs", "2", "--json"]) == 1  # host has no time
    shown = json.loads(capsys.readouterr().out)
    board, host = shown["rows"]
    assert (board["accuracy"], host["accuracy"]) == (0.125, 0.125)
    assert board["latency_ms"] > 0
    assert (board["note"].split(":")[0], host["note"]) == ("measured 2 times", "")
    assert {Path(name).name for name in shown["files"]} == {"table.csv", "table.json", "table.md", "pareto.svg"}
    assert tinyperf.sweep(tmp_path / "sweep.yaml", out)[0][0].note == board["note"]  # nothing is begun again


def test_an_answer_that_is_none_is_told(tmp_path: Path) -> None:
    cells = cells_of(tmp_path)
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells" / f"{cells[0].key}.json").write_text("[")
    with pytest.raises(ContentError, match=f"{cells[0].key}.json"):
        cluster.run(cells, tmp_path)
