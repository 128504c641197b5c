"""The shipped models and what their cards say of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf import content
from tinyperf.benchmark import BENCHMARKS
from tinyperf.errors import ContentError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Card:
    """One shipped model. `licence` and `accuracy` are the lines `Licence:` and `Accuracy:` of its card."""

    name: str
    title: str
    tflite: str
    card: str
    size_bytes: int
    sha256: str
    licence: str
    accuracy: str


def shipped() -> list[Card]:
    """All shipped models, by name.

    Raises: ContentError: a model without card, or a card without its licence line.
    """
    cards = content.names("models", ".md")
    return [read_card(name, path, cards.get(name)) for name, path in content.names("models", ".tflite").items()]


def read_card(name: str, model: Path, card: Path | None) -> Card:
    """What is known of one model. Errors: as `shipped`."""
    if card is None:
        raise ContentError(
            f"{model} has no card {name}.md beside it", hint="say there what it was trained on, and terms"
        )
    data = model.read_bytes()
    return Card(
        name=name,
        title=BENCHMARKS[name].title if name in BENCHMARKS else name,
        tflite=str(model),
        card=str(card),
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        licence=_line(card, "Licence:"),
        accuracy=_line(card, "Accuracy:"),
    )


def _line(card: Path, start: str) -> str:
    found = [line for line in card.read_text(encoding="utf-8").splitlines() if line.startswith(start)]
    if len(found) != 1:
        raise ContentError(
            f"{card} has {len(found)} lines that begin with '{start}'", hint="a card has exactly one, on one line"
        )
    return found[0].removeprefix(start).strip()
