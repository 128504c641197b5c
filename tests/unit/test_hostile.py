"""What SECURITY.md promises of files that come from others: refused in a sentence, soon, and nothing of them is run."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tinyperf import cli, content

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from _pytest.mark import ParameterSet

KWS = str(content.shipped("models") / "kws.tflite")
PIPES = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs on this system")


class Mark:
    """Unpickled, it makes a file."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, ("UNPICKLED",)


def npz(header: dict[str, Any], data: bytes = b"") -> bytes:
    text, packed = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(text, header)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", text.getvalue() + data)
    return packed.getvalue()


def objects(at: Path) -> None:
    with zipfile.ZipFile(at / "x.npz", "w") as file:
        text = io.BytesIO()
        np.lib.format.write_array_header_1_0(text, {"descr": "|O", "fortran_order": False, "shape": (1,)})
        file.writestr("x.npy", text.getvalue() + pickle.dumps(Mark()))


def array(*shape: int) -> Callable[[Path], None]:
    header = {"descr": "|i1", "fortran_order": False, "shape": shape}
    return lambda at: _put(at / "x.npz", npz(header, bytes(64)))


def row(text: str) -> Callable[[Path], None]:
    def make(at: Path) -> None:
        (at / "kws01").mkdir()
        _put(at / "kws01" / "y_labels.csv", text.encode())

    return make


def pipe(name: str) -> Callable[[Path], None]:
    def make(at: Path) -> None:
        (at / name).parent.mkdir(exist_ok=True)
        os.mkfifo(at / name)
        if name == "kws01/a.bin":
            _put(at / "kws01" / "y_labels.csv", b"a.bin,12,1\n")

    return make


def file(name: str, data: bytes) -> Callable[[Path], None]:
    return lambda at: _put(at / name, data)


def _put(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def session(name: str, text: str) -> Callable[[Path], None]:
    def make(at: Path) -> None:
        (at / "s").mkdir()
        _put(at / "s" / name, text.encode())

    return make


@dataclass(frozen=True)
class Hostile:
    """`make` puts it into a folder; `typed` meets it ("": as an image), and `words` are part of what is said."""

    make: Callable[[Path], None]
    typed: str
    words: str


def hostile(what: str, make: Callable[[Path], None], typed: str, words: str) -> ParameterSet:
    return pytest.param(Hostile(make, typed, words), id=what)


def a_pipe(what: str, make: Callable[[Path], None], typed: str, words: str) -> ParameterSet:
    return pytest.param(Hostile(make, typed, words), id=what, marks=PIPES)


EVALUATE = f"evaluate --model {KWS} --data x.npz"
YAML = "profile --board ./b.yaml kws"
HOSTILE = [
    hostile("objects in an .npz", objects, EVALUATE, "pickles and never read"),
    hostile("100 GB in a header", array(10**11), EVALUATE, "above 4 GiB"),
    hostile("a shape beyond 64 bits", array(2**40, 2**40), EVALUATE, ""),
    hostile("a zip that is none", file("x.npz", b"PK\3\4" + bytes(200)), EVALUATE, ""),
    hostile("a climbing row", row("../../etc/passwd,12,1\n"), "evaluate kws --data .", "not a plain file name"),
    hostile("an absolute row", row("/etc/passwd,12,1\n"), "evaluate kws --data .", "not a plain file name"),
    hostile("a row with a NUL", row("a\0b.bin,12,1\n"), "evaluate kws --data .", ""),
    hostile("a pickle as a model", file("m.tflite", pickle.dumps(Mark())), "inspect m.tflite", "pickle"),
    hostile("a pickle as a session", session("session.json", pickle.dumps(Mark(), 0).decode()), "replay s", ""),
    hostile(
        "a program in YAML", file("b.yaml", b"!!python/object/apply:os.mkdir ['UNPICKLED']\n"), YAML, "constructor"
    ),
    hostile("a deep YAML", file("b.yaml", b"a: " + b"[" * 5000), YAML, "too deep"),
    hostile("a YAML of NULs", file("b.yaml", bytes(5000)), YAML, ""),
    hostile("a climbing chip", file("b.yaml", b"name: b\nchip: ../../etc/passwd\n"), YAML, "chip"),
    hostile("deep JSON", session("session.json", "[" * 100_000), "sessions show s", "too deep"),
    hostile("a session of another kind", session("session.json", '{"request": 5}'), "run --resume s", ""),
    hostile("infinite numbers", session("session.json", '{"format": 1e999}'), "sessions show s", ""),
    hostile(
        "a number of 5000 digits", session("session.json", '{"format": ' + "9" * 5000 + "}"), "sessions show s", ""
    ),
    hostile("a hex file at the end of the world", file("f.hex", b":0400FFFFDEADBEEFC5\n:00000001FF\n"), "", ""),
    hostile("an ELF of sizes", file("f.elf", b"\x7fELF" + b"\xff" * 200), "", ""),
    hostile("an empty image", file("f.bin", b""), "", ""),
    hostile("a picture as a model", file("m.tflite", b"\x89PNG\r\n\x1a\n" + bytes(100)), "inspect m.tflite", "PNG"),
    a_pipe("a pipe as a model", pipe("m.tflite"), "inspect m.tflite", "a pipe"),
    a_pipe("a pipe as data", pipe("x.npz"), EVALUATE, "a pipe"),
    a_pipe("a pipe as an input", pipe("kws01/a.bin"), "evaluate kws --data .", "a.bin is missing"),
    a_pipe("a pipe as a board", pipe("b.yaml"), YAML, "a pipe"),
    a_pipe("a pipe as an image", pipe("f.bin"), "", "a pipe"),
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_input_is_refused(
    hostile: Hostile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    hostile.make(tmp_path)
    image = next((path.name for path in tmp_path.glob("f.*")), "")
    typed = hostile.typed or f"profile --board nucleo-l4r5zi --image {image}"
    assert cli.invoke([*typed.split(), "--json"]) in (2, 4)
    error = json.loads(capsys.readouterr().out)["error"]
    assert hostile.words in error["seen"] + error["means"]
    assert error["hint"]
    assert not (tmp_path / "UNPICKLED").exists()
