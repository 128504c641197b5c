"""The files of a streaming session: results.json, results.txt and log.txt in the MLCommons runner's form. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tinyperf.formats import mlcommons
from tinyperf.formats.stream import TICK_S
from tinyperf.session import report
from tinyperf.session.stream_figures import FRAME_MS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tinyperf.formats.mlcommons import Row
    from tinyperf.formats.stream import Stream
    from tinyperf.result import RunResult, Streaming
    from tinyperf.session.report import Measured


def texts(measured: Measured, found: RunResult, power: Sequence[Row]) -> dict[str, str]:
    """By their names in the folder. Args: power: the entries of results.json that an instrument gave, one or none."""
    stream, counted = measured.stream, found.streaming
    if stream is None or counted is None:
        return {}
    row = _row(stream, counted) | ({"power": power[0]} if power else {}) | {"mode": found.mode[0]}
    lines = [*(mlcommons.energy_lines([row], report.remark(found)) if power else []), *_lines(counted, found)]
    about = report.about(measured.at, measured.record)
    log = [
        f"Logging initialized. Writing output to {about.where}/{mlcommons.LOG}",
        about.made_by,
        f"Device name retrieved: {about.vendor}",
        f"Device profile retrieved: {about.profile}",
        f"Device model retrieved: {about.model}",
        f"Playing {stream.wav_file} (length = {stream.length_s}s) at {measured.record.planned.created:%H:%M:%S}...",
        "... done",
        str(list(stream.detections_ms)),
        *([f"samples:{len(power[0]['samples'])} timestamps:{len(power[0]['timestamps'])}"] if power else []),
        *(f"note: {note}" for note in measured.notes if not note.startswith("io: ")),
        f"== File {stream.wav_file} ({stream.length_s:2.1f} s) ==",
        *map(str.strip, lines),
        f"Session logged in file {about.where}/{mlcommons.LOG}",
    ]
    return {
        mlcommons.ROWS: json.dumps([row]) + "\n",
        mlcommons.RESULTS: "\n".join(lines) + "\n",
        mlcommons.LOG: "\n".join(log) + "\n",
    }


def _row(stream: Stream, counted: Streaming) -> Row:
    """The object of results.json, with the runner's keys."""
    duty: Row = {}
    if counted.duty_cycle is not None and counted.processing_ms is not None:
        duty = {
            "duty_cycle": counted.duty_cycle,
            "period": (counted.period_ms or FRAME_MS) / 1000,
            "processing_time": counted.processing_ms / 1000,
            "start_times_s": [tick * TICK_S for tick in stream.start_ticks],
            "stop_times_s": [tick * TICK_S for tick in stream.stop_ticks],
        }
    return {
        "infer": {
            "wav_file": stream.wav_file,
            "detection_windows": [list(window) for window in stream.windows_s],
            "length_sec": stream.length_s,
            "sample_rate": 16000,
            "detections": list(stream.detections_ms),
            "iterations": 1,
            "warmups": 0,
        },
        "dutycycle": duty,
        "activations": list(stream.answers),
    }


def _lines(counted: Streaming, found: RunResult) -> Iterator[str]:
    """The lines that the submission checker looks for; then both tails, and what must be said beside them."""
    note = report.remark(found)
    for one in counted.scores[:1]:
        yield f"{_counts(one.true_positives, one.false_negatives, one.false_positives)}{note}"
    if counted.duty_cycle is not None and counted.period_ms is not None and counted.processing_ms:
        yield f"Average duty cycle: {counted.duty_cycle:1.5}{note}"
        yield f"Average period: {counted.period_ms / 1000:1.5} s"
        yield f"Estimated throughput: {1000 / counted.processing_ms:1.5} inf./sec.{note}"
    for one in counted.scores:
        yield (
            f"With {one.tail_s:g} s after a word: TP {one.true_positives}, FN {one.false_negatives},"
            f" FP {one.false_positives}"
        )
    for reason in found.reasons:
        yield f"not valid: {reason}"


def _counts(hits: int, misses: int, alarms: int) -> str:
    return f"Accuracy: {hits} True positives, {misses} False negatives, {alarms} False positives"
