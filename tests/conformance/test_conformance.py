"""The transcripts of this folder, played against the firmware as a process and as the exact image on the virtual board.

A transcript is the conversation as docs/protocol.md demands it, written by hand:

    # a comment                        where the demand stands
    @ kws [energy]                     benchmark (or custom) and mode of the image
    > infer 1 0                        what the host sends; the closing % is added
    < m-lap-us-{uint}                  one line of the reply

`{uint}`, `{hex8}` and `{hex32}` match any number, address and build id; `< * PREFIX` any lines that start so, also
none; everything else is literal. In what is sent `{00*512}` repeats and Python's escapes hold. Lines before the first
`>` are the greeting.
"""

from __future__ import annotations

import re
import struct
import subprocess
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyperf import board, cores, engines
from tinyperf.benchmark import BENCHMARKS
from tinyperf.device.process import ProcessLink
from tinyperf.engines import Target
from tinyperf.firmware import build
from tinyperf.firmware.render import native_command, render
from tinyperf.rules.accuracy import ad_error
from tinyperf.tflite import Model, Quantization, Tensor
from tinyperf.virtual import board as virtual_board
from tinyperf.wire import to_tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tinyperf.device.link import Link
    from tinyperf.virtual.board.link import VirtualLink

HERE = Path(__file__).parent
LINE_TIMEOUT_S = 5.0
READY = "m-ready"


@dataclass(frozen=True)
class Exchange:
    """What is sent (None: nothing, this is the greeting) and the lines that come back."""

    sent: bytes | None
    expected: tuple[str, ...]


@dataclass(frozen=True)
class Transcript:
    name: str
    benchmark: str
    energy: bool
    exchanges: tuple[Exchange, ...]


def read(path: Path) -> Transcript:
    benchmark, energy = "", False
    sent: list[bytes | None] = [None]
    expected: list[list[str]] = [[]]
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, text = line[:1], line[2:]
        if kind == "@":
            benchmark, energy = text.split()[0], text.endswith(" energy")
        elif kind == ">":
            sent.append(spelled_out(text) + b"%")
            expected.append([])
        elif kind == "<":
            expected[-1].append(text)
        elif kind not in {"#", ""}:
            raise ValueError(f"{path.name}: {line}")
    made = tuple(Exchange(s, tuple(e)) for s, e in zip(sent, expected, strict=True))
    return Transcript(path.stem, benchmark, energy, made)


def spelled_out(text: str) -> bytes:
    whole = re.sub(r"\{([^{}]*)\*(\d+)\}", lambda m: m[1] * int(m[2]), text)
    return whole.encode("latin-1").decode("unicode_escape").encode("latin-1")


def pattern(lines: tuple[str, ...]) -> str:
    """A regular expression for the whole reply, line ends included."""
    parts = []
    for line in lines:
        escaped = re.escape(line).replace(r"\{uint\}", "[0-9]+").replace(r"\{hex32\}", "[0-9a-f]{32}")
        escaped = escaped.replace(r"\{hex8\}", "[0-9a-f]{8}")
        if line.startswith("*"):
            prefix = re.escape(line[2:])
            parts.append(rf"(?:(?!{READY}\r\n){prefix}[^\r\n]*\r\n)*")
        else:
            parts.append(escaped + r"\r\n")
    return "".join(parts)


TRANSCRIPTS = [read(path) for path in sorted(HERE.glob("*.txt"))]


def model_of(name: str) -> Model:
    """Sizes of the benchmark; scales that make results easy to know by heart."""
    if name == "custom":
        tensors = (tensor(0, (1, 4), 1.0, 0), tensor(1, (1, 4), 1 / 2048, 0))
    elif name == "several":
        return several(tensor(0, (1,), 1 / 2048, 0), Tensor(1, "y", (1,), "int16", None), floats(2, 1))
    elif name == "floats":
        return several(floats(0, 8))
    elif name == "ad":
        tensors = (tensor(0, (1, 640), 0.5, 0), tensor(1, (1, 640), 1.0, 0))
    else:
        benchmark = BENCHMARKS[name]
        outputs = (1, len(benchmark.labels))
        tensors = (
            tensor(0, benchmark.input_shape, benchmark.wire_scale, benchmark.wire_zero_point),
            tensor(1, outputs, 1 / 256, -128),
        )
    return Model(f"{name}.tflite", "0" * 64, 1, tensors, (), (0,), (1,))


def several(*tensors: Tensor) -> Model:
    """Each of them an input and an output; the fake engine's outputs are what lies at the same place of its inputs."""
    ends = tuple(range(len(tensors)))
    return Model("several.tflite", "0" * 64, 1, tensors, (), ends, ends)


def floats(index: int, count: int) -> Tensor:
    return Tensor(index, "z", (count,), "float32", None)


