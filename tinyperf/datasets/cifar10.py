"""CIFAR-10 (Krizhevsky 2009) as image classification, from its binary or image-folder form."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.benchmark import benchmark
from tinyperf.datasets.download import Archive
from tinyperf.datasets.frontends import ic_image
from tinyperf.datasets.originals import Item, Original, Split, packed, picture, png, save
from tinyperf.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Batch = tuple[npt.NDArray[np.uint8], npt.NDArray[np.integer], tuple[str, ...]]

IC = benchmark("ic")
BATCHES: tuple[tuple[str, Split], ...] = (
    *((f"data_batch_{n}", "training") for n in range(1, 6)),
    ("test_batch", "test"),
)
RECORD_BYTES = 1 + 3072
WHOLE = {"training": 50000, "test": 10000}
PICTURES = (".png", ".jpg", ".jpeg")


def find(folder: Path) -> tuple[list[Item], list[str]]:
    """Images below `folder`: `data_batch_1.bin` ..., or `train/CLASS/*.png`, `test/...`.

    Raises: DataError: neither form is there (the Python form, which is pickles, is never read), or a batch is damaged.
    """
    items: list[Item] = []
    for root in (folder, folder / "cifar-10-batches-bin"):
        items = items or _batches(root) or _folders(root)
    pickles = (root / "data_batch_1" for root in (folder, folder / "cifar-10-batches-py"))
    if not items and (pickled := next(filter(Path.is_file, pickles), None)):
        raise DataError(
            f"{pickled} is of CIFAR-10's Python form, pickles, which are never read: unpickling runs code",
            hint="fetch the binary form, cifar-10-binary.tar.gz; 'tinyperf data ic --pull --from DIR --out DIR' does",
        )
    if not items:
        raise DataError(
            f"no CIFAR-10 in {folder}",
            means="expected data_batch_1.bin (binary form) or train/airplane/*.png",
            hint="'tinyperf data ic --pull --from DIR --out DIR' fetches it",
        )
    notes = []
    for split, whole in WHOLE.items():
        count = sum(item.split == split for item in items)
        if count != whole:
            notes.append(f"{count} {split} images, CIFAR-10 has {whole}")
    strange = [d for part in ("train", "test") for d in (folder / part).glob("*/") if d.name not in IC.labels]
    notes += [f"{d.parent.name}/{d.name} is no class ({', '.join(IC.labels)}); left out" for d in sorted(strange)]
    return items, notes


def _batches(root: Path) -> list[Item]:
    items = []
    for stem, split in BATCHES:
        path = root / f"{stem}.bin"
        if path.is_file():
            pixels, labels, names = _batch(path)
            items += [Item(names[i], int(labels[i]), split, path, i) for i in range(len(pixels))]
    return items


def _folders(root: Path) -> list[Item]:
    splits: tuple[tuple[str, Split], ...] = (("train", "training"), ("test", "test"))
    items = []
    for name, split in splits:
        for label, kind in enumerate(IC.labels):
            paths = (p for p in sorted((root / name / kind).glob("*")) if p.suffix.lower() in PICTURES)
            items += [Item(f"{name}/{kind}/{path.name}", label, split, path) for path in paths]
    return items


@functools.lru_cache(maxsize=6)
def _batch(path: Path) -> Batch:
    """Pixels uint8 [n, 32, 32, 3], labels [n] and names of one batch file."""
    planes, labels, names = _binary(path)
    strange = np.flatnonzero((labels < 0) | (labels >= len(IC.labels)))
    if strange.size:
        raise DataError(
            f"{path}: label {labels[strange[0]]} of image {strange[0]} is out of range 0 to 9", hint="fetch it again"
        )
    return planes.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels, names


def _binary(path: Path) -> Batch:
    data = np.fromfile(path, np.uint8)
    if not len(data) or len(data) % RECORD_BYTES:
        raise DataError(
            f"{path}: {len(data)} bytes are no whole number of images of {RECORD_BYTES}",
            means="the file is cut short",
            hint="fetch it again",
        )
    records = data.reshape(-1, RECORD_BYTES)
    return records[:, 1:], records[:, 0], tuple(f"{path.stem}_{i:05}" for i in range(len(records)))


def convert(item: Item) -> bytes:
    """The image as uint8 [32, 32, 3]."""
    if item.path.suffix.lower() in PICTURES:
        return ic_image(picture(item.path)).tobytes()
    pixels: npt.NDArray[np.uint8] = _batch(item.path)[0][item.place]
    return pixels.tobytes()


def evaluation(item: Item, blob: bytes) -> tuple[str, bytes]:
    return f"{item.name.replace('/', '_')}.bin", blob


def train(items: Sequence[Item], blobs: Sequence[bytes], folder: Path) -> list[Path]:
    """`cifar10_train_jpeg.npz`, the name that training looks for (its images are PNG here: nothing is lost), and
    `ic_calibration.npz` where the whole test batch is there."""
    kept = [i for i, item in enumerate(items) if item.split == "training"]
    data, offset = packed([png(np.frombuffer(blobs[i], np.uint8).reshape(32, 32, 3)) for i in kept])
    labels = np.array([items[i].label for i in kept], np.uint8)
    written = [save(folder / "cifar10_train_jpeg.npz", jpeg=data, offset=offset, y=labels)]
    at = {item.place: i for i, item in enumerate(items) if item.split == "test" and item.path.stem == "test_batch"}
    if len(at) == WHOLE["test"]:
        index = calibration_indices()
        written.append(
            save(
                folder / "ic_calibration.npz",
                x=np.stack([np.frombuffer(blobs[at[int(i)]], np.uint8).reshape(32, 32, 3) for i in index]),
                y=np.array([items[at[int(i)]].label for i in index], np.uint8),
                test_index=index,
            )
        )
    return written


def calibration_indices() -> npt.NDArray[np.int64]:
    """The 500 official calibration images, as indices into the test batch."""
    lines = Path(__file__).with_name("ic_calibration_indices.txt").read_text(encoding="ascii").splitlines()
    return np.array(" ".join(lines[1:]).split(), np.int64)


ORIGINAL = Original(
    title="CIFAR-10",
    archives=(
        # Size and digest: tensorflow/datasets, url_checksums/cifar10.txt.
        Archive(
            "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            170052171,
            "sha256",
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        ),
    ),
    find=find,
    convert=convert,
    evaluation=evaluation,
    train=train,
)
