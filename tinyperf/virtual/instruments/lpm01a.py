"""X-NUCLEO-LPM01A (PowerShield) on a pty: UM2269's commands, ASCII and binary streams, and faults on order.

Source: the command help of firmware 1.0.6 (quoted in the MLCommons runner) and the streams in its published sessions.
"""

from __future__ import annotations

import itertools
import math
import re
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.errors import UsageError
from tinyperf.virtual.bench import Bench, Sampler
from tinyperf.virtual.played_port import PlayedPort
from tinyperf.virtual.pty_port import PtyPort, VanishedError

if TYPE_CHECKING:
    import numpy.typing as npt

FAULTS = {
    "torn": "one line in 5000 loses its end",
    "nul": "a NUL byte before every 1000th sample",
    "late-banner": "the banner comes only with the first command",
    "lost": "one block of 100 samples in 10000 is not sent",
    "buffer": "the transmit buffer is reported 100 % full",
    "overcurrent": "the stream ends after 3 s with an overcurrent",
    "reset": "the instrument restarts after 3 s of streaming",
    "sticky": "starts as an earlier client left it: streaming, powered, endless",
    "extra": "one more pulse, in the middle of the third window",
    "missing": "the fourth pulse is not reported",
    "bounce": "every pulse is reported twice, 3 ms apart",
    "old": "firmware 1.0.4, which refuses 'pwr off' and 'eventsrc'",
    "unpowered": "the target draws nothing (a jumper is missing)",
    "mute": "answers nothing",
    "unplugged": "goes silent after 3 s of streaming",
    "undervolt": "the target's supply is 300 mV below what was asked for",
    "garbage": "random bytes in place of samples after 3 s of streaming",
    "vanished": "the serial port goes away after 3 s of streaming",
    "back": "its time stamps jump two seconds back after 3 s of streaming",
    "slow-clock": "the sample clock runs 3 % slow against its own time stamps",
}
PROMPT = "PowerShield > "
RATES = {"100k", "50k", "20k", "10k", "5k", "2k", "1k", "500", "200", "100", "50", "20", "10", "5", "2", "1"}
BLOCK = 1000  # samples between two time stamps
BLOCKS = 50
EVENT_FAULT_S = 3.0


