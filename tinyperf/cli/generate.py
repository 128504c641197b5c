"""`tinyperf generate`: the complete firmware project."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tinyperf import api
from tinyperf.cli import _options


@click.command()
@_options.firmware
@click.option("-o", "--out", type=_options.FOLDER, metavar="DIR", help="Where; by default BOARD-BENCH here.")
def command(
    *, benchmark: str | None, board: str, model: Path | None, engine: str, energy: bool, as_json: bool, out: Path | None
) -> None:
    """Write the PlatformIO project of a benchmark, or of any model.

    `pio run` in that folder builds it; with the Arm compiler on PATH nothing is downloaded. Board host gets a build.sh
    instead. Files that are there under other names are left alone.

    \b
    tinyperf generate --board nucleo-l4r5zi kws
    tinyperf generate --board nucleo-l4r5zi --model my.tflite -o firmware
    """
    if out is None:
        out = Path(f"{Path(board).stem}-{benchmark or (model.stem if model else 'model')}")
    project = api.generate(board, benchmark, out=out, model=model, engine=engine, energy=energy)
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
