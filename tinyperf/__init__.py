"""tinyperf: one number you can trust for a TinyML model on a microcontroller.

Every verb of the command line is a function here: `tinyperf.run("kws", board="nucleo-l4r5zi", virtual=True)`.
"""

import importlib
from importlib.metadata import PackageNotFoundError, version
from types import FunctionType
from typing import Any

try:
    __version__ = version("tinyperf")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0.0.0"


def __getattr__(name: str) -> Any:
    """A verb of `tinyperf.api`, imported when first used (`import tinyperf` itself stays instant)."""
    verb = (
        None if name.startswith("_") or name == "api" else getattr(importlib.import_module("tinyperf.api"), name, None)
    )
    if not isinstance(verb, FunctionType):
        msg = f"module 'tinyperf' has no attribute '{name}'"
        raise AttributeError(msg)  # noqa: TRY004  (what module __getattr__ must raise)
    return verb
