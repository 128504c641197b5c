"""Energy mode: one instrument, one device, five windows in one recording.

The instrument samples from before the first window to after the last. The transcript says which pulses there must be
and when; the figures are computed afterwards from what was recorded, by `tinyperf/session/replay.py`, as any replay is.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, cast

from tinyperf.device.happenings import (
    Asked,
    Input,
    Pilot,
    Remark,
    TranscriptReader,
    WindowEnded,
    WindowStarted,
)
from tinyperf.errors import UsageError
from tinyperf.figures import error
from tinyperf.formats import own
from tinyperf.measure import monitor
from tinyperf.measure.recorder import Recorder
from tinyperf.rules import joules, power
from tinyperf.session import store
from tinyperf.session.parallel import identity, spent
from tinyperf.session.profile import power_error_percent
from tinyperf.session.windows import WindowRun
from tinyperf.virtual import bench
from tinyperf.virtual.instruments import played_on

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tinyperf.chip import Power
    from tinyperf.device.dut import Dut
    from tinyperf.device.happenings import Direction, Happening
    from tinyperf.device.link import Link, Transport
    from tinyperf.measure.monitor import Monitor
    from tinyperf.session.plan import Prepared
    from tinyperf.session.progress import Progress
    from tinyperf.session.record import Spent
    from tinyperf.session.store import Session
    from tinyperf.virtual.board.link import VirtualLink

SLICE_S = 0.01
"""How finely the virtual board's power is followed: an edge inside a slice is off by half of it at most."""
HEAD_S = 1.0  # EnergyRunner waits as long before the first and after the last window
TIMESTAMP_S = 5.0


@dataclass
class Announcements:
    """Which pulses the conversation announces, on the link's clock. A window that is repeated loses its claim.

    The pulses of its first try are known then, and not measured.
    """

    expected: list[joules.Expected] = field(default_factory=list)
    _reader: TranscriptReader = field(default_factory=lambda: TranscriptReader(pulses=True))
    _inferences: int = 0
    _begun: int = 0

    def hear(self, direction: Direction, data: bytes, at_s: float) -> None:
        """One record of the transcript."""
        for happening in self._reader.feed(direction, data, at_s):
            self._happening(happening)

    def _happening(self, happening: Happening) -> None:
        if isinstance(happening, Input | Pilot | Remark):
            if happening.again:
                self.expected[self._begun :] = [joules.Expected("boot", e.at_s) for e in self.expected[self._begun :]]
        elif isinstance(happening, Asked) and happening.command.startswith("infer"):
            self._begun = len(self.expected)
        elif isinstance(happening, Asked) and happening.command.startswith("timestamp"):
            self.expected.append(joules.Expected("timestamp", happening.at_s))
        elif isinstance(happening, WindowStarted):
            self._inferences = happening.inferences
            self.expected.append(joules.Expected("start", happening.at_s, self._inferences))
        elif isinstance(happening, WindowEnded):
            self.expected.append(joules.Expected("stop", happening.at_s, self._inferences))


@dataclass
class Listening:
    """A link on whose reads the instrument is emptied, and a virtual board's power is told to its bench."""

    inner: Link
    recorder: Recorder
    feed: Feed | None
    transport: Transport = "serial"

    def __post_init__(self) -> None:
        self.transport = self.inner.transport

    def write(self, data: bytes) -> None:
        self.inner.write(data)

    def read(self, timeout_s: float) -> bytes:
        if self.feed is None:
            data = self.inner.read(timeout_s)
            self.recorder.drain()
            return data
        until_s = self.inner.now_s() + timeout_s
        while True:
            data = self.inner.read(min(SLICE_S, max(until_s - self.inner.now_s(), 0.0)))
            self.feed.tell()
            if data or self.inner.now_s() >= until_s - 1e-9:
                self.recorder.drain()
                return data

    def now_s(self) -> float:
        return self.inner.now_s()

    def close(self) -> None:
        self.inner.close()


