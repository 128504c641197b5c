"""What a transcript says was measured. Pure; the live run and every later recomputation read it by the same lines."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from tinyperf.device.happenings import Inference, Input, Pilot, Remark, TranscriptReader
from tinyperf.formats.recorded import Trial

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tinyperf.device.happenings import Happening, Record


@dataclass
class Trials:
    """Happenings in, trials out, by (sample, window); of one that was repeated, the last.

    `begun`: the inputs that were sent, whether or not results came. `notes`: what a person should know.
    `inference_s`: what an inference of the last window or pilot took; None where there was none.
    """

    trials: dict[tuple[int, int], Trial] = field(default_factory=dict)
    begun: set[tuple[int, int]] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    inference_s: float | None = None
    _input: Input | None = None

    def hear(self, happenings: Iterable[Happening]) -> None:
        """What one record told, in the order of the transcript."""
        for happening in happenings:
            if isinstance(happening, Input | Pilot | Remark):
                self._note(happening)
            elif isinstance(happening, Inference):
                self._inference(happening)

    def _note(self, note: Input | Pilot | Remark) -> None:
        if isinstance(note, Input):
            self._input = note
            self.begun.add((note.index, note.window))
        elif isinstance(note, Pilot):
            self._input = None
        if note.again or isinstance(note, Remark):
            self.notes.append(note.text)

    def _inference(self, answer: Inference) -> None:
        self.inference_s = answer.seconds / max(answer.inferences, 1) or self.inference_s
        if self._input is not None:
            sent = self._input
            known = {part.name: getattr(answer, part.name) for part in fields(answer)}
            self.trials[sent.index, sent.window] = Trial(**known, index=sent.index, window=sent.window, name=sent.name)


def read(records: Iterable[Record], *, pulses: bool = False) -> Trials:
    """The trials of one transcript. `pulses`: of an energy run."""
    reader, trials = TranscriptReader(pulses=pulses), Trials()
    for record in records:
        trials.hear(reader.feed(*record))
    return trials
