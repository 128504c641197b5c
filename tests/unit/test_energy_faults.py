"""The complete rig against faults: session, real driver, simulated instrument, and a device that lives on its bench.

Every row must end in the right figure, in a result that is not valid, or in an error; the session is kept, and the
instrument has switched the target off. `pytest -m "slow or not slow" -rP` prints the table.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tinyperf.errors import TinyperfError
from tinyperf.request import Request
from tinyperf.session import run as session
from tinyperf.session.record import Learned
from tinyperf.session.replay import replay
from tinyperf.virtual import bench
from tinyperf.virtual.board import Calibration
from tinyperf.virtual.board.machine import Activity
from tinyperf.virtual.fake import FakeDevice, Misbehaviour

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


CLOCK_HZ = 120_000_000
SECONDS_PER_INFERENCE = 0.05
TRUE_UJ = 205.71e-12 * CLOCK_HZ * SECONDS_PER_INFERENCE * 1.8 * 1e6  # boards/chips/stm32l4r5.yaml at 1.8 V
WINDOW_3 = 6  # the third window's infer: the pilot's three come first


@dataclass
class OnBench(FakeDevice):
    """A fake device that draws power as the virtual board does: active inside a window, asleep outside.

    `signal_at`: the infer at which this process gets a signal, and which. `faster`: what each
    window's inferences take of the time that the last window's took.
    """

    energy_mode: bool = True
    signal_at: tuple[int, int] | None = None
    faster: float = 1.0
    _windows_s: list[tuple[float, float]] = field(default_factory=list)

    @property
    def machine(self) -> OnBench:
        return self

    @property
    def activity(self) -> Activity:
        now_s = self.now_s()
        busy_s = sum(max(min(end, now_s) - begin, 0.0) for begin, end in self._windows_s)
        return Activity(active_cycles=round(busy_s * CLOCK_HZ), idle_cycles=round((now_s - busy_s) * CLOCK_HZ))

    def pulses(self) -> list[float]:
        return [at_s for at_s in self.pulses_s if at_s <= self.now_s()]

    def _infer(self, inferences: int, warmups: int) -> None:
        if self.signal_at is not None and self.signal_at[0] == self._infers:
            os.kill(os.getpid(), self.signal_at[1])
        before = len(self.pulses_s)
        super()._infer(inferences, warmups)
        if len(self.pulses_s) > before:
            self._windows_s.append((self.pulses_s[-2], self.pulses_s[-1]))
        self.seconds_per_inference *= self.faster if warmups else 1.0


def on_bench(**device: Any) -> OnBench:
    return OnBench(lambda _: (1.0,) + (0.0,) * 11, seconds_per_inference=SECONDS_PER_INFERENCE, **device)


@dataclass(frozen=True)
class Outcome:
    exit_code: int
    message: str
    uj: float | None
    kept: bool
    supply: list[str]


@pytest.fixture
def benches(monkeypatch: pytest.MonkeyPatch) -> list[bench.Bench]:
    """Every bench that is made, to look at its log afterwards."""
    made: list[bench.Bench] = []

    @dataclass
    class Remembered(bench.Bench):
        def __post_init__(self) -> None:
            made.append(self)

    monkeypatch.setattr(bench, "Bench", Remembered)
    return made


def measure(folder: Path, monitor: str, benches: list[bench.Bench], device: dict[str, Any]) -> Outcome:
    """One energy run; what a person sees of it."""
    image = folder / "fw.bin"
    image.write_bytes(b"not run")
    at = folder / "session"
    request = Request(
        board="nucleo-l4r5zi",
        benchmark="kws",
        mode="energy",
        virtual=True,
        image=str(image),
        monitor=monitor,
        samples=device.pop("samples", None),
        jobs=1,
        out=str(at),
    )
    misses = device.pop("flash_misses_per_1000_cycles", 0)
    learned = Learned(calibration=Calibration(1000, 1000, misses, 1.0))
    code, message, uj = 130, "interrupted", None
    try:
        with small_disk() if device.pop("small_disk", False) else contextlib.nullcontext():
            found = session.run(request, learned=learned, open_link=lambda _: on_bench(**device))
        code, message = found.exit_code, "; ".join(found.reasons)
        uj = found.energy.uj_per_inference if found.energy else None
    except TinyperfError as exc:
        code, message = exc.exit_code, exc.seen
    except KeyboardInterrupt:
        pass
    kept = (at / "session.json").is_file() and (at / "transcript.jsonl").is_file()
    return Outcome(code, message, uj, kept, [what for b in benches for _, what in b.log])


@contextlib.contextmanager
def small_disk() -> Iterator[None]:
    """No file may grow past 100 kB: what a full disk looks like to one that grows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def misbehaves(how: Misbehaviour) -> dict[str, Any]:
    return {"misbehave": {WINDOW_3: how}}


