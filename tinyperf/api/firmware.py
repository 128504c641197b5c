"""Models, boards, and the firmware between them: inspect, generate, build, flash; and what a machine needs for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tinyperf.api.paths import AnyPath, maybe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyperf.board import Board
    from tinyperf.diagnosis.check import Diagnosis
    from tinyperf.engines.tflm.library import Library
    from tinyperf.firmware.build import Image
    from tinyperf.firmware.flash import Flashed
    from tinyperf.firmware.library import ModelLibrary
    from tinyperf.firmware.render import Project
    from tinyperf.session.inspect import Inspection


def boards() -> list[Board]:
    """All shipped boards, by name."""
    from tinyperf import board as _board

    return _board.shipped()


def new_board(name: str, folder: AnyPath, *, form: Literal["stm32", "arduino"] = "stm32") -> Path:
    """Write a commented board file to start from into `folder`; its path.

    Args: form: stm32: firmware of our own on the bare chip; arduino: through an Arduino core, which PlatformIO brings.

    Raises: UsageError: not a name, or the file exists. DiskError: cannot write.
    """
    from tinyperf import board as _board

    return _board.new(name, Path(folder), form)


def generate(
    board: AnyPath,
    benchmark: str | None = None,
    *,
    out: AnyPath,
    model: AnyPath | None = None,
    engine: str = "aot",
    energy: bool = False,
    clock: int | None = None,
    force: bool = False,
) -> Project:
    """The complete firmware project, written to the folder `out`; `pio run` there builds it.

    Args: engine: NAME or NAME:OPTION=VALUE,... clock: in hertz, in place of the board's usual. force: also over files
        that were edited since.
    Raises: UsageError, ContentError, ModelError: the arguments make no sense. DiskError: cannot write.
    """
    from tinyperf import board as _board
    from tinyperf.session import choose

    wanted = choose.Content(benchmark, maybe(model), engine, energy)
    return choose.project(_board.load(str(board), clock), wanted, Path(out), force=force)


def generate_library(
    board: AnyPath,
    benchmark: str | None = None,
    *,
    out: AnyPath,
    model: AnyPath | None = None,
    engine: str = "aot",
    prefix: str | None = None,
    keep_input: bool = False,
    force: bool = False,
) -> ModelLibrary:
    """The model alone, as a C library for a project of your own, written to the folder `out`.

    Args:
        board: its core is compiled for; host: C for any.
        prefix: of all names in C.
        keep_input: an inference leaves its inputs as they were, at the cost of RAM. Otherwise as `generate`.
    Raises: as `generate`.
    """
    from tinyperf import board as _board
    from tinyperf.session import choose

    wanted = choose.Content(benchmark, maybe(model), engine)
    return choose.library(
        _board.load(str(board)), wanted, Path(out), prefix=prefix, keeps_input=keep_input, force=force
    )


def build(
    board: AnyPath,
    benchmark: str | None = None,
    *,
    out: AnyPath | None = None,
    model: AnyPath | None = None,
    engine: str = "aot",
    energy: bool = False,
    clock: int | None = None,
) -> Image:
    """The firmware image, built or taken from the cache.

    Args: out: the image files are also copied there. engine, clock: as for `generate`.
    Raises: BuildError: no compiler, does not compile, does not fit. Otherwise as `generate`.
    """
    from tinyperf import board as _board
    from tinyperf.session import choose

    wanted = choose.Content(benchmark, maybe(model), engine, energy)
    return choose.image(_board.load(str(board), clock), wanted, maybe(out))


def flash(
    board: AnyPath,
    benchmark: str | None = None,
    *,
    model: AnyPath | None = None,
    engine: str = "aot",
    energy: bool = False,
    clock: int | None = None,
    virtual: bool = False,
    probe: str | None = None,
    port: str | None = None,
    tool: str | None = None,
) -> Flashed:
    """Build, flash, and prove by the build id read back that the board runs this image.

    Args: clock: as for `generate`. probe: serial number, where several are connected; port: of the firmware, found
        through the probe otherwise.
    Raises: DeviceError: no probe, no tool, a tool's failure, or another image runs afterwards. Otherwise as `build`.
    """
    from tinyperf import board as _board
    from tinyperf.firmware import flash as _flash
    from tinyperf.session import choose

    chosen = _board.load(str(board), clock)
    place = None if virtual else _flash.find_place(chosen, probe=probe, port=port, tool=tool)
    image = choose.image(chosen, choose.Content(benchmark, maybe(model), engine, energy))
    return _flash.flash_image(chosen, image, place, baud=chosen.serial.energy_baud if energy else chosen.serial.baud)


def tflm_registered() -> list[Library]:
    """The TensorFlow Lite Micro trees and archives that `tflm_use` registered and that still stand."""
    from tinyperf.engines.tflm import registered

    return registered.registered()


def tflm_use(path: AnyPath) -> Library:
    """Register a TensorFlow Lite Micro tree or archive for the kernels it holds.

    Raises: UsageError, ContentError: not there, or not whole. DiskError: the settings cannot be written.
    """
    from tinyperf.engines.tflm import registered

    return registered.use(Path(path))


def doctor(board: AnyPath = "nucleo-l4r5zi") -> Diagnosis:
    """What this machine has and lacks for `board`, why each part matters and the command that gets it.

    Raises: UsageError, ContentError: no such board, or its file is wrong.
    """
    from tinyperf import board as _board
    from tinyperf.diagnosis import machine

    return machine.diagnose(_board.load(str(board)))


def inspect(model: AnyPath, *, boards: Sequence[AnyPath] = (), engines: Sequence[str] = ()) -> Inspection:
    """What a model is, which engine runs it or why not, and which board holds it; nothing is built.

    Args:
        model: a .tflite, or a benchmark's name for the shipped one.
        boards: names or files, () for all that are shipped.
        engines: each as `NAME[:OPTION=VALUE,...]`, () for all there are.
    Raises: ModelError: it cannot be read. UsageError, ContentError: no such board or engine.
    """
    from tinyperf import board as _board
    from tinyperf import engines as _engines
    from tinyperf.benchmark import BENCHMARKS
    from tinyperf.session import inspect as session
    from tinyperf.session import models

    name = str(model)
    shipped = name in BENCHMARKS and not Path(model).exists()
    _, loaded = models.named(name, None) if shipped else models.named(None, Path(model))
    chosen = [_board.load(str(board)) for board in boards] or _board.shipped()
    return session.inspect(loaded, chosen, list(engines) or _engines.names())
