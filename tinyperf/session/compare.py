"""Engines side by side: the same models, the same inputs, the same virtual board.

Every figure is of one image that ran; times are estimates of the virtual board. Outputs are compared with TFLM on this
computer (the tflite-micro wheel), or with engine `aot` compiled for it where there is no such wheel, or it refuses the
model.
"""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.datasets import layout
from tinyperf.device.dut import Dut
from tinyperf.engines import parse_engine
from tinyperf.errors import BuildError, DeviceError, MissingExtraError, ModelError, UsageError
from tinyperf.learn import backends
from tinyperf.session.choose import built
from tinyperf.virtual.connect import debug_port, open_image
from tinyperf.wire import printed, to_tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from tinyperf.board import Board
    from tinyperf.device.link import Link
    from tinyperf.learn.backends import Backend
    from tinyperf.tflite import Model

INPUTS = 3
FLOAT_TOLERANCE = 0.001
"""Of a float32 output, absolute and relative: one unit of the last digit printed. Integers and codes are equal."""


@dataclass(frozen=True)
class Row:
    """One engine with one model. Its figures are None where there are none, and `missing` says why and what to do.

    `instructions`, `estimated_ms`: of one inference; None where the emulator does not count or its clock means nothing.
    `arena_bytes`: all RAM the model needs. `code_bytes`: flash without the model file (tflm) or the weights (aot).
    `mismatches` of `values` results on the wire differ from `oracle`'s; None where nothing here can say what is right.
    """

    model: str
    engine: str
    kernels: str | None = None
    version: str | None = None
    estimated_ms: float | None = None
    instructions: int | None = None
    arena_bytes: int | None = None
    flash_bytes: int | None = None
    code_bytes: int | None = None
    mismatches: int | None = None
    values: int = 0
    oracle: str | None = None
    build_id: str | None = None
    missing: Missing | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True)
class Missing:
    """Why a row has no figures; `failed`: the firmware was built, and went wrong."""

    seen: str
    means: str
    hint: str
    failed: bool


def compare(
    board: Board,
    models: Sequence[Model],
    engines: Sequence[str],
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """A row for each model and engine, in that order. Inputs are made up, always the same.

    A row that cannot be had says why; the others stand.
    Raises: UsageError: the board has no virtual form, or there is no such engine or option. Where no row at all can be
        had, whatever the first one said.
    """
    if board.emulator is None:
        raise UsageError(f"there is no virtual {board.name}", hint="'tinyperf boards' lists the boards")
    for engine in engines:
        parse_engine(engine)
    rows, errors = [], []
    for model in models:
        check = _check(model)
        for engine in engines:
            progress(f"{model.name} {engine}")
            try:
                rows.append(_row(board, model, engine, check))
            except (ModelError, BuildError, DeviceError, MissingExtraError) as error:
                errors.append(error)
                failed = isinstance(error, DeviceError)
                rows.append(Row(model.name, engine, missing=Missing(error.seen, error.means, error.hint, failed)))
    if errors and len(errors) == len(rows):
        raise errors[0]
    return rows


@dataclass(frozen=True)
class RightResults:
    """Inputs as sent; the right results as printed, [n, outputs]; how far each may be off; and who says so."""

    inputs: list[bytes]
    expected: npt.NDArray[np.float64]
    tolerance: npt.NDArray[np.float64]
    oracle: str


def _check(model: Model) -> RightResults | None:
    """None where no runtime of this computer takes the model."""
    sent = [sample.read() for sample in layout.synthetic(None, model).samples[:INPUTS]]
    inputs = to_tensors(None, b"".join(sent), model)
    for backend, name in ORACLES:
        with contextlib.suppress(MissingExtraError, ModelError, BuildError):
            expected = printed(model, backends.infer(backend, model, inputs))
            floats = np.concatenate([np.full(t.elements, t.dtype == "float32") for t in model.output_tensors])
            tolerance = np.where(floats, FLOAT_TOLERANCE * (1 + np.abs(expected)), 0.0)
            return RightResults(sent, expected, tolerance, name)
    return None


ORACLES: tuple[tuple[Backend, str], ...] = (("tflm", "tflite-micro"), ("aot", "aot on this computer"))


def _row(board: Board, model: Model, engine: str, check: RightResults | None) -> Row:
    image = built(board, model, None, engine=engine)
    link = open_image(board, image.path)
    try:
        dut = Dut(link, where=f"the virtual {board.name}", store=debug_port(link))
        dut.connect()
        mismatches = _mismatches(dut, check) if check else None
        instructions, estimated_ms = _cost(dut, link, board.clock_hz)
    finally:
        link.close()
    memory = image.memory
    return Row(
        model=model.name,
        engine=engine,
        kernels=image.generated.family,
        version=image.generated.details.version,
        estimated_ms=estimated_ms,
        instructions=instructions,
        arena_bytes=memory.arena_bytes,
        flash_bytes=memory.flash_bytes,
        code_bytes=image.code_bytes,
        mismatches=mismatches,
        values=check.expected.size if check else 0,
        oracle=check.oracle if check else None,
        build_id=image.build_id,
    )


def _mismatches(dut: Dut, check: RightResults) -> int:
    rows = zip(check.inputs, check.expected, check.tolerance, strict=True)
    return sum(_differing(dut, sent, wanted, tolerance) for sent, wanted, tolerance in rows)


def _differing(dut: Dut, sent: bytes, wanted: npt.NDArray[np.float64], tolerance: npt.NDArray[np.float64]) -> int:
    dut.download(sent)
    found = np.array(_infer(dut, 1))
    return int(np.count_nonzero(np.abs(found - wanted) > tolerance)) if len(found) == len(wanted) else len(wanted)


def _cost(dut: Dut, link: Link, clock_hz: int) -> tuple[int | None, float | None]:
    """Instructions and milliseconds of one inference by the detailed model; None, None where QEMU plays the board."""
    from tinyperf.virtual.board.calibrate import calibrate
    from tinyperf.virtual.board.link import VirtualLink

    if not isinstance(link, VirtualLink):
        return None, None

    def infer(count: int) -> None:
        _infer(dut, count)

    found = calibrate(link, infer)
    return found.instructions_per_inference, found.cycles_per_inference / clock_hz * 1000.0


def _infer(dut: Dut, count: int) -> tuple[float, ...]:
    found = dut.infer(count, 0)
    if found is None:
        raise DeviceError("the answer to 'infer' was torn", hint="run it again; a virtual line loses nothing")
    return found.results
