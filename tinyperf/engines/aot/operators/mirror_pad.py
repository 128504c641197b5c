"""MIRROR_PAD: the image goes on as in a mirror, with its edge or without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf.engines.aot.operators import Arity, Operator, moved
from tinyperf.engines.aot.operators._constant import numbers
from tinyperf.engines.aot.operators._picked import Picked, picked
from tinyperf.engines.aot.operators._rules import codes_are_copied
from tinyperf.engines.aot.operators._strided import strides_of

if TYPE_CHECKING:
    from tinyperf.engines.aot.operators import Use
    from tinyperf.engines.aot.operators._sample import Random, Sample

REFLECT = 0
"""MirrorPadMode of the schema: the edge itself is not repeated; SYMMETRIC (1): it is."""


def _pairs(use: Use) -> list[tuple[int, int]]:
    """What stands before and behind along each dimension."""
    paddings = numbers(use, 1)
    return list(zip(paddings[::2], paddings[1::2], strict=True))


def paddings_are_mirrored(use: Use) -> str | None:
    """Paddings are a constant int32 or int64 pair for each dimension, none negative and none longer than what can be
    mirrored; they give the output.
    """
    shape, paddings = use.input(0).shape, use.input(1)
    if paddings.data is None or paddings.dtype not in {"int32", "int64"} or paddings.shape != (len(shape), 2):
        return f"paddings of shape {list(paddings.shape)} {paddings.dtype} for input {list(shape)}"
    most = [n - (use.number("mode") == REFLECT) for n in shape]
    pairs = _pairs(use)
    if any(not 0 <= p <= n for pair, n in zip(pairs, most, strict=True) for p in pair):
        return f"paddings {pairs} of {list(shape)}"
    made = tuple(n + sum(pair) for n, pair in zip(shape, pairs, strict=True))
    return None if made == use.output.shape else f"output {list(use.output.shape)}, expected {list(made)}"


def lower(use: Use) -> Picked:
    """micro/kernels/mirror_pad.cc."""
    shape, mode = use.input(0).shape, "reflect" if use.number("mode") == REFLECT else "symmetric"
    sides = zip(shape, _pairs(use), strides_of(shape), strict=True)
    tables = [
        np.pad(np.arange(n) * stride, pair, mode=mode).tolist()  # type: ignore[call-overload]  # the mode is a literal there
        for n, pair, stride in sides
    ]
    return picked(use.input(0), tables)


def sample(random: Random) -> Sample:
    shape = (1, *(random.integer(1, 5) for _ in range(random.integer(1, 3))))
    mode = random.integer(0, 1)
    pairs = np.array([[random.integer(0, n - 1 + mode) for _ in range(2)] for n in shape], np.int32)
    pairs[0] = 0
    given = random.tensor(shape, random.scale())
    made = random.like(given, tuple(n + int(pair.sum()) for n, pair in zip(shape, pairs, strict=True)))
    return random.use("MIRROR_PAD", (given, random.constant(pairs), made), (0, 1), {"mode": mode})


OPERATOR = Operator(
    kind="MIRROR_PAD",
    arity=Arity(2, 2),
    rules=(paddings_are_mirrored, codes_are_copied),
    lower=lower,
    sample=sample,
    types=moved("int8", "float32"),
)
