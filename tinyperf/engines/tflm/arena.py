"""The interpreter's arena, measured: an image with all the RAM there is says the smallest that works."""

from __future__ import annotations

import contextlib
import json
import re
from hashlib import sha256
from typing import TYPE_CHECKING

from tinyperf.engines.tflm.library import KERNELS
from tinyperf.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tinyperf.board import Board
    from tinyperf.engines import Workshop
    from tinyperf.tflite import Model

MARGIN_BYTES = 64
"""Added to the smallest arena that was seen to work, which is more than arena_used_bytes(): planning takes room too."""

ALIGNMENT = 16
"""Of tensors in TFLM's arena, and of the inputs' copies."""

GUARD_BYTES = 64
BESIDE_BYTES = 32768  # stack and data, where the arena shares its region with them
"""Left free beside arena and input while measuring."""


def prepared(model: Model, options: Mapping[str, str], workshop: Workshop) -> dict[str, str]:
    """The options with `arena`, measured where it is not given and something may be started.

    Raises: BuildError: no virtual board has the kernels of this one, or the figure did not come.
    """
    start, bench = workshop.start, workshop.bench
    if start is None or "arena" in options:
        return dict(options)
    if bench is None:
        raise BuildError(
            f"the arena for {workshop.board.name} cannot be measured",
            means=f"there is no virtual board whose core has the kernels of a {workshop.board.core.name}",
            hint="give its size with --engine tflm:arena=BYTES",
        )
    room = str(_room(bench, model))
    bytes_ = measured_arena(
        model,
        " ".join(workshop.board.core.gcc_flags),
        options,
        cache=workshop.cache,
        measure=lambda: start({**options, "arena": room, "measure": "yes"}),
    )
    elsewhere = {"measured_on": bench.name} if bench.name != workshop.board.name else {}
    return {**options, "arena": str(bytes_), **elsewhere}


def _room(bench: Board, model: Model) -> int:
    room = bench.memory.arena_room_bytes(BESIDE_BYTES) if bench.memory else 0
    return room - inputs(model)[1] - GUARD_BYTES


def inputs(model: Model) -> tuple[list[int], int]:
    """Where the copy of each input starts, aligned for TFLM; and the bytes of all."""
    offsets, end = [], 0
    for tensor in model.input_tensors:
        offsets.append(-(-end // ALIGNMENT) * ALIGNMENT)
        end = offsets[-1] + tensor.size_bytes
    return offsets, end


def measured_arena(
    model: Model, target: str, options: Mapping[str, str], *, cache: Path, measure: Callable[[], str]
) -> int:
    """Bytes for the interpreter's arena: the smallest that worked, and the margin. Measured once, then kept.

    Args: target: names core and flags; with model, kernels and library it decides the figure.
        measure: builds and boots an image with room to spare; returns its greeting.
    Raises: BuildError: the greeting holds no figure.
    """
    parts = (model.sha256, target, options.get("kernels", KERNELS[0]), options.get("library", ""))
    record = cache / "arenas" / (sha256("\n".join(parts).encode()).hexdigest()[:32] + ".json")
    if record.is_file():
        with contextlib.suppress(ValueError, KeyError, TypeError):  # cut short: it is measured again
            return int(json.loads(record.read_text(encoding="utf-8"))["least_bytes"]) + MARGIN_BYTES
    greeting = measure()
    found = re.search(r"arena_used_bytes=(\d+) arena_least_bytes=(\d+)", greeting)
    if found is None:
        said = "; ".join(re.findall(r"e-\[(.*?)\]", greeting)) or greeting.strip()[-200:]
        raise BuildError(
            f"{model.name}: the arena could not be measured; the firmware said: {said or 'nothing'}",
            hint="give its size with --engine tflm:arena=BYTES",
        )
    figures = {"model": model.name, "used_bytes": int(found[1]), "least_bytes": int(found[2])}
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(figures) + "\n", encoding="utf-8")
    return int(found[2]) + MARGIN_BYTES
