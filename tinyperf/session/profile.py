"""Where an inference spends its time: one inference on the virtual board in full detail, layer by layer."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf import folders
from tinyperf.benchmark import of_model_id
from tinyperf.datasets import noise
from tinyperf.device.dut import Dut
from tinyperf.errors import DeviceError, DiskError, UsageError
from tinyperf.result import ModelFile  # noqa: TC001  (pydantic reads it, for the schema)
from tinyperf.rules import power
from tinyperf.session import store
from tinyperf.session.costs import FunctionCost, Functions, LayerCost, Layers, Stalls
from tinyperf.session.ends import End  # noqa: TC001  (pydantic reads it, for the schema)
from tinyperf.session.progress import beating, duration, silent
from tinyperf.virtual.board import Calibration, calibrate, open_virtual
from tinyperf.virtual.board.pipelines.model import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    import numpy.typing as npt

    from tinyperf.benchmark import Benchmark
    from tinyperf.board import Board
    from tinyperf.device.dut import DutIdentity
    from tinyperf.engines import Layer
    from tinyperf.firmware.build import Image
    from tinyperf.session.progress import Progress
    from tinyperf.tflite import Model
    from tinyperf.virtual.board.link import VirtualLink

CALIBRATION_INFERENCES = 5  # what `calibrate` runs: one, one, and three
INSTRUCTIONS_PER_CYCLE = 0.85  # of those planned; kws: 0.9 on a Cortex-M4, 0.7 on a Cortex-M0+
INSTRUCTIONS_PER_MAC = 1.8  # where no cycles were planned
INSTRUCTIONS_PER_OUTPUT = 1100  # to print ten characters, waiting for the line


@dataclass(frozen=True)
class Estimate:
    """Time and energy of one inference, each with its error in percent; None where nobody knows.

    `energy_error_percent`: of the cycle model and of the power model together, as a worst case.
    """

    latency_ms: float
    error_percent: float | None
    uj_per_inference: float | None
    energy_error_percent: float | None


def estimate(board: Board, found: Calibration, clock_hz: int, *, foreign: bool = False) -> Estimate:
    """What `found` comes to on `board` at a clock, at the supply voltage that its file names.

    Args: foreign: the firmware comes from elsewhere.
    """
    error_percent = board.emulator.error_percent if board.emulator else None
    seconds = found.cycles_per_inference / clock_hz
    figures = board.power(foreign=foreign)
    if figures is None:
        return Estimate(1e3 * seconds, error_percent, None, None)
    watts = power.mean_w(
        figures,
        active_cycles=found.cycles_per_inference,
        flash_misses=found.flash_misses_per_inference,
        idle_cycles=0,
        seconds=seconds,
        clock_hz=clock_hz,
        supply_mv=board.energy.supply_mv,
    )
    return Estimate(1e3 * seconds, error_percent, 1e6 * watts * seconds, energy_error_percent(board, foreign=foreign))


def energy_error_percent(board: Board, *, foreign: bool) -> float | None:
    """The sum of both models' errors, a worst case; None where one of them was not measured.

    Args: foreign: the firmware comes from elsewhere.
    """
    cycles = board.emulator.error_percent if board.emulator else None
    charge = power_error_percent(board, foreign=foreign)
    return None if cycles is None or charge is None else cycles + charge


def power_error_percent(board: Board, *, foreign: bool) -> float | None:
    """The power model's part of `energy_error_percent`."""
    figures = board.power(foreign=foreign)
    if figures is None:
        return None
    return (foreign and figures.foreign_error_percent) or figures.error_percent


