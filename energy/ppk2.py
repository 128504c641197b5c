"""Nordic Power Profiler Kit II: supplies 0.8 to 5 V, measures up to 1 A at 100 kS/s, timestamp on logic input D0.

It measures current only: power is current times the voltage that was set. Its wire format is decoded here with numpy,
since the ppk2-api package takes a Python call per sample; the logic port's supply must equal the target's.
"""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from tinyperf.device.port_reader import PortReader
from tinyperf.errors import DeviceError, UsageError
from tinyperf.measure.monitor import Chunk, Identity

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt


VERIFIED: Final = "simulated"
OPTIONS = {
    "port": "serial port",
}
WIRING = {
    "title": "Power Profiler Kit II",
    "range": "0.8 to 5 V",
    "supply": "VOUT",
    "ground": "GND",
    "source": "second supply, same voltage",
    "reference": "logic port VCC, its reference",
    "timestamp": "logic port D0",
}
RATE_HZ = 100_000.0
BAUD = 115_200  # a CDC port, the rate is ignored
ACCURACY = 0.10  # Nordic's user guide: 10 % in the ranges a microcontroller works in
ADC_VOLTS = 1.8 / 163840
RANGE_W = (-2e-3 * 5.0, 1.0 * 5.0)  # two codes of the coarsest range, and its end, at the highest supply
SETTLE_SAMPLES = 3  # Nordic's own software distrusts as many after a range switch
LONGEST_SPIKE = 64  # samples between two settled ones, beyond which nothing is known of what was drawn
BREAK_WORDS = 4  # a word of two halves follows the counter once in 64, four of them once in 16 million
RUN_WORDS = 8
RIVAL_WORDS = 64
SEARCH_BYTES = 4096
ADDED_WORDS = 16  # more bytes than that are not added; more than 47 words lost are known modulo 64
ANSWER_S = 2.0
ASKS = 4


@dataclass(frozen=True)
class Calibration:
    """Per range: shunt (ohm), offset, gains and the voltage term of Nordic's conversion formula; [5] each."""

    r: npt.NDArray[np.float64]
    gs: npt.NDArray[np.float64]
    gi: npt.NDArray[np.float64]
    o: npt.NDArray[np.float64]
    s: npt.NDArray[np.float64]
    i: npt.NDArray[np.float64]
    ug: npt.NDArray[np.float64]


def calibration(text: str) -> Calibration:
    """The instrument's own constants from its metadata text; where it has none or a nan, the default, as Nordic's tool.

    Raises: DeviceError: one is no number.
    """
    found = {}
    for key, value in re.findall(r"^\s*((?:R|GS|GI|O|S|I|UG)[0-4]):[ \t]*([^\r\n]*?)[ \t\r]*$", text, re.MULTILINE):
        if value in {"nan", "-nan"}:
            continue
        try:
            found[key] = float(value)
        except ValueError:
            found[key] = math.nan
        if not math.isfinite(found[key]) or (key.startswith("R") and found[key] < 0):
            raise DeviceError(
                f"the PPK2's calibration data hold '{key}: {value}'",
                means="they were damaged on the line, or are so in the instrument: its figures would be wrong",
                hint="unplug and plug in the PPK2; if it says so again, it needs a new calibration",
            )
    default_r = (1031.64, 101.65, 10.15, 0.94, 0.043)

    def row(name: str, default: float) -> npt.NDArray[np.float64]:
        return np.array([found.get(f"{name}{n}", default) for n in range(5)])

    # some instruments carry a zero for a shunt: the default then stands
    r = np.array([found.get(f"R{n}") or default_r[n] for n in range(5)])
    return Calibration(r, row("GS", 1), row("GI", 1), row("O", 0), row("S", 0), row("I", 0), row("UG", 1))


