"""One conversation with a device under test, over any Link: handshake, download, inference.

One command at a time; each waits for `m-ready`. Whatever goes wrong on the line is retried a bounded number of times,
and every retry leaves a note in the transcript. Time is the link's clock, so a virtual board times out in virtual time.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from tinyperf.device import protocol
from tinyperf.device.happenings import Inference, Said, TranscriptReader, again_note
from tinyperf.device.protocol import (
    Build,
    Crc,
    Event,
    Expecting,
    Fault,
    InferDone,
    InferStart,
    Inputs,
    Limits,
    Loaded,
    ModelId,
    Name,
    Noise,
    Note,
    NotFinite,
    Profile,
    Ready,
    Refused,
    Reset,
    Results,
    Timestamp,
    WindowLimits,
)
from tinyperf.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinyperf.device.happenings import Direction
    from tinyperf.device.link import Link

E = TypeVar("E", bound=Event)

BOOT_SILENCE_S = 0.25  # a board that is talking when the port opens is listened to first
BOOT_TIMEOUT_S = 5.0  # what EnergyRunner waits after power-on
NAME_TIMEOUT_S = 2.0  # EnergyRunner's port scan waits as long
COMMAND_TIMEOUT_S = 5.0  # the MLCommons runner's time limit for a line
INFER_SILENCE_S = 60.0  # before the first line of an answer, behind the window, and of slack in it
MOST_INFERENCE_S = 600.0  # how long the first inference may take; those after it follow what it took
MOST_TIMES = 3  # an inference may take so many times as long as the one before it: caches, a busy computer
GARBLED = re.compile("unknown command", re.IGNORECASE)  # refused because a byte of it was lost on the way
HANDSHAKES = 5
ATTEMPTS = 3
FRAME_FAILURES = 2  # binary windows that may fail one after the other before the device gets text


@dataclass(frozen=True)
class DutIdentity:
    """What the device says of itself. `build_id` is None for foreign firmware, which also gets the standard limits.

    `inputs`: type and elements of each; empty where it does not say. `window`: it takes binary windows.
    """

    vendor: str
    profile: str
    model_id: str
    build_id: str | None
    command_chars: int
    chunk_bytes: int
    inputs: tuple[tuple[str, int], ...] = ()
    window: WindowLimits | None = None


@dataclass(frozen=True)
class Answer:
    """Events with their arrival times; `why` is empty for a complete answer, else what was wrong with it.

    `inference`: what the answer to an `infer` gave.
    """

    events: tuple[tuple[float, Event], ...]
    why: str = ""
    inference: Inference | None = None

    def first(self, kind: type[E]) -> E | None:
        """The first event of that kind."""
        return next((e for _, e in self.events if isinstance(e, kind)), None)


@dataclass(frozen=True)
class Patience:
    """How long an answer to `infer N W` is waited for. `inference_s`: what one takes; None while that is not known."""

    inferences: int
    warmups: int
    inference_s: float | None
    fixed_s: float | None = None
    at_once: bool = False  # it says nothing before it begins

    @staticmethod
    def of(silence_s: float) -> Patience:
        """For the answer to any other command."""
        return Patience(0, 0, None, silence_s)

    def silence_s(self, events: Sequence[tuple[float, Event]]) -> float:
        """Seconds without a byte that end the answer, of which `events` have come."""
        if self.fixed_s is not None:
            return self.fixed_s
        return self._window_s if self.in_window(events) else INFER_SILENCE_S

    def in_window(self, events: Sequence[tuple[float, Event]]) -> bool:
        """The device has begun, and may be computing: it has not printed what stands behind the window."""
        stamps = sum(isinstance(e, Timestamp) for _, e in events)
        return (
            (bool(events) or self.at_once)
            and stamps < 2
            and not any(isinstance(e, InferDone | Results | Ready) for _, e in events)
        )

    @property
    def whole_s(self) -> float:
        """Seconds that end the answer even if the device goes on talking."""
        return 20 * self.fixed_s if self.fixed_s is not None else 2 * self._window_s + 20 * INFER_SILENCE_S

    @property
    def _window_s(self) -> float:
        """Silence between two lines lasts as long as the longer of warm-up and window."""
        longer = max(self.inferences, self.warmups)
        if self.inference_s is None:
            return MOST_INFERENCE_S * longer
        return INFER_SILENCE_S + MOST_TIMES * self.inference_s * longer


class Dut:
    """A device under test.

    `where` names the port in messages; `baud` is None where there is no serial line. `record` is told every byte both
    ways, and notes, as (direction, bytes, seconds of the link's clock). `most_bytes`: what a `db` command may carry on
    this link, whatever the firmware takes; None where the link sets no limit. `store`: writes into the board's memory,
    as a debug port does; None where there is none.
    """

    def __init__(
        self,
        link: Link,
        record: Callable[[Direction, bytes, float], None] = lambda *_: None,
        *,
        where: str = "the device",
        baud: int | None = None,
        most_bytes: int | None = None,
        store: Callable[[int, bytes], None] | None = None,
    ) -> None:
        self.link = link
        self.where = where
        self.baud = baud
        self.identity: DutIdentity | None = None
        self.boot_mode: str | None = None
        self.boot_line = ""  # that said so
        self.inference_s: float | None = None  # what one inference took, or is known to take
        self.spent_s = {"download": 0.0, "infer": 0.0}  # wall clock, to say where the time of a run goes
        self._record = record
        self._reader = TranscriptReader()
        self._results: int | None = None  # how many values the results before held
        self._odd_results: int | None = None  # and those that were not believed
        self._torn = b""  # the last line that a command cut off
        self._inference: Inference | None = None  # of the answer that is being read
        self._most_bytes = most_bytes
        self._store = store
        self._chunk_bytes = protocol.FOREIGN_CHUNK_BYTES
        self._window: WindowLimits | None = None  # binary windows are in use
        self._frame_failures = 0  # one after the other
        self._received_bytes = 0
        self._held = b""  # the input that the device surely holds

    # ---------------------------------------------------------------- handshake

    def connect(self) -> DutIdentity:
        """Find out who answers.

        Survives boot text at any time, a lost `m-ready`, wrong bytes and a restart during the handshake.
        Raises: DeviceError: nobody answers, or not as a DUT of this protocol does.
        """
        heard = self._boot()
        for attempt in range(1, HANDSHAKES + 1):
            answer = self._ask(protocol.NAME, (Name,), NAME_TIMEOUT_S, booting=True)
            heard += [e for _, e in answer.events]
            name = answer.first(Name)
            if name is not None and not answer.why:
                identity = self._identify(name)
                if identity is not None:
                    self.identity = identity
                    self._chunk_bytes = min(identity.chunk_bytes, self._most_bytes or identity.chunk_bytes)
                    self._window = identity.window if self._most_bytes is None else None
                    return identity
            self.note(f"handshake attempt {attempt} of {HANDSHAKES}: {answer.why or 'no complete answer to profile'}")
            heard += [e for _, e in self._listen(BOOT_SILENCE_S)]
        raise self._nobody(heard)

    def _boot(self) -> list[Event]:
        """What the board says before it is spoken to.

        One that is starting (it talks, or is a virtual one that was just powered up) is left alone until its `m-ready`:
        some firmware stops receiving for ever when a byte comes before it listens (seen: X-CUBE-AI 10.2, an overrun).
        """
        until_s = self.link.now_s() + BOOT_TIMEOUT_S
        heard = [e for _, e in self._listen(BOOT_SILENCE_S)]
        starting = bool(heard) or self.link.transport == "virtual"
        while starting and not any(isinstance(e, Ready) for e in heard) and self.link.now_s() < until_s:
            heard += [e for _, e in self._listen(BOOT_SILENCE_S)]
        return heard

    def _identify(self, name: Name) -> DutIdentity | None:
        if name.device != "dut":
            raise DeviceError(
                f"the device on {self.where} calls itself '{name.device}' (vendor '{name.vendor}')",
                means="a device under test must be called 'dut'; this may be an interface board or an instrument",
                hint="give the DUT's own port, or let the firmware answer 'm-name-dut-[VENDOR]'",
            )
        profile = self._ask(protocol.PROFILE, (ModelId,), NAME_TIMEOUT_S, booting=True)
        model, text = profile.first(ModelId), profile.first(Profile)
        if profile.why or model is None:
            return None
        build = self._ask(protocol.BUILD, (Build,), NAME_TIMEOUT_S, booting=True)
        if build.first(Reset):
            return None
        own, limits, inputs = build.first(Build), build.first(Limits), build.first(Inputs)
        return DutIdentity(
            vendor=name.vendor,
            profile=text.text if text else "",
            model_id=model.text,
            build_id=own.build_id if own else None,
            command_chars=limits.command_chars if own and limits else protocol.FOREIGN_COMMAND_CHARS,
            chunk_bytes=limits.chunk_bytes if own and limits else protocol.FOREIGN_CHUNK_BYTES,
            inputs=inputs.tensors if inputs else (),
            window=build.first(WindowLimits) if own else None,
        )

    def _nobody(self, heard: list[Event]) -> DeviceError:
        unended = self._reader.pending or self._torn
        # What has no line end yet is evidence too: a wrong baud rate seldom makes one.
        heard = [*heard, *protocol.parse_line(unended)]
        noise = b"".join(e.raw for e in heard if isinstance(e, Noise))
        text = [_words(e) for e in heard if not isinstance(e, Noise)]
        at = f" at {self.baud} baud" if self.baud else ""
        seen = f"no answer to 'name' on {self.where}{at} in {HANDSHAKES} attempts of {NAME_TIMEOUT_S:g} s"
        doctor = "'tinyperf doctor' shows what answers on each port; 'tinyperf flash' puts the image back"
        if b"m-ready" in unended:
            return DeviceError(
                f"{seen}; received {unended[:60].decode('ascii', 'backslashreplace')!r} without an end of line",
                means="the firmware ends its lines with CR alone, or not at all; the protocol wants CR LF or LF",
                hint="let the firmware print \\r\\n behind each line",
            )
        if any(isinstance(e, Note) and e.text.startswith("name%") for e in heard):
            return DeviceError(
                f"{seen}; received {next(t for t in text if t.startswith('name%'))!r}",
                means="the firmware, or what is between it and this computer, sends back what it is sent",
                hint="switch the echo off: a command's text must not stand in its answer",
            )
        if noise and len(noise) >= sum(map(len, text)):
            return DeviceError(
                f"{seen}; received {len(noise)} bytes that are no text, such as {noise[:16]!r}",
                means="the baud rate is wrong, or the line is disturbed",
                hint=f"the board file's serial.baud must be the firmware's rate; {doctor}",
            )
        if text:
            return DeviceError(
                f"{seen}; received {'; '.join(text[-3:])!r}",
                means="the board runs other firmware, or firmware that hangs while it starts",
                hint=doctor,
            )
        return DeviceError(
            f"{seen}; received nothing",
            means="the board is off, in reset or on another port, TX and RX are swapped, or it runs other firmware",
            hint=doctor,
        )

    def require_model(self, model_id: str) -> None:
        """Raises: DeviceError: the firmware runs another benchmark than the one asked for."""
        if self.identity is not None and self.identity.model_id != model_id:
            raise DeviceError(
                f"the firmware on {self.where} runs model '{self.identity.model_id}', asked for was '{model_id}'",
                means="another benchmark was flashed",
                hint="'tinyperf flash' puts the right image on the board, or name the benchmark that is there",
            )

    def require_build(self, build_id: str, wanted_by: str = "the image built is") -> None:
        """Raises: DeviceError: the board runs another image; `wanted_by` says in words whose build id was wanted."""
        running = self.identity.build_id if self.identity else None
        if running != build_id:
            raise DeviceError(
                f"the firmware on {self.where} has build id {running or 'none'}; {wanted_by} {build_id}",
                means="the board runs an older or foreign image",
                hint="'tinyperf flash' with the same arguments puts this image on; --no-build measures what is there",
            )

    def require_mode(self, mode: Literal["performance", "energy"]) -> None:
        """Check that timestamps come as this mode wants them: as text, or as pulses on the pin.

        Raises: DeviceError: the firmware was built for the other mode.
        """
        wanted: tuple[type[Event], ...] = (Timestamp,) if mode == "performance" else ()
        answer = self._ask(protocol.TIMESTAMP, wanted, NAME_TIMEOUT_S)
        ready, text = answer.first(Ready) is not None, answer.first(Timestamp) is not None
        if answer.first(Refused) or (ready and text == (mode == "performance") and self.boot_mode in {None, mode}):
            return
        if not ready:
            raise self._silent(answer.why)
        seen = f"'timestamp' on {self.where} was answered {'with' if text else 'without'} an m-lap-us line"
        answers_for: Literal["performance", "energy"] = "performance" if text else "energy"
        if self.boot_mode not in {None, answers_for}:
            raise DeviceError(
                f"{seen}, but the board said '{self.boot_line}' when it started",
                means=f"its firmware announces {self.boot_mode} mode and keeps time as in {answers_for} mode: "
                "one of the two is set wrong in it",
                hint="build the firmware so that both say the same (the reference's EE_CFG_ENERGY_MODE), and flash it",
            )
        built_for = "energy" if mode == "performance" else "performance"
        raise DeviceError(
            seen,
            means=f"this firmware was built for {built_for} mode, and {mode} mode was asked for",
            hint=f"build and flash it for {mode} mode",
        )

    def _silent(self, why: str) -> DeviceError:
        return DeviceError(
            f"{self.where} stopped answering: {why}",
            means="the board hangs, lost power, or was unplugged",
            hint="reset or reconnect it; --resume SESSION goes on from here",
        )

    # ---------------------------------------------------------------- download and inference

    def download(self, data: bytes) -> None:
        """Send one input; verified by count, by `m-load-done`, and by CRC where the firmware can.

        Raises: DeviceError: it did not arrive in three attempts, or the device restarted.
        """
        silent = True  # since the first attempt
        for attempt in range(1, ATTEMPTS + 1):
            before = self._received_bytes
            # Boards without a receive FIFO lose bytes of long bursts: smaller chunks help those and cost others little.
            if window := self._window_for(data):
                why = self._frame(window, data, 0, (Loaded,), Patience.of(COMMAND_TIMEOUT_S)).why
            else:
                why = self._download_once(data, max(8, self._chunk_bytes // attempt))
            if not why:
                return
            self.note(f"download attempt {attempt} of {ATTEMPTS} failed: {why}")
            self._listen(BOOT_SILENCE_S)
            silent = silent and (attempt == 1 or self._received_bytes == before)
        if silent:
            raise self._silent(why)
        raise DeviceError(
            f"{len(data)} bytes could not be downloaded to {self.where} in {ATTEMPTS} attempts; last: {why}",
            means="bytes are lost on the line, or the firmware takes no input of this size",
            hint="another cable or USB port; a lower serial.baud; compare the benchmark with what is flashed",
        )

    def _window_for(self, data: bytes) -> WindowLimits | None:
        """What a binary window may hold; None where this input cannot go as one."""
        return self._window if self._window and len(data) <= self._window.most_bytes else None

    def _frame(
        self,
        window: WindowLimits,
        data: bytes,
        inferences: int,
        wanted: tuple[type[Event], ...],
        patience: Patience,
    ) -> Answer:
        """A binary window and its answer. Where anything is wrong with it, the device holds no input any more."""
        keep = 0 if self._store else protocol.overlap(self._held, data)
        self._held = b""
        sent = protocol.frame(data, keep, inferences)
        wire = protocol.WINDOW + sent
        if self._store:
            self._store(window.address, sent)
            wire = protocol.GO
        answer = self._ask(protocol.frame_note(sent), wanted, patience, wire=wire)
        whole = not answer.why and (inferences == 0 or answer.inference is not None)
        if whole:
            self._held, self._frame_failures = data, 0
        else:
            self._frame_failed(window, answer.why or "the checksum of its answer is wrong")
        return answer

    def _frame_failed(self, window: WindowLimits, why: str) -> None:
        """End what the device may still wait for; give binary windows up where they keep failing."""
        self.note(f"binary window: {why}")
        if not self._store:
            self._listen(BOOT_SILENCE_S)
            self.link.write(protocol.flush(window.most_bytes))
        self._frame_failures += 1
        self._resynchronize(why)
        if self._frame_failures >= FRAME_FAILURES:
            self.note(f"no binary windows any more: {self._frame_failures} failed one after the other")
            self._window = None

    def _download_once(self, data: bytes, chunk_bytes: int) -> str:
        answer = self._ask(protocol.db_load(len(data)), (Expecting,), COMMAND_TIMEOUT_S)
        self._held = b""
        expecting = answer.first(Expecting)
        if answer.why or expecting is None:
            return answer.why
        if expecting.count != len(data):
            return f"{len(data)} bytes were announced, the device expects {expecting.count}"
        commands = list(protocol.db_chunks(data, chunk_bytes))
        for k, command in enumerate(commands, start=1):
            last = k == len(commands)
            answer = self._ask(command, (Loaded,) if last else (), COMMAND_TIMEOUT_S)
            if answer.why:
                return f"chunk {k} of {len(commands)}: {answer.why}"
            if not last and answer.first(Loaded):
                return f"the device took the download for complete after chunk {k} of {len(commands)}"
        return self._check_crc(data)

    def _check_crc(self, data: bytes) -> str:
        if self.identity is None or self.identity.build_id is None:
            return ""
        answer = self._ask(protocol.CRC, (Crc,), COMMAND_TIMEOUT_S)
        crc = answer.first(Crc)
        if crc is None or crc.value == protocol.crc32(data):
            return answer.why
        return f"CRC of the bytes that arrived is {crc.value:08x}, of those sent {protocol.crc32(data):08x}"

    def infer(self, inferences: int, warmups: int, *, pulses: bool = False) -> Inference | None:
        """Run N inferences on the downloaded input; None where the answer was torn, so that it must be repeated.

        `pulses`: energy mode, no timestamps as text. Waits as long as `inference_s` lets expect, for the first
        inference MOST_INFERENCE_S; and as long as the line of results takes.
        Raises: DeviceError: the device refused, restarted, took too long, or printed what is no number.
        """
        command = protocol.infer(inferences, warmups)
        patience = Patience(inferences, warmups, self.inference_s)
        self._reader.pulses = pulses
        answer = self._ask(command, (Results, NotFinite), patience)
        self._check_inference(answer, command)
        if answer.inference is None:
            if self.inference_s is None and patience.in_window(answer.events):
                raise self._too_slow(answer.why)
            stamps = sum(isinstance(e, Timestamp) for _, e in answer.events)
            self.note(f"infer {inferences} {warmups}: {answer.why or f'{stamps} timestamps, 2 expected'}")
            self._resynchronize(answer.why)
            return None
        if answer.why:  # everything but the last m-ready has arrived
            self.note(f"infer {inferences} {warmups}: complete, but {answer.why}")
            self._resynchronize(answer.why)
        started = answer.first(InferStart)
        if started is not None and started.inferences != inferences:
            self.note(f"{_short(command)}: the device ran {started.inferences} inferences")
            return None
        return self._believed(answer.inference, command)

    def _believed(self, inference: Inference, command: bytes) -> Inference | None:
        """It, where it has as many results as the ones before; and what one inference takes is known."""
        if not self._as_many(len(inference.results), command):
            return None
        took_s = max(inference.host_s, inference.seconds)
        self.inference_s = took_s / inference.inferences if took_s > 0 else self.inference_s
        return inference

    def _as_many(self, results: int, command: bytes) -> bool:
        """As many results as before. Where a byte became a comma, or a comma was lost, the answer must be repeated.

        A count that comes twice running is believed: it was the one before that was wrong.
        """
        if self._results not in {None, results} and self._odd_results != results:
            self.note(f"{_short(command)}: {results} results, {self._results} before")
            self._odd_results = results
            return False
        self._results, self._odd_results = results, None
        return True

    def _check_inference(self, answer: Answer, command: bytes) -> None:
        """Raises: DeviceError: the device refused, or gave what is no number."""
        refused = answer.first(Refused)
        if refused is not None and not GARBLED.search(refused.text):
            raise DeviceError(
                f"'{_short(command)}' was refused: {refused.text}",
                means="the input is incomplete, or the model cannot run on this board",
                hint="the transcript in the session folder shows the conversation",
            )
        self._check_finite(answer, command)

    def _check_finite(self, answer: Answer, command: bytes) -> None:
        """Raises: DeviceError: a result is no number."""
        odd = answer.first(NotFinite)
        if odd is not None:
            raise DeviceError(
                f"'{_short(command)}' on {self.where} gave {odd.count} results; number {odd.index + 1} is '{odd.text}'",
                means="the model computes what is no number: its input or its weights are not what it was made for, "
                "or the firmware reads memory that is not its own",
                hint="'tinyperf evaluate' shows what the model gives on this computer; the transcript shows the line",
            )

    def _too_slow(self, why: str) -> DeviceError:
        return DeviceError(
            f"the first inference on {self.where} did not end: {why}",
            means=f"it takes more than the {MOST_INFERENCE_S:g} s that are waited for, or the board hangs in it",
            hint="a smaller model, a faster engine or a higher clock; if the board hangs, reset it and try again",
        )

    def trial(self, label: str, data: bytes, inferences: int, warmups: int, *, pulses: bool = False) -> Inference:
        """Download and infer; both again, at most three times, where the answer was torn.

        `label` is noted in the transcript before each attempt, with the reason for a repeated one. (Some firmware
        computes in place: a repeated inference needs a repeated download.)
        """
        for attempt in range(1, ATTEMPTS + 1):
            again = f"the answer of attempt {attempt - 1} was torn" if attempt > 1 else ""
            self.note(again_note(label, again))
            inference = self._trial_once(data, inferences, warmups, pulses=pulses)
            if inference is not None:
                return inference
        raise DeviceError(
            f"'infer {inferences} {warmups}' on {self.where} gave no complete answer in {ATTEMPTS} attempts",
            means="lines are lost between the board and this computer, or the firmware hangs",
            hint="the transcript in the session folder shows what arrived; --resume SESSION goes on from here",
        )

    def _trial_once(self, data: bytes, inferences: int, warmups: int, *, pulses: bool) -> Inference | None:
        start_s = time.perf_counter()
        window = None if warmups or pulses else self._window_for(data)
        if window is None:
            self.download(data)
        between_s = time.perf_counter()
        if window:
            inference = self._infer_at_once(window, data, inferences)
        else:
            inference = self.infer(inferences, warmups, pulses=pulses)
        self.spent_s["download"] += between_s - start_s
        self.spent_s["infer"] += time.perf_counter() - between_s
        return inference

    def _infer_at_once(self, window: WindowLimits, data: bytes, inferences: int) -> Inference | None:
        """Input and inferences as one binary window, without warm-up; None where either was damaged on its way.

        Raises: DeviceError: as `infer`.
        """
        patience = Patience(inferences, 0, self.inference_s, at_once=True)
        answer = self._frame(window, data, inferences, (Crc, NotFinite), patience)
        if answer.inference is None:
            self._check_finite(answer, protocol.infer(inferences, 0))
            return None
        return self._believed(answer.inference, protocol.infer(inferences, 0))

    # ---------------------------------------------------------------- bytes

    def ask(self, command: bytes, timeout_s: float = COMMAND_TIMEOUT_S) -> Answer:
        """Any command, for people and other tools: what came until m-ready."""
        return self._ask(command, (), timeout_s)

    def note(self, text: str) -> None:
        """A line in the transcript that was not on the wire."""
        self._record("note", text.encode(), self.link.now_s())
        self._reader.feed("note", text.encode(), self.link.now_s())

    def _resynchronize(self, why: str) -> None:
        """After a torn answer (`why`): wait for quiet, then make sure that the device answers.

        A refusal may be of what was sent before, and late; whoever refuses is alive, so it is asked again.

        Raises: DeviceError: it does not.
        """
        for _ in range(ATTEMPTS):
            self._listen(BOOT_SILENCE_S)
            answer = self._ask(protocol.NAME, (Name,), COMMAND_TIMEOUT_S)
            if answer.first(Refused) is None:
                break
        if answer.why:
            raise self._silent(f"{why}; then {answer.why}" if why else answer.why)

    def _ask(
        self,
        command: bytes,
        wanted: tuple[type[Event], ...],
        patience: float | Patience,
        *,
        booting: bool = False,
        wire: bytes = b"",
    ) -> Answer:
        """Send one command, collect until `m-ready`. An `m-ready` before what is wanted ends a stale answer.

        `patience`: seconds of silence that end the answer. `booting`: a restart belongs to the handshake; otherwise it
        is an error. Results may take as long as they are: the line that holds them counts as speaking. `wire`: what is
        sent where that is not the command as the transcript shows it.
        """
        patience = patience if isinstance(patience, Patience) else Patience.of(patience)
        self._listen(0.0, booting=booting)
        self._torn = self._reader.pending or self._torn
        self._record("host", command, self.link.now_s())
        self._reader.feed("host", command, self.link.now_s())
        self._inference = None
        self.link.write(wire or command)
        events: list[tuple[float, Event]] = []
        complete = not wanted
        limit_s = self.link.now_s() + patience.whole_s  # a device that chatters for ever is not answering
        while self.link.now_s() < limit_s or self._reader.in_results:
            timeout_s = patience.silence_s(events)
            arrived = self._read(timeout_s)
            if arrived is None:
                break
            for at, event in arrived:
                if isinstance(event, Reset):
                    self._restarted(event, command, booting=booting)
                    return Answer((*events, (at, event)), "the device restarted")
                events.append((at, event))
                complete = complete or isinstance(event, (*wanted, Refused))
                if isinstance(event, Fault):
                    raise self._fault([e for _, e in arrived if e is not event], event, command)
                if isinstance(event, Ready) and complete:
                    refused = next((e for _, e in events if isinstance(e, Refused)), None)
                    why = f"the device refused: {refused.text}" if refused else ""
                    return Answer(tuple(events), why, self._inference)
        return Answer(tuple(events), self._silence(command, events, patience.silence_s(events)), self._inference)

    def _silence(self, command: bytes, events: list[tuple[float, Event]], timeout_s: float) -> str:
        said = "; ".join(_words(e) for _, e in events[-3:]) or "nothing"
        torn = f", and the unfinished line {_shortened(self._reader.pending)}" if self._reader.pending else ""
        return f"no m-ready within {timeout_s:g} s after '{_short(command)}'; received {said}{torn}"

    def _heard_mode(self, event: Reset) -> None:
        if event.mode:
            self.boot_mode, self.boot_line = event.mode, event.line

    def _restarted(self, event: Reset, command: bytes, *, booting: bool) -> None:
        self._heard_mode(event)
        if booting:
            self._listen(BOOT_SILENCE_S, booting=True)
            return
        raise DeviceError(
            f"the device on {self.where} restarted: '{event.line}' arrived during '{_short(command)}'",
            means="its supply dipped, a watchdog or a fault reset it, or somebody pressed the button",
            hint="check supply and cable; what was measured is kept, --resume SESSION goes on from here",
        )

    def _fault(self, following: list[Event], event: Fault, command: bytes) -> DeviceError:
        dump = [_words(e) for e in (event, *following, *(e for _, e in self._listen(1.0, booting=True)))]
        return DeviceError(
            f"the firmware on {self.where} faulted during '{_short(command)}': {' | '.join(dump[:12])}",
            means="a defect in the firmware, or a stack or arena that is too small",
            hint="the whole dump is in the transcript; 'tinyperf run --virtual' shows the function it happened in",
        )

    def _listen(self, silence_s: float, *, booting: bool | None = None) -> list[tuple[float, Event]]:
        """Take what arrives until `silence_s` pass without any (at most 40 times as long); stale answers end here."""
        events: list[tuple[float, Event]] = []
        limit_s = self.link.now_s() + 40 * max(silence_s, 0.05)
        while (arrived := self._read(silence_s)) is not None and self.link.now_s() < limit_s:
            events += arrived
        for _, event in events:
            if isinstance(event, Reset):
                self._heard_mode(event)
                if self.identity is not None and not booting:
                    self._restarted(event, b"(idle)%", booting=False)
        return events

    def _read(self, timeout_s: float) -> list[tuple[float, Event]] | None:
        data = self.link.read(timeout_s)
        if not data:
            return None
        at = self.link.now_s()
        self._received_bytes += len(data)
        self._record("device", data, at)
        happenings = self._reader.feed("device", data, at)
        self._inference = next((h for h in happenings if isinstance(h, Inference)), self._inference)
        return [(at, event) for said in happenings if isinstance(said, Said) for event in said.events]


def _shortened(line: bytes) -> str:
    return repr(line) if len(line) <= 200 else f"{line[:100]!r} ... {line[-60:]!r} of {len(line)} bytes"


def _short(command: bytes) -> str:
    text = command.decode("ascii").removesuffix("%")
    return text if len(text) <= 40 else text[:37] + "..."


def _words(event: Event) -> str:
    if isinstance(event, Note | Fault | Refused):
        return event.text
    if isinstance(event, Noise):
        return repr(event.raw[:40])
    if isinstance(event, Reset):
        return event.line
    if isinstance(event, Results) and len(event.values) > 12:
        return f"{len(event.values)} results"
    return str(event)