@dataclass(frozen=True)
class Profile:
    """Estimated cost of one inference. `layers` is empty for foreign images; memory figures are None there. Under QEMU
    instructions are counted, and nothing is estimated: cycles, time and energy are None, and `layers` is empty.
    A real board counts cycles, and no instructions. `functions`: of an image whose layers are not known, where it names
    its functions (an ELF).

    `latency_ms`: at the clock that the firmware set. Energy and errors as in `Estimate`. `inputs`, `outputs`, `model`:
    where it is known; None and empty for firmware that was brought without its model.
    """

    board: str
    model_id: str
    clock_hz: int
    instructions_per_inference: int | None
    cycles_per_inference: int | None
    layers: tuple[LayerCost, ...]
    arena_bytes: int | None
    flash_bytes: int | None
    ram_bytes: int | None
    weights_bytes: int | None
    build_id: str | None
    latency_ms: float | None
    error_percent: float | None
    uj_per_inference: float | None
    energy_error_percent: float | None
    estimated: bool = True
    functions: tuple[FunctionCost, ...] = ()
    inputs: tuple[End, ...] = ()
    outputs: tuple[End, ...] = ()
    model: ModelFile | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-ready values."""
        return asdict(self)


def of_image(built: Image | None) -> dict[str, Any]:
    """What `Profile` says of an image of our own; None in each field of any other."""
    if built is None:
        return dict.fromkeys(("arena_bytes", "flash_bytes", "ram_bytes", "weights_bytes", "build_id"))
    memory = built.memory
    return {
        "arena_bytes": memory.arena_bytes,
        "flash_bytes": memory.flash_bytes,
        "ram_bytes": memory.ram_bytes,
        "weights_bytes": built.generated.weights_bytes,
        "build_id": built.build_id,
    }


def about_instructions(built: Image | None, outputs: int = 0) -> float:
    """About how many an inference takes, and printing its `outputs` values; 0 where the model is not known."""
    if built is None:
        return 0.0
    each = (
        INSTRUCTIONS_PER_MAC * layer.macs
        if layer.predicted_cycles is None
        else INSTRUCTIONS_PER_CYCLE * layer.predicted_cycles
        for layer in built.generated.layers
    )
    return sum(each) + INSTRUCTIONS_PER_OUTPUT * outputs


def telling(link: VirtualLink, instructions: float, progress: Progress) -> AbstractContextManager[None]:
    """Tells how far the inference in full detail is; what is left where `instructions` says about how many it takes."""
    progress("one inference in full detail", 0, 0)
    before, about = link.counters().instructions, CALIBRATION_INFERENCES * instructions

    def tell(seconds: float) -> None:
        done = link.counters().instructions - before
        text = f"one inference in full detail: {done / 1e6:,.0f} million instructions"
        if 0 < done < about:
            text += f" of about {about / 1e6:,.0f}, about {duration((about / done - 1.0) * seconds)} left"
        progress(text, 0, 0)

    return beating(tell)


def profile(
    board: Board, firmware: Path, built: Image | None, own: Model | None, progress: Progress = silent
) -> Profile:
    """Run `firmware` on the virtual `board`; `built` tells of layers and memory where it is our own.

    `own`: the user's model; None where the firmware names a benchmark, or says what it takes.
    Raises: UsageError: the board has no virtual form, or it is not known what the model takes. DeviceError: as running.
    """
    if board.emulator and board.emulator.engine == "qemu":
        return _counted_profile(board, firmware, built, own)
    link = open_virtual(board, firmware)
    try:
        dut, infer = _ready(link, own)
        layers = built.generated.layers if built else ()
        watch = Layers(link.machine, layers) if layers else Functions(link.machine)
        link.machine.observe_blocks(watch.block)
        with telling(link, about_instructions(built), progress):
            found = calibrate(link, watch.counting(infer))
        link.machine.observe_blocks(None)
        identity = dut.identity
        return Profile(
            board=board.name,
            model_id=identity.model_id if identity else "",
            clock_hz=link.clock_hz,
            instructions_per_inference=found.instructions_per_inference,
            cycles_per_inference=found.cycles_per_inference,
            layers=watch.costs() if isinstance(watch, Layers) else (),
            functions=watch.costs() if isinstance(watch, Functions) else (),
            **of_image(built),
            **asdict(estimate(board, found, link.clock_hz, foreign=built is None)),
        )
    finally:
        link.close()


QEMU_INFERENCES = 8
QEMU_COUNTER_US = 2**32
"""When the microsecond counter of Arm's FPGA images begins anew: 8.4 G instructions."""


def counted(board: Board, firmware: Path, own: Model | None = None) -> tuple[int, str]:
    """Instructions of one inference under QEMU, to the last one or two, and the model's id.

    QEMU's clock then counts instructions; the firmware reads it, and what is around the inferences cancels.
    Raises: DeviceError: QEMU is not installed, or as running.
    """
    from tinyperf.virtual.board.qemu import INSTRUCTION_US, QemuLink

    link = QemuLink(board, firmware, counting=True)
    try:
        dut = Dut(link, where=f"the virtual {board.name}")
        identity = dut.connect()
        dut.download(an_input(identity, own))
        one_us = _window_us(dut, 1)
        more = QEMU_INFERENCES if one_us * (1 + QEMU_INFERENCES) < QEMU_COUNTER_US else 1
        return round((_window_us(dut, 1 + more) - one_us) / INSTRUCTION_US / more), identity.model_id
    finally:
        link.close()


def _window_us(dut: Dut, inferences: int) -> int:
    found = dut.infer(inferences, 0)
    if found is None or found.device_us is None:
        raise DeviceError("'infer' gave no complete answer under QEMU", hint="'tinyperf doctor' checks QEMU")
    return found.device_us