class Frames:
    """Bytes to 4-byte words whose 6-bit counters follow each other: a function of the bytes alone, whatever the pieces.

    A word is believed once BREAK_WORDS more follow it. Where the counter breaks, as many words on either side are
    given up, since the broken one may be made of two halves, and the next run of RUN_WORDS, at whatever byte, is taken.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._expected: int | None = None  # the next word's counter; None while a run is sought
        self._wanted: int | None = None  # the counter after the last word that was believed
        self._skipped = 0  # bytes given up since then

    def feed(self, data: bytes, *, last: bool = False) -> list[tuple[int, npt.NDArray[np.uint32]]]:
        """(words missing before, uint32 [n] consecutive words) ...; `last`: no more bytes will come."""
        self._rest += data
        found = []
        while (expected := self._frame(last=last)) is not None:
            words = np.frombuffer(self._rest, dtype="<u4", count=len(self._rest) // 4)
            breaks = np.flatnonzero(((words >> 18) - expected - np.arange(len(words))) % 64)
            good = int(breaks[0]) if len(breaks) else len(words)
            believed = good if last and not len(breaks) else max(good - BREAK_WORDS, 0)
            if believed:
                found.append((self._missing(expected), words[:believed]))
                self._rest, self._skipped = self._rest[4 * believed :], 0
                self._wanted = (expected + believed) % 64
            self._expected = None if len(breaks) else (expected + believed) % 64
            if not len(breaks):
                break
        return found

    def _missing(self, number: int) -> int:
        """How many words are missing before one with this counter: known modulo 64, and from the bytes given up."""
        if self._wanted is None:
            return -(-self._skipped // 4)
        least = max(self._skipped // 4 - ADDED_WORDS, 0)
        return least + (number - self._wanted - least) % 64

    def _frame(self, *, last: bool) -> int | None:
        """The counter that the next word has; None where no run is found yet.

        What stands before a run, and its first words after a break, are given up.
        """
        if self._expected is None and (begin := self._run(last=last)) is not None:
            broken = begin > 0 or self._skipped > 0 or self._wanted is not None
            self._give_up(begin + (4 * BREAK_WORDS if broken else 0))
            self._expected = self._rest[2] >> 2
        return self._expected

    def _run(self, *, last: bool) -> int | None:
        """The byte at which the first run begins; None while too few bytes are known.

        Other fields may count for a while, as a rising current does: of runs that overlap the longest is taken. Where
        two last for RIVAL_WORDS nothing is believed until one ends.
        """
        while (first := self._first()) is not None:
            near = self._rest[first : first + 4 * (2 * RUN_WORDS + RIVAL_WORDS)]
            if not last and len(near) < 4 * (2 * RUN_WORDS + RIVAL_WORDS):
                return None
            rivals = {int(at) % 4: int(at) for at in _runs(near)[::-1] if at < 4 * RUN_WORDS}
            lengths = {at: min(_length(near[at:]), RIVAL_WORDS) for at in sorted(rivals.values())}
            longest = max(lengths.values())
            if list(lengths.values()).count(longest) == 1:
                return first + max(lengths, key=lambda at: lengths[at])
            self._give_up(first + 4 * RIVAL_WORDS)
        return None

    def _first(self) -> int | None:
        """The byte at which RUN_WORDS words follow each other; what holds no such byte is given up."""
        while not len(begins := _runs(self._rest[:SEARCH_BYTES])):
            searched = min(len(self._rest), SEARCH_BYTES)
            self._give_up(max(searched - 4 * RUN_WORDS + 1, 0))
            if searched < SEARCH_BYTES:
                return None
        return int(begins[0])

    def _give_up(self, count: int) -> None:
        self._rest = self._rest[count:]
        self._skipped += count


def _follows(data: bytes) -> npt.NDArray[np.bool_]:
    """For each byte at which two whole words may begin, whether the second one's counter follows the first one's."""
    numbers = np.frombuffer(data, dtype=np.uint8)[2:] >> 2
    result: npt.NDArray[np.bool_] = (numbers[4:-1] - numbers[:-5]) % 64 == 1
    return result


def _runs(data: bytes) -> npt.NDArray[np.intp]:
    """Bytes at which RUN_WORDS whole words begin, each followed by its successor."""
    follows = _follows(data)
    count = max(len(data) - 4 * RUN_WORDS + 1, 0)
    whole = np.ones(count, dtype=np.bool_)
    for k in range(RUN_WORDS - 1):
        whole &= follows[4 * k : 4 * k + count]
    return np.flatnonzero(whole)


def _length(data: bytes) -> int:
    """How many words at the front of `data` follow each other."""
    ends = np.flatnonzero(~_follows(data)[::4])
    return int(ends[0]) if len(ends) else len(data)


class Decoder:
    """4-byte words to watts, with falling edges of D0: a function of the bytes alone, whatever the pieces."""

    def __init__(self, constants: Calibration, supply_v: float) -> None:
        self._c = constants
        self._supply_v = supply_v
        self._frames = Frames()
        self._position = 0  # of the first word that waits for a settled one
        self._waiting = np.empty(0, dtype=np.uint32)
        self._level = 1
        self._range = -1  # of the word before those; none after a gap
        self._since = 0  # samples from the last range switch to that word

    def feed(self, data: bytes, *, last: bool = False) -> list[Chunk]:
        """Samples completed by `data`; a gap in the counter is a gap in `first`. `last`: no more bytes will come."""
        chunks = []
        for missing, words in self._frames.feed(data, last=last):
            if missing:
                self._position += len(self._waiting) + missing
                self._waiting, self._range = self._waiting[:0], -1
            pulses = self._falls(words)
            pieces = self._settled(np.concatenate((self._waiting, words)))
            chunks += [Chunk(first, power_w) for first, power_w in pieces]
            if pulses:
                chunks.append(Chunk(self._position, np.empty(0), pulses))
        return chunks

    def _falls(self, words: npt.NDArray[np.uint32]) -> tuple[float, ...]:
        levels = (words >> 24 & 1).astype(np.int8)
        falls = np.flatnonzero(np.diff(levels, prepend=np.int8(self._level)) == -1)
        self._level = int(levels[-1])
        # a level is known once a sample: the edge came up to one sample earlier
        return tuple(float(f) for f in self._position + len(self._waiting) + falls - 0.5)

    def _amperes(self, words: npt.NDArray[np.uint32], n: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        c = self._c
        plain = ((words & 0x3FFF).astype(np.float64) * 4 - c.o[n]) * (ADC_VOLTS / c.r[n])
        result: npt.NDArray[np.float64] = c.ug[n] * (
            plain * (c.gs[n] * plain + c.gi[n]) + (c.s[n] * self._supply_v + c.i[n])
        )
        return result

    def _settled(self, words: npt.NDArray[np.uint32]) -> list[tuple[int, npt.NDArray[np.float64]]]:
        """(position, watts [n]) ...: samples right after a range switch or a gap take the next settled value.

        Where none comes within LONGEST_SPIKE they are missing. What still waits for one is kept.
        """
        ranges = np.minimum(words >> 14 & 7, 4).astype(np.int64)
        places = np.arange(len(words))
        switched = np.diff(ranges, prepend=self._range) != 0
        since = places - np.maximum.accumulate(np.where(switched, places, -1 - self._since))
        settled = np.where(since >= SETTLE_SAMPLES, places, len(words) + LONGEST_SPIKE)
        following = np.minimum.accumulate(settled[::-1])[::-1]
        known = int(np.flatnonzero(following < len(words))[-1]) + 1 if following[0] < len(words) else 0
        begin = max(known, len(words) - LONGEST_SPIKE)
        kept = np.flatnonzero(following[:known] - places[:known] <= LONGEST_SPIKE)
        power_w = self._amperes(words, ranges)[following[kept]] * self._supply_v
        cuts = np.flatnonzero(np.diff(kept) > 1) + 1
        pieces = [
            (self._position + int(at[0]), part)
            for at, part in zip(np.split(kept, cuts), np.split(power_w, cuts), strict=True)
            if len(at)
        ]
        if begin:
            self._range, self._since = int(ranges[begin - 1]), int(since[begin - 1])
        self._position += begin
        self._waiting = words[begin:]
        return pieces


class Ppk2:
    """The instrument on one port. Made by `open_monitor`."""

    def __init__(self, port: PortReader) -> None:
        self._port = port
        self._supply_mv: int | None = None
        self._streaming = self._stopping = self._closed = False
        self._metadata = ""

    def open(self) -> None:
        """Off, in source mode, constants read."""
        self._port.write(bytes([0x07]))
        self._drain()
        self._port.write(bytes([0x0C, 0x00, 0x11, 0x02]))
        read = [self._asked()]
        while not read[-1] or read[-1] not in read[:-1]:  # the text has no checksum: it has to come twice alike
            if len(read) == ASKS:
                raise DeviceError(
                    f"no calibration data from {self._port.url}; received {read[-1][-60:] or self._seen[-60:]!r}",
                    means="this is not a PPK2, or another program talks to it",
                    hint="close nRF Connect, unplug and plug in the PPK2, then 'tinyperf energy check ppk2:port=...'",
                )
            read.append(self._asked())
        self._metadata = read[-1].decode("ascii", "replace")
        self._constants = calibration(self._metadata)

    def _asked(self) -> bytes:
        """The metadata text as it came, up to its END; empty where no end came."""
        self._port.write(bytes([0x19]))
        deadline_s = time.monotonic() + ANSWER_S / ASKS
        self._seen = b""
        while b"END" not in self._seen:
            if time.monotonic() > deadline_s:
                return b""
            self._seen += self._port.take(0.1)
        return self._seen.partition(b"END")[0]

    def describe(self) -> Identity:
        match = re.search(r"HW: (\w+)", self._metadata)
        return Identity("ppk2", "PPK2", "", match[1] if match else "unknown", RATE_HZ, VERIFIED, ACCURACY, RANGE_W)

    def set_supply_mv(self, supply_mv: int) -> None:
        if not 800 <= supply_mv <= 5000:
            raise UsageError(f"the PPK2 cannot supply {supply_mv} mV", hint="choose 800 to 5000 mV")
        steps = supply_mv - 800 + 32  # 800 mV is 3, 32
        self._port.write(bytes([0x0D, 3 + steps // 256, steps % 256]))
        self._supply_mv = supply_mv

    def power(self, *, on: bool) -> None:
        self._port.write(bytes([0x0C, 0x01 if on else 0x00]))

    def start(self) -> None:
        if self._supply_mv is None:
            raise UsageError("the PPK2 needs a supply voltage before it measures", hint="set the supply first")
        self._drain()
        self._decoder = Decoder(self._constants, self._supply_mv * 1e-3)
        self._streaming, self._stopping = True, False
        self._port.write(bytes([0x06]))

    def samples(self) -> Iterator[Chunk]:
        """See Monitor. A gap is known modulo 64 samples only: the sample counter has six bits."""
        while self._streaming:
            data = self._port.take(0.3 if self._stopping else 0.0)
            self._streaming = bool(data) or not self._stopping
            yield from self._decoder.feed(data, last=not self._streaming)
            if not data:
                return

    def stop(self) -> None:
        if self._streaming:
            self._stopping = True
            self._port.write(bytes([0x07]))

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            self._port.write(bytes([0x07, 0x0C, 0x00]))
            self._drain()  # the commands have been read when the stream has ended
        finally:
            self._port.close()

    def _drain(self) -> None:
        deadline_s = time.monotonic() + ANSWER_S
        while self._port.take(0.15) and time.monotonic() < deadline_s:
            pass


def open_monitor(options: dict[str, str], port: PortReader | None = None) -> Ppk2:
    """The PPK2 on `port`, or on options["port"]."""
    if port is None and "port" not in options:
        raise UsageError("ppk2: which port?", hint="for example --monitor ppk2:port=/dev/ttyACM0, or port=simulated")
    port = port or PortReader(options["port"], BAUD)
    monitor = Ppk2(port)
    try:
        monitor.open()
    except BaseException:
        port.close()
        raise
    return monitor