@dataclass
class Feed:
    """Tells a bench what a virtual board draws, from the growth of its activity."""

    link: VirtualLink
    figures: Power
    clock_hz: int
    bench: bench.Bench
    flash_misses_per_cycle: float
    _before: tuple[float, float, float] = (0.0, 0.0, 0.0)
    _pulses: int = 0

    def tell(self) -> None:
        """Everything up to the board's present."""
        activity = self.link.activity
        now = (self.link.now_s(), float(activity.active_cycles), float(activity.idle_cycles))
        seconds, active, idle = (a - b for a, b in zip(now, self._before, strict=True))
        watts = power.mean_w(
            self.figures,
            active_cycles=active,
            flash_misses=self.flash_misses_per_cycle * active,
            idle_cycles=idle,
            seconds=seconds,
            clock_hz=self.clock_hz,
            supply_mv=self.bench.supply_mv,
        )
        pulses = self.link.pulses()
        self.bench.advance(now[0], watts, pulses[self._pulses :])
        self._before, self._pulses = now, len(pulses)


def measure(session: Session, prepared: Prepared, progress: Progress) -> Spent:
    """Five windows under the instrument's eye; the recording lies in the folder whatever happens.

    Raises: UsageError: the board's file has no power figures (virtual), or the session was begun before.
    """
    if store.transcript_path(session.at, 0).exists():
        raise UsageError(
            f"{session.at} holds an energy run that was interrupted",
            means="the five windows of an energy run belong to one recording, so they cannot be finished later",
            hint="start a new session",
        )
    with fed(session, prepared) as (instrument, feeding):
        return Rig(session, prepared, progress, instrument, feeding).measure()


@contextmanager
def fed(session: Session, prepared: Prepared) -> Iterator[tuple[Monitor, bench.Bench | None]]:
    """The instrument that the run asked for, feeding the board; with the bench that it measures, of a virtual board.

    Raises: UsageError: the board's file has no power figures (virtual).
    """
    board = prepared.device.board
    virtual = session.record.planned.transport == "virtual"
    if virtual and board.power(foreign=prepared.request.image is not None) is None:
        raise UsageError(
            f"the virtual {board.name} has no power figures",
            hint="add power to its chip's file; boards/chips/stm32l4r5.yaml shows how",
        )
    # an instrument that cannot set a voltage measures at the supply that is there
    feeding = bench.Bench(supply_mv=board.energy.supply_mv) if virtual else None
    with monitor.opened(str(prepared.request.monitor), played_on(feeding)) as instrument:
        session.learn(monitor=instrument.describe(), supply_mv=board.energy.supply_mv)
        instrument.set_supply_mv(board.energy.supply_mv)
        instrument.power(on=False)
        instrument.power(on=True)
        yield instrument, feeding


def listening(
    session: Session, prepared: Prepared, link: Link, recorder: Recorder, feeding: bench.Bench | None
) -> Listening:
    """`link`, on whose reads the instrument is emptied; a virtual board's power is told to `feeding`."""
    if feeding is None:
        return Listening(link, recorder, None)
    board = prepared.device.board
    figures = board.power(foreign=prepared.request.image is not None)
    if figures is None:
        raise AssertionError("fed() has refused such a board")
    known = session.record.learned.calibration
    misses = known.flash_misses_per_inference / known.cycles_per_inference if known else 0.0
    return Listening(link, recorder, Feed(cast("VirtualLink", link), figures, board.clock_hz, feeding, misses))


