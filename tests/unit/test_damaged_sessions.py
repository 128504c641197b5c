"""Folders of our own sessions with a damaged file: replayed and resumed, each ends in one sentence that names it."""

from __future__ import annotations

import copy
import json
from functools import reduce
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.test_session import dataset, right_class
from tinyperf.errors import ContentError
from tinyperf.request import Request
from tinyperf.session import replay
from tinyperf.session import run as session
from tinyperf.virtual.fake import FakeDevice

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.result import Mode

GONE = object()
INPUTS = 4


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A performance and an accuracy session, by mode."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "fw.bin").write_bytes(b"not run")
    dataset(folder, INPUTS)
    made: dict[str, Path] = {}
    modes: tuple[Mode, ...] = ("performance", "accuracy")
    for mode in modes:
        at, data = folder / mode, str(folder) if mode == "accuracy" else None
        request = Request("host", "kws", mode, image=str(folder / "fw.bin"), data=data, out=str(at))
        found = session.run(request, open_link=lambda _: FakeDevice(right_class))
        assert found.valid, found.reasons
        made[mode] = at
    return made


@pytest.fixture
def damaged(finished: dict[str, Path], tmp_path: Path) -> Any:
    """A copy of a session, one of whose files was changed."""

    def damage(mode: str, file: str = "", text: str = "") -> Path:
        for path in finished[mode].iterdir():
            if path.is_file():
                (tmp_path / path.name).write_bytes(path.read_bytes())
        if file:
            (tmp_path / file).write_text(text)
        return tmp_path

    return damage


def changed(record: Any, keys: str, value: object) -> str:
    """`session.json` with another value at `a.b.0`."""
    record = copy.deepcopy(record)
    *way, last = (int(key) if key.isdigit() else key for key in keys.split("."))
    holder = reduce(lambda at, key: at[key], way, record)
    if value is GONE:
        del holder[last]
    else:
        holder[last] = value
    return json.dumps(record)


RECORDS = [
    pytest.param("performance", "format", {}, "has format {}", id="format-object"),
    pytest.param("performance", "format", [2], "has format [2]", id="format-list"),
    pytest.param("performance", "format", True, "has format True", id="format-truth"),
    pytest.param("performance", "format", 3, "has format 3", id="format-3"),
    pytest.param("performance", "result.performance", "x", "what is no figure", id="part-is-text"),
    pytest.param("performance", "result.performance.windows", 1.5, "what is no figure", id="windows-number"),
    pytest.param("performance", "result.performance.windows.1", [1], "what is no figure", id="window-list"),
    pytest.param("performance", "result.performance.windows.1.seconds", "", "no figure: ''", id="figure-text"),
    pytest.param("performance", "result.performance.windows.1.seconds", None, "no figure: None", id="figure-gone"),
    pytest.param("performance", "result.performance.latency_ms", "5", "no figure: '5'", id="figure-quoted"),
    pytest.param("performance", "result.performance.latency_ms", 10**400, "no figure: 1000", id="figure-huge"),
    pytest.param("performance", "result.performance.latency_ms", float("nan"), "no figure: nan", id="figure-nan"),
    pytest.param("accuracy", "result.accuracy", [0], "what is no figure", id="accuracy-list"),
    pytest.param("accuracy", "planned.target", float("inf"), "target: ", id="target-inf"),
    pytest.param("accuracy", "planned.samples.1", GONE, "session.json does not", id="input-gone"),
    pytest.param("accuracy", "planned.samples", [], "session.json does not", id="inputs-gone"),
    pytest.param("accuracy", "planned.samples.1.name", "other.bin", "session.json does not", id="input-renamed"),
    pytest.param("accuracy", "planned.samples.1.label", 10**30, "samples.1.label", id="label-huge"),
    pytest.param("accuracy", "planned.samples.1.label", -1, "samples.1.label", id="label-negative"),
    pytest.param("accuracy", "planned.samples.1.windows", 0, "samples.1.windows", id="no-windows"),
]


@pytest.mark.parametrize(("mode", "keys", "value", "words"), RECORDS)
def test_a_damaged_record_is_said(mode: str, keys: str, value: object, words: str, damaged: Any) -> None:
    record = json.loads((damaged(mode) / "session.json").read_text())
    with pytest.raises(ContentError, match=r"session\.json|the transcript") as caught:
        replay.replay(damaged(mode, "session.json", changed(record, keys, value)))
    assert words in caught.value.seen


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("request_is", ["kws", [1], 3, None, {}])
def test_a_request_that_is_none_is_said_in_either_format(
    number: int, request_is: object, damaged: Any, finished: dict[str, Path]
) -> None:
    record = json.loads((finished["performance"] / "session.json").read_text())
    flat = {"format": 1, **record["planned"], "request": request_is}
    held = flat if number == 1 else {**record, "planned": {**record["planned"], "request": request_is}}
    with pytest.raises(ContentError, match=r"session\.json .*request"):
        replay.replay(damaged("performance", "session.json", json.dumps(held)))


LINES = [
    pytest.param('{"t_s": NaN, "dir": "device", "hex": ""}', "t_s is nan", id="time-nan"),
    pytest.param('{"t_s": 1e999, "dir": "device", "hex": ""}', "t_s is inf", id="time-inf"),
    pytest.param('{"t_s": 1' + "0" * 400 + ', "dir": "device", "hex": ""}', "OverflowError", id="time-huge"),
    pytest.param('{"t_s": 0.0, "dir": "note", "hex": "ff"}', "UnicodeDecodeError", id="note-no-text"),
    pytest.param('{"t_s": 0.0, "dir": [], "hex": ""}', "TypeError", id="direction-list"),
    pytest.param("[" * 100_000, "RecursionError", id="nested"),
    pytest.param("17", "TypeError", id="number"),
]


@pytest.mark.parametrize(("line", "words"), LINES)
def test_a_damaged_line_of_a_transcript_is_said(line: str, words: str, damaged: Any, finished: dict[str, Path]) -> None:
    first, *rest = (finished["performance"] / "transcript.jsonl").read_text().splitlines()
    text = "\n".join([first, line, *rest, ""])
    with pytest.raises(ContentError, match=r"transcript\.jsonl:2 is no record") as caught:
        replay.replay(damaged("performance", "transcript.jsonl", text))
    assert words in caught.value.seen


def test_numbers_of_any_length_are_read(damaged: Any, finished: dict[str, Path]) -> None:
    """A note or command that no tinyperf wrote: nothing of ours is meant by it."""
    text = (finished["performance"] / "transcript.jsonl").read_text()
    long = "9" * 5000
    for way, words in (("note", f"sample {long} 0 x"), ("host", f"infer {long} 0%"), ("host", "infer 0 0%")):
        text += f'{{"t_s": 1e6, "dir": "{way}", "hex": "{words.encode().hex()}"}}\n'
    assert replay.replay(damaged("performance", "transcript.jsonl", text)).valid
