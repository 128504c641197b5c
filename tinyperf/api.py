"""Every verb as one typed function; notebooks, tests and the command line call these."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from tinyperf import board as _board
from tinyperf import content
from tinyperf.errors import DiskError, UsageError
from tinyperf.request import RunOptions, request, spelled_out
from tinyperf.result import Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from typing import Unpack

    from tinyperf.benchmark import Benchmark
    from tinyperf.datasets.sources import Prepared
    from tinyperf.diagnosis.machine import Diagnosis
    from tinyperf.engines.tflm.library import Library
    from tinyperf.firmware.build import Image
    from tinyperf.firmware.flash import Flashed
    from tinyperf.firmware.render import Project
    from tinyperf.learn.backends import Backend
    from tinyperf.learn.cards import Card
    from tinyperf.learn.evaluate import Evaluation
    from tinyperf.learn.quantize import Quantized
    from tinyperf.learn.train import Epoch, Trained
    from tinyperf.result import RunResult
    from tinyperf.rules.replay import Replay
    from tinyperf.session.compare import Row
    from tinyperf.session.profile import Profile
    from tinyperf.tflite import Model


def boards() -> list[_board.Board]:
    """All shipped boards, by name."""
    return [_board.read(path) for path in content.names("boards", ".yaml").values()]


def evaluate(
    benchmark: str | None = None,
    *,
    backend: Backend = "aot",
    model: Path | None = None,
    data: Path | None = None,
    samples: int | None = None,
    jobs: int = 1,
    compare: Backend | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Accuracy of a model on the host: arguments as `tinyperf.learn.evaluate.evaluate`.

    Raises: UsageError, ModelError: as `model_for`. DataError, MissingExtraError, BuildError: no inputs, no runtime.
    """
    from tinyperf.learn import evaluate as _evaluate

    chosen, loaded = model_for(benchmark, model)
    return _evaluate.evaluate(
        chosen,
        loaded,
        backend=backend,
        data=data,
        samples=samples,
        jobs=jobs,
        compare=compare,
        progress=progress or (lambda _done, _all: None),
    )


def plot_evaluation(result: Evaluation, path: Path) -> None:
    """Confusion matrix, ROC curves and score histogram of an evaluation as a PNG.

    Raises: MissingExtraError: matplotlib is not installed. DiskError: the file cannot be written.
    """
    from tinyperf.learn import plot as _plot

    _plot.evaluation(result, path)


def new_board(name: str, folder: Path) -> Path:
    """Write a commented board file to start from into `folder`; its path.

    Raises: UsageError: not a name, or the file exists. DiskError: cannot write.
    """
    text = _board.template(name)
    path = folder / f"{name}.yaml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as exc:
        raise UsageError(f"{path} exists already", hint="choose another name or folder, or edit that file") from exc
    except OSError as exc:
        raise DiskError(f"cannot write {path}: {exc.strerror}", hint="choose a folder that can be written") from exc
    return path


def energy_replay(folder: Path) -> Replay:
    """A recorded energy session (EnergyRunner, MLCommons runner or our own) computed again and judged.

    Raises: ContentError: no energy session in `folder`, or one damaged beyond judging.
    """
    from tinyperf.rules import replay

    return replay.replay(folder)


