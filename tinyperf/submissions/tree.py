"""A folder that somebody else filled, read with care: nothing outside it, no link followed, no file without a bound."""

from __future__ import annotations

import json
import os
import stat
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from tinyperf.submissions.findings import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1 << 20
FILE_LIMIT_BYTES = 500 * MIB
TEXT_LIMIT_BYTES = 160 * MIB  # a log of 48,608 ad inferences has about 45 MB

Sort = Literal["file", "folder", "link", "other"]


@dataclass(frozen=True)
class Entry:
    """One name in a folder; `bytes` of a file only."""

    path: PurePosixPath
    sort: Sort
    bytes: int = 0


@dataclass(frozen=True)
class Json:
    """A JSON file: its value, its text (for lines) and the keys that stand twice in one object."""

    value: Any
    text: str
    twice: tuple[str, ...] = ()


@dataclass
class Tree:
    """What lies below `root`, listed once. `unreadable`: folders that would not be listed."""

    root: Path
    entries: dict[PurePosixPath, tuple[Entry, ...]] = field(default_factory=dict)
    unreadable: list[Finding] = field(default_factory=list)

    @classmethod
    def of(cls, root: Path) -> Tree:
        """List everything below `root`; links are named and not followed."""
        tree = cls(root)
        waiting = [PurePosixPath()]
        while waiting:
            folder = waiting.pop()
            entries = tree._list(folder)
            tree.entries[folder] = entries
            waiting += [entry.path for entry in entries if entry.sort == "folder"]
        return tree

    def _list(self, folder: PurePosixPath) -> tuple[Entry, ...]:
        try:
            with os.scandir(self.root / folder) as listed:
                return tuple(sorted((_entry(folder, one) for one in listed), key=lambda entry: entry.path))
        except OSError as exc:
            self.unreadable.append(finding("unreadable", folder, f"the folder cannot be listed: {exc.strerror}"))
            return ()

    def inside(self, folder: PurePosixPath) -> tuple[Entry, ...]:
        """What lies directly in `folder`; nothing where there is no such folder."""
        return self.entries.get(folder, ())

    def folders(self, folder: PurePosixPath) -> list[PurePosixPath]:
        return [entry.path for entry in self.inside(folder) if entry.sort == "folder"]

    def files(self, folder: PurePosixPath) -> list[PurePosixPath]:
        return [entry.path for entry in self.inside(folder) if entry.sort == "file"]

    def below(self, folder: PurePosixPath) -> list[Entry]:
        """Everything below `folder`, at any depth."""
        return [
            entry
            for parent, entries in self.entries.items()
            if parent == folder or folder in parent.parents
            for entry in entries
        ]

    def find(self, path: PurePosixPath) -> Entry | None:
        return next((entry for entry in self.inside(path.parent) if entry.path == path), None)

    def text(self, path: PurePosixPath) -> str | Finding:
        """The text of a regular file of bounded size, or what is wrong with it."""
        entry = self.find(path)
        if entry is None or entry.sort != "file":
            return finding("file-missing", path, f"there is no file {path.name}")
        if entry.bytes > TEXT_LIMIT_BYTES:
            return finding("too-large-to-check", path, f"{entry.bytes / MIB:.0f} MiB, over {TEXT_LIMIT_BYTES // MIB}")
        if entry.bytes == 0:
            return finding("file-empty", path, "the file is empty")
        try:
            with open(self.root / path, "rb", opener=_no_link) as file:
                data = file.read(TEXT_LIMIT_BYTES + 1)
        except OSError as exc:
            return finding("unreadable", path, f"the file cannot be read: {exc.strerror}")
        if b"\0" in data:
            return finding("not-text", path, f"a zero byte at {data.index(0)}: this is no text")
        return data.decode("utf-8", errors="replace")

    def json(self, path: PurePosixPath) -> Json | Finding:
        """The value of a JSON file, or what is wrong with it and where."""
        text = self.text(path)
        if isinstance(text, Finding):
            return text
        twice: list[str] = []
        try:
            value = json.loads(text, object_pairs_hook=_object(twice))
        except json.JSONDecodeError as exc:
            return finding("json-damaged", path, f"no JSON: {exc.msg}, column {exc.colno}", line=exc.lineno)
        except (ValueError, RecursionError) as exc:
            return finding("json-damaged", path, f"no JSON that can be read: {type(exc).__name__}")
        return Json(value, text, tuple(twice))


def line_of(text: str, words: str) -> int | None:
    """Number of the first line that holds `words`, from 1."""
    at = text.find(words)
    return None if at < 0 else text.count("\n", 0, at) + 1


def _entry(folder: PurePosixPath, one: os.DirEntry[str]) -> Entry:
    mode = one.stat(follow_symlinks=False)
    sort: Sort = "other"
    if stat.S_ISLNK(mode.st_mode):
        sort = "link"
    elif stat.S_ISDIR(mode.st_mode):
        sort = "folder"
    elif stat.S_ISREG(mode.st_mode):
        sort = "file"
    return Entry(folder / one.name, sort, mode.st_size if sort == "file" else 0)


def _no_link(path: str, flags: int) -> int:
    """Refuses what became a link since it was listed; never waits at a pipe."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _object(twice: list[str]) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            counts = Counter(name for name, _ in pairs)
            twice.extend(name for name, count in counts.items() if count > 1)
        return value

    return build
