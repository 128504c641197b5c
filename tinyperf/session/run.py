"""The main job: plan, open, measure, score; and the same again for what a session still lacks.

The transcript is the checkpoint: what it holds is not measured twice. An input that was under way when a run stopped is
sent again, and the transcript says so.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tinyperf.errors import ContentError, Interrupted, TinyperfError
from tinyperf.formats import energyrunner, own
from tinyperf.session import accuracy, energy, lock, profile, replay, report, store, stream_report, streaming, windows
from tinyperf.session.checks import check_request
from tinyperf.session.device import open_device
from tinyperf.session.plan import prepare
from tinyperf.session.progress import silent
from tinyperf.session.record import Learned, Record, Timing

if TYPE_CHECKING:
    from tinyperf.request import Request
    from tinyperf.result import RunResult
    from tinyperf.session.device import OpenLink
    from tinyperf.session.plan import Prepared
    from tinyperf.session.progress import Progress
    from tinyperf.session.record import Planned
    from tinyperf.session.store import Session

KINDS = {"accuracy": accuracy.measure, "energy": energy.measure, "performance": windows.measure}
LONGEST_WORD = 40  # of a folder's name that the user chose
SAME = ("build_id", "image_sha256", "samples", "model_id")  # what both halves of a resumed session must have in common


def check(request: Request) -> None:
    """What can be refused before anything is read, built or measured.

    Raises: UsageError, DataError, ContentError: with what to do.
    """
    if request.out:
        store.require_free(Path(request.out))
    check_request(request)


def run(
    request: Request,
    progress: Progress = silent,
    *,
    open_link: OpenLink = open_device,
    created: datetime | None = None,
    learned: Learned | None = None,
) -> RunResult:
    """Measure one mode of one model on one board.

    Args: open_link: makes the links, in place of the ports and virtual boards that there are. created: when the session
    began, if not now. learned: what is known already, such as N of a window; it is not found out again.
    Raises: TinyperfError: with what to do; what was measured until then is in the session folder that it names.
    """
    check(request)
    prepared, planned = prepare(request, lambda text: progress(text, 0, 0), open_link=open_link, created=created)
    at = store.create(_folder(request, planned))
    with lock.alone(at):
        session = store.begin(at, Record(planned=planned, learned=learned or Learned()))
        return _measure(session, prepared, progress)


def resume(
    at: Path,
    progress: Progress = silent,
    *,
    jobs: int | None = None,
    port: str | None = None,
    monitor: str | None = None,
    open_link: OpenLink = open_device,
) -> RunResult:
    """Finish a session: measure what it lacks, then score all of it.

    Args: jobs, port, monitor: other than it was begun with. open_link: as `run`.
    Raises: ContentError: image, model or data are not what the session was begun with. DeviceError: another process
        works on it. Otherwise as `run`.
    """
    store.load(at)  # no lock in a folder that is no session
    with lock.alone(at):
        session = store.load(at)
        if session.record.learned.timing is not None:  # complete: nothing is sent
            return finish(at)
        begun = session.record.planned.request
        request = replace(begun, jobs=jobs or begun.jobs, port=port or begun.port, monitor=monitor or begun.monitor)
        return _measure(session, _same(session, request, progress, open_link), progress)


def _same(session: Session, request: Request, progress: Progress, open_link: OpenLink) -> Prepared:
    """What the session was begun with, made ready once more."""
    at, planned = session.at, session.record.planned
    prepared, again = prepare(request, lambda text: progress(text, 0, 0), open_link=open_link)
    for name in SAME:
        if getattr(planned, name) != getattr(again, name):
            raise ContentError(
                f"{at} was begun with another {name.replace('_', ' ')} than there is now",
                means="model, data, engine or firmware have changed since; the two halves would not belong together",
                hint="start a new session, or put back what was changed",
            )
    if planned.build_id is None:  # the firmware was brought: the same must answer again
        wanted_by = "the session was begun with"
        prepared = replace(prepared, build_id=session.record.build_id, build_wanted_by=wanted_by)
    return prepared


def finish(at: Path) -> RunResult:
    """Results from what the folder holds; written there, and returned. Sends nothing, gives the same figures always.

    Raises: UsageError, ContentError: no session. DiskError: results cannot be written.
    """
    session = store.load(at)
    measured = replay.measured_of(session)
    result = report.result(measured)
    if measured.stream is not None:
        for name, text in stream_report.texts(measured, result, replay.stream_power(session)).items():
            store.write(at / name, text)
    else:
        _write_reports(measured, result)
    session.conclude(result)
    return result


def _write_reports(measured: report.Measured, result: RunResult) -> None:
    at, record = measured.at, measured.record
    transcripts = (entry for path in store.transcripts(at) for entry in own.records(path))
    store.write_lines(at / "eembc" / "log.txt", energyrunner.log_lines(report.about(at, record), transcripts))
    none: replay.OtherTools = {"energy": [], "power": []}
    power = replay.other_tools(at, record.learned.supply_mv or 0) if result.energy else none
    for name, text in report.texts(measured, result, **power).items():
        store.write(at / name, text)


def _folder(request: Request, planned: Planned) -> Path:
    if request.out:
        return Path(request.out)
    stamp = planned.created.astimezone().strftime("%Y%m%d-%H%M%S")
    own = planned.model.name if planned.model and planned.benchmark == "custom" else planned.benchmark
    words = [stamp, planned.board, _plain(own), planned.mode, *([_plain(request.name)] if request.name else [])]
    return Path("sessions") / "-".join(word for word in words if word)


def _plain(text: str) -> str:
    """Letters, digits, dots and underscores of `text`, for a folder's name."""
    return re.sub(r"[^\w.]+", "_", text).strip("._")[:LONGEST_WORD]


def _measure(session: Session, prepared: Prepared, progress: Progress) -> RunResult:
    """Measure what the folder lacks, then score. An error names the folder."""
    begin_s = time.monotonic()
    at, mode = session.at, session.record.planned.mode
    try:
        progress(f"session {at}", 0, 0)
        if prepared.device.has_cycle_model:
            prepared = _calibrated(session, prepared, progress)
        spent = (streaming.measure if prepared.stream else KINDS[mode])(session, prepared, progress)
        seconds = round(time.monotonic() - begin_s, 3)
        session.learn(timing=Timing(seconds=seconds, finished=datetime.now(UTC), **spent.model_dump()))
        return finish(at)
    except TinyperfError as exc:
        exc.hint = exc.hint.replace("SESSION", str(at))
        exc.session = str(at)
        raise
    except KeyboardInterrupt as exc:
        again = "start a new session: an energy run is one recording" if mode == "energy" else None
        raise Interrupted(hint=again or f"'tinyperf run --resume {at}' finishes it", session=str(at)) from exc


def _calibrated(session: Session, prepared: Prepared, progress: Progress) -> Prepared:
    """One inference in full detail gives the cycles per instruction of the windows; kept for --resume."""
    known = session.record.learned.calibration
    if known is None:
        found = profile.detailed(
            prepared.device.board,
            prepared.device.image or Path(),
            prepared.own,
            layers=prepared.layers,
            instructions=prepared.instructions,
            progress=progress,
        )
        known = found.calibration
        if found.layers:
            store.write(session.at / store.LAYERS, json.dumps([asdict(layer) for layer in found.layers], indent=1))
        session.learn(calibration=known)
    return replace(prepared, device=replace(prepared.device, cycles_per_instruction=known.cpi))