def tensor(index: int, shape: tuple[int, ...], scale: float, zero_point: int) -> Tensor:
    return Tensor(index, "xy"[index], shape, "int8", Quantization((scale,), (zero_point,)))


def image_of(on: str, name: str, *, energy: bool = False) -> build.Image:
    target = board.load(on)
    model = model_of(name)
    toolset = build.find_toolset(target)
    generated = engines.FakeEngine().generate(model, Target(target.core), {})
    project = render(target, model, generated, benchmark=BENCHMARKS.get(name), energy=energy, toolset=toolset)
    return build.build_project(target, project, generated, toolset)


def on_host(name: str, *, energy: bool) -> Link:
    assert not energy, "board host has no timestamp pin, so there is no energy mode"
    return ProcessLink(image_of("host", name).path)


def on_virtual_board(name: str, *, energy: bool, on: str = "nucleo-l4r5zi") -> VirtualLink:
    pytest.importorskip("unicorn", reason="the virtual board needs the extra 'virtual'")
    image = image_of(on, name, energy=energy)
    return virtual_board.open_virtual(board.load(on), image.path)


def reply(link: Link, count: int) -> str:
    """Everything up to the `count`-th end-of-reply mark, and what still comes right after it."""
    got = b""
    while got.count(READY.encode() + b"\r\n") < count:
        data = link.read(LINE_TIMEOUT_S)
        assert data, f"silence after {got!r}"
        got += data
    return (got + link.read(0.01)).decode("ascii")


# Images of their own for few transcripts; on the host they are built in no time.
OWN_IMAGE = {"ad", "custom", "floats", "ic", "several", "sww", "vww"}
# Of each further virtual chip, what its own layer does: boot, serial port both ways and in a burst, time, pin.
OF_THE_CHIP = {"boot", "boot_energy", "burst", "infer", "infer_energy", "timestamp", "timestamp_energy", "too_long"}
CHIPS = {
    b.chip.name: b.name
    for b in board.shipped()
    if b.framework is None and b.verified != "images" and build.bench_for(b) is b
}
PLAYED = [
    *(pytest.param(t, on_host, id=f"{t.name}-host") for t in TRANSCRIPTS if not t.energy),
    *(
        pytest.param(t, on_virtual_board, id=t.name, marks=[pytest.mark.slow] if t.benchmark in OWN_IMAGE else [])
        for t in TRANSCRIPTS
    ),
    *(
        pytest.param(t, partial(on_virtual_board, on=on), id=f"{t.name}-{chip}", marks=pytest.mark.slow)
        for chip, on in CHIPS.items()
        for t in TRANSCRIPTS
        if t.name in OF_THE_CHIP and chip != "stm32l4r5"
    ),
]


@pytest.mark.parametrize(("transcript", "open_link"), PLAYED)
def test_firmware_answers_as_the_protocol_demands(transcript: Transcript, open_link: Callable[..., Link]) -> None:
    link = open_link(transcript.benchmark, energy=transcript.energy)
    try:
        for exchange in transcript.exchanges:
            if exchange.sent is not None:
                link.write(exchange.sent)
            got = reply(link, max(1, exchange.expected.count(READY)))
            if exchange.expected:
                assert re.fullmatch(pattern(exchange.expected), got), f"{exchange.sent!r} was answered {got!r}"
    finally:
        link.close()


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda t: t.name)
def test_transcript_is_whole(transcript: Transcript) -> None:
    assert transcript.benchmark in {*BENCHMARKS, "custom", "several", "floats"}
    for exchange in transcript.exchanges[1:]:
        assert exchange.expected[-1:] == (READY,)


def test_every_command_of_the_protocol_has_a_transcript() -> None:
    sent = {e.sent.split(b" ")[0].rstrip(b"%") for t in TRANSCRIPTS for e in t.exchanges if e.sent}
    assert {b"name", b"timestamp", b"profile", b"help", b"db", b"infer", b"results", b"build"} <= sent


def ask(link: Link, command: bytes) -> str:
    link.write(command + b"%")
    return reply(link, 1)


@pytest.fixture
def ad() -> Iterator[Link]:
    link = on_host("ad", energy=False)
    reply(link, 1)
    yield link
    link.close()


def error_of(ad: Link, window: bytes) -> str:
    ask(ad, b"db load 2560")
    for at in range(0, 2560, 512):
        loaded = ask(ad, b"db " + window[at : at + 512].hex().encode())
    assert loaded == "m-load-done\r\nm-ready\r\n"
    found = re.search(r"m-results-\[(.*)\]\r\nm-ready\r\n$", ask(ad, b"infer 1 0"))
    assert found
    return found[1]


