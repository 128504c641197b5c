"""The generated portable C, compiled for this computer and called in process: evaluation, and the oracle of tests."""

from __future__ import annotations

import ctypes
import hashlib
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from tinyperf import content, cores, folders, tool
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from tinyperf.tflite import Model

FLAGS = ("-std=c99", "-O2", "-fwrapv", "-ffp-contract=off", "-shared", "-fPIC")

# One inference per row in one call: a call from Python costs more than a small model.
BATCH_C = """\
/* SPDX-License-Identifier: 0BSD */
#include "tp_model.h"
#include <string.h>

struct tp_end { char *rows; size_t bytes; };

void tp_batch(const struct tp_end *inputs, size_t n_in, const struct tp_end *outputs, size_t n_out, size_t rows);

void tp_batch(const struct tp_end *inputs, size_t n_in, const struct tp_end *outputs, size_t n_out, size_t rows)
{
    for (size_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < n_in; i++) {
            memcpy(tp_model_input(i), inputs[i].rows + row * inputs[i].bytes, inputs[i].bytes);
        }
        (void)tp_model_invoke();
        for (size_t i = 0; i < n_out; i++) {
            memcpy(outputs[i].rows + row * outputs[i].bytes, tp_model_output(i), outputs[i].bytes);
        }
    }
}
"""


class End(Protocol):
    """An input or output: how many elements of which type (numpy's name) one inference takes or gives."""

    @property
    def elements(self) -> int: ...
    @property
    def dtype(self) -> str: ...


class _Rows(ctypes.Structure):
    _fields_ = (("rows", ctypes.c_void_p), ("bytes", ctypes.c_size_t))


class HostCode:
    """Generated sources, compiled and loaded. The library file is cached by content below the user's cache folder.

    Two of the same sources are one: they share their arena and their variables.

    Raises: BuildError: no C compiler, or it failed.
    """

    def __init__(self, sources: Mapping[str, str], inputs: Sequence[End], outputs: Sequence[End]) -> None:
        self._inputs, self._outputs = tuple(inputs), tuple(outputs)
        self._library = ctypes.CDLL(str(_library({**sources, "batch.c": BATCH_C})))
        ends = ctypes.POINTER(_Rows)
        self._library.tp_batch.argtypes = (ends, ctypes.c_size_t, ends, ctypes.c_size_t, ctypes.c_size_t)
        self._library.tp_batch.restype = None
        self._library.tp_model_init()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to release: the library stays loaded, as libraries do, and its file stays in the cache."""

    def run(self, *inputs: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], ...]:
        """One inference per row, one after the other: variables go from row to row, and from call to call.

        Args: an array for each input of the model, [n, ...], of its type or one that numpy casts safely to it.
        Returns: an array for each output, [n, elements], of its type.
        """
        given = [
            np.ascontiguousarray(rows.astype(end.dtype, casting="same_kind", copy=False)).reshape(-1, end.elements)
            for rows, end in zip(inputs, self._inputs, strict=True)
        ]
        (count,) = {len(rows) for rows in given}
        made = [np.empty((count, end.elements), end.dtype) for end in self._outputs]
        self._library.tp_batch(_rows(given), len(given), _rows(made), len(made), count)
        return tuple(made)

    def reset(self) -> None:
        """Variables back to what they hold before the first inference."""
        self._library.tp_model_reset()


class HostModel(HostCode):
    """A model compiled for this computer, as a context manager; its ends are `model.inputs` and `model.outputs`.

    Raises: ModelError: the model is not supported. BuildError: no C compiler, or it failed.
    """

    def __init__(self, model: Model) -> None:
        generated = ENGINE.generate(model, Target(cores.load("host")), {})
        inputs, outputs = ([model.tensors[i] for i in ends] for ends in (model.inputs, model.outputs))
        super().__init__(generated.sources, inputs, outputs)


def _rows(arrays: Sequence[npt.NDArray[Any]]) -> ctypes.Array[_Rows]:
    """As BATCH_C takes them."""
    return (_Rows * len(arrays))(*(_Rows(a.ctypes.data, a.itemsize * a.shape[1]) for a in arrays))


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
