"""Sessions as rows: listed, found by a word, shown, held against each other; and their files by the schemas."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import tinyperf
from tests.unit.test_session import Bench, dataset
from tinyperf import cli
from tinyperf.errors import UsageError
from tinyperf.session import listing, schemas, store
from tinyperf.session import run as session
from tinyperf.session.run import _folder

if TYPE_CHECKING:
    from tinyperf.result import Mode
    from tinyperf.session.listing import Row

ENERGY = Path(__file__).parents[1] / "sessions_v1" / "energy"
DOCUMENT = (Path(__file__).parents[2] / "docs" / "sessions.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two performance sessions and one of accuracy, one that stopped, one that is damaged."""
    root = tmp_path_factory.mktemp("sessions")
    data = dataset(root, 6)
    measured: list[tuple[str, Mode, str | None, float]] = [
        ("one", "performance", "before", 50.0),
        ("two", "performance", "before and after", 40.0),
        ("three", "accuracy", None, 1.0),
    ]
    for folder, mode, name, latency_ms in measured:
        bench = Bench(root, mode, data if mode == "accuracy" else None)
        asked = replace(bench.request(), out=str(root / "deep" / folder), name=name)
        session.run(asked, open_link=bench.opener(seconds_per_inference=latency_ms / 1e3))
    (root / "stopped").mkdir()
    record = json.loads((root / "deep" / "one" / "session.json").read_text())
    record["planned"]["request"]["name"] = record["result"] = None
    (root / "stopped" / "session.json").write_text(json.dumps(record))
    (root / "damaged").mkdir()
    (root / "damaged" / "session.json").write_text('{"format": 2}')
    return root


def by_folder(root: Path) -> dict[str, Row]:
    return {Path(row.session).name: row for row in listing.rows(root)}


def test_every_session_is_a_row(root: Path) -> None:
    rows = by_folder(root)
    assert {name: row.state for name, row in rows.items()} == {
        "damaged": "damaged",
        "one": "finished",
        "stopped": "unfinished",
        "three": "finished",
        "two": "finished",
    }
    assert rows["one"].latency_ms == pytest.approx(50.0)
    assert (rows["three"].metric, rows["three"].accuracy, rows["three"].samples) == ("top1", 1.0, 6)
    assert "planned" in rows["damaged"].reasons
    assert rows["one"].remark == "synthetic inputs; foreign firmware"


@pytest.mark.parametrize(
    ("word", "found"),
    [("three", "three"), ("before", "one"), ("thr", "three"), ("before and", "two"), ("last", "three")],
)
def test_a_session_is_found_by_a_word(root: Path, word: str, found: str) -> None:
    assert listing.find(word, root).name == found


@pytest.mark.parametrize(
    ("word", "seen", "hint"),
    [
        ("t", "'t' is 2 sessions", "by its folder"),
        ("treee", "no session 'treee'", "did you mean 'three'?"),
        ("", "no session ''", "tinyperf sessions list"),
    ],
)
def test_a_word_that_names_none_or_several(root: Path, word: str, seen: str, hint: str) -> None:
    with pytest.raises(UsageError, match=re.escape(seen)) as raised:
        listing.find(word, root)
    assert hint in raised.value.hint


def test_a_result_that_is_none_is_damage(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "deep" / "one", tmp_path / "one")
    record = json.loads((tmp_path / "one" / "session.json").read_text())
    record["result"]["performance"]["latency_ms"] = "fast"
    (tmp_path / "one" / "session.json").write_text(json.dumps(record))
    (row,) = listing.rows(tmp_path)
    assert row.state == "damaged"
    assert "performance.latency_ms" in row.reasons
    assert tinyperf.sessions_show(tmp_path / "one").performance  # computed again, whatever stands there


def test_a_difference_is_told_in_percent_of_the_first(root: Path) -> None:
    rows, differences = tinyperf.sessions_diff(["before", "two"], folder=root)
    assert [Path(row.session).name for row in rows] == ["one", "two"]
    named = {one.what: one for one in differences}
    assert named["latency_ms"].percent[0] == 0
    assert named["latency_ms"].percent[1] == pytest.approx(-20.0, abs=0.1)
    assert named.keys() == {"name", "latency_ms"}
    with pytest.raises(UsageError, match="one session"):
        tinyperf.sessions_diff(["two"], folder=root)


