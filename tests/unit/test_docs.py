"""The documentation: links lead somewhere, and the site builds; test_doc_commands.py types what pages show."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tinyperf import __version__

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *(page for folder in ("energy", "models", "perf") for page in ROOT.glob(f"{folder}/*.md")),
    ]
)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)\)")
SITE = importlib.util.find_spec("mkdocs") is not None


def anchors(page: Path) -> set[str]:
    """As GitHub and mkdocs name headings."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    dead = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_table_has_headings(page: Path) -> None:
    """An empty row of them is an empty bar on the site."""
    assert re.findall(r"^\|(?: *\|)+$", page.read_text(encoding="utf-8"), re.MULTILINE) == []


@pytest.mark.slow
@pytest.mark.skipif(not SITE, reason="mkdocs (extra 'docs') is absent")
def test_the_site_builds_and_fetches_nothing(tmp_path: Path) -> None:
    """--strict: a link that leads nowhere, or a docstring that cannot be read, ends it."""
    argv = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    built = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > 20
    fetched = r'<(?:script|img|iframe|link rel="stylesheet")[^>]*(?:src|href)="(https?:[^"]*)"'
    assert [found for page in pages for found in re.findall(fetched, page.read_text(encoding="utf-8"))] == []
    commands = (tmp_path / "reference" / "commands.html").read_text(encoding="utf-8")
    assert "--monitor" in commands
    assert "tinyperf profile" in commands
    assert not any(word in commands for word in ("tinyperf command", "Sentinel", "\b"))
    assert "profile_boards" in (tmp_path / "reference" / "python.html").read_text(encoding="utf-8")


def test_the_citation_names_this_version() -> None:
    assert f"version: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(ROOT.glob(".github/**/*.yml")), ids=lambda path: path.name)
def test_workflows_and_forms_are_yaml(path: Path) -> None:
    assert {"jobs", "body"} & set(yaml.safe_load(path.read_text(encoding="utf-8")))
