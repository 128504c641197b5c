"""What a transcript says was measured. Pure; the live run and every later recomputation read it by the same lines.

A transcript is a sequence of (direction, bytes, seconds): "host" and "device" for the wire, "note" for what was not on
it. The notes this module understands: `sample INDEX WINDOW NAME`, written before the download of an input, and
`pilot`, which says that the inferences up to the next sample are not measured.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tinyperf.device.protocol import InferDone, InferStart, Parser, Results, Timestamp
from tinyperf.formats.own import AGAIN, PILOT, sample_of
from tinyperf.formats.recorded import Trial

if TYPE_CHECKING:
    from tinyperf.formats.own import Direction, Sample

_INFER = re.compile(rb"infer (\d+) (\d+)%")


@dataclass
class Reader:
    """Transcript records in, trials out. `begun`: the inputs that were sent, whether or not results came.

    `inference_s`: what an inference of the last window or pilot took; None where there was none.
    """

    pulses: bool = False
    trials: dict[tuple[int, int], Trial] = field(default_factory=dict)
    begun: set[tuple[int, int]] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    inference_s: float | None = None
    _sample: Sample | None = None
    _infer: tuple[int, int] | None = None
    _stamps: list[int] = field(default_factory=list)
    _begin_s: float = 0.0
    _end_s: float = 0.0
    _parser: Parser = field(default_factory=Parser)

    def feed(self, direction: Direction, data: bytes, at_s: float) -> None:
        """One record, in the order of the transcript."""
        if direction == "device":
            if self._infer:
                for event in self._parser.feed(data):
                    self._event(event, at_s)
        elif direction == "host":
            match = _INFER.fullmatch(data)
            self._infer = (int(match[1]), int(match[2])) if match else None
            self._stamps = []
            self._parser = Parser()
        else:
            self._note(data.decode())

    def _note(self, text: str) -> None:
        sample = sample_of(text)
        if sample:
            self._sample = sample
            self._infer = None
            self.begun.add((sample.index, sample.window))
        elif text.startswith(PILOT):
            self._sample = None
        if AGAIN in text or not (sample or text.startswith(PILOT)):
            self.notes.append(text)

    def _event(self, event: object, at_s: float) -> None:
        if self._infer is None:
            return
        if isinstance(event, InferStart):
            self._begin_s = at_s
        elif isinstance(event, Timestamp):
            self._stamps.append(event.us)
            self._end_s = at_s
        elif isinstance(event, InferDone) and self.pulses:
            self._end_s = at_s
        elif isinstance(event, Results) and (self.pulses or len(self._stamps) == 2):
            self._measured(event, at_s)
            self._infer = None

    def _measured(self, results: Results, at_s: float) -> None:
        inferences, warmups = self._infer or (1, 0)
        self.inference_s = (self._end_s - self._begin_s) / inferences
        if self._sample is None:  # a pilot
            return
        start_us, end_us = (None, None) if self.pulses else self._stamps
        sample = self._sample
        self.trials[sample.index, sample.window] = Trial(
            sample.index,
            sample.window,
            sample.name,
            inferences,
            warmups,
            results.values,
            start_us,
            end_us,
            self._begin_s,
            self._end_s,
            at_s,
        )
