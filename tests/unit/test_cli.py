from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import click
import click.shell_completion
import pytest

from tinyperf import api, cli


def test_boards_as_json_has_name_and_verified(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["boards", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {"name", "verified"} <= set(listed[0])


def test_every_verb_says_in_one_line_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["--help"]) == 0
    lines = capsys.readouterr().out.split("Commands:\n")[1].splitlines()
    assert len(lines) > 10
    assert [line for line in lines if line.endswith("...") or len(line) > 80] == []


README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_readme_shows_every_verb_and_no_other() -> None:
    table = "\n".join(line for line in README.splitlines() if line.startswith("|"))
    verbs = set(cli.tinyperf.list_commands(click.Context(cli.tinyperf)))
    assert set(re.findall(r"`tinyperf ([\w-]+)", table)) == verbs


def test_every_folder_that_the_readme_names_exists() -> None:
    named = re.findall(r"`((?:tinyperf|boards|models|energy|tests|perf|docs)/[\w/.]*)`", README)
    assert len(named) > 15
    assert [name for name in named if not (Path(__file__).parents[2] / name).exists()] == []


def test_an_unknown_verb_exits_2_and_is_told_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["rum", "--json"]) == 2
    shown = capsys.readouterr()
    assert json.loads(shown.out)["error"]["exit_code"] == 2
    assert "unknown command 'rum'" in shown.err


@pytest.mark.parametrize(("typed", "meant"), [("profil", "profile"), ("RUN", "run"), ("buidl", "build")])
def test_a_verb_written_nearly_right_is_suggested(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke([typed]) == 2
    assert f"did you mean 'tinyperf {meant}'?" in capsys.readouterr().err


def test_help_loads_no_library_that_takes_long() -> None:
    heavy = {"numpy", "pydantic", "jinja2", "tflite", "serial", "rich", "unicorn", "tensorflow", "sklearn", "dask"}
    code = "import sys\nfrom tinyperf import cli\ncli.invoke(['--help'])\nprint('LOADED', *sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy & set(found.stdout.split("LOADED ")[1].split()) == set()


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("tinyperf run --board nucleo-l", "nucleo-l4r5zi"),
        ("tinyperf profile --board nucleo-l4r5zi k", "kws"),
        ("tinyperf compare --engine a", "aot"),
        ("tinyperf run --monitor pp", "ppk2"),
        ("tinyperf prof", "profile"),
        ("tinyperf run --mode ac", "accuracy"),
    ],
)
def test_tab_offers_names(typed: str, offered: str) -> None:
    words = typed.split()
    complete = click.shell_completion.BashComplete(cli.tinyperf, {}, "tinyperf", "_TINYPERF_COMPLETE")
    assert offered in [item.value for item in complete.get_completions(words[1:-1], words[-1])]


FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")


@FULL
@pytest.mark.parametrize("arguments", [("boards",), ("boards", "--json"), ("--help",), ("models", "--json")])
def test_a_full_disk_under_stdout_exits_4_and_says_so(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(
            [sys.executable, "-m", "tinyperf", *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert found.returncode == 4
    assert found.stderr.startswith("error: standard output cannot be written: No space left on device")
    assert "Traceback" not in found.stderr


@FULL
def test_an_error_keeps_its_code_when_stdout_is_full() -> None:
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(
            [sys.executable, "-m", "tinyperf", "rum", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert found.returncode == 2
    assert "unknown command 'rum'" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_reader_that_has_gone_is_no_verdict() -> None:
    """1 would mean: measured, but not valid."""
    verb = subprocess.Popen(
        [sys.executable, "-m", "tinyperf", "boards", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert verb.stdout is not None
    assert verb.stderr is not None
    verb.stdout.close()
    words = verb.stderr.read()
    verb.stderr.close()
    assert verb.wait() == 141
    assert words == b""


def test_an_error_keeps_its_code_when_the_reader_of_stderr_has_gone() -> None:
    verb = subprocess.Popen([sys.executable, "-m", "tinyperf", "rum"], stderr=subprocess.PIPE)
    assert verb.stderr is not None
    verb.stderr.close()
    assert verb.wait() == 2


def test_an_end_of_file_inside_is_no_ctrl_c(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """click wraps EOFError, which numpy raises for an empty file, as it wraps KeyboardInterrupt."""

    def end() -> None:
        raise EOFError("no data left")

    monkeypatch.setattr(api, "boards", end)
    assert cli.invoke(["boards"]) == 70
    assert "EOFError: no data left" in capsys.readouterr().err
