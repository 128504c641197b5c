"""The link to a native firmware, against small real programs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tinyperf.device.process import ProcessLink
from tinyperf.errors import DeviceError

if TYPE_CHECKING:
    from pathlib import Path


def program(folder: Path, body: str) -> Path:
    path = folder / "firmware"
    path.write_text(f"#!{sys.executable}\nimport sys\n{body}\n")
    path.chmod(0o755)
    return path


def everything(link: ProcessLink, count: int) -> bytes:
    got = b""
    while len(got) < count:
        got += link.read(5.0)
    return got


def test_bytes_go_both_ways_untouched(tmp_path: Path) -> None:
    echo = program(tmp_path, "while b := sys.stdin.buffer.read1(): sys.stdout.buffer.write(b); sys.stdout.flush()")
    link = ProcessLink(echo)
    data = bytes(range(256)) * 100
    link.write(data)
    assert everything(link, len(data)) == data
    link.close()
    link.close()


def test_silence_is_no_bytes(tmp_path: Path) -> None:
    link = ProcessLink(program(tmp_path, "sys.stdin.read()"))
    before = link.now_s()
    assert link.read(0.05) == b""
    assert link.now_s() - before >= 0.05
    link.close()


def test_a_process_that_ends_is_said_with_its_status(tmp_path: Path) -> None:
    link = ProcessLink(program(tmp_path, "sys.exit(3)"))
    with pytest.raises(DeviceError, match="has ended"):
        link.read(5.0)
    link.close()
    with pytest.raises(DeviceError, match="has ended with status 3"):
        link.read(0.0)


def test_a_process_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinyperf.device.process.END_S", 0.05)
    link = ProcessLink(program(tmp_path, "import signal; print('up', flush=True); signal.pause()"))
    assert everything(link, 3) == b"up\n"
    link.close()
    with pytest.raises(DeviceError, match="has ended with status -9"):
        link.write(b"x")


@pytest.mark.parametrize("content", [None, b"not a program"], ids=["absent", "no-program"])
def test_what_cannot_be_started_is_said(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "firmware"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DeviceError, match="cannot be started"):
        ProcessLink(path)