def number(text: str) -> float:
    """`2m`, `2-3`, `100k`, `3.3` as a value in the base unit."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(?:([umk])|([+-]\d{1,2}))?", text)
    if not match:
        msg = f"not a number: {text}"
        raise ValueError(msg)
    scale = {"u": 1e-6, "m": 1e-3, "k": 1e3, None: 1.0}[match[2]]
    return float(match[1]) * scale * 10.0 ** int(match[3] or 0)


@dataclass
class Lpm01a:
    """The instrument. `faults` is a set of names from FAULTS."""

    bench: Bench
    faults: frozenset[str] = frozenset()
    settings: dict[str, str] = field(
        default_factory=lambda: {"freq": "100", "output": "current", "format": "ascii_dec"}
    )
    _line: bytearray = field(default_factory=bytearray)
    _sampler: Sampler | None = None
    _seen: int = 0
    _due: list[float] = field(default_factory=list)
    _events: int = 0
    _greeted: bool = False
    _sent: int = 0
    _silent: bool = False
    _noise: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def __post_init__(self) -> None:
        if "sticky" in self.faults:
            self.bench.switch(on=True)
            self.settings |= {"freq": "1k", "output": "energy"}
            self._sampler = Sampler(self.bench, 1000.0)

    def receive(self, data: bytes) -> bytes:
        if "mute" in self.faults or self._silent:
            return b""
        out = b""
        if not self._greeted and "late-banner" in self.faults:
            out += b"\0\r\nPowerShield > "
        self._greeted = True
        for byte in data:
            if byte not in b"\r\n":
                self._line.append(byte)
            elif self._line:
                out += self._command(self._line.decode("ascii", "replace"))
                self._line.clear()
        return out

    def _command(self, text: str) -> bytes:
        name, _, rest = text.partition(" ")
        handler = getattr(self, f"_do_{name}", None)
        if "old" in self.faults and text.startswith(("pwr off", "eventsrc")):
            return self._error(text, "command unknown")
        try:
            if handler is not None:
                said: bytes = handler(rest, text)
                return said
            if name in {"htc", "hrc", "lcd", "acqtime", "acqmode", "funcmode", "trigsrc", "trigdelay", "eventsrc"}:
                self.settings[name] = rest
                return self._ack(text)
        except ValueError as exc:
            return self._error(text, str(exc))
        return self._error(text, "command unknown")

    @staticmethod
    def _ack(text: str, *lines: str) -> bytes:
        said = f"\r\n{PROMPT}ack {text}\r\n\r\n"
        if lines:
            said += "".join(f"{line}\r\n" for line in lines) + PROMPT
        return said.encode()

    @staticmethod
    def _error(text: str, detail: str) -> bytes:
        return f"\r\n{PROMPT}error {text}\r\nError detail: {detail}\r\n{PROMPT}".encode()

    def _do_powershield(self, _rest: str, text: str) -> bytes:
        return self._ack(text, "PowerShield present", "Board ID: 0123456789ABCDEF01234567")

    def _do_version(self, _rest: str, text: str) -> bytes:
        return self._ack(text, "1.0.4" if "old" in self.faults else "1.0.6")

    def _do_status(self, _rest: str, text: str) -> bytes:
        return self._ack(text, "ok")

    def _do_range(self, _rest: str, text: str) -> bytes:
        return self._ack(text, "100-09 0500-04")

    def _do_echo(self, rest: str, _text: str) -> bytes:
        return f"\r\n{PROMPT}echo {rest}\r\n".encode()

    def _do_volt(self, rest: str, text: str) -> bytes:
        if rest == "get":
            supply_mv = self.bench.supply_mv - (300 if "undervolt" in self.faults else 0)
            return self._ack(f"{text} {supply_mv:04d}-03")
        millivolts = round(number(rest) * 1000)
        if not 1800 <= millivolts <= 3300:
            return self._error(text, "value out of range 1800m to 3300m")
        self.bench.set_supply_mv(millivolts)
        return self._ack(text) + b"calibration on going...\r\n" + PROMPT.encode()

    def _do_freq(self, rest: str, text: str) -> bytes:
        if rest not in RATES:
            return self._error(text, "value not in list")
        self.settings["freq"] = rest
        return self._ack(text)

    def _do_output(self, rest: str, text: str) -> bytes:
        return self._choose("output", rest, {"current", "energy"}, text)

    def _do_format(self, rest: str, text: str) -> bytes:
        return self._choose("format", rest, {"ascii_dec", "bin_hexa"}, text)

    def _choose(self, name: str, value: str, allowed: set[str], text: str) -> bytes:
        if value not in allowed:
            return self._error(text, "value not in list")
        self.settings[name] = value
        return self._ack(text)

    def _do_pwr(self, rest: str, text: str) -> bytes:
        what = rest.split(" ", maxsplit=1)[0]
        if what == "get":
            return self._ack(f"{text} {'on' if self.bench.on else 'off'}")
        if what in {"on", "off"}:
            self.bench.switch(on=what == "on")
        elif what != "auto":
            return self._error(text, "value not in list")
        return self._ack(text)

    def _do_pwrend(self, rest: str, text: str) -> bytes:
        return self._choose("pwrend", rest, {"on", "off"}, text)

    def _do_start(self, _rest: str, text: str) -> bytes:
        rate_hz = number(self.settings["freq"])
        if self.settings["output"] == "energy" and rate_hz > 10e3:
            return self._error(text, "energy needs freq <= 10k")
        if self.settings["format"] == "ascii_dec" and rate_hz > 10e3:
            return self._error(text, "ascii_dec needs freq <= 10k")
        self._sampler = Sampler(self.bench, rate_hz)
        self._due, self._seen, self._events, self._sent = [], 0, 0, 0
        return self._ack(text) + self._time_stamp(0)

    def _do_stop(self, _rest: str, text: str) -> bytes:
        rest = b"".join(iter(self._block, b"")) if not self.bench.paced else b""
        running, self._sampler = self._sampler, None
        return rest + self._ack(text) + (self._end() if running else b"")

    def _end(self, extra: str = "") -> bytes:
        end = b"\xf0\xf4\xff\xff" if self.settings["format"] == "bin_hexa" else b"end\r\n"
        summary = f"\r\nsummary beg\r\n{extra}samples {self._sent}\r\nsummary end\r\n{PROMPT}Acquisition completed\r\n"
        return end + f"{summary}{PROMPT}".encode()

    def _time_stamp(self, samples: int) -> bytes:
        rate_hz = number(self.settings["freq"]) * (0.97 if "slow-clock" in self.faults else 1.0)
        now_ms = round(samples / rate_hz * 1000)
        now_ms -= 2000 if "back" in self.faults and now_ms > 1000 * EVENT_FAULT_S else 0
        load = 100 if "buffer" in self.faults and samples >= 2 * BLOCK else 0
        if self.settings["format"] == "bin_hexa":
            return b"\xf0\xf3" + struct.pack(">IB", now_ms, load) + b"\xff\xff"
        return f"TimeStamp: {now_ms // 1000:03d}s {now_ms % 1000:03d}ms, buff {load:02d}%\r\n".encode()

    def stream(self) -> bytes:
        """Every block that is due, fifty at most."""
        return b"".join(itertools.islice(iter(self._block, b""), BLOCKS))

    def _block(self) -> bytes:
        sampler = self._sampler
        if sampler is None or self._silent:
            return b""
        count = min(sampler.due(), BLOCK - sampler.done % BLOCK)
        if not count:
            return b""
        first = sampler.done
        power_w, pulses = sampler.take(count)
        if ended := self._ended(first / sampler.rate_hz):
            return ended
        if "unpowered" in self.faults:
            power_w = np.zeros_like(power_w)
        out = self._samples(first, power_w, self._faulty(pulses, sampler.rate_hz, sampler.done))
        if sampler.done % BLOCK == 0:
            out += self._time_stamp(sampler.done)
        return out

    def _ended(self, at_s: float) -> bytes:
        """The stream's end by a fault, where one is due."""
        if at_s < EVENT_FAULT_S:
            return b""
        if "overcurrent" in self.faults:
            self._sampler = None
            self.bench.switch(on=False)
            if self.settings["format"] == "bin_hexa":
                return b"\xf0\xf5\xff\xff" + self._end("Overcurrent: acquisition interrupted\r\n")
            return b"error: Overcurrent detected, acquisition interrupted\r\n" + self._end()
        if "reset" in self.faults:
            self._sampler = None
            self.bench.switch(on=False)
            return f"\0\r\n\r\nPowerShield firmware 1.0.6\r\n{PROMPT}".encode()
        if "vanished" in self.faults:
            raise VanishedError
        if "unplugged" in self.faults:
            self._silent = True
        return self._noise.bytes(BLOCK) if "garbage" in self.faults else b""

    def _faulty(self, pulses: list[float], rate_hz: float, before: int) -> list[int]:
        """Positions below `before` that are reported now; faults drop some and add later ones."""
        for pulse in pulses:
            self._seen += 1
            if not ("missing" in self.faults and self._seen == 4):
                self._due.append(pulse)
            if "bounce" in self.faults:
                self._due.append(pulse + 0.003 * rate_hz)
            if "extra" in self.faults and self._seen == 6:
                self._due.append(pulse + 2.5 * rate_hz)
        now = sorted(int(p) for p in self._due if p < before)
        self._due = [p for p in self._due if p >= before]
        return now

    def _samples(self, first: int, power_w: npt.NDArray[np.float64], pulses: list[int]) -> bytes:
        if "lost" in self.faults:
            power_w = power_w[(first + np.arange(len(power_w))) % 10000 // 100 != 50]
        self._sent += len(power_w)
        volts = self.bench.supply_mv * 1e-3
        rate_hz = number(self.settings["freq"])
        values = power_w / rate_hz if self.settings["output"] == "energy" else power_w / volts
        if self.settings["format"] == "bin_hexa":
            return encode_binary(values)
        lines = [encode_ascii(v) for v in values]
        if "nul" in self.faults and first % BLOCK == 0 and lines:
            lines[0] = "\0" + lines[0]
        if "torn" in self.faults and first % 5000 == 0 and len(lines) > 7:
            lines[7] = lines[7][:3]
        for pulse in sorted(pulses, reverse=True):
            at = min(max(pulse - first, 0), len(lines))
            lines.insert(at, "event 0 ris")
        return self._numbered("\r\n".join([*lines, ""]))

    def _numbered(self, text: str) -> bytes:
        """Event lines get the instrument's running number."""

        def running(_match: re.Match[str]) -> str:
            self._events += 1
            return f"event {self._events - 1:02d} ris"

        return re.sub(r"event 0 ris", running, text).encode("latin-1")


def encode_ascii(value: float) -> str:
    """`MMMM-EE`: four digits and a power of ten."""
    if value <= 0.0:
        return "0000-09"
    exponent = math.floor(math.log10(value)) - 3
    mantissa = round(value / 10.0**exponent)
    if mantissa == 10000:
        mantissa, exponent = 1000, exponent + 1
    return f"{mantissa:04d}{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def encode_binary(values: npt.NDArray[np.float64]) -> bytes:
    """Big-endian words: high nibble e, low 12 bits m, value = m * 16**-e; the largest m that fits."""
    exponent = np.clip(np.floor(3 - np.log2(np.maximum(values, 1e-15) * 1.0002) / 4), 0, 14)
    mantissa = np.clip(np.rint(values * 16.0**exponent), 0, 0xFFF)
    words = exponent.astype(np.uint16) << 12 | mantissa.astype(np.uint16)
    encoded: bytes = words.astype(">u2").tobytes()
    return encoded


def parse_faults(text: str, known: dict[str, str]) -> frozenset[str]:
    """`torn+lost` as a set.

    Raises: UsageError: a fault that this simulator does not have.
    """
    wanted = frozenset(filter(None, text.split("+")))
    if unknown := wanted - set(known):
        raise UsageError(f"no fault '{min(unknown)}' in this simulator", hint=f"it has: {', '.join(known)}")
    return wanted


def start(bench: Bench, *, faults: str = "") -> PtyPort:
    """The instrument on a pty, measuring `bench`, or the bench of the run in progress."""
    return PtyPort(Lpm01a(bench, parse_faults(faults, FAULTS)))


def stand_in(bench: Bench, faults: str) -> PlayedPort:
    """What the driver opens in place of its serial port."""
    return PlayedPort(start(bench, faults=faults))
