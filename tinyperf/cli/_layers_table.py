"""What the layers or functions of one image cost, as a table that fits the terminal, or as a file."""

from __future__ import annotations

import csv as csv_files
from typing import TYPE_CHECKING, Any

from tinyperf.cli._columns import Column, print_columns
from tinyperf.errors import DiskError, UsageError
from tinyperf.figures import figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tinyperf.session.costs import FunctionCost, LayerCost, Stalls
    from tinyperf.session.profile import Profile

CAUSES = {
    "queue": "queue",
    "buses": "buses",
    "branches": "branches",
    "operands": "operands",
    "flash_code": "flash code",
    "flash_data": "flash data",
}
"""Fields of `Stalls`, and their columns."""
MOST_FUNCTIONS = 25


def show(found: Profile) -> None:
    """The layers; of an image without known layers, its functions."""
    total = found.cycles_per_inference or 1
    if found.layers:
        stalls = [_stalls(found.layers)] if found.estimated else []
        print_columns([_layers(found.layers, total), *stalls, _choice(found.layers)])
        if stalls:
            print("waiting       queue to flash data, per cent of the layer's cycles; -: the cycle model cannot tell")
    elif found.functions:
        shown = found.functions[:MOST_FUNCTIONS]
        print_columns([_functions(shown, total), _stalls(shown)])
        rest = len(found.functions) - len(shown)
        print(
            f"functions     without those that they call; of the {rest} further ones --csv and --json tell"
            if rest
            else ""
        )


def _layers(layers: Sequence[LayerCost], total: int) -> list[Column]:
    return [
        Column("#", [str(layer.index) for layer in layers]),
        Column("operator", [layer.op for layer in layers], left=True),
        Column("MACs", [f"{layer.macs:,}" for layer in layers]),
        *_instructions(layers),
        Column("cycles", [f"{layer.cycles:,}" for layer in layers]),
        Column("%", [f"{100 * layer.cycles / total:.1f}" for layer in layers]),
        Column("cycles/MAC", [figure(layer.cycles / layer.macs, 2) if layer.macs else "-" for layer in layers]),
    ]


def _instructions(layers: Sequence[LayerCost]) -> list[Column]:
    """None where nobody counted them."""
    counted = [layer.instructions for layer in layers if layer.instructions is not None]
    return [Column("instructions", [f"{one:,}" for one in counted])] if len(counted) == len(layers) else []


def _choice(layers: Sequence[LayerCost]) -> list[Column]:
    return [
        Column("kernel", [layer.kernel for layer in layers], left=True),
        Column("planned", ["-" if one.predicted_cycles is None else f"{one.predicted_cycles:,}" for one in layers]),
        Column("next best", ["-" if one.next_cycles is None else f"{one.next_cycles:,}" for one in layers]),
        Column("with kernel", [one.next_kernel or "-" for one in layers], left=True),
    ]


def _functions(functions: Sequence[FunctionCost], total: int) -> list[Column]:
    return [
        Column("function", [one.name for one in functions], left=True),
        Column("instructions", [f"{one.instructions:,}" for one in functions]),
        Column("cycles", [f"{one.cycles:,}" for one in functions]),
        Column("%", [f"{100 * one.cycles / total:.1f}" for one in functions]),
    ]


def _stalls(parts: Sequence[LayerCost] | Sequence[FunctionCost]) -> list[Column]:
    return [Column(head, [_share(one.stalls, cause, one.cycles) for one in parts]) for cause, head in CAUSES.items()]


def _share(stalls: Stalls | None, cause: str, cycles: int) -> str:
    waited = getattr(stalls, cause) if stalls else None
    return "-" if waited is None else f"{100 * waited / cycles:.1f}" if cycles else "0.0"


def rows(found: Profile) -> list[dict[str, Any]]:
    """A row for each layer or function, the causes of its stalls as columns of their own.

    Raises: UsageError: the image tells of neither.
    """
    plain = found.as_dict()
    parts: list[dict[str, Any]] = plain["layers"] or plain["functions"]
    if not parts:
        raise UsageError(
            "there are no layers to tell of",
            means="the image is not built here and names no functions, or QEMU plays the board",
            hint="give an ELF, or leave --csv and --plot out",
        )
    return [
        {**{key: value for key, value in part.items() if key != "stalls"}, **_flat(part["stalls"])} for part in parts
    ]


def _flat(stalls: dict[str, int | None] | None) -> dict[str, int | None]:
    return {f"{cause}_stalls": (stalls or {}).get(cause) for cause in CAUSES}


def write(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """`rows` as a file of comma-separated values.

    Raises: DiskError.
    """
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv_files.DictWriter(file, list(rows[0]), lineterminator="\n")
            table.writeheader()
            table.writerows(rows)
    except OSError as exc:
        raise DiskError(f"cannot write {path}: {exc.strerror}", hint="give another file") from exc
