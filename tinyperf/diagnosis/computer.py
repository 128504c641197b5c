"""This computer: its Python, the packages beside tinyperf, its disk."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from tinyperf import folders
from tinyperf.diagnosis.check import Check, pip

if TYPE_CHECKING:
    from tinyperf.diagnosis.check import State

DISK_BYTES = 2_000_000_000
"""A TFLM library, its objects and some dozen images, with room."""

# Module -> extra that brings it, and what it is for.
EXTRAS = {
    "unicorn": ("virtual", "the virtual board"),
    "capstone": ("virtual", "the virtual board's cycle model"),
    "tflite_micro": ("tflm", "evaluation with TFLM itself, and the oracle of the tests"),
    "ai_edge_litert": ("litert", "evaluation with LiteRT"),
    "tensorflow": ("train", "training and quantizing models"),
    "soundfile": ("data", "original audio datasets"),
    "PIL": ("data", "original picture datasets"),
    "matplotlib": ("plot", "plots"),
    "pyjoulescope_driver": ("joulescope", "energy with a Joulescope"),
}


def python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("Python", "ok", f"{version} ({sys.executable})", "tinyperf runs on 3.11 and newer")


def extras() -> list[Check]:
    checks = []
    for module, (extra, purpose) in EXTRAS.items():
        if find_spec(module) is not None:
            checks.append(Check(f"extra {extra}", "ok", module, purpose))
        else:
            checks.append(Check(f"extra {extra}", "note", f"no {module}", purpose, pip(extra)))
    return checks


def disk() -> Check:
    folder = folders.cache()
    place = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(place).free
    why = f"images and library objects are kept in {folder}"
    state: State = "ok" if free >= DISK_BYTES else "missing"
    fix = "" if state == "ok" else "make room, or set TINYPERF_CACHE to a folder with room"
    return Check("disk", state, f"{free / 1e9:.1f} GB free", why, fix)
