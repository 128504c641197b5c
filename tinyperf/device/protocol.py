"""The EnergyRunner serial protocol without input or output: bytes in, events out; commands as bytes.

Source: mlcommons/tiny `benchmark/api` and `benchmark/runner`, logs of EnergyRunner 3.0.10. The parser holds no clock,
no port and no thread, so that a published log, a serial port and a virtual board are read by the same lines.
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.engines.ends import DTYPES
from tinyperf.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

END_OF_COMMAND = b"%"
WRAP_US = 1 << 32
MAX_LINE_BYTES = 8192  # of every line but `m-results`, which is as long as the model's output
MAX_RESULTS_BYTES = 1 << 26  # six million values: more than the memory of any microcontroller holds

# What every DUT takes, and what foreign firmware gets: EE_CMD_SIZE of the reference, 31 bytes = the MLCommons runner's
# chunk ("db " + 62 digits fit 80 characters, and the 64 bytes that EEMBC promises never to exceed, but for the "%").
FOREIGN_COMMAND_CHARS = 80
FOREIGN_CHUNK_BYTES = 31


@dataclass(frozen=True)
class Ready:
    """`m-ready`: the answer is complete."""


@dataclass(frozen=True)
class Name:
    """`m-name-<device>-[<vendor>]`; `device` must be `dut`."""

    device: str
    vendor: str


@dataclass(frozen=True)
class Profile:
    """`m-profile-[...]`: which firmware interface."""

    text: str


@dataclass(frozen=True)
class ModelId:
    """`m-model-[kws01]`: which benchmark the firmware runs."""

    text: str


@dataclass(frozen=True)
class Timestamp:
    """`m-lap-us-<n>`: the device's microseconds, as sent (32 bit wrap after 71.6 minutes)."""

    us: int


@dataclass(frozen=True)
class InferStart:
    """`m-infer-start-<N>`: N timed inferences follow."""

    inferences: int


@dataclass(frozen=True)
class InferDone:
    """`m-infer-done`: the timed inferences are over."""


@dataclass(frozen=True)
class Results:
    """`m-results-[...]`: the dequantized outputs, three decimals."""

    values: tuple[float, ...]


@dataclass(frozen=True)
class NotFinite:
    """`m-results-[...]` of `count` values, of which number `index` (from 0) is no number: `text`, such as `nan`."""

    index: int
    count: int
    text: str


@dataclass(frozen=True)
class Expecting:
    """`m-[Expecting <N> bytes]`: answer to `db load`."""

    count: int


@dataclass(frozen=True)
class Loaded:
    """`m-load-done`: the byte that completes the download has arrived."""


@dataclass(frozen=True)
class Build:
    """`m-build-[<32 hex>]`: tinyperf firmware, and which image."""

    build_id: str


@dataclass(frozen=True)
class Limits:
    """`m-limits-[cmd=...,db=...]`: longest command in characters, most bytes of one `db` command."""

    command_chars: int
    chunk_bytes: int


@dataclass(frozen=True)
class WindowLimits:
    """`m-window-[bytes=...,at=<8 hex>]`: most bytes of an input in a frame, and where in memory a frame lies."""

    most_bytes: int
    address: int


@dataclass(frozen=True)
class Inputs:
    """`m-inputs-[int8x490,...]`: type (numpy's name) and elements of each input, as the line carries them."""

    tensors: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Layers:
    """`m-layers-[120,4711,...]`: cycles of each layer in the last inference, in the order of execution."""

    cycles: tuple[int, ...]


@dataclass(frozen=True)
class Crc:
    """`m-crc-[<8 hex>]`: CRC-32 of the bytes loaded."""

    value: int


@dataclass(frozen=True)
class Refused:
    """`e-[...]`: the device could not do what was asked."""

    text: str


@dataclass(frozen=True)
class Reset:
    """A line that is printed at boot only: the device has (re)started. `mode`: performance or energy, where told."""

    line: str
    mode: str | None


@dataclass(frozen=True)
class Fault:
    """First line of a fault dump; the registers follow as notes."""

    text: str


@dataclass(frozen=True)
class Note:
    """Any other text."""

    text: str


@dataclass(frozen=True)
class Noise:
    """Bytes that are no text, an overlong line, or the torn rest of a line; `why` says which."""

    raw: bytes
    why: str