@spelled_out
def run(
    benchmark: str | None = None,
    *,
    progress: Callable[[str, int, int], None] = lambda *_: None,
    **options: Unpack[RunOptions],
) -> RunResult:
    """Measure one mode of a benchmark, of a model of your own, or of a foreign image, on a board.

    Args:
        benchmark: kws, vww, ic or ad; None where `model` is your own or the firmware itself says what it is.
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
    session: Path, *, jobs: int | None = None, progress: Callable[[str, int, int], None] = lambda *_: None
) -> RunResult:
    """Finish a session that stopped; a complete one is only scored again.

    Raises: UsageError: no session there. ContentError: model, data or firmware are not those it was begun with.
    """
    from tinyperf.session import run

    return run.resume(session, progress, jobs=jobs)


def remark(result: RunResult) -> str:
    """What must stand beside every figure of `result`: estimated, a subset, not valid; empty where nothing must."""
    from tinyperf.session import report

    return report.remark(result)


def console(
    *,
    board: str,
    port: str | None = None,
    baud: int | None = None,
    virtual: bool = False,
    benchmark: str | None = None,
    image: Path | None = None,
    timeout_s: float = 5.0,
) -> AbstractContextManager[Callable[[str], tuple[list[str], bool]]]:
    """Talk to a device: the context gives a function from a command to (lines of the answer, whether it ended).

    Raises: DeviceError: the port. UsageError: a command that cannot be sent.
    """
    from tinyperf.session import console as session

    return session.console(
        board=board, port=port, baud=baud, virtual=virtual, benchmark=benchmark, image=image, timeout_s=timeout_s
    )


def model_for(benchmark: str | None, model: Path | None) -> tuple[Benchmark | None, Model]:
    """What to run: a benchmark's shipped model, a benchmark with a model of the user's, or (benchmark None) any model.

    Raises: UsageError: unknown benchmark, neither given, or nothing shipped for it. ModelError: as `tflite.load`.
    """
    from tinyperf import benchmark as _benchmark
    from tinyperf import tflite

    chosen = _benchmark.benchmark(benchmark) if benchmark is not None else None
    if model is not None:
        return chosen, tflite.load(model)
    if chosen is None:
        raise UsageError(
            "neither a benchmark nor a model is given",
            hint=f"name one of {', '.join(_benchmark.BENCHMARKS)}, or --model FILE.tflite for a model of your own",
        )
    shipped = content.names("models", ".tflite")
    if chosen.name not in shipped:
        raise UsageError(
            f"no trained model is shipped for '{chosen.name}' in this version",
            hint=f"give one: --model FILE.tflite; 'tinyperf train {chosen.name}' makes one",
        )
    return chosen, tflite.load(shipped[chosen.name])


def generate(
    board: str,
    benchmark: str | None = None,
    *,
    out: Path,
    model: Path | None = None,
    engine: str = "aot",
    energy: bool = False,
) -> Project:
    """The complete firmware project, written to the folder `out`; `pio run` there builds it.

    Args: engine: NAME or NAME:OPTION=VALUE,...
    Raises: UsageError, ContentError, ModelError: the arguments make no sense. DiskError: cannot write.
    """
    from tinyperf import engines
    from tinyperf.firmware import build as _build

    chosen, loaded = model_for(benchmark, model)
    name, options = engines.parse_engine(engine)
    return _build.generate(
        _board.load(board),
        loaded,
        benchmark=chosen,
        engine=name,
        engine_options=options,
        energy=energy,
        folder=out,
    )


def build(
    board: str,
    benchmark: str | None = None,
    *,
    out: Path | None = None,
    model: Path | None = None,
    engine: str = "aot",
    energy: bool = False,
) -> Image:
    """The firmware image, built or taken from the cache.

    Args: out: the image files are also copied there. engine: as for `generate`.
    Raises: BuildError: no compiler, does not compile, does not fit. Otherwise as `generate`.
    """
    from tinyperf import engines
    from tinyperf.firmware import build as _build

    chosen, loaded = model_for(benchmark, model)
    name, options = engines.parse_engine(engine)
    return _build.build(
        _board.load(board),
        loaded,
        benchmark=chosen,
        engine=name,
        engine_options=options,
        energy=energy,
        folder=out,
    )


def train(
    benchmark: str,
    place: Path,
    out: Path,
    *,
    epochs: int | None = None,
    seed: int = 0,
    notice: Callable[[str], None] = lambda _: None,
    progress: Callable[[Epoch], None] = lambda _: None,
) -> Trained:
    """Train a benchmark's network from a folder of training files (or the first of them) into the run folder `out`.

    `notice` is told before the first epoch what a user should know then, `progress` after every epoch how it went.
    Raises: UsageError: unknown benchmark, or `out` holds a run. DataError: no data. MissingExtraError: no TensorFlow.
    """
    from tinyperf.learn import train as _train

    return _train.train(benchmark, place, out, epochs=epochs, seed=seed, notice=notice, progress=progress)


def train_resume(
    run: Path,
    *,
    benchmark: str | None = None,
    notice: Callable[[str], None] = lambda _: None,
    progress: Callable[[Epoch], None] = lambda _: None,
) -> Trained:
    """Finish an interrupted training with the schedule, seed and data it began with.

    Raises: UsageError: no run folder. DataError: its data are gone or changed. MissingExtraError: no TensorFlow.
    """
    from tinyperf.learn import train as _train

    return _train.resume(run, benchmark=benchmark, notice=notice, progress=progress)


def quantize(
    run: Path,
    out: Path,
    *,
    benchmark: str | None = None,
    percentile: float | None = None,
    fc_per_channel: bool = False,
) -> Quantized:
    """The model of a run folder as full int8 .tflite, with float against int8 and an error table of the layers.

    `percentile`: where an activation's range ends; None is the benchmark's own. `benchmark`: what the run must be of.
    Raises: UsageError: no model in `run`, or another benchmark's. DataError: its data are gone. MissingExtraError: no
        TensorFlow. DiskError: `out` cannot be written.
    """
    from tinyperf.learn import quantize as _quantize

    return _quantize.quantize_run(run, out, benchmark=benchmark, percentile=percentile, fc_per_channel=fc_per_channel)


def quantize_model(
    model: Path,
    calibration: Path,
    out: Path,
    *,
    benchmark: str | None = None,
    percentile: float | None = None,
    fc_per_channel: bool = False,
) -> Quantized:
    """Any Keras file or SavedModel as full int8 .tflite, calibrated with the array `x` of an .npz file.

    Raises: ModelError: it cannot be read or has no int8 form. DataError: the arrays do not fit. MissingExtraError.
    """
    from tinyperf.learn import quantize as _quantize

    return _quantize.quantize_file(
        model, calibration, out, benchmark=benchmark, percentile=percentile, fc_per_channel=fc_per_channel
    )


def models() -> list[Card]:
    """The shipped models with their licence lines."""
    from tinyperf.learn import cards

    return cards.shipped()


def models_pull(out: Path | None = None, *, progress: Callable[[str, int, int], None] = lambda *_: None) -> list[Path]:
    """Fetch MLCommons's reference weights, pinned by SHA-256; where they lie afterwards.

    Raises: DeviceError: no network, or other bytes arrived. DiskError: cannot write.
    """
    from tinyperf.learn import reference

    return reference.pull(out, progress=progress)


def profile(
    board: str,
    benchmark: str | None = None,
    *,
    model: Path | None = None,
    engine: str = "aot",
    energy: bool = False,
    image: Path | None = None,
) -> Profile:
    """Instructions and estimated cycles of one inference on the virtual board, by layer where tinyperf built the image.

    Args: image: a foreign firmware instead; its totals only.
    Raises: DeviceError, FaultError: the firmware does not answer, or faults. Otherwise as `build`.
    """
    from tinyperf.session import profile as _profile

    _one_firmware(benchmark, image)
    built = None if image else build(board, benchmark, model=model, engine=engine, energy=energy)
    firmware = image or built.path if built else image
    size = None
    if benchmark is None and model is not None:
        size = math.prod(model_for(None, model)[1].input.shape)
    if firmware is None:
        raise UsageError("nothing to profile", hint="name a benchmark, or --model FILE, or --image FILE")
    return _profile.profile(_board.load(board), firmware, built, size)


def _one_firmware(benchmark: str | None, image: Path | None) -> None:
    if benchmark and image:
        raise UsageError(f"{benchmark} together with image {image}", hint="choose one: an image holds its own model")


def emulate(
    board: str,
    benchmark: str | None = None,
    *,
    model: Path | None = None,
    engine: str = "aot",
    energy: bool = False,
    image: Path | None = None,
    tcp: str | None = None,
    fast: bool = False,
    ready: Callable[[str], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Serve the virtual board on a pty, or on TCP `[HOST:]PORT`, until `stop` or Ctrl-C.

    Args: ready: told what a client opens. fast: not held to real time.
    Raises: UsageError: `tcp` is no port. DeviceError: the port is taken, or the firmware does not answer. As `build`.
    """
    from tinyperf.session.profile import calibrated
    from tinyperf.virtual.board import open_virtual
    from tinyperf.virtual.board.serve import Pty, Tcp, Wire, serve

    _one_firmware(benchmark, image)
    firmware = image or build(board, benchmark, model=model, engine=engine, energy=energy).path
    size = math.prod(model_for(None, model)[1].input.shape) if model and not benchmark else None
    wire: Wire = Pty() if tcp is None else Tcp(*_host_port(tcp))
    try:
        chosen = _board.load(board)
        found = calibrated(chosen, firmware, size)
        link = open_virtual(chosen, firmware)
        link.set_cycles_per_instruction(found.cpi)
        ready(wire.place())
        serve(link, wire, fast=fast, stop=stop)
    finally:
        wire.close()


