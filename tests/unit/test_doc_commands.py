"""Every command that a page, README or a perf note shows is one that the command line takes; cheap pages are typed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from tests import graphs
from tests.graphs import O, T
from tinyperf import cli
from tinyperf.request import Request
from tinyperf.session import run as session
from tinyperf.virtual.fake import FakeDevice

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
FOLDERS = ("docs", "energy", "models", "perf")
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in ROOT.glob(f"{folder}/*.md"))])
PAGES.remove(ROOT / "CHANGELOG.md")  # what it tells of was so, and need not be any more


def commands(page: Path) -> Iterator[tuple[str, bool]]:
    """Lines of blocks that begin with `tinyperf`, without what stands beside them; and those of the text,
    which may leave out what is not spoken of (False).
    """
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            if found := re.match(r"(?:\$ |- run: )?(tinyperf [\w-].*)", line.strip()):
                yield re.split(r" {3,}| #", found[1])[0], True
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    for span in re.findall(r"`tinyperf ([^`]+)`", prose):
        yield "tinyperf " + " ".join(span.split()), False


def parsed(argv: list[str]) -> None:
    """As far as options and arguments go; nothing is run. Raises: click.UsageError."""
    context = cli.tinyperf.make_context("tinyperf", argv)
    while isinstance(context.command, click.Group) and (rest := [*context._protected_args, *context.args]):  # noqa: SLF001  (click has no other way)
        name, command, rest = context.command.resolve_command(context, rest)
        assert command is not None
        context = command.make_context(name, rest, parent=context)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_command_that_a_page_shows_is_one(page: Path) -> None:
    wrong = []
    for command, whole in commands(page):
        try:
            parsed(shlex.split(command.replace("BENCH", "kws"))[1:])
        except click.ClickException as exc:
            if not whole and isinstance(exc, click.MissingParameter | click.BadOptionUsage):
                continue
            wrong.append(f"{command}: {exc.format_message()}")
    assert wrong == []


def test_commands_are_found_and_a_wrong_one_is_seen() -> None:
    assert sum(len(list(commands(page))) for page in PAGES) > 100
    with pytest.raises(click.UsageError, match="--bench"):
        parsed(["run", "--bench", "kws"])
    with pytest.raises(click.UsageError):
        parsed(["sessions", "lst"])


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with two sessions, `before` and `after`, under those names too, and a model of one's own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fw.bin").write_bytes(b"not run")
    for name in ("before", "after", "a", "b"):
        asked = Request("host", "kws", image="fw.bin", out=f"sessions/{name}", name=name)
        session.run(asked, open_link=lambda _: FakeDevice(lambda _: (0.1,) * 12))
    model = graphs.build([T((1, 8), 0.1), T((1, 8), 0.1)], [O("RELU", [0], [1])], [0], [1])
    (tmp_path / "my.tflite").write_bytes(model)


@pytest.mark.usefixtures("at")
@pytest.mark.parametrize("page", ["sessions.md", "published.md", "library.md"])
def test_what_a_page_says_to_type_works(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(
        r"^```\n(.*?)^```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    typed = [re.split(r" {3,}", line)[0] for block in blocks for line in block.splitlines() if line.startswith("tiny")]
    assert typed
    for command in typed:
        assert cli.invoke(shlex.split(command)[1:]) == 0, (command, capsys.readouterr().err)
