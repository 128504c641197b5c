"""One line of a diagnosis, and all of them."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tinyperf import tool

State = Literal["ok", "missing", "note"]
VERSION_S = 10.0


@dataclass(frozen=True)
class Check:
    """One line. `state`: ok, missing, or note (absent, and not needed for what was asked). `fix`: a command."""

    name: str
    state: State
    found: str
    why: str
    fix: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """All lines, and whether the board asked for can be used: `build` (an image), `virtual`, `silicon`.

    `usable`: it can be built, and run in one of the two ways.
    """

    board: str | None
    checks: tuple[Check, ...]
    build: bool
    virtual: bool
    silicon: bool

    @property
    def usable(self) -> bool:
        return self.build and (self.virtual or self.silicon)

    @property
    def exit_code(self) -> int:
        """0 usable; 3 it cannot be built here; 4 it can be built, but there is nothing to run it on."""
        return 0 if self.usable else 4 if self.build else 3

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-ready values."""
        own = {"usable": self.usable, "build": self.build, "virtual": self.virtual, "silicon": self.silicon}
        return {"board": self.board, **own, "checks": [asdict(c) for c in self.checks]}


def pip(extra: str) -> str:
    return f"{sys.executable} -m pip install 'tinyperf[{extra}]'"


def version(program: str) -> str:
    """First line of `--version`; the bare name where it has none."""
    outcome = tool.run(tool.Step((program, "--version"), VERSION_S))
    return next((line.strip() for line in outcome.output.splitlines() if line.strip()), program)
