"""Pass 4: one block of RAM, a place in it for every tensor and scratch buffer, decided once.

Tensors that share bytes (a RESHAPE, an operator computing in place) form one storage. A storage lives from the step
that writes it first to the step that reads it last; the model's input lives through the whole inference, because
`infer N` must return what `infer 1` returns, and its output to the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.engines.aot.work import Alias

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.engines.aot.select import Choice
    from tinyperf.tflite import Model

ALIGNMENT = 4  # words of four codes are what the kernels load
ARENA_ALIGNMENT = 16


@dataclass(frozen=True)
class Storage:
    """Bytes that live from step `first` to step `last` (-1: before the first one). `name` is for the reader."""

    name: str
    size_bytes: int
    first: int
    last: int


@dataclass(frozen=True)
class Plan:
    """Offsets in bytes: by tensor index, and of each step's scratch by position in the list of steps."""

    tensors: dict[int, int]
    scratch: dict[int, int]
    arena_bytes: int
    in_place: frozenset[int]
    storages: tuple[tuple[int, Storage], ...]


def plan(model: Model, choices: tuple[Choice, ...]) -> Plan:
    """A place for every activation and scratch buffer. `in_place`: positions of steps that overwrite their input."""
    last_use = {index: position for position, c in enumerate(choices) for index in c.step.inputs}
    last_use[model.inputs[0]] = len(choices)
    last_use[model.outputs[0]] = len(choices)
    home: dict[int, int] = {model.inputs[0]: model.inputs[0]}  # tensor -> the tensor whose storage it uses
    first = {model.inputs[0]: -1}
    in_place: set[int] = set()
    for position, choice in enumerate(choices):
        out = choice.step.output
        shared = _shared_input(model, choice, position, home, last_use)
        if shared is None:
            home[out], first[out] = out, position
        else:
            home[out] = home[shared]
            if not isinstance(choice.step.work, Alias):
                in_place.add(position)
        last_use[home[out]] = max(last_use.get(home[out], position), last_use.get(out, position))
    roots = sorted(first)
    tensors = [
        Storage(f"tensor {r}", model.tensors[r].elements, first[r], max(last_use.get(r, first[r]), first[r]))
        for r in roots
    ]
    busy = [p for p, c in enumerate(choices) if c.cost.scratch_bytes]
    scratch = [Storage(f"scratch of step {p}", choices[p].cost.scratch_bytes, p, p) for p in busy]
    offsets, total = pack((*tensors, *scratch))
    at = dict(zip(roots, offsets, strict=False))
    return Plan(
        tensors={t: at[root] for t, root in home.items()},
        scratch=dict(zip(busy, offsets[len(roots) :], strict=True)),
        arena_bytes=-(-total // ARENA_ALIGNMENT) * ARENA_ALIGNMENT,
        in_place=frozenset(in_place),
        storages=tuple(sorted(zip(offsets, (*tensors, *scratch), strict=True), key=lambda s: (s[0], s[1].first))),
    )


def _shared_input(
    model: Model, choice: Choice, position: int, home: dict[int, int], last_use: dict[int, int]
) -> int | None:
    """The input whose bytes the output takes over, if any."""
    out = choice.step.output
    for index in choice.step.inputs:
        if index not in home:
            continue
        if isinstance(choice.step.work, Alias):
            return index
        root = home[index]
        dies = max(last_use.get(t, -1) for t, r in home.items() if r == root) <= position
        same_size = model.tensors[index].elements == model.tensors[out].elements == model.tensors[root].elements
        if choice.cost.in_place and dies and same_size and choice.step.inputs.count(index) == 1:
            return index
    return None


def pack(storages: tuple[Storage, ...]) -> tuple[tuple[int, ...], int]:
    """Offsets of the storages and the bytes in all: the best of several greedy orders, the first where they tie.

    Each order places one storage after another at the lowest offset where no storage of an overlapping life stands.
    """
    orders: tuple[Callable[[Storage], tuple[int, ...]], ...] = (
        lambda s: (-s.size_bytes, s.first),
        lambda s: (-(s.last - s.first), -s.size_bytes),
        lambda s: (s.first, -s.size_bytes),
        lambda s: (-s.last, -s.size_bytes),
        lambda s: (-s.size_bytes * (s.last - s.first + 1), s.first),
    )
    found = [_place(storages, _sorted(storages, order)) for order in orders]
    return min(found, key=lambda placed: placed[1])


def _sorted(storages: tuple[Storage, ...], order: Callable[[Storage], tuple[int, ...]]) -> list[int]:
    return sorted(range(len(storages)), key=lambda i: order(storages[i]))


def _place(storages: tuple[Storage, ...], order: list[int]) -> tuple[tuple[int, ...], int]:
    offsets: dict[int, int] = {}
    for i in order:
        own = storages[i]
        others = sorted(
            (offsets[j], offsets[j] + storages[j].size_bytes)
            for j in offsets
            if storages[j].first <= own.last and own.first <= storages[j].last
        )
        at = 0
        for start, end in others:
            if at + own.size_bytes <= start:
                break
            at = max(at, -(-end // ALIGNMENT) * ALIGNMENT)
        offsets[i] = at
    total = max((offsets[i] + storages[i].size_bytes for i in offsets), default=0)
    return tuple(offsets[i] for i in range(len(storages))), total
