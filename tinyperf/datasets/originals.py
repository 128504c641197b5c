"""What the four original datasets have in common: items found in a folder, converted once each, packed into arrays."""

from __future__ import annotations

import hashlib
import itertools
import os
import struct
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from tinyperf.errors import DataError, DiskError, MissingExtraError

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from tinyperf.datasets.download import Archive

Split = Literal["training", "validation", "test"]

PART_ITEMS = 500
SHOWN_PROBLEMS = 10
SAMPLE_RATE_HZ = 16000


@dataclass(frozen=True)
class Item:
    """One recording or picture of an original dataset.

    `name`: as in the arrays, with `/`. `place`: where in `path` it lies: image number or first audio sample.
    """

    name: str
    label: int
    split: Split
    path: Path
    place: int = 0


@dataclass(frozen=True)
class Original:
    """One original dataset.

    `find(folder)`: its items, and in words what is missing but not needed; DataError where nothing can be made of it.
    `convert(item)`: an evaluation input as its file will be, or what `train` packs; b"" leaves the item out.
    `evaluation(item, blob)`: (name of the file, its contents) in EnergyRunner's layout.
    `train(items, blobs, folder)`: writes the training arrays, their paths.
    """

    title: str
    archives: tuple[Archive, ...]
    find: Callable[[Path], tuple[list[Item], list[str]]]
    convert: Callable[[Item], bytes]
    evaluation: Callable[[Item, bytes], tuple[str, bytes]]
    train: Callable[[Sequence[Item], Sequence[bytes], Path], list[Path]]


def converted(
    items: Sequence[Item],
    convert: Callable[[Item], bytes],
    parts: Path,
    progress: Callable[[int, int], None],
) -> list[bytes]:
    """`convert` of every item, in order, each done once: finished parts in the folder `parts` are taken from there.

    Raises: DataError: items that cannot be read, all of them named. DiskError: `parts` cannot be written.
    """
    made: list[bytes] = []
    problems: list[str] = []
    for number, first in enumerate(range(0, len(items), PART_ITEMS)):
        chunk = items[first : first + PART_ITEMS]
        part = parts / f"{number:05}.npz"
        key = _key(chunk)
        done = _stored(part, key)
        if done is None:
            done, wrong = _chunk(chunk, convert)
            problems += wrong
            if not wrong:
                _store(part, key, done)
        made += done
        progress(min(first + PART_ITEMS, len(items)), len(items))
    if problems:
        more = [f"... and {len(problems) - SHOWN_PROBLEMS} more"] if len(problems) > SHOWN_PROBLEMS else []
        raise DataError(
            "\n".join(problems[:SHOWN_PROBLEMS] + more),
            means=f"{len(problems)} of {len(items)} files are damaged",
            hint="fetch them again or delete them, then run again: what was converted is kept and not done twice",
        )
    return made


