"""`tinyperf submission`: what MLPerf Tiny takes, checked before it is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinyperf import api
from tinyperf.cli import _options

if TYPE_CHECKING:
    from tinyperf.submissions.build import Built
    from tinyperf.submissions.check import Checked


@click.group()
def command() -> None:
    """Make an MLPerf Tiny submission; find what is wrong with one.

    \b
    tinyperf submission build sessions/a sessions/b --org ACME -o my_submission
    tinyperf submission check my_submission
    """


@command.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--round", "accepted", default="v1.4", show_default=True, metavar="ROUND", help="Whose rules count.")
@click.option("--organisation", metavar="NAME", help="Only this one.")
@click.option(
    "--data", type=_options.FOLDER, metavar="DATA", help="Official sets: labels that EnergyRunner leaves out."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def check(*, folder: Path, accepted: str, organisation: str | None, data: Path | None, as_json: bool) -> int:
    """Check a submission tree: DIR holds closed/ and open/.

    Stricter than the official checker: all that one looks at, and windows, samples, the agreement of log.txt,
    results.txt and results.json, accuracy and energy computed again, code, placeholders. Every finding at once, with
    file and line. Exit code 1 where there is an error, 0 where there is none.

    \b
    tinyperf submission check my_submission
    tinyperf submission check tiny_results_v1.3 --round v1.3 --organisation STMicroelectronics
    tinyperf submission check my_submission --json
    """
    checked = api.submission_check(folder, accepted=accepted, organisation=organisation, data=data)
    if as_json:
        print(json.dumps(checked.as_dict(), indent=2))
    else:
        _print(checked)
    return 1 if checked.count("error") else 0


def _print(checked: Checked) -> None:
    for one in checked.findings:
        print(f"{one.text}\n  try: {one.hint}")
    for note in checked.notes:
        print(f"note: {note}")
    print(
        f"{checked.count('error')} errors, {checked.count('warning')} warnings in {checked.results} results of "
        f"{checked.systems} systems, {checked.organisations} organisations, by the rules of {checked.round}"
    )


@command.command()
@click.argument("sessions", metavar="SESSION...", nargs=-1, required=True, type=_options.FOLDER)
@click.option("--org", "organisation", required=True, metavar="NAME", help="Name of the organisation's folder.")
@click.option("--division", default="closed", show_default=True, metavar="closed|open", help="Whose rules it claims.")
@click.option("--system", type=_options.MODEL_FILE, metavar="FILE", help="JSON: fields of the system description.")
@click.option("-o", "--out", required=True, type=_options.FOLDER, metavar="DIR", help="New folder for the tree.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def build(
    *, sessions: tuple[Path, ...], organisation: str, division: str, system: Path | None, out: Path, as_json: bool
) -> None:
    """Make the submission tree of finished sessions of one board.

    Results in the MLCommons form, the sources of each firmware that ran, the model, the system description, a
    checklist, the wiring. What only a person can say is marked FILL IN and listed; 'submission check' refuses the tree
    until it is filled in. Estimates of the virtual board are put in as what they are, and refused.

    FILE is named like the system: {"Status": "Available", "Quantization Method": "..."}.

    \b
    tinyperf submission build sessions/a sessions/b --org ACME -o my_submission
    tinyperf submission build sessions/* --org ACME --division open --system board.json -o my_submission
    """
    built = api.submission_build(sessions, organisation=organisation, out=out, division=division, system=system)
    if as_json:
        print(json.dumps(built.as_dict(), indent=2))
    else:
        _print_built(built)


def _print_built(built: Built) -> None:
    for line in built.to_fill:
        print(f"to fill in: {line}")
    for note in built.notes:
        print(f"note: {note}")
    print(f"{len(built.files)} files in {built.root}; 'tinyperf submission check {built.root}' says what is missing")
