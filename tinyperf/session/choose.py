"""From words to a firmware: which model, which engine, and what a virtual board starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf import tflite
from tinyperf.engines import ends
from tinyperf.errors import UsageError
from tinyperf.firmware import build, files
from tinyperf.firmware import library as firmware_library
from tinyperf.firmware.build import disk_errors
from tinyperf.session import models
from tinyperf.virtual.connect import open_image

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.benchmark import Benchmark
    from tinyperf.board import Board
    from tinyperf.firmware.build import Image
    from tinyperf.firmware.library import ModelLibrary
    from tinyperf.firmware.render import Project
    from tinyperf.tflite import Model


@dataclass(frozen=True)
class Content:
    """What a firmware is made of, in the user's words.

    benchmark: a name in `BENCHMARKS`; None where `model` is the user's own. model: a .tflite in place of
    the shipped one.
    engine: `NAME[:OPTION=VALUE,...]`. energy: 9600 baud, and pulses on the timestamp pin.
    """

    benchmark: str | None = None
    model: Path | None = None
    engine: str = "aot"
    energy: bool = False


def check_ends(board: Board, model: Model, benchmark: Benchmark | None, engine: str) -> None:
    """Refuses a model whose ends no firmware takes, before inputs are made for it.

    Raises: ModelError: with the engine's own reasons too.
    """
    if ends.reasons(model):
        build.prepare(board, model, benchmark=benchmark, engine=engine, need=False)


def built(
    board: Board,
    model: Model,
    benchmark: Benchmark | None,
    *,
    engine: str,
    energy: bool = False,
    folder: Path | None = None,
) -> Image:
    """The image of one model; what an engine must measure for it is measured on the virtual board.

    Raises: as `firmware.build.build`.
    """
    return build.build(board, model, benchmark=benchmark, engine=engine, energy=energy, folder=folder, start=greeting)


def greeting(board: Board, image: Path) -> str:
    """What a virtual board says from reset to its first m-ready, or to a second of silence."""
    link = open_image(board, image)
    heard = b""
    try:
        while b"m-ready" not in heard:
            arrived = link.read(1.0)
            if not arrived:
                break
            heard += arrived
    finally:
        link.close()
    return heard.decode("utf-8", "replace")


def project(board: Board, wanted: Content, folder: Path, *, force: bool = False) -> Project:
    """The firmware project, written to `folder`; see api.generate."""
    chosen, loaded = models.named(wanted.benchmark, wanted.model)
    return build.generate(
        board, loaded, benchmark=chosen, engine=wanted.engine, energy=wanted.energy, folder=folder, force=force
    )


def library(
    board: Board, wanted: Content, folder: Path, *, prefix: str | None, keeps_input: bool, force: bool
) -> ModelLibrary:
    """The model alone as a library, written to `folder`; see api.generate_library."""
    chosen, loaded = models.named(wanted.benchmark, wanted.model)
    made = firmware_library.library(
        board,
        loaded,
        benchmark=chosen,
        engine=wanted.engine,
        prefix=prefix or wanted.benchmark,
        keeps_input=keeps_input,
    )
    with disk_errors(folder, "choose a folder"):
        files.write(made.files, folder, force=force)
    return made


def image(board: Board, wanted: Content, folder: Path | None = None) -> Image:
    """The firmware image, also copied to `folder`; see api.build."""
    chosen, loaded = models.named(wanted.benchmark, wanted.model)
    return built(board, loaded, chosen, engine=wanted.engine, energy=wanted.energy, folder=folder)


@dataclass(frozen=True)
class Started:
    """What a virtual board starts. `built`: None where the image comes from elsewhere.

    `model`: the user's own, where one was named; else the firmware says what it takes.
    """

    path: Path
    built: Image | None
    model: Model | None


def started(board: Board, wanted: Content, foreign: Path | None) -> Started:
    """The firmware from elsewhere, or else the one that is built of `wanted`.

    Raises: UsageError: neither, or both. Otherwise as `image`.
    """
    if foreign is not None and wanted.benchmark is not None:
        raise UsageError(
            f"{wanted.benchmark} together with image {foreign}", hint="choose one: an image holds its own model"
        )
    if foreign is None and wanted.benchmark is None and wanted.model is None:
        raise UsageError(
            "nothing to run", hint="name a benchmark (kws, vww, ic, ic2, ad, sww), or --model FILE, or --image FILE"
        )
    file = wanted.model if wanted.benchmark is None else None
    if foreign is None:
        own_image = image(board, wanted)
        return Started(own_image.path, own_image, tflite.load(file) if file else None)
    own = tflite.load(file) if file else None
    if own is not None:
        ends.check(own)
    return Started(foreign, None, own)
