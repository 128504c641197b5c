"""The functions behind the verbs: what a user sees of them, and that everything is said once."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, get_type_hints

import pytest

import tinyperf
from tinyperf.request import Request, RunOptions, request

if TYPE_CHECKING:
    import click

OPTIONS = get_type_hints(RunOptions)
BESIDE = {"bench", "resume", "as_json"}
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
