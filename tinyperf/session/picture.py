"""Power over time with the windows shaded: PNG by matplotlib, or one self-contained HTML page with zoom by plotly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.errors import DiskError, MissingExtraError, UsageError
from tinyperf.figures import figure
from tinyperf.formats import folder as formats
from tinyperf.session import replay

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

POINTS = 20_000
"""More than a screen shows; a longer trace is drawn as the least and greatest power of each step."""


def draw(session: Path, out: Path) -> Path:
    """Draw the energy session in `session` into `out` (.png or .html).

    Raises: ContentError: no session. UsageError: another suffix. MissingExtraError. DiskError: cannot be written.
    """
    recording = formats.energy(session)
    found = replay.judge(recording)
    times_s, power_mw = envelope(recording.samples_j * recording.sample_rate_hz * 1e3, recording.sample_rate_hz)
    windows = [
        (w.start_s, w.start_s + w.seconds, figure(w.uj_per_inference, 1)) for w in replay.energy_windows(recording)
    ]
    median = found.median_uj_per_inference
    title = f"{session.name}: " + (
        f"median {figure(median, 1)} uJ per inference" if median is not None else "no window"
    )
    if found.format == "tinyperf":
        title += "".join(f" ({note})" for note in found.notes)  # an estimate says so everywhere
    title += "" if found.valid else " (not valid)"
    drawers = {".png": _png, ".html": _html}
    if out.suffix not in drawers:
        raise UsageError(f"{out}: a picture is .png or .html", hint="for example power.html")
    try:
        drawers[out.suffix](times_s, power_mw, windows, title, out)
    except ImportError as exc:
        raise MissingExtraError(f"{exc.name} is not installed", hint="pip install 'tinyperf[plot]'") from exc
    except OSError as exc:
        raise DiskError(f"{out}: {exc.strerror}", hint="give another file") from exc
    return out


def envelope(
    power_mw: npt.NDArray[np.float64], rate_hz: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(seconds, milliwatts) of at most POINTS points: two for each step, its least and its greatest power."""
    step = max(-(-2 * len(power_mw) // POINTS), 1)
    if step == 1:
        return np.arange(len(power_mw)) / rate_hz, power_mw
    rows = power_mw[: len(power_mw) // step * step].reshape(-1, step)
    both = np.stack((rows.min(axis=1), rows.max(axis=1)), axis=1).ravel()
    times_s = np.repeat(np.arange(len(rows)) * step / rate_hz, 2)
    return times_s, both


def _png(
    times_s: npt.NDArray[np.float64],
    power_mw: npt.NDArray[np.float64],
    windows: list[tuple[float, float, str]],
    title: str,
    out: Path,
) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.plot(times_s, power_mw, linewidth=0.6)
    for begin, end, label in windows:
        axes.axvspan(begin, end, alpha=0.2, color="tab:orange")
        axes.text((begin + end) / 2, 0.02, f"{label}\nuJ/inf.", ha="center", transform=axes.get_xaxis_transform())
    axes.set(xlabel="seconds", ylabel="mW", title=title)
    axes.set_ylim(bottom=0)
    figure.savefig(out, dpi=120)


def _html(
    times_s: npt.NDArray[np.float64],
    power_mw: npt.NDArray[np.float64],
    windows: list[tuple[float, float, str]],
    title: str,
    out: Path,
) -> None:
    zoomable(times_s, power_mw, windows, title).write_html(out, include_plotlyjs=True)


def zoomable(
    times_s: npt.NDArray[np.floating],
    power_mw: npt.NDArray[np.floating],
    windows: list[tuple[float, float, str]],
    title: str,
) -> Any:
    """A plotly figure: power over time, windows shaded and labelled with microjoules per inference.

    Raises: ImportError: plotly is absent.
    """
    import plotly.graph_objects as go

    figure = go.Figure(go.Scatter(x=times_s, y=power_mw, mode="lines", name="power"))
    for begin, end, label in windows:
        figure.add_vrect(
            begin,
            end,
            fillcolor="orange",
            opacity=0.2,
            line_width=0,
            annotation_text=f"{label}<br>uJ/inf.",
            annotation_position="inside bottom",
        )
    figure.update_layout(title=title, xaxis_title="seconds", yaxis_title="mW", yaxis_rangemode="tozero")
    return figure