@pytest.mark.parametrize(
    ("mode", "shown"), [("performance", "~2.290 ms"), ("energy", "~698.0 uJ"), ("accuracy", "F1 0.928")]
)
def test_a_stream_is_listed_with_what_its_mode_is_for(
    mode: str, shown: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = json.loads((root / "deep" / "one" / "session.json").read_text())
    for part in (record["planned"], record["result"]):
        part |= {"mode": mode, "estimated": True, "error_percent": 19.0}
    record["result"]["performance"]["latency_ms"] = 2.29
    record["result"]["energy"] = {"uj_per_inference": 698.0, "uj_interval": [565.4, 830.6], "windows": []}
    record["result"]["accuracy"] = {"metric": "f1", "value": 90 / 97, "target": None, "samples": 50}
    (tmp_path / "stream").mkdir()
    (tmp_path / "stream" / "session.json").write_text(json.dumps(record))
    assert cli.invoke(["sessions", "list", "--dir", str(tmp_path)]) == 0
    assert f" {shown} " in capsys.readouterr().out


def test_the_command_line(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["sessions", "list", "--dir", str(root)]) == 0
    shown = capsys.readouterr().out
    assert "50.000 ms" in shown
    assert "'before and after'" in shown
    assert "damaged: " in shown
    assert cli.invoke(["sessions", "show", "two", "--dir", str(root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "before and after"
    assert cli.invoke(["sessions", "show", str(root / "stopped")]) == 2
    assert "is not finished" in capsys.readouterr().err
    assert cli.invoke(["sessions", "diff", "one", "two", "--dir", str(root)]) == 0
    assert re.search(r"2: 40\.\d+  \(-2\d\.\d\d %\)|2: 40\.\d+  \(-19\.\d\d %\)", capsys.readouterr().out)
    assert cli.invoke(["sessions", "diff", "one", "two", "--dir", str(root), "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"sessions", "differences"}
    assert cli.invoke(["sessions", "list", "--dir", str(root / "none")]) == 2
    assert cli.invoke(["sessions", "schema", "nosuch"]) == 2


def test_a_folder_s_name_says_what_it_is_of(root: Path) -> None:
    bench = Bench(root)
    planned = store.load(root / "deep" / "one").record.planned
    asked = replace(bench.request(), out=None, name="With / and ..")
    assert re.fullmatch(r"\d{8}-\d{6}-host-kws-performance-With_and", _folder(asked, planned).name)


@pytest.mark.slow  # for the second that importing jsonschema takes
def test_what_a_session_holds_is_as_its_schema_says(root: Path) -> None:
    import jsonschema

    def check(name: str, held: Any) -> None:
        jsonschema.Draft202012Validator(tinyperf.sessions_schema(name)).validate(held)

    for folder in ("one", "three"):
        at = root / "deep" / folder
        record = json.loads((at / "session.json").read_text())
        check("session", record)
        check("run", record["result"])
        check("results", json.loads((at / "results.json").read_text()))
        for line in (at / "transcript.jsonl").read_text().splitlines():
            check("transcript", json.loads(line))
    check("energy", json.loads((ENERGY / "energy.json").read_text()))
    with pytest.raises(jsonschema.ValidationError):
        check("session", {**record, "more": 1})


def test_every_key_that_a_schema_names_is_described_and_no_other() -> None:
    described = set(re.findall(r"`(\w+)`", DOCUMENT))
    first_cells = re.findall(r"^\| (`.*?) \|", DOCUMENT.split("**`result`**")[1], re.MULTILINE)
    told = {key for cell in first_cells for key in re.findall(r"`(\w+)`", cell)}
    known: set[str] = set()
    for name in ("energy", "layers", "results", "run", "stream"):
        schema: Any = schemas.schema(name)
        parts = [
            schema,
            *(part for key, part in schema.get("$defs", {}).items() if key not in {"Toolchain", "EngineDetails"}),
        ]
        keys = {key for part in parts for key in part.get("properties", {})}
        assert keys - described - {"flash_bytes", "ram_bytes", "arena_bytes"} == set(), name
        known |= keys
    assert told - known == set()
