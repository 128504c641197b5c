"""Measuring: a run, its cost by layer, engines side by side; and talking to a board, real or virtual."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from tinyperf.api.paths import AnyPath, maybe
from tinyperf.request import RunOptions, request, spelled_out
from tinyperf.result import Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from typing import Unpack

    from tinyperf.board import Board
    from tinyperf.result import RunResult
    from tinyperf.session.beside import Beside
    from tinyperf.session.compare import Row
    from tinyperf.session.fleet import Row as BoardRow
    from tinyperf.session.plans import Plan
    from tinyperf.session.profile import Profile
    from tinyperf.session.tune import Tuned


@spelled_out
def run(
    benchmark: str | None = None,
    *,
    progress: Callable[[str, int, int], None] = lambda *_: None,
    **options: Unpack[RunOptions],
) -> RunResult:
    """Measure one mode of a benchmark, of a model of your own, or of a foreign image, on a board.

    Args:
        benchmark: kws, vww, ic, ic2, ad or sww; None where `model` is your own or the firmware itself says what it is.
        progress: told what is done, how much of it, and how much there is (0: unknown).
        options: `RunOptions` says what each is.
    Raises: TinyperfError: what was seen, what it means, what to do; what was measured stays in the session folder.
    """
    from tinyperf.session import run as session

    return session.run(request(benchmark, options), progress)


@spelled_out
def run_all(
    benchmark: str | None = None,
    *,
    progress: Callable[[str, int, int], None] = lambda *_: None,
    **options: Unpack[RunOptions],
) -> list[RunResult]:
    """`run` for performance, accuracy and energy; all three are checked before the first one starts.

    Args:
        options: as `run` has them, but for `mode`. out: folder of the three session folders `performance`, `accuracy`
            and `energy`. monitor: for the third.
    Raises: as `run`.
    """
    from tinyperf.session import run as session

    asked = request(benchmark, options)
    requests = [
        replace(
            asked,
            mode=mode,
            monitor=asked.monitor if mode == "energy" else None,
            out=str(Path(asked.out) / mode) if asked.out else None,
        )
        for mode in get_args(Mode)
    ]
    for one in requests:
        session.check(one)
    return [session.run(one, progress) for one in requests]


def resume(
    session: AnyPath,
    *,
    port: str | None = None,
    monitor: str | None = None,
    jobs: int | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> RunResult:
    """Finish a session that stopped; a complete one is only scored again.

    Args: port: the board's, where it is on another one by now; monitor: likewise the instrument, with its options.
    Raises: UsageError: no session there. ContentError: model, data or firmware are not those it was begun with.
    """
    from tinyperf.session import run

    return run.resume(Path(session), progress, jobs=jobs, port=port, monitor=monitor)


def profile(
    board: AnyPath,
    benchmark: str | None = None,
    *,
    model: AnyPath | None = None,
    engine: str = "aot",
    energy: bool = False,
    clock: int | None = None,
    image: AnyPath | None = None,
    port: str | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Profile:
    """Instructions and estimated cycles of one inference on the virtual board, by layer where tinyperf built the image.

    Args: image: a foreign firmware instead; its totals only. port: a real board's, which runs this firmware with engine
        option `layers=on`; cycles of each layer are measured there. clock, progress: as `run`.
    Raises: DeviceError, FaultError: the firmware does not answer, or faults. Otherwise as `build`.
    """
    from tinyperf.result import ModelFile
    from tinyperf.session import choose, on_board
    from tinyperf.session import models as named_models
    from tinyperf.session import profile as _profile
    from tinyperf.session.ends import ends_of

    chosen = _at(str(board), clock, image)
    wanted = choose.Content(benchmark, maybe(model), engine, energy)
    if port is not None:
        wanted = on_board.counting(wanted, maybe(image))
    start = choose.started(chosen, wanted, maybe(image))
    if port is not None:
        found = on_board.profile(chosen, port, wanted, start, progress)
    else:
        found = _profile.profile(chosen, start.path, start.built, start.model, progress)
    shown = start.model if image else named_models.named(benchmark, maybe(model))[1]
    inputs, outputs = ends_of(shown) if shown else ((), ())
    whole = ModelFile(shown.name, shown.sha256, shown.size_bytes) if shown else None
    return replace(found, inputs=inputs, outputs=outputs, model=whole)


def profile_beside(
    board: AnyPath,
    benchmark: str | None = None,
    *,
    others: Sequence[str],
    model: AnyPath | None = None,
    engine: str = "aot",
    energy: bool = False,
    clock: int | None = None,
    image: AnyPath | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Beside:
    """One inference by several firmwares on one virtual board: in all, and by operator where their layers are known.

    Args: others: images by path, or engines as `NAME[:OPTION=VALUE,...]`; one that cannot be had says why. Otherwise as
        `profile`, for the first one.
    Raises: as `profile`. UsageError: another is neither an image nor an engine.
    """
    from tinyperf.session import beside, choose

    wanted = choose.Content(benchmark, maybe(model), engine, energy)
    return beside.beside(_at(str(board), clock, image), wanted, maybe(image), others, progress)


def _at(board: str, clock: int | None, image: AnyPath | None) -> Board:
    from tinyperf import board as _board
    from tinyperf.errors import UsageError

    if clock is not None and image is not None:
        raise UsageError(f"clock {clock} with {image}", means="an image sets its own clock", hint="leave --clock out")
    return _board.load(board, clock)


def profile_boards(
    benchmark: str | None = None,
    *,
    boards: Sequence[AnyPath] = (),
    clocks: Sequence[int] | Literal["all"] = (),
    model: AnyPath | None = None,
    engine: str = "aot",
    jobs: int | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> list[BoardRow]:
    """What one inference takes on each board and what it needs, the fastest first; a board that fails says why.

    Args:
        boards: names or files, () for all that are shipped.
        clocks: a row for each, in hertz; () the board's usual, "all": each that its firmware can set; the best one is
            named.
        jobs: boards at once, None: as many as there are processors; more than one starts processes, as for `run`.
        progress: as `run`.
    Raises: UsageError, ContentError: no such board, benchmark or engine. ModelError: the engine does not run the model.
    """
    from tinyperf import board as _board
    from tinyperf.session import choose, fleet

    usual = [_board.load(str(board)) for board in boards] or [b for b in _board.shipped() if b.memory]
    chosen = [b.at(hz) for b in usual for hz in (b.clocks if clocks == "all" else clocks or [b.clock_hz])]
    return fleet.table(chosen, choose.Content(benchmark, maybe(model), engine), jobs=jobs, progress=progress)


def profile_plans(
    board: AnyPath,
    benchmark: str | None = None,
    *,
    model: AnyPath | None = None,
    engine: str = "aot",
    clock: int | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> list[Plan]:
    """What one inference takes by each plan of the engine: time, arena and flash, and which plans no other beats.

    Args: engine: without `optimize`. clock, progress: as `run`.
    Raises: UsageError, ContentError: no such board or benchmark, or an engine without plans. ModelError: the engine
        does not run the model.
    """
    from tinyperf.session import choose, plans

    wanted = choose.Content(benchmark, maybe(model), engine)
    return plans.table(_at(str(board), clock, None), wanted, progress=progress)


def tune(
    board: AnyPath,
    benchmark: str | None = None,
    *,
    model: AnyPath | None = None,
    engine: str = "aot",
    energy: bool = False,
    clock: int | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Tuned:
    """The best kernels for one model on one board, by measuring candidates on the virtual board; its `engine` is what
    the other functions take. The answer is kept.

    Args: as `profile`.
    Raises: UsageError: another engine than aot, or there is no virtual board. Otherwise as `profile`.
    """
    from tinyperf.session import choose
    from tinyperf.session import tune as session

    wanted = choose.Content(benchmark, maybe(model), engine, energy)
    return session.tune(_at(str(board), clock, None), wanted, progress=progress)


def compare(
    benchmarks: Sequence[str] = (),
    *,
    board: AnyPath = "nucleo-l4r5zi",
    engines: Sequence[str] = ("aot",),
    models: Sequence[AnyPath] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """The same models and inputs with several engines on the virtual board: cost, memory, and outputs against TFLM.

    Args: engines: each as `NAME[:OPTION=VALUE,...]`; progress: told what is being built and run.
    Raises: as `build`; DeviceError: the firmware refuses or is silent.
    """
    from tinyperf import board as _board
    from tinyperf.session import compare as session
    from tinyperf.session import models as named_models

    loaded = [named_models.named(name, None)[1] for name in benchmarks]
    loaded += [named_models.named(None, Path(path))[1] for path in models]
    return session.compare(_board.load(str(board)), loaded, engines, progress=progress)


def emulate(
    board: AnyPath,
    benchmark: str | None = None,
    *,
    model: AnyPath | None = None,
    engine: str = "aot",
    energy: bool = False,
    clock: int | None = None,
    image: AnyPath | None = None,
    tcp: str | None = None,
    fast: bool = False,
    card: AnyPath | None = None,
    ready: Callable[[str], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Serve the virtual board on a pty, or on TCP `[HOST:]PORT`, until `stop` or Ctrl-C.

    Args: clock: as `run`. ready: told what a client opens. fast: not held to real time. card: a folder of .wav files:
        an interface board that has it as its memory card stands in front of the board then, and is what is served.
    Raises: UsageError: `tcp` is no port. DeviceError: the port is taken, or the firmware does not answer. As `build`.
    """
    from tinyperf.session import choose
    from tinyperf.session import emulate as session

    chosen = _at(str(board), clock, image)
    start = choose.started(chosen, choose.Content(benchmark, maybe(model), engine, energy), maybe(image))
    session.emulate(chosen, start, tcp=tcp, fast=fast, card=maybe(card), ready=ready, stop=stop)


def console(
    *,
    board: AnyPath,
    port: str | None = None,
    baud: int | None = None,
    virtual: bool = False,
    benchmark: str | None = None,
    image: AnyPath | None = None,
    timeout_s: float = 5.0,
) -> AbstractContextManager[Callable[[str], tuple[list[str], bool]]]:
    """Talk to a device: the context gives a function from a command to (lines of the answer, whether it ended).

    Raises: DeviceError: the port. UsageError: a command that cannot be sent.
    """
    from tinyperf.session import console as session

    return session.console(
        board=str(board),
        port=port,
        baud=baud,
        virtual=virtual,
        benchmark=benchmark,
        image=maybe(image),
        timeout_s=timeout_s,
    )
