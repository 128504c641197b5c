"""Visual wake words: MobileNet v1 0.25 at 96x96, as MLPerf Tiny has it, distilled from the reference model.

Input: 96x96 RGB as pixel / 255, so that an int8 code is pixel - 128. Layers as mlcommons/tiny 1afd2c9,
benchmark/training/visual_wake_words/vww_model.py. With few labelled pictures at hand the teacher says more than the
labels: its answer and its own activations, for every picture as varied, labelled or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tinyperf.benchmark import benchmark
from tinyperf.datasets.frontends import vww_image
from tinyperf.learn import arrays
from tinyperf.learn.recipe import Floats, Recipe, Rows, Samples, Sources, Task
from tinyperf.learn.reference import load_keras

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VWW = benchmark("vww")
SIDE = 96
PICTURES: dict[str, arrays.Wanted] = {
    "y": ("integer", "n"),
    "name": ("text", "n"),
    "jpeg": ("uint8", "bytes"),
    "offset": ("integer", "offsets"),
}
UNLABELLED = 2
HELD_OUT = 10
"""One labelled picture in this many is for validation."""
CALIBRATION = 300
TEACHER = "vww_96.h5"
# (filters, strides) of each depthwise and 1x1 pair: width multiplier 0.25 of MobileNet v1.
BLOCKS = ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *[(128, 1)] * 5, (256, 2), (256, 1))


def architecture() -> Any:
    """221,794 values in Keras, 210,850 after folding, 7,489,664 MACs."""
    from keras import Input, Model, layers

    inputs = Input(VWW.input_shape[1:])
    x = layers.Conv2D(8, 3, strides=2, padding="same")(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for filters, strides in BLOCKS:
        x = layers.DepthwiseConv2D(3, strides=strides, padding="same")(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(filters, 1)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Flatten()(layers.AveragePooling2D(3)(x))
    return Model(inputs, layers.Dense(2, activation="softmax")(x), name="vww")


def load(sources: Sources, seed: int) -> Samples:
    """Labelled pictures of every file; the unlabelled ones (label 2) too, where there is a teacher to name them."""
    x: list[npt.NDArray[np.uint8]] = []
    y: list[int] = []
    names: list[str] = []
    for name in TASK.files:
        if name not in sources:
            continue
        stored = arrays.expect(sources[name], PICTURES)
        x += arrays.pictures(sources[name], stored)
        names += stored["name"].tolist()
        y += np.where(stored["y"] == UNLABELLED, -1, stored["y"].astype(np.int64)).tolist()
    labels = np.array(y)
    validation = (labels >= 0) & (np.arange(len(x)) % HELD_OUT == HELD_OUT - 1)
    share = np.ones(len(x)) if TEACHER in sources else (labels >= 0).astype(np.float64)
    return Samples(x, labels, names, validation, share)


def teacher(path: Path) -> Callable[[Any], tuple[Any, ...]]:
    """The reference model as float network: logits, then its activations after each ReLU numbered in the recipe."""
    import keras

    model = load_keras(path)
    relus = [layer.output for layer in model.layers if isinstance(layer, keras.layers.Activation)]
    network = keras.Model(model.inputs[0], [model.outputs[0], *[relus[i] for i in TASK.recipe.hints]])

    def answer(x: Any) -> tuple[Any, ...]:
        probability, *hints = network(x, training=False)
        return (keras.ops.log(probability + 1e-6), *hints)

    return answer


def plain(samples: Samples, rows: Rows) -> Floats:
    """Each picture whole, squeezed to the square as the official inputs were, float32 [n, 96, 96, 3], pixel / 255."""
    return np.stack([vww_image(samples.x[int(r)]) for r in rows]).astype(np.float32) / np.float32(255)


def _cut(picture: npt.NDArray[np.uint8], box: tuple[float, float, float, float]) -> npt.NDArray[np.uint8]:
    from PIL import Image

    return np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box))


def augment(samples: Samples, rows: Rows, rng: np.random.Generator, epoch: int) -> Floats:
    """A part of 30 to 100 % of the picture, sides up to 3:2 off, mirrored or not; brightness, contrast, colour vary."""
    images = np.stack([_part(samples.x[int(r)], rng) for r in rows]).astype(np.float32) / 255
    mirrored = rng.random(len(rows)) < 0.5
    images[mirrored] = images[mirrored, :, ::-1]
    gain = rng.uniform(0.7, 1.3, (len(rows), 1, 1, 1)) * rng.uniform(0.9, 1.1, (len(rows), 1, 1, 3))
    grey = images.mean((1, 2, 3), keepdims=True)
    offset = rng.uniform(-0.1, 0.1, (len(rows), 1, 1, 1))
    varied: Floats = np.clip((images - grey) * gain + grey + offset, 0, 1).astype(np.float32)
    return varied


def _part(picture: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    height, width = picture.shape[:2]
    side, ratio = np.sqrt(rng.uniform(0.3, 1.0)), np.exp(rng.uniform(-0.2, 0.2))
    across, down = width * min(side * ratio, 1), height * min(side / ratio, 1)
    left, top = rng.uniform(0, width - across), rng.uniform(0, height - down)
    return _cut(picture, (left, top, left + across, top + down))


def official(samples: Samples, unit: int) -> bytes:
    """The 27,648 bytes of the picture as the network sees it unvaried."""
    return vww_image(samples.x[unit]).tobytes()


def calibration(samples: Samples, sources: Sources) -> tuple[Floats, str]:
    """Training pictures of all kinds; the reference's own list names COCO pictures of the person folder only."""
    rows = samples.rows(validation=False)
    rows = rows[:: len(rows) // CALIBRATION or 1][:CALIBRATION]
    return plain(samples, rows), f"{len(rows)} training pictures"


TASK = Task(
    name="vww",
    recipe=Recipe(
        epochs=40,
        batch=64,
        optimizer="adam",
        rate=1e-2,
        warmup=0.1,
        decay=1e-5,
        average=0.998,
        distil=0.9,
        temperature=1.0,
        hint=1.0,
        hints=(0, *range(2, 27, 2)),
        forced=0.6,
        mixup=0.3,
    ),
    files=("vww_voc2007.npz", "vww_unlabelled.npz", "vww_coco2014.npz"),
    extras=(),
    architecture=architecture,
    load=load,
    plain=plain,
    augment=augment,
    official=official,
    calibration=calibration,
    limits=(0.0, 1.0),
    teacher=teacher,
    teacher_file=TEACHER,
)
