"""COCO 2014 (Lin et al. 2014) as visual wake words: is there a person in the picture?

Rule (Chowdhery et al. 2019): a person's box of more than 0.5 % of the picture. MLCommons's own training data were made
with 2.5 %, leaving out pictures whose persons are all smaller.
"""

from __future__ import annotations

import io
import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.datasets import official
from tinyperf.datasets.download import Archive
from tinyperf.datasets.frontends import vww_image
from tinyperf.datasets.originals import Item, Original, Split, packed, picture, save
from tinyperf.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PERSON_SHARE = 0.005
TRAINING_SHORT_SIDE = 112
JPEG_QUALITY = 92
YEARS = ("train2014", "val2014")


def find(folder: Path) -> tuple[list[Item], list[str]]:
    """Pictures named in `annotations/instances_train2014.json` and `..._val2014.json`.

    Official evaluation pictures (they are of val2017, whose pictures are all in COCO 2014) are never for training.
    Where some of them are missing, val2014 is the test part.

    Raises: DataError: no annotations, damaged ones, or no pictures.
    """
    items: list[Item] = []
    notes: list[str] = []
    for year in YEARS:
        annotations = folder / "annotations" / f"instances_{year}.json"
        if not annotations.is_file():
            notes.append(f"no {annotations.relative_to(folder)}")
            continue
        named = _labelled(annotations)
        present = [(n, label) for n, label in named.items() if os.path.isfile(folder / year / n)]  # noqa: PTH113  (Path's raises where a name is too long)
        if len(present) < len(named):
            notes.append(f"{year}: {len(named) - len(present)} of {len(named)} pictures are missing")
        items += [Item(f"{year}/{name}", label, "training", folder / year / name) for name, label in present]
    if not items:
        raise DataError(
            f"no annotated pictures in {folder}",
            means="\n".join(notes) + "\n--from holds annotations/, train2014/ and val2014/",
            hint="'tinyperf data vww --pull --from DIR --out DIR' fetches them (20 GB)",
        )
    return _with_test_part(items), notes


def _with_test_part(items: list[Item]) -> list[Item]:
    known = {row.name for row in official.inputs("vww")}
    tested = {item.name for item in items if official_name(item) in known}
    if len(tested) < len(known):
        tested |= {item.name for item in items if item.name.startswith("val2014/")}
    parts: tuple[Split, Split] = ("training", "test")
    return [Item(i.name, i.label, parts[i.name in tested], i.path) for i in items]


def official_name(item: Item) -> str:
    """`val2014/COCO_val2014_000000343218.jpg` -> `000000343218.bin`."""
    return item.path.stem.rpartition("_")[2] + ".bin"


def _labelled(path: Path) -> dict[str, int]:
    """File name -> 1 where a person's box covers more than 0.5 % of the picture, else 0."""
    try:
        held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        people = {c["id"] for c in held["categories"] if c["name"] == "person"}
        pictures = {p["id"]: (str(p["file_name"]), float(p["width"]) * float(p["height"])) for p in held["images"]}
        labels = dict.fromkeys((name for name, _ in pictures.values()), 0)
        for box in held["annotations"]:
            if box["category_id"] in people and box["image_id"] in pictures:
                name, area = pictures[box["image_id"]]
                if box["bbox"][2] * box["bbox"][3] > PERSON_SHARE * area:
                    labels[name] = 1
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OSError) as exc:
        raise DataError(
            f"{path}: not COCO's instances ({type(exc).__name__}: {exc})",
            means="the file is cut short or something else",
            hint="unpack annotations_trainval2014.zip again",
        ) from exc
    if not people:
        raise DataError(f"{path}: no category 'person'", hint="unpack annotations_trainval2014.zip again")
    return labels


def convert(item: Item) -> bytes:
    """Test part: uint8 [96, 96, 3] as on the wire. Training: the picture as JPEG, short side 112."""
    if item.split == "test":
        return vww_image(picture(item.path)).tobytes()
    pixels = picture(item.path, short_side=TRAINING_SHORT_SIDE)
    from PIL import Image

    coded = io.BytesIO()
    Image.fromarray(pixels).save(coded, "JPEG", quality=JPEG_QUALITY)
    return coded.getvalue()


def evaluation(item: Item, blob: bytes) -> tuple[str, bytes]:
    return official_name(item), blob


def train(items: Sequence[Item], blobs: Sequence[bytes], folder: Path) -> list[Path]:
    """`vww_coco2014.npz`: JPEGs, labels and names as the other picture sets."""
    kept = [i for i, item in enumerate(items) if item.split != "test"]
    data, offset = packed([blobs[i] for i in kept])
    return [
        save(
            folder / "vww_coco2014.npz",
            jpeg=data,
            offset=offset,
            y=np.array([items[i].label for i in kept], np.uint8),
            name=np.array([items[i].name for i in kept]),
        )
    ]


ORIGINAL = Original(
    title="COCO 2014",
    archives=tuple(
        # Sizes and digests: tensorflow/datasets, url_checksums/coco2014.txt.
        Archive(f"http://images.cocodataset.org/{name}", size_bytes, "sha256", digest)
        for name, size_bytes, digest in (
            (
                "annotations/annotations_trainval2014.zip",
                252872794,
                "031296bbc80c45a1d1f76bf9a90ead27e94e99ec629208449507a4917a3bf009",
            ),
            ("zips/val2014.zip", 6645013297, "fe9be816052049c34717e077d9e34aa60814a55679f804cd043e3cbee3b9fde0"),
            ("zips/train2014.zip", 13510573713, "ede4087e640bddba550e090eae701092534b554b42b05ac33f0300b984b31775"),
        )
    ),
    find=find,
    convert=convert,
    evaluation=evaluation,
    train=train,
)
