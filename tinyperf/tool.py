"""The one place that starts an outside program: a list of arguments, a time limit, the output kept.

Exit status 0 is not success (several flash tools return it with nothing done); the caller decides what success is.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Step:
    """One call of a program, not yet made. `stdin` is empty: no tool may wait for a person."""

    argv: tuple[str, ...]
    timeout_s: float

    @property
    def command(self) -> str:
        """Ready to paste into a shell."""
        return shlex.join(self.argv)


@dataclass(frozen=True)
class Outcome:
    """What a program did. `status` is None where it was stopped at its time limit, -1 where it could not be started."""

    step: Step
    status: int | None
    output: str
    seconds: float

    def last_lines(self, count: int = 6) -> str:
        """The end of the output without empty lines, for an error message."""
        lines = [line.rstrip() for line in self.output.splitlines() if line.strip()]
        return "\n".join(lines[-count:])


def installed(program: str) -> bool:
    """Whether `program` is found on PATH."""
    return shutil.which(program) is not None


def host_compiler() -> tuple[str, ...] | None:
    """This computer's C compiler as the start of a command line: $CC, else the first of cc, gcc, clang on PATH."""
    if given := os.environ.get("CC", "").strip():
        return tuple(shlex.split(given))
    return next(((name,) for name in ("cc", "gcc", "clang") if installed(name)), None)


def run(
    step: Step,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> Outcome:
    """Run one step to its end or its time limit; never raises for what the program does.

    Args: log: file to which the command, its whole output and its status are appended.
    """
    started = time.monotonic()
    try:
        done = subprocess.run(
            step.argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=step.timeout_s,
            check=False,
        )
        status: int | None = done.returncode
        output = done.stdout
    except subprocess.TimeoutExpired as exc:
        status, output = None, exc.stdout or b""
    except OSError as exc:
        status, output = -1, str(exc).encode()
    outcome = Outcome(step, status, output.decode("utf-8", "replace"), time.monotonic() - started)
    if log is not None:
        with log.open("a", encoding="utf-8") as file:
            file.write(f"$ {step.command}\n{outcome.output}\n[status {status}, {outcome.seconds:.2f} s]\n")
    return outcome
