"""Calibration inputs of an .npz file: read, fitted to the model, and judged with figures.

A quantizer believes whatever it is given. Inputs of another range than the network was trained on, too few of them, or
one outlier among them give an int8 model that works and is useless, so what looks wrong is said.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.errors import DataError
from tinyperf.figures import figure
from tinyperf.learn.interpreter import interpreter, invocations, operators, outputs, real

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import numpy.typing as npt

    from tinyperf.learn.sources import Port, Source

    Floats = npt.NDArray[np.float32]

FEW = 100
"""Fewer samples than this are called few."""
JUDGED = 200
"""At most so many samples are looked at one by one."""
BETTER = 0.1
"""Another scaling must decide so much more of the labels right to be named."""
WIDER = 0.05
"""The second half of the samples must widen a layer's range by so much to be named."""
OUTLIER = 8.0
"""Times the 99.9th percentile."""


@dataclass(frozen=True)
class Samples:
    """inputs: for each of the model's, [n, ...] as the .tflite has it. labels: int64 [n], float32 [n, outputs] or None.

    given: the arrays as they stand in the file.
    """

    inputs: tuple[Floats, ...]
    given: tuple[npt.NDArray[Any], ...]
    labels: npt.NDArray[Any] | None

    def __len__(self) -> int:
        return len(self.inputs[0])


def fitted(path: Path, held: Mapping[str, npt.NDArray[Any]], source: Source) -> Samples:
    """What `arrays.read` found in the file `path`, for a model.

    Array `x` for one of one input, else one array for each input, of its name; labels or targets `y`.
    Raises: DataError: they are missing, of another kind or shape, or hold what float32 does not.
    """
    single = len(source.inputs) == 1
    given = [held.get("x" if single and "x" in held else port.name) for port in source.inputs]
    turned = [None if x is None else _turned(x, port) for x, port in zip(given, source.inputs, strict=True)]
    lengths = {len(x) for x in given if x is not None}
    if any(x is None for x in turned) or len(lengths) > 1 or 0 in lengths:
        raise _misfit(path, source, held)
    named = zip(_names(source), turned, strict=True)
    inputs = tuple(_real(path, name, x, _hint(source)) for name, x in named if x is not None)
    labels = held.get("y")
    given_arrays = tuple(x for x in given if x is not None)
    return Samples(inputs, given_arrays, None if labels is None else _labels(path, labels, source, len(inputs[0])))


def _turned(x: npt.NDArray[Any], port: Port) -> npt.NDArray[Any] | None:
    """In the .tflite's order: as the source has it, or already so."""
    if x.dtype.kind not in "fiu":
        return None
    if x.shape[1:] == port.given[1:]:
        return port.moved(x)
    return x if x.shape[1:] == port.shape[1:] else None


def _misfit(path: Path, source: Source, held: Mapping[str, npt.NDArray[Any]]) -> DataError:
    single = len(source.inputs) == 1
    wanted = " and ".join(
        f"{name} [n, {', '.join(map(str, port.given[1:]))}]"
        for name, port in zip(_names(source), source.inputs, strict=True)
    )
    seen = {name: list(a.shape) for name, a in held.items()}
    way = _way(held["x"], source.inputs[0]) if single and "x" in held else ""
    return DataError(
        f"{path} holds {seen}; {'an array' if single else 'arrays'} {wanted} of numbers "
        f"{'is' if single else 'are'} needed",
        means="calibration inputs must be real values as the float model takes them, as many for each input",
        hint=f"x = {way} may be what is meant; {_hint(source)}" if way else _hint(source),
    )


def _names(source: Source) -> list[str]:
    return ["x"] if len(source.inputs) == 1 else [port.name for port in source.inputs]


def _hint(source: Source) -> str:
    """How to write a file that fits."""
    names = _names(source)
    if all(name.isidentifier() for name in names):
        arrays = ", ".join(f"{name}=inputs" for name in names) + ", y=labels"
    else:
        arrays = "**{" + ", ".join(f"{name!r}: inputs" for name in names) + "}, y=labels"
    return f"numpy.savez(path, {arrays}) writes one; y is optional"


def _way(x: npt.NDArray[Any], port: Port) -> str:
    """How an array of another shape may be meant; '' where there is no guess."""
    wanted = port.given[1:]
    if x.shape == wanted:
        return "x[None]"
    for order in itertools.permutations(range(1, x.ndim)) if x.ndim <= 5 else ():
        if tuple(x.shape[axis] for axis in order) == wanted:
            return f"x.transpose(0, {', '.join(map(str, order))})"
    if x.ndim and x.ndim != len(port.given) and math.prod(x.shape[1:]) == math.prod(wanted):
        return f"x.reshape(-1, {', '.join(map(str, wanted))})"
    return ""


