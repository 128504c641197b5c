"""`tinyperf report`: sessions as a page, as Markdown, or as rows of a table for other programs."""

from __future__ import annotations

import csv
import io
from dataclasses import fields
from typing import TYPE_CHECKING

from tinyperf.errors import DiskError, MissingExtraError, UsageError
from tinyperf.reporting import markdown, page, story
from tinyperf.session import listing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tinyperf.reporting.story import Story
    from tinyperf.session.listing import Row

EXTRA = {"matplotlib": "plot", "plotly": "plot", "pyarrow": "parquet"}


def report(sessions: Sequence[Path], out: Path, *, title: str | None = None) -> list[Row]:
    """Write the report of these sessions to `out`; their rows.

    Args: out: .html, .md, .csv or .parquet. title: of page and Markdown.
    Raises: UsageError: another suffix, or no session. ContentError: damaged. MissingExtraError. DiskError.
    """
    kinds: dict[str, Callable[[Sequence[Story], str], bytes]] = {
        ".html": lambda stories, words: page.html(stories, words).encode(),
        ".md": lambda stories, words: markdown.markdown(stories, words).encode(),
        ".csv": lambda stories, _: csv_text([one.row for one in stories]).encode(),
        ".parquet": lambda stories, _: _parquet([one.row for one in stories]),
    }
    if out.suffix not in kinds:
        raise UsageError(f"{out}: a report is {', '.join(kinds)}", hint="for example -o report.html")
    if not sessions:
        raise UsageError("no session is given", hint="'tinyperf sessions list' shows what there is")
    stories = [story.told(at) for at in dict.fromkeys(sessions)]
    words = title or (stories[0].title if len(stories) == 1 else f"{len(stories)} measurements")
    try:
        made = kinds[out.suffix](stories, words)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(made)
    except ImportError as exc:
        name = (exc.name or "").split(".")[0]
        raise MissingExtraError(
            f"{name} is not installed", hint=f"pip install 'tinyperf[{EXTRA.get(name, 'plot')}]'"
        ) from exc
    except OSError as exc:
        raise DiskError(f"{out} cannot be written: {exc.strerror}", hint="give another file to -o") from exc
    return [one.row for one in stories]


def csv_text(rows: Sequence[Row]) -> str:
    """One line for each session under the names of the columns; what is not known is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, listing.COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(row.as_dict() for row in rows)
    return text.getvalue()


def _parquet(rows: Sequence[Row]) -> bytes:
    """The same columns, typed.

    Raises: ImportError: pyarrow is absent.
    """
    import pyarrow as pa
    from pyarrow import parquet

    types = {"bool": pa.bool_(), "int": pa.int64(), "float": pa.float64()}
    kinds = {field.name: str(field.type).partition(" ")[0] for field in fields(listing.Row)}  # "float | None"
    schema = pa.schema([(name, types.get(kind, pa.string())) for name, kind in kinds.items()])
    out = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist([row.as_dict() for row in rows], schema=schema), out)
    return out.getvalue()
