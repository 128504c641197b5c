"""`tinyperf doctor`: on this machine, on a bare one, and with parts missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tinyperf import board as boards
from tinyperf import cli
from tinyperf.device import ports, probes
from tinyperf.device.ports import Port
from tinyperf.device.probes import Probe
from tinyperf.diagnosis import machine
from tinyperf.diagnosis.check import Check, Diagnosis

BOARD = boards.load("nucleo-l4r5zi")


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYPERF_CONFIG", str(tmp_path / "settings"))
    monkeypatch.setenv("TINYPERF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(tmp_path / "pio"))


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any tool and without any device."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(probes, "find", list)
    monkeypatch.setattr(ports, "listed", list)


def lines(found: Diagnosis, name: str) -> list[Check]:
    return [c for c in found.checks if c.name == name]


@pytest.mark.usefixtures("bare")
def test_bare_machine() -> None:
    found = machine.diagnose(BOARD)
    (compiler,) = lines(found, "compiler")
    assert (compiler.state, compiler.found) == ("missing", "arm-none-eabi-gcc is not on PATH")
    assert "apt-get install gcc-arm-none-eabi" in compiler.fix
    assert lines(found, "probe")[0].found == "no ST-LINK found (USB 0483:374b)"
    assert lines(found, "flash tools")[0].state == "missing"
    assert (found.build, found.silicon, found.exit_code) == (False, False, 3)


@pytest.mark.usefixtures("bare")
def test_every_line_that_is_not_ok_says_why() -> None:
    for check in machine.diagnose(BOARD).checks:
        assert check.why, check.name
        assert check.state == "ok" or check.fix or check.state == "note", check.name


@pytest.mark.usefixtures("bare")
def test_board_that_needs_a_framework(tmp_path: Path) -> None:
    found = machine.diagnose(boards.load(str(boards.new("my-board", tmp_path, "arduino"))))
    (platform,) = [c for c in found.checks if "ststm32" in c.found]  # told once, and not as something unneeded
    assert (platform.name, platform.state) == ("compiler", "missing")
    assert platform.fix.endswith("pio pkg install --global --platform ststm32@19.6.0")
    assert "not needed" not in platform.why
    assert found.exit_code == 3


@pytest.mark.usefixtures("bare")
def test_board_that_can_be_built_in_two_ways(tmp_path: Path) -> None:
    (platform,) = lines(machine.diagnose(BOARD), "PlatformIO platform")
    assert (platform.state, platform.found) == ("note", "ststm32@19.6.0 is not installed")
    assert platform.fix.endswith("-m platformio pkg install --global --platform ststm32@19.6.0")
    (tmp_path / "pio" / "platforms" / "ststm32").mkdir(parents=True)
    (platform,) = lines(machine.diagnose(BOARD), "PlatformIO platform")
    assert platform.state == "ok"
    assert lines(machine.diagnose(boards.load("mps2-an386")), "PlatformIO platform") == []


@pytest.mark.usefixtures("bare")
def test_only_the_absent_flash_tools_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "openocd").write_text("#!/bin/sh\necho Open On-Chip Debugger\n")
    (tmp_path / "openocd").chmod(0o755)
    (absent,) = lines(machine.diagnose(BOARD), "flash tools")
    assert absent.state == "note"
    assert "openocd" not in absent.found + absent.fix
    assert "stlink-tools" in absent.fix


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("name", "tools"),
    [
        ("raspberry-pi-pico-2", ["openocd", "JLinkExe", "pyocd", "picotool"]),
        ("nano-33-ble", ["openocd", "nrfutil", "nrfjprog", "JLinkExe", "pyocd", "bossac"]),
        ("disco-f746ng", ["openocd", "st-flash", "JLinkExe"]),
    ],
)
def test_every_flash_tool_of_a_board_is_named_with_how_to_get_it(name: str, tools: list[str]) -> None:
    (absent,) = lines(machine.diagnose(boards.load(name)), "flash tools")
    assert absent.found == f"not installed: {', '.join(tools)}"
    assert absent.fix.count(";") == len(tools) - 1


@pytest.mark.usefixtures("bare")
def test_connected_board(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    device = tmp_path / "ttyACM0"
    device.touch()
    probe = Probe("ST-LINK", "0483", "374b", "066DFF31", "STM32 STLink", usable=True, ports=(str(device),))
    monkeypatch.setattr(probes, "find", lambda: [probe])
    monkeypatch.setattr(ports, "listed", lambda: [Port(str(device), "0483", "374b", "066DFF31", "STM32 STLink")])
    found = machine.diagnose(BOARD)
    assert lines(found, "probe")[0].found == "ST-LINK 066DFF31 (USB 0483:374b) STM32 STLink"
    assert lines(found, "port")[0].state == "ok"
    assert found.silicon


@pytest.mark.usefixtures("bare")
def test_probe_without_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    probe = Probe("ST-LINK", "0483", "374b", "066DFF31", "STM32 STLink", usable=False, node=Path("/dev/bus/usb/1/4"))
    monkeypatch.setattr(probes, "find", lambda: [probe])
    first = lines(machine.diagnose(BOARD), "probe")[0]
    assert first.state == "missing"
    assert 'ATTR{idVendor}=="0483", ATTR{idProduct}=="374b", TAG+="uaccess"' in first.fix


@pytest.mark.parametrize(
    ("build", "virtual", "silicon", "code"),
    [
        pytest.param(True, True, False, 0, id="virtual"),
        pytest.param(True, False, True, 0, id="real"),
        pytest.param(True, False, False, 4, id="nothing-to-run-it-on"),
        pytest.param(False, True, True, 3, id="cannot-be-built"),
    ],
)
def test_exit_code(build: bool, virtual: bool, silicon: bool, code: int) -> None:
    assert Diagnosis("b", (), build=build, virtual=virtual, silicon=silicon).exit_code == code


@pytest.mark.usefixtures("bare")
def test_json_and_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["doctor", "--json"]) == 3
    shown = json.loads(capsys.readouterr().out)
    assert {"board", "usable", "build", "virtual", "silicon", "checks"} == set(shown)
    assert {"name", "state", "found", "why", "fix"} == set(shown["checks"][0])
    assert cli.invoke(["doctor"]) == 3
    assert "nucleo-l4r5zi: build no, virtual" in capsys.readouterr().out
    assert cli.invoke(["doctor", "--board", "nonesuch"]) == 2
