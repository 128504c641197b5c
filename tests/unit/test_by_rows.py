"""Works that are done row by row: rows replayed on tagged bytes, and random chains and branches against the wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import forced, graphs, rows
from tests.data import find
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot.graph import Form
from tinyperf.engines.aot.passes import compiled
from tinyperf.engines.aot.passes.emit import emit
from tinyperf.engines.aot.passes.place import place
from tinyperf.engines.aot.rows import ByRows

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.cores import Core
    from tinyperf.engines import Optimize
    from tinyperf.engines.aot.rows import Image, Stage

M4, HOST = cores.load("cortex-m4"), cores.load("host")
SEEDS = range(10, 30)
OVER = -1


class Replay:
    """The C of a layer on rows of tags: an own look at what is there when, the output lying over one of the inputs.

    lead: of the last work on a row; None: it reads the rows that it sees again until its own is written.
    """

    def __init__(self, work: ByRows, over: int, lead: int | None) -> None:
        self.work, self.over, self.row_lead = work, over, lead
        self.lead = work.leads(Form(lead=(lead, lead)))[over]
        self.memory = np.full(self.lead + sum(map(size, (work.given[over], work.stages[-1].made))), OVER)
        self.memory[self.lead : self.lead + size(work.given[over])] = tags(work.given[over])
        self.first = [0] * len(work.stages)
        self.held: list[list[int]] = [[] for _ in work.stages]
        self.made = [0] * len(work.stages)

    def run(self) -> None:
        last = len(self.work.stages) - 1
        for y, step in enumerate(self.work.steps()):
            for i, (first, end) in enumerate(zip(step.first, step.end, strict=True)):
                self.forget(i, first)
                while self.made[i] < end:
                    self.see(self.work.stages[i], self.made[i])
                    self.held[i].append(self.made[i])
                    self.made[i] += 1
                assert len(self.held[i]) <= self.work.rooms[i]
            self.see(self.work.stages[last], y)
            self.write(y)

    def forget(self, i: int, first: int) -> None:
        self.made[i] = max(self.made[i], first)
        self.held[i] = [row for row in self.held[i] if row >= first]

    def see(self, stage: Stage, y: int) -> None:
        """Every row that row y of the stage's output sees is whole."""
        for i, sight in zip(stage.given, stage.sights, strict=True):
            top = y * sight.step - sight.above
            for row in range(max(top, 0), min(top + sight.reach, sight.height)):
                if i >= len(self.work.given):
                    assert row in self.held[i - len(self.work.given)]
                elif i == self.over:
                    start = self.lead + row * self.work.given[i].row_bytes
                    assert (self.memory[start : start + self.work.given[i].row_bytes] == row).all()

    def write(self, y: int) -> None:
        """Byte by byte, `row_lead` bytes ahead of what is then read of the row's own input."""
        row = self.work.stages[-1].made.row_bytes
        self.memory[y * row : (y + 1) * row] = OVER
        if self.row_lead is None:
            self.see(self.work.stages[-1], y)


def size(image: Image) -> int:
    return image.height * image.row_bytes


def tags(image: Image) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.repeat(np.arange(image.height), image.row_bytes)


def separable() -> bytes:
    """int8 [1, 48, 48, 8] -> 1x1, 16 channels -> depthwise 3x3 of stride 2."""
    draw = np.random.default_rng(0)
    tensors = [graphs.T((1, 48, 48, 8), 1.0, -128)]
    for weights, shape in (((16, 1, 1, 8), (1, 48, 48, 16)), ((1, 3, 3, 16), (1, 24, 24, 16))):
        tensors += [
            graphs.constant(draw.integers(-127, 128, weights).astype(np.int8), 2.0**-9),
            graphs.constant(draw.integers(-3000, 3000, 16).astype(np.int32), 2.0**-9),
            graphs.T(shape, 1.0, -128),
        ]
    options = {"padding": 0, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    strided = options | {"strideH": 2, "strideW": 2, "depthMultiplier": 1}
    ops = [graphs.O("CONV_2D", [0, 1, 2], [3], options), graphs.O("DEPTHWISE_CONV_2D", [3, 4, 5], [6], strided)]
    return graphs.build(tensors, ops, [0], [6])


def test_every_row_is_there_as_long_as_it_is_seen() -> None:
    works = [rows.work_of(rows.drawn(seed)) for seed in SEEDS]
    assert any(len(work.readers(0)) > 1 for work in works)
    assert any(work.leads(Form())[0] > 0 for work in works)
    for work in works:
        for lead in (None, 0):
            Replay(work, 0, lead).run()


def test_an_image_between_is_never_whole() -> None:
    """Of three rows of windows, three rows at a time: 48 rows go by, and the output lies where the input was."""
    graph = compiled(tflite.parse(separable(), "separable"), Target(M4, "ram"))
    (work,) = (node.work for node in graph.nodes if isinstance(node.work, ByRows))
    assert work.rooms == (3,)
    plan = place(graph, keeps_input=False)
    assert plan.arena_bytes < 48 * 48 * 8 + 3 * 48 * 16 + 4096
    text = emit(forced.described(graph), graph, plan, Target(M4)).sources["model.c"]
    assert "struct tp_rows a" in text
    assert max(map(len, text.splitlines())) <= 100
    ways: tuple[Optimize, ...] = ("time", "balanced", "flash")
    for way in ways:
        other = compiled(tflite.parse(separable(), "separable"), Target(M4, way))
        assert not any(isinstance(node.work, ByRows) for node in other.nodes)


@pytest.mark.slow
def test_little_is_not_worth_the_cycles() -> None:
    """Of 3,664 bytes it would spare 32, in two fifths more cycles."""
    graph = compiled(tflite.load(find("reference_models/str_ww_ref_model.tflite")), Target(M4, "ram"))
    assert not any(isinstance(node.work, ByRows) for node in graph.nodes)


@pytest.mark.slow
@pytest.mark.parametrize("core", [HOST, M4], ids=lambda core: core.name)
def test_forms_on_a_row_equal_the_wheel(core: Core, tmp_path: Path) -> None:
    layers = [list(forced.forms_of(rows.drawn(seed), core)) for seed in range(100, 116)]
    forms = [each[n % len(each)] for n, each in enumerate(layers)]
    forced.compare(forms, core, tmp_path, 4)
    kernels = {row.kernel for one in forms for row in one.form.rows}
    assert {"conv_2d", "depthwise_conv_2d", "pool_2d", "add"} <= {kernel.removesuffix("_dsp") for kernel in kernels}
