"""Image classification: the ResNet8 of MLPerf Tiny (16, 32, 64 filters), distilled from the larger reference model.

Input: 32x32 RGB as pixel / 128 - 1, so that an int8 code is pixel - 128 and padding is mid-grey. Layers as
mlcommons/tiny 1afd2c9, benchmark/training/image_classification/keras_model.py.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tinyperf.benchmark import benchmark
from tinyperf.datasets.cifar10 import calibration_indices
from tinyperf.errors import DataError
from tinyperf.learn import arrays
from tinyperf.learn.recipe import Floats, Recipe, Rows, Samples, Sources, Task
from tinyperf.learn.silence import silent_stderr

if TYPE_CHECKING:
    from pathlib import Path

IC = benchmark("ic")
PAD = 4
HELD_OUT = 25
"""One image in this many is for validation: 2,000 of 50,000."""
CALIBRATION = "ic_calibration.npz"
TEACHER = "pretrainedResnet_large_int8.tflite"
NEIGHBOUR_WEIGHT, LARGEST_STEP = 0.1, 20
"""Deblocking: how much of a neighbour's difference is taken over, and where an edge begins."""


def architecture() -> Any:
    """78,666 values in Keras, 77,706 after folding, 12,501,632 MACs; the shortcut is the first input of each ADD."""
    from keras import Input, Model, layers

    def conv(x: Any, filters: int, strides: int) -> Any:
        return layers.BatchNormalization()(layers.Conv2D(filters, 3, strides=strides, padding="same")(x))

    inputs = Input(IC.input_shape[1:])
    x = layers.ReLU()(conv(inputs, 16, 1))
    for filters, strides in ((16, 1), (32, 2), (64, 2)):
        y = conv(layers.ReLU()(conv(x, filters, strides)), filters, 1)
        if strides > 1:
            x = layers.Conv2D(filters, 1, strides=strides, padding="same")(x)
        x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.Flatten()(layers.AveragePooling2D(8)(x))
    return Model(inputs, layers.Dense(len(IC.labels), activation="softmax")(x), name="ic")


def load(sources: Sources, seed: int) -> Samples:
    """All CIFAR-10 training images; the teacher's logits, where its file is at hand."""
    path = sources["cifar10_train_jpeg.npz"]
    stored = arrays.expect(path, {"y": ("integer", "n"), "jpeg": ("uint8", "bytes"), "offset": ("integer", "offsets")})
    pictures, y = arrays.pictures(path, stored), stored["y"].astype(np.int64)
    if strange := [i for i, picture in enumerate(pictures) if picture.shape != IC.input_shape[1:]]:
        raise DataError(f"{path}: picture {strange[0]} is not 32x32", hint="'tinyperf data ic' makes the file")
    x = np.stack(pictures)
    soft = _teacher_logits(sources[TEACHER], x) if TEACHER in sources else None
    names = [f"image {i}" for i in range(len(x))]
    return Samples(x, y, names, np.arange(len(x)) % HELD_OUT == HELD_OUT - 1, np.ones(len(x)), soft=soft)


def _deblocked(x: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """JPEG's block edges smoothed away: small differences to the eight neighbours shrink, large ones (edges) stay.

    The teacher was trained on images without JPEG coding: 90.0 % right on 1,500 coded ones, 97.4 % on these.
    """
    padded = np.pad(x.astype(np.int16), ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    change = np.zeros(x.shape, np.float32)
    for row in range(3):
        for column in range(3):
            step = padded[:, row : row + 32, column : column + 32] - x
            change += np.clip(step, -LARGEST_STEP, LARGEST_STEP)
    return np.clip(np.rint(x + NEIGHBOUR_WEIGHT * change), 0, 255).astype(np.uint8)


def _teacher_logits(path: Path, x: npt.NDArray[np.uint8]) -> Floats:
    """Mean over an image and its mirror image of the codes before the softmax, as real values [n, 10]."""
    import tensorflow as tf

    with warnings.catch_warnings(), silent_stderr():
        warnings.simplefilter("ignore")  # it announces its move to ai-edge-litert, and its delegate on the terminal
        teacher = tf.lite.Interpreter(str(path), num_threads=1, experimental_preserve_all_tensors=True)
        teacher.resize_tensor_input(teacher.get_input_details()[0]["index"], (100, 32, 32, 3))
        teacher.allocate_tensors()
    source, result = teacher.get_input_details()[0]["index"], teacher.get_output_details()[0]["index"]
    operators = teacher._get_ops_details()  # noqa: SLF001  (the only way to the tensor before the softmax)
    (before,) = [int(op["inputs"][0]) for op in operators if int(op["outputs"][0]) == result]
    scale, zero = teacher.get_tensor_details()[before]["quantization"]
    logits = np.zeros((len(x), len(IC.labels)), np.float32)
    for first in range(0, len(x), 100):
        images = _deblocked(x[first : first + 100]).astype(np.int16) - 128
        for view in (images, images[:, :, ::-1]):
            teacher.set_tensor(source, np.resize(view, (100, 32, 32, 3)).astype(np.int8))
            teacher.invoke()
            codes = teacher.get_tensor(before)[: len(images)].astype(np.float32)
            logits[first : first + 100] += (codes - zero) * scale / 2
    return logits


def plain(samples: Samples, rows: Rows) -> Floats:
    """Images as pixel / 128 - 1, float32 [n, 32, 32, 3]."""
    return _real(np.asarray(samples.x)[rows])


def augment(samples: Samples, rows: Rows, rng: np.random.Generator, epoch: int) -> Floats:
    """Shift by up to 4 pixels over a mirrored border; every image is mirrored in every second epoch."""
    images = np.asarray(samples.x)[rows]
    images = np.pad(images, ((0, 0), (PAD, PAD), (PAD, PAD), (0, 0)), mode="reflect")
    top, left = rng.integers(0, 2 * PAD + 1, (2, len(rows), 1, 1))
    down, across = np.arange(32)[:, None], np.arange(32)[None, :]
    mirrored = ((rows + epoch) % 2).astype(bool)[:, None, None]
    columns = np.where(mirrored, 31 - across, across) + left
    return _real(images[np.arange(len(rows))[:, None, None], down + top, columns])


def _real(images: npt.NDArray[np.uint8]) -> Floats:
    return np.asarray(images, np.float32) / np.float32(128) - np.float32(1)


def official(samples: Samples, unit: int) -> bytes:
    """The 3,072 bytes of the image."""
    return bytes(samples.x[unit].tobytes())


def calibration(samples: Samples, sources: Sources) -> tuple[Floats, str]:
    """The 500 official calibration images where their file is at hand, else training images."""
    if CALIBRATION in sources:
        stored = arrays.expect(sources[CALIBRATION], {"x": ("uint8", "n", 32, 32, 3), "test_index": ("integer", "n")})
        if np.array_equal(np.sort(stored["test_index"]), np.sort(calibration_indices())):
            return _real(stored["x"]), "the 500 official calibration images"
    rows = samples.rows(validation=False)[::96]
    return plain(samples, rows), f"{len(rows)} training images"


TASK = Task(
    name="ic",
    recipe=Recipe(
        epochs=150, batch=128, optimizer="sgd", rate=0.2, decay=5e-4, average=0.998, distil=0.9, temperature=3.0
    ),
    files=("cifar10_train_jpeg.npz",),
    extras=(CALIBRATION,),
    architecture=architecture,
    load=load,
    plain=plain,
    augment=augment,
    official=official,
    calibration=calibration,
    percentile=99.99,
    limits=(-1.0, 127 / 128),
    teacher_file=TEACHER,
)
