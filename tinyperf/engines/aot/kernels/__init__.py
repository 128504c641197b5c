"""Kernels: one file each; the folder is the registry.

A kernel module has `KERNEL`. It says which work it does (`work`), when it may not (`refuse`: the reason, or None),
what it costs (`cost`), and how its layer is written (`emit`). Its C is one header of firmware_templates/engines/aot/.
The portable kernel of each kind of work never refuses: it is the fallback and the check.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.engines import Target


@dataclass(frozen=True)
class Cost:
    """`cycles`: a rough estimate for a Cortex-M4, only to rank candidates. `in_place`: may overwrite its input."""

    cycles: float
    scratch_bytes: int = 0
    in_place: bool = False


@dataclass(frozen=True)
class Array:
    """One constant array of model_weights.h; `values` is the finished initializer."""

    name: str
    type: str
    length: int
    values: str
    comment: str
    size_bytes: int


@dataclass(frozen=True)
class Place:
    """Where a layer works, as C expressions; `prefix` starts the names of its arrays."""

    prefix: str
    inputs: tuple[str, ...]
    output: str
    scratch: str


@dataclass(frozen=True)
class Code:
    """Arrays, and the statements of the layer function."""

    arrays: tuple[Array, ...]
    body: str


@dataclass(frozen=True)
class Kernel:
    """See the module. The callables take the work whose type `work` names."""

    name: str
    work: type
    header: str
    refuse: Callable[[Any, Target], str | None]
    cost: Callable[[Any], Cost]
    emit: Callable[[Any, Place], Code]


def never(_work: object, _target: Target) -> None:
    """The `refuse` of a portable kernel."""


def all_kernels() -> tuple[Kernel, ...]:
    """Every kernel of this folder, by name."""
    names = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_"))
    return tuple(importlib.import_module(f"{__name__}.{name}").KERNEL for name in names)
