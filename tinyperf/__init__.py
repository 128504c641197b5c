"""tinyperf: one number you can trust for a TinyML model on a microcontroller.

Every verb of the command line is a function here: `tinyperf.run("kws", board="nucleo-l4r5zi", virtual=True)`.
"""

import importlib
from types import FunctionType
from typing import Any

__version__ = "0.1.0"  # the one place: pyproject.toml reads it here


def __getattr__(name: str) -> Any:
    """A verb of `tinyperf.api`, imported when first used (`import tinyperf` itself stays instant)."""
    verb = (
        None if name.startswith("_") or name == "api" else getattr(importlib.import_module("tinyperf.api"), name, None)
    )
    if not isinstance(verb, FunctionType):
        msg = f"module 'tinyperf' has no attribute '{name}'"
        raise AttributeError(msg)  # noqa: TRY004  (what module __getattr__ must raise)
    return verb
