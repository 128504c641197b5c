"""What becomes of a result: the words beside its figures, and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tinyperf.api.paths import maybe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyperf.api.paths import AnyPath
    from tinyperf.learn.evaluate import Evaluation
    from tinyperf.reporting.published import Ranked, Standing
    from tinyperf.result import RunResult
    from tinyperf.session.fleet import Row as BoardRow
    from tinyperf.session.profile import Profile
    from tinyperf.session.replay import Replay
    from tinyperf.submissions.build import Built
    from tinyperf.submissions.check import Checked


def remark(result: RunResult) -> str:
    """What must stand beside every figure of `result`: estimated, a subset, not valid; empty where nothing must."""
    from tinyperf.session import report

    return report.remark(result)


def plot_evaluation(result: Evaluation, path: AnyPath) -> None:
    """Confusion matrix, ROC curves and score histogram of an evaluation as a PNG.

    Raises: MissingExtraError: matplotlib is not installed. DiskError: the file cannot be written.
    """
    from tinyperf.learn import plot as _plot

    _plot.evaluation(result, Path(path))


def replay(folder: AnyPath, *, labels: AnyPath | None = None) -> Replay:
    """A recorded session (EnergyRunner, MLCommons runner or our own; any mode) computed again, compared and judged.

    Args:   labels: y_labels.csv of inputs whose labels neither the session nor the official list says.
    Raises: ContentError: no session in `folder`, or one damaged beyond judging.
    """
    from tinyperf.session import replay as sessions

    return sessions.replay(Path(folder), maybe(labels))


energy_replay = replay


def boards_picture(rows: Sequence[BoardRow], title: str, out: AnyPath) -> Path:
    """Draw what `profile_boards` found into `out` (.png or .html): time, energy, RAM and flash side by side.

    Raises: UsageError: another suffix. MissingExtraError: plotting is not installed. DiskError: cannot be written.
    """
    from tinyperf.session import fleet_picture

    return fleet_picture.draw(rows, title, Path(out))


def profile_picture(found: Profile, title: str, out: AnyPath) -> Path:
    """Draw the layers (or functions) that `profile` found into `out` (.png or .html): work, and stalls by cause.

    Raises: UsageError: another suffix, or no layers. MissingExtraError, DiskError: as `boards_picture`.
    """
    from tinyperf.session import layers_picture

    return layers_picture.draw(found, title, Path(out))


def energy_picture(session: AnyPath, out: AnyPath) -> Path:
    """Power over time of an energy session, its windows shaded, as `out` (.png, or .html with zoom).

    Raises: ContentError: no energy session. UsageError: another suffix. MissingExtraError: the extra `plot`.
    """
    from tinyperf.session import picture

    return picture.draw(Path(session), Path(out))


def published(*, board: str | None = None, benchmark: str | None = None) -> list[Ranked]:
    """The published MLPerf Tiny results of microcontrollers with their ranks by latency, of one board or benchmark.

    Raises: UsageError: nothing is published of that board or benchmark.
    """
    from tinyperf.reporting import published as table

    return table.ranked(table.results(board=board, benchmark=benchmark))


def published_standing(
    board: str, benchmark: str, latency_ms: float, *, estimated: bool, error_percent: float | None = None
) -> Standing:
    """Where a latency would stand among the published results of the same board and benchmark.

    An estimate takes no rank: `first` and `last` are the places within its error.

    Raises: UsageError: nothing is published of that benchmark on that board. ValueError: no latency, or no error.
    """
    from tinyperf.errors import UsageError
    from tinyperf.reporting import published as table

    known = table.results(board=board, benchmark=benchmark)
    place = (
        table.standing(board, known[0].benchmark, latency_ms, estimated=estimated, error_percent=error_percent)
        if known
        else None
    )
    if place is None:
        raise UsageError(
            f"no published result is of {benchmark} on a board of the name '{board}'",
            hint=f"'tinyperf published --board {board}' shows what there is; the whole name of a board is needed here",
        )
    return place


def submission_build(
    sessions: Sequence[AnyPath],
    *,
    organisation: str,
    out: AnyPath,
    division: str = "closed",
    system: AnyPath | None = None,
) -> Built:
    """Write the MLPerf Tiny submission tree of finished sessions of one board below `out`, a new folder.

    Args: system: JSON with fields of the system description; its name is the system's.
    Raises: UsageError: the sessions make no submission; every reason is named. ContentError: a file is damaged.
        DiskError: cannot write.
    """
    from tinyperf.submissions import build

    return build.build(
        [Path(one) for one in sessions],
        organisation=organisation,
        out=Path(out),
        division=division,
        system=Path(system) if system else None,
    )


def submission_check(
    folder: AnyPath, *, accepted: str = "v1.4", organisation: str | None = None, data: AnyPath | None = None
) -> Checked:
    """Everything that is wrong with an MLPerf Tiny submission, by the rules of the round `accepted`.

    Args:
        folder: holds closed/ and open/.
        organisation: look at this one only.
        data: official sets, MODEL_ID/y_labels.csv in it; EnergyRunner's logs of vww and ic name no labels.

    Raises: UsageError: no submission, no such round, no such organisation.
    """
    from tinyperf.submissions import check

    return check.check(Path(folder), accepted=accepted, organisation=organisation, data=Path(data) if data else None)
