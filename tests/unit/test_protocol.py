"""The parser against protocol.md's tables, noise, and any chunking; expectations by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyperf.device import protocol as p
from tinyperf.device.protocol import (
    Build,
    Crc,
    Event,
    Expecting,
    Fault,
    InferDone,
    InferStart,
    Limits,
    Loaded,
    ModelId,
    Name,
    Noise,
    Note,
    Parser,
    Profile,
    Ready,
    Refused,
    Reset,
    Results,
    Timestamp,
)
from tinyperf.errors import UsageError


@pytest.mark.parametrize(
    ("wire", "events"),
    [
        pytest.param(b"m-ready\r\n", [Ready()], id="ready"),
        pytest.param(b"m-ready\n", [Ready()], id="newline alone ends a line"),
        pytest.param(b"m\0-re\rady\r\0\r\n", [Ready()], id="NUL and CR are dropped anywhere"),
        pytest.param(b"m-name-dut-[unspecified]\r\n", [Name("dut", "unspecified")], id="name"),
        pytest.param(b"m-name-ebaz-4205-[x]\r\n", [Name("ebaz-4205", "x")], id="name of a device that is no dut"),
        pytest.param(
            b"m-profile-[ULPMark for tinyML Firmware V0.0.1]\r\nm-model-[kws01]\r\n",
            [Profile("ULPMark for tinyML Firmware V0.0.1"), ModelId("kws01")],
            id="profile",
        ),
        pytest.param(b"m-lap-us-4294967295\r\n", [Timestamp(4294967295)], id="timestamp"),
        pytest.param(b"m-lap-us-12x\r\n", [Note("m-lap-us-12x")], id="a timestamp with a letter is none"),
        pytest.param(b"m-infer-start-150\r\n", [InferStart(150)], id="infer start"),
        pytest.param(b"m-infer-done\r\n", [InferDone()], id="infer done"),
        pytest.param(b"m-results-[0.004,0.996]\r\n", [Results((0.004, 0.996))], id="results"),
        pytest.param(b"m-results-[0.1, -0.5,]\r\n", [Results((0.1, -0.5))], id="results with blanks and a last comma"),
        pytest.param(b"m-results-[11.772]\r\n", [Results((11.772,))], id="one result"),
        pytest.param(
            b"m-results-[0.1,nan]\r\n",
            [Noise(b"m-results-[0.1,nan]", "results that are no numbers")],
            id="results that are no numbers",
        ),
        pytest.param(b"m-[Expecting 490 bytes]\r\n", [Expecting(490)], id="expecting"),
        pytest.param(b"m-load-done\r\n", [Loaded()], id="load done"),
        pytest.param(b"e-[Unknown command: foo]\r\n", [Refused("Unknown command: foo")], id="refused"),
        pytest.param(b"m-build-[" + b"0A" * 16 + b"]\r\n", [Build("0a" * 16)], id="build id, lower case"),
        pytest.param(b"m-build-[12]\r\n", [Note("m-build-[12]")], id="a short build id is none"),
        pytest.param(b"m-limits-[cmd=80,db=31]\r\n", [Limits(80, 31)], id="limits"),
        pytest.param(b"m-crc-[cbf43926]\r\n", [Crc(0xCBF43926)], id="crc"),
        pytest.param(
            b"m-timestamp-mode-performance\r\n",
            [Reset("m-timestamp-mode-performance", "performance")],
            id="greeting",
        ),
        pytest.param(b"m-init-done\r\n", [Reset("m-init-done", None)], id="greeting, second line"),
        pytest.param(
            b"m-warmup-stm-timestamp-mode-energy\r\n",
            [Reset("m-warmup-stm-timestamp-mode-energy", "energy")],
            id="greeting behind a torn line",
        ),
        pytest.param(b"m-lap-us-12m-ready\r\n", [Noise(b"m-lap-us-12", "torn line"), Ready()], id="torn line, ready"),
        pytest.param(b"\xff\xfem-ready\r\n", [Noise(b"\xff\xfe", "undecodable bytes"), Ready()], id="glitch in front"),
        pytest.param(
            b"m-lap-us-1\xff2\r\n",
            [Noise(b"m-lap-us-1\xff2", "undecodable bytes")],
            id="a wrong byte inside spoils the line",
        ),
        pytest.param(b"Initialized\r\n", [Note("Initialized")], id="free text"),
        pytest.param(b"this is m-ready now\r\n", [Note("this is m-ready now")], id="m-ready inside text is not ready"),
        pytest.param(b"\r\n \r\n", [], id="blank lines"),
        pytest.param(b"m-re", [], id="an unfinished line waits"),
        pytest.param(
            b"++ MbedOS Fault Handler ++\r\nPC: 080012\r\n",
            [Fault("++ MbedOS Fault Handler ++"), Note("PC: 080012")],
            id="fault dump",
        ),
    ],
)
def test_wire_to_events(wire: bytes, events: list[Event]) -> None:
    assert Parser().feed(wire) == events
    one_by_one = Parser()
    assert [e for byte in wire for e in one_by_one.feed(bytes([byte]))] == events


def test_an_overlong_line_is_noise_to_its_end_and_nothing_in_it_counts() -> None:
    wire = b"x" * (p.MAX_LINE_BYTES + 3) + b"m-ready\r\nm-ready\r\n"
    events = Parser().feed(wire)
    assert [type(e) for e in events] == [Noise, Noise, Ready]
    assert b"".join(e.raw for e in events if isinstance(e, Noise)) == b"x" * (p.MAX_LINE_BYTES + 3) + b"m-ready"


PIECES = st.sampled_from(
    [
        b"m-ready\r\n",
        b"m-lap-us-",
        b"123\r\n",
        b"\0",
        b"\r",
        b"\n",
        b"\xff",
        b"m-results-[0.1,",
        b"0.9]\n",
        b"m-init-done",
    ]
)
WIRE = st.lists(st.one_of(PIECES, st.binary(max_size=20), st.just(b"y" * 5000)), max_size=30)


@given(WIRE)
def test_chunking_never_matters(chunks: list[bytes]) -> None:
    parser = Parser()
    assert [e for c in chunks for e in parser.feed(c)] == Parser().feed(b"".join(chunks))


@given(WIRE)
def test_no_byte_vanishes(chunks: list[bytes]) -> None:
    """Every line ends in an event, or was blank."""
    wire = b"".join(chunks)
    lines = [line.translate(None, b"\r\0") for line in wire.split(b"\n")[:-1]]
    events = Parser().feed(wire)
    assert len(events) >= sum(1 for line in lines if line.strip())


@given(st.binary(min_size=1, max_size=400), st.integers(1, 64))
def test_chunks_carry_the_data(data: bytes, chunk_bytes: int) -> None:
    commands = list(p.db_chunks(data, chunk_bytes))
    assert bytes.fromhex("".join(c.decode().removeprefix("db ").removesuffix("%") for c in commands)) == data
    assert max(len(c) for c in commands) <= 3 + 2 * chunk_bytes + 1


@pytest.mark.parametrize(
    ("built", "wire"),
    [
        pytest.param(p.NAME, b"name%", id="name"),
        pytest.param(p.infer(70, 10), b"infer 70 10%", id="infer"),
        pytest.param(p.db_load(490), b"db load 490%", id="db load"),
        pytest.param(p.CRC, b"db crc%", id="db crc"),
        pytest.param(next(p.db_chunks(b"\x01\xff", 31)), b"db 01ff%", id="db, lower-case hex"),
    ],
)
def test_commands(built: bytes, wire: bytes) -> None:
    assert built == wire


def test_a_foreign_chunk_fits_the_reference_command_buffer() -> None:
    longest = next(p.db_chunks(bytes(100), p.FOREIGN_CHUNK_BYTES))
    assert len(longest) - 1 <= p.FOREIGN_COMMAND_CHARS


@pytest.mark.parametrize("word", ["a%b", "caf\xe9", "line\nbreak"])
def test_what_would_garble_a_command_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="is no command"):
        p.command("name", word)


@pytest.mark.parametrize(
    ("start", "end", "elapsed"),
    [
        pytest.param(7886042, 19096051, 11210009, id="as published (krai v1.1, kws, window 2)"),
        pytest.param(4294967290, 4, 10, id="32-bit wrap inside the window"),
        pytest.param(5, 5, 0, id="equal"),
        pytest.param(1 << 40, (1 << 40) + 7, 7, id="a 64-bit counter"),
    ],
)
def test_elapsed(start: int, end: int, elapsed: int) -> None:
    assert p.elapsed_us(start, end) == elapsed
