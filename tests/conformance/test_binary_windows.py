"""Binary windows (docs/protocol.md 1.11) against the firmware as a process: whatever the line does, no wrong score."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.test_conformance import image_of
from tinyperf.device import protocol
from tinyperf.device.dut import Dut
from tinyperf.device.process import ProcessLink
from tinyperf.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tinyperf.device.link import Transport

SILENCE_S = 0.05
"""So long nothing comes from the process: nothing will come. What a host waits then passes on the line's own clock."""


def unchanged(data: bytes) -> bytes:
    return data


class Line:
    """A link whose next frame or answer is damaged, and whose every write and read comes in pieces."""

    transport: Transport = "process"

    def __init__(self, link: ProcessLink) -> None:
        self.link = link
        self.damage: Callable[[bytes], bytes] = unchanged
        self.damage_answer: Callable[[bytes], bytes] = unchanged
        self.pieces = 1 << 20
        self.late = b""
        self.waited_s = 0.0

    def write(self, data: bytes) -> None:
        if protocol.WINDOW in data:
            data, self.damage = self.damage(data), unchanged
        for at in range(0, len(data), self.pieces):
            self.link.write(data[at : at + self.pieces])

    def read(self, timeout_s: float) -> bytes:
        data, self.late = self.late or self.link.read(min(timeout_s, SILENCE_S)), b""
        self.waited_s += 0.0 if data else timeout_s
        if b"m-results" in data:
            data, self.damage_answer = self.damage_answer(data), unchanged
        self.late = data[self.pieces :]
        return data[: self.pieces]

    def now_s(self) -> float:
        return self.link.now_s() + self.waited_s

    def close(self) -> None:
        self.link.close()


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    line = Line(ProcessLink(image_of("host", "several").path))
    yield line
    line.close()


def scores(data: bytes) -> tuple[float, ...]:
    """What the fake engine gives for an input, as the line prints it: int8 code / 2048, int16, float32."""
    real = int.from_bytes(data[:1], "little", signed=True) / 2048
    return float(f"{real:.3f}"), float(int.from_bytes(data[1:3], "little", signed=True)), 1.5


inputs = st.binary(min_size=3, max_size=3).map(lambda head: head + b"\0\0\xc0\x3f")


def broken(data: bytes, at: int, how: int) -> bytes:
    """A byte is lost, comes twice, or is another one."""
    at %= len(data)
    return data[:at] + (b"", data[at : at + 1] * 2, bytes([data[at] ^ 1 << at % 8]))[how] + data[at + 1 :]


once = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.slow
@once
@given(inputs, inputs, st.integers(1, 9))
def test_any_chunking_gives_the_scores_of_the_input(line: Line, first: bytes, second: bytes, pieces: int) -> None:
    line.pieces = pieces
    dut = Dut(line)
    dut.connect()
    for data in (first, second):
        assert dut.trial("x", data, 1, 0).results == scores(data)


@pytest.mark.slow
@settings(once, max_examples=25)
@given(inputs, st.integers(0, 200), st.integers(0, 2), st.booleans())
def test_a_damaged_line_never_gives_a_wrong_score(line: Line, data: bytes, at: int, how: int, answer: bool) -> None:
    line.pieces = 1 << 20
    dut = Dut(line)
    dut.connect()
    line.damage = line.damage_answer = unchanged
    if answer:
        line.damage_answer = lambda said: broken(said, at, how)
    else:
        line.damage = lambda sent: broken(sent, at, how)
    with contextlib.suppress(DeviceError):  # an error is honest, and the line may be so bad
        assert dut.trial("x", data, 1, 0).results == scores(data)
    line.damage = line.damage_answer = unchanged
    assert dut.trial("y", data, 1, 0).results == scores(data)


def test_an_input_that_begins_with_the_end_of_the_one_before_costs_only_the_rest(line: Line) -> None:
    line.pieces = 1 << 20
    dut = Dut(line)
    dut.connect()
    sent: list[int] = []

    def noted(data: bytes) -> bytes:
        sent.append(len(data) - len(protocol.WINDOW) - protocol.FRAME_HEADER.size)
        return data

    for data, (code, whole) in (
        (b"\x01\x02\x03\x00\x00\xc0\x3f", (0.0, 770.0)),
        (b"\0\0\xc0\x3f\0\xc0\x3f", (0.0, -16384.0)),
    ):
        line.damage = noted
        inference = dut.trial("x", data, 1, 0)
        assert inference.results[:2] == (code, whole)
    assert sent == [7, 3]
