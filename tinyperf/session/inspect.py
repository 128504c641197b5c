"""What a model is, which engine runs it, and which board holds it: said without a compiler, in under a second."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.described import Signature, described
from tinyperf.engines import Target, parse_engine
from tinyperf.engines import engine as find_engine
from tinyperf.errors import TinyperfError
from tinyperf.session.ends import ends_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyperf.board import Board
    from tinyperf.chip import Memory
    from tinyperf.engines import Footprint
    from tinyperf.session.ends import End
    from tinyperf.tflite import Model, Tensor

# Fitted on images of eight models on the NUCLEO-L4R5ZI, within 1.5 kB: stack, line buffers and tables, and the buffer
# in which an input arrives.
APPLICATION_RAM_BYTES = 9_500


@dataclass(frozen=True)
class OperatorCount:
    """`macs` of all of this kind; None where they cannot be counted. `types`: of activations and constants."""

    kind: str
    count: int
    macs: int | None
    types: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """Whether an engine runs the model; if not, every reason, a line each, and what to do about them.

    `notes`: what must be there besides to build it.
    """

    engine: str
    runs: bool
    reasons: tuple[str, ...] = ()
    means: str = ""
    hint: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fit:
    """Whether a board's memories hold the model with an engine; `reasons`: what does not.

    arena_bytes is planned, weights_bytes are exact with engine `aot`; code_bytes and other_ram_bytes are estimates,
    since nothing is compiled. Room is None on this computer.
    """

    board: str
    engine: str
    fits: bool
    reasons: tuple[str, ...]
    arena_bytes: int
    arena_planned: bool
    arena_room_bytes: int | None
    other_ram_bytes: int
    weights_bytes: int
    code_bytes: int
    flash_room_bytes: int | None


@dataclass(frozen=True)
class Inspection:
    """`weights_bytes`: of the file's constants that operators use. `boundary`: operators at the ends whose work the
    host does. `fits`: a row for each board and engine that runs the model."""

    model: str
    sha256: str
    size_bytes: int
    description: str
    metadata: tuple[str, ...]
    signatures: tuple[Signature, ...]
    subgraphs: int
    inputs: tuple[End, ...]
    outputs: tuple[End, ...]
    boundary: tuple[str, ...]
    variables: int
    operators: tuple[OperatorCount, ...]
    macs: int
    weights_bytes: int
    engines: tuple[Verdict, ...]
    fits: tuple[Fit, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-ready values."""
        return asdict(self)


def inspect(model: Model, boards: Sequence[Board], engines: Sequence[str]) -> Inspection:
    """See the module.

    Args: engines: each as `NAME[:OPTION=VALUE,...]`.
    Raises: UsageError: no such engine or option.
    """
    said = described(model)
    counts = _operators(model)
    verdicts, rooms = [], []
    for text in engines:
        verdict, rows = _judged(model, boards, text)
        verdicts.append(verdict)
        rooms += rows
    used = {i for op in (*model.ops, *model.boundary) for i in op.inputs if i >= 0}
    constants = [tensor.data for tensor in model.tensors if tensor.index in used and tensor.data is not None]
    return Inspection(
        model=model.name,
        sha256=model.sha256,
        size_bytes=model.size_bytes,
        description=said.description,
        metadata=said.metadata,
        signatures=said.signatures,
        subgraphs=said.subgraphs,
        inputs=ends_of(model)[0],
        outputs=ends_of(model)[1],
        boundary=tuple(op.kind for op in model.boundary),
        variables=sum(tensor.variable for tensor in model.tensors),
        operators=counts,
        macs=sum(count.macs or 0 for count in counts),
        weights_bytes=sum(data.nbytes for data in constants),
        engines=tuple(verdicts),
        fits=tuple(rooms),
    )


def _operators(model: Model) -> tuple[OperatorCount, ...]:
    from tinyperf.engines.aot.macs import macs

    counted = macs(model)
    kinds = Counter(op.kind for op in model.ops)
    rows = []
    for kind, count in kinds.most_common():
        ops = [op for op in model.ops if op.kind == kind]
        each = [counted[op.index] for op in ops]
        known = [number for number in each if number is not None]
        types = {model.tensors[i].dtype for op in ops for i in (*op.inputs, *op.outputs) if i >= 0}
        rows.append(OperatorCount(kind, count, sum(known) if len(known) == count else None, tuple(sorted(types))))
    return tuple(rows)


