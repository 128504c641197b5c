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
from tinyperf.engines.aot.fold import fold
from tinyperf.engines.aot.lower import lower
from tinyperf.engines.aot.plan import ARENA_ALIGNMENT, Storage, pack, plan
from tinyperf.engines.aot.select import select
from tinyperf.engines.aot.work import Alias

if TYPE_CHECKING:
    from tinyperf.engines.aot.plan import Plan
    from tinyperf.engines.aot.select import Choice

MODELS = (
    *("kws_ref_model", "vww_96_int8", "pretrainedResnet_quant", "ad01_int8"),
    *("str_ww_ref_model", "pretrainedResnet_large_int8"),
)
TARGETS = {"host": Target(cores.load("host")), "m4": Target(cores.load("cortex-m4"))}
SCRATCH = -2


def replay(model: tflite.Model, choices: tuple[Choice, ...], placed: Plan) -> None:
    """Each byte holds the tag of the tensor whose value it is; every step must find its inputs whole."""
    memory = np.full(placed.arena_bytes, -1)
    value = {model.inputs[0]: model.inputs[0]}  # a RESHAPE's output is its input's value

    def span(tensor: int) -> slice:
        start = placed.tensors[tensor]
        assert start % 4 == 0
        assert start + model.tensors[tensor].elements <= placed.arena_bytes
        return slice(start, start + model.tensors[tensor].elements)

    memory[span(model.inputs[0])] = model.inputs[0]
    for position, choice in enumerate(choices):
        step = choice.step
        given = [i for i in step.inputs if model.tensors[i].data is None]
        for tensor in given:
            assert (memory[span(tensor)] == value[tensor]).all(), f"step {position}: input {tensor} was overwritten"
        if isinstance(step.work, Alias):
            value[step.output] = value[step.inputs[0]]
            assert span(step.output) == span(step.inputs[0])
            continue
        out = span(step.output)
        if choice.cost.scratch_bytes:
            start = placed.scratch[position]
            scratch = slice(start, start + choice.cost.scratch_bytes)
            assert scratch.stop <= placed.arena_bytes
            assert scratch.stop <= out.start or out.stop <= scratch.start
            memory[scratch] = SCRATCH
            for tensor in given:
                assert (memory[span(tensor)] == value[tensor]).all(), f"step {position}: scratch over {tensor}"
        for tensor in given:
            apart = span(tensor).stop <= out.start or out.stop <= span(tensor).start
            assert apart or (position in placed.in_place and span(tensor) == out)
        memory[out] = value[step.output] = step.output
    for tensor in (model.inputs[0], model.outputs[0]):
        assert (memory[span(tensor)] == value[tensor]).all(), f"tensor {tensor} did not survive the inference"


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", MODELS)
def test_no_two_live_tensors_overlap(name: str, target: str) -> None:
    model = fold(tflite.load(find(f"reference_models/{name}.tflite")))
    choices = select(lower(model), TARGETS[target])
    placed = plan(model, choices)
    assert placed.arena_bytes % ARENA_ALIGNMENT == 0
    replay(model, choices, placed)


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
