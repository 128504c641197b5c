"""Nordic PPK2 on a pty: its one-byte commands, calibration text and 4-byte samples at 100 kS/s, with faults on order.

Source: the wire format of pc-nrfconnect-ppk and of the ppk2-api package, whose decoder is the check in our tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.virtual.bench import Bench, Sampler
from tinyperf.virtual.instruments.lpm01a import parse_faults
from tinyperf.virtual.played_port import PlayedPort
from tinyperf.virtual.pty_port import PtyPort

if TYPE_CHECKING:
    import numpy.typing as npt

FAULTS = {
    "lost": "a block of 16 samples is not sent, once a second",
    "cut": "one byte is not sent, once a second",
    "torn-metadata": "the first answer with the constants lacks a digit",
    "extra": "one more pulse, in the middle of the third window",
    "missing": "the fourth pulse does not show",
    "bounce": "every pulse comes twice, 3 ms apart",
    "storm": "the range changes every 2 samples for 100 ms each second, as with a converter in burst mode",
    "overload": "50 ms above the top of the last range, every second",
    "unpowered": "the target draws nothing",
    "mute": "answers nothing",
    "unplugged": "goes silent after 3 s of measuring",
}
RATE_HZ = 100_000.0
BLOCK = 20_000
PULSE_SAMPLES = 10  # how long the input stays low: 100 us
ADC_VOLTS = 1.8 / 163840
RESISTORS_OHM = (1031.64, 101.65, 10.15, 0.94, 0.043)
RANGE_TOP_A = (50e-6, 500e-6, 5e-3, 60e-3, 1.0)
METADATA = (
    "Calibrated: 0\n"
    + "".join(f"R{i}: {r}\n" for i, r in enumerate(RESISTORS_OHM))
    + "".join(
        f"{name}{i}: {value}\n"
        for name, value in (("GS", 0), ("GI", 1), ("O", 0), ("S", 0), ("I", 0), ("UG", 1))
        for i in range(5)
    )
    + "HW: 9173\nmode: 2\nVDD: 3300\nIA: 0\nEND"
)
LENGTHS = {0x0D: 3, 0x0C: 2, 0x11: 2, 0x15: 1, 0x16: 1, 0x19: 1, 0x20: 1, 0x06: 1, 0x07: 1}


@dataclass
class Ppk2:
    """The instrument. `faults` is a set of names from FAULTS."""

    bench: Bench
    faults: frozenset[str] = frozenset()
    _sampler: Sampler | None = None
    _input: bytearray = field(default_factory=bytearray)
    _counter: int = 0
    _seen: int = 0
    _asked: bool = False
    _due: list[float] = field(default_factory=list)

    def receive(self, data: bytes) -> bytes:
        if "mute" in self.faults:
            return b""
        self._input += data
        out = b""
        while self._input and len(self._input) >= LENGTHS.get(self._input[0], 1):
            length = LENGTHS.get(self._input[0], 1)
            out += self._command(bytes(self._input[:length]))
            del self._input[:length]
        return out

    def _command(self, command: bytes) -> bytes:
        match command[0]:
            case 0x19:
                text = METADATA
                if "torn-metadata" in self.faults and not self._asked:
                    text = METADATA.replace("R2: 10.15", "R2: 1.15")
                self._asked = True
                return text.encode()
            case 0x0D:  # 800 mV is 3, 32
                self.bench.set_supply_mv((command[1] - 3) * 256 + command[2] - 32 + 800)
            case 0x0C:
                self.bench.switch(on=command[1] == 1)
            case 0x20:
                self.bench.switch(on=False)
                self._sampler = None
            case 0x06:
                self._sampler, self._counter, self._seen, self._due = Sampler(self.bench, RATE_HZ), 0, 0, []
            case 0x07:
                rest = b"" if self.bench.paced else b"".join(iter(self.stream, b""))
                self._sampler = None
                return rest
        return b""

    def stream(self) -> bytes:
        if self._sampler is None:
            return b""
        first = self._sampler.done
        if "unplugged" in self.faults and first > 3 * RATE_HZ:
            return b""
        count = min(self._sampler.due(), BLOCK)
        if not count:
            return b""
        power_w, pulses = self._sampler.take(count)
        if "unpowered" in self.faults:
            power_w = np.zeros_like(power_w)
        levels = self._levels(first, count, pulses)
        words = encode(power_w / (self.bench.supply_mv * 1e-3), levels, self._counter)
        self._counter += count
        if first // 100_000 != (first + count) // 100_000:
            words = self._disturbed(words)
        data = words.tobytes()
        if first // 100_000 != (first + count) // 100_000:
            at, size = 4 * (count // 2), 64 if "lost" in self.faults else 1 if "cut" in self.faults else 0
            data = data[:at] + data[at + size :]
        return data

    def _disturbed(self, words: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
        """A block, with what happens once a second in it."""
        if "storm" in self.faults:
            part = words[:10_000]
            others = (np.arange(len(part)) // 2 % 2).astype(np.uint32) << 14
            words[: len(part)] = part ^ others
        if "overload" in self.faults:
            words[:5000] = words[:5000] & ~np.uint32(0x1FFFF) | np.uint32(0x3FFF | 4 << 14)
        return words

    def _levels(self, first: int, count: int, pulses: list[float]) -> npt.NDArray[np.uint8]:
        for pulse in pulses:
            self._seen += 1
            if not ("missing" in self.faults and self._seen == 4):
                self._due.append(pulse)
            if "bounce" in self.faults:
                self._due.append(pulse + 300)
            if "extra" in self.faults and self._seen == 6:
                self._due.append(pulse + 250_000)
        levels = np.ones(count, dtype=np.uint8)
        for pulse in self._due:
            # the input is read once a sample: it shows at the first sample after the edge
            begin = max(int(np.ceil(pulse)) - first, 0)
            levels[begin : max(int(np.ceil(pulse)) + PULSE_SAMPLES - first, 0)] = 0
        self._due = [p for p in self._due if np.ceil(p) + PULSE_SAMPLES > first + count]
        return levels


def encode(current_a: npt.NDArray[np.float64], levels: npt.NDArray[np.uint8], counter: int) -> npt.NDArray[np.uint32]:
    """Samples as words: bits 0-13 ADC / 4, 14-16 range, 18-23 counter, 24-31 logic inputs (D0 given, others low).

    The ADC is dithered between its two nearest codes, so that a constant current keeps its mean, as noise does.
    """
    ranges = np.searchsorted(np.array(RANGE_TOP_A), current_a).clip(0, 4)
    exact = current_a * np.array(RESISTORS_OHM)[ranges] / ADC_VOLTS / 4
    dither = (np.arange(len(exact)) + counter) * 0.6180339887498949 % 1.0
    adc = np.floor(exact + dither).clip(0, 0x3FFF).astype(np.uint32)
    numbers = (np.arange(len(exact), dtype=np.uint32) + np.uint32(counter % 64)) & 0x3F
    words: npt.NDArray[np.uint32] = (
        adc | ranges.astype(np.uint32) << 14 | numbers << 18 | levels.astype(np.uint32) << 24
    ).astype("<u4")
    return words


def start(bench: Bench, *, faults: str = "") -> PtyPort:
    """The instrument on a pty, measuring `bench`, or the bench of the run in progress."""
    return PtyPort(Ppk2(bench, parse_faults(faults, FAULTS)))


def stand_in(bench: Bench, faults: str) -> PlayedPort:
    """What the driver opens in place of its serial port."""
    return PlayedPort(start(bench, faults=faults))
