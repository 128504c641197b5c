"""Energy instruments: the `Monitor` interface, how one is chosen by name, and the public fake.

A module `energy/NAME.py` with `open_monitor(options: dict[str, str], stand_in=None) -> Monitor` is an instrument; the
folder is the registry, beside the entry points `tinyperf.monitors` of installed packages, and a .py file by its path.
`NAME:OPTION=VALUE,...` on the command line gives the options. `stand_in` is what the driver talks to where the
instrument is played.
"""

from __future__ import annotations

import contextlib
import functools
import re
import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from tinyperf import content, foreign
from tinyperf.errors import ContentError, TinyperfError, UsageError, meant
from tinyperf.options import split
from tinyperf.rules.joules import RangeW  # noqa: TC001  (a session's record reads it)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import ModuleType

    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class Identity:
    """What an instrument says of itself; `verified`: on real hardware, or against its simulator only."""

    name: str
    model: str
    serial: str
    firmware: str
    sample_rate_hz: float
    verified: Literal["hardware", "simulated"]
    accuracy: float
    """Relative accuracy of a mean power figure, from the instrument's data sheet (0.02 = 2 %)."""
    range_w: RangeW = (None, None)
    """The least and the greatest power that a sample can show, noise included; None where there is no such bound."""


@dataclass(frozen=True)
class Chunk:
    """Consecutive samples. `first`: index of the first one since start(), so that a gap is visible.

    `power_w`: float64 watts, one per sample. `pulses`: positions (in samples since start(), fractional where the
    instrument knows better than one sample) of falling edges on the timestamp input. `notes`: anything that makes the
    measurement doubtful (overcurrent, buffer full, restart); a run with a note is not valid.
    """

    first: int
    power_w: npt.NDArray[np.float64]
    pulses: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()


class Monitor(Protocol):
    """One energy instrument that supplies the target. Every method may raise DeviceError.

    `close` always powers the target off, also after an exception or Ctrl-C, and may be called twice.
    """

    def describe(self) -> Identity:
        """Who it is and how fast it samples."""

    def set_supply_mv(self, supply_mv: int) -> None:
        """Supply voltage; takes effect at once where the target is on."""

    def power(self, *, on: bool) -> None:
        """Switch the target's supply."""

    def start(self) -> None:
        """Begin sampling; sample 0 follows."""

    def samples(self) -> Iterator[Chunk]:
        """Chunks that have arrived; ends when none is waiting, or after stop() when all were delivered."""

    def stop(self) -> None:
        """End sampling; what is in flight still comes from samples()."""

    def close(self) -> None:
        """Stop, power the target off, release the port."""


ENTRY_POINTS = "tinyperf.monitors"
PARTS = ("open_monitor", "OPTIONS", "VERIFIED")
SIMULATED = "simulated"

StandIn: TypeAlias = "Callable[[str, str], object]"
"""What plays an instrument: its name and the faults to what its driver talks to in place of the real one."""


def parse_monitor(text: str) -> tuple[str, dict[str, str]]:
    """`lpm01a:port=/dev/ttyACM1,freq=5k` as name and options; UsageError as `options.split`. The name may be a file."""
    example = "lpm01a:port=/dev/ttyACM1"
    if file := re.fullmatch(r"([^=]*\.py)(:.*)?", text):  # a path may hold a colon itself
        return file[1], split(f"monitor{file[2] or ''}", what="monitor", example=example)[1]
    return split(text, what="monitor", example=example)


def known() -> dict[str, Callable[[], ModuleType]]:
    """Every instrument by name, and how its module is loaded: the folder `energy`, and packages with an entry point."""
    packaged = {name: point.load for name, point in content.packaged(ENTRY_POINTS).items()}
    shipped = {
        name: functools.partial(content.load_module, "energy", path)
        for name, path in content.names("energy", ".py").items()
    }
    return dict(sorted((packaged | shipped).items()))


def find(text: str) -> tuple[str, ModuleType, dict[str, str]]:
    """Name, module and options of the instrument that `NAME[:OPTION=VALUE,...]` names; NAME may be a .py file.

    Raises: UsageError: no such instrument or option, or an option without `=`. ContentError: its module is none.
    """
    name, options = parse_monitor(text)
    load = _file(name) if name.endswith(".py") else known().get(name)
    if load is None:
        raise UsageError(
            f"unknown energy monitor '{name}'",
            hint=f"{meant(name, known())}known: {', '.join(known())}; see 'tinyperf energy monitors'",
        )
    module = _checked(name, load)
    played = {key for key, value in options.items() if value == SIMULATED}
    if played:
        played.add("fault")
    _only(set(options) - played, module.OPTIONS, name)
    return name, module, options