Event = (
    Ready
    | Name
    | Profile
    | ModelId
    | Timestamp
    | InferStart
    | InferDone
    | Results
    | NotFinite
    | Expecting
    | Loaded
    | Build
    | Limits
    | WindowLimits
    | Inputs
    | Layers
    | Crc
    | Refused
    | Reset
    | Fault
    | Note
    | Noise
)

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_VALUE = re.compile(_NUMBER)
_NOT_FINITE = re.compile(r"[-+]?(?:nan(?:\(\w*\))?|inf(?:inity)?|1\.#\w+)", re.IGNORECASE)  # as C libraries print them
_RESULTS_BEGIN = re.compile(rb"[^\t\x20-\x7e]*m-results-\[")
_RESULTS_BYTES = b"0123456789+-.eE, ]naifytINFTYNAQD#()_"
_NAME = re.compile(r"m-name-([^\[]*?)-\[([^\]]+)\]")
_BRACKET = re.compile(r"m-(profile|model|results|build|crc)-\[([^\]]*)\]")
_LAP = re.compile(r"m-lap-us-([0-9]{1,20})")
_INFER_START = re.compile(r"m-infer-start-([0-9]{1,20})")
_EXPECTING = re.compile(r"m-\[Expecting ([0-9]{1,20}) bytes\]")
_LIMITS = re.compile(r"m-limits-\[cmd=([0-9]{1,9}),db=([0-9]{1,9})\]")
_WINDOW = re.compile(r"m-window-\[bytes=([0-9]{1,9}),at=([0-9a-f]{8})\]")
_INPUTS = re.compile(r"m-inputs-\[((?:[a-z]+[0-9]{0,2}x[0-9]{1,9},?)+)\]")
_LAYERS = re.compile(r"m-layers-\[([0-9]{1,10}(?:,[0-9]{1,10})*)\]")
_HEX32 = re.compile(r"[0-9a-fA-F]{32}")
_HEX8 = re.compile(r"[0-9a-fA-F]{8}")
# At boot the unfinished line of what ran before stands in front of the greeting, hence search to the end of the line.
_GREETING = re.compile(r"m-timestamp-mode-(performance|energy)$|m-init-done$")
_FAULT = re.compile(
    r"hard ?fault|bus ?fault|usage ?fault|mem(?:ory )?manage(?:ment)? ?fault|mpu fault|mbedos (?:fault|error)"
    r"|fatal error|stack overflow|assertion failed",
    re.IGNORECASE,
)
_UNDECODABLE = re.compile(rb"[^\t\x20-\x7e]")
_LEADING_UNDECODABLE = re.compile(rb"[^\t\x20-\x7e]+")


class Parser:
    """Bytes in, events out. Holds no clock, no port and no thread.

    A line that is no `m-results` is cut at MAX_LINE_BYTES, so that a board that never ends one fills no memory.
    """

    def __init__(self) -> None:
        self._line = bytearray()
        self._seen = 0  # so many bytes of it hold no line end
        self._honest = 0  # so many bytes of it are what results are made of
        self._overlong = False

    def feed(self, data: bytes) -> list[Event]:
        """Events completed by `data`; an unfinished line waits for the next call."""
        return [event for _, events in self.lines(data) for event in events]

    def lines(self, data: bytes) -> Iterator[tuple[bytes, list[Event]]]:
        """Each line that `data` completes, or piece of one that is too long, and its events."""
        self._line += data.translate(None, b"\r\0")
        while (whole := self._next()) is not None:
            yield whole

    @property
    def pending(self) -> bytes:
        """The unfinished line."""
        return bytes(self._line)

    @property
    def in_results(self) -> bool:
        """The unfinished line is `m-results`: what comes next belongs to the answer, however long it takes."""
        return not self._overlong and _RESULTS_BEGIN.match(self._line) is not None

    def _next(self) -> tuple[bytes, list[Event]] | None:
        """The next line, or the next piece of one that is too long; None where more must come."""
        end = self._line.find(b"\n", self._seen, MAX_LINE_BYTES + 1)
        limit = MAX_LINE_BYTES
        if end < 0 and len(self._line) > MAX_LINE_BYTES and self._may_be_results():
            limit = MAX_RESULTS_BYTES
            end = self._line.find(b"\n", self._seen, limit + 1)
        if end >= 0:
            overlong, self._overlong = self._overlong, False
            line = self._take(end, end + 1)
            return line, [Noise(line, "line too long")] if overlong else parse_line(line)
        if len(self._line) > limit:
            self._overlong = True
            piece = self._take(limit, limit)
            return piece, [Noise(piece, "line too long")]
        self._seen = len(self._line)
        return None

    def _may_be_results(self) -> bool:
        begin = None if self._overlong else _RESULTS_BEGIN.match(self._line)
        if begin is None:
            return False
        end = self._line.find(b"\n", self._seen, MAX_RESULTS_BYTES)
        end = min(len(self._line), MAX_RESULTS_BYTES) if end < 0 else end
        if self._line[max(self._honest, begin.end()) : end].translate(None, _RESULTS_BYTES):
            return False
        self._honest = end
        return True

    def _take(self, length: int, removed: int) -> bytes:
        line = bytes(self._line[:length])
        del self._line[:removed]
        self._seen = self._honest = 0
        return line


