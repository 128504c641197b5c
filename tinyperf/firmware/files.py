"""Generated files on disk: written whole, and never over what somebody has edited since."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from tinyperf.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

LISTING = "tinyperf-files.txt"
"""In the folder: a line for each file that was written, its SHA-256 and its name."""
SHOWN = 5


def write(files: Mapping[str, str], folder: Path, *, force: bool = False) -> None:
    """Writes every file below `folder`. Of an earlier time, what is not among them is removed (its sources would be
    compiled too); files that tinyperf did not write are left alone.

    Args: force: write over files that were edited, or that stood there before.
    Raises: UsageError: there are such, all of them named; nothing is written. OSError: cannot write.
    """
    before = _listed(folder)
    stale = set(before) - set(files)
    if not force:
        _refuse_edited(folder, before, files, stale)
    for name in stale:
        (folder / name).unlink(missing_ok=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    lines = (f"{_digest(text.encode('utf-8'))}  {name}\n" for name, text in files.items())
    (folder / LISTING).write_text("".join(lines), encoding="utf-8")


def _listed(folder: Path) -> dict[str, str]:
    """Digests by name; "" of a file whose digest nobody noted. Names that lead out of the folder are left out."""
    listing = folder / LISTING
    if not listing.is_file():
        return {}
    found: dict[str, str] = {}
    for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
        digest, _, name = line.rpartition("  ")
        if name and ".." not in Path(name).parts and not Path(name).is_absolute():
            found[name] = digest
    return found


def _refuse_edited(folder: Path, before: Mapping[str, str], files: Mapping[str, str], stale: set[str]) -> None:
    edited = []
    for name in sorted({*files, *stale}):
        path = folder / name
        if not path.is_file():
            continue
        digest = _digest(path.read_bytes())
        new = _digest(files[name].encode("utf-8")) if name in files else ""
        if digest not in {before.get(name, ""), new}:
            edited.append(name)
    if edited:
        more = f" and {len(edited) - SHOWN} more" if len(edited) > SHOWN else ""
        raise UsageError(
            f"{folder}: {', '.join(edited[:SHOWN])}{more} {'differs' if len(edited) == 1 else 'differ'} from what "
            "tinyperf wrote",
            means="edited since, or written by somebody else; nothing was written",
            hint="choose another folder, or --force to write over them",
        )


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
