"""Published EnergyRunner logs through our parser, reader and arithmetic: every figure they print comes out again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.data import DATA, needs
from tinyperf.device.protocol import Parser, Results, Timestamp, elapsed_us
from tinyperf.formats import energyrunner
from tinyperf.result import Window
from tinyperf.session import transcript
from tinyperf.session.replay import replay

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.formats.recorded import Trial

KRAI = DATA / "sessions" / "krai_v1.1"
pytestmark = needs("sessions/krai_v1.1")


def trials(log: Path) -> list[Trial]:
    return list(transcript.read(energyrunner.read_log(log).records).trials.values())


@pytest.mark.parametrize("name", ["kws", "ad"])
def test_every_printed_window_and_the_median(name: str) -> None:
    found = replay(KRAI / name / "performance")
    assert (found.valid, found.reasons) == (True, ())
    printed = (KRAI / name / "performance" / "results.txt").read_text()
    windows = [w for w in found.windows if isinstance(w, Window)]
    assert [f"{w.seconds:.3f}" for w in windows] == re.findall(r"Runtime\s+:\s+([\d.]+) sec", printed)
    assert [f"{w.throughput_ips:.3f}" for w in windows] == re.findall(r"Throughput\s+:\s+([\d.]+) inf", printed)
    assert f"{found.throughput_ips:.3f}" in printed.split("Median throughput is")[1]
    assert (found.printed, found.differences) == (16, ())


def test_the_printed_top1_and_auc_of_1000_keywords() -> None:
    found = replay(KRAI / "kws" / "accuracy")
    assert (found.valid, found.inputs, found.printed, found.differences) == (True, 1000, 2, ())
    assert found.top1 == 0.902
    assert found.auc == pytest.approx(0.9953, abs=5e-5)


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
    for trial in trials(KRAI / "ad" / "performance" / "log.txt"):
        assert trial.start_us is not None
        assert trial.end_us is not None
        assert elapsed_us(trial.start_us, trial.end_us) == pytest.approx(trial.host_s * 1e6, rel=0.01)
