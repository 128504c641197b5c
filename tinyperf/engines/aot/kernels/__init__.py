"""Kernels: one file each; the folder is the registry.

A kernel module has `KERNEL`. It says which work it does, which features of a core it `needs`, what else it lacks for
a work (`lacks`), in which `forms` it does it and what each costs, and how its layer is written (`emit`). Weights are
packed in numpy; only the pass `emit` turns them into text. The C is one header of firmware_templates/engines/aot/.
The portable kernel of each kind of work lacks nothing, ever: it is the fallback and the check.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from tinyperf.engines.aot.graph import Work

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tinyperf.cores import Feature
    from tinyperf.engines.aot.graph import Bounds, Form

W = TypeVar("W", bound=Work)
Costs = Mapping[str, float]
"""Cycles on a core by what they are spent on; each kernel names its own."""


@dataclass(frozen=True, eq=False)
class Array:
    """One constant array of model_weights.h: of integers, or, with two dimensions, of structs of int32 fields.

    `type` is the C type of an element. Bytes count as they lie in flash.
    """

    name: str
    type: str
    values: npt.NDArray[np.generic]
    comment: str


@dataclass(frozen=True)
class Place:
    """Where a layer works, as C expressions, and in which form; `prefix` starts the names of its arrays.

    edge: of a row of a larger image: variables that hold how many rows of it there are from the first one seen on,
    and how many stand above that one; () where the window never leaves the image.
    """

    prefix: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    scratch: str
    form: Form
    edge: tuple[str, ...] = ()

    @property
    def output(self) -> str:
        """The only output."""
        (output,) = self.outputs
        return output


@dataclass(frozen=True)
class Code:
    """Arrays, and the statements of the layer function; `headers` beside the kernel's own.

    definitions: lines of C that must stand once before the layers; equal ones of several layers are one.
    """

    arrays: tuple[Array, ...]
    body: str
    headers: tuple[str, ...] = ()
    definitions: tuple[str, ...] = ()


def nothing(_work: object, _bounds: object) -> None:
    """What the portable kernels lack."""


@dataclass(frozen=True)
class Kernel(Generic[W]):
    """See the module.

    work:   the class of the work; all callables take one of it.
    forms:  the ways in which the kernel does a work that lacks nothing, with the cycles that the costs give.
    lacks:  what the work or its bounds lack, in words that follow "needs"; None where nothing.
    needs:  features of the core.
    by_rows: it can do one row of a larger image: its window may have `Place.edge`, and no line of C rests on it.
    costs:  a first guess where no core's file has costs of this kernel yet (tinyperf/cores/).
    """

    name: str
    work: type[W]
    header: str
    forms: Callable[[W, Costs], tuple[Form, ...]]
    emit: Callable[[W, Place], Code]
    lacks: Callable[[W, Bounds | None], str | None] = nothing
    needs: frozenset[Feature] = frozenset()
    by_rows: bool = False
    costs: Costs = field(default_factory=dict)


@cache
def all_kernels() -> tuple[Kernel[Work], ...]:
    """Every kernel of this folder, by name."""
    names = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_"))
    return tuple(importlib.import_module(f"{__name__}.{name}").KERNEL for name in names)


@cache
def by_name() -> Mapping[str, Kernel[Work]]:
    """Of every kernel: its name in a `Form`, and the kernel."""
    return {kernel.name: kernel for kernel in all_kernels()}
