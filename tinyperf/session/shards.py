"""Accuracy runs over several virtual devices at once, each in a process of its own with a transcript of its own."""

from __future__ import annotations

import multiprocessing
import os
import time
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from tinyperf.errors import DeviceError, TinyperfError
from tinyperf.formats.own import sample_note
from tinyperf.session import folder as disk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

    from tinyperf.device.dut import Dut
    from tinyperf.session.plan import Prepared

    Key = tuple[int, int]

WORTH_A_PROCESS = 40  # inputs: a second process takes about a second to start
IN_FLIGHT = "it was under way when the run stopped"
TELL_EVERY_S = 0.2


@dataclass(frozen=True)
class Shard:
    """One device's part: (sample, window) keys; `begun` were sent once already by a run that stopped."""

    at: Path
    prepared: Prepared
    number: int
    keys: tuple[Key, ...]
    begun: frozenset[Key]


def jobs_for(prepared: Prepared, inputs: int) -> int:
    """How many devices at once: as asked, else the processors, but never one that has little to do."""
    if prepared.image is None:
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


def run(shards: Sequence[Shard], told: Callable[[int], None]) -> tuple[dict[str, Any], dict[str, float]]:
    """Measure all shards; who answered, and the seconds spent by all devices together.

    Args: told: is told how many inputs are done.
    Raises: TinyperfError: the first that a shard met; the others are stopped, everybody's transcript is kept.
    """
    if len(shards) == 1:
        return measure(shards[0], told)
    return _parallel(shards, told)


def measure(shard: Shard, told: Callable[[int], None]) -> tuple[dict[str, Any], dict[str, float]]:
    """One device, one input after the other: `infer 1 0` each."""
    transcript = disk.Transcript(disk.transcript_path(shard.at, shard.number))
    dut = None
    try:
        dut = shard.prepared.converse(transcript.record)
        index, inputs, told_s = -1, [b""], 0.0
        for count, (sample, window) in enumerate(shard.keys):
            if sample != index:
                index, inputs = sample, shard.prepared.dataset.samples[sample].windows()
            again = IN_FLIGHT if (sample, window) in shard.begun else ""
            label = sample_note(sample, window, shard.prepared.dataset.samples[sample].name, again)
            dut.trial(label, inputs[window], 1, 0)
            if time.monotonic() > told_s + TELL_EVERY_S:
                told_s = time.monotonic()
                told(count + 1)
        told(len(shard.keys))
        spent_s = {f"{part}_s": round(seconds, 3) for part, seconds in dut.spent_s.items()}
        return told_by(dut), spent_s
    finally:
        if dut is not None:
            dut.link.close()
        transcript.close()


def told_by(dut: Dut) -> dict[str, Any]:
    """What the device said of itself, for the plan."""
    who = dut.identity
    known = {"vendor": who.vendor, "profile": who.profile, "build_id": who.build_id} if who else {}
    return {**known, "transport": dut.link.transport}


def _parallel(shards: Sequence[Shard], told: Callable[[int], None]) -> tuple[dict[str, Any], dict[str, float]]:
    context = multiprocessing.get_context("spawn")
    workers = []
    for shard in shards:
        here, there = context.Pipe()
        process = context.Process(target=_worker, args=(shard, there), daemon=True)
        process.start()
        there.close()  # so that the end of the worker is the end of the pipe
        workers.append((process, here))
    try:
        return _collect([here for _, here in workers], told)
    finally:
        for process, here in workers:
            process.terminate()
            process.join()
            here.close()


def _collect(pipes: list[Connection[Any, Any]], told: Callable[[int], None]) -> tuple[dict[str, Any], dict[str, float]]:
    done = dict.fromkeys(range(len(pipes)), 0)
    identity: dict[str, Any] = {}
    spent = {"download_s": 0.0, "infer_s": 0.0}
    waiting = dict(enumerate(pipes))
    while waiting:
        ready = wait(list(waiting.values()))
        for number in [n for n, pipe in waiting.items() if pipe in ready]:
            try:
                kind, value = waiting[number].recv()
            except EOFError:
                raise DeviceError(
                    f"worker {number} of {len(pipes)} ended without a word",
                    means="it was killed, or ran out of memory",
                    hint="--resume SESSION goes on from here; --jobs 1 needs less memory",
                ) from None
            if kind == "error":
                raise _rebuilt(value)
            if kind == "done":
                done[number] = value
                told(sum(done.values()))
            else:
                identity, seconds = value
                spent = {key: round(spent[key] + seconds[key], 3) for key in spent}
                del waiting[number]
    return identity, spent


def _worker(shard: Shard, pipe: Connection[Any, Any]) -> None:
    """A process: measures its shard and tells how far it is. A parent that is gone breaks the pipe and ends it."""
    try:
        pipe.send(("end", measure(shard, lambda count: pipe.send(("done", count)))))
    except TinyperfError as exc:
        pipe.send(("error", (type(exc), exc.seen, exc.means, exc.hint)))
    except (KeyboardInterrupt, BrokenPipeError):
        return


def _rebuilt(value: tuple[type[TinyperfError], str, str, str]) -> TinyperfError:
    kind, seen, means, hint = value
    return kind(seen, means=means, hint=hint)
