"""From what was asked to what will be done: board, benchmark, data, image, and the plan that is written down.

Everything that can be found wrong is found here, before a session folder exists and a byte is sent.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tinyperf import __version__, benchmark, board, tflite
from tinyperf.datasets import layout, own, streams
from tinyperf.engines import ends, parse_engine
from tinyperf.errors import UsageError
from tinyperf.rules import windows as rules
from tinyperf.session import checks, choose, models
from tinyperf.session.device import Device, open_device
from tinyperf.session.profile import about_instructions, energy_error_percent
from tinyperf.session.record import ModelFile, Planned, Rules, Sample
from tinyperf.virtual.connect import is_process, port_of, require_player

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.benchmark import Benchmark
    from tinyperf.board import Board
    from tinyperf.datasets.layout import Dataset
    from tinyperf.device.dut import Dut
    from tinyperf.device.link import Link
    from tinyperf.engines import Layer
    from tinyperf.firmware.build import Image
    from tinyperf.request import Request
    from tinyperf.session.device import OpenLink, Recorder
    from tinyperf.tflite import Model

STAMP_CHARACTERS = 60  # on the line between m-infer-start and the end of a window: two m-lap-us lines and a rest
CUSTOM_WARMUPS = 1
QUICK_SAMPLES = 20  # of a first look at the accuracy


@dataclass(frozen=True)
class Prepared:
    """Everything a run needs. `build_id`: which image the device must run, and in words who says so; None: any.

    `instructions`: about how many an inference and its results take; 0 where the model is not known. `own`: the model
    where it is the user's own, and no benchmark's. `layers`: of the image, where it was built.
    """

    request: Request
    benchmark: Benchmark | None
    dataset: Dataset
    device: Device
    image_sha256: str | None
    build_id: str | None
    model_id: str
    instructions: float = 0.0
    own: Model | None = None
    layers: tuple[Layer, ...] = ()
    build_wanted_by: str = "the image built is"
    stream: streams.Stream | None = None

    @property
    def sound(self) -> streams.Stream:
        """Of a streaming benchmark.

        Raises: UsageError: it is none.
        """
        if self.stream is None:
            raise UsageError(f"'{self.model_id}' takes no stream", hint="sww does")
        return self.stream

    def on_card(self, folder: Path) -> Prepared:
        """With that folder as the memory card of an interface board that is played."""
        return replace(self, device=replace(self.device, card=folder))

    def converse(self, record: Recorder, wrap: Callable[[Link], Link] = lambda link: link) -> Dut:
        """Open the device, and make sure that it runs what is to be measured.

        Args: record, wrap: as `Device.dut`.
        Raises: DeviceError: nobody answers, another model, another image, firmware of the other mode.
        """
        dut = self.device.dut(record, wrap)
        try:
            dut.connect()
            dut.require_model(self.model_id)
            if self.build_id is not None:
                dut.require_build(self.build_id, self.build_wanted_by)
            dut.require_mode("energy" if energy_firmware(self.request, self.benchmark) else "performance")
        except BaseException:
            dut.link.close()
            raise
        return dut


@dataclass(frozen=True)
class _Built:
    """What there is to run: the model, and the image made of it; None where both were brought."""

    model: Model | None
    image: Image | None


def prepare(
    request: Request,
    tell: Callable[[str], None] = lambda _: None,
    *,
    open_link: OpenLink = open_device,
    created: datetime | None = None,
) -> tuple[Prepared, Planned]:
    """Check the request, load the data, build the image; and the plan to write down.

    Args: tell: is told what takes long, in words. open_link: makes links. created: when, if not now.
    Raises: UsageError, ModelError, DataError, BuildError, DeviceError: each with what to do.
    """
    chosen = board.load(request.board, request.clock)
    checks.check(request, chosen)
    device = _device(request, chosen, open_link)
    measured = benchmark.benchmark(request.benchmark) if request.benchmark else None
    model_id = measured.model_id if measured else "custom"
    if measured is None and request.model is None:
        measured, model_id = _benchmark_of_firmware(device)
    model = _model(request, measured)
    builds = request.image is None and request.build
    if model is not None:
        if builds:
            choose.check_ends(chosen, model, measured, request.engine)
        ends.check(model)
    stream = streams.load(_path(request.data)) if measured is not None and measured.streams else None
    dataset = streams.dataset(stream, measured) if stream and measured else _dataset(request, measured, model)
    image = None
    if builds:
        tell("building")
        image = _build(request, chosen, model, measured)
    start = device.image or (image.path if image else None)
    prepared = Prepared(
        request=request,
        benchmark=measured,
        dataset=dataset,
        device=replace(device, image=None if device.url else start),
        image_sha256=hashlib.sha256(start.read_bytes()).hexdigest() if start else None,
        build_id=image.build_id if image else None,
        model_id=model_id,
        instructions=about_instructions(image, _values(model)),
        own=model if measured is None else None,
        layers=image.generated.layers if image else (),
        stream=stream,
    )
    return prepared, _planned(prepared, _Built(model, image), created or datetime.now(UTC))


def energy_firmware(request: Request, measured: Benchmark | None) -> bool:
    """It is built for energy mode. A streaming firmware is one for all modes: its start and stop are pulses always."""
    return request.mode == "energy" and not (measured is not None and measured.streams)


def _values(model: Model | None) -> int:
    """How many results an inference prints."""
    return sum(tensor.elements for tensor in model.output_tensors) if model else 0


def _device(request: Request, chosen: Board, open_link: OpenLink) -> Device:
    """Where the firmware will run; a virtual board has its image only where one was brought."""
    isolator = checks.isolator(request, chosen)
    measured = benchmark.benchmark(request.benchmark) if request.benchmark else None
    baud = chosen.serial.energy_baud if energy_firmware(request, measured) else chosen.serial.baud
    if isolator:
        isolator.check_baud(baud)
    virtual = request.virtual or is_process(chosen)
    if virtual and open_link is open_device:
        require_player(chosen)
    url = None if virtual else isolator.port if isolator else port_of(chosen, request.port)
    return Device(chosen, Path(request.image) if request.image else None, url, baud, isolator, open_link=open_link)


def _benchmark_of_firmware(device: Device) -> tuple[Benchmark, str]:
    """A foreign image says itself which benchmark it is; and in which words."""
    dut = device.dut()
    try:
        identity = dut.connect()
    finally:
        dut.link.close()
    known = benchmark.of_model_id(identity.model_id)
    if known is not None:
        return known, identity.model_id
    raise UsageError(
        f"the firmware runs model '{identity.model_id}'",
        means="its inputs are not those of a benchmark",
        hint="name its model with --model, so that inputs of the right size can be made",
    )


def _model(request: Request, measured: Benchmark | None) -> Model | None:
    """The model to build or to make inputs for; None where a foreign image brings its own."""
    if request.model:
        return tflite.load(Path(request.model))
    if request.image or not request.build or measured is None:
        return None
    return models.shipped(measured)


def _dataset(request: Request, measured: Benchmark | None, model: Model | None) -> Dataset:
    """The inputs; in performance and energy mode five are enough, so the whole set is not called a subset."""
    if request.data is None:
        full = layout.synthetic(measured, model)
    elif measured is not None:
        full = layout.load(Path(request.data), measured)
    elif model is not None:
        full = own.load(Path(request.data), model, _asked(request), count=_count(request))
    else:  # prepare() has found one of them
        raise UsageError("neither benchmark nor model", hint="give one of them")
    chosen = full.first(_count(request))
    if request.mode == "accuracy":
        return chosen
    return replace(full, samples=chosen.samples[: rules.WINDOWS])


def _count(request: Request) -> int | None:
    """How many samples; None: all."""
    if not request.quick:
        return request.samples
    return QUICK_SAMPLES if request.mode == "accuracy" else 1


def _asked(request: Request) -> own.Asked:
    labels = Path(request.labels) if request.labels else None
    return own.Asked(request.metric, labels, request.front_end, scored=request.mode == "accuracy")


def _build(request: Request, chosen: Board, model: Model | None, measured: Benchmark | None) -> Image:
    if model is None:  # _model gives None only where nothing is built
        raise UsageError("no model to build", hint="name BENCH or --model")
    return choose.built(chosen, model, measured, engine=request.engine, energy=energy_firmware(request, measured))


def _planned(prepared: Prepared, built: _Built, created: datetime) -> Planned:
    """What `session.json` holds before the first byte is sent."""
    request, measured, dataset, device = prepared.request, prepared.benchmark, prepared.dataset, prepared.device
    model, image = built.model, built.image
    virtual = device.image is not None and not is_process(device.board)
    accuracy = request.mode == "accuracy"
    return Planned(
        id=created.strftime("%Y%m%d%H%M%S"),
        tinyperf=__version__,
        created=created,
        request=_absolute(request),
        mode=request.mode,
        benchmark=measured.name if measured else "custom",
        board=device.board.name,
        engine=parse_engine(request.engine)[0] if image else None,
        transport="virtual" if virtual else "process" if device.image else "serial",
        where=device.where,
        baud=device.baud if device.url else None,
        stamp_characters=STAMP_CHARACTERS,
        estimated=virtual,
        error_percent=_error_percent(prepared) if virtual else None,
        inputs=dataset.kind,
        data=str(dataset.folder) if dataset.folder else None,
        classes=dataset.classes,
        metric=dataset.metric,
        target=measured.target if measured else None,
        input_bytes=dataset.samples[0].window_bytes,
        stride_bytes=dataset.samples[0].stride_bytes,
        targets=_targets(dataset) if accuracy else None,
        samples=_samples(dataset, measured.windows_per_file if measured and accuracy else 1),
        inferences=1 if accuracy else None,
        warmups=0 if accuracy else measured.warmups if measured else CUSTOM_WARMUPS,
        rules=Rules(
            windows=rules.WINDOWS,
            min_seconds=rules.MIN_SECONDS,
            min_inferences=rules.MIN_INFERENCES,
            clock_tolerance=rules.CLOCK_TOLERANCE,
        ),
        build_id=image.build_id if image else None,
        image_sha256=prepared.image_sha256,
        model=ModelFile(name=model.name, sha256=model.sha256, bytes=len(model.data)) if model and image else None,
        toolchain=image.toolchain if image else None,
        engine_details=image.generated.details if image else None,
        memory=image.memory if image else None,
        model_id=prepared.model_id,
        clock_hz=device.board.clock_hz if image and not is_process(device.board) else None,
        notes=(*dataset.notes, *(image.generated.warnings if image else ()), *_notes(device)),
    )


def _samples(dataset: Dataset, windows: int) -> tuple[Sample, ...]:
    return tuple(
        Sample(
            name=sample.name,
            label=sample.label,
            windows=windows,
            sha256=hashlib.sha256(sample.read()).hexdigest()[:16],
        )
        for sample in dataset.samples
    )


def _targets(dataset: Dataset) -> tuple[tuple[float, ...], ...] | None:
    return None if dataset.targets is None else tuple(map(tuple, dataset.targets.tolist()))


def _absolute(request: Request) -> Request:
    """With paths that mean the same from another working folder, where --resume may be typed."""
    described = Path(request.board).suffix in board.SUFFIXES
    return replace(
        request,
        board=str(Path(request.board).absolute()) if described else request.board,
        data=_whole(request.data),
        model=_whole(request.model),
        image=_whole(request.image),
        labels=_whole(request.labels),
    )


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _whole(path: str | None) -> str | None:
    return str(Path(path).absolute()) if path else path


def _notes(device: Device) -> tuple[str, ...]:
    if device.url and device.url.startswith(("socket://", "/dev/pts/")):
        return (f"what is behind {device.url} is not known: if it is 'tinyperf emulate', these are estimates",)
    return ()


def _error_percent(prepared: Prepared) -> float | None:
    """The cycle model's error; on energy the power model's comes on top, as a worst case. None: not measured."""
    board = prepared.device.board
    if prepared.request.mode == "energy":
        return energy_error_percent(board, foreign=prepared.request.image is not None)
    return board.emulator.error_percent if board.emulator else None
