"""On a system without pseudo terminals (Windows): words in place of an ImportError."""

from __future__ import annotations

import sys

import pytest

from tinyperf import cli
from tinyperf.device.isolators import SIMULATED, Choice
from tinyperf.errors import UsageError
from tinyperf.virtual.fake import FakeDevice
from tinyperf.virtual.isolators.line import through


@pytest.fixture(autouse=True)
def _no_pty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pty", None)  # what makes `import pty` an ImportError


@pytest.mark.parametrize(
    "command",
    ["energy check lpm01a:port=simulated", "energy check ppk2:port=simulated", "energy simulate io_manager"],
)
def test_a_simulator_says_that_there_are_none(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(command.split()) == 2
    assert "this system has no pseudo-terminals" in capsys.readouterr().err


def test_a_played_isolator_says_it_too_and_closes_the_board() -> None:
    board = FakeDevice(lambda _: (0.5,), energy_mode=True)
    with pytest.raises(UsageError, match="no pseudo-terminals"):
        through(Choice("io_manager", SIMULATED), board, 9600)
