"""mkdocs hook: the pages of the site that lie outside docs/, with their links turned to where they are there."""

from __future__ import annotations

import re
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING

import click
from mkdocs.structure.files import File

from tinyperf.cli import tinyperf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
PAGES = {
    "README.md": "index.md",
    "energy/WIRING.md": "wiring.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
}
PICTURES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "energy").glob("wiring_*.svg"))
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """What commands say of themselves, with the lines that click keeps as they stand (after a `\\b`) as code."""
    for command in commands(tinyperf):
        command.help = re.sub(
            r"^\x08\n((?:.+\n?)+)", r"```text\n\1\n```\n", cleandoc(command.help or ""), flags=re.MULTILINE
        )
    return config


def commands(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        context = click.Context(command)
        parts = [command.get_command(context, name) for name in command.list_commands(context)]
        yield from (below for part in parts if part for below in commands(part))


def on_page_content(html: str, **_: object) -> str:
    """An option without a default: mkdocs-click prints what click puts in its place."""
    return html.replace("<code>Sentinel.UNSET</code>", "")


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """The links of the pages in docs/ likewise."""
    source = page.file.abs_src_path
    return (
        turned(markdown, f"docs/{page.file.src_uri}")
        if source and Path(source).is_relative_to(ROOT / "docs")
        else markdown
    )


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages, and the drawings that they show."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=turned(text, source)))
    for drawing in PICTURES:
        files.append(File.generated(config, Path(drawing).name, abs_src_path=str(ROOT / drawing)))
    return files


def turned(text: str, source: str) -> str:
    """`text` with every relative link as it must be from the site's top; what the site lacks keeps its words alone."""

    def link(found: re.Match[str]) -> str:
        target = (ROOT / source).parent.joinpath(found[1]).resolve().relative_to(ROOT).as_posix()
        if target in PAGES:
            return f"]({PAGES[target]}"
        if target in PICTURES:
            return f"]({Path(target).name}"
        below = source.count("/") - 1 if source.startswith("docs/") else 0  # folders between the page and docs/
        return (
            f"]({'../' * below}{target.removeprefix('docs/')}"
            if target.startswith("docs/")
            else "](index.md#where-things-are"
        )

    return LINK.sub(link, text)