def parse_line(raw: bytes) -> list[Event]:
    """Events of one line without its end. Undecodable bytes come out as Noise; they never vanish."""
    events: list[Event] = []
    # A port that opens or a board that starts often puts one wrong byte before the first letter; the line behind it
    # is whole. A wrong byte inside a line may have replaced a digit: nothing of that line is used.
    leading = _LEADING_UNDECODABLE.match(raw)
    if leading:
        events.append(Noise(leading.group(), "undecodable bytes"))
        raw = raw[leading.end() :]
    if _UNDECODABLE.search(raw):
        return [*events, Noise(raw, "undecodable bytes")]
    text = raw.decode("ascii")
    greeting = _GREETING.search(text)
    if greeting:
        return [*events, Reset(text, greeting.group(1))]
    if text.endswith("m-ready"):
        torn = raw.removesuffix(b"m-ready")
        return [*events, *([Noise(torn, "torn line")] if torn else []), Ready()]
    if text.strip():
        events.append(_event(text))
    return events


def _event(text: str) -> Event:
    """One line of text, not a greeting and not m-ready."""
    if text.startswith("m-"):
        return _message(text)
    if text.startswith("e-["):
        return Refused(text.removeprefix("e-[").removesuffix("]"))
    if _FAULT.search(text):
        return Fault(text)
    return Note(text)


def _message(text: str) -> Event:
    if match := _LAP.fullmatch(text):
        return Timestamp(int(match.group(1)))
    if match := _BRACKET.fullmatch(text):
        return _bracketed(text, match.group(1), match.group(2))
    if text == "m-load-done":
        return Loaded()
    if text == "m-infer-done":
        return InferDone()
    if match := _EXPECTING.fullmatch(text):
        return Expecting(int(match.group(1)))
    if match := _INFER_START.fullmatch(text):
        return InferStart(int(match.group(1)))
    if match := _NAME.fullmatch(text):
        return Name(match.group(1), match.group(2))
    if match := _LIMITS.fullmatch(text):
        return Limits(int(match.group(1)), int(match.group(2)))
    if match := _WINDOW.fullmatch(text):
        return WindowLimits(int(match.group(1)), int(match.group(2), 16))
    if match := _INPUTS.fullmatch(text):
        return _inputs(text, match.group(1))
    if match := _LAYERS.fullmatch(text):
        return Layers(tuple(map(int, match.group(1).split(","))))
    return Note(text)


def _inputs(text: str, value: str) -> Event:
    tensors = [word.rpartition("x") for word in value.split(",")]
    if not all(dtype in DTYPES for dtype, _, _ in tensors):
        return Note(text)
    return Inputs(tuple((dtype, int(elements)) for dtype, _, elements in tensors))


def _bracketed(text: str, key: str, value: str) -> Event:
    if key == "results":
        return _results(text, value)
    if key == "profile":
        return Profile(value)
    if key == "model":
        return ModelId(value)
    if key == "build" and _HEX32.fullmatch(value):
        return Build(value.lower())
    if key == "crc" and _HEX8.fullmatch(value):
        return Crc(int(value, 16))
    return Note(text)