def _counted_profile(board: Board, firmware: Path, built: Image | None, own: Model | None) -> Profile:
    instructions, model_id = counted(board, firmware, own)
    return Profile(
        board=board.name,
        model_id=model_id,
        clock_hz=board.clock_hz,
        instructions_per_inference=instructions,
        cycles_per_inference=None,
        layers=(),
        latency_ms=None,
        error_percent=None,
        uj_per_inference=None,
        energy_error_percent=None,
        estimated=False,
        **of_image(built),
    )


def calibrated(
    board: Board,
    firmware: Path,
    own: Model | None = None,
    *,
    instructions: float = 0.0,
    progress: Progress = silent,
) -> Calibration:
    """Cycles per instruction of `firmware`, as `detailed` finds them."""
    return detailed(board, firmware, own, instructions=instructions, progress=progress).calibration


@dataclass(frozen=True)
class Detailed:
    """One inference in full detail: as a whole, and by layer where the layers of the image are known."""

    calibration: Calibration
    layers: tuple[LayerCost, ...]


def detailed(
    board: Board,
    firmware: Path,
    own: Model | None = None,
    *,
    layers: tuple[Layer, ...] = (),
    instructions: float = 0.0,
    progress: Progress = silent,
) -> Detailed:
    """What one inference of `firmware` costs, on a virtual board of its own.

    Args: layers: of the image, where it is our own. instructions: about how many an inference takes, for `progress`.
    Kept in the cache beside the images, under everything that it depends on: image, board, input, cycle model.
    """
    link = open_virtual(board, firmware)  # first of all: it says what is wrong with an image
    try:
        words = f"{_calibration_key(board, firmware, own)}{'-layers' if layers else ''}.json"
        kept = folders.cache() / "calibrations" / words
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):  # not there, or not whole: found again
            held = json.loads(kept.read_text(encoding="ascii"))
            return Detailed(Calibration(**held["calibration"]), tuple(map(_layer_cost, held["layers"])))
        _, infer = _ready(link, own)
        watch = Layers(link.machine, layers)
        link.machine.observe_blocks(watch.block if layers else None)
        with telling(link, instructions, progress):
            found = Detailed(calibrate(link, watch.counting(infer)), watch.costs())
    finally:
        link.close()
    with contextlib.suppress(DiskError):  # a full cache costs seconds, not the run
        store.write(kept, json.dumps(asdict(found)) + "\n")
    return found


def _layer_cost(kept: dict[str, Any]) -> LayerCost:
    return LayerCost(**{**kept, "stalls": Stalls(**kept["stalls"])})


def _calibration_key(board: Board, firmware: Path, own: Model | None) -> str:
    core = board.core
    depends = (VERSION, board, core.exceptions, core.pipeline, own.sha256 if own else None)
    parts = [firmware.read_bytes(), repr(depends).encode()]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:32]


def _ready(link: VirtualLink, own: Model | None) -> tuple[Dut, Callable[[int], None]]:
    """Shake hands and download a made-up input; a function that runs n inferences."""
    dut = Dut(link, where="the virtual board", store=link.store)
    dut.download(an_input(dut.connect(), own))
    pulses = dut.boot_mode == "energy"

    def infer(inferences: int) -> None:
        if dut.infer(inferences, 0, pulses=pulses) is None:
            raise DeviceError(
                f"'infer {inferences} 0' gave no complete answer on the virtual board",
                hint="'tinyperf console --virtual --image FILE' shows what the firmware says",
            )

    return dut, infer


def an_input(identity: DutIdentity, own: Model | None) -> bytes:
    """One made-up input of what the firmware runs.

    Raises: UsageError: nobody says what that takes.
    """
    known = of_model_id(identity.model_id)
    if own is None and known is not None:
        return made_up(known)
    ends = [(t.dtype, t.elements) for t in own.input_tensors] if own else identity.inputs
    if not ends:
        raise UsageError(
            f"the firmware calls its model '{identity.model_id}', so the size of its input is not known",
            hint="name the benchmark, or give the model with --model",
        )
    return noise.inputs(ends, _random())


def made_up(benchmark: Benchmark) -> bytes:
    """A deterministic input of a benchmark: noise, as log-mel values for a model that takes floats."""
    if benchmark.element == "float32":
        return np.random.default_rng(0).normal(-20.0, 10.0, benchmark.input_bytes // 4).astype("<f4").tobytes()
    return _random()(benchmark.input_bytes).tobytes()


def _random() -> Callable[[int], npt.NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    return lambda count: rng.integers(0, 256, count, dtype=np.uint8)
