"""Reading what a session folder holds; what is wrong is said with file and line."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from tinyperf.errors import ContentError
from tinyperf.formats.recorded import Printed

if TYPE_CHECKING:
    from pathlib import Path

AGAIN = "copy the session folder again"


def only(folder: Path, pattern: str) -> Path:
    """The one file that matches.

    Raises: ContentError: none, or several.
    """
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        what = f"{len(found)} files" if found else "no file"
        raise ContentError(f"{what} {pattern} in {folder}, one is expected", hint="copy the whole session folder")
    return found[0]


def either(folder: Path, *names: str) -> Path | None:
    """The first of these files that is there."""
    return next((folder / name for name in names if (folder / name).is_file()), None)


def text(path: Path) -> str:
    """A text file, whatever bytes are in it."""
    return path.read_bytes().decode("utf-8", errors="replace").replace("\0", "")


def parsed(path: Path) -> Any:
    """A JSON file.

    Raises: ContentError: missing, or no JSON; says at which line and column.
    """
    if not path.is_file():
        raise ContentError(f"{path} is missing", hint="copy the whole session folder")
    try:
        return json.loads(path.read_bytes())
    except json.JSONDecodeError as exc:
        raise ContentError(f"{path}:{exc.lineno}:{exc.colno} is not JSON: {exc.msg}", hint=AGAIN) from exc
    except (ValueError, RecursionError) as exc:
        raise ContentError(f"{path} is not JSON: {exc}", hint=AGAIN) from exc


def is_number(value: object) -> bool:
    """A finite number, and no truth value."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def number(shown: str, where: str) -> float:
    """A number that stands in a text file at `where`.

    Raises: ContentError: it is none.
    """
    try:
        return float(shown)
    except ValueError as exc:
        raise ContentError(f"{where}: '{shown}' is no number", hint=AGAIN) from exc


def printed(what: str, shown: str, where: str) -> Printed:
    """A printed figure with its decimals.

    Raises: ContentError: no number.
    """
    shown = shown.rstrip(".")
    return Printed(what, number(shown, where), len(shown.partition(".")[2]))