def _results(text: str, value: str) -> Event:
    """The values between the brackets. Some firmware prints a comma behind the last one."""
    words = [word.strip(" ") for word in value.removesuffix(",").split(",")]
    odd = [(k, word) for k, word in enumerate(words) if not _VALUE.fullmatch(word) or math.isinf(float(word))]
    if not odd:
        return Results(tuple(map(float, words)))
    if all(_NOT_FINITE.fullmatch(word) or _VALUE.fullmatch(word) for _, word in odd):
        return NotFinite(odd[0][0], len(words), odd[0][1])
    return Noise(text.encode(), "results that are no numbers")


def elapsed_us(start_us: int, end_us: int, host_s: float | None = None) -> int:
    """Microseconds between two timestamps as sent; a smaller end means that a 32-bit counter wrapped once.

    A counter that wrapped more often (every 71.6 minutes) does not show it: `host_s`, the interval by the host's clock,
    then says how often.
    """
    once_us = end_us - start_us if end_us >= start_us else end_us - start_us + WRAP_US
    if host_s is None or max(start_us, end_us) >= WRAP_US:
        return once_us
    return once_us + WRAP_US * max(0, round((host_s * 1e6 - once_us) / WRAP_US))


def command(*words: str | int) -> bytes:
    """One command, `%` included. Never a line end: it would become part of the next command.

    Raises: UsageError: a word holds what would end or garble the command.
    """
    text = " ".join(str(w) for w in words)
    if not text.isascii() or not text.isprintable() or "%" in text:
        raise UsageError(f"{text!r} is no command", hint="printable ASCII without '%'; '%' is added")
    return text.encode("ascii") + END_OF_COMMAND


NAME = command("name")
PROFILE = command("profile")
TIMESTAMP = command("timestamp")
BUILD = command("build")
LAYERS = command("layers")
CRC = command("db", "crc")


def infer(inferences: int, warmups: int) -> bytes:
    """Both numbers are always sent: the reference firmware's default is 10 warm-ups, whatever its help says."""
    return command("infer", inferences, warmups)


def db_load(count: int) -> bytes:
    """Announce a download of `count` bytes."""
    return command("db", "load", count)


def db_chunks(data: bytes, chunk_bytes: int) -> Iterator[bytes]:
    """The `db` commands that carry `data`, at most `chunk_bytes` in each."""
    for at in range(0, len(data), chunk_bytes):
        yield b"db " + data[at : at + chunk_bytes].hex().encode("ascii") + END_OF_COMMAND


WINDOW = command("window")
GO = command("go")
FRAME_HEADER = struct.Struct("<4I")


def overlap(before: bytes, data: bytes) -> int:
    """How many bytes of the end of `before` are the beginning of `data`: the most there are, from four on."""
    at = before.find(data[:4])
    while at >= 0:
        if data.startswith(before[at:]):
            return len(before) - at
        at = before.find(data[:4], at + 1)
    return 0


def frame(data: bytes, keep: int, inferences: int) -> bytes:
    """A binary window: the whole input `data`, of which the device has the first `keep` bytes already.

    They are the last ones of the input before. `inferences`: 0 only brings the input. The checksum covers the input as
    the device must hold it.
    """
    head = FRAME_HEADER.pack(keep, len(data) - keep, inferences, 0)[:-4]
    return head + crc32(head + data).to_bytes(4, "little") + data[keep:]


def frame_crc(sent: bytes) -> int:
    """The checksum in a frame."""
    crc: int = FRAME_HEADER.unpack_from(sent)[3]
    return crc


def frame_note(sent: bytes) -> bytes:
    """A frame as a transcript shows it: a command in words; the checksum stands for the bytes."""
    keep, count, inferences, crc = FRAME_HEADER.unpack_from(sent)
    return command("window", f"keep={keep}", f"bytes={count}", f"infer={inferences}", f"crc={crc:08x}")


def flush(most_bytes: int) -> bytes:
    """What ends any frame that is still on its way: more bytes than one can want, and the end of a command."""
    return b" " * (FRAME_HEADER.size + most_bytes) + END_OF_COMMAND


def crc32(data: bytes, before: int = 0) -> int:
    """What `db crc` must answer for `data`: CRC-32 as in zlib. `before`: of what stands before it."""
    return zlib.crc32(data, before)
