"""What a file is that was given for another: told by its first bytes, without reading more, and what to do with it.

Nothing is unpickled, unpacked or loaded: a pickle is code. Devices, pipes and folders are never opened.
"""

from __future__ import annotations

import re
import shlex
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.errors import TinyperfError

HEAD_BYTES = 4096
LARGEST_TEXT_BYTES = 1 << 24
"""Of a list: a hundred thousand lines of a long name each."""


@dataclass(frozen=True)
class Kind:
    """`what`: with its article, 'a PNG picture'. `model_hint`: what to do where a model is wanted; {path} is the file.

    `quantizable`: a float model that `tinyperf quantize` takes.
    """

    what: str
    model_hint: str = ""
    quantizable: bool = False


TFLITE = Kind("a .tflite model")
NPZ = Kind("an .npz of NumPy arrays", "arrays are inputs: give them with --data or --calibration")
NPY = Kind("an .npy NumPy array", "arrays are inputs: numpy.savez makes the .npz that --data and --calibration take")
KERAS = Kind("a Keras model", quantizable=True)
HDF5 = Kind("an HDF5 file, as Keras writes .h5 models", quantizable=True)
SAVED_MODEL = Kind("a TensorFlow SavedModel", quantizable=True)
ONNX = Kind("an ONNX model", quantizable=True)
EXPORTED = Kind("a PyTorch program of torch.export", quantizable=True)
PYTORCH = Kind(
    "a PyTorch file, which is a pickle: it is never read, since unpickling runs code",
    "export the network, and give that to 'tinyperf quantize': "
    "torch.export.save(torch.export.export(model.eval(), (example,)), 'model.pt2')",
)
PICKLE = Kind(
    "a Python pickle: it is never read, since unpickling runs code",
    "save the model in its framework's own form (model.save('model.keras')), arrays with numpy.savez",
)
PICTURE_HINT = "pictures are inputs: --data takes a folder of them by class"
SOUND = Kind("a WAV sound", "sounds are inputs: --data takes a folder of them by class")
ARCHIVE_HINT = "unpack it, and give the .tflite file inside"
IMAGE_HINT = "firmware is given with --image"
C_ARRAY = Kind(
    "C source that holds a model as an array",
    'turn it into a file: python3 -c "import re,sys; sys.stdout.buffer.write(bytes(int(b, 16) for b in '
    "re.findall(r'\\b0x([0-9a-fA-F]{{1,2}})\\b', open(sys.argv[1]).read())))\" {path} > model.tflite",
)
POINTER = Kind("a Git LFS pointer and not the file that it stands for", "'git lfs pull' in its repository fetches it")
ANNEX = Kind("a git-annex pointer and not the file that it stands for", "'git annex get' fetches it")
HTML = Kind("an HTML page", "download the file itself: on a page of GitHub or Hugging Face it is the 'raw' link")

MAGIC: tuple[tuple[int, bytes, Kind], ...] = (
    (4, b"TFL3", TFLITE),
    (0, b"\x89HDF\r\n\x1a\n", HDF5),
    (0, b"\x93NUMPY", NPY),
    (0, b"\x89PNG\r\n\x1a\n", Kind("a PNG picture", PICTURE_HINT)),
    (0, b"\xff\xd8\xff", Kind("a JPEG picture", PICTURE_HINT)),
    (0, b"GIF8", Kind("a GIF picture", PICTURE_HINT)),
    (0, b"BM", Kind("a BMP picture", PICTURE_HINT)),
    (0, b"II*\0", Kind("a TIFF picture", PICTURE_HINT)),
    (0, b"MM\0*", Kind("a TIFF picture", PICTURE_HINT)),
    (8, b"WEBP", Kind("a WebP picture", PICTURE_HINT)),
    (8, b"WAVE", SOUND),
    (0, b"fLaC", Kind("a FLAC sound", "sounds are inputs: convert them to WAV")),
    (0, b"ID3", Kind("an MP3 sound", "sounds are inputs: convert them to WAV")),
    (0, b"OggS", Kind("an Ogg sound", "sounds are inputs: convert them to WAV")),
    (0, b"\x1f\x8b", Kind("a gzip archive", ARCHIVE_HINT)),
    (0, b"BZh", Kind("a bzip2 archive", ARCHIVE_HINT)),
    (0, b"\xfd7zXZ\0", Kind("an xz archive", ARCHIVE_HINT)),
    (0, b"7z\xbc\xaf\x27\x1c", Kind("a 7z archive", ARCHIVE_HINT)),
    (0, b"\x28\xb5\x2f\xfd", Kind("a zstd archive", ARCHIVE_HINT)),
    (0, b"Rar!", Kind("a RAR archive", ARCHIVE_HINT)),
    (257, b"ustar", Kind("a tar archive", ARCHIVE_HINT)),
    (0, b"!<arch>\n", Kind("an archive of compiled objects", "give the .tflite that it was made of")),
    (0, b"\x7fELF", Kind("an ELF program", IMAGE_HINT)),
    (0, b"%PDF", Kind("a PDF document")),
    (0, b"GGUF", Kind("a GGUF language model", "none of that size runs on a microcontroller")),
    (4, b"CIR0", Kind("a Circle model (ONE, nnfw)", "give the .tflite that it was made of")),
    (4, b"ET12", Kind("an ExecuTorch program (.pte)", "export the network to .pt2 instead, and convert that")),
)
"""Offset, bytes, what they say. Sources: the formats' own documents and file(1)'s magic."""


