"""Weights in RAM: where they stand, what that takes, who is refused, and that nothing else changes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import m4
from tests.unit.test_optimize import MODEL
from tinyperf import board as boards
from tinyperf import cores
from tinyperf.engines import Footprint, Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.interpret import interpret
from tinyperf.engines.aot.passes import compiled
from tinyperf.firmware.render import render
from tinyperf.session import inspect

if TYPE_CHECKING:
    from pathlib import Path

M4 = Target(cores.load("cortex-m4"), "time")
RESIDENT = {"weights": "ram", "optimize": "time"}
WEIGHTS = "model_weights.h"


def test_constants_are_writable_and_counted() -> None:
    made = ENGINE.generate(MODEL, M4, RESIDENT)
    flash = ENGINE.generate(MODEL, M4, {"optimize": "time"})
    assert made.resident_bytes == made.weights_bytes > flash.resident_bytes == 0
    arrays = made.sources[WEIGHTS].count("] TP_RESIDENT = {")
    assert arrays == len(re.findall(r"^static \w", made.sources[WEIGHTS], re.MULTILINE)) > 0
    assert "static const" not in made.sources[WEIGHTS]
    assert "TP_RESIDENT" not in flash.sources[WEIGHTS]
    footprints = ENGINE.footprints(MODEL, [M4], RESIDENT)
    assert [each and each.resident_bytes for each in footprints] == [made.resident_bytes]


def test_layers_are_done_by_kernels_that_copy_nothing() -> None:
    kernels = {layer.kernel for layer in ENGINE.generate(MODEL, M4, RESIDENT).layers}
    assert "conv_pairs_resident_dsp" in kernels
    for options in ({}, {"optimize": "ram"}, {"optimize": "flash"}):
        assert "conv_pairs_resident_dsp" not in {layer.kernel for layer in ENGINE.generate(MODEL, M4, options).layers}


@pytest.mark.parametrize(
    ("board", "arena_bytes", "weights_bytes", "data", "arena"),
    [
        # Side by side at the end of the RAM, where the largest memory is.
        ("nucleo-l4r5zi", 2048, 264_000, "MAX(., ORIGIN(RAM) + LENGTH(RAM) - 267072) : RAM", "RAM"),
        ("disco-f746ng", 20_000, 40_000, " : ARENA", "ARENA"),
        ("disco-f746ng", 20_000, 60_000, "MAX(., ORIGIN(RAM) + LENGTH(RAM) - 61024) : RAM", "ARENA"),
        ("disco-f746ng", 70_000, 60_000, "MAX(., ORIGIN(RAM) + LENGTH(RAM) - 131024) : RAM", "RAM"),
        ("disco-f746ng", 20_000, 0, " : RAM", "ARENA"),
    ],
)
def test_weights_lie_with_the_arena(board: str, arena_bytes: int, weights_bytes: int, data: str, arena: str) -> None:
    described = boards.load(board)
    made = replace(ENGINE.generate(MODEL, M4, {}), arena_bytes=arena_bytes, resident_bytes=weights_bytes)
    script = render(described, MODEL, made, benchmark=None).files["ldscript.ld"]
    section = re.search(r"^    \.data(.*?:)\n.*?} > (\w+) AT", script, re.MULTILINE | re.DOTALL)
    assert section is not None
    assert f"{section[1]} {section[2]}".strip() == data.strip()
    assert re.search(rf"\*\(\.arena \.arena\.\*\)\n    }} > {arena}$", script, re.MULTILINE)


@pytest.mark.parametrize(
    ("board", "resident_bytes", "reason"),
    [
        ("nucleo-l4r5zi", 600_000, ""),
        (
            "nucleo-l4r5zi",
            650_000,
            "the arena of 2,048 bytes, weights of 650,000 bytes and about 9,500 bytes",
        ),
        ("disco-f746ng", 40_000, ""),
        ("disco-f746ng", 300_000, "weights of 300,000 bytes and about 9,500 bytes beside the arena need 309,500 bytes"),
    ],
)
def test_an_inspection_counts_them(board: str, resident_bytes: int, reason: str) -> None:
    memory = boards.load(board).memory
    assert memory is not None
    taken = Footprint(2048, planned=True, weights_bytes=100, code_bytes=100, resident_bytes=resident_bytes)
    told = inspect._reasons(memory, taken, 9500)  # noqa: SLF001  (the reasons alone, without a model of that size)
    assert [one[: len(reason)] for one in told] == ([reason] if reason else [])


@pytest.mark.slow
def test_outputs_are_those_of_the_interpreter(tmp_path: Path) -> None:
    elf = m4.build(ENGINE.generate(MODEL, M4, RESIDENT), tmp_path)
    machine = m4.Machine(elf, MODEL)
    graph = compiled(MODEL, M4)
    draw = np.random.default_rng(3)
    for _ in range(2):
        codes = draw.integers(-128, 128, (1, 16, 16, 32)).astype(np.int8)
        machine.infer(codes)
        np.testing.assert_array_equal(machine.output(0), interpret(graph, codes)[0].ravel())
