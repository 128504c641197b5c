"""The main job: plan, open, measure, score; and the same again for what a session still lacks.

The transcript is the checkpoint: what it holds is not measured twice. An input that was under way when a run stopped is
sent again, and the transcript says so.
"""

from __future__ import annotations

import importlib
import math
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyperf.errors import ContentError, DeviceError, Interrupted, TinyperfError
from tinyperf.figures import figure
from tinyperf.formats import energyrunner, own
from tinyperf.formats.own import PILOT, sample_note
from tinyperf.request import Request
from tinyperf.rules import windows as rules
from tinyperf.session import folder as disk
from tinyperf.session import profile, replay, report, shards
from tinyperf.session.plan import Prepared, check_request, prepare
from tinyperf.session.progress import beating, duration, silent

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tinyperf.device.dut import Dut
    from tinyperf.formats.recorded import Trial
    from tinyperf.result import RunResult
    from tinyperf.session.folder import Transcript
    from tinyperf.session.progress import Progress
    from tinyperf.virtual.board.link import VirtualLink

PILOT_LIMIT = 12
INSTRUCTIONS_PER_MAC = 1.8  # of the four reference models with engine aot: 1.5 to 1.9
WINDOW_ATTEMPTS = 3


def check(request: Request) -> None:
    """What can be refused before anything is read, built or measured.

    Raises: UsageError, DataError, ContentError: with what to do.
    """
    if request.out:
        disk.require_free(Path(request.out))
    check_request(request)


def run(request: Request, progress: Progress = silent) -> RunResult:
    """Measure one mode of one model on one board.

    Raises: TinyperfError: with what to do; what was measured until then is in the session folder that it names.
    """
    check(request)
    prepared, plan = prepare(request, lambda text: progress(text, 0, 0))
    at = disk.create(_folder(prepared, plan))
    plan["session"] = str(at)
    disk.write_plan(at, plan)
    return _measure(at, prepared, plan, progress)


def resume(session: Path, progress: Progress = silent, *, jobs: int | None = None) -> RunResult:
    """Finish a session: measure what it lacks, then score all of it.

    Raises: ContentError: image, model or data are not what the session was begun with. Otherwise as `run`.
    """
    plan = disk.read_plan(session)
    plan["session"] = str(session)
    if plan["timing"] is not None:  # complete: nothing is sent
        return finish(session)
    request = replace(Request(**plan["request"]), jobs=jobs or plan["request"]["jobs"])
    prepared, again = prepare(request, lambda text: progress(text, 0, 0))
    for key in ("build_id", "image_sha256", "samples", "model_id"):
        if plan[key] != again[key]:
            raise ContentError(
                f"{session} was begun with another {key.replace('_', ' ')} than there is now",
                means="model, data, engine or firmware have changed since; the two halves would not belong together",
                hint="start a new session, or put back what was changed",
            )
    return _measure(session, prepared, plan, progress)


def finish(session: Path) -> RunResult:
    """Results from what the folder holds; written there, and returned. Sends nothing, gives the same figures always.

    Raises: UsageError, ContentError: no session. DiskError: results cannot be written.
    """
    plan = disk.read_plan(session)
    plan["session"] = str(session)
    measured = replay.measured_of(session, plan)
    found = report.result(measured)
    _write_reports(session, measured, found)
    disk.write_plan(session, {**plan, "result": found.as_dict()})
    return found


def _write_reports(session: Path, measured: report.Measured, found: RunResult) -> None:
    records = (record for path in disk.transcripts(session) for record in own.records(path))
    disk.write_lines(session / "eembc" / "log.txt", energyrunner.log_lines(report.about(measured.plan), records))
    none: replay.OtherTools = {"energy": [], "power": []}
    power = replay.other_tools(session, measured.plan["supply_mv"]) if found.energy else none
    for name, text in report.texts(measured, found, **power).items():
        disk.write(session / name, text)


def _folder(prepared: Prepared, plan: dict[str, Any]) -> Path:
    if prepared.request.out:
        return Path(prepared.request.out)
    stamp = datetime.fromisoformat(plan["created"]).astimezone().strftime("%Y%m%d-%H%M%S")
    return Path("sessions") / f"{stamp}-{plan['board']}-{plan['benchmark']}-{plan['mode']}"