def _host_port(text: str) -> tuple[int, str]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"'{text}' is no TCP port", hint="for example --tcp 5000, or --tcp 0.0.0.0:5000")
    return int(port), host or "127.0.0.1"


def flash(
    board: str,
    benchmark: str | None = None,
    *,
    model: Path | None = None,
    engine: str = "aot",
    energy: bool = False,
    virtual: bool = False,
    probe: str | None = None,
    port: str | None = None,
    tool: str | None = None,
) -> Flashed:
    """Build, flash, and prove by the build id read back that the board runs this image.

    Args: probe: serial number, where several are connected; port: of the firmware, found through the probe otherwise.
    Raises: DeviceError: no probe, no tool, a tool's failure, or another image runs afterwards. Otherwise as `build`.
    """
    from tinyperf.firmware import flash as _flash

    chosen = _board.load(board)
    place = _flash.find_place(chosen, probe=probe, port=port, tool=tool) if not virtual else None
    image = build(board, benchmark, model=model, engine=engine, energy=energy)
    return _flash.flash_image(chosen, image, place, baud=chosen.serial.energy_baud if energy else chosen.serial.baud)


def tflm_registered() -> list[Library]:
    """The TensorFlow Lite Micro trees and archives that `tflm_use` registered and that still stand."""
    from tinyperf.firmware import tflm

    return tflm.registered()


