"""Nordic Power Profiler Kit II: supplies 0.8 to 5 V, measures up to 1 A at 100 kS/s, timestamp on logic input D0.

It measures current only: power is current times the voltage that was set. Its wire format is decoded here with numpy,
since the ppk2-api package takes a Python call per sample; the logic port's supply must equal the target's.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from tinyperf.device.port_reader import PortReader
from tinyperf.errors import DeviceError, UsageError
from tinyperf.measure.monitor import Chunk, Identity, only

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from tinyperf.virtual.pty_port import PtyPort

VERIFIED: Final = "simulated"
OPTIONS = {
    "port": "serial port, or 'simulated'",
    "fault": "with port=simulated: faults to inject, joined by +",
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
SETTLE_SAMPLES = 3  # Nordic's own software distrusts as many after a range switch
ANSWER_S = 2.0


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
    """The instrument's own constants from its metadata text."""
    found = {key: float(value) for key, value in re.findall(r"^(\w+): ([-+\d.eE]+|nan)$", text, re.MULTILINE)}
    default_r = (1031.64, 101.65, 10.15, 0.94, 0.043)

    def row(name: str, default: float) -> npt.NDArray[np.float64]:
        return np.array([found.get(f"{name}{n}", default) for n in range(5)])

    # some instruments carry a zero for a shunt: the default then stands
    r = np.array([found.get(f"R{n}") or default_r[n] for n in range(5)])
    return Calibration(r, row("GS", 1), row("GI", 1), row("O", 0), row("S", 0), row("I", 0), row("UG", 1))


class Decoder:
    """4-byte words to amperes, with lost samples and falling edges of D0."""

    def __init__(self, constants: Calibration, supply_v: float) -> None:
        self._c = constants
        self._supply_v = supply_v
        self._rest = b""
        self._counter: int | None = None
        self._level = 1
        self._range: int | None = None

    def feed(self, data: bytes) -> tuple[npt.NDArray[np.float64], list[int], list[tuple[int, int]]]:
        """Words completed by `data`.

        Returns: amperes [n]; indices of samples where D0 is low for the first time; (index, how many samples are
        missing before it).
        """
        data = self._rest + data
        count = len(data) // 4
        self._rest = data[4 * count :]
        if not count:
            return np.empty(0), [], []
        words = np.frombuffer(data, dtype="<u4", count=count)
        numbers = (words >> 18 & 0x3F).astype(np.int64)
        previous = np.concatenate(([self._counter if self._counter is not None else numbers[0] - 1], numbers[:-1]))
        jumps = (numbers - previous - 1) % 64
        gaps = [(int(at), int(jumps[at])) for at in np.flatnonzero(jumps)]
        levels = (words >> 24 & 1).astype(np.int8)
        falls = np.flatnonzero(np.diff(np.concatenate(([self._level], levels))) == -1)
        ranges = np.minimum(words >> 14 & 7, 4).astype(np.int64)
        current_a = self._settled(self._amperes((words & 0x3FFF).astype(np.float64) * 4, ranges), ranges)
        self._counter, self._level, self._range = int(numbers[-1]), int(levels[-1]), int(ranges[-1])
        return current_a, [int(f) for f in falls], gaps

    def _amperes(self, adc: npt.NDArray[np.float64], n: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        c = self._c
        plain = (adc - c.o[n]) * (ADC_VOLTS / c.r[n])
        result: npt.NDArray[np.float64] = c.ug[n] * (
            plain * (c.gs[n] * plain + c.gi[n]) + (c.s[n] * self._supply_v + c.i[n])
        )
        return result

    def _settled(self, current_a: npt.NDArray[np.float64], ranges: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Samples right after a range switch take the first settled value instead of the switching spike."""
        before = np.concatenate(([self._range if self._range is not None else ranges[0]], ranges[:-1]))
        for switch in np.flatnonzero(ranges != before):
            settled = min(int(switch) + SETTLE_SAMPLES, len(current_a) - 1)
            current_a[int(switch) : settled] = current_a[settled]
        return current_a


class Ppk2:
    """The instrument on one port. Made by `open_monitor`."""

    def __init__(self, port: PortReader, simulator: PtyPort | None) -> None:
        self._port = port
        self._simulator = simulator
        self._supply_mv: int | None = None
        self._streaming = self._stopping = self._closed = False
        self._position = 0
        self._metadata = ""

    def open(self) -> None:
        """Off, in source mode, constants read."""
        self._port.write(bytes([0x07]))
        self._drain()
        self._port.write(bytes([0x0C, 0x00, 0x11, 0x02, 0x19]))
        deadline_s = time.monotonic() + ANSWER_S
        seen = b""
        while b"END" not in seen:
            if time.monotonic() > deadline_s:
                raise DeviceError(
                    f"no calibration data from {self._port.url}; received {seen[-60:]!r}",
                    means="this is not a PPK2, or another program talks to it",
                    hint="close nRF Connect, unplug and plug in the PPK2, then 'tinyperf energy check ppk2:port=...'",
                )
            seen += self._port.take(0.1)
        self._metadata = seen.decode("ascii", "replace")
        self._constants = calibration(self._metadata)

    def describe(self) -> Identity:
        match = re.search(r"HW: (\w+)", self._metadata)
        return Identity("ppk2", "PPK2", "", match[1] if match else "unknown", RATE_HZ, VERIFIED, ACCURACY)

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
        self._position = 0
        self._streaming, self._stopping = True, False
        self._port.write(bytes([0x06]))
        if self._simulator is not None:  # nothing acknowledges this command
            self._simulator.wait_for(self._port.written)

    def samples(self) -> Iterator[Chunk]:
        """See Monitor. A gap is known modulo 64 samples only: the sample counter has six bits."""
        while self._streaming:
            data = self._port.take(0.3 if self._stopping else 0.0)
            if not data:
                self._streaming = not self._stopping
                return
            yield from self._chunks(data)

    def _chunks(self, data: bytes) -> Iterator[Chunk]:
        current_a, falls, gaps = self._decoder.feed(data)
        power_w = current_a * (self._supply_mv or 0) * 1e-3
        edges = [0, *(at for at, _ in gaps), len(power_w)]
        missing = [0, *(lost for _, lost in gaps)]
        for begin, end, lost in zip(edges, edges[1:], missing, strict=False):
            self._position += lost
            # a level is known once a sample: the edge came up to one sample earlier
            pulses = tuple(self._position + f - begin - 0.5 for f in falls if begin <= f < end)
            yield Chunk(self._position, power_w[begin:end], pulses)
            self._position += end - begin

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
            if self._simulator is not None:
                self._simulator.close()

    def _drain(self) -> None:
        deadline_s = time.monotonic() + ANSWER_S
        while self._port.take(0.15) and time.monotonic() < deadline_s:
            pass


def open_monitor(options: dict[str, str]) -> Ppk2:
    """The PPK2 on options["port"]; `port=simulated` plays one on a pty."""
    only(options, OPTIONS, "ppk2")
    if "port" not in options:
        raise UsageError("ppk2: which port?", hint="for example --monitor ppk2:port=/dev/ttyACM0, or port=simulated")
    simulator = None
    port = options["port"]
    if port == "simulated":
        from tinyperf.virtual.instruments import ppk2

        simulator = ppk2.start(faults=options.get("fault", ""))
        port = simulator.path
    reader = PortReader(port, BAUD)
    monitor = Ppk2(reader, simulator)
    try:
        monitor.open()
    except BaseException:
        reader.close()
        if simulator is not None:
            simulator.close()
        raise
    return monitor
