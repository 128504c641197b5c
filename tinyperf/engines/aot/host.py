"""The generated portable C, compiled for this computer and called in process: evaluation, and the oracle of tests."""

from __future__ import annotations

import ctypes
import hashlib
import math
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from tinyperf import content, cores, folders, tool
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.errors import BuildError

if TYPE_CHECKING:
    import numpy.typing as npt

    from tinyperf.tflite import Model

FLAGS = ("-std=c99", "-O2", "-fwrapv", "-shared", "-fPIC")

# One inference per row in one call: a call from Python costs more than a small model.
BATCH_C = """\
/* SPDX-License-Identifier: 0BSD */
#include "tp_model.h"
#include <string.h>

void tp_batch(const int8_t *inputs, size_t input_bytes, int8_t *outputs, size_t output_bytes, size_t count);

void tp_batch(const int8_t *inputs, size_t input_bytes, int8_t *outputs, size_t output_bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        memcpy(tp_model_input(), &inputs[i * input_bytes], input_bytes);
        (void)tp_model_invoke();
        memcpy(&outputs[i * output_bytes], tp_model_output(), output_bytes);
    }
}
"""


class HostModel:
    """A compiled model. A context manager; the library file is cached by content below the user's cache folder.

    Raises: ModelError: the model is not supported. BuildError: no C compiler, or it failed.
    """

    def __init__(self, model: Model) -> None:
        generated = ENGINE.generate(model, Target(cores.load("host")), {})
        self._inputs = math.prod(model.input.shape)
        self._outputs = math.prod(model.output.shape)
        self._library = ctypes.CDLL(str(_library({**generated.sources, "batch.c": BATCH_C})))
        pointer, size = ctypes.c_void_p, ctypes.c_size_t
        self._library.tp_batch.argtypes = (pointer, size, pointer, size, size)
        self._library.tp_batch.restype = None
        self._library.tp_model_init()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to release: the library stays loaded, as libraries do, and its file stays in the cache."""

    def run(self, inputs: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
        """One inference per row. Args: int8 [n, ...input shape]. Returns: int8 [n, elements of the output]."""
        rows = np.ascontiguousarray(inputs, np.int8).reshape(-1, self._inputs)
        outputs = np.empty((len(rows), self._outputs), np.int8)
        self._library.tp_batch(rows.ctypes.data, self._inputs, outputs.ctypes.data, self._outputs, len(rows))
        return outputs


def compiler() -> tuple[str, ...]:
    """The host's C compiler as the start of a command line.

    Raises: BuildError: none is there.
    """
    found = tool.host_compiler()
    if found is None:
        raise BuildError(
            "no C compiler on PATH (looked for cc, gcc, clang)",
            hint="install one (Debian: apt-get install gcc libc6-dev; macOS: xcode-select --install), or set CC",
        )
    return found


def _library(sources: dict[str, str]) -> Path:
    """The shared library made of `sources`, from the cache where it was made before."""
    command = compiler()
    header = content.shipped("firmware_templates") / "app" / "tp_model.h"
    files = {**sources, "tp_model.h": header.read_text(encoding="utf-8")}
    key = hashlib.sha256(repr((command, FLAGS, sorted(files.items()))).encode()).hexdigest()[:32]
    library = folders.cache() / "aot" / f"{key}.so"
    if library.is_file():
        return library
    try:
        library.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=library.parent) as folder:
            for name, text in files.items():
                (Path(folder) / name).write_text(text, encoding="utf-8")
            made = Path(folder) / "model.so"
            _compile([*command, *FLAGS, "model.c", "batch.c", "-o", made.name], Path(folder))
            made.replace(library)  # atomic: two processes may compile the same model
    except OSError as exc:
        raise BuildError(
            f"cannot write {library}: {exc.strerror}", hint="set TINYPERF_CACHE to a folder that can be written"
        ) from exc
    return library


def _compile(argv: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    except (FileNotFoundError, PermissionError) as exc:
        raise BuildError(
            f"C compiler '{argv[0]}' cannot be started: {exc.strerror}", hint="install it, or set CC to another one"
        ) from exc
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-10:])
        raise BuildError(
            f"{shlex.join(argv)} failed with code {done.returncode}:\n{last}",
            hint="set CC to another C compiler; if that fails too, this is a defect of tinyperf",
        )