def _real(path: Path, name: str, x: npt.NDArray[Any], hint: str) -> Floats:
    with np.errstate(over="ignore"):
        values: Floats = x.astype(np.float32)
    if not np.isfinite(values).all():
        raise DataError(
            f"{path}: {name} reaches from {x.min():g} to {x.max():g}",
            means="that is more than float32 holds, which the model computes in",
            hint=hint,
        )
    return values


def _labels(path: Path, y: npt.NDArray[Any], source: Source, count: int) -> npt.NDArray[Any]:
    """Whole numbers: the class. Real numbers of the output's shape: targets.

    Raises: DataError: they fit neither the inputs nor the outputs.
    """
    port = source.outputs[0]
    classes = port.shape[1:]
    if len(source.outputs) == 1 and y.dtype.kind in "iu" and y.shape == (count,) and _are_classes(y, classes):
        return y.astype(np.int64)
    if len(source.outputs) == 1 and y.dtype.kind == "f" and y.shape == (count, *port.given[1:]) and not _one_hot(y):
        return port.moved(y.astype(np.float32))
    values = f" from {y.min()} to {y.max()}" if y.dtype.kind in "iu" else ""
    shapes = ", ".join(str(list(p.shape[1:])) for p in source.outputs)
    raise DataError(
        f"{path}: labels y {list(y.shape)} {y.dtype}{values} do not fit {count} inputs, outputs {shapes}",
        means="y is one whole number for each input: which of the model's outputs should be the largest; or, for a "
        "regression, real numbers of the output's shape",
        hint=_hint(source),
    )


def _one_hot(y: npt.NDArray[Any]) -> bool:
    return y.ndim == 2 and y.shape[1] > 1 and bool(((y == 0) | (y == 1)).all() and (y.sum(1) == 1).all())


def _are_classes(y: npt.NDArray[Any], classes: tuple[int, ...]) -> bool:
    """One output is a yes or no: classes 0 and 1."""
    return len(classes) == 1 and bool(y.min() >= 0 and y.max() < max(classes[0], 2))


def judged(samples: Samples, source: Source) -> list[str]:
    """Everything about the samples that looks wrong, in sentences with figures."""
    found = [*_scaling(samples, source)]
    for port, x, given in zip(source.inputs, samples.inputs, samples.given, strict=True):
        name = "x" if len(source.inputs) == 1 else port.name
        found += [*constants(name, x), *outliers(name, x)]
        if not found and samples.labels is None:
            found += unscaled(name, given)
    return [*found, *_count(samples, source)]


def right(made: Floats, labels: npt.NDArray[np.int64]) -> float:
    """The share of the labels that the outputs [n, classes] decide as they say; one output is yes above 1/2."""
    rows = made.reshape(len(made), -1)
    decided = rows.argmax(1) if rows.shape[1] > 1 else (rows[:, 0] > 0.5).astype(np.int64)
    return float((decided == labels).mean())


def _scaling(samples: Samples, source: Source) -> Iterator[str]:
    """Labels tell which range the network was trained on: the one in which it is right."""
    labels = samples.labels
    if labels is None or labels.dtype.kind != "i" or len(samples.inputs) != 1 or len(labels) < 10:
        return
    x, y = samples.inputs[0][:JUDGED], labels[:JUDGED]
    least = right(outputs(source.content, (x,))[0], y)
    shares = {way: right(outputs(source.content, (f(x),))[0], y) for way, f in _others(samples.inputs[0]).items()}
    way = max(shares, key=lambda way: shares[way], default=None)
    low, high = (figure(float(v), 2) for v in (samples.inputs[0].min(), samples.inputs[0].max()))
    if way is not None and shares[way] >= least + BETTER:
        yield (
            f"x reaches from {low} to {high}, and the float model decides {figure(100 * least, 1)} % of {len(y)} "
            f"labels right; with {way} it is {figure(100 * shares[way], 1)} %: give the inputs in the range that it "
            "was trained on"
        )
        return
    chance = max(np.bincount(labels)) / len(labels)
    if least <= chance and len(np.unique(labels)) > 1:
        yield (
            f"the float model decides {figure(100 * least, 1)} % of {len(y)} labels right, no more than always the "
            f"most frequent one ({figure(100 * chance, 1)} %): inputs or labels are not what it was trained on"
        )


