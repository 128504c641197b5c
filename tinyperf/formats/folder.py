"""A session folder of whichever tool, read into one typed value."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from tinyperf.errors import ContentError
from tinyperf.formats import energyrunner, files, mlcommons, own

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tinyperf.formats.recorded import Recording, Session

T = TypeVar("T")

HINT = (
    "give the folder that holds log.txt and results.txt of EnergyRunner, results.json of the MLCommons runner, "
    "or session.json of tinyperf"
)


def has_energy(folder: Path) -> bool:
    """Whether `folder` holds an energy trace, or power samples in its results.json."""
    if (folder / own.SIDECAR).is_file() or energyrunner.has_trace(folder):
        return True
    rows = folder / mlcommons.ROWS
    return rows.is_file() and any("power" in one for one in _judged(folder, lambda: mlcommons.read_rows(rows)))


def energy(folder: Path) -> Recording:
    """The energy recording in `folder`.

    Raises: ContentError: no recording, or a file of it is missing or damaged; says which.
    """
    _require(folder)
    if (folder / own.SIDECAR).is_file():
        return _judged(folder, lambda: own.read_energy(folder))
    if energyrunner.has_trace(folder):
        return _judged(folder, lambda: energyrunner.read_energy(folder))
    if (folder / mlcommons.ROWS).is_file():
        return _judged(folder, lambda: mlcommons.read_energy(folder))
    raise ContentError(f"no raw energy trace in {folder} (it holds {_inside(folder)})", hint=HINT)


def rows_or_log(folder: Path) -> Session | energyrunner.Log:
    """The performance or accuracy session in `folder`, of the MLCommons runner or EnergyRunner.

    Raises: ContentError: no such session, or a file of it is missing or damaged; says which.
    """
    _require(folder)
    if (folder / mlcommons.ROWS).is_file():
        return _judged(folder, lambda: mlcommons.read_trials(folder))
    log = files.either(folder, *energyrunner.LOGS)
    if log is not None and mlcommons.is_log(log):
        raise ContentError(
            f"results.json is missing in {folder}",
            means="log.txt is of the MLCommons runner, which writes what it measured into results.json",
            hint="copy the whole session folder",
        )
    if log is not None:
        return _judged(folder, lambda: energyrunner.read_log(log))
    raise ContentError(
        f"no log.txt and no results.json in {folder} (it holds {_inside(folder)})",
        means="results.txt alone holds no measurement that could be computed again",
        hint=HINT,
    )


def _require(folder: Path) -> None:
    if not folder.is_dir():
        raise ContentError(f"{folder} is not a folder", hint=HINT)


def _inside(folder: Path) -> str:
    return ", ".join(sorted(p.name for p in folder.iterdir())[:8]) or "nothing"


def _judged(folder: Path, read: Callable[[], T]) -> T:
    """What `read` gives; whatever the readers did not name themselves is damage too.

    Raises: ContentError: numbers without end, lists in the place of tables, a file that cannot be read.
    """
    try:
        return read()
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, OSError) as exc:
        raise ContentError(f"a file in {folder} is damaged ({type(exc).__name__}: {exc})", hint=files.AGAIN) from exc
