"""ST X-NUCLEO-LPM01A (PowerShield): supplies 1.8 to 3.3 V, measures up to 50 mA, stamps edges of its D7 input.

Scored runs use the ASCII stream at 1 to 5 kHz, where pin events are documented; `format=binary` reaches 100 kS/s but
carries no events: for check and capture. Protocol: UM2269; details as seen in the MLCommons runner and its sessions.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from tinyperf.device.port_reader import PortReader
from tinyperf.errors import DeviceError, UsageError
from tinyperf.measure.monitor import Chunk, Identity
from tinyperf.rules.joules import LPM01A_ACCURACY, LPM01A_RANGE_W

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt


VERIFIED: Final = "simulated"
OPTIONS = {
    "port": "serial port",
    "freq": "samples per second: 1k (default), 2k, 5k; with format=binary up to 100k",
    "format": "ascii (default, with pin events) or binary (fast, without)",
}
WIRING = {
    "title": "X-NUCLEO-LPM01A",
    "range": "1.8 to 3.3 V, up to 50 mA",
    "supply": "CN14 pin 3, VCC",
    "ground": "CN14 pin 1, GND",
    "low_side": "CN14 pin 2, VCC_U",
    "timestamp": "Arduino D7",
}
BAUD = 3_686_400  # nominal; the CDC port ignores it
ANSWER_S = 2.0
CALIBRATION_S = 3.0  # after `volt` the instrument calibrates itself
PROMPT = "PowerShield > "


# ---------------------------------------------------------------------------------------------- decoders, pure


@dataclass(frozen=True)
class Samples:
    """Amperes or joules, as configured."""

    values: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Event:
    """A pin event; it stands before the next sample."""

    number: int


@dataclass(frozen=True)
class Stamp:
    """The instrument's own time, and how full its transmit buffer is."""

    ms: int
    load_percent: int


@dataclass(frozen=True)
class Text:
    """A line that is no sample: acknowledgement, prompt, summary, error."""

    line: str


@dataclass(frozen=True)
class Rejected:
    """Bytes that are none of these: a torn line, a damaged record."""

    data: bytes


Item = Samples | Event | Stamp | Text | Rejected

SAMPLE = re.compile(rb"(\d{4})([+-]\d{2})")
EVENT = re.compile(rb"event (\d+) ris")
STAMP = re.compile(rb"TimeStamp:[ ><](\d{3,})s (\d{3})ms, buff (\d{2,3})%")
LINE_BYTES = 512
SAMPLE_BYTES = len("6409-07\r\n")


class AsciiDecoder:
    """Lines to items; a line may come in pieces, with NULs anywhere in it. Of a line without end the front is told."""

    def __init__(self) -> None:
        self._rest = b""
        self._endless = False

    def feed(self, data: bytes) -> list[Item]:
        """Items completed by `data`."""
        *lines, self._rest = (self._rest + data.replace(b"\0", b"")).split(b"\n")
        if lines and self._endless:  # told already
            del lines[0]
            self._endless = False
        if len(self._rest) > LINE_BYTES:
            lines, self._rest = lines if self._endless else [*lines, self._rest], b""
            self._endless = True
        items: list[Item] = []
        values: list[float] = []
        for raw in lines:
            line = raw.strip(b"\r ")
            overlong = len(raw) > LINE_BYTES  # whatever else it holds: the front alone may look like a sample
            if not overlong and (match := SAMPLE.fullmatch(line)):
                values.append(int(match[1]) * 10.0 ** int(match[2]))
                continue
            if values:
                items.append(Samples(np.array(values)))
                values = []
            if overlong:
                items.append(Rejected(raw[:LINE_BYTES]))
            elif line:
                items.append(_line_item(line))
        if values:
            items.append(Samples(np.array(values)))
        return items


