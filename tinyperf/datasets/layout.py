"""Evaluation inputs in EnergyRunner's layout: a folder with `y_labels.csv` and one raw file for each sample.

Rows are `file,classes,label` or `file,classes,label,window_bytes,stride_bytes` (ad). Everything is checked before the
first byte is used, so that a run of hours does not end at a short file.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from tinyperf import foreign
from tinyperf.datasets import noise, official
from tinyperf.errors import DataError
from tinyperf.wire import input_bytes

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from tinyperf.benchmark import Benchmark
    from tinyperf.result import Inputs, Metric
    from tinyperf.tflite import Model

LABELS = "y_labels.csv"
SYNTHETIC_MARK = "synthetic.txt"  # beside y_labels.csv: these inputs are made up
SHOWN_PROBLEMS = 10
SYNTHETIC_SAMPLES = 10
LONGEST_NUMBER = 10
LARGEST_DB = 1e6
"""Beyond it an input of ad is no log-mel, and its squared error would leave float32."""


@dataclass(frozen=True)
class Sample:
    """One labelled input. `source`: its file, or the bytes themselves where they are made up.

    `window_bytes`, `stride_bytes`: how the file is cut into inputs; stride 0 means the file is one input.
    """

    name: str
    label: int
    source: Path | bytes
    window_bytes: int
    stride_bytes: int = 0

    def read(self) -> bytes:
        """The whole file.

        Raises: DataError: it cannot be read (any more).
        """
        if isinstance(self.source, bytes):
            return self.source
        try:
            return self.source.read_bytes()
        except OSError as exc:
            raise DataError(f"{self.source} cannot be read: {exc.strerror}", hint="check the data folder") from exc

    def windows(self) -> list[bytes]:
        """The inputs as sent on the wire, oldest first: 196 for a file of ad, otherwise one."""
        data = self.read()
        step = self.stride_bytes or len(data)
        return [data[at : at + self.window_bytes] for at in range(0, len(data) - self.window_bytes + 1, step)]


@dataclass(frozen=True)
class Dataset:
    """Samples in the order of `y_labels.csv`.

    `kind`: official only if all samples and labels are the official ones, and none besides; subset if official ones
    are missing; user; synthetic. `labels`: names of the classes. `folder` is None for synthetic ones. `targets`:
    [samples, values], the outputs that are wanted, where there are no classes. `notes`: what was made of the data.
    """

    kind: Inputs
    samples: tuple[Sample, ...]
    folder: Path | None
    labels: tuple[str, ...]
    metric: Metric = "top1"
    targets: npt.NDArray[np.float64] | None = field(default=None, compare=False, repr=False)
    notes: tuple[str, ...] = ()

    @property
    def classes(self) -> int:
        return len(self.labels)

    def first(self, count: int | None) -> Dataset:
        """The first `count` samples (None: all); fewer than all are a subset."""
        if count is None or count >= len(self.samples):
            return self
        kind: Inputs = "synthetic" if self.kind == "synthetic" else "subset"
        targets = None if self.targets is None else self.targets[:count]
        return replace(self, kind=kind, samples=self.samples[:count], targets=targets)


def load(folder: Path, benchmark: Benchmark) -> Dataset:
    """The dataset of one benchmark, every file checked.

    Args: folder: holds `kws01/` (`vww01/`, ...) or is it.
    Raises: DataError: no such folder or list, bad rows, labels out of range, files missing or of the wrong size.
    """
    at = _folder(folder, benchmark.inputs_id)
    rows = _rows(at, len(benchmark.labels), benchmark.file_bytes, (benchmark.input_bytes, benchmark.stride_bytes))
    found = [_official_key(sample, floats=benchmark.element == "float32") for sample in rows]
    if (at / SYNTHETIC_MARK).is_file():
        return Dataset("synthetic", rows, at, benchmark.labels, benchmark.metric)
    kind = _kind(found, [(row.digest, row.label) for row in official.inputs(benchmark.name)])
    return Dataset(kind, rows, at, benchmark.labels, benchmark.metric)


def load_custom(folder: Path, model: Model, *, classes: int, streams: bool = False) -> Dataset:
    """A user's own inputs for a user's own model: files of raw tensors and a `y_labels.csv` of `file,classes,label`.

    A file holds one input: the bytes of every input tensor, one behind the other in the model's order, little-endian.
    A `labels.txt` beside it, one name a line, names the classes; without it they are 0, 1, ...

    Args:
        classes: how many there are; what the second column must say.
        streams: a file may hold several inputs, one behind the other: the frames of one stream.
    Raises: DataError: as `load`; `labels.txt` has another number of lines than there are classes.
    """
    at = _folder(folder, "custom")
    size = input_bytes(model, None)
    cut = (size, size) if streams else (size, 0)
    return Dataset("user", _rows(at, classes, size, cut, several=streams), at, _names(at / "labels.txt", classes))


def synthetic(benchmark: Benchmark | None, model: Model | None = None) -> Dataset:
    """Ten made-up samples of the right size, the same bytes on every machine; for performance, not for accuracy.

    Args: benchmark: or None for a custom `model`, whose raw input tensors are filled.
    """
    if benchmark is not None:
        name, labels = benchmark.inputs_id, benchmark.labels
        file_bytes, window, stride = benchmark.file_bytes, benchmark.input_bytes, benchmark.stride_bytes
    elif model is not None:
        name, labels = "custom", tuple(map(str, range(sum(t.elements for t in model.output_tensors))))
        file_bytes = window = input_bytes(model, None)
        stride = 0
    else:
        raise ValueError("a benchmark or a model is needed")
    floats = benchmark is not None and benchmark.element == "float32"
    samples = []
    for index in range(SYNTHETIC_SAMPLES):
        # SHAKE-128 as the generator: a random stream that no numpy version can change.
        seed = f"tinyperf {name} {index}".encode()
        if floats:
            grey = np.frombuffer(hashlib.shake_128(seed).digest(file_bytes // 4), np.uint8)
            data = (grey.astype("<f4") * np.float32(0.25) - np.float32(60.0)).tobytes()  # log-mel, dB
        elif model is not None and benchmark is None:
            data = noise.inputs(((t.dtype, t.elements) for t in model.input_tensors), _Stream(seed))
        else:
            data = hashlib.shake_128(seed).digest(file_bytes)
        samples.append(Sample(f"synthetic_{index}.bin", index % len(labels), data, window, stride))
    return Dataset("synthetic", tuple(samples), None, labels, benchmark.metric if benchmark else "top1")


class _Stream:
    """The bytes of SHAKE-128 of a seed, one call after the other."""

    def __init__(self, seed: bytes) -> None:
        self._hash, self._at = hashlib.shake_128(seed), 0

    def __call__(self, count: int) -> npt.NDArray[np.uint8]:
        self._at += count
        return np.frombuffer(self._hash.digest(self._at), np.uint8)[-count:]


def _folder(folder: Path, name: str) -> Path:
    for at in (folder / name, folder):
        if (at / LABELS).is_file():
            return at
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise DataError(f"data folder {folder} {what}", hint="--data names a folder that holds " + name)
    held = sorted(p.name for p in folder.iterdir())[:5]
    raise DataError(
        f"no {LABELS} in {folder} or in {folder / name}; it holds {', '.join(held) if held else 'nothing'}",
        means=f"--data is the folder that holds {name}/, or {name} itself, in EnergyRunner's layout",
        hint="'tinyperf data' makes that layout from an original dataset",
    )


def _names(path: Path, classes: int) -> tuple[str, ...]:
    return class_names(path, classes) if path.is_file() else tuple(map(str, range(classes)))


def class_names(path: Path, classes: int) -> tuple[str, ...]:
    """The names in a list, one a line.

    Raises: DataError: no text, not as many as there are classes, or one twice.
    """
    text = foreign.text(path, "list of classes", DataError, hint="one class name a line, in UTF-8")
    names = tuple(line.strip() for line in text.splitlines() if line.strip())
    if len(names) != classes:
        raise DataError(
            f"{path} names {len(names)} classes, the model has {classes} outputs", hint="one name a line, in order"
        )
    if len(set(names)) < classes:
        raise DataError(f"{path} names a class twice", hint="one name a line, each another")
    return names


def _rows(
    folder: Path, classes: int, file_bytes: int, cut: tuple[int, int], *, several: bool = False
) -> tuple[Sample, ...]:
    """The samples of `y_labels.csv`, each file present and of the right size, or `several` times that."""
    path = folder / LABELS
    lines = foreign.text(path, "list of samples", DataError, hint="it is a text file: file,classes,label").splitlines()
    samples: dict[str, Sample] = {}
    problems: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        row = _row(line, folder, classes, file_bytes, cut, several=several)
        if isinstance(row, str):
            problems.append(f"{path}:{number}: {row}")
        elif row.name in samples:
            problems.append(f"{path}:{number}: {row.name} is listed twice")
        else:
            samples[row.name] = row
    if problems:
        more = [f"... and {len(problems) - SHOWN_PROBLEMS} more"] if len(problems) > SHOWN_PROBLEMS else []
        raise DataError(
            "\n".join(problems[:SHOWN_PROBLEMS] + more),
            means=f"{len(problems)} of {len(problems) + len(samples)} rows of {path} are no good",
            hint="rows are file,classes,label; fetch the files again or 'tinyperf data' makes the folder anew",
        )
    if not samples:
        raise DataError(f"{path} lists no files", hint="rows are file,classes,label")
    return tuple(samples.values())


def _row(
    line: str, folder: Path, classes: int, file_bytes: int, cut: tuple[int, int], *, several: bool
) -> Sample | str:
    """One row as a sample, or what is wrong with it."""
    cells = [cell.strip() for cell in line.split(",")]
    if len(cells) not in {3, 5}:
        return f"{len(cells)} columns in '{line[:60]}', expected file,classes,label"
    name, *numbers = cells
    if not all(n.isascii() and n.isdigit() and len(n) < LONGEST_NUMBER for n in numbers):
        return f"columns after the file name must be whole numbers, found '{','.join(numbers)[:60]}'"
    listed, label, *window = map(int, numbers)
    if not name or name in {".", ".."} or "/" in name or "\\" in name:
        return f"'{name}' is not a plain file name"
    if listed != classes:
        return f"{name}: {listed} classes, expected {classes}"
    if label >= classes:
        return f"{name}: label {label} is out of range 0 to {classes - 1}"
    if window and cut[1] and tuple(window) != cut:
        return f"{name}: windows of {window[0]} bytes at a stride of {window[1]}, expected {cut[0]} and {cut[1]}"
    file = folder / name
    if not os.path.isfile(file):  # noqa: PTH113  (Path's raises where a name is too long)
        return f"{name[:60]} is missing"
    size = file.stat().st_size
    if size != file_bytes and not (several and size and size % file_bytes == 0):
        return f"{name} has {size} bytes, expected {'a multiple of ' if several else ''}{file_bytes}"
    return Sample(name, label, file, *cut)


def _official_key(sample: Sample, *, floats: bool) -> tuple[str, int]:
    data = sample.read()
    if floats and not (np.abs(np.frombuffer(data, "<f4")) < LARGEST_DB).all():  # NaN is not less
        raise DataError(
            f"{sample.name} holds values that are not finite, or no decibels",
            means="the file is damaged, or is not little-endian float32",
            hint="fetch it again",
        )
    return official.digest(data), sample.label


def _kind(found: list[tuple[str, int]], known: list[tuple[str, int]]) -> Inputs:
    if sorted(found) == sorted(known):
        return "official"
    return "subset" if set(found) <= set(known) and len(found) < len(known) else "user"
