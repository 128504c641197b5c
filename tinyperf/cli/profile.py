"""`tinyperf profile`: where an inference spends its time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import click

from tinyperf import api
from tinyperf.cli import _boards_table, _layers_table, _options, _plans_table, _progress
from tinyperf.cli._ends import end_text
from tinyperf.errors import UsageError
from tinyperf.figures import error, figure

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.session.profile import Profile


@click.command()
@_options.firmware
@_options.optimize("all")
@click.option(
    "--image", type=_options.MODEL_FILE, metavar="FILE", help="Any .elf, .hex or .bin: totals; of an ELF by function."
)
@click.option(
    "--clock", metavar="HZ[,HZ...]|all", help="What the firmware sets: 80MHz; several: a row each, and which is best."
)
@click.option("--csv", type=_options.MODEL_FILE, metavar="FILE", help="The table as a file.")
@click.option("--plot", type=_options.MODEL_FILE, metavar="FILE", help="The table as a picture, .png or .html.")
def command(
    *,
    benchmark: str | None,
    board: str,
    model: Path | None,
    engine: str,
    energy: bool,
    clock: str | None,
    as_json: bool,
    image: Path | None,
    csv: Path | None,
    plot: Path | None,
    optimize: str | None,
) -> None:
    """Instructions and estimated cycles of an inference by layer: what the core waits for, what the kernel was taken
    to cost when it was chosen, and what the next best would. Of a foreign ELF by function.

    Of many boards its time, energy and memory: --board all is every shipped board, --board A,B those. A board that
    cannot be had is a row that says why. At several clocks, --clock A,B or --clock all that the board's firmware can
    set, it says which takes the least time and which the least energy. --optimize all shows ms, arena and flash of each
    of the engine's plans.

    \b
    tinyperf profile --board nucleo-l4r5zi kws
    tinyperf profile --board nucleo-l4r5zi kws --plot layers.html --csv layers.csv
    tinyperf profile --board nucleo-l4r5zi --model my.tflite --json
    tinyperf profile --board nucleo-l4r5zi --image firmware.hex
    tinyperf profile --board all kws --plot kws.html
    tinyperf profile --board nucleo-l4r5zi,nucleo-u575zi-q --model my.tflite --csv boards.csv
    tinyperf profile --board nucleo-l4r5zi --clock all kws
    tinyperf profile --board nucleo-l4r5zi --optimize all kws
    """
    boards, clocks = _options.boards(board), _options.clocks(clock)
    if optimize == "all":
        others = {"--csv": csv, "--plot": plot, "--image": image, "--energy": energy}
        _refuse({**others, "--board": boards is not None}, "all plans are of one model on one board")
        _plans(board, benchmark, model=model, engine=engine, clocks=clocks, as_json=as_json)
        return
    if boards is not None or clocks == "all" or len(clocks) > 1:
        _refuse({"--image": image, "--energy": energy}, "an image is of one board")
        with _progress.shown() as progress:
            each = [board] if boards is None else boards
            rows = api.profile_boards(
                benchmark, boards=each, clocks=clocks, model=model, engine=engine, progress=progress
            )
        _boards_table.show(rows, f"{benchmark or model}, engine {engine}", as_json=as_json, csv=csv, plot=plot)
        return
    firmware: dict[str, Any] = {"model": model, "engine": engine, "energy": energy, "image": image}
    with _progress.shown() as progress:
        found = api.profile(board, benchmark, **firmware, clock=clocks[0] if clocks else None, progress=progress)
    title = f"{benchmark or model or image} on {board}" + ("" if image else f", engine {engine}")
    if csv:
        _layers_table.write(_layers_table.rows(found), csv)
    if plot:
        api.profile_picture(found, title, plot)
    if as_json:
        print(json.dumps(found.as_dict(), indent=2))
        return
    _show(found)


def _plans(
    board: str,
    benchmark: str | None,
    *,
    model: Path | None,
    engine: str,
    clocks: list[int] | Literal["all"],
    as_json: bool,
) -> None:
    if clocks == "all" or len(clocks) > 1:
        raise UsageError("--optimize all at several clocks", hint="name one --clock, or leave it out")
    clock = clocks[0] if clocks else None
    with _progress.shown() as progress:
        plans = api.profile_plans(board, benchmark, model=model, engine=engine, clock=clock, progress=progress)
    _plans_table.show(plans, as_json=as_json)


def _refuse(given: dict[str, object], why: str) -> None:
    for option, value in given.items():
        if value:
            raise UsageError(f"{option} makes no sense here", means=why, hint=f"leave {option} out")


def _show(found: Profile) -> None:
    for name, ends in (("input", found.inputs), ("output", found.outputs)):
        for end in ends:
            print(f"{name:<13} {end_text(end)}")
    _layers_table.show(found)
    less = sum(bool(layer.left_out) for layer in found.layers)
    if less:
        print(f"left out      channels that the outputs do not depend on (layers: {less}); MACs are the model's")
    print(f"instructions  {found.instructions_per_inference:,} an inference")
    if found.cycles_per_inference is None or found.latency_ms is None:
        print("cycles        not known: QEMU counts instructions, and its clock says nothing of a board")
    else:
        at = f"at {found.clock_hz / 1e6:g} MHz (estimated, {error(found.error_percent)} against silicon)"
        print(f"cycles        {found.cycles_per_inference:,} = {figure(found.latency_ms)} ms {at}")
    memory = [
        f"{name} {size:,} B"
        for name, size in (
            ("flash", found.flash_bytes),
            ("RAM", found.ram_bytes),
            ("arena", found.arena_bytes),
            ("weights", found.weights_bytes),
        )
        if size is not None
    ]
    if found.uj_per_inference is not None:
        print(f"energy        {figure(found.uj_per_inference, 1)} uJ (estimated, {error(found.energy_error_percent)})")
    if memory:
        print(f"memory        {', '.join(memory)}")
