"""What a plan spends where flash counts most, or where the chip has little of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import graphs, m4
from tinyperf import cli, cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.passes import compiled, compiled_for
from tinyperf.engines.aot.passes._flash import flash_bytes
from tinyperf.engines.aot.passes.emit import weights_bytes
from tinyperf.engines.aot.passes.place import place
from tinyperf.session import plans
from tinyperf.session.fleet import Row

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.engines import Optimize
    from tinyperf.engines.aot.graph import Graph

M4 = cores.load("cortex-m4")
RAW_BYTES = 9 * 32 * 32 + 32 * 64
"""Weights of the model as its file has them."""


def network() -> bytes:
    """int8 [1, 16, 16, 32] -> 3x3 -> 1x1, wide enough for the kernels that arrange their weights."""
    draw = np.random.default_rng(5)
    scales = [2.0**-10] * 64
    options = {"padding": 0, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    tensors = [
        graphs.T((1, 16, 16, 32), 1.0, -128),
        graphs.constant(draw.integers(-127, 128, (32, 3, 3, 32)).astype(np.int8), scales[:32], axis=0),
        graphs.constant(draw.integers(-3000, 3000, 32).astype(np.int32), scales[:32]),
        graphs.T((1, 16, 16, 32), 1.0, -128),
        graphs.constant(draw.integers(-127, 128, (64, 1, 1, 32)).astype(np.int8), scales, axis=0),
        graphs.constant(draw.integers(-3000, 3000, 64).astype(np.int32), scales),
        graphs.T((1, 16, 16, 64), 1.0, -128),
    ]
    ops = [graphs.O("CONV_2D", [0, 1, 2], [3], options), graphs.O("CONV_2D", [3, 4, 5], [6], options)]
    return graphs.build(tensors, ops, [0], [6])


MODEL = tflite.parse(network(), "network")


def constants_bytes(graph: Graph) -> int:
    return weights_bytes(graph, place(graph))


def cycles(graph: Graph) -> float:
    return sum(node.form.cycles for node in graph.nodes if node.form)


def test_flash_takes_the_weights_as_the_file_has_them() -> None:
    by = {way: compiled(MODEL, Target(M4, way)) for way in ("time", "balanced", "flash")}
    assert constants_bytes(by["flash"]) < RAW_BYTES + 96 * 16 + 64
    assert constants_bytes(by["time"]) > 2 * RAW_BYTES
    assert cycles(by["time"]) < cycles(by["flash"])


@pytest.mark.parametrize("way", ["time", "balanced", "ram"])
def test_a_plan_falls_back_until_it_fits(way: Optimize) -> None:
    least = flash_bytes(compiled(MODEL, Target(M4, "flash")))
    most = flash_bytes(compiled(MODEL, Target(M4, way)))
    rooms = [None, most - 1, least + 200, 0]
    made = [compiled(MODEL, Target(M4, way, room)) for room in rooms]
    for room, plan in zip(rooms[1:-1], made[1:-1], strict=True):
        assert room is not None
        assert flash_bytes(plan) <= room
    for one, other in pairwise(made):
        assert constants_bytes(other) <= constants_bytes(one)
    assert constants_bytes(made[0]) > constants_bytes(made[1])


def test_chips_of_one_core_are_planned_each_for_its_flash() -> None:
    targets = [Target(M4, "time", room) for room in (None, 1 << 20, 40_000, 1 << 19, 20_000)]
    together = [constants_bytes(graph) for graph in compiled_for(MODEL, targets)]
    assert together == [constants_bytes(compiled(MODEL, target)) for target in targets]
    assert together[0] == together[1] == together[3] > together[2]


def row(ms: float | None, arena: int, flash: int, *, fits: bool = True) -> Row:
    made = Row("one", "One", "cortex-m4", "emulated", 120_000_000, fits=fits, latency_ms=ms)
    return replace(made, arena_bytes=arena, flash_bytes=flash)


@pytest.mark.parametrize(
    ("rows", "pareto"),
    [
        pytest.param([row(1, 9, 9), row(9, 1, 9), row(9, 9, 1), row(5, 5, 5)], [True] * 4, id="each at something"),
        pytest.param([row(1, 5, 5), row(2, 5, 5)], [True, False], id="beaten in one"),
        pytest.param([row(1, 5, 5), row(1, 5, 5)], [True, True], id="equal"),
        pytest.param([row(1, 5, 5, fits=False), row(2, 6, 6)], [False, True], id="does not fit"),
        pytest.param([row(None, 1, 1), row(2, 6, 6)], [False, True], id="no figures"),
    ],
)
def test_plans_that_no_other_beats(rows: list[Row], pareto: list[bool]) -> None:
    judged = plans.judged([plans.Plan("time", one) for one in rows])
    assert [plan.pareto for plan in judged] == pareto


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        (["build", "--optimize", "ram", "--engine", "aot:optimize=time"], "both say what counts most"),
        (["build", "--engine", "tflm", "--optimize", "ram"], "no plans to choose from"),
        (["build", "--optimize", "all"], "'all' is not one of"),
        (["profile", "--optimize", "all", "--image", "x.hex"], "leave --image out"),
        (["profile", "--optimize", "all", "--clock", "all"], "name one --clock"),
        (["profile", "--optimize", "all", "--engine", "tflm"], "no plans to choose from"),
    ],
)
def test_what_makes_no_sense(words: list[str], seen: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke([*words, "--board", "nucleo-l4r5zi", "kws"]) == 2
    assert seen in " ".join(capsys.readouterr().err.split())


def test_optimize_is_short_for_the_engines_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "network.tflite"
    file.write_bytes(network())
    ways = {
        "short": ["--optimize", "flash", "--engine", "aot:fold=off"],
        "long": ["--engine", "aot:fold=off,optimize=flash"],
    }
    for name, words in ways.items():
        out = ["--form", "library", "-o", str(tmp_path / name), "--prefix", "net"]
        assert cli.invoke(["generate", "--board", "nucleo-l4r5zi", "--model", str(file), *words, *out]) == 0
    capsys.readouterr()
    short, long = ((tmp_path / name / "src" / "net_weights.h").read_text(encoding="utf-8") for name in ways)
    assert short == long
    assert len(short) < 4.2 * 2 * RAW_BYTES


@pytest.mark.slow
def test_the_smallest_plan_equals_the_wheel(tmp_path: Path) -> None:
    machine = m4.Machine(m4.build(ENGINE.generate(MODEL, Target(M4), {"optimize": "flash"}), tmp_path), MODEL)
    draw = np.random.default_rng(1)
    samples = [[draw.integers(-128, 128, (1, 16, 16, 32), np.int8)] for _ in range(2)]
    for sample, rows in zip(samples, graphs.wheel_all(network(), samples, outputs=1), strict=True):
        machine.infer(*sample)
        np.testing.assert_array_equal(machine.output(0), rows[0].ravel())


def test_an_arena_lies_beside_the_core_where_that_takes_few_cycles_more() -> None:
    """As of a tightly coupled memory: other memory takes a third more."""
    best = compiled(MODEL, Target(M4, "time"))
    wide = place(best).arena_bytes
    near = compiled(MODEL, Target(M4, "time", near_bytes=wide - 1))
    assert place(near).arena_bytes < wide
    assert cycles(best) < cycles(near) < 1.3 * cycles(best)
    assert place(compiled(MODEL, Target(M4, "time", near_bytes=wide))).arena_bytes == wide
    tiny = compiled(MODEL, Target(M4, "time", near_bytes=16))  # nothing fits
    assert [node.form for node in tiny.nodes] == [node.form for node in best.nodes]
