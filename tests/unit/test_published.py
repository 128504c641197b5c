"""The published results: every row there, found by any spelling, and an estimate never ranked among measurements."""

from __future__ import annotations

import csv
import json
import runpy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinyperf
from tests.data import ROOT, find
from tinyperf import cli
from tinyperf.errors import UsageError
from tinyperf.figures import significant
from tinyperf.reporting import published
from tinyperf.reporting.published import Published, ranked, standing
from tinyperf.result import Performance, RunResult

BENCHMARKS = ["ad", "ic", "kws", "sww", "vww"]


def row(latency_ms: float, *, board: str = "B", benchmark: str = "kws") -> Published:
    facts: dict[str, Any] = dict.fromkeys(("round", "organisation", "mcu", "core", "engine", "software", "source"), "-")
    return Published(
        **facts,
        board=board,
        benchmark=benchmark,
        latency_ms=latency_ms,
        clock_mhz=1.0,
        energy_uj=None,
        supply_v=None,
        accuracy="",
    )


def test_the_table_is_what_the_script_makes_of_the_list(tmp_path: Any) -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "published"))
    out = tmp_path / "published.csv"
    script["main"].__globals__["OUT"] = out
    script["main"](find("published_results.csv"))
    assert out.read_text(encoding="utf-8") == published.TABLE.read_text(encoding="utf-8")


def test_every_row_of_the_list_is_there_with_its_latency() -> None:
    with find("published_results.csv").open(encoding="utf-8", newline="") as file:
        rows = [(r["round"], r["source_path"], r["benchmark"], float(r["latency_ms"])) for r in csv.DictReader(file)]
    ours = [(r.round, r.source, f"{r.benchmark}01", r.latency_ms) for r in published.results()]
    assert sorted(ours) == sorted(rows)


def test_the_table_names_a_source_once_and_every_figure_has_three_digits() -> None:
    rows = published.results()
    assert len({(r.round, r.source) for r in rows}) == len(rows) == 312
    assert {r.benchmark for r in rows} == set(BENCHMARKS)
    assert {r.round for r in rows} == {"v0.5", "v0.7", "v1.0", "v1.1", "v1.2", "v1.3"}
    with published.TABLE.open(encoding="utf-8", newline="") as file:
        texts = [text for r in csv.DictReader(file) for text in (r["latency_ms"], r["energy_uj"]) if text]
    assert [text for text in texts if len(text.replace(".", "").lstrip("0")) < 3] == []


