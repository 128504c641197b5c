"""The picture of an energy session."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tinyperf import api
from tinyperf.cli import invoke
from tinyperf.session.picture import POINTS, envelope

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def session(tmp_path: Path) -> Path:
    samples = np.full(20_000, 20.0, dtype="<f4")
    samples[2000:13_000] = 40.0
    (tmp_path / "trace1-energy.bin").write_bytes(struct.pack("<Bf", 0xF1, 1000.0) + samples.tobytes())
    (tmp_path / "trace1-timestamps.json").write_text(json.dumps([0.01, 2.0, 13.0]))
    (tmp_path / "log.txt").write_text(
        "00010.000 emon: m-trace[on]\n00010.010 io: m-dut-passthrough(timestamp)\n"
        "00011.990 io: [dut]: m-infer-start-100\n00023.020 io: [dut]: m-infer-done\n"
        "00029.900 sequencer: m-sequencing-i[9]-command[emon trace off]-ack\n"
    )
    return tmp_path


def test_png_and_html_are_written(session: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra 'plot' is not installed")
    pytest.importorskip("plotly", reason="the extra 'plot' is not installed")
    png = api.energy_picture(session, session / "power.png")
    assert png.read_bytes().startswith(b"\x89PNG")
    html = api.energy_picture(session, session / "power.html").read_text(encoding="utf-8")
    assert "4399" in html  # the window's figure; plotly writes a slash as an escape
    assert "src=" not in html.partition("<body>")[0]  # nothing is fetched


def test_another_suffix_is_a_usage_error(session: Path) -> None:
    assert invoke(["energy", "replay", str(session), "--plot", str(session / "power.bmp")]) == 2


def test_a_long_trace_keeps_its_peaks() -> None:
    power = np.zeros(1_000_000)
    power[123_456] = 7.0
    times_s, drawn = envelope(power, 100_000.0)
    assert len(drawn) <= POINTS
    assert drawn.max() == 7.0
    assert times_s[int(drawn.argmax())] == pytest.approx(1.234, abs=0.002)
