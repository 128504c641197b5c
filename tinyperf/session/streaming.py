"""The streaming wakeword: one stream gives detections, duty cycle and, under an instrument, power.

Through an interface board, real or played, it is what the MLCommons runner does. A board without an I2S gets the sound
over its serial line, frame by frame: its answers are the same, its time a frame is that of `infer`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from tinyperf import wakeword
from tinyperf.datasets import streams
from tinyperf.device.protocol import Note, Refused
from tinyperf.errors import DeviceError, UsageError
from tinyperf.formats import own
from tinyperf.formats import stream as formats
from tinyperf.measure.recorder import Recorder
from tinyperf.rules import joules
from tinyperf.rules import windows as rules
from tinyperf.session import energy, store
from tinyperf.session.parallel import identity, spent
from tinyperf.session.progress import beating

if TYPE_CHECKING:
    from tinyperf.device.dut import Answer, Dut
    from tinyperf.device.happenings import Direction
    from tinyperf.device.isolators import Isolated
    from tinyperf.device.link import Link
    from tinyperf.measure.monitor import Monitor
    from tinyperf.session.plan import Prepared
    from tinyperf.session.progress import Progress
    from tinyperf.session.record import Spent
    from tinyperf.session.store import Session
    from tinyperf.virtual.bench import Bench

SETTLE_S = 0.25  # after the file, as the runner waits
MORE_S = 10.0  # than the file lasts, likewise
LIST_S = 60.0  # ten thousand detections at 115200 baud
WAV = "sound.wav"
"""In the session folder, where the sound was made up."""
ACTIVATIONS = re.compile(r"m-activations-\[\s*([+-]?\d+)")
STATE = re.compile(r"m-stream-\[frames=(\d+),lost=(\d+)\]")


def card(session: Session, prepared: Prepared) -> Prepared:
    """With what a played interface board has on its memory card; made-up sound is written into the session folder."""
    stream = prepared.stream
    if stream is None or prepared.device.isolator is None:
        return prepared
    if stream.wav is None:
        streams.write_wav(session.at / WAV, stream.samples())
    return prepared.on_card(stream.wav.parent if stream.wav else session.at)


def measure(session: Session, prepared: Prepared, progress: Progress) -> Spent:
    """The whole stream, in one recording; `stream.json` holds what was seen.

    Raises: UsageError: the session was begun before. Otherwise as running.
    """
    if store.transcript_path(session.at, 0).exists():
        raise UsageError(
            f"{session.at} holds a stream that was interrupted",
            means="a stream is one recording, so it cannot be finished later",
            hint="start a new session",
        )
    prepared = card(session, prepared)
    if prepared.request.mode != "energy":
        return Play(session, prepared, progress).run()
    with energy.fed(session, prepared) as (instrument, feeding):
        return Play(session, prepared, progress, instrument, feeding).run()


@dataclass
class Play:
    """One stream under way. `expected`: the pulses around it, on the link's clock."""

    session: Session
    prepared: Prepared
    progress: Progress
    instrument: Monitor | None = None
    feeding: Bench | None = None
    expected: list[joules.Expected] = field(default_factory=list)

    def run(self) -> Spent:
        recorder = Recorder(self.instrument, self.session.at / own.POWER) if self.instrument else None
        transcript = store.Transcript(store.transcript_path(self.session.at, 0))
        dut: Dut | None = None

        def record(direction: Direction, data: bytes, at_s: float) -> None:
            transcript.record(direction, data, at_s)

        try:
            self.progress(f"starting {self.prepared.device.where}", 0, 0)
            dut = self.prepared.converse(record, lambda link: self._listening(link, recorder))
            self.session.learn(**identity(dut))
            found = self._through_the_board(dut, recorder) if self.prepared.device.isolator else self._by_line(dut)
            store.write(self.session.at / formats.NAME, formats.text(found))
            return spent(dut)
        finally:
            if recorder:
                recorder.close()
            transcript.close()
            if dut is not None:
                dut.link.close()

    def _listening(self, link: Link, recorder: Recorder | None) -> Link:
        return energy.listening(self.session, self.prepared, link, recorder, self.feeding) if recorder else link

    # ---------------------------------------------------------------- played by the interface board

    def _through_the_board(self, dut: Dut, recorder: Recorder | None) -> formats.Stream:
        board, stream = cast("Isolated", dut.link), self.prepared.sound
        name = stream.name if stream.wav else WAV
        dut.ask(b"stop%")  # in case it was not
        if recorder:
            recorder.start()
            origin_s = dut.link.now_s()
            energy.wait(dut.link, energy.HEAD_S)
        self._pulse("start", dut.ask(b"start%"), "DMA receive")
        self._own(dut, board, "record_detections")
        begun_s = dut.link.now_s()

        def tell(_: float) -> None:
            self.progress(f"playing {name}", round(dut.link.now_s() - begun_s), round(stream.length_s))

        with beating(tell):
            played = self._own(dut, board, f"play {name}", stream.length_s + MORE_S)
        if not any("succeeded" in line for line in played):
            raise DeviceError(
                f"the interface board did not play {name}: {' '.join(played)}",
                means="its memory card does not hold the file, or not as 16-bit stereo with a plain header",
                hint="copy the .wav file of --data to the card under the same name",
            )
        energy.wait(dut.link, SETTLE_S)
        self.progress("played; the board prints its answers", 0, 0)
        stopped = dut.ask(b"stop%")
        self._pulse("stop", stopped, "Streaming stopped")
        if recorder:
            energy.wait(dut.link, energy.HEAD_S)
            recorder.finish()
            self._write_energy(recorder, origin_s, dut.link.now_s())
        detections = self._own(dut, board, "print_detections", LIST_S)
        starts, stops = _edges(self._own(dut, board, "print_dutycycle", LIST_S))
        frames, lost = _state(dut.ask(b"state%"))
        return formats.Stream(
            wav_file=stream.name,
            length_s=stream.length_s,
            windows_s=stream.windows_s,
            detections_ms=_numbers(detections[1:]),
            start_ticks=starts,
            stop_ticks=stops,
            answers=_activations(stopped),
            frames=frames,
            lost=lost,
        )

    def _own(self, dut: Dut, board: Isolated, command: str, timeout_s: float = 5.0) -> list[str]:
        """A command of the interface board; the transcript holds it and its answer as notes."""
        dut.note(f"io: {command}")
        lines = board.command(command, timeout_s)
        for line in lines:
            dut.note(f"io: {line}")
        return lines

    def _pulse(self, role: joules.Role, answer: Answer, sign: str) -> None:
        """The line `sign` stands behind the pulse.

        Raises: DeviceError: the firmware refused, or said something else.
        """
        at = [at for at, event in answer.events if isinstance(event, Note) and event.text.startswith(sign)]
        if not at:
            refused = next((e.text for _, e in answer.events if isinstance(e, Refused)), answer.why or "another answer")
            raise DeviceError(
                f"'{role}' did not {role} the stream: {refused}",
                means="the firmware is of another benchmark, or its board has no I2S",
                hint="'tinyperf console' shows what it answers; docs/wakeword.md says what is needed",
            )
        self.expected.append(joules.Expected(role, at[0], 1))

    def _write_energy(self, recorder: Recorder, origin_s: float, end_s: float) -> None:
        """`energy.json`; an inference is a frame of the rule's 32 ms."""
        frames = max(1, int(self.prepared.sound.length_s * wakeword.RATE_HZ) // wakeword.HOP)
        expected = [joules.Expected(e.role, e.at_s - origin_s, frames) for e in self.expected]
        instrument = cast("Monitor", self.instrument)
        energy.write_sidecar(
            self.session, self.prepared, instrument, recorder, expected=expected, duration_s=end_s - origin_s
        )

    # ---------------------------------------------------------------- sent over the serial line

    def _by_line(self, dut: Dut) -> formats.Stream:
        stream = self.prepared.sound
        left = stream.samples()[:, 0]
        frames = left[: len(left) // wakeword.HOP * wakeword.HOP].reshape(-1, wakeword.HOP).astype("<i2")
        answers = []
        for k, frame in enumerate(frames):
            self.progress("frames", k, len(frames))
            dut.download(frame.tobytes())
            answers.append(_answer(dut.ask(b"extract_uart_stream%", energy.TIMESTAMP_S)))
        frame_us = self._timed(dut, frames[-1].tobytes())
        times_ms = [round(1000 * wakeword.HOP * k / wakeword.RATE_HZ) for k in range(len(frames))]
        heard = [at for at, answer in zip(times_ms, answers, strict=True) if answer > wakeword.DETECTED_ABOVE]
        return formats.Stream(
            wav_file=stream.name,
            length_s=stream.length_s,
            windows_s=stream.windows_s,
            detections_ms=(0, *heard),
            start_ticks=(),
            stop_ticks=(),
            answers=tuple(answers),
            frames=len(frames),
            lost=0,
            frame_us=frame_us,
        )

    def _timed(self, dut: Dut, frame: bytes) -> float:
        """Microseconds of a frame, front end included, over a window of the rules' length."""
        inferences = 1
        while True:
            self.progress(f"{inferences} frames against the clock", 0, 0)
            window = dut.trial("frames against the clock", frame, inferences, 0)
            took_us = window.device_us or 0
            following = rules.next_pilot(inferences, took_us)
            if took_us >= rules.MIN_SECONDS * 1e6 and inferences >= rules.MIN_INFERENCES:
                return took_us / inferences
            inferences = following or rules.inferences_for(took_us / 1e6 / inferences)


def _numbers(lines: list[str]) -> tuple[int, ...]:
    """Raises: DeviceError: what is no number."""
    words = [word.strip() for line in lines for word in line.split(",") if word.strip()]
    if odd := [word for word in words if not re.fullmatch(r"[+-]?\d+", word)]:
        raise DeviceError(
            f"the interface board printed '{odd[0][:40]}' among numbers",
            means="a line was torn on its way",
            hint="another USB cable or port; then run again",
        )
    return tuple(map(int, words))


def _edges(lines: list[str]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    titles = [at for at, line in enumerate(lines) if line.startswith("Duty cycle")]
    if len(titles) != 2:
        raise DeviceError(
            f"'print_dutycycle' was answered {lines[:2]}",
            means="the interface board has another firmware",
            hint="flash it from benchmark/interface of mlcommons/tiny",
        )
    return _numbers(lines[titles[0] + 1 : titles[1]]), _numbers(lines[titles[1] + 1 :])


def _lines(answer: Answer) -> list[str]:
    return [event.text for _, event in answer.events if isinstance(event, Note)]


def _activations(answer: Answer) -> tuple[int, ...]:
    """Output 0 of each frame, behind 'target activations:'; none where the firmware keeps none."""
    text = " ".join(_lines(answer)).partition("target activations:")[2]
    inside = re.search(r"\[([^\]]*)\]", text)
    return _numbers([inside[1]]) if inside else ()


def _state(answer: Answer) -> tuple[int | None, int | None]:
    found = next((m for line in _lines(answer) if (m := STATE.search(line))), None)
    return (int(found[1]), int(found[2])) if found else (None, None)


def _answer(answer: Answer) -> int:
    found = next((m for line in _lines(answer) if (m := ACTIVATIONS.search(line))), None)
    if found is None:
        raise DeviceError(
            f"'extract_uart_stream' gave no activations: {answer.why or '; '.join(_lines(answer)[-2:])}",
            means="the firmware is not that of sww, or bytes were lost",
            hint="'tinyperf console' shows what it answers",
        )
    return int(found[1])
