"""`tinyperf generate`: the complete firmware project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tinyperf import api
from tinyperf.cli import _options
from tinyperf.errors import UsageError

if TYPE_CHECKING:
    from tinyperf.firmware.library import ModelLibrary


@click.command()
@_options.firmware
@_options.optimize()
@_options.CLOCK
@click.option("-o", "--out", type=_options.FOLDER, metavar="DIR", help="Where; by default BOARD-BENCH or PREFIX here.")
@click.option(
    "--form",
    type=click.Choice(["project", "library"]),
    default="project",
    show_default=True,
    help="The whole firmware, or the model alone as a C library.",
)
@click.option("--prefix", metavar="NAME", help="Library: what its names in C start with.")
@click.option(
    "--keep-input", is_flag=True, help="Library: an inference leaves its inputs as they were; takes more RAM."
)
@click.option("--force", is_flag=True, help="Write over files that were edited since.")
def command(
    *,
    benchmark: str | None,
    board: str,
    model: Path | None,
    engine: str,
    energy: bool,
    clock: int | None,
    as_json: bool,
    out: Path | None,
    form: str,
    prefix: str | None,
    keep_input: bool,
    force: bool,
) -> None:
    """Write a firmware project, or the model alone as a C library.

    `pio run` in a project's folder builds it; with the Arm compiler on PATH nothing is downloaded. Board host gets a
    build.sh instead. A library is plain C99 with what CMake, Zephyr, PlatformIO and Arduino want beside it; several fit
    into one program. Files that are there under other names are left alone.

    \b
    tinyperf generate --board nucleo-l4r5zi kws
    tinyperf generate --board nucleo-l4r5zi --model my.tflite -o firmware
    tinyperf generate --board nucleo-l4r5zi --model my.tflite --form library --prefix mine
    """
    if form == "library":
        for option in [name for name, value in (("--energy", energy), ("--clock", clock)) if value]:
            raise UsageError(f"{option} with --form library", hint="it is of a firmware; leave it out")
        folder = out or Path(prefix or benchmark or (model.stem if model else "model"))
        content: dict[str, Any] = {"model": model, "engine": engine, "prefix": prefix, "keep_input": keep_input}
        made = api.generate_library(board, benchmark, out=folder, **content, force=force)
        _show_library(made, folder, as_json=as_json)
        return
    if prefix is not None or keep_input:
        raise UsageError("--prefix and --keep-input are a library's", hint="add --form library")
    if out is None:
        out = Path(f"{Path(board).stem}-{benchmark or (model.stem if model else 'model')}")
    project = api.generate(
        board, benchmark, out=out, model=model, engine=engine, energy=energy, clock=clock, force=force
    )
    _options.notes(project.warnings)
    if as_json:
        found = {"folder": str(out), "build_id": project.build_id, "form": project.form, "files": list(project.files)}
        print(json.dumps(found, indent=2))
        return
    how = {
        "offline": "'pio run' there builds it with the compiler of PATH; nothing is downloaded",
        "online": "'pio run' there builds it with packages that PlatformIO downloads",
        "native": "'./build.sh' there builds it with this computer's compiler",
    }[project.form]
    if "https://" in project.files.get("platformio.ini", ""):
        how = "'pio run' there builds it; git fetches the library that it names"
    print(f"{len(project.files)} files in {out}, build id {project.build_id}")
    print(how)


def _show_library(made: ModelLibrary, folder: Path, *, as_json: bool) -> None:
    _options.notes(made.warnings)
    if as_json:
        found = {
            "folder": str(folder),
            "form": "library",
            "prefix": made.prefix,
            "arena_bytes": made.arena_bytes,
            "weights_bytes": made.weights_bytes,
            "keeps_input": made.keeps_input,
            "files": list(made.files),
        }
        print(json.dumps(found, indent=2))
        return
    print(f"{len(made.files)} files in {folder}: {made.prefix}_init, {made.prefix}_input, {made.prefix}_run, ...")
    print(
        f"arena {made.arena_bytes:,} bytes in .bss, weights {made.weights_bytes:,} bytes; README.md says how to use it"
    )
