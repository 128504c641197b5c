"""The transcripts that test the firmware drive the host's parser too: each line is what docs/protocol.md means."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tinyperf.device import protocol
from tinyperf.device.protocol import (
    Build,
    Crc,
    Event,
    Expecting,
    InferDone,
    InferStart,
    Inputs,
    Limits,
    Loaded,
    ModelId,
    Name,
    Note,
    NotFinite,
    Parser,
    Profile,
    Ready,
    Refused,
    Reset,
    Results,
    Timestamp,
    WindowLimits,
)

TRANSCRIPTS = sorted((Path(__file__).parent.parent / "conformance").glob("*.txt"))
KINDS: dict[str, type[Event]] = {
    "m-ready": Ready,
    "m-name-": Name,
    "m-profile-": Profile,
    "m-model-": ModelId,
    "m-inputs-": Inputs,
    "m-lap-us-": Timestamp,
    "m-infer-start-": InferStart,
    "m-infer-done": InferDone,
    "m-results-": Results,
    "m-[Expecting ": Expecting,
    "m-load-done": Loaded,
    "m-build-": Build,
    "m-limits-": Limits,
    "m-window-": WindowLimits,
    "m-crc-": Crc,
    "e-[": Refused,
    "m-timestamp-mode-": Reset,
    "m-init-done": Reset,
    "m-warmup-": Note,
    "m-buffer-": Note,
}


def filled(line: str) -> str:
    """A line of a transcript with its placeholders filled in."""
    line = re.sub(r"\{(\w\w)\*(\d+)\}", lambda m: m[1] * int(m[2]), line)
    return line.replace("{uint}", "4294967295").replace("{hex32}", "0f" * 16).replace("{hex8}", "0f0f0f0f")


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda p: p.stem)
def test_every_answer_is_the_event_it_should_be(path: Path) -> None:
    answers = [line[2:] for line in path.read_text().splitlines() if line.startswith("< ") and "*" not in line]
    for answer in map(filled, answers):
        kind = next((k for start, k in KINDS.items() if answer.startswith(start)), Note)
        kind = NotFinite if kind is Results and re.search("nan|inf", answer) else kind
        assert [type(e) for e in Parser().feed(f"{answer}\r\n".encode())] == [kind], answer


@pytest.mark.parametrize(
    ("builder", "start"),
    [
        pytest.param(protocol.NAME, "name", id="name"),
        pytest.param(protocol.PROFILE, "profile", id="profile"),
        pytest.param(protocol.TIMESTAMP, "timestamp", id="timestamp"),
        pytest.param(protocol.BUILD, "build", id="build"),
        pytest.param(protocol.CRC, "db crc", id="db crc"),
        pytest.param(protocol.infer(7, 3), "infer 7 3", id="infer"),
        pytest.param(protocol.db_load(490), "db load 490", id="db load"),
    ],
)
def test_what_the_host_sends_is_what_the_firmware_is_tested_with(builder: bytes, start: str) -> None:
    commands = {line[2:] for path in TRANSCRIPTS for line in path.read_text().splitlines() if line.startswith("> ")}
    assert builder.decode().removesuffix("%") == start
    assert start in commands


def test_there_are_transcripts() -> None:
    assert len(TRANSCRIPTS) > 20
