"""This computer: portable C alone, compiled by its own compiler into a process."""

from __future__ import annotations

from tinyperf.cores import Core, Exceptions

CORE = Core(
    name="host",
    title="this computer",
    architecture="host",
    features=frozenset(),
    exceptions=Exceptions(entry_cycles=0, exit_cycles=0, tail_chain_cycles=0),
)
