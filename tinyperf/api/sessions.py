"""Sessions that were measured: found, listed, shown, held against each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinyperf.api.paths import AnyPath
    from tinyperf.result import RunResult
    from tinyperf.session.budget import Held
    from tinyperf.session.listing import Difference, Row
    from tinyperf.session.sweep import Row as SweepRow

SESSIONS = "sessions"
"""Where `run` puts a session that is not told otherwise."""


def sessions_list(folder: AnyPath = SESSIONS) -> list[Row]:
    """Every session below `folder`, the oldest first, each as it was concluded.

    Raises: UsageError: no such folder.
    """
    from tinyperf.session import listing

    return listing.rows(Path(folder))


def sessions_show(session: AnyPath, *, folder: AnyPath = SESSIONS) -> RunResult:
    """The result of a session, computed again from what was measured.

    Args: session: its folder; or below `folder` its folder's name, its own name, how either begins; or `last`.
    Raises: UsageError: none, several, or not finished. ContentError: damaged.
    """
    from tinyperf.errors import UsageError
    from tinyperf.session import listing, replay, store

    at = listing.find(str(session), Path(folder))
    if store.load(at).record.result is None:
        raise UsageError(
            f"{at} is not finished", means="it was stopped, or is measured still", hint=f"tinyperf run --resume {at}"
        )
    return replay.recompute(at)


def sessions_diff(sessions: Sequence[AnyPath], *, folder: AnyPath = SESSIONS) -> tuple[list[Row], list[Difference]]:
    """The sessions as rows, their figures computed again; and in what they differ, against the first.

    Args: sessions: each as `sessions_show` takes it.
    Raises: UsageError: fewer than two, none of that name, several. ContentError: damaged.
    """
    from tinyperf.errors import UsageError
    from tinyperf.session import listing

    if len(sessions) < 2:
        raise UsageError("one session differs from nothing", hint="name two or more")
    rows = [listing.measured(listing.find(str(one), Path(folder))) for one in sessions]
    return rows, listing.differences(rows)


def sessions_schema(name: str) -> dict[str, object]:
    """The JSON schema of a file of a session folder, or of what `run` gives.

    Args: name: session, transcript, energy, layers, results; run, profile, compare.

    Raises: UsageError: no schema of that name.
    """
    from tinyperf.session import schemas

    return schemas.schema(name)


def report(
    sessions: Sequence[AnyPath], out: AnyPath, *, title: str | None = None, folder: AnyPath = SESSIONS
) -> list[Row]:
    """Write a report of sessions as a self-contained page (.html), .md, .csv or .parquet; their rows.

    Figures are computed again from what was measured; every estimate is marked.

    Args: sessions: each as `sessions_show` takes it.
    Raises: UsageError: another suffix, no session of that name. ContentError: damaged. MissingExtraError: the extra
        `plot` or `parquet`. DiskError: it cannot be written.
    """
    from tinyperf.reporting import report as reports
    from tinyperf.session import listing

    return reports.report([listing.find(str(one), Path(folder)) for one in sessions], Path(out), title=title)


def check_budget(file: AnyPath, *, progress: Callable[[str, int, int], None] = lambda *_: None) -> list[Held]:
    """The limits in the YAML file, each with its value and whether it is kept; docs/budget.md describes the file.

    Raises: ContentError: the file breaks a rule. UsageError, ModelError, DataError: what it names is not there.
    """
    from tinyperf.session import budget

    return budget.check(Path(file), progress)


def budget_table(rows: Sequence[Held]) -> str:
    """What `check_budget` found as a Markdown table, what is broken first."""
    from tinyperf.session import budget

    return budget.markdown(rows)


def sweep(
    file: AnyPath,
    out: AnyPath,
    *,
    scheduler: str | None = None,
    jobs: int | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> tuple[list[SweepRow], list[Path]]:
    """Models x boards x engines x options x clocks of a YAML file: the rows, and the files written to the folder `out`.

    What `out` holds already is not found out again. Starts processes, as `run` with several jobs does.

    Args: scheduler: `tcp://host:port` of dask.distributed; None: `jobs` workers on this computer.
    Raises: ContentError: the file breaks a rule. UsageError, ModelError: what it names is not there. MissingExtraError:
        the extra `sweep`. DeviceError: no scheduler there. DiskError: `out` cannot be written.
    """
    from tinyperf.reporting import sweeps
    from tinyperf.session import cluster
    from tinyperf.session import sweep as cells

    folder = Path(out)
    rows = cluster.run(cells.read(Path(file)), folder, scheduler=scheduler, jobs=jobs, progress=progress)
    return rows, sweeps.write(rows, folder)
