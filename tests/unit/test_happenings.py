"""Transcripts as happenings: what a window is, whatever was lost of it, and however the bytes fall."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyperf.device.happenings import (
    Asked,
    Inference,
    Input,
    Pilot,
    Remark,
    Said,
    TranscriptReader,
    WindowEnded,
    WindowStarted,
    sample_note,
)
from tinyperf.session import transcript

if TYPE_CHECKING:
    from tinyperf.device.happenings import Happening, Record

START, DONE = b"m-warmup-done\r\nm-infer-start-5\r\n", b"m-infer-done\r\n"
STAMPS, RESULTS = b"m-lap-us-1000000\r\nm-lap-us-3000000\r\n", b"m-results-[0.25,0.75]\r\nm-ready\r\n"
ASK: list[Record] = [("note", sample_note(3, 1, "a b.bin").encode(), 0.5), ("host", b"infer 5 2%", 1.0)]


def happenings(records: list[Record], *, pulses: bool = False) -> list[Happening]:
    reader = TranscriptReader(pulses=pulses)
    return [happening for record in records for happening in reader.feed(*record)]


def inferences(records: list[Record], *, pulses: bool = False) -> list[Inference]:
    return [happening for happening in happenings(records, pulses=pulses) if isinstance(happening, Inference)]


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        pytest.param("sample 3 1 a b.bin", Input(0.0, "sample 3 1 a b.bin", 3, 1, "a b.bin", ""), id="an input"),
        pytest.param(
            "sample 3 1 a.bin again: torn",
            Input(0.0, "sample 3 1 a.bin again: torn", 3, 1, "a.bin", "torn"),
            id="an input that is sent again",
        ),
        pytest.param("pilot", Pilot(0.0, "pilot", ""), id="a pilot"),
        pytest.param("pilot again: torn", Pilot(0.0, "pilot again: torn", "torn"), id="a pilot again"),
        pytest.param("emon: m-trace[on]", Remark(0.0, "emon: m-trace[on]", ""), id="a remark"),
        pytest.param("sample x", Remark(0.0, "sample x", ""), id="what only looks like an input"),
    ],
)
def test_notes(note: str, expected: Happening) -> None:
    assert happenings([("note", note.encode(), 0.0)]) == [expected]


def test_a_window_from_its_command_to_its_results() -> None:
    records: list[Record] = [*ASK, ("device", START, 2.0), ("device", STAMPS + DONE, 4.0), ("device", RESULTS, 4.5)]
    kinds = [type(happening) for happening in happenings(records) if not isinstance(happening, Said)]
    assert kinds == [Input, Asked, WindowStarted, WindowEnded, Inference]
    (found,) = inferences(records)
    assert (found.inferences, found.warmups, found.results) == (5, 2, (0.25, 0.75))
    assert (found.device_us, found.host_s, found.seconds, found.at_s) == (2_000_000, 2.0, 2.0, 4.5)
    trials = transcript.read(records)
    assert trials.trials[3, 1].name == "a b.bin"
    assert trials.inference_s == 0.4


@pytest.mark.parametrize(
    ("answer", "pulses", "host_s", "count"),
    [
        pytest.param([START, STAMPS, DONE + RESULTS], False, 1.0, 1, id="stamps: up to the second"),
        pytest.param([START, DONE + RESULTS], True, 1.0, 1, id="pulses: up to m-infer-done"),
        pytest.param([STAMPS, DONE + RESULTS], False, 0.0, 1, id="m-infer-start lost"),
        pytest.param([START, RESULTS], True, 0.0, 1, id="pulses, m-infer-done lost"),
        pytest.param([START, STAMPS[:18], DONE + RESULTS], False, 0.0, 0, id="a stamp lost"),
        pytest.param([START, STAMPS, DONE, b"m-results-[0.25,\r\n"], False, 0.0, 0, id="results torn"),
        pytest.param([START, STAMPS, DONE + RESULTS + RESULTS], False, 1.0, 1, id="results twice"),
    ],
)
def test_what_was_lost(answer: list[bytes], pulses: bool, host_s: float, count: int) -> None:
    records: list[Record] = [*ASK, *(("device", data, 2.0 + k) for k, data in enumerate(answer))]
    found = inferences(records, pulses=pulses)
    assert [one.host_s for one in found] == [host_s] * count
    assert all((one.device_us is None) == pulses for one in found)


@pytest.mark.parametrize(
    "between",
    [
        pytest.param(("host", b"name%", 3.0), id="another command"),
        pytest.param(("note", b"sample 4 0 b.bin", 3.0), id="the next input"),
        pytest.param(("note", b"pilot", 3.0), id="a pilot"),
    ],
)
def test_what_comes_late_belongs_to_nobody(between: Record) -> None:
    records: list[Record] = [*ASK, ("device", START + STAMPS, 2.0), between, ("device", DONE + RESULTS, 4.0)]
    assert inferences(records) == []


WHOLE = START + STAMPS + DONE + RESULTS


@given(st.lists(st.integers(0, len(WHOLE)), max_size=12))
def test_it_does_not_matter_how_the_bytes_fall(cuts: list[int]) -> None:
    ends = [*sorted(cuts), len(WHOLE)]
    pieces = [WHOLE[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
    records: list[Record] = [*ASK, *(("device", piece, 2.0) for piece in pieces)]
    assert happenings(records) == happenings([*ASK, ("device", WHOLE, 2.0)])
