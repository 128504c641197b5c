"""Joulescope JS220 and JS110: measure in the supply line of an external source, 1 or 2 MS/s; timestamp on GPI 0.

By pyjoulescope_driver. The instrument cannot set a voltage; "off" opens its current path, which powers the target off.
Power and GPI 0 share one sample counter, so an edge is known to 1 us.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tinyperf.errors import DeviceError, MissingExtraError, UsageError
from tinyperf.measure.monitor import Chunk, Identity
from tinyperf.rules.joules import JOULESCOPE_RANGE_W

if TYPE_CHECKING:
    from collections.abc import Iterator

VERIFIED: Final = "simulated"
OPTIONS = {
    "device": "serial number, where several are connected",
    "freq": "samples per second, 1000 to 1000000 (default 100000)",
}
WIRING = {
    "title": "Joulescope JS220 or JS110",
    "range": "the voltage of the supply",
    "supply": "OUT +",
    "ground": "OUT -",
    "source": "low-noise supply",
    "input": "IN + and IN -",
    "timestamp": "JS220: GPI 0, JS110: IN0",
}
ACCURACY = 0.005  # JS220 data sheet: power within 0.25 % of reading plus offsets of the ranges a microcontroller uses
STOP_S = 0.5


class Joulescope:
    """One instrument by its driver. Made by `open_monitor`."""

    def __init__(self, driver: Any, path: str, rate_hz: int) -> None:
        self._driver = driver
        self._path = path
        self._rate_hz = rate_hz
        self._js110 = "js110" in path
        self._arrived = threading.Condition()
        self._blocks: list[tuple[str, dict[str, Any]]] = []
        self._first_id: int | None = None
        self._position = 0
        self._level = 1
        self._edges_id: list[float] = []
        self._streaming = self._stopping = self._closed = False

    def _ask(self, call: str, *arguments: Any, **options: Any) -> Any:
        """One call of the driver.

        Raises: DeviceError: whatever it raised.
        """
        try:
            return getattr(self._driver, call)(*arguments, **options)
        except (RuntimeError, OSError, ValueError, KeyError) as exc:
            raise DeviceError(
                f"the Joulescope {self._path} failed at '{call}': {exc or type(exc).__name__}",
                means="it was unplugged, or another program has it open",
                hint="close other programs, plug it in again",
            ) from exc

    def open(self) -> None:
        """Current path open (target off), sensor ranges automatic, output rate set."""
        self._ask("open", self._path, mode="defaults")
        self.power(on=False)
        if self._js110:
            self._ask("publish", f"{self._path}/s/v/range/select", "15 V")
        else:
            self._ask("publish", f"{self._path}/s/v/range/mode", "auto")
        self._ask("publish", f"{self._path}/h/fs", self._rate_hz)
        for topic in ("s/p/!data", "s/gpi/0/!data"):
            self._ask("subscribe", f"{self._path}/{topic}", ["pub"], self._on_data)

    def _on_data(self, topic: str, block: dict[str, Any]) -> None:
        """Called by the driver's thread."""
        with self._arrived:
            self._blocks.append((topic, {**block, "data": np.array(block["data"])}))
            self._arrived.notify_all()

    def describe(self) -> Identity:
        try:
            version = int(self._ask("query", f"{self._path}/c/fw/version"))
            firmware = f"{version >> 24}.{version >> 16 & 0xFF}.{version & 0xFFFF}"
        except (DeviceError, ValueError, TypeError):
            firmware = "unknown"
        model = self._path.split("/")[1].upper()
        return Identity(
            "joulescope",
            model,
            self._path.split("/")[-1],
            firmware,
            float(self._rate_hz),
            VERIFIED,
            ACCURACY,
            JOULESCOPE_RANGE_W,
        )

    def set_supply_mv(self, supply_mv: int) -> None:
        """The supply is external: nothing to set. Power is measured, so a wrong voltage shows in no wrong figure."""

    def power(self, *, on: bool) -> None:
        topic = "s/i/range/select" if self._js110 else "s/i/range/mode"
        self._ask("publish", f"{self._path}/{topic}", "auto" if on else "off")

    def start(self) -> None:
        with self._arrived:
            self._blocks.clear()
        self._first_id, self._position, self._level, self._edges_id = None, 0, 1, []
        self._streaming, self._stopping = True, False
        for topic in ("s/gpi/0/ctrl", "s/p/ctrl"):
            self._ask("publish", f"{self._path}/{topic}", 1)

    def samples(self) -> Iterator[Chunk]:
        """See Monitor. A gap in the sample ids is a gap in `first`."""
        while self._streaming:
            with self._arrived:
                if not self._blocks and self._stopping:
                    self._arrived.wait(STOP_S)
                blocks, self._blocks = self._blocks, []
            if not blocks:
                self._streaming = not self._stopping
                return
            for topic, block in blocks:
                yield from self._gpi(block) if "/gpi/" in topic else self._power(block)

    def _power(self, block: dict[str, Any]) -> Iterator[Chunk]:
        if self._first_id is None:
            self._first_id = block["sample_id"]
        first = (block["sample_id"] - self._first_id) // block["decimate_factor"]
        power_w = np.asarray(block["data"], dtype=np.float64)
        bad = int(np.count_nonzero(~np.isfinite(power_w)))
        notes = [f"{bad} samples were lost inside a block"] if bad else []
        if first < self._position:
            notes.append(f"the instrument's sample numbers jump back from {self._position} to {first}")
        self._position = first + len(power_w)
        yield Chunk(first, power_w, self._pulses(), tuple(notes))

    def _gpi(self, block: dict[str, Any]) -> Iterator[Chunk]:
        bits = np.unpackbits(block["data"], bitorder="little").astype(np.int8)
        for fall in np.flatnonzero(np.diff(np.concatenate(([self._level], bits))) == -1):
            # low is seen once a sample: the edge came up to one sample earlier
            self._edges_id.append(block["sample_id"] + (float(fall) - 0.5) * block["decimate_factor"])
        self._level = int(bits[-1]) if len(bits) else self._level
        if pulses := self._pulses():
            yield Chunk(0, np.empty(0), pulses)

    def _pulses(self) -> tuple[float, ...]:
        """Edges seen so far as positions in power samples, once sample 0 is known."""
        if self._first_id is None:
            return ()
        ids, self._edges_id = self._edges_id, []
        return tuple((i - self._first_id) * self._rate_hz / 2e6 for i in ids)

    def stop(self) -> None:
        if self._streaming:
            for topic in ("s/p/ctrl", "s/gpi/0/ctrl"):
                self._ask("publish", f"{self._path}/{topic}", 0)
            self._stopping = True

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            self.stop()
            self.power(on=False)
            self._ask("close", self._path)
        finally:
            self._driver.finalize()