def kind(head: bytes, name: str = "") -> Kind | None:
    """What the first bytes say (`head`: HEAD_BYTES of them, or all there are); None: nothing known.

    `name`: the file's, where bytes alone are not enough (protobuf has no magic).
    """
    for offset, magic, found in MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return found
    if head[:4] in {b"PK\x03\x04", b"PK\x05\x06"}:
        return _zipped(head, name)
    if head[:1] == b"\x80" and head[1:2] in {b"\x02", b"\x03", b"\x04", b"\x05"}:
        return PYTORCH if name.endswith((".pt", ".pth", ".bin", ".ckpt")) or b"torch" in head else PICKLE
    if name.endswith((".pkl", ".pickle")):
        return PICKLE
    return _protobuf(head, name) or _text(head)


def _zipped(head: bytes, name: str) -> Kind:
    """By the name of the first file in it, which stands in the head."""
    length = int.from_bytes(head[26:28], "little")
    first = head[30 : 30 + length].decode("utf-8", "replace")
    if first.endswith(".npy"):
        return NPZ
    if first in {"metadata.json", "config.json", "model.weights.h5"} or name.endswith(".keras"):
        return KERAS
    if name.endswith(".pt2") or re.search(r"exported_program|archive_format|^\w+/models/", first):
        return EXPORTED
    if first.endswith(("/data.pkl", "/version", "/.format_version")) or name.endswith((".pt", ".pth", ".ckpt")):
        return PYTORCH
    if first.endswith(".tflite"):
        return Kind(f"a zip archive that begins with {first}", ARCHIVE_HINT)
    return Kind("a zip archive", ARCHIVE_HINT)


def _protobuf(head: bytes, name: str) -> Kind | None:
    """Field 1 of both is a version: of SavedModel's schema, always 1; of ONNX's, 3 (2017) and above."""
    if head[:3] == b"\x08\x01\x12" or name == "saved_model.pb":
        return Kind("the saved_model.pb of a SavedModel", "give the folder that holds it", quantizable=False)
    if name.endswith(".onnx") or (head[:1] == b"\x08" and head[1:2] <= b"\x20" and head[2:3] in {b"\x12", b"\x3a"}):
        return ONNX
    if name.endswith(".pb"):
        return Kind("a TensorFlow graph (.pb)", "save the network as SavedModel or .keras, then 'tinyperf quantize'")
    return None


def _text(head: bytes) -> Kind | None:
    if not head or b"\0" in head:
        return None
    try:
        text = head[: head.rfind(b"\n") + 1 or len(head)].decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if text.startswith("version https://git-lfs"):
        return POINTER
    if "/annex/objects/" in text[:200]:
        return ANNEX
    if re.match(r"\s*(<!doctype html|<html)", text, re.IGNORECASE):
        return HTML
    if re.search(r"\[\s*\w*\s*\][^;{]*=\s*\{", text) or len(re.findall(r"0x[0-9a-fA-F]{1,2}\s*,", text)) > 8:
        return C_ARRAY
    if re.match(r":[0-9A-F]{10}", text):
        return Kind("firmware in Intel HEX", IMAGE_HINT)
    return Kind("text")


