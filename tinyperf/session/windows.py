"""Performance mode: a pilot, then five windows on one device. Energy mode runs the same windows under an instrument."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.device.happenings import PILOT, sample_note
from tinyperf.errors import DeviceError
from tinyperf.figures import figure
from tinyperf.rules import windows as rules
from tinyperf.session import store
from tinyperf.session.parallel import IN_FLIGHT, identity, spent
from tinyperf.session.progress import beating, duration, elapsed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinyperf.device.dut import Dut
    from tinyperf.formats.recorded import Trial
    from tinyperf.session.plan import Prepared
    from tinyperf.session.progress import Progress
    from tinyperf.session.record import Spent
    from tinyperf.session.store import Session, Transcript

PILOT_LIMIT = 12
PILOT_US = rules.PILOT_SECONDS * 1e6
CLOCKS_APART = 4
"""A pilot that lasts so many times as long by the host's clock is not made longer: the device's clock is wrong."""
MOST_PILOT_S = 5.0  # by the host's clock
WINDOW_ATTEMPTS = 3


def measure(session: Session, prepared: Prepared, progress: Progress) -> Spent:
    """The windows that the session lacks, on a device that is opened for them."""
    transcript = store.Transcript(store.transcript_path(session.at, 0))
    dut = None
    try:
        progress(f"starting {prepared.device.where}", 0, 0)
        dut = prepared.converse(transcript.record)
        session.learn(**identity(dut))
        WindowRun(session, prepared, transcript, dut, progress).windows()
        return spent(dut)
    finally:
        if dut is not None:
            dut.link.close()
        transcript.close()


@dataclass
class WindowRun:
    """A performance or energy run under way: five windows on one device."""

    session: Session
    prepared: Prepared
    transcript: Transcript
    dut: Dut
    progress: Progress
    pace: float = 0.0  # seconds of this computer for one of the link's clock: a virtual board has another
    beside_s: float = 0.0  # what a window takes beside its inferences, on the link's clock: download and results

    @property
    def inputs(self) -> list[bytes]:
        """One input for each window; for ad the first window of a file."""
        return [sample.windows()[0] for sample in self.prepared.dataset.samples]

    @property
    def pulses(self) -> bool:
        """Energy mode: the windows are marked by pulses, and the host's clock finds N."""
        return self.session.record.pulses

    @property
    def quick(self) -> bool:
        """A first look, never valid: its window need not last as long as the rules want."""
        return self.session.record.planned.request.quick

    def windows(self) -> list[Trial]:
        """Run the windows that the transcript lacks, one trial for each input; all five, in order."""
        inputs, trials = self.inputs, self.transcript.trials
        self.dut.inference_s = self.dut.inference_s or trials.inference_s
        missing = [k for k in range(len(inputs)) if (k, 0) not in trials.trials or self._repeats(trials.trials[k, 0])]
        if missing and self.session.record.inferences is None:
            self.session.learn(inferences=self.pilot(inputs[0]))
        for k in missing:
            self._window(k, inputs[k])
        self.progress("windows", len(inputs), len(inputs))
        return [trials.trials[key] for key in sorted(trials.trials)]

    def _window(self, k: int, data: bytes) -> None:
        """One window; again with more inferences where it came out shorter than the rules want (load varies).

        And again as it was where the host's clock did not see it whole: two clocks are wanted for a figure.
        """
        samples, warmups = self.prepared.dataset.samples, self.session.record.planned.warmups
        inferences = self.session.record.inferences or rules.MIN_INFERENCES
        again = IN_FLIGHT if (k, 0) in self.transcript.trials.begun else ""
        for _ in range(WINDOW_ATTEMPTS):
            with self._telling(f"window {k + 1} of {len(samples)}", k, len(samples), inferences + warmups):
                label = sample_note(k, 0, samples[k].name, again)
                window = self.dut.trial(label, data, inferences, warmups, pulses=self.pulses)
            if window.host_s <= 0 and not self.pulses:
                again = "a line that begins or ends the window was lost"
                continue
            if self.quick or window.seconds >= rules.MIN_SECONDS or window.seconds <= 0:
                return
            again = f"the window lasted {figure(window.seconds)} s"
            inferences = math.ceil(inferences * rules.AIM_SECONDS / window.seconds)

    def _repeats(self, window: Trial) -> bool:
        """Whether it was to be repeated when the run stopped; in energy mode all are one recording."""
        if window.device_us is None:
            return False
        return window.host_s <= 0 or (not self.quick and 0 < window.device_us < rules.MIN_SECONDS * 1e6)

    @contextmanager
    def _telling(self, what: str, done: int, total: int, inferences: int) -> Iterator[None]:
        """`what` now, and how long it has taken once a second; with how long it will take where that is known."""
        self.progress(what, done, total)
        each_s = self.dut.inference_s
        about_s = self.pace * (self.beside_s + inferences * each_s) if each_s else 0.0
        of = f" of about {duration(about_s)}" if about_s >= 1.0 else ""
        begin_s, begin_link_s = time.monotonic(), self.dut.link.now_s()
        with beating(lambda seconds: self.progress(f"{what}: {elapsed(seconds)}{of}", done, total)):
            yield
        took_s = self.dut.link.now_s() - begin_link_s
        self.pace = (time.monotonic() - begin_s) / took_s if took_s > 0 else self.pace
        self.beside_s = max(0.0, took_s - inferences * (self.dut.inference_s or 0.0))

    def pilot(self, data: bytes) -> int:
        """N of a window, from inferences that are not measured.

        Without timestamps as text the host's clock is used, and with it a pilot four times as long.
        """
        scale = 4 if self.pulses else 1
        inferences = 1
        for _ in range(PILOT_LIMIT):
            with self._telling(f"pilot of {inferences} inferences", 0, 0, inferences):
                pilot = self.dut.trial(PILOT, data, inferences, 0, pulses=self.pulses)
            took_us = round(pilot.seconds * 1e6)
            if not self.pulses and pilot.host_s > CLOCKS_APART * max(pilot.device_us or 0, PILOT_US) / 1e6:
                break  # longer ones would only take hours
            following = rules.next_pilot(inferences, took_us // scale)
            if following is None:
                return rules.inferences_for(
                    took_us / 1e6 / inferences, rules.QUICK_SECONDS if self.quick else rules.AIM_SECONDS
                )
            if pilot.host_s > 0:  # however short they are by the device's clock
                following = min(following, max(inferences + 1, math.ceil(inferences * MOST_PILOT_S / pilot.host_s)))
            inferences = following
        raise DeviceError(
            f"{inferences} inferences took {took_us} us by the device's clock, {figure(pilot.host_s)} s by the host's",
            means="its clock stands still or runs wrong",
            hint="'timestamp' in 'tinyperf console' must give microseconds that grow",
        )
