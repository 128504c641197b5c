"""Python code in a Keras file: found before Keras sees the file, whatever Keras's own safe mode would do.

Keras's safe mode does not hold for `.h5` before 3.11.3 (CVE-2025-9905), and named any function of any module before 3.9
(CVE-2025-1550). Only the configuration is read here, as JSON.
"""

from __future__ import annotations

import json
import re
import zipfile
from typing import TYPE_CHECKING, Any

from tinyperf.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_CONFIG_BYTES = 1 << 26
CODE = {"Lambda", "__lambda__", "TorchModuleWrapper", "TFSMLayer"}
"""Kinds of object whose configuration is a program: Python's byte code, a pickle, a graph of operations on files."""
OURS = re.compile(
    r"(tensorflow\.)?keras(\.src)?\.(activations|ops|initializers|regularizers|constraints|losses|metrics)\b"
)
"""Where functions that a configuration names may come from."""


def refuse(path: Path) -> None:
    """Raises: ModelError: the file holds code. What is no Keras file is left to Keras to judge."""
    config = _config(path)
    if isinstance(config, dict):
        config.pop("compile_config", None)  # losses and metrics of the training are not loaded
    found = sorted({kind for part in _parts(config) if (kind := _code(part))})
    if found:
        raise ModelError(
            f"{path} holds Python code: {', '.join(found)}",
            means="code out of a file is never executed here, and no microcontroller could run it",
            hint="build the model from Keras's own layers and operations (keras.ops), and save it again",
        )


def _config(path: Path) -> Any:
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                return json.loads(packed.open("config.json").read(MOST_CONFIG_BYTES))
        import h5py

        with h5py.File(path, "r") as file:
            text = file.attrs.get("model_config", "null")
            return json.loads(text)
    except (OSError, ValueError, KeyError, ImportError, RecursionError, zipfile.BadZipFile):
        return None


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of the configuration."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            yield one
            left += one.values()
        elif isinstance(one, list):
            left += one


def _code(part: dict[str, Any]) -> str:
    kind, module = str(part.get("class_name", "")), part.get("module")
    if kind in CODE:
        return {"__lambda__": "a lambda", "Lambda": "a Lambda layer"}.get(kind, kind)
    if kind == "function" and not (isinstance(module, str) and OURS.match(module)):
        name = part.get("config")
        return f"the function {name if isinstance(name, str) else '?'} of {module}"
    return ""
