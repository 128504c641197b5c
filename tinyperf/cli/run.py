"""`tinyperf run`: the main job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import click
from click.core import ParameterSource

from tinyperf import api
from tinyperf.cli import _names, _options, _progress, _result, _tuning
from tinyperf.errors import UsageError
from tinyperf.result import Mode


@click.command()
@click.argument("bench", required=False, metavar="[BENCH]", type=_names.BENCH)
@click.option("--board", "-b", help="A board's name ('tinyperf boards'), or a board file.", type=_names.BOARD)
@_options.CLOCK
@click.option("--virtual", is_flag=True, help="Run on the virtual board.")
@click.option("--port", help="Serial port or pyserial URL; left out, the board is looked for on USB.")
@click.option("--mode", type=click.Choice([*get_args(Mode), "all"]), default="performance", show_default=True)
@_options.ENGINE
@_options.optimize()
@_tuning.OPTION
@click.option("--model", type=click.Path(path_type=Path), help="Your own .tflite; without BENCH, benchmark 'custom'.")
@click.option("--data", type=click.Path(path_type=Path), help="Inputs, as for 'tinyperf evaluate'.")
@_options.own_data
@click.option("--samples", type=int, help="Only the first N samples (not valid for accuracy).")
@click.option("--quick", is_flag=True, help="A first look: one window of a second, or 20 samples; never valid.")
@click.option("--image", type=click.Path(path_type=Path), help="A firmware from elsewhere: .bin, .hex or .elf.")
@click.option("--no-build", is_flag=True, help="Measure what the board runs already.")
@click.option(
    "--monitor",
    metavar="NAME[:OPTION=VALUE,...]",
    help="Energy instrument, or its driver as a .py file ('tinyperf energy monitors').",
    type=_names.MONITOR,
)
@click.option(
    "--isolator",
    metavar="NAME:port=PORT",
    help="The board is behind io_manager or interface_board ('tinyperf energy monitors'); instead of --port.",
)
@click.option("--jobs", type=int, help="Virtual boards at once in accuracy mode; left out, as many as help.")
@click.option("--out", type=click.Path(path_type=Path), help="Session folder; ./sessions/... if left out.")
@click.option("--name", metavar="TEXT", help="Words of your own, by which 'tinyperf sessions' finds it again.")
@click.option("--resume", type=click.Path(path_type=Path), metavar="SESSION", help="Finish a session that stopped.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout (--mode all: a list).")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    bench: str | None,
    mode: str,
    resume: Path | None,
    no_build: bool,
    as_json: bool,
    tune: bool,
    **options: Any,  # what is left are RunOptions, by name; a test compares them
) -> int:
    """Build, start, measure, and score by the run rules.

    BENCH is kws, vww, ic, ic2, ad or sww; it may be left out with --model, --image or --no-build. Exit codes: 0 valid;
    1 measured but not valid by the rules, or below the accuracy target; 2 usage, model or data; 3 build; 4 device or
    disk; 130 interrupted. What was measured is kept in the session folder; --resume finishes it.

    \b
    tinyperf run --board nucleo-l4r5zi --virtual kws
    tinyperf run --board nucleo-l4r5zi --port /dev/ttyACM0 kws
    tinyperf run --board nucleo-l4r5zi --virtual --model my.tflite
    tinyperf run --board nucleo-l4r5zi --virtual --image firmware.hex
    tinyperf run --board host --mode accuracy --data datasets kws
    tinyperf run --resume sessions/20261125-101500-nucleo-l4r5zi-kws-accuracy
    tinyperf run --resume sessions/20261125-101500-nucleo-l4r5zi-kws-energy --port /dev/ttyACM1

    A virtual board's latency is an estimate; 'tinyperf profile' gives the same one in seconds, from one inference.
    """
    if resume is None and options["board"] is None:
        raise UsageError("--board is missing", hint="'tinyperf boards' lists them")
    if tune and resume is None:
        options["engine"] = _tuned(bench, options, builds=not no_build)
    with _progress.shown() as progress:
        if resume is not None:
            _alone(ctx)
            elsewhere = {name: options[name] for name in ("port", "monitor", "jobs")}
            results = [api.resume(resume, **elsewhere, progress=progress)]
        elif mode == "all":
            results = api.run_all(bench, **options, build=not no_build, progress=progress)
        else:
            results = [api.run(bench, **options, mode=mode, build=not no_build, progress=progress)]  # type: ignore[arg-type]  # click checked it
    if as_json:
        rows = [found.as_dict() for found in results]
        print(json.dumps(rows if mode == "all" and resume is None else rows[0], indent=2))
    else:
        for found in results:
            _result.show(found)
    return max(found.exit_code for found in results)


def _tuned(benchmark: str | None, options: dict[str, Any], *, builds: bool) -> str:
    """The engine, tuned for this model and board. Raises: UsageError: there is nothing to build."""
    if options["image"] is not None or not builds:
        raise UsageError("--tune where nothing is built", hint="leave --image, --no-build or --tune out")
    return _tuning.tuned(
        options["board"], benchmark, model=options["model"], engine=options["engine"], clock=options["clock"]
    ).engine


def _alone(ctx: click.Context) -> None:
    """Raises: UsageError: something beside --resume that the session itself knows."""
    typed = [
        parameter.opts[0]
        for parameter in ctx.command.params
        if parameter.name not in ("resume", "jobs", "port", "monitor", "as_json")
        and ctx.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
    ]
    if typed:
        raise UsageError(
            f"{', '.join(typed)} together with --resume",
            means="a session is finished as it was begun",
            hint="give --resume SESSION; beside it only --port, --monitor and --jobs, which say where",
        )
