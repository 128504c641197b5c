"""`tinyperf boards`: what boards there are and how far each was verified."""

from __future__ import annotations

import json

import click

from tinyperf import api


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON list on stdout.")
def command(*, as_json: bool) -> None:
    """List the boards, each with how far it was verified.

    \b
    tinyperf boards
    tinyperf boards --json
    """
    found = api.boards()
    if as_json:
        print(
            json.dumps(
                [
                    {
                        "name": b.name,
                        "title": b.title,
                        "soc": b.soc,
                        "core": b.core,
                        "clock_hz": b.clock_hz,
                        "verified": b.verified,
                    }
                    for b in found
                ],
                indent=2,
            )
        )
        return
    for b in found:
        print(f"{b.name:<22} {b.verified:<10} {b.core:<12} {b.clock_hz / 1e6:>5.0f} MHz  {b.title}")