def quantize_command(path: Path) -> str:
    """The command that makes an int8 .tflite of a float model."""
    out = shlex.quote(f"{path.stem or 'model'}_int8.tflite")
    return f"tinyperf quantize {shlex.quote(str(path))} --calibration inputs.npz -o {out}"


def model_hint(path: Path, found: Kind | None) -> str:
    """What to do about a file that is no .tflite where one is wanted."""
    if found is not None and found.quantizable:
        return f"'{quantize_command(path)}' makes an int8 .tflite of it; inputs.npz: array x of some hundred inputs"
    if found is not None and found.model_hint:
        return found.model_hint.format(path=shlex.quote(str(path)))
    return "give a TensorFlow Lite flatbuffer, as the TFLite converter writes it"


@dataclass(frozen=True)
class Regular:
    """A file that may be read: its size, and its first HEAD_BYTES."""

    size_bytes: int
    head: bytes
    kind: Kind | None


def regular(path: Path, what: str, error: type[TinyperfError], *, hint: str) -> Regular:
    """The head of a regular file; whatever else `path` names is refused without being opened.

    Args: what: as messages call it, 'model'. error: what is raised. hint: how such a file is given.
    Raises: error.
    """
    if scheme := re.match(r"([a-z][a-z0-9+.-]+):/", str(path)):
        url = str(path).replace(":/", "://", 1) if "://" not in str(path) else str(path)
        raise error(
            f"{what} {url} is a URL ({scheme[1]}); files are read from this computer only",
            hint=f"download it first: curl -fLO {shlex.quote(url)}",
        )
    try:
        status = path.stat()
        irregular = folder_called(path) or _irregular(status.st_mode)
        if irregular:
            raise error(f"{what} {path} is {irregular}", hint=_irregular_hint(path, hint, status.st_mode))
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as exc:
        raise error(f"cannot read {what} {path}: {exc.strerror}", hint=hint) from exc
    except ValueError as exc:  # a name with a null byte
        raise error(f"cannot read {what} {str(path)!r}: {exc}", hint=hint) from exc
    return Regular(status.st_size, head, kind(head, path.name.lower()))


def text(path: Path, what: str, error: type[TinyperfError], *, hint: str) -> str:
    """A regular file of UTF-8 text, LARGEST_TEXT_BYTES at most.

    Args: as of `regular`.
    Raises: error.
    """
    file = regular(path, what, error, hint=hint)
    if file.size_bytes > LARGEST_TEXT_BYTES:
        raise error(f"{what} {path} has {file.size_bytes:,} bytes, {LARGEST_TEXT_BYTES:,} are read", hint=hint)
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise error(f"{what} {path} cannot be read as UTF-8 text: {exc}", hint=hint) from exc


def folder_kind(path: Path) -> Kind | None:
    """A folder that is a model: TensorFlow's SavedModel. None: any other, or no folder."""
    return SAVED_MODEL if (path / "saved_model.pb").is_file() else None


def folder_called(path: Path) -> str:
    """A folder that is a model, with its article; '' for any other, and for what is no folder."""
    found = folder_kind(path)
    return f"the folder of {found.what}" if found else ""


def no_file(path: Path) -> str:
    """Why a path that was to be a file is none, as the end of a sentence: 'does not exist', 'is a directory'."""
    try:
        return f"is {_irregular(path.stat().st_mode)}"
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return "does not exist"


def _irregular(mode: int) -> str:
    """What stands there if it is no regular file; '' for one."""
    kinds = (
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a pipe, which is not opened"),
        (stat.S_ISSOCK, "a socket, which is not opened"),
        (stat.S_ISCHR, "a device, which is not opened"),
        (stat.S_ISBLK, "a disk, which is not opened"),
    )
    return next((what for test, what in kinds if test(mode)), "")


def _irregular_hint(path: Path, hint: str, mode: int) -> str:
    if not stat.S_ISDIR(mode):
        return f"write it to a file first, and give that: cat {shlex.quote(str(path))} > FILE, if it ever ends"
    return model_hint(path, SAVED_MODEL) if folder_kind(path) else hint
