"""What is fuzzed: each target takes bytes and fails on anything but an error in our own words.

`TARGETS`: name -> (target, seeds). A target also fails where two ways to the same answer differ.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import os
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tests import graphs, submission_tree
from tests.flatbuffer import write
from tests.graphs import G, O, T, constant
from tinyperf import board, content, cores, tflite
from tinyperf.datasets import layout
from tinyperf.device.happenings import TranscriptReader
from tinyperf.device.protocol import Parser
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.host import compiler
from tinyperf.engines.aot.operators import all_operators
from tinyperf.engines.aot.operators._sample import Random
from tinyperf.errors import TinyperfError
from tinyperf.session import replay
from tinyperf.submissions import check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

MOST_BYTES = 1 << 16


class Choices:
    """Draws from the bytes of a fuzzer; when they end, zeros."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def below(self, count: int) -> int:
        return (self.byte() << 8 | self.byte()) % max(count, 1)

    def of(self, things: Sequence[Any]) -> Any:
        return things[self.below(len(things))]

    @property
    def rest(self) -> bytes:
        return self._data[self._at :]


# ------------------------------------------------------------------------------------------------------------ models


@functools.cache
def models() -> list[dict[str, Any]]:
    """Small whole models as dictionaries: layers with weights, pools, shapes, two inputs, a variable."""
    draw = np.random.default_rng(3)

    def codes(*shape: int) -> Any:
        return draw.integers(-127, 128, shape).astype(np.int8)

    window = {"padding": 0, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    made = [
        G(
            [T((1, 4, 4, 2)), constant(codes(3, 3, 3, 2), 0.01), T((1, 4, 4, 3), 0.1), constant(np.zeros(3, np.int32))],
            [O("CONV_2D", [0, 1, 3], [2], window)],
            [0],
            [2],
        ),
        G(
            [T((1, 8)), constant(codes(4, 8), 0.01), T((1, 4), 0.1), T((1, 4), 1 / 256, -128)],
            [O("FULLY_CONNECTED", [0, 1], [2]), O("SOFTMAX", [2], [3], {"beta": 1.0})],
            [0],
            [3],
        ),
        G(
            [T((1, 4)), T((1, 4)), T((1, 4), 0.1), T((1, 8), 0.1)],
            [O("ADD", [0, 1], [2]), O("CONCATENATION", [2, 2], [3], {"axis": 1})],
            [0, 1],
            [3],
        ),
    ]
    uses = [
        graphs.drawn(known.sample(Random(3)))
        for kind, known in sorted(all_operators().items())
        if known.sample and kind in graphs.kinds_in_int8()
    ]
    return [graphs.model(one) for one in [*made, *uses]]


ODD_NUMBERS = (0, 1, -1, 2, 3, 7, 255, 256, 65535, 2**31 - 1, -(2**31))
ODD_FLOATS = (0.0, -1.0, 1e-45, 1e-38, 1e38, float("inf"), float("nan"), 1.0, 0.5)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every field of a model's dictionary."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*at, key)
            yield from places(inner, (*at, key))
    elif isinstance(value, list):
        for key, inner in enumerate(value[:64]):
            yield (*at, key)
            yield from places(inner, (*at, key))
    elif isinstance(value, tuple):
        yield from places(value[1], (*at, 1))


def changed(model: dict[str, Any], draw: Choices) -> None:
    """One field gone, another number, a list longer or shorter."""
    at = draw.of([(), *places(model)])
    if not at:
        return
    holder: Any = model
    for key in at[:-1]:
        holder = holder[key]
    if isinstance(holder, tuple):
        return
    key, how = at[-1], draw.below(5)
    value = holder[key]
    if how == 0 and isinstance(holder, dict):
        del holder[key]
    elif isinstance(value, bool):
        holder[key] = not value
    elif isinstance(value, int):
        holder[key] = draw.of(ODD_NUMBERS) if how < 3 else value + draw.byte() - 128
    elif isinstance(value, float):
        holder[key] = draw.of(ODD_FLOATS)
    elif isinstance(value, list) and value:
        k = draw.below(len(value))
        holder[key] = value[:k] if how < 2 else [*value, value[k]] if how < 4 else value[:k] + value[k + 1 :]


def model_fields(given: bytes) -> None:
    """A valid file with up to six changed fields: read, judged, compiled."""
    draw = Choices(given)
    model = copy.deepcopy(draw.of(models()))
    for _ in range(1 + draw.below(6)):
        changed(model, draw)
    try:
        written = write(model)
    except Exception:  # noqa: BLE001  (what the builder cannot write is no file)
        return
    compiled(written, draw)


def model_bytes(given: bytes) -> None:
    """Any bytes as a file."""
    compiled(given, Choices(given))


def compiled(file: bytes, draw: Choices) -> None:
    """Read; where it runs, C for two cores; and now and then that C, compiled, under the sanitizers."""
    try:
        model = tflite.parse(file, "m")
        if sum(t.elements for t in model.tensors) > 1 << 20:
            return
        ENGINE.generate(model, Target(cores.load(draw.of(("cortex-m4", "cortex-m0plus", "cortex-m33")))), {})
        sources = ENGINE.generate(model, Target(cores.load("host")), {}).sources
    except TinyperfError:
        return
    if os.environ.get("TINYPERF_FUZZ_C") == "1":
        sanitized(sources, model)


MAIN = """
#include <stddef.h>
#include "tp_model.h"
int main(void) {{
    unsigned x = 1u;
    if (tp_model_init() != NULL) return 3;
    for (int n = 0; n < 4; n++) {{
{fill}
        if (tp_model_invoke() != NULL) return 2;
    }}
    return 0;
}}
"""


def sanitized(sources: Mapping[str, str], model: tflite.Model) -> None:
    """Four inferences on noise: no undefined behaviour, no access outside."""
    app = content.shipped("firmware_templates") / "app"
    fill = "".join(
        f"        for (size_t k = 0; k < {model.tensors[i].size_bytes}u; k++) {{ x = x * 1664525u + 1013904223u; "
        f"((unsigned char *)tp_model_input({n}))[k] = (unsigned char)(x >> 24); }}\n"
        for n, i in enumerate(model.inputs)
    )
    with tempfile.TemporaryDirectory() as folder:
        for name, text in sources.items():
            (Path(folder) / name).write_text(text)
        (Path(folder) / "main.c").write_text(MAIN.format(fill=fill))
        flags = ["-fsanitize=undefined,address", "-fno-sanitize-recover=all", "-O1", f"-I{app}", f"-I{folder}"]
        argv = [*compiler(), *flags, f"{folder}/main.c", f"{folder}/model.c", "-lm", "-o", f"{folder}/a.out"]
        built = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert built.returncode == 0, built.stderr
        done = subprocess.run([f"{folder}/a.out"], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr


# ------------------------------------------------------------------------------------------------- wires and streams


def pieces(given: bytes) -> tuple[bytes, list[bytes]]:
    """A stream, and the same cut where its first byte says."""
    if not given:
        return b"", []
    size, stream = given[0] % 61 + 1, given[1:]
    return stream, [stream[k : k + size] for k in range(0, len(stream), size)]


def protocol(given: bytes) -> None:
    """The same events however the bytes fall; a conversation never fails."""
    stream, cut = pieces(given)
    parser = Parser()
    assert Parser().feed(stream) == [event for piece in cut for event in parser.feed(piece)]
    for pulses in (False, True):
        reader = TranscriptReader(pulses=pulses)
        reader.feed("note", b"sample 0 0 x", 0.0)
        reader.feed("host", b"infer 7 1%", 0.0)
        for k, piece in enumerate(cut):
            reader.feed("device", piece, k * 0.5)


@functools.cache
def driver(name: str) -> Any:
    return content.load_module("energy", content.names("energy", ".py")[name])


def lpm01a(given: bytes) -> None:
    """Both decoders: the same samples and events however the bytes fall."""
    stream, cut = pieces(given)
    for kind in (driver("lpm01a").AsciiDecoder, driver("lpm01a").BinaryDecoder):
        decoder = kind()
        assert said(kind().feed(stream)) == said([item for piece in cut for item in decoder.feed(piece)])


def said(items: list[Any]) -> list[Any]:
    """Items with neighbouring samples joined."""
    joined: list[Any] = []
    for item in items:
        if type(item).__name__ != "Samples":
            joined.append(item)
        elif joined and isinstance(joined[-1], list):
            joined[-1] += item.values.tolist()
        else:
            joined.append(item.values.tolist())
    return joined


def ppk2(given: bytes) -> None:
    """Constants in words or refused; the same samples and gaps however the bytes fall."""
    module = driver("ppk2")
    stream, cut = pieces(given)
    try:
        constants = module.calibration(stream[:400].decode("latin-1"))
    except TinyperfError:
        constants = module.calibration("Calibrated: 0\n")
    whole = module.Decoder(constants, 3.0).feed(stream, last=True)
    decoder = module.Decoder(constants, 3.0)
    parts = [chunk for piece in cut for chunk in decoder.feed(piece)] + decoder.feed(b"", last=True)
    assert placed(whole) == placed(parts)


def placed(chunks: list[Any]) -> tuple[dict[int, bytes], list[float]]:
    """Each sample by its place, and the pulses."""
    samples = {c.first + k: struct.pack("<d", w) for c in chunks for k, w in enumerate(c.power_w.tolist())}
    return samples, [p for c in chunks for p in c.pulses]


# -------------------------------------------------------------------------------------------------------------- files


@dataclass(frozen=True)
class Folder:
    """A folder made once, one of whose files is replaced for each input."""

    path: Path
    kept: tempfile.TemporaryDirectory[str]


@functools.cache
def finished_session() -> Folder:
    from tests.faults.rig import Run

    kept = tempfile.TemporaryDirectory()
    run = Run(Path(kept.name), "accuracy")
    assert run.first({}, {})[0] == 0
    return Folder(run.at, kept)


SESSION_FILES = ("session.json", "transcript.jsonl", "log.txt", "results.txt", "results.json")


def session(given: bytes) -> None:
    """One file of a finished session replaced: read, listed and computed again, or refused in words."""
    draw = Choices(given)
    folder = finished_session().path
    path = folder / draw.of(SESSION_FILES)
    before = path.read_bytes()
    path.write_bytes(spliced(before, draw))
    try:
        replay.replay(folder)
    except TinyperfError:
        pass
    finally:
        path.write_bytes(before)


def spliced(before: bytes, draw: Choices) -> bytes:
    """What the fuzzer gives in the place of a part of what was there, or of all."""
    begin = draw.below(len(before) + 1)
    end = begin + (0, 1, 8, 64, len(before))[draw.below(5)]
    return (b"" if draw.byte() < 16 else before[:begin]) + draw.rest[:MOST_BYTES] + before[end:]


@functools.cache
def labelled() -> Folder:
    kept = tempfile.TemporaryDirectory()
    at = Path(kept.name) / "kws01"
    at.mkdir()
    for k in range(3):
        (at / f"s{k}.bin").write_bytes(bytes(490))
    return Folder(at, kept)


def y_labels(given: bytes) -> None:
    """Any bytes as the list of inputs."""
    from tinyperf.benchmark import benchmark

    at = labelled().path
    (at / "y_labels.csv").write_bytes(given)
    try:
        found = layout.load(at.parent, benchmark("kws"))
        assert all(isinstance(one.source, Path) and one.source.parent == at for one in found.samples)
    except TinyperfError:
        pass


def board_file(given: bytes) -> None:
    """A board's file with a part of it replaced."""
    draw = Choices(given)
    boards = sorted(content.shipped("boards").glob("*.yaml"))
    text = spliced(draw.of(boards).read_bytes(), draw)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "b.yaml"
        path.write_bytes(text)
        with contextlib.suppress(TinyperfError):
            board.read(path)


@functools.cache
def submitted() -> Folder:
    kept = tempfile.TemporaryDirectory()
    submission_tree.mlcommons(Path(kept.name))
    return Folder(Path(kept.name), kept)


def submission(given: bytes) -> None:
    """One file of a whole submission changed: findings, never an exception."""
    draw = Choices(given)
    root = submitted().path
    path = draw.of(sorted(p for p in root.rglob("*") if p.is_file()))
    before = path.read_bytes()
    path.write_bytes(spliced(before, draw))
    try:
        check.check(root)
    except TinyperfError:
        pass
    finally:
        path.write_bytes(before)


# -------------------------------------------------------------------------------------------------------------- table

ANSWER = (
    b"m-warmup-start-1\r\nm-warmup-done\r\nm-infer-start-7\r\nm-lap-us-1000\r\nm-lap-us-11000000\r\nm-infer-done\r\n"
    b"m-results-[0.100,0.900]\r\nm-ready\r\nm-name-dut-[x]\r\nm-inputs-[int8x490]\r\nm-limits-[cmd=80,db=31]\r\n"
    b"m-build-[0123456789abcdef0123456789abcdef]\r\nm-crc-[00000000]\r\ne-[no]\r\nm-timestamp-mode-energy\r\n"
)
LPM = b"TimeStamp: 001s 000ms, buff 00%\r\n6409-07\r\n6410-07\r\nevent 00 ris\r\nend\r\nerror: Overcurrent\r\n"
WORDS = b"".join(struct.pack("<I", 0x01000123 | k % 64 << 18 | (k // 14 % 5) << 14) for k in range(80))


def _model_seeds() -> list[bytes]:
    return [write(model) for model in models()]


def _draws() -> list[bytes]:
    return [np.random.default_rng(k).bytes(24) for k in range(24)]


TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], list[bytes]]]] = {
    "model_bytes": (model_bytes, _model_seeds),
    "model_fields": (model_fields, _draws),
    "protocol": (protocol, lambda: [b"\x07" + ANSWER, b"\x01" + ANSWER[::-1]]),
    "lpm01a": (
        lpm01a,
        lambda: [b"\x09" + LPM, b"\x03" + b"\xf0\xf3\0\0\0\0\0\xff\xff" + bytes(2000) + b"\xf0\xf4\xff\xff"],
    ),
    "ppk2": (ppk2, lambda: [b"\x09" + WORDS, b"\x04" + WORDS[3:]]),
    "session": (session, _draws),
    "y_labels": (y_labels, lambda: [b"s0.bin,12,0\ns1.bin,12,1\n", "\ufeffs0.bin, 12 ,3\r\n".encode()]),
    "board_file": (board_file, _draws),
    "submission": (submission, _draws),
}
