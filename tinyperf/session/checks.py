"""Arguments that make no sense together, refused before anything is read, built or measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tinyperf import benchmark, board, foreign
from tinyperf.device import isolators
from tinyperf.errors import DataError, UsageError
from tinyperf.measure import monitor
from tinyperf.virtual.connect import is_process

if TYPE_CHECKING:
    from tinyperf.board import Board
    from tinyperf.request import Request


def check_request(request: Request) -> None:
    """What can be refused without data, model and device.

    Raises: UsageError, DataError, ContentError: with what to do.
    """
    chosen = board.load(request.board, request.clock)
    check(request, chosen)
    isolator(request, chosen)


def check(request: Request, chosen: Board) -> None:
    """Arguments that make no sense together, for the board that was chosen.

    Raises: UsageError, DataError: with what to do.
    """
    virtual = request.virtual or is_process(chosen)
    if virtual and request.port:
        raise UsageError(
            f"--port {request.port} together with {'--virtual' if request.virtual else f'board {chosen.name}'}",
            hint="choose one: the real board on a port, or the virtual one",
        )
    if virtual and not request.build and not request.image:
        raise UsageError("--no-build needs --image here: a virtual board starts empty", hint="leave --no-build out")
    if request.image and not virtual:
        raise UsageError(
            "--image without a virtual board",
            means="'run' starts an image, it flashes none: what the board runs would be measured, and the image named",
            hint="--virtual; or flash it, then --no-build",
        )
    if request.image and not Path(request.image).is_file():
        raise UsageError(
            f"image {request.image} {foreign.no_file(Path(request.image))}", hint="--image is a .bin, .hex or .elf file"
        )
    _clock(request)
    _time(request, chosen)
    _count(request)
    if request.jobs is not None and request.jobs < 1:
        raise UsageError(f"--jobs {request.jobs} does nothing", hint="a number from 1 on")
    if request.jobs is not None and request.jobs > 1 and not virtual:
        raise UsageError("--jobs needs a virtual board: there is one real board", hint="leave --jobs out")
    if request.mode == "energy" and not request.monitor:
        raise UsageError(
            "energy mode needs --monitor",
            hint="'tinyperf energy monitors' lists them; lpm01a:port=simulated plays one",
        )
    if request.monitor and request.mode != "energy":
        raise UsageError(f"--monitor in {request.mode} mode", hint="--mode energy measures with it")
    if request.monitor:
        monitor.find(request.monitor)
    if request.mode == "accuracy" and not request.data:
        raise DataError(
            "accuracy mode needs --data",
            means="made-up inputs have no right answer",
            hint="--data DIR with the official inputs in EnergyRunner's layout; 'tinyperf data' makes it",
        )
    own = {"--metric": request.metric, "--labels": request.labels, "--front-end": request.front_end}
    if request.benchmark is not None and (given := [name for name, value in own.items() if value is not None]):
        raise UsageError(
            f"{', '.join(given)} with {request.benchmark}",
            means="a benchmark's metric, classes and inputs are those of the run rules",
            hint="leave the benchmark's name out to measure --model as one of your own",
        )
    if request.benchmark is None and not (request.model or request.image or not request.build):
        raise UsageError(
            "which benchmark? neither BENCH nor --model is given",
            hint=f"one of {', '.join(benchmark.BENCHMARKS)}; or --model FILE.tflite for a model of your own",
        )


def _time(request: Request, chosen: Board) -> None:
    if request.virtual and chosen.emulator and chosen.emulator.engine == "qemu" and request.mode != "accuracy":
        raise UsageError(
            f"{request.mode} mode on {chosen.name}",
            means="QEMU plays it, whose clock is this computer's: it would time QEMU, not a board",
            hint="--mode accuracy measures there, and 'tinyperf profile' counts instructions",
        )


def _count(request: Request) -> None:
    """How many samples."""
    if (request.quick or request.samples is not None) and _streams(request):
        raise UsageError("--samples (or --quick) with a stream", hint="a shorter .wav file is a shorter stream: --data")
    if request.quick and request.samples is not None:
        raise UsageError(
            f"--quick together with --samples {request.samples}",
            hint="both choose how many samples: leave one out",
        )
    if request.samples is not None and request.samples < 1:
        raise UsageError(f"--samples {request.samples} measures nothing", hint="a number from 1 on")


def _clock(request: Request) -> None:
    if request.clock is not None and (request.image or not request.build):
        raise UsageError(
            f"--clock {request.clock} for firmware that is there already",
            means="it sets its own clock",
            hint="leave --clock out, or let tinyperf build the firmware",
        )


def isolator(request: Request, chosen: Board) -> isolators.Choice | None:
    """What stands in the serial line."""
    if request.isolator is None:
        return _without_isolator(request, chosen)
    choice = isolators.choose(request.isolator)
    if request.port:
        raise UsageError(
            f"--port {request.port} together with --isolator {request.isolator}",
            hint="the board is behind the isolator: give the isolator's port only, as its option",
        )
    if choice.name != "interface_board" and _streams(request):
        raise UsageError(
            f"--isolator {choice.name} with {request.benchmark}",
            means="it plays no sound and sees no pins",
            hint="--isolator interface_board:port=PORT, or none: then the sound goes over the serial line",
        )
    virtual = request.virtual or is_process(chosen)
    if virtual != (choice.port == isolators.SIMULATED):
        raise UsageError(
            f"--isolator {request.isolator} {'with a virtual board' if virtual else 'without a virtual board'}",
            hint="port=simulated goes with --virtual, and a port of this computer with a real board",
        )
    return choice


def _streams(request: Request) -> bool:
    return request.benchmark is not None and benchmark.benchmark(request.benchmark).streams


def _without_isolator(request: Request, chosen: Board) -> isolators.Choice | None:
    """A stream to a virtual board with an I2S goes through an interface board, as to a real one.

    Raises: UsageError: energy of a stream that goes over the serial line.
    """
    if not _streams(request):
        return None
    if request.virtual and chosen.sound is not None:
        return isolators.Choice("interface_board", isolators.SIMULATED)
    if request.mode == "energy":
        heard = ", ".join(one.name for one in board.shipped() if one.sound)
        raise UsageError(
            f"energy of {request.benchmark} on {chosen.name} over its serial line",
            means="each frame waits for its download, so that no power over the stream can be measured",
            hint=f"a board with an I2S ({heard}), --virtual or behind --isolator interface_board:port=PORT;"
            " docs/wakeword.md",
        )
    return None
