"""LPM01A: decoders against documented vectors and random bytes, the driver against its simulator and its faults."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyperf import content
from tinyperf.errors import DeviceError
from tinyperf.measure import monitor
from tinyperf.virtual import bench
from tinyperf.virtual.instruments import played_on

lpm01a: Any = content.load_module("energy", content.names("energy", ".py")["lpm01a"])


def play(text: str, run_s: float = 4.0, *, steps: int = 40) -> tuple[bench.Bench, list[monitor.Chunk]]:
    """One recording of a bench that advances in virtual time, a pulse every half second."""
    target = bench.Bench()
    with monitor.opened(text, played_on(target)) as instrument:
        instrument.set_supply_mv(3000)
        instrument.power(on=True)
        instrument.start()
        chunks: list[monitor.Chunk] = []
        for k in range(1, steps + 1):
            at_s = k * run_s / steps
            target.advance(at_s, 0.03, [at_s - run_s / steps / 2] if k % 5 == 0 else [])
            chunks += instrument.samples()
        instrument.stop()
        chunks += instrument.samples()
    return target, chunks


def pulses(chunks: list[monitor.Chunk]) -> list[float]:
    return [p for c in chunks for p in c.pulses]


def samples(chunks: list[monitor.Chunk]) -> int:
    return sum(len(c.power_w) for c in chunks)


def notes(chunks: list[monitor.Chunk]) -> str:
    return "; ".join(n for c in chunks for n in c.notes)


def test_documented_vectors() -> None:
    ascii_items = lpm01a.AsciiDecoder().feed(
        b"6409-07\r\nTimeStamp: 001s 000ms, buff 00%\r\n\x006410-07\r\n"
        b"event 3 ris\r\nTimeStamp:>002s 000ms, buff 07%\r\n64\r\n"
    )
    assert ascii_items[0].values[0] == pytest.approx(640.9e-6)
    assert ascii_items[1:] == [
        lpm01a.Stamp(1000, 0),
        ascii_items[2],
        lpm01a.Event(3),
        lpm01a.Stamp(2000, 7),
        lpm01a.Rejected(b"64"),
    ]
    binary = lpm01a.BinaryDecoder().feed(
        b"\xf0\xf3\0\0\x03\xe8\x05\xff\xff\x52\xa0\xf0\xf5\xff\xff\xf0\xf4\xff\xffend\r\n"
    )
    assert binary[0] == lpm01a.Stamp(1000, 5)
    assert binary[1].values[0] == pytest.approx(640.9e-6, rel=1e-3)
    assert [i.line.strip() for i in binary[2:]] == ["Overcurrent", "end", "end"]


def flat(items: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in items:
        found += list(item.values) if isinstance(item, lpm01a.Samples) else [item]
    return found


@pytest.mark.parametrize("kind", ["AsciiDecoder", "BinaryDecoder"])
@given(
    data=st.binary(max_size=200)
    | st.builds(lambda a, b: a + b * 400 + a, st.binary(max_size=50), st.binary(max_size=9)),
    cuts=st.lists(st.integers(0, 4000), max_size=8),
)
def test_any_bytes_decode_alike_however_they_are_cut(kind: str, data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(c, len(data)) for c in cuts), len(data)]
    whole = getattr(lpm01a, kind)().feed(data)
    decoder = getattr(lpm01a, kind)()
    parts = [i for a, b in itertools.pairwise(edges) for i in decoder.feed(data[a:b])]
    assert flat(parts) == flat(whole)


LINES = [f"{4000 + k % 2000:04d}-05" for k in range(2000)]
ASCII = "".join(
    f"{line}\r\n" + (f"TimeStamp: {k // 1000:03d}s {k % 1000:03d}ms, buff 00%\r\n" if k % 1000 == 0 else "")
    for k, line in enumerate(LINES, 1)
).encode()


def by_place(chunks: list[monitor.Chunk]) -> dict[int, float]:
    return {c.first + k: float(w) for c in chunks for k, w in enumerate(c.power_w)}


class Port:
    """A port on which everything has arrived."""

    url = "a test"

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)

    def write(self, data: bytes) -> None:
        """Nobody listens."""

    def take(self, _timeout_s: float = 0.0) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


def delivered(stream: bytes, *, freq: str = "1k", binary: bool = False) -> list[monitor.Chunk]:
    """What the driver makes of a stream."""
    instrument = lpm01a.Lpm01a(Port(b"PowerShield > ack start\r\n\r\n", stream), freq=freq, binary=binary)
    instrument.start()
    return list(instrument.samples())


TRUTH = by_place(delivered(ASCII))


@settings(max_examples=60)
@given(
    how=st.sampled_from(["cut", "insert"]),
    at=st.sets(st.integers(0, 8), min_size=1, max_size=4),
    within=st.integers(0, 40),
    size=st.integers(1, 8),  # whole lines less may be cut out of the middle of two: nothing shows that
    noise=st.binary(min_size=8, max_size=8),
)
def test_damaged_text_costs_a_few_samples(how: str, at: set[int], within: int, size: int, noise: bytes) -> None:
    data = ASCII
    for place in sorted(1900 * k + 100 + within for k in at)[::-1]:
        data = data[:place] + (noise[:size] + data[place:] if how == "insert" else data[place + size :])
    found, truth = by_place(delivered(data)), TRUTH
    assert set(found.values()) <= set(truth.values())
    assert len(truth) - 3 * len(at) <= len(found) <= len(truth)
    assert abs(max(found) - max(truth)) <= 3 * len(at)


def test_a_torn_line_is_a_missing_sample_in_its_place() -> None:
    data = ASCII.replace(b"4500-05", b"450-05", 1).replace(b"4700-05\r\n", b"4700-05", 1)
    found, truth = by_place(delivered(data)), by_place(delivered(ASCII))
    assert set(truth) - set(found) == {500, 700, 701}
    assert all(found[k] == truth[k] for k in found)


def test_one_damaged_time_stamp_moves_nothing() -> None:
    assert by_place(delivered(ASCII.replace(b"001s", b"901s"))) == by_place(delivered(ASCII))


STAMPED = b"".join(
    b"\xf0\xf3" + (10 * k).to_bytes(4, "big") + b"\0\xff\xff" + np.arange(0x5200, 0x5200 + 1000).astype(">u2").tobytes()
    for k in range(6)
)


@pytest.mark.parametrize("how", ["cut", "insert", "two"])
@pytest.mark.parametrize("within", [0, 3, 8, 9, 10, 1000, 2008])
def test_damaged_words_cost_their_block(how: str, within: int) -> None:
    stamp = b"\xf0\xf3" + (60).to_bytes(4, "big") + b"\0\xff\xff"
    whole, at = STAMPED + stamp, 2 * 2009 + within
    size = 2 if how == "two" else 1
    data = whole[:at] + b"\x52" + whole[at:] if how == "insert" else whole[:at] + whole[at + size :]
    found, truth = (by_place(delivered(d, freq="100k", binary=True)) for d in (data, whole))
    assert len(truth) == 6000
    assert len(found) >= 4000
    assert set(found.values()) <= set(truth.values())
    assert all(found[k] == truth[k] for k in found if k < 2000)


def test_random_streams_neither_fail_nor_hang() -> None:
    random = np.random.default_rng(1)
    for _ in range(300):
        data = random.choice(np.array([0x00, 0x0D, 0x0A, 0xF0, 0xF1, 0xF3, 0xF4, 0xFF, 0x30, 0x52], np.uint8), 4000)
        decoder = lpm01a.BinaryDecoder()
        decoder.feed(data[:2001].tobytes())
        decoder.feed(data[2001:].tobytes())


def test_a_clean_recording() -> None:
    target, chunks = play("lpm01a:port=simulated")
    assert samples(chunks) == 4000
    assert notes(chunks) == ""
    assert pulses(chunks) == [450, 950, 1450, 1950, 2450, 2950, 3450, 3950]
    assert np.concatenate([c.power_w for c in chunks]).mean() == pytest.approx(0.03, rel=1e-3)
    assert target.log[-1][1] == "power off"


def test_the_binary_stream_carries_the_same_power() -> None:
    _, chunks = play("lpm01a:port=simulated,format=binary")
    assert samples(chunks) == 400_000
    assert np.concatenate([c.power_w for c in chunks]).mean() == pytest.approx(0.03, rel=2e-3)


@pytest.mark.parametrize(
    ("fault", "run_s", "lost", "words"),
    [
        pytest.param("nul", 4.0, 0, "", id="nul-is-harmless"),
        pytest.param("late-banner", 4.0, 0, "", id="late-banner-is-harmless"),
        pytest.param("sticky", 4.0, 0, "", id="sticky-state-is-harmless"),
        pytest.param("lost", 10.0, 100, "", id="lost-samples-are-counted"),
        pytest.param("buffer", 4.0, 0, "buffer was full", id="buffer-full"),
        pytest.param("overcurrent", 5.0, 2000, "Overcurrent", id="overcurrent"),
        pytest.param("reset", 5.0, 2000, "ended by itself", id="reset"),
    ],
)
def test_faults_are_seen(fault: str, run_s: float, lost: int, words: str) -> None:
    target, chunks = play(f"lpm01a:port=simulated,fault={fault}", run_s)
    assert words in notes(chunks)
    assert bool(notes(chunks)) == bool(words)
    assert samples(chunks) == run_s * 1000 - lost
    assert target.log[-1][1] == "power off"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param("old", "refused 'pwr off' (firmware 1.0.4)", id="old-firmware"),
        pytest.param("mute", "no answer to 'htc'", id="mute", marks=pytest.mark.slow),
    ],
)
def test_an_instrument_that_cannot_be_used_is_an_error(fault: str, words: str) -> None:
    with pytest.raises(DeviceError) as caught:
        monitor.open_monitor(f"lpm01a:port=simulated,fault={fault}", played_on())
    assert words in caught.value.seen


class StopHereError(Exception):
    """Anything that goes wrong in mid-run."""


def measure_and_fail(name: str, target: bench.Bench, error: type[BaseException]) -> None:
    with monitor.opened(name, played_on(target)) as instrument:
        instrument.set_supply_mv(3000)
        instrument.power(on=True)
        instrument.start()
        raise error


@pytest.mark.parametrize("name", ["lpm01a:port=simulated", "ppk2:port=simulated", "joulescope:port=simulated"])
@pytest.mark.parametrize("error", [StopHereError, KeyboardInterrupt])
def test_the_target_is_off_after_any_exception(name: str, error: type[BaseException]) -> None:
    target = bench.Bench()
    with pytest.raises(error):
        measure_and_fail(name, target, error)
    assert "power on" in [what for _, what in target.log]
    assert target.log[-1][1] == "power off"


@pytest.mark.parametrize(
    ("name", "rate"), [pytest.param("ppk2", 100_000, id="ppk2"), pytest.param("joulescope", 100_000, id="joulescope")]
)
def test_the_other_instruments_measure_the_same(name: str, rate: int) -> None:
    target, chunks = play(f"{name}:port=simulated", 2.0)
    assert samples(chunks) == pytest.approx(2.0 * rate, abs=8)
    assert np.concatenate([c.power_w for c in chunks]).mean() == pytest.approx(0.03, rel=2e-3)
    assert pulses(chunks) == pytest.approx(
        [x * rate for x in (0.225, 0.475, 0.725, 0.975, 1.225, 1.475, 1.725, 1.975)], abs=1
    )
    assert target.log[-1][1] == "power off"


def test_ppk2_counts_lost_samples() -> None:
    _, chunks = play("ppk2:port=simulated,fault=lost", 2.0)
    assert max(c.first + len(c.power_w) for c in chunks) - samples(chunks) in {24, 48}


def test_a_pulse_on_the_edge_of_what_is_known_is_not_lost() -> None:
    target = bench.Bench()
    sampler = bench.Sampler(target, 1000.0)
    edge_s = math.nextafter(1.0, 0.0)  # rounding counts 1000 samples up to here
    target.advance(math.nextafter(edge_s, 0.0), 0.03)
    _, before = sampler.take(sampler.due())
    target.advance(2.0, 0.03, [edge_s])
    _, after = sampler.take(sampler.due())
    assert (before, sampler.done) == ([], 2000)
    assert after == pytest.approx([1000.0])
