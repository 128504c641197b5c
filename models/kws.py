"""Keyword spotting: the DS-CNN of MLPerf Tiny, and how it is trained from features of Speech Commands v2.

Input: 49 frames (20 ms apart) of 10 MFCCs, real values; the wire code is value / 0.5847029 + 83.
Layers as mlcommons/tiny 1afd2c9, benchmark/training/keyword_spotting/keras_model.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tinyperf.benchmark import benchmark
from tinyperf.datasets.frontends import KWS_SAMPLES, kws_features
from tinyperf.errors import DataError
from tinyperf.learn import arrays
from tinyperf.learn.recipe import Floats, Recipe, Rows, Samples, Sources, Task

if TYPE_CHECKING:
    from pathlib import Path

KWS = benchmark("kws")
SILENCE, UNKNOWN = 10, 11
FRAMES = 98
"""Frames of a training clip, 10 ms apart; the network sees every second one, so a shift is a choice of frames."""
CLIPS: dict[str, arrays.Wanted] = {
    "mfcc": ("int8", "n", 10, FRAMES),
    "y": ("integer", "n"),
    "fname": ("text", "n"),
    "split": ("text", "n"),
    "exact": ("integer", "n"),
}
CROP = 16160
"""Samples of a silence clip: one second, and the 10 ms by which its second front end is later."""
SHORTEST_NOISE = 10 * CROP + 10
DRAWS = 1000
NOISE_CROPS = 3000
NOISE_HELD_OUT = 400
SHIFT_FRAMES = 10
OFFSET_CODES = 6.0
TRANSLATION_CODES = np.array([0.0, 0.66, *[0.45] * 8], np.float32)
"""RMS by which codes translated from pictures differ from codes computed from audio (`exact` 0 and 1)."""


def architecture() -> Any:
    """24,908 values in Keras, 22,604 after folding, 2,656,768 MACs."""
    from keras import Input, Model, layers

    inputs = Input(KWS.input_shape[1:])
    x = layers.Conv2D(64, (10, 4), strides=2, padding="same")(inputs)
    x = layers.Dropout(0.2)(layers.ReLU()(layers.BatchNormalization()(x)))
    for _ in range(4):
        x = layers.DepthwiseConv2D(3, padding="same")(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(64, 1)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Dropout(0.3)(x)
    x = layers.Flatten()(layers.AveragePooling2D((25, 5))(x))
    return Model(inputs, layers.Dense(len(KWS.labels), activation="softmax")(x), name="kws")


def load(
    sources: Sources, seed: int, *, noise_crops: int = NOISE_CROPS, noise_held_out: int = NOISE_HELD_OUT
) -> Samples:
    """Clips of `kws_sc2_mfcc.npz`, and crops of the recordings of `kws_noise.npz` as further silence.

    Silence is held out by place: the last tenth of each recording is for validation only.
    """
    stored = arrays.expect(sources["kws_sc2_mfcc.npz"], CLIPS)
    x, y, names = stored["mfcc"], stored["y"].astype(np.int64), stored["fname"]
    validation, exact = stored["split"] == "validation", stored["exact"].astype(bool)
    all_exact = exact.all()
    recordings = _recordings(sources["kws_noise.npz"]) if "kws_noise.npz" in sources else {}
    long = {name: audio for name, audio in recordings.items() if len(audio) > SHORTEST_NOISE}
    notes = tuple(f"recording {name} is too short for crops" for name in recordings if name not in long)
    if long:
        held = np.arange(noise_crops + noise_held_out) >= noise_crops
        crops = _crops(long, held, np.random.default_rng([seed, 1]))
        x = np.concatenate([x, crops])
        y = np.concatenate([y, np.full(len(crops), SILENCE)])
        names = np.concatenate([names, np.array([f"noise crop {i}" for i in range(len(crops))])])
        validation = np.concatenate([validation, held])
        exact = np.concatenate([exact, np.ones(len(crops), bool)])
    else:
        notes += ("no noise recordings beside the clips: silence is trained from the clips alone",)
    share = np.where(y == UNKNOWN, np.where(exact, 0.6, 0.4), 1.0)
    # How much noise like the translation's a clip gets, in percent, is one more row: a unit stays one array.
    percent = np.where(exact, 100, 50) if not all_exact else np.zeros(len(x))
    noise = np.broadcast_to(percent[:, None, None], (len(x), 1, FRAMES)).astype(np.int8)
    return Samples(np.concatenate([x, noise], 1), y, names.tolist(), validation, share, notes=notes)


def _recordings(path: Path) -> dict[str, npt.NDArray[np.int16]]:
    found = arrays.read(path)
    for name, audio in found.items():
        if audio.ndim != 1 or audio.dtype != np.int16:
            raise DataError(
                f"{path}: recording {name} is {list(audio.shape)} {audio.dtype}, needed is [samples] int16",
                means="noise is one channel at 16 kHz",
                hint="'tinyperf data kws' makes the file; or move it away and train without",
            )
    return found


def _crops(
    recordings: dict[str, npt.NDArray[np.int16]], held: npt.NDArray[np.bool_], rng: np.random.Generator
) -> npt.NDArray[np.int8]:
    """Features int8 [n, 10, 98] of one-second crops; those `held` [n] come from the held-out last tenths."""
    names = list(recordings)
    found = []
    for i, late in enumerate(held):
        name = names[i % len(names)]
        found.append(_codes(_crop(name, recordings[name], rng, late=bool(late))))
    return np.stack(found)


def _crop(name: str, audio: npt.NDArray[np.int16], rng: np.random.Generator, *, late: bool) -> npt.NDArray[np.int16]:
    """CROP samples of one part of a recording, drawn anew where they are digital silence: features have no scale there.

    Raises: DataError: the part is nothing but silence.
    """
    border = len(audio) * 9 // 10
    for _ in range(DRAWS):
        start = rng.integers(border, len(audio) - CROP) if late else rng.integers(0, border - CROP)
        piece = audio[start : start + CROP].astype(np.int32) * rng.choice((1, 1, -1))
        if piece[CROP - KWS_SAMPLES : KWS_SAMPLES].max() > 0:
            crop: npt.NDArray[np.int16] = piece.clip(-32768, 32767).astype(np.int16)
            return crop
    raise DataError(f"recording {name} of kws_noise.npz is nothing but silence", hint="leave it out")


def _codes(audio: npt.NDArray[np.int16]) -> npt.NDArray[np.int8]:
    """Features int8 [10, 98] of CROP samples: two front ends 10 ms apart, interleaved."""
    codes = np.empty((10, FRAMES), np.int8)
    for phase in (0, 1):
        codes[:, phase::2] = kws_features(audio[phase * 160 : phase * 160 + KWS_SAMPLES]).T
    return codes


def plain(samples: Samples, rows: Rows) -> Floats:
    """Unshifted clips as real values, float32 [n, 49, 10, 1]."""
    codes = np.asarray(samples.x)[rows, :10, 0:FRAMES:2].transpose(0, 2, 1)
    return _real(codes.astype(np.float32))


def augment(samples: Samples, rows: Rows, rng: np.random.Generator, epoch: int) -> Floats:
    """Shift by up to 100 ms, change the level, and make exact and translated clips alike.

    Nearly all exact clips are unknown words: without noise the network would learn where a clip comes from.
    """
    x = np.asarray(samples.x)
    shift = rng.integers(-SHIFT_FRAMES, SHIFT_FRAMES + 1, len(rows))
    frames = np.clip(2 * np.arange(49) + shift[:, None], 0, FRAMES - 1)
    codes = x[rows[:, None], :10, frames].astype(np.float32)  # [n, 49, 10]
    strength = x[rows, 10, 0].astype(np.float32) / 100
    translation = rng.uniform(0.0, 1.0, len(rows)) * strength
    codes += (
        rng.standard_normal(codes.shape, np.float32) * TRANSLATION_CODES * translation[:, None, None].astype(np.float32)
    )
    codes[..., 0] += (rng.standard_normal(len(rows)) * OFFSET_CODES * strength)[:, None]
    return _real(codes)


def _real(codes: Floats) -> Floats:
    return ((codes - KWS.wire_zero_point) * np.float32(KWS.wire_scale))[..., None].astype(np.float32)


def official(samples: Samples, unit: int) -> bytes:
    """The 490 bytes of the unshifted clip."""
    return np.asarray(samples.x)[unit, :10, 0:FRAMES:2].T.tobytes()


def calibration(samples: Samples, sources: Sources) -> tuple[Floats, str]:
    """Ten validation clips per class, the reference's rule; its own list numbers clips of another packaging."""
    clips = [np.flatnonzero(samples.validation & (samples.y == c)) for c in range(len(KWS.labels))]
    rows = np.concatenate([found[:: min(7, max(1, len(found) // 10))][:10] for found in clips])
    return plain(samples, rows), f"{len(rows)} validation clips, at most ten per class"


TASK = Task(
    name="kws",
    recipe=Recipe(epochs=16, batch=128, optimizer="adam", rate=4e-3, decay=2e-4, average=0.998, smoothing=0.05),
    files=("kws_sc2_mfcc.npz",),
    extras=("kws_noise.npz",),
    architecture=architecture,
    load=load,
    plain=plain,
    augment=augment,
    official=official,
    calibration=calibration,
    limits=(-211 * KWS.wire_scale, 44 * KWS.wire_scale),
)
