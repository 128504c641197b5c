"""Forms of float models that `tinyperf quantize` takes: one file each; the folder is the registry.

A module has `KINDS`, what `tinyperf.foreign` calls its files, and `load(path, options) -> Source`. Whatever the form,
a `Source` makes a float32 .tflite of batch 1 and knows how its inputs and outputs lie in the original.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tinyperf import foreign
from tinyperf.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType

    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Exact = Callable[[Sequence[Floats]], Sequence[Floats]]


@dataclass(frozen=True)
class Port:
    """An input or output. `given`: its shape in the source, batch 1.

    order: where the .tflite has other dimensions than the source: order[i] is the source's dimension that its
        dimension i holds.
    """

    name: str
    given: tuple[int, ...]
    order: tuple[int, ...] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """In the .tflite."""
        return self.given if self.order is None else tuple(self.given[axis] for axis in self.order)

    def moved(self, values: Floats) -> Floats:
        """[n, ...] in the source's order, as the .tflite has them."""
        return values if self.order is None else np.ascontiguousarray(values.transpose(self.order))

    def returned(self, values: Floats) -> Floats:
        """The reverse of `moved`."""
        return values if self.order is None else np.ascontiguousarray(values.transpose(np.argsort(self.order)))


@dataclass(frozen=True)
class Source:
    """A float model.

    form:    in words, with its article.
    content: the same as float32 .tflite of batch 1.
    inputs, outputs: in the order of the .tflite.
    exact:   the source's own runtime: arrays [1, ...] in, arrays out, dimensions in the source's order; None where
             TensorFlow itself made the .tflite of its own model.
    """

    path: str
    form: str
    content: bytes
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    exact: Exact | None = None


@dataclass(frozen=True)
class Options:
    """keep_layout: inputs and outputs as the source has them, even where that costs transposes on the device."""

    keep_layout: bool = False


@cache
def forms() -> Mapping[foreign.Kind, ModuleType]:
    """The module for each kind of file."""
    names = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_"))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return {kind: module for module in modules for kind in module.KINDS}


def load(path: Path, options: Options | None = None) -> Source:
    """The float model in a file, or in the folder of a SavedModel.

    Raises: ModelError: it is no float model, cannot be read, or has parts that cannot be translated.
        MissingExtraError: what reads this form is not installed.
    """
    hint = "give " + ", ".join(sorted({kind.what.split(" ", 1)[1] for kind in forms()}))
    kind = foreign.folder_kind(path) or foreign.regular(path, "model", ModelError, hint=hint).kind
    module = forms().get(kind) if kind else None
    if module is None:
        raise ModelError(
            f"{path} is {kind.what if kind else 'of an unknown form'}, not a float model that can be quantized",
            hint=hint,
        )
    source: Source = module.load(path, options or Options())
    return source
