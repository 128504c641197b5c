"""Where tinyperf and PlatformIO keep what outlives a run."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache() -> Path:
    """What can be made or fetched again: $TINYPERF_CACHE, else `tinyperf` in the user's cache folder."""
    return _own("TINYPERF_CACHE", "XDG_CACHE_HOME", ".cache", windows=("LOCALAPPDATA", "Local"))


def settings() -> Path:
    """What the user has registered: $TINYPERF_CONFIG, else `tinyperf` in the user's settings folder."""
    return _own("TINYPERF_CONFIG", "XDG_CONFIG_HOME", ".config", windows=("APPDATA", "Roaming"))


def platformio() -> Path:
    """PlatformIO's packages: $PLATFORMIO_CORE_DIR, else its own default."""
    return Path(os.environ.get("PLATFORMIO_CORE_DIR") or Path.home() / ".platformio")


def _own(named: str, xdg: str, default: str, *, windows: tuple[str, str]) -> Path:
    if given := os.environ.get(named):
        return Path(given).absolute()
    if sys.platform == "win32":
        variable, folder = windows
        return Path(os.environ.get(variable, Path.home() / "AppData" / folder)) / "tinyperf"
    return Path(os.environ.get(xdg) or Path.home() / default) / "tinyperf"
