"""A Joulescope JS220 at the API of pyjoulescope_driver: publish, subscribe, and data blocks from a thread.

Only the topics that our driver uses exist; an unknown one is refused, as the real driver does. Source:
pyjoulescope_driver 1.x (`record.py`: topics, block fields, sample ids at 2 MHz).
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.virtual.bench import Bench, Sampler
from tinyperf.virtual.instruments.lpm01a import parse_faults

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

FAULTS = {
    "lost": "a block of 50 ms is dropped every 2 s",
    "extra": "one more pulse, in the middle of the third window",
    "missing": "the fourth pulse does not show",
    "bounce": "every pulse comes twice, 3 ms apart",
    "unpowered": "the target draws nothing",
    "absent": "no instrument is connected",
    "back": "its sample numbers jump a second back after 3 s",
    "overload": "50 ms above what it can measure, every 2 s",
    "unplugged": "goes silent after 3 s",
}
PATH = "u/js220/002122"
ID_RATE_HZ = 2_000_000
GPI_DECIMATE = 2
PULSE_S = 10e-6
BLOCK_S = 0.05
OVERLOAD_W = 200.0  # 10 A at 20 V: the least that shows as more than the instrument measures
TOPICS = {"h/fs", "s/i/range/mode", "s/v/range/mode", "s/p/ctrl", "s/gpi/0/ctrl", "s/v/ctrl"}


@dataclass
class Driver:
    """Stands for `pyjoulescope_driver.Driver`. `faults` is a set of names from FAULTS."""

    bench: Bench
    faults: frozenset[str] = frozenset()
    _settings: dict[str, Any] = field(default_factory=lambda: {"h/fs": 1_000_000})
    _subscribers: dict[str, Callable[[str, dict[str, Any]], None]] = field(default_factory=dict)
    _sampler: Sampler | None = None
    _origin_id: int = 123_456_000
    _seen: int = 0
    _due: list[float] = field(default_factory=list)
    _closing: bool = False
    _moved: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None

    def device_paths(self) -> list[str]:
        return [] if "absent" in self.faults else [PATH]

    def open(self, path: str, mode: str = "defaults") -> None:
        if path != PATH or mode != "defaults":
            msg = f"cannot open {path} with {mode}"
            raise RuntimeError(msg)
        self.bench.listen(self._moved.set)
        self._thread = threading.Thread(target=self._run, name="simulated joulescope", daemon=True)
        self._thread.start()

    def query(self, topic: str) -> Any:
        if topic == f"{PATH}/c/fw/version":
            return 0x0100_0003
        return self._settings[self._name(topic)]

    def publish(self, topic: str, value: Any) -> None:
        name = self._name(topic)
        if name not in TOPICS:
            msg = f"no topic {topic}"
            raise RuntimeError(msg)
        self._settings[name] = value
        if name == "s/i/range/mode":
            self.bench.switch(on=value != "off")
        if name == "s/p/ctrl":
            with self._lock:
                if value:
                    self._sampler = Sampler(self.bench, float(self._settings["h/fs"]))
                    self._seen, self._due = 0, []
                else:
                    while self._sampler and not self.bench.paced and self._block():
                        pass
                    self._sampler = None
            self._moved.set()

    def subscribe(self, topic: str, _flags: list[str], callback: Callable[[str, dict[str, Any]], None]) -> None:
        self._subscribers[self._name(topic)] = callback

    def unsubscribe(self, topic: str, _callback: Callable[[str, dict[str, Any]], None]) -> None:
        self._subscribers.pop(self._name(topic), None)

    def close(self, _path: str) -> None:
        if self._thread is not None:
            self._closing = True
            self._moved.set()
            self._thread.join()
            self.bench.unlisten(self._moved.set)
            self._thread = None

    def finalize(self) -> None:
        self.close(PATH)

    @staticmethod
    def _name(topic: str) -> str:
        return topic.removeprefix(PATH + "/")

    def _run(self) -> None:
        while not self._closing:
            if self.bench.paced:
                time.sleep(BLOCK_S / 2)
            else:
                self._moved.wait()
                self._moved.clear()
            with self._lock:
                while self._block() and not self.bench.paced and not self._closing:
                    pass

    def _block(self) -> bool:
        """Deliver one block; False where none is due."""
        sampler = self._sampler
        if sampler is None:
            return False
        count = min(sampler.due(), int(sampler.rate_hz * BLOCK_S * 20))
        count -= count % 8  # the pin's levels travel eight to a byte
        first_s, length_s = sampler.done / sampler.rate_hz, count / sampler.rate_hz
        if not count or ("unplugged" in self.faults and first_s > 3.0):
            return False
        power_w, pulses = sampler.take(count)
        if "unpowered" in self.faults:
            power_w = np.zeros_like(power_w)
        bits = self._bits(first_s, length_s, [p / sampler.rate_hz for p in pulses])
        if "lost" in self.faults and int(first_s / 2) != int((first_s + length_s) / 2):
            power_w = power_w[: -int(BLOCK_S * sampler.rate_hz)]
        if "overload" in self.faults and int(first_s / 2) != int((first_s + length_s) / 2):
            power_w[: int(BLOCK_S * sampler.rate_hz)] = OVERLOAD_W
        self._deliver("s/p/!data", first_s, ID_RATE_HZ // int(sampler.rate_hz), power_w.astype(np.float32))
        self._deliver("s/gpi/0/!data", first_s, GPI_DECIMATE, np.packbits(bits, bitorder="little"))
        return True

    def _bits(self, first_s: float, length_s: float, pulses_s: list[float]) -> npt.NDArray[np.uint8]:
        for pulse in pulses_s:
            self._seen += 1
            if not ("missing" in self.faults and self._seen == 4):
                self._due.append(pulse)
            if "bounce" in self.faults:
                self._due.append(pulse + 0.003)
            if "extra" in self.faults and self._seen == 6:
                self._due.append(pulse + 2.5)
        rate_hz = ID_RATE_HZ / GPI_DECIMATE
        bits = np.ones(round(length_s * rate_hz), dtype=np.uint8)
        for pulse in self._due:
            begin = int(np.ceil((pulse - first_s) * rate_hz))
            bits[max(begin, 0) : max(begin + int(PULSE_S * rate_hz), 0)] = 0
        self._due = [p for p in self._due if p + PULSE_S > first_s + length_s]
        return bits

    def _deliver(self, name: str, first_s: float, decimate: int, data: npt.NDArray[Any]) -> None:
        back = ID_RATE_HZ if "back" in self.faults and first_s > 3.0 else 0
        if name in self._subscribers:
            block = {
                "sample_id": self._origin_id + round(first_s * ID_RATE_HZ) - back,
                "utc": 0,
                "sample_rate": ID_RATE_HZ,
                "decimate_factor": decimate,
                "data": data,
            }
            self._subscribers[name](f"{PATH}/{name}", block)


def stand_in(bench: Bench, faults: str) -> Driver:
    """What the driver module talks to in place of pyjoulescope_driver's Driver."""
    return Driver(bench, parse_faults(faults, FAULTS))
