"""Accuracy runs over several virtual devices at once, each in a process of its own with a transcript of its own."""

from __future__ import annotations

import multiprocessing
import os
import time
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from tinyperf.device.happenings import sample_note
from tinyperf.errors import DeviceError, TinyperfError
from tinyperf.session import store
from tinyperf.session.record import Spent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

    from tinyperf.device.dut import Dut
    from tinyperf.session.plan import Prepared
    from tinyperf.session.record import Lesson

    Key = tuple[int, int]

WORTH_A_PROCESS = 40  # inputs: a second process takes about a second to start
IN_FLIGHT = "it was under way when the run stopped"
TELL_EVERY_S = 0.2


@dataclass(frozen=True)
class Share:
    """One device's part: (sample, window) keys; `begun` were sent once already by a run that stopped."""

    at: Path
    prepared: Prepared
    number: int
    keys: tuple[Key, ...]
    begun: frozenset[Key]


def jobs_for(prepared: Prepared, inputs: int) -> int:
    """How many devices at once: as asked, else the processors, but never one that has little to do."""
    if prepared.device.image is None:
        return 1
    asked = prepared.request.jobs
    return max(1, min(asked or os.cpu_count() or 1, inputs if asked else inputs // WORTH_A_PROCESS))


def split(keys: Sequence[Key], jobs: int) -> list[list[Key]]:
    """Parts of nearly equal size; the windows of one sample stay together."""
    parts: list[list[Key]] = [[] for _ in range(jobs)]
    order = {index: n for n, index in enumerate(dict.fromkeys(index for index, _ in keys))}
    for key in keys:
        parts[order[key[0]] % jobs].append(key)
    return [part for part in parts if part]


def run(shares: Sequence[Share], met: Callable[[Lesson], None], tell: Callable[[int], None]) -> Spent:
    """Measure all shares; the seconds spent by all devices together.

    Args: met: is told who answers, before anything is measured: a run that stops must not be finished by another
    firmware. tell: is told how many inputs are done.
    Raises: TinyperfError: the first that one met; the others are stopped, everybody's transcript is kept.
    """
    if len(shares) == 1:
        return measure(shares[0], met, tell)
    return _parallel(shares, met, tell)


def measure(share: Share, met: Callable[[Lesson], None], tell: Callable[[int], None]) -> Spent:
    """One device, one input after the other: `infer 1 0` each."""
    transcript = store.Transcript(store.transcript_path(share.at, share.number))
    dut = None
    try:
        dut = share.prepared.converse(transcript.record)
        met(identity(dut))
        index, inputs, told_s = -1, [b""], 0.0
        for count, (sample, window) in enumerate(share.keys):
            if sample != index:
                index, inputs = sample, share.prepared.dataset.samples[sample].windows()
            again = IN_FLIGHT if (sample, window) in share.begun else ""
            label = sample_note(sample, window, share.prepared.dataset.samples[sample].name, again)
            dut.trial(label, inputs[window], 1, 0)
            if time.monotonic() > told_s + TELL_EVERY_S:
                told_s = time.monotonic()
                tell(count + 1)
        tell(len(share.keys))
        return spent(dut)
    finally:
        if dut is not None:
            dut.link.close()
        transcript.close()


def identity(dut: Dut) -> Lesson:
    """What the device said of itself, and how it was reached."""
    lesson: Lesson = {"transport": dut.link.transport}
    if dut.identity:
        lesson |= {"vendor": dut.identity.vendor, "profile": dut.identity.profile, "build_id": dut.identity.build_id}
    return lesson


def spent(dut: Dut) -> Spent:
    """Seconds of the wall clock."""
    return Spent(download_s=round(dut.spent_s["download"], 3), infer_s=round(dut.spent_s["infer"], 3))


def _parallel(shares: Sequence[Share], met: Callable[[Lesson], None], tell: Callable[[int], None]) -> Spent:
    context = multiprocessing.get_context("spawn")
    workers = []
    for share in shares:
        here, there = context.Pipe()
        process = context.Process(target=_worker, args=(share, there), daemon=True)
        process.start()
        there.close()  # so that the end of the worker is the end of the pipe
        workers.append((process, here))
    try:
        return _collect([here for _, here in workers], met, tell)
    finally:
        for process, here in workers:
            process.terminate()
            process.join()
            here.close()


@dataclass(frozen=True)
class _Met:
    """A worker's device has answered."""

    identity: Lesson


@dataclass(frozen=True)
class _End:
    """A worker has measured its share."""

    spent: Spent


@dataclass(frozen=True)
class _Failure:
    """A worker ended with an error, which is raised again here."""

    kind: type[TinyperfError]
    seen: str
    means: str
    hint: str


if TYPE_CHECKING:
    Message = int | _Met | _End | _Failure
    """What a worker says: who answers, how many inputs are done, or how it ended."""


def _collect(
    pipes: list[Connection[Message, Message]], met: Callable[[Lesson], None], tell: Callable[[int], None]
) -> Spent:
    done = dict.fromkeys(range(len(pipes)), 0)
    ends: list[_End] = []
    waiting = dict(enumerate(pipes))
    while waiting:
        ready = wait(list(waiting.values()))
        for number in [n for n, pipe in waiting.items() if pipe in ready]:
            try:
                message = waiting[number].recv()
            except EOFError:
                raise DeviceError(
                    f"worker {number} of {len(pipes)} ended without a word",
                    means="it was killed, or ran out of memory",
                    hint="--resume SESSION goes on from here; --jobs 1 needs less memory",
                ) from None
            if isinstance(message, _Failure):
                raise message.kind(message.seen, means=message.means, hint=message.hint)
            if isinstance(message, _End):
                ends.append(message)
                del waiting[number]
            elif isinstance(message, _Met):
                met(message.identity)
            else:
                done[number] = message
                tell(sum(done.values()))
    return Spent(
        download_s=round(sum(end.spent.download_s or 0.0 for end in ends), 3),
        infer_s=round(sum(end.spent.infer_s or 0.0 for end in ends), 3),
    )


def _worker(share: Share, pipe: Connection[Message, Message]) -> None:
    """A process: measures its share and tells how far it is. A parent that is gone breaks the pipe and ends it."""
    try:
        pipe.send(_End(measure(share, lambda who: pipe.send(_Met(who)), pipe.send)))
    except TinyperfError as exc:
        pipe.send(_Failure(type(exc), exc.seen, exc.means, exc.hint))
    except (KeyboardInterrupt, BrokenPipeError):
        return