def write_sidecar(
    session: Session,
    prepared: Prepared,
    instrument: Monitor,
    recorder: Recorder,
    *,
    expected: Sequence[joules.Expected],
    duration_s: float,
) -> None:
    """`energy.json` beside the raw trace. Args: expected: since the first sample. duration_s: by the link's clock."""
    planned, board, about = session.record.planned, prepared.device.board, instrument.describe()
    rate_hz = float(about.sample_rate_hz)
    # the host learns of the first and last sample late, by up to a read of the port
    slack = rate_hz * (SLICE_S if session.record.transport == "virtual" else joules.CLOCKS_S)
    damage = [*recorder.notes]
    damage += joules.lost_reasons(recorder.received, recorder.position)
    damage += joules.lost_reasons(recorder.position, duration_s * rate_hz - slack)
    said = own.Sidecar(
        sample_rate_hz=rate_hz,
        samples=recorder.position,
        lost=recorder.position - recorder.received,
        pulses_s=tuple(p / rate_hz for p in recorder.pulses),
        expected=tuple(expected),
        supply_mv=board.energy.supply_mv,
        accuracy=about.accuracy + (planned.error_percent or 0.0) / 100,
        edge_s=1.0 / rate_hz,
        estimated=planned.estimated,
        error_percent=planned.error_percent,
        damage=tuple(damage),
        monitor=asdict(about),
    )
    store.write(session.at / own.SIDECAR, own.sidecar_json(said))
    foreign = planned.request.image is not None
    if planned.estimated and board.power(foreign=foreign):
        part = power_error_percent(board, foreign=foreign)
        share, whole = error(part), error(planned.error_percent)
        note(session, f"energy is estimated, {whole}; the power model's part: {share}")


def note(session: Session, text: str) -> None:
    """Something that must be said beside the result."""
    session.learn(notes=(*session.record.learned.notes, text))


@dataclass
class Rig:
    """One energy run: who measures, what is measured, and what was heard of it."""

    session: Session
    prepared: Prepared
    progress: Progress
    instrument: Monitor
    feeding: bench.Bench | None
    heard: Announcements = field(default_factory=Announcements)
    origin_s: float = 0.0

    def measure(self) -> Spent:
        """Boot, pilot, then five windows in one recording."""
        recorder = Recorder(self.instrument, self.session.at / own.POWER)
        transcript = store.Transcript(store.transcript_path(self.session.at, 0), pulses=True)
        dut: Dut | None = None

        def record(direction: Direction, data: bytes, at_s: float) -> None:
            transcript.record(direction, data, at_s)
            if recorder.running:
                self.heard.hear(direction, data, at_s)

        try:
            self.progress(f"starting {self.prepared.device.where}", 0, 0)
            dut = self.prepared.converse(
                record, lambda link: listening(self.session, self.prepared, link, recorder, self.feeding)
            )
            self.session.learn(**identity(dut))
            self._record(WindowRun(self.session, self.prepared, transcript, dut, self.progress), recorder)
            return spent(dut)
        except BaseException:
            note(self.session, "the energy recording was cut short")
            raise
        finally:
            recorder.close()
            transcript.close()
            if dut is not None:
                dut.link.close()

    def _record(self, work: WindowRun, recorder: Recorder) -> None:
        """The pilot, and then everything that belongs to the recording."""
        dut = work.dut
        self.session.learn(inferences=work.pilot(work.inputs[0]))
        recorder.start()
        self.origin_s = dut.link.now_s()
        dut.note("emon: m-trace[on]")
        dut.note("io: m-dut-passthrough(timestamp)")
        dut.ask(b"timestamp%", TIMESTAMP_S)
        wait(dut.link, HEAD_S)
        work.windows()
        wait(dut.link, HEAD_S)
        dut.note("sequencer: m-sequencing-i[0]-command[emon trace off]-ack[/emon: m-ready/]")
        recorder.finish()
        expected = [replace(e, at_s=e.at_s - self.origin_s) for e in self.heard.expected]
        duration_s = dut.link.now_s() - self.origin_s
        write_sidecar(self.session, self.prepared, self.instrument, recorder, expected=expected, duration_s=duration_s)


def wait(link: Link, seconds: float) -> None:
    """Let time pass on the link's clock; whatever the device says meanwhile is none of our business."""
    until_s = link.now_s() + seconds
    while (left_s := until_s - link.now_s()) > 1e-6:
        link.read(left_s)
