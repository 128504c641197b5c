"""Names and kinds of everything in an organisation's folder: links, sizes, what git and the official checker refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.submissions.findings import Finding, finding
from tinyperf.submissions.tree import FILE_LIMIT_BYTES, MIB

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import PurePosixPath

    from tinyperf.submissions.tree import Entry, Tree


def check(tree: Tree, organisation: PurePosixPath) -> Iterator[Finding]:
    """Everything that is wrong with names, links and sizes below one organisation."""
    for entry in tree.below(organisation):
        yield from _entry(entry)
        if entry.sort == "folder" and not tree.inside(entry.path):
            yield finding("empty-folder", entry.path, "nothing is in it")


def _entry(entry: Entry) -> Iterator[Finding]:
    name = entry.path.name
    if entry.sort == "link":
        yield finding("symbolic-link", entry.path, "a symbolic link")
    elif entry.sort == "other":
        yield finding("special-file", entry.path, "a device, pipe or socket")
    elif entry.bytes > FILE_LIMIT_BYTES:
        yield finding("file-too-large", entry.path, f"{entry.bytes / MIB:.0f} MiB")
    if entry.sort == "folder" and name == "__pycache__":
        yield finding("pycache", entry.path, "a __pycache__ folder")
    if name.startswith("."):
        yield finding("hidden-name", entry.path, f"{name} starts with a dot")
    if " " in name:
        yield finding("blank-in-name", entry.path, f"'{name}' holds a blank")
