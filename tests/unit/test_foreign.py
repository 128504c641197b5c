"""Wrong files where a model is wanted: said what they are and what to do, at once, and never read whole."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tinyperf import tflite
from tinyperf.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

GIB = 1 << 30


def zipped(*names: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, "{}")

    return write


def sparse(head: bytes, size: int) -> Callable[[Path], None]:
    """A file of that size that takes no room on disk."""

    def write(path: Path) -> None:
        with path.open("wb") as file:
            file.write(head)
            file.truncate(size)

    return write


def saved_model(path: Path) -> None:
    path.mkdir()
    (path / "saved_model.pb").write_bytes(b"\x08\x01\x12\x02")


class Trap:
    """What a pickle can do to who reads it."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, ...]]:
        return pytest.fail, ("it was unpickled",)


CC = b"// Licence\nalignas(16) const unsigned char g_model[] = {\n    0x1c, 0x00, 0x54, 0x46, 0x4c};\n"
TFL3_OF_ZEROS = b"\x1c\0\0\0TFL3"

WRONG = [
    pytest.param("a.png", b"\x89PNG\r\n\x1a\n" + bytes(40), "is a PNG picture", "--data", id="PNG"),
    pytest.param("a.jpg", b"\xff\xd8\xff\xe0" + bytes(40), "is a JPEG picture", "--data", id="JPEG"),
    pytest.param("a.pkl", pickle.dumps([1, 2, 3]), "is a Python pickle", "model.save('model.keras')", id="pickle"),
    pytest.param(
        "trap.tflite", pickle.dumps(Trap()), "is a Python pickle", "numpy.savez", id="a pickle that runs code"
    ),
    pytest.param(
        "a.onnx",
        b"\x08\x0a\x12\x07pytorch",
        "is an ONNX model",
        "tinyperf quantize {path} --calibration inputs.npz",
        id="ONNX",
    ),
    pytest.param(
        "onnx",
        b"\x08\x09:\x20\x0a\x0c",
        "is an ONNX model",
        "tinyperf quantize {path} --calibration inputs.npz",
        id="ONNX without its suffix",
    ),
    pytest.param("a.pt", zipped("a/data.pkl", "a/version"), "PyTorch file, which is a pickle", ".pt2", id="state dict"),
    pytest.param(
        "old.pth", pickle.dumps({"torch": 1}, 2), "PyTorch file, which is a pickle", ".pt2", id="old torch.save"
    ),
    pytest.param(
        "a.pt2",
        zipped("a/archive_format"),
        "is a PyTorch program of torch.export",
        "tinyperf quantize {path} --calibration inputs.npz",
        id=".pt2",
    ),
    pytest.param(
        "my net.keras",
        zipped("metadata.json", "config.json", "model.weights.h5"),
        "is a Keras model",
        "tinyperf quantize '{path}' --calibration inputs.npz -o 'my net_int8.tflite'",
        id=".keras",
    ),
    pytest.param(
        "a.h5",
        b"\x89HDF\r\n\x1a\n" + bytes(90),
        "is an HDF5 file",
        "tinyperf quantize {path} --calibration inputs.npz -o a_int8.tflite",
        id=".h5",
    ),
    pytest.param(
        "saved",
        saved_model,
        "is the folder of a TensorFlow SavedModel",
        "tinyperf quantize {path} --calibration inputs.npz -o saved_int8.tflite",
        id="SavedModel",
    ),
    pytest.param("saved_model.pb", b"\x08\x01\x12\x90", "saved_model.pb", "folder that holds it", id="saved_model.pb"),
    pytest.param("a.zip", zipped("readme.txt"), "is a zip archive", "unpack it", id="zip"),
    pytest.param("a.task", zipped("hand.tflite"), "a zip archive that begins with hand.tflite", "unpack", id="bundle"),
    pytest.param("x.npz", zipped("x.npy"), "is an .npz of NumPy arrays", "--calibration", id="npz"),
    pytest.param("a.cc", CC, "is C source that holds a model as an array", "> model.tflite", id="C array"),
    pytest.param("lfs.tflite", b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS", "git lfs pull", id="LFS"),
    pytest.param("p.tflite", b"\n<!DOCTYPE html>\n<html>", "is an HTML page", "raw", id="HTML"),
    pytest.param("a.elf", b"\x7fELF\1\1\1", "is an ELF program", "--image", id="ELF"),
    pytest.param("a.hex", b":020000040800F2\n", "is firmware in Intel HEX", "--image", id="Intel HEX"),
    pytest.param("a.txt", b"hello\n", "is text", "flatbuffer", id="text"),
    pytest.param("a.bin", bytes(range(1, 99)) + b"\0", "does not hold 'TFL3' at byte 4", "flatbuffer", id="unknown"),
    pytest.param("empty", b"", "is empty", "flatbuffer", id="empty"),
    pytest.param("folder", Path.mkdir, "is a directory", "path of a .tflite", id="folder"),
    pytest.param("fifo", os.mkfifo, "is a pipe, which is not opened", "cat", id="FIFO"),
    pytest.param("zeros", sparse(b"", 6 * GIB), "does not hold 'TFL3'", "flatbuffer", id="6 GiB of zeros"),
    pytest.param("big.tflite", sparse(TFL3_OF_ZEROS, 6 * GIB), "6,442,450,944 bytes", "flash", id="6 GiB, right head"),
    pytest.param("m.tflite", sparse(TFL3_OF_ZEROS, 60 << 20), "root_table", "copy", id="60 MiB, right head"),
    pytest.param("z.keras", sparse(b"PK\3\4", 6 * GIB), "is a Keras model", "quantize", id="6 GiB named .keras"),
]


def made(tmp_path: Path, name: str, content: bytes | Callable[[Path], object]) -> Path:
    path = tmp_path / name
    path.write_bytes(content) if isinstance(content, bytes) else content(path)
    return path


@pytest.mark.parametrize(("name", "content", "seen", "hint"), WRONG)
def test_a_wrong_file_is_named(
    name: str, content: bytes | Callable[[Path], object], seen: str, hint: str, tmp_path: Path
) -> None:
    path = made(tmp_path, name, content)
    with pytest.raises(ModelError) as caught:
        tflite.load(path)
    assert seen in caught.value.seen
    assert hint.format(path=path) in caught.value.hint


@pytest.mark.parametrize(
    ("path", "seen", "hint"),
    [
        pytest.param(
            "https://host/a.tflite", "https://host/a.tflite is a URL", "curl -fLO https://host/a.tflite", id="URL"
        ),
        pytest.param("/dev/zero", "is a device, which is not opened", "write it to a file", id="endless device"),
        pytest.param("/dev/null", "is a device", "write it to a file", id="empty device"),
        pytest.param("no.tflite", "cannot read model no.tflite: No such file", "path of a .tflite", id="absent"),
        pytest.param("a\0b", "cannot read model", "path of a .tflite", id="null byte"),
    ],
)
def test_what_is_no_file_is_never_opened(path: str, seen: str, hint: str) -> None:
    with pytest.raises(ModelError) as caught:
        tflite.load(Path(path))
    assert seen in caught.value.seen
    assert hint in caught.value.hint


MEASURE = """\
import json, resource, sys
from pathlib import Path
from tinyperf import tflite
from tinyperf.errors import ModelError
spent = {}
for path in sys.argv[1:]:
    try:
        tflite.load(Path(path))
    except ModelError:
        spent[path] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps(spent))
"""
MOST_KIB = 20 * 1024


@pytest.mark.slow
def test_no_wrong_file_takes_memory_or_hangs(tmp_path: Path) -> None:
    """Peak memory after every wrong file, against that after a wrong file of 1 kB."""
    small = made(tmp_path, "small.tflite", bytes(1024))
    paths = [str(small), "/dev/zero"]
    for param in WRONG:
        name, content = param.values[:2]
        assert isinstance(name, str)
        paths.append(str(made(tmp_path, name, content)))  # type: ignore[arg-type]  # as the table has it
    ran = subprocess.run(
        [sys.executable, "-c", MEASURE, *paths], capture_output=True, text=True, check=True, timeout=60
    )
    spent = json.loads(ran.stdout)
    assert set(spent) == set(paths)
    assert max(spent.values()) - spent[str(small)] < MOST_KIB
