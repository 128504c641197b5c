"""`tinyperf profile`: where an inference spends its time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import click

from tinyperf import api
from tinyperf.cli import _beside_table, _boards_table, _layers_table, _options, _plans_table, _progress, _tuning
from tinyperf.cli._ends import end_text
from tinyperf.errors import UsageError
from tinyperf.figures import error, figure

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.session.fleet import Row
    from tinyperf.session.profile import Profile
    from tinyperf.session.tune import Tuned


@click.command()
@_options.firmware
@_options.optimize("all")
@_tuning.OPTION
@click.option(
    "--image", type=_options.MODEL_FILE, metavar="FILE", help="Any .elf, .hex or .bin: totals; of an ELF by function."
)
@click.option(
    "--port", metavar="PORT", help="A real board's serial port: measured there, layer by layer, by its cycle counter."
)
@click.option(
    "--clock", metavar="HZ[,HZ...]|all", help="What the firmware sets: 80MHz; several: a row each, and which is best."
)
@click.option("--csv", type=_options.WRITTEN, metavar="FILE", help="The table as a file.")
@click.option("--plot", type=_options.WRITTEN, metavar="FILE", help="The table as a picture, .png or .html.")
@click.option(
    "--compare",
    "others",
    multiple=True,
    metavar="IMAGE|ENGINE",
    help="Side by side with another image or engine, in all and by operator; may be given several times.",
)
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
    port: str | None,
    csv: Path | None,
    plot: Path | None,
    optimize: str | None,
    others: tuple[str, ...],
    tune: bool,
) -> None:
    """Cycles of each layer: estimated, or with --port measured.

    What the core waits for, what the kernel was taken to cost when it was chosen, and what the next best would; of a
    foreign ELF by function. Of many boards (--board all, or A,B) its time, energy and memory; one that cannot be had is
    a row that says why. At several clocks (--clock all that the firmware can set, or A,B) it says which takes the least
    time and which the least energy. --optimize all shows ms, arena and flash of each plan. --port asks a real board,
    on which 'tinyperf flash --engine aot:layers=on' has put firmware that counts.

    \b
    tinyperf profile --board nucleo-l4r5zi kws --json
    tinyperf profile --board nucleo-l4r5zi --model my.tflite --plot layers.html --csv layers.csv
    tinyperf profile --board nucleo-l4r5zi --image firmware.hex
    tinyperf profile --board nucleo-l4r5zi kws --compare tflm --compare aot:fold=off --compare firmware.hex
    tinyperf profile --board nucleo-l4r5zi --model my.tflite --tune
    tinyperf profile --board all kws --plot kws.html
    tinyperf profile --board nucleo-l4r5zi,nucleo-u575zi-q --model my.tflite --csv boards.csv
    tinyperf profile --board nucleo-l4r5zi --clock all kws
    tinyperf profile --board nucleo-l4r5zi --optimize all kws
    tinyperf profile --board nucleo-l4r5zi --port /dev/ttyACM0 kws
    """
    boards, clocks = _options.boards(board), _options.clocks(clock)
    firmware: dict[str, Any] = {"model": model, "engine": engine, "energy": energy, "image": image}
    firmware["clock"] = clocks[0] if clocks and clocks != "all" else None
    several = {"--board": boards is not None, "--clock": clocks == "all" or len(clocks) > 1}
    files: dict[str, object] = {"--csv": csv, "--plot": plot}
    plans = {"--optimize all": optimize == "all"}
    if tune or port:
        _refuse({"--compare": others, "--tune": tune and port, **plans, **several}, "--tune and --port: one firmware")
    if others:
        _refuse({**files, **plans, **several}, "--compare is of one board at one clock")
        _beside(board, benchmark, others, firmware, as_json=as_json)
    elif optimize == "all":
        wrong = {**files, "--image": image, "--energy": energy, "--board": boards is not None}
        _refuse(wrong, "all plans are of one model on one board")
        _plans(board, benchmark, model=model, engine=engine, clocks=clocks, as_json=as_json)
    elif any(several.values()):
        _refuse({"--image": image, "--energy": energy}, "an image is of one board")
        each = [board] if boards is None else boards
        table = _many(benchmark, boards=each, clocks=clocks, model=model, engine=engine)
        _boards_table.show(table, f"{benchmark or model}, engine {engine}", as_json=as_json, csv=csv, plot=plot)
    else:
        found = _profiled(board, benchmark, {**firmware, "port": port}, tune=tune)
        _one(*found, _title(benchmark or model, image, board, engine), as_json=as_json, csv=csv, plot=plot)


def _title(model: str | Path | None, image: Path | None, board: str, engine: str) -> str:
    """Of a picture."""
    return f"{model or image} on {board}" + ("" if image else f", engine {engine}")


def _many(benchmark: str | None, **given: Any) -> list[Row]:
    with _progress.shown() as progress:
        return api.profile_boards(benchmark, **given, progress=progress)


def _profiled(
    board: str, benchmark: str | None, firmware: dict[str, Any], *, tune: bool
) -> tuple[Profile, Tuned | None]:
    tuned = _tuned(board, benchmark, dict(firmware)) if tune else None
    with _progress.shown() as progress:
        engine = tuned.engine if tuned else firmware["engine"]
        return api.profile(board, benchmark, **{**firmware, "engine": engine}, progress=progress), tuned


def _tuned(board: str, benchmark: str | None, firmware: dict[str, Any]) -> Tuned:
    wrong = {f"--{name}": firmware.pop(name) for name in ("image", "port")}
    _refuse(wrong, "--tune chooses kernels of what is built, by the virtual board")
    return _tuning.tuned(board, benchmark, **firmware)


def _one(
    found: Profile, tuned: Tuned | None, title: str, *, as_json: bool, csv: Path | None, plot: Path | None
) -> None:
    """The files first: if one fails, stdout must not hold a result and an error."""
    if csv:
        _layers_table.write(_layers_table.rows(found), csv)
    if plot:
        api.profile_picture(found, title, plot)
    if as_json:
        print(json.dumps(found.as_dict() | ({"tuned": tuned.as_dict()} if tuned else {}), indent=2))
    else:
        _show(found)


def _beside(
    board: str, benchmark: str | None, others: tuple[str, ...], firmware: dict[str, Any], *, as_json: bool
) -> None:
    with _progress.shown() as progress:
        sides = api.profile_beside(board, benchmark, others=others, **firmware, progress=progress)
    _beside_table.show(sides, as_json=as_json)


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
    if found.instructions_per_inference is not None:
        print(f"instructions  {found.instructions_per_inference:,} an inference")
    if found.cycles_per_inference is None or found.latency_ms is None:
        print("cycles        not known: QEMU counts instructions, and its clock says nothing of a board")
    else:
        how = f"estimated, {error(found.error_percent)} against silicon" if found.estimated else "the sum of its layers"
        at = f"at {found.clock_hz / 1e6:g} MHz ({how})"
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
