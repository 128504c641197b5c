"""The documentation: links lead somewhere, the site builds, and what a page tells the reader to type works."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tinyperf import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("energy/*.md"), *ROOT.glob("perf/*.md")])
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)\)")
SITE = importlib.util.find_spec("mkdocs") is not None
WALKS = ("own_board.md", "on_silicon.md", "energy_bench.md")  # own_model.md: test_float_models.py
CODES = {
    "tinyperf flash --board nucleo-l4r5zi kws": 4,  # no debug probe here
}
NEVER_VALID = ("--quick", "energy-session")  # a quick look, and what is computed again from one


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


@contextmanager
def a_board(at: Path) -> Iterator[str]:
    """The port of a virtual NUCLEO-L4R5ZI with kws on it."""
    argv = [sys.executable, "-m", "tinyperf", "emulate", "--board", "nucleo-l4r5zi", "--pty", "kws"]
    with subprocess.Popen(argv, cwd=at, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as board:
        assert board.stdout is not None
        yield re.findall(r"/dev/\S+", board.stdout.readline())[0]
        board.terminate()


@pytest.mark.slow
@pytest.mark.parametrize("page", WALKS)
def test_what_a_page_says_to_type_works(page: str, tmp_path: Path) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    commands = "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).splitlines()
    assert len(commands) > 3
    with a_board(tmp_path) if "/dev/ttyACM0" in text else nullcontext("") as port:
        for command in commands:
            argv = shlex.split(command.replace("/dev/ttyACM0", port))
            argv = [sys.executable, "-m", *argv]
            done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=240)
            expected = CODES.get(command, int(any(word in command for word in NEVER_VALID)))
            assert done.returncode == expected, f"{command}\n{done.stdout}\n{done.stderr}"
            assert "Traceback" not in done.stderr


def test_the_citation_names_this_version() -> None:
    assert f"version: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(ROOT.glob(".github/**/*.yml")), ids=lambda path: path.name)
def test_workflows_and_forms_are_yaml(path: Path) -> None:
    assert {"jobs", "body"} & set(yaml.safe_load(path.read_text(encoding="utf-8")))
