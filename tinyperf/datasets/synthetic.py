"""Small made-up datasets with the shapes of the real ones, learnable, and the same bytes on every machine.

Every class has a pattern of its own, seen through noise. Random bytes come from SHAKE-128 and all arithmetic is on
integers, so that no numpy version and no processor can change them.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from tinyperf.datasets.originals import packed, png, save

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from tinyperf.benchmark import Benchmark

TRAINING_FILES = {
    "kws": ("kws_*.npz",),
    "vww": ("vww_*.npz",),
    "ic": ("cifar10_*.npz", "ic_*.npz"),
    "ad": ("ad_*.npz",),
}
"""What training looks for; made-up samples are not mixed with such files."""
TRAINING_PER_CLASS = {"kws": 400, "vww": 300, "ic": 200}
EVALUATION_PER_CLASS = 10
AD_TRAINING = 60


def make(benchmark: Benchmark, out: Path) -> tuple[list[Path], int, list[tuple[str, int, bytes]]]:
    """Writes the training arrays into `out`.

    Returns: their paths; the number of training samples; name, label and contents of the evaluation files.
    Raises:  DiskError: cannot write.
    """
    classes = len(benchmark.labels)
    total = AD_TRAINING if benchmark.name == "ad" else TRAINING_PER_CLASS[benchmark.name] * classes
    # In no regular order, so that "every tenth is held out" takes some of every class.
    order = np.argsort(_random(f"{benchmark.name} order", (total,)), kind="stable")
    labels = [0 if benchmark.name == "ad" else index % classes for index in order.tolist()]
    samples = [_sample(benchmark.name, label, f"training {index}") for index, label in enumerate(labels)]
    files = _TRAIN[benchmark.name](samples, np.array(labels, np.uint8), out)
    rows = []
    for index in range(EVALUATION_PER_CLASS * classes):
        label = index % classes
        made = _sample(benchmark.name, label, f"evaluation {index}")
        data = made[:, ::2].T if benchmark.name == "kws" else made
        rows.append((f"synthetic_{index:04}_{benchmark.labels[label]}.bin", label, data.tobytes()))
    return files, total, rows


def _random(seed: str, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Integers 0..255."""
    data = hashlib.shake_128(f"tinyperf synthetic {seed}".encode()).digest(int(np.prod(shape)))
    made: npt.NDArray[np.int64] = np.frombuffer(data, np.uint8).astype(np.int64).reshape(shape)
    return made


def _sample(name: str, label: int, seed: str) -> npt.NDArray[np.generic]:
    """kws: codes int8 [10, 98]; vww, ic: pixels uint8; ad: log-mel float32 [200, 128]."""
    if name == "kws":
        pattern = _blocks(_random(f"kws class {label}", (5, 7)), (10, 98))
        # Around 83, the code of zero, as real cepstra are.
        return (83 + (pattern - 128) // 4 + _random(f"kws {seed}", (10, 98)) // 8 - 16).clip(-128, 127).astype(np.int8)
    if name == "ic":
        pattern = np.stack([_blocks(_random(f"ic {label} {c}", (4, 4)), (32, 32)) for c in range(3)], axis=2)
        return ((pattern + _random(f"ic {seed}", (32, 32, 3))) // 2).astype(np.uint8)
    if name == "vww":
        return _person(seed, present=bool(label))
    return _hum(seed, anomaly=bool(label))


def _blocks(coarse: npt.NDArray[np.int64], shape: tuple[int, int]) -> npt.NDArray[np.int64]:
    rows = np.arange(shape[0]) * coarse.shape[0] // shape[0]
    columns = np.arange(shape[1]) * coarse.shape[1] // shape[1]
    spread: npt.NDArray[np.int64] = coarse[rows][:, columns]
    return spread


def _person(seed: str, *, present: bool) -> npt.NDArray[np.uint8]:
    """Background of large blocks; the person is a bright upright bar with a round head."""
    place = _random(f"vww place {seed}", (3,))
    pixels = np.stack([_blocks(_random(f"vww {seed} {c}", (6, 6)) // 2, (96, 96)) for c in range(3)], axis=2)
    if present:
        x, y = 20 + int(place[0]) % 56, 24 + int(place[1]) % 20
        down, across = np.mgrid[0:96, 0:96]
        head = (down - y) ** 2 + (across - x) ** 2 < 64
        body = (np.abs(across - x) < 8) & (down > y + 8) & (down < y + 48)
        pixels[head | body] = (230, 190, 160)
    noise: npt.NDArray[np.uint8] = (
        (pixels + _random(f"vww noise {seed}", (96, 96, 3)) // 16).clip(0, 255).astype(np.uint8)
    )
    return noise


def _hum(seed: str, *, anomaly: bool) -> npt.NDArray[np.float32]:
    """Log-mel of a steady hum in quarters of a dB; the anomaly has eight bands of it louder."""
    spectrum = _random("ad spectrum", (128,)) // 2
    frames = spectrum + _random(f"ad {seed}", (200, 128)) // 8 - 240
    if anomaly:
        first = int(_random(f"ad band {seed}", (1,))[0]) * 120 // 256
        frames[:, first : first + 8] += 60
    return (frames.astype(np.float32) / np.float32(4)).astype("<f4")


def _train_kws(samples: list[npt.NDArray[np.generic]], labels: npt.NDArray[np.uint8], out: Path) -> list[Path]:
    count = len(samples)
    return [
        save(
            out / "kws_sc2_mfcc.npz",
            mfcc=np.stack(samples),
            y=labels,
            speaker=np.array([f"{index:08x}" for index in range(count)]),
            fname=np.array([f"synthetic/{index}.wav" for index in range(count)]),
            split=np.array(["validation" if index // 12 % 10 == 9 else "training" for index in range(count)]),
            exact=np.ones(count, np.uint8),
        )
    ]


def _train_ic(samples: list[npt.NDArray[np.generic]], labels: npt.NDArray[np.uint8], out: Path) -> list[Path]:
    data, offset = packed([png(np.asarray(s, np.uint8)) for s in samples])
    calibration = np.stack(samples[:100])
    return [
        save(out / "cifar10_train_jpeg.npz", jpeg=data, offset=offset, y=labels),
        save(out / "ic_calibration.npz", x=calibration, y=labels[:100], test_index=np.arange(100)),
    ]


def _train_vww(samples: list[npt.NDArray[np.generic]], labels: npt.NDArray[np.uint8], out: Path) -> list[Path]:
    data, offset = packed([png(np.asarray(s, np.uint8)) for s in samples])
    names = np.array([f"synthetic/{index}" for index in range(len(samples))])
    return [save(out / "vww_coco2014.npz", jpeg=data, offset=offset, y=labels, name=names)]


def _train_ad(samples: list[npt.NDArray[np.generic]], labels: npt.NDArray[np.uint8], out: Path) -> list[Path]:  # noqa: ARG001  (as its three siblings)
    names = np.array([f"synthetic_{index:08}.bin" for index in range(len(samples))])
    machines = np.ones(len(samples), np.uint8)
    return [save(out / "ad_toycar_normal.npz", x=np.stack(samples).astype(np.float16), name=names, machine_id=machines)]


_TRAIN = {"kws": _train_kws, "ic": _train_ic, "vww": _train_vww, "ad": _train_ad}
