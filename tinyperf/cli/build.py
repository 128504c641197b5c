"""`tinyperf build`: the firmware image."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from tinyperf import api
from tinyperf.cli import _options, _tuning

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.firmware.build import Image


@click.command()
@_options.firmware
@_options.optimize()
@_tuning.OPTION
@_options.CLOCK
@click.option("-o", "--out", type=_options.FOLDER, metavar="DIR", help="Also copy the image files into DIR.")
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
    tune: bool,
) -> None:
    """Build the firmware image of a benchmark, or of any model.

    BENCH may be left out with --model. The same thing is built only once; the image then comes from a cache
    ($TINYPERF_CACHE, by default the user's cache folder). Nothing is downloaded.

    \b
    tinyperf build --board nucleo-l4r5zi kws
    tinyperf build --board nucleo-l4r5zi kws -o out --json
    tinyperf build --board host --model my.tflite
    tinyperf build --board nucleo-l4r5zi --model my.tflite --tune
    """
    if sys.stderr.isatty():
        print(f"building {benchmark or model} for {board} ...", file=sys.stderr)
    content: dict[str, Any] = {"model": model, "engine": engine, "energy": energy, "clock": clock}
    tuned = _tuning.tuned(board, benchmark, **content) if tune else None
    image = api.build(board, benchmark, out=out, **{**content, "engine": tuned.engine if tuned else engine})
    _options.notes(image.generated.warnings)
    found = _as_dict(image, out) | ({"tuned": tuned.as_dict()} if tuned else {})
    if as_json:
        print(json.dumps(found, indent=2))
        return
    print(f"image     {found['image']}" + (" (built before)" if image.cached else ""))
    print(f"build id  {image.build_id}")
    print(f"memory    {_memory(image)}")
    print(f"compiler  {image.toolchain.compiler} ({_HOW[image.form]})")


_HOW = {
    "offline": "PlatformIO, with the compiler of PATH",
    "online": "PlatformIO, with its own packages",
    "native": "called directly",
}


def _as_dict(image: Image, out: Path | None) -> dict[str, Any]:
    place = out or image.path.parent
    return {
        "image": str(place / image.path.name),
        "bin": str(place / image.bin.name) if image.bin else None,
        "build_id": image.build_id,
        "cached": image.cached,
        "form": image.form,
        "memory": asdict(image.memory),
        "toolchain": asdict(image.toolchain),
        "engine_details": asdict(image.generated.details),
        "project": str(image.folder),
        "warnings": list(image.generated.warnings),
    }


def _memory(image: Image) -> str:
    memory = image.memory
    parts = [f"flash {memory.flash_bytes:,} B"] if memory.flash_bytes is not None else []
    parts += [f"RAM {memory.ram_bytes:,} B"] if memory.ram_bytes is not None else []
    return ", ".join([*parts, f"model arena {memory.arena_bytes:,} B"])
