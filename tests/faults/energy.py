"""The complete rig against faults: session, real driver, simulated instrument, and a board that lives on its bench."""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from tests.faults.disk import small_disk
from tests.faults.invariants import Case, Outcome, Row
from tests.faults.rig import Board, attempt
from tinyperf.request import Request
from tinyperf.session import replay, store
from tinyperf.session import run as session
from tinyperf.session.record import Learned
from tinyperf.virtual import bench
from tinyperf.virtual.board import Calibration
from tinyperf.virtual.board.machine import Activity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tinyperf.virtual.fake import Misbehaviour

CLOCK_HZ = 120_000_000
SECONDS_PER_INFERENCE = 0.05
TRUE_UJ = 205.71e-12 * CLOCK_HZ * SECONDS_PER_INFERENCE * 1.8 * 1e6  # boards/chips/stm32l4r5.yaml at 1.8 V
WINDOW_3 = 6  # the third window's infer: the pilot's three come first


@dataclass
class OnBench(Board):
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

    def _infer(self, inferences: int, warmups: int = 10) -> None:
        if self.signal_at is not None and self.signal_at[0] == self._infers:
            os.kill(os.getpid(), self.signal_at[1])
        before = len(self.pulses_s)
        super()._infer(inferences, warmups)
        if len(self.pulses_s) > before:
            self._windows_s.append((self.pulses_s[-2], self.pulses_s[-1]))
        self.seconds_per_inference *= self.faster if warmups else 1.0


def on_bench(**device: Any) -> OnBench:
    return OnBench(lambda _: (1.0,) + (0.0,) * 11, seconds_per_inference=SECONDS_PER_INFERENCE, **device)


ENERGY_S = 300.0  # of the link's clock: five windows, and waits for lines that were lost
ESTIMATE = "estimated, ±28 %"  # 7 and 21 of firmware from elsewhere


def play(folder: Path, fault: Fault) -> Iterator[Outcome]:
    """One energy run; what a person sees of it, and what the instrument did."""
    image = folder / "fw.bin"
    image.write_bytes(b"not run")
    at, device = folder / "session", on_bench(**fault.device)
    request = Request(
        board="nucleo-l4r5zi",
        benchmark="kws",
        mode="energy",
        virtual=True,
        image=str(image),
        monitor=fault.monitor,
        samples=fault.samples,
        jobs=1,
        out=str(at),
    )
    learned = Learned(calibration=Calibration(1000, 1000, fault.flash_misses, 1.0))
    with remembered() as benches, small_disk(100_000) if fault.small_disk else contextlib.nullcontext():
        code, message, uj = attempt(lambda: session.run(request, learned=learned, open_link=lambda _: device))
    if code == 0:  # what the folder says is what was said
        assert replay.replay(at).notes == (ESTIMATE,)
    again = attempt(lambda: session.resume(at)) if code not in {0, 1} and (at / store.RECORD).is_file() else None
    yield Outcome(
        code,
        message,
        uj,
        TRUE_UJ * (1 - fault.flash_misses * 6.0 / 1000),
        device.now_s(),
        delivered=0,
        kept=0,
        asked=0,
        session=(at / store.RECORD).is_file() and (at / "transcript.jsonl").is_file(),
        supply=[what for one in benches for _, what in one.log],
        resumed=(again[0], again[2], 0) if again else None,
    )


@contextlib.contextmanager
def remembered() -> Iterator[list[bench.Bench]]:
    """Every bench that is made, to look at its log afterwards."""
    made: list[bench.Bench] = []

    @dataclass
    class Remembered(bench.Bench):
        def __post_init__(self) -> None:
            made.append(self)

    with patch.object(bench, "Bench", Remembered):
        yield made


def misbehaves(how: Misbehaviour) -> dict[str, Any]:
    return {"misbehave": {WINDOW_3: how}}


GONE: dict[str, Any] = {"misbehave": dict.fromkeys(range(WINDOW_3, 99), "silent")}


@dataclass(frozen=True)
class Fault:
    """What is broken in a run. `device`: properties of the board. `flash_misses`: in 1000 cycles."""

    monitor: str
    device: dict[str, Any] = field(default_factory=dict)
    samples: int | None = None
    small_disk: bool = False
    flash_misses: int = 0


def case(fault: str, monitor: str, exit_code: int, words: str, *, off: bool = True, **broken: Any) -> Case:
    """A row. The LPM01A answers at the pace of its port, and the others deliver millions of samples: they are slow."""
    group = "disk" if "small_disk" in broken else "instrument"
    row = Row(group, f"{fault}: {monitor.partition(':')[0]}", exit_code, words, ENERGY_S, resumes=False, off=off)
    brief = exit_code == 4 and not monitor.startswith("lpm01a:port=simulated")
    return Case(row, lambda folder: play(folder, Fault(monitor, **broken)), slow=not brief)