@pytest.mark.slow
def test_error_of_ad_is_the_float32_sum_to_the_last_digit(ad: Link) -> None:
    """From errors below a thousandth to ones of 10**15, as the host's own arithmetic and `%.3f` have them."""
    rng = np.random.default_rng(9)
    model = model_of("ad")
    for power in np.linspace(-4, 7.5, 47):
        window = (rng.standard_normal(640) * 10.0**power).astype(np.float32)
        (codes,) = to_tensors(BENCHMARKS["ad"], window.tobytes(), model)
        expected = ad_error(codes.reshape(1, 640), window.reshape(1, 640), 1.0, 0)[0]
        assert error_of(ad, window.tobytes()) == f"{expected:.3f}"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        pytest.param(12.249999, 24, id="just-below-half"),
        pytest.param(12.25, 25, id="half-goes-up"),
        pytest.param(-12.25, -25, id="half-goes-down"),
        pytest.param(-12.249999, -24, id="just-above-minus-half"),
        pytest.param(70.0, 127, id="clamped-above"),
        pytest.param(-70.0, -128, id="clamped-below"),
    ],
)
def test_floats_are_rounded_half_away_from_zero(ad: Link, value: float, code: int) -> None:
    """Input scale 0.5, output scale 1: the error of 640 equal elements is (code - value) ** 2."""
    exact = (code - float(np.float32(value))) ** 2
    assert float(error_of(ad, struct.pack("<640f", *[value] * 640))) == pytest.approx(exact, abs=0.002, rel=1e-5)


def test_bytes_lost_during_a_window_are_noticed() -> None:
    """The ring holds 256 bytes; nobody reads it while inferences run."""
    link = on_virtual_board("custom", energy=False)
    reply(link, 1)
    ask(link, b"db load 4")
    ask(link, b"db 00000000")
    link.write(b"infer 500000 0%" + b"x" * 300)
    assert "m-results-" in reply(link, 1)
    assert ask(link, b"name") == "e-[Received bytes were lost]\r\nm-ready\r\n"
    assert ask(link, b"name") == "m-name-dut-[tinyperf]\r\nm-ready\r\n"
    link.close()


def test_energy_mode_marks_boot_timestamp_and_both_ends_of_a_window_by_pulses() -> None:
    link = on_virtual_board("custom", energy=True)
    reply(link, 1)
    assert len(link.pulses()) == 1
    ask(link, b"timestamp")
    assert len(link.pulses()) == 2
    ask(link, b"db load 4")
    ask(link, b"db 00000000")
    ask(link, b"infer 100000 0")
    pulses = link.pulses()
    assert len(pulses) == 4
    # 100,000 calls of some ten instructions each at 120 MHz.
    assert 0.001 < pulses[3] - pulses[2] < 0.1
    link.close()


FUZZED = st.lists(
    st.one_of(
        st.binary(max_size=100),
        st.sampled_from(
            [b"db load 4", b"db 00", b"infer 1 0", b"infer 2 1", b"results", b"db print", b"db crc", b"name"]
        ),
        st.from_regex(rb"db [0-9a-fA-F]{0,80}", fullmatch=True),
        st.from_regex(rb"(infer|db load) [-+0-9 x]{0,12}", fullmatch=True),
        st.just(b"x m-ready m-m-ready"),
    ).map(lambda b: b.replace(b"%", b"")),
    max_size=20,
)


@pytest.fixture(scope="module")
def checked_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The host firmware with every undefined behaviour and bad access ending the process."""
    folder = tmp_path_factory.mktemp("checked")
    target, model = board.load("host"), model_of("custom")
    generated = engines.FakeEngine().generate(model, Target(cores.load("host")), {})
    project = render(target, model, generated, benchmark=None)
    build.write(project, folder)
    sources = [name for name in project.files if name.endswith(".c")]
    checks = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    argv = [*native_command(("cc",), project.flags, "firmware"), *checks, *sources]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    if "cannot find" in done.stderr:
        pytest.skip("this compiler has no sanitizers")
    assert done.returncode == 0, done.stderr
    return folder / "firmware"


@given(commands=FUZZED)
@settings(max_examples=60, deadline=None)
def test_any_bytes_get_one_reply_a_command_and_break_nothing(checked_image: Path, commands: list[bytes]) -> None:
    sent = b"".join(command + b"%" for command in commands)
    done = subprocess.run([checked_image], input=sent, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    lines = done.stdout.decode("ascii").split("\r\n")
    assert lines.count(READY) == 1 + len(commands)
    assert sum(READY in line for line in lines) == 1 + len(commands)


def test_stamps_of_a_window_lie_in_order() -> None:
    link = on_host("custom", energy=False)
    reply(link, 1)
    ask(link, b"db load 4")
    ask(link, b"db 00000000")
    stamps = [int(n) for n in re.findall(r"m-lap-us-(\d+)", ask(link, b"infer 200000 0") + ask(link, b"timestamp"))]
    assert len(stamps) == 3
    assert stamps == sorted(stamps)
    assert stamps[1] > stamps[0]
    link.close()
