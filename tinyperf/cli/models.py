"""`tinyperf models`: what is shipped, under which terms, and MLCommons's own weights."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from tinyperf import api
from tinyperf.cli import _options
from tinyperf.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("action", type=click.Choice(["list", "pull"]), default="list", metavar="[pull]")
@click.option("--out", type=_options.FOLDER, metavar="DIR", help="pull: where to, instead of the cache folder.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list on stdout.")
def command(*, action: str, out: Path | None, as_json: bool) -> None:
    """List the shipped models; fetch MLCommons's weights.

    The list has accuracy and licence; `pull` fetches.

    The reference weights are teachers for 'tinyperf train' and comparisons for 'tinyperf evaluate'. Each file is
    checked by its SHA-256; a transfer that was cut short is continued.

    \b
    tinyperf models
    tinyperf models --json
    tinyperf models pull
    """
    if action == "pull":
        _pull(out, as_json=as_json)
        return
    if out is not None:
        raise UsageError("--out without 'pull'", hint="'tinyperf models pull --out DIR' fetches into DIR")
    found = api.models()
    if as_json:
        print(json.dumps([asdict(card) for card in found], indent=2))
        return
    for card in found:
        print(f"{card.name:<5} {card.title}, {card.size_bytes:,} bytes, {card.tflite}")
        print(f"      accuracy  {card.accuracy}")
        print(f"      licence   {card.licence}")


def _pull(out: Path | None, *, as_json: bool) -> None:
    paths = api.models_pull(out, progress=_show if sys.stderr.isatty() else lambda *_: None)
    if as_json:
        print(json.dumps([str(path) for path in paths], indent=2))
        return
    print(f"{len(paths)} files, checked, in {paths[0].parent}")


def _show(name: str, have: int, of: int) -> None:
    print(f"\r{name:<40} {100 * have // of:>3} %", end="\n" if have >= of else "", file=sys.stderr, flush=True)