@pytest.mark.parametrize(
    ("name", "boards"),
    [
        pytest.param("nucleo-l4r5zi", {"NUCLEO-L4R5ZI"}, id="the-whole-name-is-that-board-alone"),
        pytest.param("NUCLEO_L4R5ZI_P", {"NUCLEO-L4R5ZI-P"}, id="underscores-and-case-do-not-matter"),
        pytest.param("disco f746ng", {"DISCO-F746NG"}, id="blanks-do-not-matter"),
        pytest.param("l4r5", {"NUCLEO-L4R5ZI", "NUCLEO-L4R5ZI-P"}, id="a-part-takes-every-board-that-holds-it"),
    ],
)
def test_boards_by_name(name: str, boards: set[str]) -> None:
    assert {r.board for r in published.results(board=name)} == boards


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        pytest.param({"board": "nucleo-l4r5zx"}, "did you mean NUCLEO-L4R5ZI or ", id="a-board-misspelt"),
        pytest.param({"board": "--"}, "without --board shows", id="a-board-of-punctuation"),
        pytest.param({"benchmark": "kwz"}, "did you mean 'kws'? there are ad, ic, kws, sww, vww", id="a-benchmark"),
    ],
)
def test_a_name_that_nothing_has_is_refused_with_the_closest(arguments: dict[str, str], hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        published.results(**arguments)
    assert hint in refused.value.hint


def test_boards_of_ours_that_others_published_are_found() -> None:
    ours = {"b-u585i-iot02a", "cy8cproto-062-4343w", "disco-f746ng", "nucleo-g0b1re", "nucleo-h7a3zi-q"}
    ours |= {"nucleo-l4r5zi", "nucleo-l4r5zi-p", "nucleo-u385rg-q", "nucleo-u575zi-q"}
    assert {b.name for b in tinyperf.boards() if standing(b.name, "kws", 50.0, estimated=False)} == ours


def test_ranks_are_by_latency_for_each_benchmark_and_equal_figures_share_one() -> None:
    rows = [row(3), row(2), row(3), row(4), row(9, benchmark="ad")]
    assert [(r.rank, r.result.latency_ms) for r in ranked(rows)] == [(1, 9), (1, 2), (2, 3), (2, 3), (4, 4)]


@pytest.mark.parametrize(
    ("latency_ms", "error_percent", "places"),
    [
        pytest.param(40.0, None, (1, 1, 1, 21), id="a-measurement-faster-than-all"),
        pytest.param(43.19, None, (1, 1, 1, 21), id="a-measurement-equal-to-the-fastest-shares-its-place"),
        pytest.param(500.0, None, (21, 21, 21, 21), id="a-measurement-slower-than-all"),
        pytest.param(54.98, 13.0, (None, 3, 4, 21), id="an-estimate-takes-the-places-of-its-error"),
        pytest.param(54.98, 0.0, (None, 3, 3, 21), id="an-estimate-takes-no-rank-however-exact"),
        pytest.param(54.98, 150.0, (None, 1, 17, 21), id="an-error-above-100-percent"),
    ],
)
def test_standing_on_l4r5zi(latency_ms: float, error_percent: float | None, places: tuple[int | None, ...]) -> None:
    place = standing(
        "nucleo-l4r5zi", "kws", latency_ms, estimated=error_percent is not None, error_percent=error_percent
    )
    assert place is not None
    assert (place.rank, place.first, place.last, place.of) == places


def test_an_estimate_says_what_it_is() -> None:
    place = standing("nucleo-l4r5zi", "kws", 54.98, estimated=True, error_percent=13.0)
    assert place is not None
    assert "would stand 3 to 4 of 21 in kws on NUCLEO-L4R5ZI, estimated, ±13 %: no measurement" in place.text
    unknown = standing("nucleo-l4r5zi", "kws", 54.98, estimated=True)
    assert unknown is not None
    assert "estimated, error not measured" in unknown.text


def test_a_board_without_a_published_result_has_no_standing() -> None:
    assert standing("mps2-an386", "kws", 50.0, estimated=True) is None
    assert standing("nucleo-g0b1re", "sww", 50.0, estimated=False) is None


@pytest.mark.parametrize(
    ("latency_ms", "error_percent"), [(0.0, None), (-1.0, None), (float("nan"), None), (1.0, -1.0)]
)
def test_a_latency_that_is_none_is_refused(latency_ms: float, error_percent: float | None) -> None:
    with pytest.raises(ValueError, match=r"a latency of|an error of"):
        standing("nucleo-l4r5zi", "kws", latency_ms, estimated=True, error_percent=error_percent)


@given(st.floats(min_value=1e-6, max_value=1e9))
def test_a_shown_figure_has_at_least_three_digits_and_no_exponent(value: float) -> None:
    text = significant(value)
    assert "e" not in text
    assert float(text) == pytest.approx(value, rel=1e-3)


def test_the_table_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["published", "--board", "nucleo-l4r5zi", "--bench", "kws"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[1] == "kws on NUCLEO-L4R5ZI, 20 published results"
    assert shown[3].split()[:5] == ["1", "43.19", "1820", "120", "v1.2"]
    assert len(shown) == 23


def test_every_result_is_shown_without_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["published"]) == 0
    headings = [line for line in capsys.readouterr().out.splitlines() if line.endswith("published results")]
    assert [line.split()[0] for line in headings] == BENCHMARKS
    assert sum(int(line.split()[-3]) for line in headings) == 312


def test_json_has_every_fact_and_the_source(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "published",
        "--board",
        "disco-f746ng",
        "--bench",
        "ad",
        "--latency",
        "1.2",
        "--estimated",
        "4",
        "--json",
    ]
    assert cli.invoke(arguments) == 0
    shown = json.loads(capsys.readouterr().out)
    first = shown["results"][0]
    assert (first["rank"], first["latency_ms"], first["organisation"]) == (1, 1.425, "bosch")
    assert first["url"] == f"https://github.com/mlcommons/tiny_results_{first['round']}/blob/main/{first['source']}"
    assert shown["standing"]["rank"] is None
    assert shown["standing"]["first"] == 1


@pytest.mark.parametrize(
    ("arguments", "seen"),
    [
        pytest.param(["--latency", "5"], "--latency without --board and --bench", id="a-latency-of-nothing"),
        pytest.param(["--estimated", "5"], "--estimated without --latency", id="an-error-of-nothing"),
        pytest.param(["--latency", "nan", "--board", "x"], "nan is no number", id="no-number"),
        pytest.param(["--latency", "5", "--board", "l4r5", "--bench", "kws"], "'l4r5'", id="a-part-of-a-name"),
    ],
)
def test_arguments_that_make_no_sense(arguments: list[str], seen: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["published", *arguments, "--json"]) == 2
    assert seen in json.loads(capsys.readouterr().out)["error"]["seen"]


@pytest.mark.parametrize(
    ("changes", "remark", "place"),
    [
        pytest.param({}, "", "would stand 4 of 21 in kws on NUCLEO-L4R5ZI; the fastest", id="a-measurement"),
        pytest.param(
            {"estimated": True, "error_percent": 13.0},
            " (estimated, ±13 %)",
            "would stand 3 to 6 of 21 in kws on NUCLEO-L4R5ZI, estimated, ±13 %: no measurement",
            id="an-estimate",
        ),
    ],
)
def test_a_run_says_where_it_would_stand(changes: dict[str, Any], remark: str, place: str) -> None:
    found = published.place(result(**changes), remark=remark)
    assert found is not None
    assert found.text.startswith(place)


@pytest.mark.parametrize(
    ("changes", "remark"),
    [
        pytest.param({"valid": False}, " (not valid)", id="not-valid"),
        pytest.param({"inputs": "synthetic"}, " (synthetic inputs)", id="inputs-of-no-set"),
        pytest.param({"performance": None, "mode": "accuracy"}, "", id="no-latency"),
        pytest.param({"board": "mps2-an386"}, "", id="a-board-of-nobody"),
        pytest.param({"benchmark": "custom"}, "", id="a-model-of-nobody"),
    ],
)
def test_what_is_no_result_has_no_place(changes: dict[str, Any], remark: str) -> None:
    assert published.place(result(**changes), remark=remark) is None


def result(**changes: Any) -> RunResult:
    known: dict[str, Any] = {
        "benchmark": "kws",
        "board": "nucleo-l4r5zi",
        "engine": "aot",
        "transport": "serial",
        "mode": "performance",
        "valid": True,
        "reasons": (),
        "inputs": "official",
        "estimated": False,
        "session": "here",
        "performance": Performance(latency_ms=61.0, throughput_ips=16.4, windows=()),
    }
    return RunResult(**{**known, **changes})
