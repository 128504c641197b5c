"""ToyCar of ToyADMOS (Koizumi et al. 2019) in the form of DCASE 2020 Task 2, as anomaly detection."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.benchmark import benchmark
from tinyperf.datasets.download import Archive
from tinyperf.datasets.frontends import AD_FRAMES, AD_MELS, ad_log_mel
from tinyperf.datasets.originals import Item, Original, Split, save, wav
from tinyperf.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

AD = benchmark("ad")
CLIP = re.compile(r"(normal|anomaly)_id_(\d\d)_(\d{8})\.wav")


def find(folder: Path) -> tuple[list[Item], list[str]]:
    """Clips of `ToyCar/train` and `ToyCar/test`, in `folder` or up to two folders below it.

    Only normal clips of `train` are for training.

    Raises: DataError: no clips.
    """
    roots = [folder, *folder.glob("ToyCar"), *folder.glob("*/ToyCar")]
    items: dict[str, Item] = {}
    odd = 0
    splits: tuple[tuple[str, Split], ...] = (("train", "training"), ("test", "test"))
    for root in roots:
        for part, split in splits:
            for path in sorted((root / part).glob("*.wav")):
                match = CLIP.fullmatch(path.name)
                if match is None or (split == "training" and match[1] != "normal"):
                    odd += 1
                    continue
                items.setdefault(f"{part}/{path.name}", Item(path.name, int(match[1] == "anomaly"), split, path))
    if not items:
        raise DataError(
            f"no clips normal_id_01_00000000.wav in ToyCar/train or ToyCar/test of {folder}",
            means="--from holds the unpacked DCASE 2020 Task 2 archives; ToyADMOS's own form (48 kHz) is not read",
            hint="'tinyperf data ad --pull --from DIR --out DIR' fetches them",
        )
    notes = [f"{odd} files are not named as clips are, or are not for training; left out"] if odd else []
    found = list(items.values())
    notes += [f"no clips for {split}" for _, split in splits if not any(i.split == split for i in found)]
    return found, notes


def convert(item: Item) -> bytes:
    """Log-mel frames [200, 128]: float32 for the test part as on the wire, float16 for training."""
    audio = wav(item.path)
    try:
        log_mel = ad_log_mel(audio)
    except DataError as exc:
        raise DataError(f"{item.path}: {exc.seen}", means=exc.means, hint=exc.hint) from exc
    return log_mel.astype("<f4" if item.split == "test" else "<f2").tobytes()


def evaluation(item: Item, blob: bytes) -> tuple[str, bytes]:
    return official_name(item), blob


def official_name(item: Item) -> str:
    return f"{item.path.stem}_hist_librosa.bin"


def train(items: Sequence[Item], blobs: Sequence[bytes], folder: Path) -> list[Path]:
    """`ad_toycar_normal.npz`: log-mel as float16 [n, 200, 128], names and machine numbers."""
    kept = [i for i, item in enumerate(items) if item.split != "test"]
    return [
        save(
            folder / "ad_toycar_normal.npz",
            x=np.frombuffer(b"".join(blobs[i] for i in kept), np.float16).reshape(-1, AD_FRAMES, AD_MELS),
            name=np.array([official_name(items[i]) for i in kept]),
            machine_id=np.array([int(items[i].name.split("_")[2]) for i in kept], np.uint8),
        )
    ]


ORIGINAL = Original(
    title="ToyCar (DCASE 2020 Task 2)",
    archives=(
        # Zenodo states MD5 only; no SHA-256 is published.
        Archive(
            "https://zenodo.org/record/3678171/files/dev_data_ToyCar.zip?download=1",
            1816443231,
            "md5",
            "4dec75ca8d9f666aa9e4c1894a740501",
        ),
        Archive(
            "https://zenodo.org/record/3727685/files/eval_data_train_ToyCar.zip?download=1",
            861354584,
            "md5",
            "a5d4ccd498af70b04dd74b644b820006",
        ),
    ),
    find=find,
    convert=convert,
    evaluation=evaluation,
    train=train,
)