def _others(x: Floats) -> dict[str, Callable[[Floats], Floats]]:
    """Other ranges that inputs like these are commonly brought to."""
    low, high = float(x.min()), float(x.max())
    if low >= 0 and 2 < high <= 256:
        return {"x / 255": lambda v: v / 255, "x / 127.5 - 1": lambda v: v / 127.5 - 1}
    if low >= 0 and high <= 1:
        return {"x * 255": lambda v: v * 255, "x * 2 - 1": lambda v: v * 2 - 1}
    if -1 <= low < 0 and high <= 1:
        return {"(x + 1) / 2": lambda v: (v + 1) / 2, "(x + 1) * 127.5": lambda v: (v + 1) * 127.5}
    if low < 0 and low >= -129 and 2 < high <= 128:
        return {"x / 128": lambda v: v / 128, "(x + 128) / 255": lambda v: (v + 128) / 255}
    return {}


def unscaled(name: str, x: npt.NDArray[Any]) -> Iterator[str]:
    """Without labels nobody knows; whole numbers and the range of pixels are at least suspicious."""
    low, high = float(x.min()), float(x.max())
    whole = bool(np.all(x == np.rint(x)))
    if (x.dtype.kind in "iu" or whole) and high - low > 2:
        kind = x.dtype.name if x.dtype.kind in "iu" else "whole numbers"
        yield (
            f"{name} is {kind} from {figure(low, 0)} to {figure(high, 0)}: right only if the network was trained on "
            f"such values; one trained on 0 to 1 takes {name} / 255. With labels y in the file this is found out"
        )


def constants(name: str, x: Floats) -> Iterator[str]:
    """Channels that never vary: the quantizer learns nothing of them."""
    rows = x.reshape(-1, x.shape[-1]) if x.ndim > 1 else x.reshape(-1, 1)
    constant = np.flatnonzero(rows.min(0) == rows.max(0))
    if len(constant) and len(x) > 1:
        listed = ", ".join(map(str, constant[:5])) + (", ..." if len(constant) > 5 else "")
        yield (
            f"{len(constant)} of {rows.shape[1]} channels of {name} hold one value in every sample (number {listed}; "
            f"{figure(float(rows[0, constant[0]]), 2)}): the range of what depends on them is not known"
        )


def outliers(name: str, x: Floats) -> Iterator[str]:
    size = np.abs(x)
    most, usual = float(size.max()), float(np.percentile(size, 99.9, method="lower"))
    if usual > 0 and most > OUTLIER * usual:
        sample = int(size.reshape(len(x), -1).max(1).argmax())
        yield (
            f"{name} reaches {figure(most, 2)} in sample {sample}, but 99.9 % of its values stay within "
            f"{figure(usual, 2)}: of 256 codes {figure(256 * usual / most, 0)} are left for them; leave such samples "
            "out"
        )


def _count(samples: Samples, source: Source) -> Iterator[str]:
    """Few samples, the same ones again, or ranges that still grow."""
    rows = zip(*(x.reshape(len(x), -1) for x in samples.inputs), strict=True)
    distinct = len({b"".join(part.tobytes() for part in row) for row in rows})
    if distinct < len(samples):
        yield f"only {distinct} of the {len(samples)} samples are different"
    if len(samples) < FEW:
        yield f"{len(samples)} samples are few; some hundred, as the device will see them, give ranges that hold"
    grown = _growth(samples, source)
    if grown:
        worst = max(grown, key=lambda layer: grown[layer])
        yield (
            f"the second half of the samples widened the range of {len(grown)} layers, op {worst} by "
            f"{figure(100 * grown[worst], 0)} %: more samples will widen them further"
        )


def _growth(samples: Samples, source: Source) -> dict[str, float]:
    """Layers whose range over all samples is wider than over the first half, and by what share."""
    count = min(len(samples), JUDGED)
    if count < 4:
        return {}
    model = interpreter(source.content)
    layers = operators(model)
    chosen = np.linspace(0, len(samples) - 1, count).astype(int)
    ends = np.array(
        [
            [(values.min(), values.max()) for _, _, tensor in layers for values in (real(model, tensor),)]
            for _ in invocations(model, [x[chosen] for x in samples.inputs])
        ]
    )
    half, whole = (
        np.maximum(part[:, :, 1].max(0), 0) - np.minimum(part[:, :, 0].min(0), 0) for part in (ends[: count // 2], ends)
    )
    wider = {f"{i} {kind}": float(w / h - 1) for (i, kind, _), h, w in zip(layers, half, whole, strict=True) if h > 0}
    return {layer: share for layer, share in wider.items() if share > WIDER}
