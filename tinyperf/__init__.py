"""tinyperf: one number you can trust for a TinyML model on a microcontroller."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("tinyperf")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0.0.0"
