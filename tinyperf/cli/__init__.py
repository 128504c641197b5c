"""The command line: one file per verb, each with a click command named `command`; the folder is the registry.

Only this package prints and exits. stdout carries the result, stderr progress and messages.
"""

from __future__ import annotations

import difflib
import errno
import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any, TextIO

import click

from tinyperf import __version__
from tinyperf.errors import DiskError, Interrupted, TinyperfError, UsageError

UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EIO}


class ReaderGoneError(Exception):
    """The reader of our stdout has gone (`| head`). Not a BrokenPipeError: click turns that into exit code 1."""


class Verbs(click.Group):
    """Loads the module of a verb only when that verb is used, so that `tinyperf --help` stays instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        stems = (path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))
        return sorted(stem.replace("_", "-") for stem in stems)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        found: click.Command = importlib.import_module(f"tinyperf.cli.{cmd_name.replace('-', '_')}").command
        found.name = cmd_name  # as the reference of the commands calls it; in its file each is `command`
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's; a verb that is written nearly right is named."""
        if args and args[0] not in (verbs := self.list_commands(ctx)) and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0].lower(), verbs, n=1)
            raise UsageError(
                f"unknown command '{args[0]}'",
                hint=(f"did you mean 'tinyperf {near[0]}'? " if near else "") + "'tinyperf --help' lists them",
            )
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            found = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError as exc:
            raise ReaderGoneError from exc
        return found


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="tinyperf")
def tinyperf() -> None:
    """Benchmark TinyML models on microcontrollers, or on a virtual one.

    \b
    tinyperf run --board nucleo-l4r5zi --virtual kws            build, start, measure, score
    tinyperf run --board nucleo-l4r5zi --port /dev/ttyACM0 kws  the same on silicon
    """


def main(argv: list[str] | None = None) -> None:
    """Run one verb and exit with the documented code."""
    sys.exit(invoke(sys.argv[1:] if argv is None else argv))


def invoke(argv: list[str]) -> int:
    """Run one verb; its exit code. Every exception ends here and nowhere else."""
    as_json = "--json" in argv
    try:
        result = tinyperf.main(args=argv, prog_name="tinyperf", standalone_mode=False)
    except TinyperfError as exc:
        _show(exc.as_dict(), as_json=as_json)
        return exc.exit_code
    except click.exceptions.NoArgsIsHelpError as exc:
        print(exc.format_message())
        return 2
    except click.ClickException as exc:
        where = exc.ctx.command_path if isinstance(exc, click.UsageError) and exc.ctx else "tinyperf"
        _show(
            {
                "seen": exc.format_message(),
                "means": "",
                "hint": f"'{where} --help' shows what it takes",
                "exit_code": 2,
            },
            as_json=as_json,
        )
        return 2
    except (KeyboardInterrupt, click.Abort) as exc:
        stopped = exc.__cause__ if isinstance(exc, click.Abort) else exc  # click wraps it, and EOFError likewise
        if isinstance(stopped, EOFError):
            return _defect(stopped, as_json=as_json)
        kept = stopped if isinstance(stopped, Interrupted) else Interrupted(hint="the same command starts it again")
        _show(
            {"seen": "interrupted", "means": "", "hint": kept.hint, "exit_code": 130, "session": kept.session},
            as_json=as_json,
        )
        return 130
    except ReaderGoneError:
        _drop(sys.stdout)
        return 141  # the shell's convention
    except OSError as exc:
        if exc.errno not in UNWRITABLE:
            return _defect(exc, as_json=as_json)
        _drop(sys.stdout)
        full = DiskError(
            f"standard output cannot be written: {os.strerror(exc.errno or 0)}", hint="make room, or write elsewhere"
        )
        _show(full.as_dict(), as_json=False)
        return full.exit_code
    except Exception as exc:  # noqa: BLE001  (the one place: a defect of ours must not look like a measurement)
        return _defect(exc, as_json=as_json)
    return result if isinstance(result, int) else 0


def _defect(exc: Exception, *, as_json: bool) -> int:
    traceback.print_exception(exc)
    _show(
        {
            "seen": f"{type(exc).__name__}: {exc}",
            "means": "this is a defect in tinyperf",
            "hint": "please report it with the lines above",
            "exit_code": 70,
        },
        as_json=as_json,
    )
    return 70


def _drop(stream: TextIO) -> None:
    """What is still buffered would fail again when Python ends, and change the exit code."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _show(error: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        try:
            print(json.dumps({"error": {"session": None} | error}, indent=2), flush=True)
        except OSError:  # stdout is full or closed; stderr and the exit code still tell
            _drop(sys.stdout)
    means = f"  means: {error['means']}\n" if error["means"] else ""
    try:
        print(f"error: {error['seen']}\n{means}  try:   {error['hint']}", file=sys.stderr, flush=True)
    except OSError:  # its reader has gone; the exit code still tells
        _drop(sys.stderr)
