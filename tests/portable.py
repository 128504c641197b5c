"""Many small models of any types as portable C in one library: what their layers compute, whatever firmware takes."""

from __future__ import annotations

import ctypes
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tests.m4 import APP
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot.host import compiler
from tinyperf.engines.aot.passes import compiled
from tinyperf.engines.aot.passes.emit import emit
from tinyperf.engines.aot.passes.place import place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from tinyperf.engines.aot.passes.emit import Emitted

    Data = npt.NDArray[np.generic]

FUNCTIONS = ("init", "input", "invoke", "output", "reset")
SANITIZED = ("-fno-wrapv", "-fsanitize=undefined,address", "-fno-sanitize-recover=all", "-g")
FLAGS = ("-std=c99", "-O1", "-fwrapv", "-fPIC", "-Wall", "-Wextra", "-Werror")


class Library:
    """The models of these files, by position."""

    def __init__(self, files: Sequence[bytes], folder: Path, *flags: str) -> None:
        self.models = [uncut(tflite.parse(file, f"m{i}")) for i, file in enumerate(files)]
        objects = [_object(model, folder / f"m{i}", i, flags) for i, model in enumerate(self.models)]
        library = folder / "models.so"
        _run([*compiler(), *FLAGS, *flags, "-shared", *objects, "-o", str(library)])
        self._library = ctypes.CDLL(str(library))

    def run(self, index: int, *samples: Data) -> list[Data]:
        """One inference per row: an array [n, ...shape] for each input, one [n, elements] for each output."""
        call = {name: getattr(self._library, f"m{index}_{name}") for name in FUNCTIONS}
        call["input"].restype = call["output"].restype = ctypes.c_void_p
        model = self.models[index]
        outputs = [model.tensors[i] for i in model.outputs]
        call["init"]()
        made = [np.empty((len(samples[0]), output.elements), output.dtype) for output in outputs]
        for row in range(len(samples[0])):
            for i, given in enumerate(samples):
                sample = np.ascontiguousarray(given[row])
                ctypes.memmove(call["input"](i), sample.ctypes.data, sample.nbytes)
            call["invoke"]()
            for i, rows in enumerate(made):
                ctypes.memmove(rows[row].ctypes.data, call["output"](i), rows[row].nbytes)
        return made


def uncut(model: tflite.Model) -> tflite.Model:
    """With the QUANTIZE and DEQUANTIZE that the host does the work of otherwise."""
    ends = {op.kind: op for op in model.boundary}
    inputs = (*ends["QUANTIZE"].inputs,) if "QUANTIZE" in ends else model.inputs
    outputs = (*ends["DEQUANTIZE"].outputs,) if "DEQUANTIZE" in ends else model.outputs
    ops = tuple(sorted((*model.ops, *model.boundary), key=lambda op: op.index))
    return replace(model, ops=ops, inputs=inputs, outputs=outputs, boundary=())


def emitted(model: tflite.Model, core: str) -> Emitted:
    """The C of a model for a core, whatever its ends."""
    target = Target(cores.load(core))
    graph = compiled(model, target)
    return emit(model, graph, place(graph), target)


def _object(model: tflite.Model, folder: Path, index: int, flags: tuple[str, ...]) -> str:
    folder.mkdir(parents=True)
    for name, text in emitted(model, "host").sources.items():
        (folder / name).write_text(text, encoding="utf-8")
    names = [f"-Dtp_model_{name}=m{index}_{name}" for name in FUNCTIONS]
    made = str(folder / "model.o")
    _run([*compiler(), *FLAGS, *flags, *names, f"-I{APP}", "-c", str(folder / "model.c"), "-o", made])
    return made


def _run(argv: list[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
