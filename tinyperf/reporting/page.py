"""The report as one self-contained HTML page: no request leaves it, and it reads on paper and on a phone."""

from __future__ import annotations

import base64
import gzip
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyperf import __version__
from tinyperf.reporting import document, pictures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyperf.reporting.story import Story

TEMPLATE = Path(__file__).parent / "page.html"


def html(stories: Sequence[Story], title: str) -> str:
    """The page.

    Raises: ImportError: matplotlib is absent, or plotly where there is an energy trace.
    """
    import jinja2

    traces: list[str] = []
    parts = [_part(story, traces) for story in stories]
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=True, trim_blocks=True)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        title=title,
        about=f"made by tinyperf {__version__} of {len(parts)} session{'s' if len(parts) > 1 else ''}; "
        "every figure is computed again from what was measured",
        estimates=any(story.row.estimated for story in stories),
        parts=parts,
        side_by_side=document.side_by_side(stories),
        traces=traces,
        plotly=_plotly() if traces else "",
    )


def _part(story: Story, traces: list[str]) -> dict[str, Any]:
    number = ""
    if story.trace:
        number = str(len(traces))
        traces.append(pictures.zoomable(story.trace).replace("<", "\\u003c"))  # no </script> in it
    said = document.part(story)
    drawn = dict.fromkeys(("windows", "layers", "memory", "confusion", "roc", "trace"), "") | pictures.of(story)
    return {**asdict(said), "svg": drawn, "zoom": number}


@cache
def _plotly() -> str:
    """plotly's script, packed: 4.8 MB as it is."""
    import plotly.offline

    packed = gzip.compress(plotly.offline.get_plotlyjs().encode(), 9, mtime=0)
    return base64.b64encode(packed).decode()
