"""What a benchmark's training consists of: the recipe, the samples, and the task that joins them to a network.

`models/NAME.py` holds one `TASK` of this kind; `tinyperf.learn.train` and `.quantize` know nothing else of a benchmark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Sources = Mapping[str, Path]
"""Name of a training file (`kws_noise.npz`) -> where it lies."""


@dataclass(frozen=True)
class Recipe:
    """How one network is trained; everything that decides the result besides data and seed.

    `rate`: highest learning rate, reached after `warmup` (share of all steps), then linear to zero.
    `decay`: L2 on kernels (1/2 decay |w|^2). `average`: decay per step of the averaged weights, which are
    what is kept; averaging starts at `average_from` (share of all steps).
    `distil`: share of the teacher in the loss, the rest is cross-entropy; `temperature` is Hinton's. `hint`: weight of
    the squared error against the teacher's activations after the ReLUs numbered in `hints`, relative to their power.
    `forced`: share of all steps, from the first on, in which every piece between two hints is fed the teacher's
    activations instead of its predecessor's, and so learns by itself.
    `mixup`: share of a batch that is blended with another of its samples.
    """

    epochs: int
    batch: int
    optimizer: Literal["sgd", "adam"]
    rate: float
    warmup: float = 0.2
    decay: float = 0.0
    average: float = 0.998
    average_from: float = 0.3
    smoothing: float = 0.0
    distil: float = 0.0
    temperature: float = 1.0
    hint: float = 0.0
    hints: tuple[int, ...] = ()
    forced: float = 0.0
    mixup: float = 0.0
    loss: Literal["classes", "reconstruction"] = "classes"


@dataclass(frozen=True)
class Samples:
    """Training and validation data of one benchmark in memory.

    `x`: one array or picture per unit; `y`: int64 [units], -1 where there is no label. A unit gives `windows` rows
    (ad: 196 windows of a clip; elsewhere 1): row r is window r % windows of unit r // windows.
    `validation`: bool [units]. `share`: float [units], the probability that an epoch uses a unit.
    `soft`: teacher's logits float32 [units, classes], made beforehand. `mean`, `std`: standardisation folded into the
    first and last layer at the end. `notes`: what a reader of the run must know.
    """

    x: Sequence[npt.NDArray[Any]] | npt.NDArray[Any]
    y: npt.NDArray[np.int64]
    names: Sequence[str]
    validation: npt.NDArray[np.bool_]
    share: npt.NDArray[np.float64]
    windows: int = 1
    soft: Floats | None = None
    mean: float = 0.0
    std: float = 1.0
    notes: tuple[str, ...] = field(default=())

    def rows(self, *, validation: bool) -> Rows:
        """Rows of one part, in order."""
        units = np.flatnonzero(self.validation == validation)
        return (units[:, None] * self.windows + np.arange(self.windows)).reshape(-1)


@dataclass(frozen=True)
class Task:
    """One benchmark for the trainer.

    `architecture() -> keras.Model`: float network, batch norm unfolded, softmax last.
    `load(sources, seed) -> Samples`; `files`: the training files it knows, by name, one of them needed.
    `extras`: used where they lie beside it.
    `plain(samples, rows) -> float32 [n, ...]`: inputs as the finished float model takes them.
    `augment(samples, rows, rng, epoch)`: the same, varied.
    `official(samples, unit) -> bytes`: the unit in the form of an official input file, for recognising one.
    `calibration(samples, sources) -> (float32 [n, ...], rule in words)`: inputs whose ranges the int8 model will cover.
    `percentile`: of the activations over the calibration inputs, where an int8 range ends; 100: at the largest.
    `limits`: smallest and largest real input, where the wire's coding fixes them.
    `teacher(path) -> callable` on a batch: logits and hints, while training; `teacher_file` names the reference model.
    """

    name: str
    recipe: Recipe
    files: tuple[str, ...]
    extras: tuple[str, ...]
    architecture: Callable[[], Any]
    load: Callable[[Sources, int], Samples]
    plain: Callable[[Samples, Rows], Floats]
    augment: Callable[[Samples, Rows, np.random.Generator, int], Floats]
    official: Callable[[Samples, int], bytes]
    calibration: Callable[[Samples, Sources], tuple[Floats, str]]
    percentile: float = 100.0
    limits: tuple[float, float] | None = None
    teacher: Callable[[Path], Callable[[Any], tuple[Any, ...]]] | None = None
    teacher_file: str | None = None
