"""What a stream of sound comes to: counts by both rules, duty cycle, power, and what speaks against it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.formats.stream import TICK_S
from tinyperf.result import Accuracy, Detected, Performance, Streaming, Window
from tinyperf.rules import streaming as rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinyperf.formats.stream import Stream
    from tinyperf.result import Energy
    from tinyperf.session.record import Planned

TAILS_S = (rules.RUNNER_TAIL_S, rules.DOCUMENTED_TAIL_S)
FRAME_MS = 1000 * rules.FRAME_S


@dataclass(frozen=True)
class Parts:
    """Of a result: figures, whether the target was met (None: there is none), and why it is not valid."""

    performance: Performance | None
    accuracy: Accuracy | None
    target_met: bool | None
    reasons: tuple[str, ...]
    streaming: Streaming | None = None


def parts(stream: Stream, planned: Planned, energy: Energy | None, energy_reasons: tuple[str, ...]) -> Parts:
    """The figures of a stream; accuracy is F1 by the runner's rule."""
    duty = _duty(stream)
    scores = tuple(_scored(stream, tail_s) for tail_s in TAILS_S) if stream.windows_s and stream.detections_ms else ()
    processing_ms = 1000 * duty.processing_s if duty else None
    window = energy.windows[0] if energy and energy.windows else None
    found = Streaming(
        wav_file=stream.wav_file,
        length_s=stream.length_s,
        scores=scores,
        processing_ms=processing_ms,
        period_ms=1000 * duty.period_s if duty else None,
        duty_cycle=duty.duty_cycle if duty else None,
        power_mw=window.uj / window.seconds / 1000 if window and window.seconds > 0 else None,
        frames=stream.frames,
        lost=stream.lost,
    )
    words = len(stream.windows_s)
    reasons = tuple(_reasons(stream, planned, duty)) + energy_reasons
    return Parts(
        performance=_performance(stream, processing_ms),
        accuracy=Accuracy("f1", _f1(scores[0]), None, words) if scores else None,
        target_met=_met(scores[0]) if scores and words == rules.WAKEWORDS else None,
        reasons=reasons,
        streaming=found,
    )


def _duty(stream: Stream) -> rules.Duty | None:
    if stream.frame_us is not None:
        return rules.Duty(stream.frame_us * 1e-6, rules.FRAME_S, 0.0)
    return rules.duty([t * TICK_S for t in stream.start_ticks], [t * TICK_S for t in stream.stop_ticks])


def _performance(stream: Stream, processing_ms: float | None) -> Performance | None:
    """As one window of the frames whose edges were seen."""
    if not processing_ms:
        return None
    frames = min(len(stream.start_ticks), len(stream.stop_ticks)) or 1
    window = Window(frames, frames * processing_ms / 1000, 1000 / processing_ms)
    return Performance(processing_ms, 1000 / processing_ms, (window,))


def _scored(stream: Stream, tail_s: float) -> Detected:
    found = rules.score(stream.detections_ms, stream.windows_s, tail_s=tail_s)
    return Detected(tail_s, found.true_positives, found.false_negatives, found.false_positives)


def _f1(found: Detected) -> float:
    return rules.f1(rules.Detections(found.true_positives, found.false_negatives, found.false_positives))


def _met(found: Detected) -> bool:
    return max(found.false_negatives, found.false_positives) <= rules.MOST_FALSE


def _reasons(stream: Stream, planned: Planned, duty: rules.Duty | None) -> Iterator[str]:
    if planned.inputs == "synthetic":
        yield "the sound was made up, so no detections were measured"
    elif (len(stream.windows_s), stream.length_s) != (rules.WAKEWORDS, rules.STREAM_S):
        yield (
            f"{len(stream.windows_s)} words in {stream.length_s:g} s; the rules want {rules.WAKEWORDS} in"
            f" {rules.STREAM_S:g} s"
        )
    if not stream.detections_ms:
        yield "no detection, not even the pulse of the first frame: the WW_DETECTED pin is not connected"
    if duty is None:
        yield f"{len(stream.start_ticks)} and {len(stream.stop_ticks)} edges of the PROCESSING pin are no duty cycle"
    elif duty.variation > rules.MOST_VARIATION:
        yield f"the period varies by {duty.variation:.1%}; 2 % is the most that the runner lets pass"
    elif stream.frame_us is not None:
        yield "the sound came over the serial line: the rules want it in real time"
    if stream.lost:
        yield f"{stream.lost} frames came while one was still computed, and were lost"
    if duty is not None and duty.processing_s > rules.FRAME_S:
        yield f"a frame takes {1000 * duty.processing_s:.2f} ms, and comes every {FRAME_MS:g} ms"