def open_monitor(options: dict[str, str], driver: Any = None) -> Joulescope:
    """The only Joulescope that `driver` (pyjoulescope_driver's) finds, or the one with the serial number "device"."""
    freq = options.get("freq", "100000").replace("k", "000").replace("M", "000000")
    if not freq.isdecimal() or not 1000 <= int(freq) <= 1_000_000 or 2_000_000 % int(freq):
        raise UsageError(f"joulescope: freq={options['freq']}", hint="choose 1k, 10k, 100k, 200k, 500k or 1M")
    if driver is None:
        try:
            from pyjoulescope_driver import Driver
        except ImportError as exc:
            raise MissingExtraError(
                "pyjoulescope_driver is not installed", hint="pip install 'tinyperf[joulescope]'"
            ) from exc
        driver = Driver()
    wanted = options.get("device", "")
    paths = [p for p in driver.device_paths() if p.endswith(wanted)]
    if len(paths) != 1:
        driver.finalize()
        raise DeviceError(
            f"{len(paths)} Joulescopes found{' for ' + wanted if wanted else ''}, one is expected",
            means="it is not plugged in, its udev rule is missing, or several are connected",
            hint="name one with joulescope:device=SERIAL; on Linux install the driver's udev rule",
        )
    monitor = Joulescope(driver, paths[0], int(freq))
    try:
        monitor.open()
    except BaseException:
        driver.finalize()
        raise
    return monitor
