"""Folders of files by class: pictures and sounds as inputs of a model."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.benchmark import benchmark
from tinyperf.datasets import frontends, originals
from tinyperf.datasets.own.codes import encoded
from tinyperf.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    from tinyperf.tflite import Tensor

    Array = npt.NDArray[Any]

PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".tif", ".tiff"}
SOUNDS = {".wav", ".flac"}
GREY = (0.299, 0.587, 0.114)
"""ITU-R BT.601, as Pillow and TensorFlow have it."""


@dataclass(frozen=True)
class File:
    """`kind`: its folder's name."""

    path: Path
    kind: str


@dataclass(frozen=True)
class Tree:
    """Files of every class in turn, so that the first n are of all classes."""

    files: tuple[File, ...]
    classes: tuple[str, ...]
    sounds: bool


def tree(folder: Path) -> Tree | None:
    """Pictures or sounds in folders that are the classes; None where there are none.

    Raises: DataError: pictures and sounds together.
    """
    try:
        kinds = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith((".", "_")))
        found = {entry.name: _files(entry) for entry in kinds}
    except OSError as exc:
        raise DataError(f"cannot read data {folder}: {exc.strerror}", hint="check the folder's permissions") from exc
    suffixes = {file.suffix.lower() for files in found.values() for file in files}
    if not suffixes:
        return None
    if suffixes & PICTURES and suffixes & SOUNDS:
        raise DataError(f"{folder} holds pictures and sounds", hint="give a folder of one of them")
    rows = ([File(path, name) for path in files] for name, files in found.items())
    turns = itertools.chain.from_iterable(itertools.zip_longest(*rows))
    classes = tuple(name for name, files in found.items() if files)
    return Tree(tuple(file for file in turns if file), classes, sounds=bool(suffixes & SOUNDS))


def _files(folder: Path) -> list[Path]:
    known = PICTURES | SOUNDS
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in known and path.is_file())


def pictures(tensor: Tensor) -> tuple[Callable[[Path], bytes], str]:
    """What makes the input's bytes of a picture file, and how in words.

    Raises: DataError: the input takes no picture.
    """
    shape = tensor.shape[-3:]
    if len(shape) < 3 or shape[-1] not in {1, 3} or tensor.elements != int(np.prod(shape)):
        raise DataError(
            f"the folder holds pictures; input '{tensor.name}' takes {list(tensor.shape)}",
            means="pictures become [1, height, width, 1 or 3]",
            hint="make the inputs yourself and save them as .npz with x and y",
        )
    if tensor.dtype not in {"int8", "uint8"}:
        raise DataError(
            f"the folder holds pictures; input '{tensor.name}' is {tensor.dtype}",
            means="how its training scaled the pixels stands nowhere in the model",
            hint="scale them as the training did, and save them as .npz with x and y",
        )
    height, width, channels = shape
    how = f"pictures: the middle of the aspect {width}:{height}, resized to {width}x{height}"
    how += ", grey (BT.601)" if channels == 1 else ", RGB"

    def read(path: Path) -> bytes:
        pixels = _fitted(originals.picture(path), height, width)
        if channels == 1:
            pixels = np.rint(pixels @ np.array(GREY)).astype(np.uint8)
        return encoded(pixels[None], tensor, path.name).rows.tobytes()

    return read, how + "; code = pixel" + (" - 128" if tensor.dtype == "int8" else "")


def _fitted(pixels: npt.NDArray[np.uint8], height: int, width: int) -> npt.NDArray[np.uint8]:
    """The largest middle part of the aspect, resized with an anti-aliasing filter."""
    tall, wide = pixels.shape[:2]
    part_height, part_width = min(tall, wide * height // width or 1), min(wide, tall * width // height or 1)
    top, left = (tall - part_height) // 2, (wide - part_width) // 2
    return frontends.resized(pixels[top : top + part_height, left : left + part_width], height, width)


FRONT_ENDS = {
    "kws": "MFCC of MLPerf Tiny's keyword spotting: 49 frames of 10 coefficients of one second at 16 kHz",
    "pcm": "the samples themselves, -1 to 1, cut or filled with zeros to the input's length",
}


def sounds(tensor: Tensor, front_end: str | None) -> tuple[Callable[[Path], bytes], str]:
    """What makes the input's bytes of a WAV file (one channel, 16 kHz), and how in words.

    Raises: DataError: no front end is named, or the input has another size than it makes.
    """
    listed = "; ".join(f"{name}: {what}" for name, what in FRONT_ENDS.items())
    if front_end not in FRONT_ENDS:
        named = f"--front-end {front_end} is unknown" if front_end else "no front end is named"
        raise DataError(
            f"the folder holds sounds and {named}",
            means="what the model was trained on was made of the sound by a front end that does not stand in the model",
            hint=f"--front-end with one of {listed}; any other: make the inputs yourself and save them as .npz",
        )
    if front_end == "kws" and tensor.elements != 490:
        raise DataError(
            f"front end kws makes 490 values, input '{tensor.name}' takes {tensor.elements}", hint=f"there are {listed}"
        )

    make = _kws if front_end == "kws" else _pcm

    def read(path: Path) -> bytes:
        return encoded(make(originals.wav(path), tensor.elements)[None], tensor, path.name, whole=False).rows.tobytes()

    return read, f"sounds, front end {front_end}: {FRONT_ENDS[front_end]}"


def _kws(audio: npt.NDArray[np.int16], _: int) -> npt.NDArray[np.float32]:
    """The real values that the wire's codes stand for; a model of the same scale gets those codes."""
    kws = benchmark("kws")
    codes = frontends.kws_features(audio).astype(np.float32)
    return (codes - np.float32(kws.wire_zero_point)) * np.float32(kws.wire_scale)


def _pcm(audio: npt.NDArray[np.int16], length: int) -> npt.NDArray[np.float32]:
    cut = np.zeros(length, np.float32)
    cut[: len(audio)] = audio[:length].astype(np.float32) / np.float32(32768)
    return cut