def _judged(model: Model, boards: Sequence[Board], text: str) -> tuple[Verdict, list[Fit]]:
    parse_engine(text)
    try:
        return Verdict(text, runs=True), fits(model, boards, text)
    except TinyperfError as error:
        return Verdict(text, runs=False, reasons=_lines(model, error.seen), means=error.means, hint=error.hint), []


def fits(model: Model, boards: Sequence[Board], engine: str) -> list[Fit]:
    """Whether each board holds the model, by what the engine says without a compiler; a board that it cannot judge has
    no row.

    Raises: TinyperfError: the engine does not run the model; or there is no such engine or option.
    """
    name, options = parse_engine(engine)
    targets = [Target.of(board) for board in boards]
    different = [target for i, target in enumerate(targets) if target not in targets[:i]]
    different.sort(key=lambda target: -(target.flash_bytes or 1 << 32))  # a plan for much may do for little
    footprints = find_engine(name).footprints(model, different, options)
    takens = [footprints[different.index(target)] for target in targets]
    input_bytes = sum(_bytes(model.tensors[i]) for i in model.inputs)
    return [_fit(board, engine, taken, input_bytes) for board, taken in zip(boards, takens, strict=True) if taken]


def _lines(model: Model, seen: str) -> tuple[str, ...]:
    return tuple(
        line.removeprefix(f"model '{model.name}': ").removeprefix(f"{model.name}: ") for line in seen.splitlines()
    )


def _bytes(tensor: Tensor) -> int:
    return tensor.elements * np.dtype(tensor.dtype).itemsize


def _fit(board: Board, engine: str, taken: Footprint, input_bytes: int) -> Fit:
    memory = board.memory
    other_ram_bytes = APPLICATION_RAM_BYTES + input_bytes
    reasons = _reasons(memory, taken, other_ram_bytes) if memory else ()
    return Fit(
        board=board.name,
        engine=engine,
        fits=not reasons,
        reasons=reasons,
        arena_bytes=taken.arena_bytes,
        arena_planned=taken.planned,
        arena_room_bytes=memory.arena_room_bytes(0) if memory else None,
        other_ram_bytes=other_ram_bytes,
        weights_bytes=taken.weights_bytes,
        code_bytes=taken.code_bytes,
        flash_room_bytes=memory.flash.bytes if memory else None,
    )


def _reasons(memory: Memory, taken: Footprint, other_ram_bytes: int) -> tuple[str, ...]:
    """What does not fit: the arena, the rest of RAM beside it or apart from it, the flash."""
    arena = f"the arena of {taken.arena_bytes:,} bytes{'' if taken.planned else ' (a guess)'}"
    demands = [
        (f"weights and about {taken.code_bytes:,} bytes of code", "flash", taken.weights_bytes + taken.code_bytes)
    ]
    rooms = {"flash": memory.flash.bytes, "RAM": memory.ram.bytes}
    resident_bytes, resident = 0, ""
    if taken.resident_bytes and memory.place_resident(taken.arena_bytes, taken.resident_bytes) is memory.ram:
        resident_bytes, resident = taken.resident_bytes, f", weights of {taken.resident_bytes:,} bytes"
    other_ram_bytes += resident_bytes
    beside = f"{resident} and about {other_ram_bytes - resident_bytes:,} bytes beside"
    if memory.place(taken.arena_bytes) is memory.ram:
        demands.append((f"{arena}{beside} it", "RAM", taken.arena_bytes + other_ram_bytes))
    else:
        demands.append((f"{beside.removeprefix(' and ').removeprefix(', ')} the arena", "RAM", other_ram_bytes))
    return tuple(
        f"{what} need {wanted:,} bytes; {place} has {rooms[place]:,}"
        for what, place, wanted in demands
        if wanted > rooms[place]
    )
