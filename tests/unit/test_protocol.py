"""The parser against docs/protocol.md's tables, noise, and any chunking; expectations by hand."""

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
    NotFinite,
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
            b"m-results-[0.1,n\xc3n]\r\nm-results-[0.1,x]\r\nm-results-[]\r\nm-results-[0.1,,0.2]\r\n",
            [
                Noise(b"m-results-[0.1,n\xc3n]", "undecodable bytes"),
                Noise(b"m-results-[0.1,x]", "results that are no numbers"),
                Noise(b"m-results-[]", "results that are no numbers"),
                Noise(b"m-results-[0.1,,0.2]", "results that are no numbers"),
            ],
            id="results that are no numbers, as a disturbed line has them",
        ),
        *(
            pytest.param(f"m-results-[0.1,{word},-nan]\r\n".encode(), [NotFinite(1, 3, word)], id=word)
            for word in ("nan", "-nan", "NaN", "inf", "-Infinity", "nan(0x8000)", "1.#QNAN", "-1.#IND00", "1e999")
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


def results_line(count: int) -> bytes:
    """Nine characters a value, as our firmware prints them at its longest."""
    return b"m-results-[" + b",".join(b"-1234.%03d" % (k % 1000) for k in range(count)) + b"]\r\n"


@pytest.mark.parametrize(
    ("count", "piece_bytes"), [(1500, 7), (1500, 1 << 30), (10_000, 512), (50_000, 4096), (200_000, 65_536)]
)
def test_results_are_as_long_as_the_model_wants(count: int, piece_bytes: int) -> None:
    wire = b"\xff\xfe" + results_line(count) + b"m-ready\r\n"
    parser = Parser()
    noise, results, ready = [
        e for at in range(0, len(wire), piece_bytes) for e in parser.feed(wire[at : at + piece_bytes])
    ]
    assert isinstance(results, Results)
    assert (noise, len(results.values), ready) == (Noise(b"\xff\xfe", "undecodable bytes"), count, Ready())
    assert results.values[::999] == tuple(-1234 - k % 1000 / 1000 for k in range(0, count, 999))


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(b"y" * 100_000, id="text without an end of line"),
        pytest.param(b"m-results-[" + b"x" * 100_000, id="text behind the beginning of results"),
        pytest.param(results_line(2000)[:-3] + b"x" * 100_000, id="text behind half of the results"),
        pytest.param(bytes(range(1, 10)) * 10_000, id="a wrong baud rate"),
    ],
)
def test_noise_without_line_ends_fills_no_memory(wire: bytes) -> None:
    parser = Parser()
    events = [e for at in range(0, len(wire), 100) for e in parser.feed(wire[at : at + 100])]
    assert all(isinstance(e, Noise) for e in events)
    assert len(parser.pending) <= p.MAX_LINE_BYTES
    assert b"".join(e.raw for e in events if isinstance(e, Noise)) + parser.pending == wire


def test_results_that_never_end_are_noise_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(p, "MAX_RESULTS_BYTES", 20_000)
    line = results_line(10_000)[:-3]
    parser = Parser()
    states = []
    events = []
    for part in (line[:20_000], line[20_000:]):
        events += parser.feed(part)
        states.append(parser.in_results)
    assert states == [True, False]
    assert events
    assert all(isinstance(e, Noise) for e in events)
    assert len(parser.pending) <= p.MAX_LINE_BYTES


def test_a_wrong_byte_late_in_long_results_spoils_the_line_and_no_more() -> None:
    line = bytearray(results_line(5000))
    line[40_000] ^= 0x80
    events = Parser().feed(bytes(line) + b"m-ready\r\n")
    assert {type(e) for e in events[:-1]} == {Noise}
    assert events[-1] == Ready()


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
        b"m-results-[" + b"0.5," * 3000,
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


@pytest.mark.parametrize(
    ("start", "end", "host_s", "elapsed"),
    [
        pytest.param(100, 200, 4294.9, 4_294_967_396, id="one wrap that does not show"),
        pytest.param(200, 100, 8600.0, 8_589_934_492, id="two wraps, of which one shows"),
        pytest.param(0, 10_700_000, 10.7, 10_700_000, id="none"),
        pytest.param(0, 4_251_980_000, 10.7, 4_251_980_000, id="a clock that runs wrong is not put right"),
        pytest.param(0, 5_350_000, 10.7, 5_350_000, id="nor one that runs slow"),
        pytest.param(1 << 40, (1 << 40) + 7, 9000.0, 7, id="a 64-bit counter does not wrap"),
    ],
)
def test_the_host_tells_how_often_the_counter_wrapped(start: int, end: int, host_s: float, elapsed: int) -> None:
    assert p.elapsed_us(start, end, host_s) == elapsed
