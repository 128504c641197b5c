"""Anomaly detection: the fully connected autoencoder of MLPerf Tiny, trained to remove a smooth spectral error.

Input: 5 frames of 128 log-mel bands in dB, oldest first; 196 windows of a clip. Layers as mlcommons/tiny 1afd2c9,
benchmark/training/anomaly_detection/keras_model.py. Why denoising: plain reconstruction of few clips learns to copy,
and then an anomaly is copied as well (AUC 0.81 to 0.83 instead of 0.87).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tinyperf.benchmark import benchmark
from tinyperf.learn import arrays
from tinyperf.learn.recipe import Floats, Recipe, Rows, Samples, Sources, Task
from tinyperf.learn.reference import find

AD = benchmark("ad")
BANDS, FRAMES_PER_WINDOW = 128, 5
NODES = 9
AMPLITUDE_DB = 6.0
HELD_OUT = 20
"""One clip in this many is for validation. Its loss says whether training works; it does not rank detectors."""


def architecture() -> Any:
    """640 - 128 x4 - 8 - 128 x4 - 640; 269,992 values in Keras, 265,864 after folding, 264,192 MACs."""
    from keras import Input, Model, layers

    inputs = x = Input(AD.input_shape[1:])
    for width in (128, 128, 128, 128, 8, 128, 128, 128, 128):
        x = layers.ReLU()(layers.BatchNormalization()(layers.Dense(width)(x)))
    return Model(inputs, layers.Dense(640)(x), name="ad")


def load(sources: Sources, seed: int) -> Samples:
    """Normal clips only; there is nothing else to learn from."""
    stored = arrays.expect(
        sources["ad_toycar_normal.npz"], {"x": ("half or single", "n", 200, BANDS), "name": ("text", "n")}
    )
    x, names = stored["x"], stored["name"].tolist()
    validation = np.arange(len(x)) % HELD_OUT == HELD_OUT - 1
    known = x[~validation].astype(np.float32)
    return Samples(
        x,
        np.full(len(x), -1),
        names,
        validation,
        np.ones(len(x)),
        windows=AD.windows_per_file,
        mean=float(known.mean()),
        std=float(known.std()),
    )


def plain(samples: Samples, rows: Rows) -> Floats:
    """Windows in dB, float32 [n, 640]."""
    unit, first = np.divmod(rows, samples.windows)
    frames = np.asarray(samples.x)[unit[:, None], first[:, None] + np.arange(FRAMES_PER_WINDOW)]
    return frames.reshape(len(rows), -1).astype(np.float32)


def augment(samples: Samples, rows: Rows, rng: np.random.Generator, epoch: int) -> Floats:
    """Add a smooth curve over the bands, the same in the five frames, up to 6 dB (one sigma) high."""
    nodes = rng.standard_normal((len(rows), NODES)) * rng.uniform(0, AMPLITUDE_DB, (len(rows), 1))
    place = np.linspace(0, NODES - 1, BANDS)
    left = np.minimum(place.astype(int), NODES - 2)
    part = place - left
    curve = nodes[:, left] * (1 - part) + nodes[:, left + 1] * part
    return plain(samples, rows) + np.tile(curve, FRAMES_PER_WINDOW).astype(np.float32)


def official(samples: Samples, unit: int) -> bytes:
    """The clip in float16, the form in which training arrays come; the table has the official ones in it too."""
    return bytes(samples.x[unit].astype("<f2").tobytes())


def calibration(samples: Samples, sources: Sources) -> tuple[Floats, str]:
    """Four windows of each clip of the official calibration list (normal training clips), or of every clip."""
    listed = find("calibration.txt")
    known = {Path(line).stem for line in listed.read_text(encoding="utf-8").split()} if listed else set()
    units = [i for i, name in enumerate(samples.names) if Path(name).stem.removesuffix("_hist_librosa") in known]
    rule = f"{len(units)} clips of the official calibration list"
    if not units:
        units, rule = list(range(len(samples.y))), f"{len(samples.y)} normal clips"
    rows = (np.array(units)[:, None] * samples.windows + np.arange(0, samples.windows, 49)).reshape(-1)
    return plain(samples, rows), rule


TASK = Task(
    name="ad",
    recipe=Recipe(epochs=40, batch=512, optimizer="adam", rate=4e-3, average=0.0, loss="reconstruction"),
    files=("ad_toycar_normal.npz",),
    extras=(),
    architecture=architecture,
    load=load,
    plain=plain,
    augment=augment,
    official=official,
    calibration=calibration,
)
