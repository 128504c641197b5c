"""The memory plan, checked by replaying an inference on tagged bytes: an own look at lives, none of the planner's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data import find
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.passes import compiled
from tinyperf.engines.aot.passes.place import ARENA_ALIGNMENT, Storage, pack, place

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from tinyperf.engines.aot.graph import Graph
    from tinyperf.engines.aot.passes.place import Plan

MODELS = (
    *("kws_ref_model", "vww_96_int8", "pretrainedResnet_quant", "ad01_int8"),
    *("str_ww_ref_model", "pretrainedResnet_large_int8"),
)
TARGETS = {"host": Target(cores.load("host")), "m4": Target(cores.load("cortex-m4"))}
SCRATCH = -2


def replay(graph: Graph, placed: Plan) -> None:
    """Each byte holds the tag of the value whose it is; every node must find its inputs whole.

    Tags are counted over the bytes of a value, so that a part of a value is told from another part. A node with a
    lead reads its input byte by byte just ahead of what it writes.
    """
    memory = np.full(placed.arena_bytes, -1, np.int64)
    content: dict[int, npt.NDArray[np.int64]] = {}

    def span(i: int) -> slice:
        start, size = placed.values[i], graph.values[i].size_bytes
        assert start % 4 == 0
        assert start + size <= placed.arena_bytes
        return slice(start, start + size)

    def make(i: int) -> None:
        content[i] = np.arange(graph.values[i].size_bytes) + (i << 32)
        memory[span(i)] = content[i]

    for i in graph.inputs:
        make(i)
    for position, node in enumerate(graph.nodes):
        form = node.form or Form()
        given = [i for i in node.inputs if graph.values[i].data is None]
        whole(memory, span, content, given, f"node {position}")
        if position in placed.scratch:
            scratch = slice(placed.scratch[position], placed.scratch[position] + form.scratch_bytes)
            assert scratch.stop <= placed.arena_bytes
            memory[scratch] = SCRATCH
            whole(memory, span, content, given, f"node {position}: scratch")
            assert all(scratch.stop <= span(i).start or span(i).stop <= scratch.start for i in node.outputs)
        for shared in form.shared:
            one, other = node.inputs[shared.input], node.outputs[shared.output]
            assert placed.values[other] - placed.values[one] == shared.offset
        for out in node.outputs:
            if form.shared:
                content[out] = memory[span(out)].copy()
                continue
            for order, i in enumerate(node.inputs):
                lead = form.lead_of(order)
                if i not in given or span(i).stop <= span(out).start or span(out).stop <= span(i).start:
                    continue
                assert lead is not None, f"node {position}: output {out} lies over input {i}"
                assert span(out).start <= span(i).start - lead
                assert lead or span(out) == span(i)
            make(out)
    whole(memory, span, content, [*graph.inputs, *graph.outputs], "after the inference")


def whole(
    memory: npt.NDArray[np.int64],
    span: Callable[[int], slice],
    content: dict[int, npt.NDArray[np.int64]],
    values: list[int],
    when: str,
) -> None:
    for i in values:
        assert (memory[span(i)] == content[i]).all(), f"{when}: value {i} was overwritten"


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", MODELS)
def test_no_two_live_values_overlap(name: str, target: str) -> None:
    graph = compiled(tflite.load(find(f"reference_models/{name}.tflite")), TARGETS[target])
    placed = place(graph)
    assert placed.arena_bytes % ARENA_ALIGNMENT == 0
    replay(graph, placed)


STORAGE = st.builds(
    lambda size, first, length: Storage("x", size, first, first + length),
    st.integers(1, 1000),
    st.integers(0, 20),
    st.integers(0, 8),
)


@settings(deadline=None, derandomize=True, database=None)
@given(storages=st.lists(STORAGE, max_size=25))
def test_packing_keeps_lives_apart(storages: list[Storage]) -> None:
    offsets, total = pack(tuple(storages))
    placed = list(zip(offsets, storages, strict=True))
    for i, (at, one) in enumerate(placed):
        assert at + one.size_bytes <= total
        for other_at, other in placed[i + 1 :]:
            together = one.first <= other.last and other.first <= one.last
            assert not together or at + one.size_bytes <= other_at or other_at + other.size_bytes <= at


def test_packing_is_tight_where_lives_do_not_meet() -> None:
    storages = (Storage("a", 100, 0, 1), Storage("b", 60, 1, 2), Storage("c", 100, 2, 3))
    assert pack(storages)[1] == 160