GONE: dict[str, Any] = {"misbehave": dict.fromkeys(range(WINDOW_3, 99), "silent")}


@dataclass(frozen=True)
class Row:
    """A fault and what must come of it. `words`: in the message. `off`: whether the target can be switched off."""

    fault: str
    monitor: str
    exit_code: int
    words: str
    device: dict[str, Any] = field(default_factory=dict)
    off: bool = True


HARMLESS = [
    Row("none", "lpm01a:port=simulated", 0, ""),
    Row("none", "ppk2:port=simulated", 0, ""),
    Row("none", "joulescope:port=simulated", 0, ""),
    Row("torn lines", "lpm01a:port=simulated,fault=torn", 0, ""),
    Row("NUL bytes", "lpm01a:port=simulated,fault=nul", 0, ""),
    Row("late banner", "lpm01a:port=simulated,fault=late-banner", 0, ""),
    Row("sticky state", "lpm01a:port=simulated,fault=sticky", 0, ""),
    Row("0.024 % of the samples lost", "ppk2:port=simulated,fault=lost", 0, ""),
    Row("one byte lost each second", "ppk2:port=simulated,fault=cut", 0, ""),
    Row("the device's answer torn", "lpm01a:port=simulated", 0, "", misbehaves("torn results")),
    Row("the device's answer lost", "lpm01a:port=simulated", 0, "", misbehaves("silent")),
]
NOT_VALID = [
    Row("samples lost", "lpm01a:port=simulated,fault=lost", 1, "of the samples are lost, 0.1 % is tolerated"),
    Row("samples lost", "joulescope:port=simulated,fault=lost", 1, "of the samples are lost"),
    Row("buffer 100 %", "lpm01a:port=simulated,fault=buffer", 1, "transmit buffer was full"),
    Row("overcurrent", "lpm01a:port=simulated,fault=overcurrent", 1, "Overcurrent"),
    Row("instrument restarts", "lpm01a:port=simulated,fault=reset", 1, "the instrument restarted"),
    Row("garbage from the instrument", "lpm01a:port=simulated,fault=garbage", 1, "of the samples are lost"),
    Row("extra pulse", "lpm01a:port=simulated,fault=extra", 1, "belongs to no command"),
    Row("extra pulse", "ppk2:port=simulated,fault=extra", 1, "belongs to no command"),
    Row("missing pulse", "lpm01a:port=simulated,fault=missing", 1, "no pulse for the start of a window"),
    Row("missing pulse", "joulescope:port=simulated,fault=missing", 1, "no pulse for the start of a window"),
    Row("bouncing pulse", "lpm01a:port=simulated,fault=bounce", 1, "pulses bounce"),
    Row("bouncing pulse", "ppk2:port=simulated,fault=bounce", 1, "pulses bounce"),
    Row("clocks disagree", "lpm01a:port=simulated,fault=slow-clock", 1, "lost"),
    Row("target unpowered", "lpm01a:port=simulated,fault=unpowered", 1, "the target is not powered"),
    Row("target unpowered", "joulescope:port=simulated,fault=unpowered", 1, "the target is not powered"),
    Row("windows too short", "lpm01a:port=simulated", 1, "10 s are required", {"faster": 0.8}),
    Row("three windows", "lpm01a:port=simulated", 1, "3 windows, 5 are required", {"samples": 3}),
]
ENDS = [
    Row("wrong supply voltage", "lpm01a:port=simulated,fault=undervolt", 4, "asked for 1800 mV, the LPM01A gives 1.5"),
    Row("old firmware", "lpm01a:port=simulated,fault=old", 4, "refused 'pwr off' (firmware 1.0.4)"),
    Row("no answer", "lpm01a:port=simulated,fault=mute", 4, "no answer to 'htc'"),
    Row("no answer", "ppk2:port=simulated,fault=mute", 4, "no calibration data"),
    Row("not connected", "joulescope:port=simulated,fault=absent", 4, "0 Joulescopes found"),
    Row("no such port", "lpm01a:port=/dev/nothing", 4, "/dev/nothing cannot be opened"),
    Row("instrument falls silent", "lpm01a:port=simulated,fault=unplugged", 4, "the target is off", off=False),
    Row("serial port vanishes", "lpm01a:port=simulated,fault=vanished", 4, "the target is off", off=False),
    Row("firmware of the wrong mode", "lpm01a:port=simulated", 4, "m-lap-us", {"energy_mode": False}),
    Row("device restarts", "lpm01a:port=simulated", 4, "restarted", misbehaves("reset")),
    Row("device falls silent", "lpm01a:port=simulated", 4, "no complete answer", GONE),
    Row("device faults", "lpm01a:port=simulated", 4, "HardFault", misbehaves("fault")),
    Row("disk full", "lpm01a:port=simulated", 4, "power.f32 cannot be written", {"small_disk": True}),
    Row("Ctrl-C", "lpm01a:port=simulated", 130, "interrupted", {"signal_at": (WINDOW_3, signal.SIGINT)}),
    Row("kill -15", "lpm01a:port=simulated", 130, "interrupted", {"signal_at": (WINDOW_3, signal.SIGTERM)}),
    Row("kill -15", "ppk2:port=simulated", 130, "interrupted", {"signal_at": (WINDOW_3, signal.SIGTERM)}),
    Row("kill -15", "joulescope:port=simulated", 130, "interrupted", {"signal_at": (WINDOW_3, signal.SIGTERM)}),
]


