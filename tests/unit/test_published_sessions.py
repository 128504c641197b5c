"""Published EnergyRunner logs through our parser, reader and arithmetic: every figure they print comes out again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.data import DATA, needs
from tinyperf.device.happenings import sample_note
from tinyperf.device.protocol import Parser, Results, Timestamp, elapsed_us
from tinyperf.rules import accuracy, windows
from tinyperf.rules.windows import Timed
from tinyperf.session import transcript

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tinyperf.device.happenings import Record
    from tinyperf.session.transcript import Trials

KRAI = DATA / "sessions" / "krai_v1.1"
pytestmark = needs("sessions/krai_v1.1")


def records(log: Path) -> Iterator[Record]:
    """An EnergyRunner log as the records of a transcript: what the host sent, and every line of the device."""
    index = 0
    for line in log.read_text(encoding="utf-8").splitlines():
        match = re.match(r"(\d+\.\d+) (\w+): (.*)", line)
        if match is None:
            continue
        at_s, source, text = float(match[1]), match[2], match[3]
        if source == "parser" and (load := re.match(r'Command "bload dut ".*\\([^\\"]+)"', text)):
            yield "note", sample_note(index, 0, load[1]).encode(), at_s
            index += 1
        elif source == "parser" and (infer := re.match(r'Command "dut (infer \d+ \d+)"', text)):
            yield "host", f"{infer[1]}%".encode(), at_s
        elif source == "dut":
            yield "device", f"{text}\r\n".encode(), at_s


def read(log: Path) -> Trials:
    return transcript.read(records(log))


@pytest.mark.parametrize("name", ["kws", "ad"])
def test_every_printed_window_and_the_median(name: str) -> None:
    trials = list(read(KRAI / name / "performance" / "log.txt").trials.values())
    timed = [
        Timed(t.name, t.inferences, t.device_us or 0, t.host_s, windows.line_latency_s(60, 115200)) for t in trials
    ]
    printed = (KRAI / name / "performance" / "results.txt").read_text()
    found = windows.performance(timed)
    assert found is not None
    assert [f"{w.seconds:.3f}" for w in found.windows] == re.findall(r"Runtime\s+:\s+([\d.]+) sec", printed)
    assert [f"{w.throughput_ips:.3f}" for w in found.windows] == re.findall(r"Throughput\s+:\s+([\d.]+) inf", printed)
    assert f"{found.throughput_ips:.3f}" in printed.split("Median throughput is")[1]
    assert windows.reasons(timed, cross_check=True) == ()


def test_the_printed_top1_and_auc_of_1000_keywords() -> None:
    trials = list(read(KRAI / "kws" / "accuracy" / "log.txt").trials.values())
    outputs = np.array([t.results for t in trials])
    labels = np.array([int(t.name.removesuffix(".bin").rsplit("_", 1)[1]) for t in trials])
    printed = (KRAI / "kws" / "accuracy" / "results.txt").read_text()
    assert len(trials) == 1000
    assert f"Top-1: {100 * accuracy.top1(outputs, labels):.1f}%" in printed
    area = accuracy.eembc_auc(outputs, labels)
    assert area is not None
    assert f"AUC: {area:.2f}" in printed


def test_all_lines_of_all_devices_are_understood() -> None:
    """Every m-lap-us and m-results line of the logs is an event, in whatever pieces it arrives."""
    log = (KRAI / "kws" / "accuracy" / "log.txt").read_text(encoding="utf-8")
    lines = re.findall(r"^\d+\.\d+ dut: (.*)$", log, re.MULTILINE)
    wire = "".join(line + "\r\n" for line in lines).encode()
    parser = Parser()
    events = [e for at in range(0, len(wire), 7) for e in parser.feed(wire[at : at + 7])]
    assert sum(isinstance(e, Timestamp) for e in events) == sum(line.startswith("m-lap-us-") for line in lines)
    assert sum(isinstance(e, Results) for e in events) == sum(line.startswith("m-results-[") for line in lines)


def test_the_published_times_agree_with_the_hosts_clock() -> None:
    trials = read(KRAI / "ad" / "performance" / "log.txt").trials.values()
    for trial in trials:
        assert trial.start_us is not None
        assert trial.end_us is not None
        assert elapsed_us(trial.start_us, trial.end_us) == pytest.approx(trial.host_s * 1e6, rel=0.01)
