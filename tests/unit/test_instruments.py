"""`tinyperf energy monitors, check, simulate`, and power-off when the program is told to end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tinyperf import api
from tinyperf.cli import invoke
from tinyperf.errors import DataError, DeviceError, TinyperfError, UsageError
from tinyperf.measure import monitor
from tinyperf.virtual.bench import SyntheticBench
from tinyperf.virtual.instruments import joulescope, played_on

ROOT = Path(__file__).parents[2]


def test_every_instrument_says_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["energy", "monitors", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in found] == ["csv", "joulescope", "lpm01a", "ppk2", "replay", "virtual"]
    assert {one["verified"] for one in found} == {"simulated"}


@pytest.mark.parametrize(
    ("name", "range_w"), [("lpm01a", (0.0, 0.216)), ("ppk2", (-0.01, 5.0)), ("joulescope", (-0.01, 150.0))]
)
def test_every_instrument_declares_what_a_sample_can_be(name: str, range_w: tuple[float, float]) -> None:
    with monitor.opened(f"{name}:port=simulated", played_on()) as instrument:
        assert instrument.describe().range_w == pytest.approx(range_w)


@pytest.mark.parametrize(
    "name",
    [pytest.param("lpm01a", marks=pytest.mark.slow), "ppk2", pytest.param("joulescope", marks=pytest.mark.slow)],
)
def test_check_finds_a_good_instrument_good(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["energy", "check", f"{name}:port=simulated", "--seconds", "1.5", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["problems"] == []
    assert found["noise_floor_uw"] == 0.0
    assert 20 < found["power_mw"] < 40
    assert found["pulses"] >= 2
    assert found["test_pulse"].startswith("seen at ")


@pytest.mark.slow
def test_check_says_how_to_make_the_pulse_that_it_has_not_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "power.f32"
    argv = ["energy", "check", "lpm01a:port=simulated,format=binary", "--seconds", "1.5", "--out", str(out), "--json"]
    assert invoke(argv) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found["test_pulse"].startswith("not seen: touch Arduino D7 ")
    assert "for a test pulse, touch Arduino D7 " in said.err
    assert out.stat().st_size == 4 * found["samples"]


def test_a_full_disk_is_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["energy", "check", "virtual", "--seconds", "1", "--out", "/dev/full"]) == 4
    assert "/dev/full cannot be written: No space left on device" in capsys.readouterr().err


@pytest.mark.slow
def test_check_names_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["energy", "check", "lpm01a:port=simulated,fault=overcurrent", "--seconds", "4"]) == 1
    assert "Overcurrent" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        pytest.param(["energy", "check", "lpm02"], "unknown energy monitor 'lpm02'", id="unknown"),
        pytest.param(["energy", "check", "lpm01a"], "which port?", id="no-port"),
        pytest.param(["energy", "check", "ppk2:speed=1"], "no option 'speed'", id="unknown-option"),
        pytest.param(["energy", "check", "lpm01a:port=simulated,fault=x"], "no fault 'x'", id="unknown-fault"),
    ],
)
def test_wrong_words_are_usage_errors(argv: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(argv) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, id="ctrl-c", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, id="kill-15"),
    ],
)
def test_the_target_is_off_after_a_signal(number: signal.Signals) -> None:
    simulator = subprocess.Popen(
        [sys.executable, "-m", "tinyperf", "energy", "simulate", "lpm01a"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert simulator.stdout is not None
    assert simulator.stderr is not None
    try:
        port = simulator.stdout.readline().strip()
        checking = subprocess.Popen(
            [sys.executable, "-m", "tinyperf", "energy", "check", f"lpm01a:port={port}", "--seconds", "3"],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        said = [simulator.stderr.readline() for _ in range(4)]  # off when opened, supply, off for the noise floor, on
        assert "power on" in said[-1]
        os.kill(checking.pid, number)
        assert checking.wait(20) == 130
        said.append(simulator.stderr.readline())
    finally:
        simulator.send_signal(signal.SIGINT)
        simulator.communicate(timeout=20)
    assert "power off" in said[-1]


def test_a_recording_is_no_instrument_to_check(tmp_path: Path) -> None:
    (tmp_path / "trace.csv").write_text("time_s,power_w\n0,1\n0.001,1\n0.002,1\n")
    with pytest.raises(UsageError, match="is a recording: there is nothing to switch on"):
        api.energy_check(f"csv:file={tmp_path / 'trace.csv'},power=power_w")


@pytest.mark.parametrize("error", [RuntimeError("in use"), TimeoutError("gone")])
def test_what_the_joulescope_driver_raises_is_a_device_error(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    started = joulescope.stand_in(SyntheticBench(), "")
    monkeypatch.setattr(started, "open", fail)
    monkeypatch.setattr(joulescope, "stand_in", lambda *_: started)
    with pytest.raises(DeviceError, match=f"failed at 'open': {error}"):
        api.energy_check("joulescope:port=simulated")


@pytest.mark.parametrize("name", ["joulescope", "virtual", "nosuch"])
def test_what_nobody_plays_on_a_port_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["energy", "simulate", name]) == 2
    assert "choose one of lpm01a, ppk2, io_manager, interface_board" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("header", "options", "power_w"),
    [
        ("time_s,power_w", "power=power_w", 0.5),
        ("Timestamp(ms),Power [mW]", "time=Timestamp(ms),power=Power [mW]", 0.5e-3),
        ("Timestamp(ms),Current(uA)", "time=Timestamp(ms),current=Current(uA),supply=3000", 1.5e-6),
        ("t_us,current_ma", "time=t_us,current=current_ma,supply=1800", 0.9e-3),
        ("Time,Power", "time=Time,power=Power", 0.5),
    ],
)
def test_units_in_the_names_of_columns_count(header: str, options: str, power_w: float, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(header + "\n" + "".join(f"{k},0.5\n" for k in range(5)))
    instrument = monitor.open_monitor(f"csv:file={tmp_path / 't.csv'},{options}")
    scale = {"time_s": 1.0, "Time": 1.0, "t_us": 1e-6}.get(header.partition(",")[0], 1e-3)
    assert instrument.describe().sample_rate_hz == pytest.approx(1 / scale)
    assert next(iter(instrument.samples())).power_w == pytest.approx(np.full(5, power_w))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ("power=Current(uA),time=t", DataError, "column 'Current(uA)' is in uA, W are needed"),
        ("current=Current(uA),time=t,supply=3V3", UsageError, "csv: supply=3V3"),
        ("power=P,time=t", DataError, "has no column 'P'"),
    ],
)
def test_a_column_of_another_kind_is_refused(
    options: str, error: type[TinyperfError], words: str, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text("t,Current(uA)\n0,1\n1,1\n")
    with pytest.raises(error) as caught:
        monitor.open_monitor(f"csv:file={tmp_path / 't.csv'},{options}")
    assert words in caught.value.seen
