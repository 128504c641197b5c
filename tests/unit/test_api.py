"""The functions behind the verbs: what a user sees of them, and that everything is said once."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, get_type_hints

import pytest

import tinyperf
from tinyperf import api
from tinyperf.request import Request, RunOptions, request

if TYPE_CHECKING:
    import click

OPTIONS = get_type_hints(RunOptions)
VERBS = {name for name in api.__all__ if inspect.isfunction(getattr(api, name))}
BESIDE = {"bench", "optimize", "tune", "resume", "as_json"}
"""Of `tinyperf run`: BENCH is `benchmark`; the others are the command line's own."""


def test_request_has_the_options_of_run() -> None:
    assert {field.name for field in fields(Request)} == {*OPTIONS, "benchmark"}


def test_run_s_flags_are_the_options_of_run() -> None:
    command: click.Command = importlib.import_module("tinyperf.cli.run").command
    flags = {parameter.name for parameter in command.params} - BESIDE
    assert {name.removeprefix("no_") for name in flags if name} == set(OPTIONS)


def test_a_request_holds_text_alone() -> None:
    asked = request("kws", {"board": Path("mine.yaml"), "model": Path("a.tflite"), "out": "here"})
    assert asked == Request(board="mine.yaml", benchmark="kws", model="a.tflite", out="here")


@pytest.mark.parametrize("verb", [tinyperf.run, tinyperf.run_all])
def test_help_shows_every_option_and_its_default(verb: object) -> None:
    parameters = inspect.signature(verb).parameters  # type: ignore[arg-type]  # a function
    assert {*OPTIONS, "benchmark", "progress"} == set(parameters)
    assert parameters["board"].default is inspect.Parameter.empty
    assert parameters["engine"].default == "aot"


def test_the_package_has_every_verb_and_shows_it() -> None:
    assert set(tinyperf.__all__) >= set(api.__all__)
    assert set(dir(tinyperf)) >= VERBS
    assert all(getattr(tinyperf, name) is getattr(api, name) for name in VERBS)


def test_every_name_of_the_package_is_there() -> None:
    assert [name for name in tinyperf.__all__ if getattr(tinyperf, name, None) is None] == []
    with pytest.raises(AttributeError, match="no attribute 'nosuch'"):
        _ = getattr(tinyperf, "nosuch")  # noqa: B009  (mypy knows that it is not there)


def test_every_verb_of_the_command_line_is_a_function() -> None:
    """A group such as `energy` is `energy_monitors`, `energy_check` and so on."""
    verbs = {p.stem for p in (Path(tinyperf.__file__).parent / "cli").glob("*.py") if not p.stem.startswith("_")}
    assert {verb for verb in verbs if not any(name == verb or name.startswith(f"{verb}_") for name in VERBS)} == set()


def test_every_function_of_the_api_is_a_verb() -> None:
    """What one of its files defines and `__all__` lacks would be in no user's sight."""
    own = {
        name
        for file in ("energy", "firmware", "learning", "measure", "results", "sessions")
        for name, value in vars(importlib.import_module(f"tinyperf.api.{file}")).items()
        if inspect.isfunction(value) and value.__module__ == f"tinyperf.api.{file}" and not name.startswith("_")
    }
    assert own == VERBS


def test_importing_the_package_is_instant() -> None:
    text = "import sys, tinyperf; dir(tinyperf); print(sorted(m for m in sys.modules if m.startswith('tinyperf.')))"
    shown = subprocess.run([sys.executable, "-c", text], check=True, capture_output=True, text=True).stdout
    assert shown.strip() == "[]"


def test_naming_a_verb_imports_nothing_heavy() -> None:
    text = "import sys, tinyperf; tinyperf.run; print({'numpy', 'yaml', 'pydantic', 'serial'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", text], check=True, capture_output=True, text=True).stdout
    assert shown.strip() == "set()"


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_a_path_may_be_text(verb: str) -> None:
    """No verb takes a `Path` alone."""
    hints = inspect.get_annotations(inspect.unwrap(getattr(api, verb)))
    assert [name for name, hint in hints.items() if name != "return" and "Path" in hint.replace("AnyPath", "")] == []


def test_no_verb_takes_or_gives_any() -> None:
    hints = {verb: inspect.get_annotations(inspect.unwrap(getattr(api, verb))) for verb in VERBS}
    untyped = [f"{verb}: {name}" for verb, own in hints.items() for name in own if re.search(r"\bAny\b", own[name])]
    assert untyped == []
