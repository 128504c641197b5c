"""Fetching a file from its publisher: resumed where it stopped, checked against what is pinned."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tinyperf.errors import DeviceError, DiskError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TIMEOUT_S = 10
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Archive:
    """A file to fetch. `digest`: of the kind `algorithm`; MD5 where the publisher states nothing better."""

    url: str
    size_bytes: int
    algorithm: Literal["sha256", "md5"]
    digest: str

    @property
    def name(self) -> str:
        return self.url.rsplit("/", 1)[-1].partition("?")[0]


def fetch(archive: Archive, folder: Path, progress: Callable[[str, int, int], None] = lambda *_: None) -> Path:
    """The file in `folder`; what is there is only checked, a part is continued.

    Args:   progress: called with name, bytes so far and in all.
    Raises: DeviceError: no network, cut short, or not the pinned file. DiskError: cannot write.
    """
    target, part = folder / archive.name, folder / f"{archive.name}.part"
    if target.is_file() and _matches(target, archive):
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _continue(archive, part, progress)
    except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException) as exc:
        raise DeviceError(
            f"{archive.url} cannot be fetched: {getattr(exc, 'reason', exc)}",
            means="no network, or a proxy that does not let it through; what has arrived is kept",
            hint=f"fetch it where there is a network and put it into {folder}, then run again",
        ) from exc
    except OSError as exc:
        raise DiskError(
            f"{part} cannot be written: {exc.strerror}", hint=f"{archive.size_bytes / 1e6:,.1f} MB are needed"
        ) from exc
    have = part.stat().st_size
    if have < archive.size_bytes:
        raise DeviceError(
            f"{archive.name}: {have} of {archive.size_bytes} bytes arrived",
            means="the transfer was cut short; what has arrived is kept",
            hint="run again to continue",
        )
    if not _matches(part, archive):
        part.unlink()
        raise DeviceError(
            f"{archive.name}: the {have} bytes from {archive.url} are not the pinned file",
            means=f"its {archive.algorithm} is not {archive.digest}; the bytes were thrown away",
            hint="run again; if it stays so, the publisher has changed the file",
        )
    part.replace(target)
    return target


def _continue(archive: Archive, part: Path, progress: Callable[[str, int, int], None]) -> None:
    have = part.stat().st_size if part.is_file() else 0
    if have >= archive.size_bytes:
        return
    request = urllib.request.Request(archive.url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310  (pinned addresses)
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310  (pinned addresses)
        if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
            have = 0
        with part.open("ab" if have else "wb") as out:
            while block := answer.read(BLOCK_BYTES):
                out.write(block)
                have += len(block)
                progress(archive.name, have, archive.size_bytes)


def _matches(path: Path, archive: Archive) -> bool:
    if path.stat().st_size != archive.size_bytes:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, archive.algorithm).hexdigest() == archive.digest