def _line_item(line: bytes) -> Item:
    if match := EVENT.fullmatch(line):
        return Event(int(match[1]))
    if match := STAMP.fullmatch(line):
        return Stamp(int(match[1]) * 1000 + int(match[2]), int(match[3]))
    if line[:1].isdigit() or not line.isascii():
        return Rejected(line)
    return Text(line.decode())


RECORD_BYTES = 512
BLOCK_SAMPLES = 1000  # between two time stamps, always
POWERS = 16.0 ** -np.arange(16)


class BinaryDecoder:
    """Bytes to items: 16-bit words, and between them records `F0 <type> ... FF FF`, one with a time every 1000 samples.

    The words carry no number, so a lost byte shows in the length of a block only: a block between two times that is not
    2000 bytes long is rejected whole. Records are sought at every byte: a sample never begins with F, the exponent of
    1e-15. After the end record, or a prompt, the stream is text again.
    """

    _PROMPT = f"\r\n{PROMPT}".encode()

    def __init__(self) -> None:
        self._rest = b""
        self._block = b""
        self._text: AsciiDecoder | None = None

    def feed(self, data: bytes) -> list[Item]:
        """Items completed by `data`; never fails, whatever the bytes."""
        if self._text is not None:
            return self._text.feed(data)
        data, after = self._before_prompt(self._rest + data)
        items: list[Item] = []
        at = 0
        while self._text is None:
            mark, size = _record(data, at)
            self._block += data[at:mark]
            at = mark + size
            if size == 0:
                break
            items += self._items(data[mark:at])
        self._rest = data[at:]
        if self._text is None and after.startswith(self._PROMPT):
            items += self._samples(whole=False)
            self._text = AsciiDecoder()
        if self._text is not None:
            rest, self._rest = self._rest, b""
            items += self._text.feed(rest + after)
        else:
            self._rest += after
        return items

    def _before_prompt(self, data: bytes) -> tuple[bytes, bytes]:
        """Split where a prompt stands, or may be about to stand."""
        at = data.find(self._PROMPT)
        if at >= 0:
            return data[:at], data[at:]
        tail = next((n for n in range(len(self._PROMPT) - 1, 0, -1) if data.endswith(self._PROMPT[:n])), 0)
        return (data[:-tail], data[-tail:]) if tail else (data, b"")

    def _samples(self, *, whole: bool) -> list[Item]:
        """The words since the last time; `whole`: there must be as many as between two times, or none."""
        block, self._block = self._block, b""
        if not block:
            return []
        if len(block) % 2 or (whole and len(block) != 2 * BLOCK_SAMPLES):
            return [Rejected(block)]
        words = np.frombuffer(block, dtype=">u2")
        return [Samples((words & 0xFFF) * POWERS[words >> 12])]

    def _items(self, record: bytes) -> list[Item]:
        kind, body = record[1], record[2:-2]
        if kind == 0xF3:
            return [*self._samples(whole=True), Stamp(int.from_bytes(body[:4], "big"), body[4])]
        said = body.decode("ascii", "replace")
        if kind == 0xF4:
            self._text = AsciiDecoder()
            return [*self._samples(whole=False), Text("end")]
        if kind == 0xF5:
            return [*self._samples(whole=False), Text(f"Overcurrent {said}")]
        return [Text(f"error: {said}" if kind == 0xF1 else said)]


def _record(data: bytes, at: int) -> tuple[int, int]:
    """Where the next record begins, or may begin, and how long it is; 0 where it is not complete yet."""
    while (at := data.find(b"\xf0", at)) >= 0:
        size = _record_size(data[at : at + RECORD_BYTES])
        if size != 0:
            return at, size or 0
        at += 1
    return len(data), 0


def _record_size(head: bytes) -> int | None:
    """Bytes of the record that `head` begins with; 0 where it begins with none, None where too little is known."""
    kind = head[1] if len(head) > 1 else None
    if kind == 0xF3:
        return None if len(head) < 9 else 9 if head[7:9] == b"\xff\xff" else 0
    if kind not in {None, 0xF1, 0xF2, 0xF4, 0xF5}:
        return 0
    end = head.find(b"\xff\xff", 2)
    if end >= 0:
        return end + 2 if head[2:end].isascii() and (kind != 0xF4 or end == 2) else 0
    return None if len(head) < RECORD_BYTES else 0


