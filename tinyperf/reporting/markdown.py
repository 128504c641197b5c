"""The report as Markdown, for a repository or a pull request. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.reporting import document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tinyperf.reporting.document import Part, Table
    from tinyperf.reporting.story import Story


def markdown(stories: Sequence[Story], title: str) -> str:
    """The text of the report."""
    lines = [f"# {cell(title)}", ""]
    if any(story.row.estimated for story in stories):
        lines += ["`~` before a figure: an estimate of the virtual board, no measurement.", ""]
    if len(stories) > 1:
        lines += [*table(document.side_by_side(stories)), ""]
    for story in stories:
        lines += _part(document.part(story))
    return "\n".join(lines).rstrip() + "\n"


def _part(part: Part) -> Iterator[str]:
    yield from (f"## {cell(part.title)}", "", f"**{part.figure}** {part.unit}".rstrip(), "")
    yield from (", ".join(text for _, text in part.badges), "")
    for name, texts in (("not valid", part.reasons), ("note", part.notes)):
        if texts:
            yield from (*(f"- {name}: {cell(text)}" for text in texts), "")
    yield from ("| | |", "| --- | --- |", *(f"| {name} | {cell(text)} |" for name, text in part.facts), "")
    tables = {"Windows": part.windows, "Confusion": part.confusion, "Layers (estimated)": part.layers}
    for heading, held in tables.items():
        if held:
            yield from (f"### {heading}", "", *table(held), "")
    if part.published:
        yield from ("### Among published results", "", cell(part.standing), "", *table(part.published), "")
    yield from ("### How to measure it again", "", "```", part.command, "```", "")


def table(held: Table) -> list[str]:
    """A table; numbers to the right."""
    rule = ("---:" if number else "---" for number in held.numbers)
    rows = [[f"**{text}**" if text and k == held.own else text for text in row] for k, row in enumerate(held.rows)]
    return [_row(held.head), _row(rule), *(_row([cell(text) for text in row]) for row in rows)]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def cell(text: str) -> str:
    """On one line, and no end of a cell in it."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
