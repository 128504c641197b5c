"""One inference by several firmwares side by side: engines, options of an engine, and images from elsewhere."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyperf import foreign
from tinyperf.engines import parse_engine
from tinyperf.errors import TinyperfError, UsageError
from tinyperf.session import choose
from tinyperf.session.profile import Profile, profile
from tinyperf.session.progress import silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyperf.board import Board
    from tinyperf.session.choose import Content
    from tinyperf.session.progress import Progress

IMAGES = {".elf", ".axf", ".out", ".hex", ".ihex", ".bin", ".uf2"}


@dataclass(frozen=True)
class Side:
    """One firmware, by the words that it was given in: `aot`, `tflm:kernels=reference`, `firmware.hex`.

    profile: None where it cannot be had; `reason` says why in a sentence, `hint` what to do.
    """

    name: str
    profile: Profile | None = None
    reason: str = ""
    hint: str = ""


@dataclass(frozen=True)
class OperatorCost:
    """Cycles of one operator of the model by each side; None where its layers are not known."""

    index: int
    op: str
    macs: int
    cycles: tuple[int | None, ...]


@dataclass(frozen=True)
class Beside:
    """Sides in the order given, the first one what the others are held against."""

    sides: tuple[Side, ...]
    operators: tuple[OperatorCost, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-ready values."""
        return asdict(self)


def beside(
    board: Board, wanted: Content, image: Path | None, others: Sequence[str], progress: Progress = silent
) -> Beside:
    """The firmware of `wanted`, or the foreign `image`, and each of `others`: an image by its path, or an engine.

    Raises: of the first one, as `choose.started` and `profile`. UsageError: another is neither an image nor an engine.
    """
    for other in others:
        _check(other)
    first = Side(image.name if image else wanted.engine, _profile(board, wanted, image, progress))
    sides = (first, *(_side(board, wanted, other, progress) for other in others))
    return Beside(sides, operators(sides))


def _is_image(text: str) -> bool:
    return Path(text).suffix.lower() in IMAGES or Path(text).is_file()


def _check(other: str) -> None:
    """Raises: UsageError."""
    if _is_image(other):
        if not Path(other).is_file():
            raise UsageError(
                f"image {other} {foreign.no_file(Path(other))}",
                hint="give a .elf, .hex, .bin or .uf2 file, or an engine",
            )
        return
    parse_engine(other)


def _side(board: Board, wanted: Content, other: str, progress: Progress) -> Side:
    name = Path(other).name if _is_image(other) else other
    progress(name, 0, 0)
    try:
        if _is_image(other):
            return Side(name, _profile(board, replace(wanted, benchmark=None), Path(other), progress))
        return Side(name, _profile(board, replace(wanted, engine=other), None, progress))
    except TinyperfError as error:
        return Side(name, reason=error.seen.partition("\n")[0], hint=error.hint.partition("\n")[0])


def _profile(board: Board, wanted: Content, image: Path | None, progress: Progress) -> Profile:
    start = choose.started(board, wanted, image)
    return profile(board, start.path, start.built, start.model, progress)


def operators(sides: Sequence[Side]) -> tuple[OperatorCost, ...]:
    """Operators that at least two sides know the cycles of; nodes of one operator are added up."""
    sums = [_by_operator(side) for side in sides]
    known = [each for each in sums if each]
    if len(known) < 2:
        return ()
    keys = sorted({key for each in known for key in each})
    macs = {key: max(each[key][1] for each in known if key in each) for key in keys}
    return tuple(
        OperatorCost(*key, macs[key], tuple(each[key][0] if key in each else None for each in sums)) for key in keys
    )


def _by_operator(side: Side) -> dict[tuple[int, str], tuple[int, int]]:
    found: dict[tuple[int, str], tuple[int, int]] = {}
    for layer in side.profile.layers if side.profile else ():
        cycles, macs = found.get((layer.index, layer.op), (0, 0))
        found[layer.index, layer.op] = cycles + layer.cycles, macs + layer.macs
    return found