def tflm_use(path: Path) -> Library:
    """Register a TensorFlow Lite Micro tree or archive for the kernels it holds.

    Raises: UsageError, ContentError: not there, or not whole. DiskError: the settings cannot be written.
    """
    from tinyperf.firmware import tflm

    return tflm.use(path)


def data(
    benchmark: str,
    source: Path,
    out: Path,
    *,
    pull: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> Prepared:
    """An original dataset to training arrays and inputs: arguments as `tinyperf.datasets.sources.prepare`."""
    from tinyperf.datasets import sources

    return sources.prepare(benchmark, source, out, pull=pull, progress=progress or (lambda *_: None))


def data_synthetic(benchmark: str, out: Path) -> Prepared:
    """A small made-up set that a model can learn, laid out like a real one.

    Raises: UsageError: no such benchmark. DiskError: cannot write.
    """
    from tinyperf.datasets import sources

    return sources.make_synthetic(benchmark, out)


def doctor(board: str = "nucleo-l4r5zi") -> Diagnosis:
    """What this machine has and lacks for `board`, why each part matters and the command that gets it.

    Raises: UsageError, ContentError: no such board, or its file is wrong.
    """
    from tinyperf.diagnosis import machine

    return machine.diagnose(_board.load(board))


def compare(
    benchmarks: Sequence[str] = (),
    *,
    board: str = "nucleo-l4r5zi",
    engines: Sequence[str] = ("aot",),
    models: Sequence[Path] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """The same models and inputs with several engines on the virtual board: cost, memory, and outputs against TFLM.

    Args: engines: each as `NAME[:OPTION=VALUE,...]`; progress: told what is being built and run.
    Raises: as `build`; DeviceError: the firmware refuses or is silent.
    """
    from tinyperf.session import compare as session

    loaded = [model_for(name, None)[1] for name in benchmarks] + [model_for(None, path)[1] for path in models]
    return session.compare(_board.load(board), loaded, engines, progress=progress)


def energy_picture(session: Path, out: Path) -> Path:
    """Power over time of an energy session, its windows shaded, as `out` (.png, or .html with zoom).

    Raises: ContentError: no energy session. UsageError: another suffix. MissingExtraError: the extra `plot`.
    """
    from tinyperf.session import picture

    return picture.draw(session, out)


def energy_monitors() -> list[dict[str, Any]]:
    """Energy instruments: name, title, options and how far each was verified."""
    from tinyperf.measure import instruments

    return instruments.known()


def energy_isolators() -> dict[str, str]:
    """What may stand in the board's serial line: the argument of `isolator`, and what it is."""
    from tinyperf.device import isolators

    return {f"{name}:port=PORT": kind.about for name, kind in isolators.KINDS.items()}


def energy_check(
    monitor: str,
    *,
    supply_mv: int = 3000,
    seconds: float = 3.0,
    out: Path | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """An instrument on its own: identity, rate, noise floor and pulses; `ok` and `problems` say what came out.

    An instrument makes no test pulse of its own: `test_pulse` says how to make one, and whether one was seen.

    Args: out: file for the samples with the target on, little-endian float32 watts. told: is told when to make it.
    Raises: UsageError: no such instrument or option. DeviceError: it does not answer.
    """
    from tinyperf.measure import instruments

    return instruments.check(monitor, supply_mv=supply_mv, seconds=seconds, out=out, told=told)


def energy_simulate(name: str, fault: str = "") -> AbstractContextManager[tuple[str, Iterator[str]]]:
    """An instrument on a pseudo terminal: (its port, endless lines of what is done to the target's supply)."""
    from tinyperf.measure import instruments

    return instruments.simulated(name, fault)
