"""What holds for every test: where data lies, which skips are expected in CI, how long a test may take.

CI=true turns a skip that is not listed here, and a test that takes too long, into a failure; elsewhere both are only
reported. A machine that has no test data at all, and was not told where to find it, may lack it in CI too, but not with
TINYPERF_NO_UNEXPECTED_SKIPS=1.
"""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from tests.data import CASES, DATA, MANIFEST, NO_DATA, lacking

if TYPE_CHECKING:
    from collections.abc import Generator


def _on(variable: str) -> bool:
    return os.environ.get(variable, "").lower() in {"1", "true"}


STRICT = _on("CI") or _on("TINYPERF_NO_UNEXPECTED_SKIPS")

# "file: reason" of the skips that say nothing against the machine; all else was asked for and is absent.
EXPECTED_SKIPS = {
    r"test_images\.py: (\$TINYPERF_IMAGES names no folder|got empty parameter set)": "others' images, not ours to ship",
    r"test_images\.py: no published latency": "not every image has one",
    r"test_tflm\.py: no TFLM tree is registered": "a tree of 1 GB, of the user's choosing",
    r"test_flash\.py: (openocd|st-flash|pyocd) is not installed": "flash tools; tests of their arguments always run",
    r"test_report\.py: no browser": "the page is looked at where chromium is; its text is tested everywhere",
    r"test_aot_host\.py: clang is not on PATH": "a second compiler; gcc is required",
    r"test_conformance\.py: this compiler has no sanitizers": "not every compiler has them",
    r"test_evaluate\.py: numpy 1 is what tflite-runtime wants": "the backend exists for Python 3.11 and older",
    r"test_float_models\.py: PyTorch \(extra 'torch'\) is absent": "2 GB; its tests are run where it is installed",
    r": qemu-system-arm is not installed": "a second emulator; scripts/test brings it where it may",
    r": the tflite-micro wheel is for Linux x86-64": "the oracle does not exist elsewhere",
}

# CPU time of the test and of the programs it ran, so that a busy machine does not matter; and time on the clock, so
# that a test that only waits is seen too: at load 7 on two cores the longest took 26 s, 7 s of CPU.
MOST_CPU_S = 20.0
MOST_CLOCK_S = 120.0


STARTED = pytest.StashKey[tuple[float, float]]()


def pytest_configure(config: pytest.Config) -> None:
    """Images and libraries are built once for all tests and workers, and not in the user's own cache.

    They are kept under what they are made of, so that the next run finds only those that would be the same.
    """
    os.environ.setdefault("TINYPERF_CACHE", str(config.rootpath / ".pytest_cache" / "tinyperf"))
    # A busy machine makes an example slow, which is no defect; in CI the examples are the same every time.
    hypothesis.settings.register_profile("tests", deadline=None, derandomize=STRICT)
    hypothesis.settings.load_profile("tests")


@pytest.fixture(autouse=True)
def _as_wide_as_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are told the width of the terminal that nobody looks at."""
    monkeypatch.delenv("COLUMNS", raising=False)


def expected(path: str, reason: str) -> bool:
    """Whether a skip for this reason, in this test file, is one of EXPECTED_SKIPS."""
    no_data = not DATA.is_dir() and "TINYPERF_DATA" not in os.environ and not _on("TINYPERF_NO_UNEXPECTED_SKIPS")
    if no_data and reason.startswith(NO_DATA):
        return True
    return any(re.search(pattern, f"{path}: {reason}") for pattern in EXPECTED_SKIPS)


def pytest_report_header() -> list[str]:
    absent = [name for name in MANIFEST if lacking(name)]
    return [
        f"test data: {DATA} ({len(MANIFEST) - len(absent)} of {len(MANIFEST)} entries"
        + (f"; absent: {', '.join(absent)})" if absent else ")"),
        f"cases: {CASES}{'' if CASES.is_dir() else ' (absent)'}",
        *(["strict: unexpected skips and slow tests fail"] if STRICT else []),
    ]


def _cpu_s() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    item.stash[STARTED] = (_cpu_s(), time.monotonic())
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        _judge_skip(report, item.path.name)
    if report.when == "teardown":
        _judge_time(report, item)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped:
        _judge_skip(report, collector.path.name)
    return report


def _judge_skip(report: pytest.TestReport | pytest.CollectReport, file: str) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    if STRICT and not expected(file, reason):
        report.outcome = "failed"
        report.longrepr = (
            f"{reason}\nNo test may be skipped for this reason in CI; tests/conftest.py lists the expected."
        )


def _judge_time(report: pytest.TestReport, item: pytest.Item) -> None:
    cpu, clock = item.stash[STARTED]
    cpu_s, clock_s = _cpu_s() - cpu, time.monotonic() - clock
    report.user_properties.append(("time", (cpu_s, clock_s)))
    if STRICT and report.passed and "slow" not in item.keywords and (cpu_s > MOST_CPU_S or clock_s > MOST_CLOCK_S):
        report.outcome = "failed"
        report.longrepr = (
            f"{cpu_s:.0f} s of CPU time, {clock_s:.0f} s on the clock; a test that is not marked slow may take "
            f"{MOST_CPU_S:.0f} and {MOST_CLOCK_S:.0f}"
        )


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The ten tests that took most CPU time, and what all took; with a few tests only nobody asked."""
    reports = [r for key in ("", "failed", "error") for r in terminalreporter.stats.get(key, []) if hasattr(r, "when")]
    times = {r.nodeid: dict(r.user_properties)["time"] for r in reports if r.when == "teardown"}
    if len(times) < 50:
        return
    slowest = sorted(times.items(), key=lambda pair: -pair[1][0])[:10]
    terminalreporter.section("most CPU time, s (on the clock)")
    for test, (cpu_s, clock_s) in slowest:
        terminalreporter.line(f"{cpu_s:7.1f} ({clock_s:6.1f})  {test}")
    terminalreporter.line(f"{sum(cpu for cpu, _ in times.values()):7.1f} s of CPU time in {len(times)} tests")
