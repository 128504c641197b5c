"""What tests/conftest.py and tests/data.py promise: no skip in CI that nobody expects, no test that takes too long."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests import conftest, data

if TYPE_CHECKING:
    from pathlib import Path

TESTS = """
import time
import pytest
import tests.conftest

tests.conftest.MOST_CPU_S = 0.1

def test_expected():
    pytest.skip("no published latency")

def test_unexpected():
    pytest.skip("the cable is too short")

@pytest.mark.xfail
def test_known():
    raise AssertionError

def burn():
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass

def test_long():
    burn()

@pytest.mark.slow
def test_long_and_marked():
    burn()
"""


@pytest.mark.parametrize(
    ("ci", "seen"),
    [
        pytest.param("true", ["1 failed", "2 passed", "1 skipped", "1 xfailed", "1 error"], id="in CI"),
        pytest.param("", ["2 passed", "2 skipped", "1 xfailed"], id="elsewhere"),
    ],
)
def test_unexpected_skips_and_long_tests_fail_in_ci_only(ci: str, seen: list[str], tmp_path: Path) -> None:
    (tmp_path / "test_images.py").write_text(TESTS, encoding="utf-8")
    options = ["-p", "tests.conftest", "-p", "no:cacheprovider", "-c", str(data.ROOT / "pyproject.toml")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tmp_path / "test_images.py")],
        cwd=data.ROOT,
        env=os.environ | {"CI": ci, "TINYPERF_NO_UNEXPECTED_SKIPS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    last = done.stdout.splitlines()[-1]
    assert [part for part in last.strip("= ").split(" in ")[0].split(", ") if part] == seen, done.stdout
    assert ("No test may be skipped for this reason" in done.stdout) == (done.returncode == 1)
    assert ("a test that is not marked slow may take" in done.stdout) == (done.returncode == 1)


@pytest.mark.parametrize(
    ("file", "reason", "fine"),
    [
        ("test_flash.py", "st-flash is not installed", True),
        ("test_flash.py", "arm-none-eabi-gcc is not installed", False),
        ("test_build.py", "openocd is not installed", False),
        ("test_isolators.py", "could not import 'unicorn': No module named 'unicorn'", False),
    ],
)
def test_expected_skips(file: str, reason: str, fine: bool) -> None:
    assert conftest.expected(file, reason) is fine


def test_a_machine_without_any_data_may_lack_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    reason = "no test data datasets/kws01: $TINYPERF_DATA names their folder"
    monkeypatch.setattr(conftest, "DATA", tmp_path / "absent")
    monkeypatch.delenv("TINYPERF_DATA", raising=False)
    monkeypatch.delenv("TINYPERF_NO_UNEXPECTED_SKIPS", raising=False)
    assert conftest.expected("test_aot.py", reason)
    monkeypatch.setenv("TINYPERF_NO_UNEXPECTED_SKIPS", "1")
    assert not conftest.expected("test_aot.py", reason)
    monkeypatch.delenv("TINYPERF_NO_UNEXPECTED_SKIPS")
    monkeypatch.setenv("TINYPERF_DATA", str(tmp_path / "absent"))
    assert not conftest.expected("test_aot.py", reason)


def test_ci_runs_the_test_command_of_the_readme() -> None:
    commands = re.findall(r"^(\./scripts/\w+) ", (data.ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert "./scripts/test" in commands
    assert "./scripts/test" in (data.ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_data_is_named_in_the_manifest() -> None:
    with pytest.raises(ValueError, match="name it in MANIFEST"):
        data.needs("train/vww_human.npz")


def test_absent_data_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(data, "DATA", tmp_path)
    (tmp_path / "datasets" / "kws01").mkdir(parents=True)
    assert data.lacking("datasets/kws01") == ""
    assert data.lacking("datasets") == (
        "no test data datasets/vww01, datasets/ic01, datasets/ad01: $TINYPERF_DATA names their folder (CONTRIBUTING.md)"
    )
