"""PPK2: its bytes decoded alike in whatever pieces, and after whatever damage; spikes of range switches filtered."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyperf import content
from tinyperf.errors import DeviceError
from tinyperf.measure import monitor
from tinyperf.virtual import bench
from tinyperf.virtual.instruments import played_on
from tinyperf.virtual.instruments import ppk2 as simulator

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.measure.monitor import Chunk

ppk2: Any = content.load_module("energy", content.names("energy", ".py")["ppk2"])

SUPPLY_V = 1.8
CONSTANTS = ppk2.calibration(simulator.METADATA)
COUNT = 1200
SETTLING = 3


def words(
    adc: npt.NDArray[np.integer], ranges: npt.NDArray[np.integer], *, first: int = 0, logic: object = 1
) -> npt.NDArray[np.uint32]:
    """Samples in the wire format: ADC code, range, 6-bit counter, eight logic inputs."""
    numbers = (np.arange(len(adc)) + first) % 64
    packed: npt.NDArray[np.uint32] = (adc | ranges << 14 | numbers << 18 | np.asarray(logic, np.int64) << 24).astype(
        "<u4"
    )
    return packed


def noisy(seed: int) -> bytes:
    """Random codes, a range switch now and then, logic inputs that move, three pulses of ten samples on D0."""
    random = np.random.default_rng(seed)
    ranges = np.repeat(random.integers(0, 5, COUNT // 40), 40)
    logic = random.integers(0, 128, COUNT) << 1 | 1
    for begin in (300, 600, 900):
        logic[begin : begin + 10] &= ~1
    return words(random.integers(0, 1 << 14, COUNT), ranges, first=int(random.integers(64)), logic=logic).tobytes()


def decoded(data: bytes, cuts: tuple[int, ...] = ()) -> list[Chunk]:
    """What a decoder says of `data` fed in pieces."""
    decoder = ppk2.Decoder(CONSTANTS, SUPPLY_V)
    edges = [0, *sorted(min(c, len(data)) for c in cuts), len(data)]
    chunks = [chunk for a, b in itertools.pairwise(edges) for chunk in decoder.feed(data[a:b])]
    chunks += decoder.feed(b"", last=True)
    return chunks


def by_place(chunks: list[Chunk]) -> dict[int, float]:
    return {c.first + k: float(w) for c in chunks for k, w in enumerate(c.power_w)}


def pulses(chunks: list[Chunk]) -> list[float]:
    return [p for c in chunks for p in c.pulses]


def mean_ma(chunks: list[Chunk]) -> float:
    return float(np.concatenate([c.power_w for c in chunks]).mean()) / SUPPLY_V * 1e3


def switching(count: int, every: int, spike: int) -> bytes:
    """5 mA, ranges 2 and 3 in turns, and after each switch `spike` samples of ten times as much."""
    at = np.arange(count)
    ranges = np.where(at // every % 2, 3, 2)
    current_a = np.where((at % every < spike) & (at >= every), 0.05, 0.005)
    exact = current_a * np.array(simulator.RESISTORS_OHM)[ranges] / simulator.ADC_VOLTS / 4
    return words(np.floor(exact + at * 0.6180339887 % 1.0).clip(0, 0x3FFF).astype(np.int64), ranges).tobytes()


@pytest.mark.parametrize(("every", "spike"), [(20, 3), (10, 2), (7, 3)])
@pytest.mark.parametrize(
    "piece", [1 << 20, 1600, *(pytest.param(size, marks=pytest.mark.slow) for size in (8000, 400, 8, 3))]
)
def test_spikes_of_range_switches_never_count(every: int, spike: int, piece: int) -> None:
    data = switching(6000, every, spike)
    assert mean_ma(decoded(data, tuple(range(piece, len(data), piece)))) == pytest.approx(5.0, rel=2e-4)


def test_ranges_that_never_settle_are_missing_samples() -> None:
    chunks = decoded(switching(500, 20, 3) + words(np.full(500, 9000), np.arange(500) % 2, first=500).tobytes())
    assert mean_ma(chunks) == pytest.approx(5.0, rel=1e-3)
    assert len(by_place(chunks)) <= 500


@given(
    seed=st.integers(0, 1000),
    at=st.lists(st.integers(0, 4 * COUNT), max_size=3),
    cuts=st.lists(st.integers(0, 4 * COUNT), max_size=12),
)
def test_pieces_change_nothing_with_or_without_damage(seed: int, at: list[int], cuts: list[int]) -> None:
    data = noisy(seed)
    for place in at:
        data = data[:place] + data[place + 1 + seed % 7 :]
    whole, parts = decoded(data), decoded(data, tuple(cuts))
    assert by_place(parts) == by_place(whole)
    assert pulses(parts) == pulses(whole)


def damaged(data: bytes, how: str, at: int, size: int, noise: bytes) -> bytes:
    if how == "cut":
        return data[:at] + data[at + size :]
    if how == "insert":
        return data[:at] + noise[:size] + data[at:]
    return data[:at] + bytes([data[at] ^ (noise[0] or 1)]) + data[at + 1 :]


@settings(max_examples=300)
@given(
    seed=st.integers(0, 10000),
    how=st.sampled_from(["cut", "insert", "flip"]),
    places=st.sets(st.integers(0, 8), min_size=1, max_size=4),
    within=st.integers(0, 63),
    size=st.integers(1, 60),
)
def test_damage_costs_a_few_samples_and_shifts_none(
    seed: int, how: str, places: set[int], within: int, size: int
) -> None:
    data, noise = noisy(seed), np.random.default_rng(seed).bytes(60)
    whole = decoded(data)
    for place in sorted(places, reverse=True):
        data = damaged(data, how, 480 * place + 300 + within, size, noise)
    chunks = decoded(data)
    truth, found = by_place(whole), by_place(chunks)
    gap_ends = {at for at in found if at - 1 not in found}
    settling = {at + k for at in gap_ends for k in range(SETTLING)}
    # a flipped bit beside the counter shows in nothing: that sample is wrong, and where it looks like a range switch
    # those that settle around it
    excused = settling | {
        75 + 120 * place + within // 4 + k for place in places for k in range(-SETTLING, 5) if how == "flip"
    }
    assert all(found[at] == truth[at] for at in found if at not in excused)
    cost = 2 * ppk2.BREAK_WORDS + SETTLING + size // 4 + 2
    assert len(found) >= len(truth) - len(places) * cost
    if how != "flip":
        assert set(pulses(chunks)) <= {p + k for p in pulses(whole) for k in range(size + 20)}
    assert max(found) == max(truth)


@pytest.mark.parametrize("lost", range(1, 12))
def test_a_stream_whose_beginning_is_lost_is_found(lost: int) -> None:
    data = noisy(3)
    found, truth = by_place(decoded(data[lost:])), by_place(decoded(data))
    shift = max(truth) - max(found)
    assert 0 <= shift <= 3
    assert all(found[at] == truth[at + shift] for at in found if at > 20)


@pytest.mark.parametrize("step", [1, 4, 16, 64, 256])
@pytest.mark.parametrize("at", range(2000, 2004))
def test_a_rising_current_is_not_taken_for_a_counter(step: int, at: int) -> None:
    data = words(np.arange(COUNT) % 60 * step % (1 << 14), np.full(COUNT, 2)).tobytes()
    truth, found = by_place(decoded(data)), by_place(decoded(data[:at] + data[at + 1 :]))
    begin = next(k for k in found if k > 480 and k - 1 not in found)
    assert all(found[k] == truth[k] for k in found if k not in range(begin, begin + SETTLING))
    assert len(truth) - len(found) <= 12


@pytest.mark.parametrize("at", range(2000, 2004))
def test_where_current_and_counter_cannot_be_told_apart_nothing_is_believed(at: int) -> None:
    ramp = np.clip(np.arange(COUNT) - 300, 0, 600) * 4  # its codes count as the counter does, for 4 ms after the damage
    data = words(ramp, np.full(COUNT, 2)).tobytes()
    truth, found = by_place(decoded(data)), by_place(decoded(data[:at] + data[at + 1 :]))
    begin = next(k for k in found if k > 800 and k - 1 not in found)
    assert all(found[k] == truth[k] for k in found if k not in range(begin, begin + SETTLING))
    assert max(found) == COUNT - 1
    assert len(found) > 700


def test_bytes_that_are_no_samples_give_none() -> None:
    random = np.random.default_rng(1)
    assert by_place(decoded(random.integers(0, 256, 100_000, np.uint8).tobytes())) == {}


def test_a_lost_packet_is_counted() -> None:
    data = noisy(5)
    chunks = decoded(data[:800] + data[800 + 47 * 4 :])
    assert max(by_place(chunks)) == COUNT - 1
    assert COUNT - len(by_place(chunks)) == 47 + 2 * ppk2.BREAK_WORDS


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("said", ["nan", "-nan", None])
def test_a_constant_that_the_instrument_lacks_is_the_default(said: str | None, end: str) -> None:
    text = simulator.METADATA.replace("R2: 10.15\n", f"R2: {said}\n" if said else "").replace("GI1: 1\n", "GI1: 1.25\n")
    constants = ppk2.calibration(text.replace("\n", end))
    assert (constants.r[2], constants.gi[1]) == (10.15, 1.25)


@pytest.mark.parametrize("said", ["1.0.15", "-", "1a.15", "", "1e999", "-3", "inf", "10.15 R3: 0.94"])
def test_a_damaged_constant_is_said(said: str) -> None:
    with pytest.raises(DeviceError, match="calibration data hold 'R2: "):
        ppk2.calibration(simulator.METADATA.replace("R2: 10.15\n", f"R2: {said}\n"))


def recorded(text: str) -> list[Chunk]:
    """Two seconds of 30 mW through the driver and its simulator."""
    target = bench.Bench()
    with monitor.opened(text, played_on(target)) as instrument:
        instrument.set_supply_mv(3000)
        instrument.power(on=True)
        instrument.start()
        chunks: list[Chunk] = []
        for k in range(1, 41):
            target.advance(0.05 * k, 0.03, [])
            chunks += instrument.samples()
        instrument.stop()
        chunks += instrument.samples()
    return chunks


@pytest.mark.parametrize(
    ("fault", "lost"),
    [
        pytest.param("lost", 16 + 2 * ppk2.BREAK_WORDS, id="packet-lost"),
        pytest.param("cut", 2 * ppk2.BREAK_WORDS, id="byte-lost"),
        pytest.param("torn-metadata", 0, id="metadata-torn"),
    ],
)
def test_the_driver_measures_the_same_after_a_fault(fault: str, lost: int) -> None:
    chunks = recorded(f"ppk2:port=simulated,fault={fault}")
    places = by_place(chunks)
    assert np.mean(list(places.values())) == pytest.approx(0.03, rel=2e-3)
    assert 2 * simulator.RATE_HZ - len(places) == pytest.approx(lost, abs=lost + 10)
    assert (max(places) + 1 - len(places)) in {lost, 2 * lost}
