"""Published firmware of others on the virtual board: boots, answers rightly, and takes about the time of silicon.

The images are somebody else's and not here: $TINYPERF_IMAGES names a folder of files ANYTHING__BENCH.bin or .hex for
the NUCLEO-L4R5ZI. docs/virtual_board.md has the table.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tinyperf import board
from tinyperf.benchmark import BENCHMARKS
from tinyperf.device.dut import Dut
from tinyperf.session.profile import made_up, profile
from tinyperf.virtual.board import open_virtual

# Milliseconds on silicon, from the submitters' results.
SILICON_MS = {
    "l4-xcubeai90": {"kws": 43.19, "vww": 88.93, "ic": 165.12, "ad": 5.261},
    "l4-hale10": {"kws": 62.68, "vww": 180.73, "ic": 179.01, "ad": 5.659},
    "l4-hale10175": {"kws": 60.16, "vww": 180.50, "ic": 180.54, "ad": 5.835},
    "l4-hale10175max": {"ad": 4.728},
    "l4p-xcubeai102": {"kws": 43.42, "vww": 89.44, "ic": 165.67, "ad": 4.794},
}


def board_of(path: Path) -> board.Board:
    return board.load("nucleo-l4r5zi-p" if path.stem.startswith("l4p") else "nucleo-l4r5zi")


def images() -> list[Path]:
    folder = os.environ.get("TINYPERF_IMAGES")
    return sorted(Path(folder).glob("l4*__*")) if folder else []


@pytest.mark.skipif(not images(), reason="$TINYPERF_IMAGES names no folder with published images")
@pytest.mark.parametrize("path", images(), ids=lambda p: p.stem)
def test_boots_and_infers(path: Path) -> None:
    name = path.stem.partition("__")[2]
    link = open_virtual(board_of(path), path)
    dut = Dut(link)
    identity = dut.connect()
    assert identity.model_id == BENCHMARKS[name].model_id
    if name != "vww":  # a download of 27 kB takes too long here
        dut.download(made_up(BENCHMARKS[name]))
        found = dut.infer(1, 0, pulses=dut.boot_mode == "energy")
        assert found is not None
        assert len(found.results) == max(1, len(BENCHMARKS[name].labels) if name != "ad" else 1)


@pytest.mark.slow
@pytest.mark.skipif(not images(), reason="$TINYPERF_IMAGES names no folder with published images")
@pytest.mark.parametrize("path", images(), ids=lambda p: p.stem)
def test_estimate_meets_silicon(path: Path) -> None:
    kind, _, name = path.stem.partition("__")
    if name not in SILICON_MS.get(kind, {}):
        pytest.skip("no published latency")
    found = profile(board_of(path), path, None, None)
    assert found.error_percent is not None
    assert found.latency_ms == pytest.approx(SILICON_MS[kind][name], rel=found.error_percent / 100)
