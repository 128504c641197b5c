"""MLCommons's own weights: what there is, where it lies here, and how it is fetched and read.

They are teachers and comparisons; none is shipped with tinyperf. Licence: Apache-2.0 (mlcommons/tiny).
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyperf import folders
from tinyperf.datasets import download
from tinyperf.datasets.download import Archive
from tinyperf.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

COMMIT = "1afd2c9820f795965a6134facd0b4dfae41ef23f"
BASE_URL = f"https://raw.githubusercontent.com/mlcommons/tiny/{COMMIT}/benchmark/training"
TABLE = Path(__file__).with_name("reference_files.txt")


def archives() -> list[Archive]:
    """What `pull` fetches: every file pinned by size and SHA-256."""
    lines = TABLE.read_text(encoding="ascii").splitlines()[1:]
    return [
        Archive(f"{BASE_URL}/{folder}/{name}", int(size), "sha256", digest)
        for folder, name, size, digest in map(str.split, lines)
    ]


def pull_folder() -> Path:
    """Where `tinyperf models pull` writes."""
    return folders.cache() / "reference_models"


def find(name: str) -> Path | None:
    """One reference file by its name (`vww_96.h5`): pulled, or of $TINYPERF_DATA; None where neither is there.

    Raises: DataError: it is not the pinned one. TensorFlow ends the whole process on some damaged models.
    """
    places = [pull_folder()]
    if data := os.environ.get("TINYPERF_DATA"):
        places.append(Path(data) / "reference_models")
    path = next((folder / name for folder in places if (folder / name).is_file()), None)
    pinned = {archive.name: archive.digest for archive in archives()}
    if path and hashlib.sha256(path.read_bytes()).hexdigest() != pinned[name]:
        raise DataError(
            f"{path} is not the {name} of mlcommons/tiny {COMMIT[:7]}: another SHA-256",
            means="it is cut short or changed",
            hint="delete it; 'tinyperf models pull' fetches it again",
        )
    return path


def pull(folder: Path | None = None, *, progress: Callable[[str, int, int], None] = lambda *_: None) -> list[Path]:
    """Fetch all reference files into `folder`; those already there are only checked, a part is continued.

    `progress(name, bytes, of)` is called as bytes arrive.
    Raises: DeviceError: no network, or the publisher sent something else. DiskError: cannot write.
    """
    return [download.fetch(archive, folder or pull_folder(), progress) for archive in archives()]


def load_keras(path: Path) -> Any:
    """A Keras file, also one of Keras 2 whose depthwise layers carry the `groups` that Keras 3 refuses."""
    import keras

    class Depthwise(keras.layers.DepthwiseConv2D):  # type: ignore[misc]  # Keras has no types
        def __init__(self, *, groups: int = 1, **options: Any) -> None:  # noqa: ARG002  (Keras 2 wrote it; Keras 3 refuses it)
            super().__init__(**options)

    return keras.models.load_model(path, compile=False, custom_objects={"DepthwiseConv2D": Depthwise})
