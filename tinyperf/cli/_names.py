"""Types of arguments that are names: what the shell offers when TAB is pressed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from tinyperf import content, engines
from tinyperf.benchmark import BENCHMARKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Name(click.types.StringParamType):
    """Any text; `known` gives the names that are offered, read only when the shell asks."""

    def __init__(self, known: Callable[[], Iterable[str]], *, files: bool = False) -> None:
        self.known, self.files = known, files

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002  (click's signature)
        offered = [CompletionItem(name) for name in self.known() if name.lower().startswith(incomplete.lower())]
        return offered or ([CompletionItem(incomplete, type="file")] if self.files else [])


BENCH = Name(lambda: BENCHMARKS)
BOARD = Name(lambda: content.names("boards", ".yaml"), files=True)
ENGINE = Name(engines.names)
MONITOR = Name(lambda: content.names("energy", ".py"), files=True)
