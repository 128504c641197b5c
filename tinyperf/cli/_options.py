"""Options that several verbs share."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import click

from tinyperf import engines
from tinyperf.cli import _names
from tinyperf.engines import planned
from tinyperf.errors import DiskError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Number(click.FloatRange):
    """FloatRange lets "nan" pass."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        return self.fail("nan is no number", param, ctx) if math.isnan(number) else number


class Written(click.Path):
    """A file that is written at the end: that it has no folder is said before the work begins."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, dir_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path: Any = super().convert(value, param, ctx)
        if not path.parent.is_dir():
            seen = f"cannot write {path}: there is no folder {path.parent}"
            raise DiskError(seen, hint="make it, or give another file")
        return path


def hertz(text: str) -> int:
    """80000000, 80M or 80MHz.

    Raises: click.BadParameter: none of these.
    """
    words = text.strip().lower().removesuffix("hz")
    try:
        value = float(words.removesuffix("m")) * (1e6 if words.endswith("m") else 1)
    except ValueError:
        value = 0.5
    if not (value.is_integer() and 1 <= value < 1 << 32):
        raise click.BadParameter(f"'{text}' is no clock: 80000000, or 80MHz", param_hint="--clock")
    return int(value)


CLOCK = click.option("--clock", type=hertz, metavar="HZ", help="What the firmware sets: 80000000, or 80MHz.")
SECONDS = Number(0, 86400, min_open=True)
MODEL = click.Path(path_type=Path)
"""Whatever else it is, a folder too: the reader says what it is and what to do."""
WRITTEN = Written()
MODEL_FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
OPTIMIZED = "tinyperf.optimize"


def _optimized(ctx: click.Context, _param: click.Parameter, way: str | None) -> str | None:
    """Kept for --engine, which is read after it."""
    ctx.meta[OPTIMIZED] = way
    return way


def _engine(ctx: click.Context, _param: click.Parameter, engine: str) -> str:
    """Raises: UsageError: --optimize beside an engine that has it as an option already."""
    way = ctx.meta.get(OPTIMIZED)
    if way in (None, "all"):
        return engine
    return planned(engine, way)


def optimize(*more: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """--optimize, short for --engine aot:optimize=...; a verb that takes `more` gets the value as a parameter."""
    return click.option(
        "--optimize",
        type=click.Choice([*more, *get_args(engines.Optimize)]),
        help="Engine aot: what counts most; short for --engine aot:optimize=..." + (", all: a row each." * bool(more)),
        is_eager=True,
        expose_value=bool(more),
        callback=_optimized,
    )


ENGINE = click.option(
    "--engine",
    callback=_engine,
    default="aot",
    show_default=True,
    metavar="NAME[:OPTION=VALUE,...]",
    help=f"{' or '.join(engines.names())}.",
    type=_names.ENGINE,
)


def finite(value: Any) -> Any:
    """For JSON, which has no NaN and no infinity: null in their place."""
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def notes(texts: Iterable[str]) -> None:
    """What stands beside a result, on stderr."""
    for text in texts:
        print(f"note: {text}", file=sys.stderr)


def firmware(command: Callable[..., Any]) -> Callable[..., Any]:
    """What a firmware is made of: BENCH, board, model, engine, energy mode; and --json."""
    for option in (
        click.argument("benchmark", metavar="[BENCH]", required=False, type=_names.BENCH),
        click.option(
            "--board", required=True, metavar="NAME|FILE", help="A shipped board, or a board file.", type=_names.BOARD
        ),
        click.option("--model", type=MODEL, metavar="FILE", help="Your own .tflite instead of the shipped one."),
        ENGINE,
        click.option("--energy", is_flag=True, help="Energy mode: 9600 baud, pulses on the timestamp pin."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout."),
    ):
        command = option(command)
    return command


def boards(text: str) -> list[str] | None:
    """Of --board where several are meant: [] is all of them; None: it names one."""
    if text == "all":
        return []
    return [name.strip() for name in text.split(",")] if "," in text and not Path(text).exists() else None


def clocks(text: str | None) -> list[int] | Literal["all"]:
    """Of --clock where several may be meant; [] where it was left out."""
    if text == "all":
        return "all"
    return [hertz(one) for one in text.split(",")] if text is not None else []


def own_data(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say how data of the user's own are read and scored."""
    for option in (
        click.option(
            "--front-end",
            type=click.Choice(["kws", "pcm"]),
            help="With sounds as --data: what the model's inputs are made with.",
        ),
        click.option("--labels", type=click.Path(path_type=Path), metavar="FILE", help="Class names, one a line."),
        click.option(
            "--metric",
            type=click.Choice(["top1", "auc", "mse", "mae"]),
            help="Of your own model; left out, top1, or mse where y holds floats.",
        ),
    ):
        command = option(command)
    return command