def _file(name: str) -> Callable[[], ModuleType]:
    path = Path(name)
    if not path.is_file():
        raise UsageError(
            f"monitor file {name} {foreign.no_file(path)}", hint="a monitor is a name, or a .py file with its driver"
        )
    return functools.partial(content.load_module, "energy", path.absolute())


def _checked(name: str, load: Callable[[], ModuleType]) -> ModuleType:
    """The module, once it is seen to be an instrument's.

    Raises: ContentError: it cannot be imported, or lacks a part.
    """
    hint = "CONTRIBUTING.md, 'Add an instrument', says what a module has"
    try:
        module = load()
    except TinyperfError:
        raise
    except Exception as exc:  # whatever a module of the user's raises
        raise ContentError(f"monitor {name} cannot be imported: {type(exc).__name__}: {exc}", hint=hint) from exc
    if missing := [part for part in PARTS if not hasattr(module, part)]:
        raise ContentError(f"monitor {name} has no {' and no '.join(missing)}", hint=hint)
    return module


def open_monitor(text: str, play: StandIn | None = None) -> Monitor:
    """The instrument that `NAME[:OPTION=VALUE,...]` names, opened.

    Args: play: plays it where it is asked for with `port=simulated`.
    Raises: UsageError: no such instrument. MissingExtraError: its Python package is absent. DeviceError: not there.
    """
    name, module, options = find(text)
    monitor: Monitor
    if SIMULATED not in options.values() and not getattr(module, "PLAYED", False):
        monitor = module.open_monitor(options)
        return monitor
    if play is None:
        raise UsageError(f"{text}: nothing plays an instrument here", hint="name a real one")
    kept = {key: value for key, value in options.items() if value != SIMULATED and key != "fault"}
    monitor = module.open_monitor(kept, play(name, options.get("fault", "")))
    return monitor


@contextlib.contextmanager
def opened(text: str, play: StandIn | None = None) -> Iterator[Monitor]:
    """`open_monitor` with a promise: the target is off when this ends, by an exception, Ctrl-C or SIGTERM too.

    SIGTERM becomes a KeyboardInterrupt while the instrument is open; no signal interrupts switching off.
    """
    with _terminated_is_interrupted():
        monitor = open_monitor(text, play)
        try:
            yield monitor
        finally:
            with _undisturbed():
                monitor.close()


@contextlib.contextmanager
def _terminated_is_interrupted() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread gets signals
        return

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _only(given: Iterable[str], known: Mapping[str, str], instrument: str) -> None:
    """Refuse options that an instrument does not have.

    Args:   known: option -> what it is, for the message.
    Raises: UsageError: an unknown option.
    """
    for name in given:
        if name not in known:
            has = ", ".join(f"{key} ({what})" for key, what in known.items()) or "none"
            raise UsageError(f"monitor '{instrument}' has no option '{name}'", hint=f"its options: {has}")


class Recorded:
    """What instruments that deliver a recording share: nothing is switched, all samples are there at once."""

    def __init__(self, chunks: list[Chunk]) -> None:
        self._chunks = chunks

    def set_supply_mv(self, supply_mv: int) -> None:
        """Recorded already."""

    def power(self, *, on: bool) -> None:
        """Recorded already."""

    def start(self) -> None:
        """Recorded already."""

    def samples(self) -> Iterator[Chunk]:
        while self._chunks:
            yield self._chunks.pop(0)

    def stop(self) -> None:
        """Recorded already."""

    def close(self) -> None:
        """Nothing is powered."""


@dataclass
class ScriptedMonitor:
    """Public fake: delivers prepared chunks and remembers what was asked of it, in order."""

    chunks: list[Chunk]
    calls: list[str] = field(default_factory=list)
    sample_rate_hz: float = 1000.0

    def describe(self) -> Identity:
        return Identity("scripted", "none", "0", "0", self.sample_rate_hz, "simulated", 0.0)

    def set_supply_mv(self, supply_mv: int) -> None:
        self.calls.append(f"supply {supply_mv}")

    def power(self, *, on: bool) -> None:
        self.calls.append("power on" if on else "power off")

    def start(self) -> None:
        self.calls.append("start")

    def samples(self) -> Iterator[Chunk]:
        while self.chunks:
            yield self.chunks.pop(0)

    def stop(self) -> None:
        self.calls.append("stop")

    def close(self) -> None:
        self.calls.append("power off")
        self.calls.append("close")