def _measure(at: Path, prepared: Prepared, plan: dict[str, Any], progress: Progress) -> RunResult:
    """Measure what the folder lacks, then score. An error names the folder."""
    start_s = time.monotonic()
    try:
        progress(f"session {at}", 0, 0)
        if prepared.has_cycle_model:
            prepared = _calibrated(at, prepared, plan, progress)
        if plan["mode"] == "accuracy":
            spent = _accuracy(at, prepared, plan, progress)
        elif plan["mode"] == "energy":
            spent = importlib.import_module("tinyperf.session.energy").windows(at, prepared, plan, progress)
        else:
            spent = _windows(at, prepared, plan, progress)
        seconds = time.monotonic() - start_s
        plan["timing"] = {"seconds": round(seconds, 3), "finished": datetime.now(UTC).isoformat(), **spent}
        disk.write_plan(at, plan)
        return finish(at)
    except TinyperfError as exc:
        exc.hint = exc.hint.replace("SESSION", str(at))
        exc.session = str(at)
        raise
    except KeyboardInterrupt as exc:
        again = "start a new session: an energy run is one recording" if plan["mode"] == "energy" else None
        raise Interrupted(hint=again or f"'tinyperf run --resume {at}' finishes it", session=str(at)) from exc


def _calibrated(at: Path, prepared: Prepared, plan: dict[str, Any], progress: Progress) -> Prepared:
    """One inference in full detail gives the cycles per instruction of the windows; kept for --resume."""
    if plan["calibration"] is None:
        progress("one inference in full detail", 0, 0)
        found = profile.calibrated(
            prepared.board,
            prepared.image or Path(),
            plan["input_bytes"],
            lambda link: _watched(link, prepared, progress),
        )
        plan["calibration"] = asdict(found)
        disk.write_plan(at, plan)
    return replace(prepared, cycles_per_instruction=plan["calibration"]["cpi"])


def _watched(link: VirtualLink, prepared: Prepared, progress: Progress) -> AbstractContextManager[None]:
    """Tells how far the inference in full detail is; what is left of it where the model's size is known."""
    about = profile.CALIBRATION_INFERENCES * INSTRUCTIONS_PER_MAC * prepared.macs

    def tell(seconds: float) -> None:
        done = link.counters().instructions
        text = f"one inference in full detail: {done / 1e6:,.0f} million instructions"
        if done and about:
            left_s = max(about / done - 1.0, 0.0) * seconds
            text += f" of about {max(about, done) / 1e6:,.0f}, about {duration(left_s)} left"
        progress(text, 0, 0)

    return beating(tell)


# -------------------------------------------------------------------- performance


