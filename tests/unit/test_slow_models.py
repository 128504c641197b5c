"""Models that take seconds to minutes an inference, on boards that live in virtual time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.energy import SECONDS_PER_INFERENCE, TRUE_UJ, OnBench
from tinyperf.errors import DeviceError
from tinyperf.request import Request
from tinyperf.session import run as session
from tinyperf.session.record import Learned
from tinyperf.virtual.board import Calibration
from tinyperf.virtual.fake import FakeDevice

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.result import RunResult


@dataclass
class Bench:
    folder: Path

    def run(self, *, resume: bool = False, **device: Any) -> tuple[RunResult, FakeDevice]:
        image, at = self.folder / "fw.bin", self.folder / "session"
        image.write_bytes(b"not run")
        fake = FakeDevice(lambda _: (1.0, 0.0), model_id="vww01", **device)
        if resume:
            return session.resume(at, open_link=lambda _: fake), fake
        request = Request(board="host", benchmark="vww", image=str(image), out=str(at))
        return session.run(request, open_link=lambda _: fake), fake


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.parametrize("seconds", [5.9, 6.1, 20.0, 599.0])
def test_a_slow_model_is_measured(bench: Bench, seconds: float) -> None:
    found, device = bench.run(seconds_per_inference=seconds)
    assert found.valid, found.reasons
    assert found.performance is not None
    assert found.performance.latency_ms == pytest.approx(1e3 * seconds)
    assert [w.inferences for w in found.performance.windows] == [10] * 5
    assert sum(command.startswith("infer") for command in device.commands) == 6, "one pilot of one inference is enough"


def test_ten_minutes_an_inference_are_the_most_that_is_waited_for(bench: Bench) -> None:
    with pytest.raises(
        DeviceError, match=r"the first inference .* no m-ready within 600 s after 'infer 1 0'"
    ) as caught:
        bench.run(seconds_per_inference=601.0)
    assert "more than the 600 s that are waited for, or the board hangs in it" in caught.value.means


@pytest.mark.parametrize("seconds", [0.05, 20.0])
def test_a_slow_session_is_resumed(bench: Bench, seconds: float) -> None:
    """What an inference takes is read from the transcript: the one that was cut off was a whole window."""
    with pytest.raises(DeviceError, match="restarted"):
        bench.run(seconds_per_inference=seconds, misbehave={3: "reset"})
    found, device = bench.run(resume=True, seconds_per_inference=seconds)
    assert found.valid, found.reasons
    assert sum(command.startswith("infer") for command in device.commands) == 5 - (1 if seconds == 0.05 else 2)


@pytest.mark.parametrize("seconds", [0.05, 20.0])
def test_a_board_that_hangs_in_a_window_is_found_by_what_the_pilot_took(bench: Bench, seconds: float) -> None:
    with pytest.raises(DeviceError, match=r"stopped answering: no m-ready within [\d.]+ s after 'infer") as caught:
        bench.run(seconds_per_inference=seconds, misbehave={4: "hang"})
    assert "the board hangs, lost power, or was unplugged" in caught.value.means
    waited_s = float(re.findall(r"within ([\d.]+) s", caught.value.seen)[0])
    assert waited_s == pytest.approx(60 + 3 * max(10.7, 10 * seconds), rel=0.02)


def test_a_board_that_hangs_in_its_first_inference_is_found_after_ten_minutes(bench: Bench) -> None:
    with pytest.raises(DeviceError, match=r"the first inference .* did not end"):
        bench.run(misbehave={0: "hang"})


def test_a_board_that_lost_the_command_is_asked_again_and_not_after_ten_minutes(bench: Bench) -> None:
    found, device = bench.run(misbehave={0: "silent"})
    assert found.valid, found.reasons
    assert device.now_s() < 300


@pytest.mark.slow
def test_the_energy_of_a_slow_model_is_measured(tmp_path: Path) -> None:
    """Five windows of 122 s each in one recording, warm-ups of two minutes between them."""
    image, at = tmp_path / "fw.bin", tmp_path / "session"
    image.write_bytes(b"not run")
    asked = Request("nucleo-l4r5zi", "kws", "energy", virtual=True, monitor="virtual", image=str(image), out=str(at))
    known = Learned(calibration=Calibration(1000, 1000, 0, 1.0))
    device = OnBench(lambda _: (1.0,) + (0.0,) * 11, seconds_per_inference=12.2)
    found = session.run(asked, open_link=lambda _: device, learned=known)
    assert found.valid, found.reasons
    assert found.energy is not None
    assert [w.seconds for w in found.energy.windows] == pytest.approx([122.0] * 5)
    assert found.energy.uj_per_inference == pytest.approx(TRUE_UJ / SECONDS_PER_INFERENCE * 12.2, rel=1e-4)
