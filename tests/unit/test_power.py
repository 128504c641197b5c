"""The power model: its arithmetic, and that files and page say what scripts/energy settles."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tinyperf import board as boards
from tinyperf.chip import CoreVoltage, Power
from tinyperf.rules import power
from tinyperf.session.profile import energy_error_percent

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]


def script() -> ModuleType:
    loader = SourceFileLoader("energy_script", str(ROOT / "scripts" / "energy"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    sys.modules[loader.name] = module
    loader.exec_module(module)
    return module


SCRIPT = script()
SETTLED = {board.name: found for board in boards.shipped() if (found := SCRIPT.settle(board))}


def test_every_board_with_power_figures_has_published_energies() -> None:
    with_figures = {board.name for board in boards.shipped() if board.power(foreign=True)}
    on_the_same_chip = {
        name for name in with_figures if boards.load(name).power(foreign=True) == boards.load(name).chip.power
    }
    assert set(SETTLED) >= {"nucleo-l4r5zi", "nucleo-u575zi-q", "nucleo-l4r5zi-p"}
    assert with_figures - set(SETTLED) <= on_the_same_chip


@pytest.mark.parametrize("name", SETTLED)
def test_files_and_page_hold_what_is_settled(name: str) -> None:
    found = SETTLED[name]
    figures = boards.load(name).power(foreign=True)
    assert figures
    assert figures.active_pc_per_cycle == pytest.approx(found.pc_per_cycle, abs=0.01)
    for stated, largest in (
        (figures.error_percent, found.largest),
        (figures.foreign_error_percent, found.largest_foreign),
    ):
        assert (stated is None) == (largest is None)
        assert stated is None or largest < stated < largest + 1.5
    assert "\n".join(SCRIPT.lines(found)) in (ROOT / "docs" / "virtual_board.md").read_text()


def figures(**changes: Any) -> Power:
    values: dict[str, Any] = {
        "core_mv": [CoreVoltage(up_to_hz=50_000_000, mv=1000), CoreVoltage(up_to_hz=100_000_000, mv=1200)],
        "active_pc_per_cycle": 100.0,
        "idle_ma_per_mhz": 0.05,
        "static_ma": 0.0,
        "stall_cycles_per_flash_miss": 5.0,
    }
    return Power(**(values | changes))


@pytest.mark.parametrize(
    ("change", "use", "watts"),
    [
        pytest.param({}, {}, 100e-12 * 100e6 * 1.8, id="all active"),
        pytest.param({}, {"supply_mv": 3000}, 100e-12 * 100e6 * 3.0, id="linear: the current stays"),
        pytest.param({"switched_at_mv": 1800}, {"supply_mv": 3000}, 0.018, id="switching: the power stays"),
        pytest.param({}, {"flash_misses": 10e6}, 0.018 / 2, id="half of the time it waits"),
        pytest.param({}, {"active_cycles": 0.0, "idle_cycles": 100e6}, 0.05 * 100e-3 * 1.8, id="idle"),
        pytest.param({"static_ma": 1.0}, {}, 0.018 + 1.8e-3, id="static"),
        pytest.param({}, {"clock_hz": 50_000_000}, 0.018 / 1.2, id="lower range: by the voltage"),
        pytest.param({"switched_at_mv": 1800}, {"clock_hz": 50_000_000}, 0.018 / 1.44, id="by its square"),
        pytest.param({}, {"seconds": 0.0}, 0.0, id="no time"),
    ],
)
def test_power(change: dict[str, Any], use: dict[str, Any], watts: float) -> None:
    given: dict[str, Any] = {
        "active_cycles": 100e6,
        "flash_misses": 0.0,
        "idle_cycles": 0.0,
        "seconds": 1.0,
        "clock_hz": 100_000_000,
        "supply_mv": 1800,
    }
    assert power.mean_w(figures(**change), **(given | use)) == pytest.approx(watts)


def test_firmware_from_elsewhere_may_be_further_off() -> None:
    board = boards.load("nucleo-l4r5zi")
    assert energy_error_percent(board, foreign=False) == 7.0 + 12.0
    assert energy_error_percent(board, foreign=True) == 7.0 + 21.0
    with_a_converter = boards.load("nucleo-l4r5zi-p")
    assert energy_error_percent(with_a_converter, foreign=False) == 7.0 + 12.0
    assert energy_error_percent(with_a_converter, foreign=True) is None