@dataclass
class Work:
    """A performance or energy run under way: five windows on one device."""

    at: Path
    prepared: Prepared
    plan: dict[str, Any]
    transcript: Transcript
    dut: Dut
    progress: Progress
    inference_wall_s: float = 0.0  # of this computer's clock: a virtual board's is another one

    @property
    def inputs(self) -> list[bytes]:
        """One input for each window; for ad the first window of a file."""
        return [sample.windows()[0] for sample in self.prepared.dataset.samples]

    def windows(self, *, pulses: bool = False) -> list[Trial]:
        """Run the windows that the transcript lacks, one trial for each input; all five, in order.

        `pulses`: energy mode, where the windows are marked by pulses and the host's clock finds N.
        """
        inputs, samples = self.inputs, self.prepared.dataset.samples
        reader = self.transcript.reader
        self.dut.inference_s = self.dut.inference_s or reader.inference_s
        missing = [k for k in range(len(inputs)) if (k, 0) not in reader.trials or _short(reader.trials[k, 0])]
        if missing and self.plan["inferences"] is None:
            self.plan["inferences"] = self.pilot(inputs[0], pulses=pulses)
            disk.write_plan(self.at, self.plan)
        for k in missing:
            self._window(k, inputs[k], samples[k].name, pulses=pulses)
        self.progress("windows", len(inputs), len(inputs))
        return [reader.trials[key] for key in sorted(reader.trials)]

    def _window(self, k: int, data: bytes, name: str, *, pulses: bool) -> None:
        """One window; where it came out shorter than the rules want (load varies), once more with more inferences."""
        count = len(self.prepared.dataset.samples)
        again = shards.IN_FLIGHT if (k, 0) in self.transcript.reader.begun else ""
        inferences: int = self.plan["inferences"]
        for _ in range(WINDOW_ATTEMPTS):
            about_s = (inferences + self.plan["warmups"]) * self.inference_wall_s
            with self._telling(f"window {k + 1} of {count}", k, count, about_s):
                label = sample_note(k, 0, name, again)
                found = self.dut.trial(label, data, inferences, self.plan["warmups"], pulses=pulses)
            seconds = found.host_s if found.device_us is None else found.device_us / 1e6
            if seconds >= rules.MIN_SECONDS or seconds <= 0:
                return
            again = f"the window lasted {figure(seconds)} s"
            inferences = math.ceil(inferences * rules.AIM_SECONDS / seconds)

    def _telling(self, what: str, done: int, total: int, about_s: float) -> AbstractContextManager[None]:
        """`what` now, and how long it has taken once a second; with how long it will take where that is known."""
        self.progress(what, done, total)
        of = f" of about {duration(about_s)}" if about_s >= 1.0 else ""
        return beating(lambda seconds: self.progress(f"{what}: {duration(seconds)}{of}", done, total))

    def pilot(self, data: bytes, *, pulses: bool) -> int:
        """N of a window, from inferences that are not measured.

        Without timestamps as text the host's clock is used, and with it a pilot four times as long.
        """
        scale = 4 if pulses else 1
        inferences = 1
        for _ in range(PILOT_LIMIT):
            begin_s = time.monotonic()
            with self._telling(f"pilot of {inferences} inferences", 0, 0, inferences * self.inference_wall_s):
                found = self.dut.trial(PILOT, data, inferences, 0, pulses=pulses)
            self.inference_wall_s = (time.monotonic() - begin_s) / inferences
            took_us = round(found.host_s * 1e6) if found.device_us is None else found.device_us
            following = rules.next_pilot(inferences, took_us // scale)
            if following is None:
                return rules.inferences_for(took_us / 1e6 / inferences)
            inferences = following
        raise DeviceError(
            f"{inferences} inferences took {took_us} us by the device's clock",
            means="its clock stands still or runs wrong",
            hint="'timestamp' in 'tinyperf console' must give microseconds that grow",
        )


def _short(found: Trial) -> bool:
    """A window that was to be repeated when the run stopped."""
    return 0 < (found.device_us or 0) < rules.MIN_SECONDS * 1e6


def _windows(at: Path, prepared: Prepared, plan: dict[str, Any], progress: Progress) -> dict[str, Any]:
    pulses = plan["mode"] == "energy"
    transcript = disk.Transcript(disk.transcript_path(at, 0), pulses=pulses)
    dut = None
    try:
        progress(f"starting {prepared.where}", 0, 0)
        dut = prepared.converse(transcript.record)
        identify(at, plan, dut)
        work = Work(at, prepared, plan, transcript, dut, progress)
        work.windows(pulses=pulses)
        return {"download_s": round(dut.spent_s["download"], 3), "infer_s": round(dut.spent_s["infer"], 3)}
    finally:
        if dut is not None:
            dut.link.close()
        transcript.close()


def identify(at: Path, plan: dict[str, Any], dut: Dut) -> None:
    """Write down who answered."""
    if dut.identity is not None:
        plan |= shards.told_by(dut)
        disk.write_plan(at, plan)


# -------------------------------------------------------------------- accuracy


def _accuracy(at: Path, prepared: Prepared, plan: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """All inputs that the folder lacks, spread over as many devices as help."""
    readers = disk.read_back(at)
    done = {key for reader in readers for key in reader.trials}
    begun = {key for reader in readers for key in reader.begun}
    wanted = [(index, window) for index, sample in enumerate(plan["samples"]) for window in range(sample["windows"])]
    missing = [key for key in wanted if key not in done]
    if not missing:
        return {}
    jobs = shards.jobs_for(prepared, len(missing))
    identity, spent = shards.run(
        [
            shards.Shard(at, prepared, number, tuple(part), frozenset(begun))
            for number, part in enumerate(shards.split(missing, jobs))
        ],
        lambda count: progress("inputs", len(wanted) - len(missing) + count, len(wanted)),
    )
    plan |= identity
    total_s = spent["download_s"] + spent["infer_s"]
    return {**spent, "jobs": jobs, "inputs": len(missing), "seconds_per_input": round(total_s / len(missing), 6)}