def packed(blobs: Sequence[bytes]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Encoded pictures as one uint8 array and int64 offsets [n + 1], as the training files hold them."""
    offset = np.cumsum([0, *map(len, blobs)], dtype=np.int64)
    return np.frombuffer(b"".join(blobs), np.uint8), offset


def save(path: Path, **arrays: npt.NDArray[np.generic]) -> Path:
    """Write an .npz file, whole or not at all.

    Raises: DiskError: it cannot be written.
    """
    return whole(path, lambda part: np.savez(part, **arrays))  # type: ignore[arg-type]  # numpy 2 has a flag among its keywords


def whole(path: Path, write: Callable[[Path], object]) -> Path:
    """Let `write` make a file beside `path` and put it in its place; a kill in between leaves what was there.

    Raises: DiskError: it cannot be written.
    """
    part = path.with_name(f"part-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        part.replace(path)
    except OSError as exc:
        raise DiskError(
            f"{path} cannot be written: {exc.strerror or exc}", hint="free some space or choose --out"
        ) from exc
    return path


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """A picture uint8 [h, w, 3] as a PNG file: lossless, and readable wherever the training arrays' JPEGs are."""
    height, width = pixels.shape[:2]
    rows = np.hstack([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)])  # filter type 0 before each row

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(rows.tobytes(), 6)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def wav(path: Path) -> npt.NDArray[np.int16]:
    """Samples of a 16 kHz, one-channel WAV file, int16.

    Raises: DataError: not such a file, or cut short. MissingExtraError: soundfile is not installed.
    """
    try:
        import soundfile
    except ImportError as exc:
        raise MissingExtraError(
            "audio is read with the Python package soundfile", hint="pip install 'tinyperf[data]'"
        ) from exc
    hint = "fetch the file again"
    try:
        with path.open("rb") as file:
            start = file.read(8)
        samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
    except (OSError, RuntimeError) as exc:  # soundfile's own errors are RuntimeErrors
        raise DataError(f"{path}: not a readable WAV file ({_one_line(exc)})", hint=hint) from exc
    if start[:4] == b"RIFF" and struct.unpack("<I", start[4:])[0] + 8 > path.stat().st_size:
        raise DataError(f"{path}: cut short, its header promises more", hint=hint)
    if rate != SAMPLE_RATE_HZ or samples.shape[1] != 1:
        raise DataError(
            f"{path}: {samples.shape[1]} channels at {rate} Hz, expected one at {SAMPLE_RATE_HZ} Hz", hint=hint
        )
    mono: npt.NDArray[np.int16] = samples[:, 0]
    return mono


def picture(path: Path | io.BytesIO, *, short_side: int | None = None) -> npt.NDArray[np.uint8]:
    """A picture file, or the bytes of one, as uint8 [h, w, 3]; `short_side`: shrunk to it where it is larger.

    Raises: DataError: not a readable picture. MissingExtraError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as exc:
        raise MissingExtraError(
            "pictures are read with the Python package Pillow", hint="pip install 'tinyperf[data]'"
        ) from exc
    try:
        with Image.open(path) as opened:
            if short_side:
                opened.draft("RGB", (2 * short_side, 2 * short_side))  # JPEG decodes at a fraction of its size
            image = opened.convert("RGB")
    # Pillow raises SyntaxError for broken PNG chunks, and its bomb error for headers that promise 180 million pixels.
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as exc:
        raise DataError(f"{path}: not a readable picture ({_one_line(exc)})", hint="fetch the file again") from exc
    if short_side and min(image.size) > short_side:
        ratio = short_side / min(image.size)
        image = image.resize((round(image.width * ratio), round(image.height * ratio)), Image.Resampling.BILINEAR)
    return np.asarray(image)


def _one_line(exc: Exception) -> str:
    return str(exc).partition("\n")[0] or type(exc).__name__


def _chunk(items: Sequence[Item], convert: Callable[[Item], bytes]) -> tuple[list[bytes], list[str]]:
    def one(item: Item) -> bytes | DataError:
        try:
            return convert(item)
        except DataError as exc:
            return exc

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoders release the interpreter lock
        results = list(pool.map(one, items))
    return [r for r in results if isinstance(r, bytes)], [r.seen for r in results if isinstance(r, DataError)]


def _key(items: Sequence[Item]) -> str:
    # A link that leads nowhere has no size; `convert` names it.
    sizes = [i.path.stat().st_size if i.path.is_file() else -1 for i in items]
    text = "\n".join(f"{i.name} {i.label} {i.place} {size}" for i, size in zip(items, sizes, strict=True))
    return hashlib.sha256(text.encode()).hexdigest()


def _stored(part: Path, key: str) -> list[bytes] | None:
    if not part.is_file():
        return None
    try:
        with np.load(part, allow_pickle=False) as held:
            if str(held["key"]) != key:
                return None
            data, offset = held["data"].tobytes(), held["offset"]
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):  # damaged: it is made again
        return None
    return [data[a:b] for a, b in itertools.pairwise(offset)]


def _store(part: Path, key: str, done: Sequence[bytes]) -> None:
    data, offset = packed(done)
    save(part, key=np.array(key), data=data, offset=offset)
