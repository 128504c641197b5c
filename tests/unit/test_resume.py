"""kill -9 and Ctrl-C in the middle of a real run, then --resume: the same score, nothing sent twice without a note."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
SAMPLES = 120
FIRMWARE = f"""\
#!{sys.executable}
import sys
sys.path.insert(0, {str(REPOSITORY)!r})
from tinyperf.virtual.fake import FakeDevice, serve
device = FakeDevice(lambda data: tuple(0.9 if k == data[0] % 12 else 0.0 for k in range(12)))
serve(device, speed=0.3)
"""


@pytest.fixture
def argv(tmp_path: Path) -> list[str]:
    """An accuracy run of a few seconds on a device that takes its time."""
    image = tmp_path / "firmware"
    image.write_text(FIRMWARE)
    image.chmod(0o755)
    data = tmp_path / "kws01"
    data.mkdir()
    for k in range(SAMPLES):
        (data / f"s{k}.bin").write_bytes(k.to_bytes(1, "big") + bytes(489))
    (data / "y_labels.csv").write_text("".join(f"s{k}.bin,12,{(k + (k == 5)) % 12}\n" for k in range(SAMPLES)))
    return [
        *["run", "--board", "host", "--image", str(image), "--mode", "accuracy", "--data", str(data), "kws"],
        *["--out", str(tmp_path / "session"), "--jobs", "2", "--json"],
    ]


def start(argv: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tinyperf", *argv],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def notes(session: Path) -> list[str]:
    lines = [line for path in sorted(session.glob("transcript*.jsonl")) for line in path.read_text().splitlines()]
    records = [json.loads(line) for line in lines if line.endswith("}")]
    return [bytes.fromhex(r["hex"]).decode() for r in records if r["dir"] == "note"]


def wait_for(session: Path, samples: int) -> None:
    limit_s = time.monotonic() + 300  # on a busy computer; what never starts fails all the same
    while not session.is_dir() or len(notes(session)) < samples:
        assert time.monotonic() < limit_s, "the run did not get under way"
        time.sleep(0.05)


def finished(argv: list[str]) -> dict[str, Any]:
    process = start(argv)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_a_killed_run_is_finished_with_the_same_score(argv: list[str], tmp_path: Path, how: signal.Signals) -> None:
    session = tmp_path / "session"
    process = start(argv)
    wait_for(session, 30)
    if how == signal.SIGKILL:
        process.kill()
    else:
        os.killpg(process.pid, how)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == (-9 if how == signal.SIGKILL else 130)
    if how == signal.SIGINT:
        assert json.loads(out)["error"]["exit_code"] == 130
    done = len(notes(session))
    assert 30 <= done < SAMPLES

    found = finished(["run", "--resume", str(session), "--json"])
    assert found["accuracy"] == {"metric": "top1", "value": (SAMPLES - 1) / SAMPLES, "target": 0.9, "samples": SAMPLES}
    sent = [note for note in notes(session) if note.startswith("sample ")]
    first = [note for note in sent if " again: " not in note]
    assert len(first) == len(set(first)) == SAMPLES
    assert len(sent) - len(first) <= 4
    argv[argv.index("--out") + 1] = str(tmp_path / "whole")
    whole = finished(argv)
    assert whole["accuracy"] == found["accuracy"]
