"""Where things are kept: tinyperf's own variable, the system's, and neither."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tinyperf import folders, tool

UNIX = pytest.mark.skipif(sys.platform == "win32", reason="XDG variables are Unix's")


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TINYPERF_CACHE", "TINYPERF_CONFIG", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "PLATFORMIO_CORE_DIR", "CC"):
        monkeypatch.delenv(name, raising=False)


@UNIX
def test_by_default_they_are_the_users() -> None:
    assert folders.cache() == Path.home() / ".cache" / "tinyperf"
    assert folders.settings() == Path.home() / ".config" / "tinyperf"
    assert folders.platformio() == Path.home() / ".platformio"


@UNIX
def test_the_system_s_variables_are_taken_and_empty_ones_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", "")
    assert folders.cache() == tmp_path / "tinyperf"
    assert folders.settings() == Path.home() / ".config" / "tinyperf"


def test_our_own_variables_win_and_are_the_folder_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", "elsewhere")
    monkeypatch.setenv("TINYPERF_CACHE", "mine")
    monkeypatch.setenv("TINYPERF_CONFIG", str(tmp_path / "set"))
    assert folders.cache() == tmp_path / "mine"
    assert folders.settings() == tmp_path / "set"


def test_cc_is_the_host_s_compiler_with_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "ccache gcc -m32")
    assert tool.host_compiler() == ("ccache", "gcc", "-m32")


def test_without_cc_it_is_the_first_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tool.host_compiler() is None
    for name in ("clang", "gcc"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    assert tool.host_compiler() == ("gcc",)
