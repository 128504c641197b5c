"""`tinyperf submission`: what MLPerf Tiny takes, checked before it is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinyperf import api
from tinyperf.cli import _options

if TYPE_CHECKING:
    from tinyperf.submissions.check import Checked


@click.group()
def command() -> None:
    """MLPerf Tiny submissions: find what is wrong with one.

    \b
    tinyperf submission check DIR
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
