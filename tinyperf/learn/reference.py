"""MLCommons's own weights: what there is, where it lies here, and how it is fetched and read.

They are teachers and comparisons; none is shipped with tinyperf. Licence: Apache-2.0 (mlcommons/tiny).
"""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyperf.errors import DeviceError, DiskError

if TYPE_CHECKING:
    from collections.abc import Callable

COMMIT = "1afd2c9820f795965a6134facd0b4dfae41ef23f"
BASE_URL = f"https://raw.githubusercontent.com/mlcommons/tiny/{COMMIT}/benchmark/training"
TIMEOUT_S = 10
BLOCK_BYTES = 1 << 16


@dataclass(frozen=True)
class File:
    """One file of the reference, pinned by size and SHA-256."""

    folder: str
    name: str
    size_bytes: int
    sha256: str


# fmt: off
TABLE = Path(__file__).with_name("reference_files.txt")


def files() -> list[File]:
    """What `pull` fetches."""
    lines = TABLE.read_text(encoding="ascii").splitlines()[1:]
    return [File(folder, name, int(size), digest) for folder, name, size, digest in map(str.split, lines)]


def pull_folder() -> Path:
    """Where `tinyperf models pull` writes."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tinyperf" / "reference_models"


def find(name: str) -> Path | None:
    """One reference file by its name (`vww_96.h5`): pulled, or of the reference data; None where neither is there."""
    data = Path(os.environ.get("TINYPERF_DATA", "../shared/data")) / "reference_models"
    return next((folder / name for folder in (pull_folder(), data) if (folder / name).is_file()), None)


def pull(
    folder: Path | None = None, *, base_url: str = BASE_URL, progress: Callable[[str, int, int], None] | None = None
) -> list[Path]:
    """Fetch all reference files into `folder`; those already there are only checked, a part is continued.

    `progress(name, bytes, of)` is called as bytes arrive.
    Raises: DeviceError: no network, or the publisher sent something else. DiskError: cannot write.
    """
    folder = folder or pull_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_pull_one(file, folder, base_url, progress) for file in files()]
    except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException) as exc:
        reason = getattr(exc, "reason", exc)
        raise DeviceError(
            f"{base_url} cannot be reached: {reason}",
            means="no network, or a proxy that does not let it through; what has arrived is kept",
            hint="run 'tinyperf models pull' again where there is a network; the shipped models need none",
        ) from exc
    except OSError as exc:
        raise DiskError(f"cannot write into {folder}: {exc}", hint="free some space or choose another --out") from exc


def _pull_one(file: File, folder: Path, base_url: str, progress: Callable[[str, int, int], None] | None) -> Path:
    target, part = folder / file.name, folder / f"{file.name}.part"
    if target.is_file() and _sha256(target) == file.sha256:
        return target
    have = part.stat().st_size if part.is_file() else 0
    if have >= file.size_bytes:
        part.unlink()
        have = 0
    request = urllib.request.Request(f"{base_url}/{file.folder}/{file.name}", headers={"Range": f"bytes={have}-"})  # noqa: S310  (a fixed https address)
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
        have = have if answer.status == http.HTTPStatus.PARTIAL_CONTENT else 0
        with part.open("ab" if have else "wb") as out:
            while block := answer.read(BLOCK_BYTES):
                out.write(block)
                have += len(block)
                if progress is not None:
                    progress(file.name, have, file.size_bytes)
    if _sha256(part) != file.sha256:
        part.unlink()
        raise DeviceError(
            f"{file.name}: {have} bytes arrived, and they are not the pinned file ({file.size_bytes} bytes)",
            means="the transfer was cut short or changed on its way; the bytes were thrown away",
            hint="run 'tinyperf models pull' again",
        )
    part.replace(target)
    return target


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_keras(path: Path) -> Any:
    """A Keras file, also one of Keras 2 whose depthwise layers carry the `groups` that Keras 3 refuses."""
    import keras

    class Depthwise(keras.layers.DepthwiseConv2D):  # type: ignore[misc]
        def __init__(self, *, groups: int = 1, **options: Any) -> None:  # noqa: ARG002
            super().__init__(**options)

    return keras.models.load_model(path, compile=False, custom_objects={"DepthwiseConv2D": Depthwise})