HARMLESS = [
    case("none", "lpm01a:port=simulated", 0, ""),
    case("none", "ppk2:port=simulated", 0, ""),
    case("none", "joulescope:port=simulated", 0, ""),
    case("torn lines", "lpm01a:port=simulated,fault=torn", 0, ""),
    case("NUL bytes", "lpm01a:port=simulated,fault=nul", 0, ""),
    case("late banner", "lpm01a:port=simulated,fault=late-banner", 0, ""),
    case("sticky state", "lpm01a:port=simulated,fault=sticky", 0, ""),
    case("0.024 % of the samples lost", "ppk2:port=simulated,fault=lost", 0, ""),
    case("one byte lost each second", "ppk2:port=simulated,fault=cut", 0, ""),
    case("the device's answer torn", "lpm01a:port=simulated", 0, "", device=misbehaves("torn results")),
    case("the device's answer lost", "lpm01a:port=simulated", 0, "", device=misbehaves("silent")),
]
NOT_VALID = [
    case("samples lost", "lpm01a:port=simulated,fault=lost", 1, "of the samples are lost, 0.1 % is tolerated"),
    case("samples lost", "joulescope:port=simulated,fault=lost", 1, "of the samples are lost"),
    case("buffer 100 %", "lpm01a:port=simulated,fault=buffer", 1, "transmit buffer was full"),
    case("overcurrent", "lpm01a:port=simulated,fault=overcurrent", 1, "Overcurrent"),
    case("instrument restarts", "lpm01a:port=simulated,fault=reset", 1, "the instrument restarted"),
    case("garbage from the instrument", "lpm01a:port=simulated,fault=garbage", 1, "of the samples are lost"),
    case("extra pulse", "lpm01a:port=simulated,fault=extra", 1, "belongs to no command"),
    case("extra pulse", "ppk2:port=simulated,fault=extra", 1, "belongs to no command"),
    case("missing pulse", "lpm01a:port=simulated,fault=missing", 1, "no pulse for the start of a window"),
    case("missing pulse", "joulescope:port=simulated,fault=missing", 1, "no pulse for the start of a window"),
    case("bouncing pulse", "lpm01a:port=simulated,fault=bounce", 1, "pulses bounce"),
    case("bouncing pulse", "ppk2:port=simulated,fault=bounce", 1, "pulses bounce"),
    case("clocks disagree", "lpm01a:port=simulated,fault=slow-clock", 1, "lost"),
    case("target unpowered", "lpm01a:port=simulated,fault=unpowered", 1, "the target is not powered"),
    case("target unpowered", "joulescope:port=simulated,fault=unpowered", 1, "the target is not powered"),
    case("windows too short", "lpm01a:port=simulated", 1, "10 s are required", device={"faster": 0.8}),
    case("three windows", "lpm01a:port=simulated", 1, "3 windows, 5 are required", samples=3),
]
ENDS = [
    case("instrument falls silent", "ppk2:port=simulated,fault=unplugged", 1, "lost"),
    case("instrument falls silent", "joulescope:port=simulated,fault=unplugged", 1, "lost"),
    case("time stamps run backwards", "lpm01a:port=simulated,fault=back", 1, "time stamps run back"),
    case("sample numbers run backwards", "joulescope:port=simulated,fault=back", 1, "sample numbers jump back"),
    case("storm of range switches", "ppk2:port=simulated,fault=storm", 1, "lost"),
    case("overcurrent", "ppk2:port=simulated,fault=overload", 1, "range"),
    case("overcurrent", "joulescope:port=simulated,fault=overload", 1, "range"),
    case("wrong supply voltage", "lpm01a:port=simulated,fault=undervolt", 4, "asked for 1800 mV, the LPM01A gives 1.5"),
    case("old firmware", "lpm01a:port=simulated,fault=old", 4, "refused 'pwr off' (firmware 1.0.4)"),
    case("no answer", "lpm01a:port=simulated,fault=mute", 4, "no answer to 'htc'"),
    case("no answer", "ppk2:port=simulated,fault=mute", 4, "no calibration data"),
    case("not connected", "joulescope:port=simulated,fault=absent", 4, "0 Joulescopes found"),
    case("no such port", "lpm01a:port=/dev/nothing", 4, "/dev/nothing cannot be opened"),
    case("instrument falls silent", "lpm01a:port=simulated,fault=unplugged", 4, "the target is off", off=False),
    case("serial port vanishes", "lpm01a:port=simulated,fault=vanished", 4, "the target is off", off=False),
    case("firmware of the wrong mode", "lpm01a:port=simulated", 4, "m-lap-us", device={"energy_mode": False}),
    case("device restarts", "lpm01a:port=simulated", 4, "restarted", device=misbehaves("reset")),
    case("device falls silent", "lpm01a:port=simulated", 4, "no complete answer", device=GONE),
    case("device faults", "lpm01a:port=simulated", 4, "HardFault", device=misbehaves("fault")),
    case("disk full", "lpm01a:port=simulated", 4, "power.f32 cannot be written", small_disk=True),
    case("Ctrl-C", "lpm01a:port=simulated", 130, "interrupted", device={"signal_at": (WINDOW_3, signal.SIGINT)}),
    case("kill -15", "lpm01a:port=simulated", 130, "interrupted", device={"signal_at": (WINDOW_3, signal.SIGTERM)}),
    case("kill -15", "ppk2:port=simulated", 130, "interrupted", device={"signal_at": (WINDOW_3, signal.SIGTERM)}),
    case("kill -15", "joulescope:port=simulated", 130, "interrupted", device={"signal_at": (WINDOW_3, signal.SIGTERM)}),
]


CASES = [*HARMLESS, *NOT_VALID, *ENDS]
