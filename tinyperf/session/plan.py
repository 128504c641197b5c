"""From what was asked to what will be done: board, benchmark, data, image, and the plan that is written down.

Everything that can be found wrong is found here, before a session folder exists and a byte is sent.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyperf import __version__, benchmark, board, tflite
from tinyperf.datasets import layout
from tinyperf.device import isolators
from tinyperf.device.connect import is_process, open_image, open_port, port_of
from tinyperf.device.dut import Dut, Identity
from tinyperf.engines import parse_engine
from tinyperf.errors import DataError, UsageError
from tinyperf.measure import monitor
from tinyperf.rules import windows as rules
from tinyperf.session import choose
from tinyperf.virtual.isolators.line import through

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.benchmark import Benchmark
    from tinyperf.board import Board
    from tinyperf.datasets.layout import Dataset
    from tinyperf.device.link import Link
    from tinyperf.firmware.build import Image
    from tinyperf.formats.own import Direction
    from tinyperf.request import Request
    from tinyperf.tflite import Model

STAMP_CHARACTERS = 60  # on the line between m-infer-start and the end of a window: two m-lap-us lines and a rest
CUSTOM_WARMUPS = 1


@dataclass(frozen=True)
class Prepared:
    """Everything a run needs. `image` is what the virtual board starts; None on a real one. `model_id`: to be found.

    `cycles_per_instruction`: from one inference in full detail; what a virtual board counts with from then on.
    `macs`: of the model, 0 where it is not known.
    """

    request: Request
    board: Board
    benchmark: Benchmark | None
    dataset: Dataset
    image: Path | None
    image_sha256: str | None
    url: str | None
    baud: int
    build_id: str | None
    model_id: str
    isolator: isolators.Choice | None = None
    cycles_per_instruction: float | None = None
    macs: int = 0

    @property
    def has_cycle_model(self) -> bool:
        """The device is a virtual board whose time comes from a cycle model."""
        emulator = self.board.emulator
        return self.image is not None and emulator is not None and emulator.engine == "unicorn"

    @property
    def where(self) -> str:
        """The device in words."""
        if self.isolator:
            return f"the board behind {self.isolator.where} (which answers)"
        if self.url:
            return self.url
        return "the host process" if is_process(self.board) else f"the virtual {self.board.name}"

    def open(self) -> Link:
        """The link to the device, or to the isolator in front of a real one; a virtual one starts from reset."""
        if self.image is not None:
            return open_image(self.board, self.image, cycles_per_instruction=self.cycles_per_instruction)
        return open_port(self.url or "", isolators.HOST_BAUD if self.isolator else self.baud)

    def converse(
        self, record: Callable[[Direction, bytes, float], None], wrap: Callable[[Link], Link] = lambda link: link
    ) -> Dut:
        """Open the device, and make sure that it runs what is to be measured.

        Args: wrap: stands between what `open` gives and the conversation; an energy run listens there.

        Raises: DeviceError: nobody answers, another model, another image, firmware of the other mode.
        """
        dut = Dut(
            through(self.isolator, wrap(self.open()), self.baud),
            record,
            where=self.where,
            baud=self.baud if self.url else None,
            most_bytes=isolators.CHUNK_BYTES if self.isolator else None,
        )
        try:
            dut.connect()
            dut.require_model(self.model_id)
            if self.build_id is not None:
                dut.require_build(self.build_id)
            dut.require_mode("energy" if self.request.mode == "energy" else "performance")
        except BaseException:
            dut.link.close()
            raise
        return dut


def check_request(request: Request) -> None:
    """What can be refused without data, model and device.

    Raises: UsageError, DataError, ContentError: as `prepare`.
    """
    on = board.load(request.board)
    _check(request, on)
    _isolator(request, on)


def prepare(request: Request, told: Callable[[str], None] = lambda _: None) -> tuple[Prepared, dict[str, Any]]:
    """Check the request, load the data, build the image; and the plan to write down.

    Args: told: is told what takes long, in words.
    Raises: UsageError, ModelError, DataError, BuildError, DeviceError: each with what to do.
    """
    on = board.load(request.board)
    _check(request, on)
    found = benchmark.benchmark(request.benchmark) if request.benchmark else None
    image = Path(request.image) if request.image else None
    isolator = _isolator(request, on)
    baud = on.serial.energy_baud if request.mode == "energy" else on.serial.baud
    if isolator:
        isolator.check_baud(baud)
    virtual = request.virtual or is_process(on)
    url = None if virtual else isolator.port if isolator else port_of(on, request.port)
    told_id = None
    if found is None and request.model is None:
        found, told_id = _benchmark_of_firmware(on, image, url, baud, isolator)
    model = _model(request, found)
    dataset = _dataset(request, found, model)
    built = None
    if image is None and request.build:
        told("building")
        built = _build(request, on, model, found)
    start = image or (built.path if built else None)
    prepared = Prepared(
        request=request,
        board=on,
        benchmark=found,
        dataset=dataset,
        image=None if url else start,
        image_sha256=hashlib.sha256(start.read_bytes()).hexdigest() if start else None,
        url=url,
        baud=baud,
        build_id=built.build_id if built else None,
        model_id=told_id or (found.model_id if found else "custom"),
        isolator=isolator,
        macs=sum(layer.macs for layer in built.generated.layers) if built else 0,
    )
    return prepared, _plan(prepared, built, model)


def _check(request: Request, on: Board) -> None:
    """Arguments that make no sense together."""
    virtual = request.virtual or is_process(on)
    if virtual and request.port:
        raise UsageError(
            f"--port {request.port} together with {'--virtual' if request.virtual else f'board {on.name}'}",
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
        seen = "is no file" if Path(request.image).exists() else "does not exist"
        raise UsageError(f"image {request.image} {seen}", hint="--image is a .bin, .hex or .elf file")
    if request.samples is not None and request.samples < 1:
        raise UsageError(f"--samples {request.samples} measures nothing", hint="a number from 1 on")
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
    if request.benchmark is None and not (request.model or request.image or not request.build):
        raise UsageError(
            "which benchmark? neither BENCH nor --model is given",
            hint=f"one of {', '.join(benchmark.BENCHMARKS)}; or --model FILE.tflite for a model of your own",
        )


def _isolator(request: Request, on: Board) -> isolators.Choice | None:
    """What stands in the serial line."""
    if request.isolator is None:
        return None
    chosen = isolators.choose(request.isolator)
    if request.port:
        raise UsageError(
            f"--port {request.port} together with --isolator {request.isolator}",
            hint="the board is behind the isolator: give the isolator's port only, as its option",
        )
    virtual = request.virtual or is_process(on)
    if virtual != (chosen.port == isolators.SIMULATED):
        raise UsageError(
            f"--isolator {request.isolator} {'with a virtual board' if virtual else 'without a virtual board'}",
            hint="port=simulated goes with --virtual, and a port of this computer with a real board",
        )
    return chosen


def _benchmark_of_firmware(
    on: Board, image: Path | None, url: str | None, baud: int, isolator: isolators.Choice | None
) -> tuple[Benchmark, str]:
    """A foreign image says itself which benchmark it is; and in which words."""
    opened = open_port(url, isolators.HOST_BAUD if isolator else baud) if url else open_image(on, image or Path())
    link = through(isolator, opened, baud)
    try:
        identity: Identity = Dut(link, where=url or str(image), baud=baud if url else None).connect()
    finally:
        link.close()
    # ic02 is ic01 with a larger model: the same inputs, classes and commands.
    wanted = "ic01" if identity.model_id == "ic02" else identity.model_id
    for known in benchmark.BENCHMARKS.values():
        if known.model_id == wanted:
            return known, identity.model_id
    raise UsageError(
        f"the firmware runs model '{identity.model_id}'",
        means="its inputs are not those of a benchmark",
        hint="name its model with --model, so that inputs of the right size can be made",
    )


def _model(request: Request, found: Benchmark | None) -> Model | None:
    """The model to build or to make inputs for; None where a foreign image brings its own."""
    if request.model:
        return tflite.load(Path(request.model))
    if request.image or not request.build or found is None:
        return None
    return choose.shipped(found)


def _dataset(request: Request, found: Benchmark | None, model: Model | None) -> Dataset:
    """The inputs; in performance and energy mode five are enough, so the whole set is not called a subset."""
    if request.data is None:
        full = layout.synthetic(found, model)
    elif found is not None:
        full = layout.load(Path(request.data), found)
    elif model is not None:
        full = layout.load_custom(Path(request.data), model, scored=request.mode == "accuracy")
    else:  # prepare() has found one of them
        raise UsageError("neither benchmark nor model", hint="give one of them")
    chosen = full.first(request.samples)
    if request.mode == "accuracy":
        return chosen
    return replace(full, samples=chosen.samples[: rules.WINDOWS])


def _build(request: Request, on: Board, model: Model | None, found: Benchmark | None) -> Image:
    if model is None:  # _model gives None only where nothing is built
        raise UsageError("no model to build", hint="name BENCH or --model")
    return choose.built(on, model, found, engine=request.engine, energy=request.mode == "energy")


def _plan(prepared: Prepared, built: Image | None, model: Model | None) -> dict[str, Any]:
    """What `session.json` holds before the first byte is sent."""
    request, found, dataset = prepared.request, prepared.benchmark, prepared.dataset
    virtual = prepared.image is not None and not is_process(prepared.board)
    under_qemu = prepared.board.emulator is not None and prepared.board.emulator.engine == "qemu"
    created = datetime.now(UTC)
    windows = found.windows_per_file if found and request.mode == "accuracy" else 1
    return {
        "id": created.strftime("%Y%m%d%H%M%S"),
        "tinyperf": __version__,
        "created": created.isoformat(),
        "request": asdict(_absolute(request)),
        "mode": request.mode,
        "benchmark": found.name if found else "custom",
        "board": prepared.board.name,
        "engine": parse_engine(request.engine)[0] if built else None,
        "transport": "virtual" if virtual else "process" if prepared.image else "serial",
        "where": prepared.where,
        "baud": prepared.baud if prepared.url else None,
        "stamp_characters": STAMP_CHARACTERS,
        "estimated": virtual,
        "error_percent": _error_percent(prepared) if virtual and not under_qemu else None,
        "inputs": dataset.kind,
        "data": str(dataset.folder) if dataset.folder else None,
        "classes": dataset.classes,
        "metric": found.metric if found else "top1",
        "target": found.target if found else None,
        "input_bytes": dataset.samples[0].window_bytes,
        "stride_bytes": dataset.samples[0].stride_bytes,
        "samples": [
            {
                "name": s.name,
                "label": s.label,
                "windows": windows,
                "sha256": hashlib.sha256(s.read()).hexdigest()[:16],
            }
            for s in dataset.samples
        ],
        "inferences": 1 if request.mode == "accuracy" else None,
        "warmups": 0 if request.mode == "accuracy" else found.warmups if found else CUSTOM_WARMUPS,
        "rules": {
            "windows": rules.WINDOWS,
            "min_seconds": rules.MIN_SECONDS,
            "min_inferences": rules.MIN_INFERENCES,
            "clock_tolerance": rules.CLOCK_TOLERANCE,
        },
        "build_id": built.build_id if built else None,
        "image_sha256": prepared.image_sha256,
        "model": {"name": model.name, "sha256": model.sha256} if model and built else None,
        "toolchain": asdict(built.toolchain) if built else None,
        "engine_details": asdict(built.generated.details) if built else None,
        "memory": asdict(built.memory) if built else None,
        "vendor": None,
        "profile": None,
        "model_id": prepared.model_id,
        "calibration": None,
        "timing": None,
        "notes": _notes(prepared, under_qemu=under_qemu),
    }


def _absolute(request: Request) -> Request:
    """With paths that mean the same from another working folder, where --resume may be typed."""
    named = {"data": request.data, "model": request.model, "image": request.image}
    places: dict[str, Any] = {name: str(Path(path).absolute()) for name, path in named.items() if path}
    if Path(request.board).suffix in board.SUFFIXES:
        places["board"] = str(Path(request.board).absolute())
    return replace(request, **places)


def _notes(prepared: Prepared, *, under_qemu: bool) -> list[str]:
    if under_qemu:
        return ["QEMU's clock is this computer's: the times say nothing of a board"]
    if prepared.url and prepared.url.startswith(("socket://", "/dev/pts/")):
        return [f"what is behind {prepared.url} is not known: if it is 'tinyperf emulate', these are estimates"]
    return []


def _error_percent(prepared: Prepared) -> float:
    """The cycle model's error; on energy the power model's comes on top, as a worst case."""
    board = prepared.board
    power = board.power if prepared.request.mode == "energy" else None
    cycles = board.emulator.error_percent if board.emulator else None
    return (cycles or 0.0) + (power.error_percent if power else 0.0)