def name(row: Row) -> str:
    return f"{row.fault}: {row.monitor.partition(':')[0]}".replace(" ", "-")


# The LPM01A answers at the pace of its port: its rows take seconds each, the other two instruments' do not.
PACED = [row for row in ENDS if row.monitor.startswith("lpm01a:port=simulated") and row.fault != "device restarts"]


@pytest.mark.parametrize(
    "row",
    [
        *(pytest.param(row, marks=pytest.mark.slow) for row in (*HARMLESS, *NOT_VALID, *PACED)),
        *(row for row in ENDS if row not in PACED),
    ],
    ids=name,
)
def test_a_fault_never_gives_a_wrong_figure_that_is_valid(row: Row, tmp_path: Path, benches: list[bench.Bench]) -> None:
    found = measure(tmp_path, row.monitor, benches, dict(row.device))
    figure = f"{found.uj:.1f} uJ" if found.exit_code == 0 and found.uj else ""
    kept = "kept" if found.kept else "nothing measured"
    supply = ", ".join(what.removeprefix("power ") for what in found.supply if what.startswith("power"))
    print(f"| {row.fault} | {row.monitor} | {found.exit_code} | {found.message or figure} | {kept} | {supply} |")  # noqa: T201  (pytest -rP shows the table)
    assert found.exit_code == row.exit_code
    assert row.words in found.message
    if found.exit_code == 0:
        assert found.uj == pytest.approx(TRUE_UJ, rel=1e-3)
        assert found.message == ""
        assert replay(tmp_path / "session").notes == ("estimated, ±28 %",)  # 7 and 21 of firmware from elsewhere
    if "power on" in found.supply:
        assert found.kept
        assert (found.supply[-1] == "power off") == row.off


@pytest.mark.slow
def test_waits_for_flash_draw_nothing_in_the_windows(tmp_path: Path, benches: list[bench.Bench]) -> None:
    found = measure(tmp_path, "virtual", benches, {"flash_misses_per_1000_cycles": 15})
    assert found.exit_code == 0
    assert found.uj == pytest.approx(TRUE_UJ * (1 - 15 * 6.0 / 1000), rel=1e-3)
