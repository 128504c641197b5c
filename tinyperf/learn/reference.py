"""MLCommons's own weights: where they lie here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def folders() -> tuple[Path, ...]:
    """Where reference weights are looked for: what `tinyperf models pull` wrote, then the reference data."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    data = Path(os.environ.get("TINYPERF_DATA", "../shared/data"))
    return (cache / "tinyperf" / "reference_models", data / "reference_models")


def find(name: str) -> Path | None:
    """One reference file by its name (`vww_96.h5`), or None where it was never pulled."""
    return next((folder / name for folder in folders() if (folder / name).is_file()), None)


def load_keras(path: Path) -> Any:
    """A Keras file, also one of Keras 2 whose depthwise layers carry the `groups` that Keras 3 refuses."""
    import keras

    class Depthwise(keras.layers.DepthwiseConv2D):  # type: ignore[misc]
        def __init__(self, *, groups: int = 1, **options: Any) -> None:  # noqa: ARG002
            super().__init__(**options)

    return keras.models.load_model(path, compile=False, custom_objects={"DepthwiseConv2D": Depthwise})