# ------------------------------------------------------------------------------------------------------ driver

TROUBLE = re.compile(r"overcurrent|interrupted|^error", re.IGNORECASE)
RATES_HZ = {"1k": 1e3, "2k": 2e3, "5k": 5e3, "10k": 1e4, "20k": 2e4, "50k": 5e4, "100k": 1e5}


class Lpm01a:
    """The instrument on one port. Made by `open_monitor`."""

    def __init__(self, port: PortReader, *, freq: str, binary: bool) -> None:
        self._port = port
        self._freq = freq
        self._binary = binary
        self._decoder: AsciiDecoder | BinaryDecoder = AsciiDecoder()
        self._waiting: list[Item] = []
        self._streaming = False
        self._stopping = False
        self._closed = False
        self._full = False
        self._position = 0
        self._events = 0
        self._behind = 0.0
        self._ahead = self._told_ahead = False
        self._supply_v = 3.3
        self._version = self._serial = ""

    def open(self) -> None:
        """Take control, off, configured: whatever an earlier client left behind."""
        self._port.write(b"\r\nstop\r\n")  # an earlier client may have left it streaming
        self._drain(0.3)
        try:
            self._ask("htc")
        except DeviceError:  # a late banner can swallow the first command
            self._drain(0.3)
            self._ask("htc")
        self._version = next((t for t in self._query("version") if re.fullmatch(r"\d+\.\d+\.\d+", t)), "unknown")
        self._serial = next((t.split(":")[1].strip() for t in self._query("powershield") if "ID" in t and ":" in t), "")
        self._query("status")  # also clears an old error
        try:
            self._ask("pwr off")
            self._ask("eventsrc d7 fal")
        except DeviceError as exc:
            raise DeviceError(
                f"{exc.seen} (firmware {self._version})",
                means="firmware before 1.0.6 cannot switch the target off or stamp pin events",
                hint="update the LPM01A with ST's STM32CubeMonitor-Power package, then try again",
            ) from exc
        for command in (
            "pwrend off",
            "acqmode dyn",
            "acqtime inf",
            "trigdelay 0",
            "trigsrc sw",
            "output current" if self._binary else "output energy",
            "format bin_hexa" if self._binary else "format ascii_dec",
            f"freq {self._freq}",
        ):
            self._ask(command)

    def describe(self) -> Identity:
        return Identity(
            "lpm01a",
            "X-NUCLEO-LPM01A",
            self._serial,
            self._version,
            RATES_HZ[self._freq],
            VERIFIED,
            LPM01A_ACCURACY,
            LPM01A_RANGE_W,
        )

    def set_supply_mv(self, supply_mv: int) -> None:
        if not 1800 <= supply_mv <= 3300:
            raise UsageError(f"the LPM01A cannot supply {supply_mv} mV", hint="choose 1800 to 3300 mV")
        self._ask(f"volt {supply_mv}m", timeout_s=CALIBRATION_S)
        got = self._ask("volt get", timeout_s=CALIBRATION_S)
        match = re.search(r"volt get (\d+)([+-]\d+)", got)
        self._supply_v = int(match[1]) * 10.0 ** int(match[2]) if match else supply_mv * 1e-3
        if abs(self._supply_v - supply_mv * 1e-3) > 0.05:
            raise DeviceError(
                f"asked for {supply_mv} mV, the LPM01A gives {self._supply_v:g} V", hint="check its supply"
            )

    def power(self, *, on: bool) -> None:
        self._ask("pwr on nostatus" if on else "pwr off")

    def start(self) -> None:
        self._waiting.clear()
        self._position, self._events, self._stopping, self._full = 0, 0, False, False
        self._behind = 0.0
        self._ahead = self._told_ahead = False
        self._decoder = AsciiDecoder()
        self._port.write(b"start\r\n")
        seen = b""
        deadline_s = time.monotonic() + ANSWER_S
        # the acknowledgement ends in an empty line; what follows it is the stream, in whichever format
        while not (match := re.search(rb"(ack|error) start\r\n(\r\n)?", seen)) or (match[1] == b"ack" and not match[2]):
            if time.monotonic() > deadline_s:
                raise self._silent("start", seen)
            seen += self._port.take(0.1)
        if match[1] == b"error":
            raise DeviceError(f"the LPM01A refused to start: {seen!r}", hint="try a lower freq")
        self._streaming = True
        self._decoder = BinaryDecoder() if self._binary else AsciiDecoder()
        self._waiting = self._decoder.feed(seen[match.end() :])

    def samples(self) -> Iterator[Chunk]:
        """See Monitor. Gaps are found by the instrument's own time stamps, one per 1000 samples."""
        while self._streaming or self._waiting:
            data = self._port.take(ANSWER_S if self._stopping else 0.0)
            items = self._waiting + self._decoder.feed(data)
            self._waiting = []
            if not data and not items:
                if self._stopping:
                    self._streaming = False
                    raise self._silent("stop", b"")
                return
            yield from self._chunks(items)

    def _lost(self, data: bytes) -> int:
        """How many samples stood in bytes that could not be read."""
        if self._binary:
            return len(data) // 2
        return round((len(data) + 2) / SAMPLE_BYTES) if data[:1].isdigit() else 0

    def _chunks(self, items: list[Item]) -> Iterator[Chunk]:
        rate_hz = RATES_HZ[self._freq]
        to_watts = self._supply_v if self._binary else rate_hz
        for item in items:
            first = self._position
            pulses: tuple[float, ...] = ()
            notes: tuple[str, ...] = ()
            values = np.empty(0)
            if isinstance(item, Samples):
                values = item.values * to_watts
                self._position += len(values)
            elif isinstance(item, Event):
                pulses, notes = self._event(item)
            elif isinstance(item, Stamp):
                notes = self._stamp(item, rate_hz)
            elif isinstance(item, Text):
                notes = self._text(item.line)
            else:
                self._position += self._lost(item.data)
            if len(values) or pulses or notes:
                yield Chunk(first, values, pulses, notes)

    def _event(self, event: Event) -> tuple[tuple[float, ...], tuple[str, ...]]:
        jump = event.number - self._events
        self._events = event.number + 1
        notes = (f"{jump} pin events are missing before event {event.number}",) if jump else ()
        return (float(self._position),), notes

    def _stamp(self, stamp: Stamp, rate_hz: float) -> tuple[str, ...]:
        lost = stamp.ms * 1e-3 * rate_hz - self._position
        behind = max(lost, 0.0) if lost > 1.0 + 1e-3 * rate_hz else 0.0
        believed = min(behind, self._behind)  # by two time stamps: one of them may be damaged
        self._position += round(believed)  # what follows keeps its true time
        self._behind = behind - believed
        ahead, self._ahead = self._ahead, -lost > 1.0 + 1e-3 * rate_hz
        if ahead and self._ahead and not self._told_ahead:
            self._told_ahead = True
            return (f"the instrument's time stamps run back: {stamp.ms * 1e-3:.1f} s at {self._position} samples",)
        was_full, self._full = self._full, stamp.load_percent >= 100
        if self._full and not was_full:
            return (f"the instrument's transmit buffer was full at {stamp.ms * 1e-3:.1f} s",)
        return ()

    def _text(self, line: str) -> tuple[str, ...]:
        if TROUBLE.search(line):
            return (f"the instrument says: {line}",)
        if "PowerShield firmware" in line:  # the banner of a restart
            self._streaming = False
            return (f"the instrument restarted: the stream ended by itself at {self._position} samples",)
        if "Acquisition completed" in line:
            self._streaming = False
            ended = not self._stopping
            return (f"the stream ended by itself at {self._position / RATES_HZ[self._freq]:.1f} s",) if ended else ()
        return ()

    def stop(self) -> None:
        if self._streaming:
            self._stopping = True
            self._port.write(b"stop\r\n")

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            if self._streaming:
                self._port.write(b"stop\r\n")
            self._drain(0.2)
            self._streaming = False
            self._decoder = AsciiDecoder()
            self._ask("pwr off")
            self._ask("hrc")
        except DeviceError as exc:
            raise DeviceError(
                f"the LPM01A did not confirm that the target is off: {exc.seen}",
                means="the target may still be powered",
                hint="unplug the LPM01A",
            ) from exc
        finally:
            self._port.close()

    def _drain(self, silence_s: float) -> None:
        """Read until nothing comes for `silence_s`, two seconds at most."""
        deadline_s = time.monotonic() + 2.0
        while self._port.take(silence_s) and time.monotonic() < deadline_s:
            pass
        if not self._streaming:
            self._decoder = AsciiDecoder()

    def _ask(self, command: str, *, timeout_s: float = ANSWER_S) -> str:
        """The line that acknowledges `command`; items of a running stream are kept for samples()."""
        self._port.write(command.encode() + b"\r\n")
        deadline_s = time.monotonic() + timeout_s
        seen: list[str] = []
        while time.monotonic() < deadline_s:
            items = self._decoder.feed(self._port.take(0.1))
            for index, item in enumerate(items):
                line = item.line.replace(PROMPT, "").strip() if isinstance(item, Text) else ""
                if line.startswith(("ack", "error")) and command in line:
                    if line.startswith("error"):
                        raise DeviceError(f"the LPM01A refused '{command}'", hint="see UM2269 for what it takes")
                    self._waiting += items[index + 1 :]
                    return line
                if self._streaming:
                    self._waiting.append(item)
                seen.append(line)
        raise self._silent(command, "\n".join(seen[-5:]).encode())

    def _query(self, command: str) -> list[str]:
        """Lines of text that follow the acknowledgement, until nothing comes for 0.1 s."""
        self._waiting.clear()
        self._ask(command)
        items, self._waiting = self._waiting, []
        while more := self._decoder.feed(self._port.take(0.1)):
            items += more
        lines = [
            i.line if isinstance(i, Text) else i.data.decode("latin-1") for i in items if isinstance(i, Text | Rejected)
        ]
        return [line.replace(PROMPT, "").strip() for line in lines]

    def _silent(self, command: str, seen: bytes) -> DeviceError:
        return DeviceError(
            f"no answer to '{command}' on {self._port.url}; received {seen[-80:]!r}",
            means="this is not an LPM01A, it hangs, or another program talks to it",
            hint="press its reset button (or unplug it), then 'tinyperf energy check lpm01a:port=...'",
        )


def open_monitor(options: dict[str, str], port: PortReader | None = None) -> Lpm01a:
    """The LPM01A on `port`, or on options["port"]."""
    binary = options.get("format", "ascii") == "binary"
    freq = options.get("freq", "100k" if binary else "1k")
    if options.get("format", "ascii") not in {"ascii", "binary"} or freq not in RATES_HZ:
        raise UsageError(f"lpm01a: freq={freq}, format={options.get('format', 'ascii')}", hint=str(OPTIONS))
    if not binary and RATES_HZ[freq] > 5e3:
        raise UsageError(
            f"lpm01a: the ASCII stream ends at 5k, not {freq}", hint="use freq=5k, or format=binary for capture"
        )
    if port is None and "port" not in options:
        raise UsageError(
            "lpm01a: which port?", hint="for example --monitor lpm01a:port=/dev/ttyACM1, or port=simulated"
        )
    port = port or PortReader(options["port"], BAUD)
    monitor = Lpm01a(port, freq=freq, binary=binary)
    try:
        monitor.open()
    except BaseException:
        port.close()
        raise
    return monitor
