"""What is shipped with tinyperf and where it lies: boards, energy drivers, firmware templates, models.

The four folders stand at the top of the repository and travel inside the package in the wheel. Nothing else knows.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tinyperf.errors import ContentError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint
    from types import ModuleType

Kind = Literal["boards", "energy", "firmware_templates", "models"]


def shipped(kind: Kind) -> Path:
    """Folder of one kind of shipped content, in an editable install and in a wheel alike."""
    inside = Path(__file__).parent / "_shipped" / kind
    return inside if inside.is_dir() else Path(__file__).parent.parent / kind


def names(kind: Kind, suffix: str) -> dict[str, Path]:
    """Name -> file of everything of one kind: the folder is the registry."""
    found = {path.stem: path for path in shipped(kind).glob(f"*{suffix}") if not path.stem.startswith("_")}
    return dict(sorted(found.items()))


def packaged(group: str) -> dict[str, EntryPoint]:
    """Name -> entry point of everything that installed packages bring; they are looked through once."""
    return _packaged(group, tuple(sys.path))


@functools.cache
def _packaged(group: str, _path: tuple[str, ...]) -> dict[str, EntryPoint]:
    return {point.name: point for point in importlib.metadata.entry_points(group=group)}


def load_module(kind: Literal["energy", "models"], path: Path) -> ModuleType:
    """Import one module of a content folder under a private name (`energy/csv.py` must not become `csv`).

    Raises: ContentError: the file is no importable Python module.
    """
    private = f"_tinyperf_{kind}_{path.stem}"
    if private in sys.modules and sys.modules[private].__file__ == str(path):
        return sys.modules[private]
    spec = importlib.util.spec_from_file_location(private, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ContentError(f"{path} is not a Python module", hint=f"modules of '{kind}' are single .py files")
    module = importlib.util.module_from_spec(spec)
    sys.modules[private] = module
    spec.loader.exec_module(module)
    return module
