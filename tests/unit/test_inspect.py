"""`tinyperf inspect`: what is said of a model, of engines and boards, and how soon."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import tinyperf
from tests import graphs
from tests.data import DATA
from tests.flatbuffer import write
from tests.graphs import G, O, T, constant
from tinyperf import board, cli, cores, tflite
from tinyperf.chip import Linked
from tinyperf.described import described
from tinyperf.engines import Target, engine
from tinyperf.session import inspect as session

if TYPE_CHECKING:
    from tinyperf.session.inspect import Inspection

GOLDEN = Path(__file__).parents[1] / "golden"
BOARD = "nucleo-l4r5zi"


def small(kind: str = "RELU") -> bytes:
    """int8 [1, 16] -> FULLY_CONNECTED -> `kind` -> [1, 4]."""
    codes = (np.arange(64).reshape(4, 16) % 17 - 8).astype(np.int8)
    tensors = [
        T((1, 16), 0.05, -3),
        constant(codes, 0.01),
        constant(np.arange(4, dtype=np.int32), 0.0005),
        T((1, 4), 0.08, 5),
        T((1, 4), 0.08, 5),
    ]
    return graphs.build(tensors, [O("FULLY_CONNECTED", [0, 1, 2], [3]), O(kind, [3], [4])], [0], [4])


def shown(data: bytes, capsys: pytest.CaptureFixture[str], tmp_path: Path, *arguments: str) -> str:
    path = tmp_path / "small.tflite"
    path.write_bytes(data)
    assert cli.invoke(["inspect", str(path), *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "golden"), [pytest.param("RELU", "inspect_runs.txt"), pytest.param("TILE", "inspect_refused.txt")]
)
def test_golden(kind: str, golden: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = shown(small(kind), capsys, tmp_path, "--board", BOARD, "--board", "host")
    if os.environ.get("TINYPERF_UPDATE_GOLDEN"):
        (GOLDEN / golden).write_text(text, encoding="utf-8")
    assert text == (GOLDEN / golden).read_text(encoding="utf-8")


def kinds(value: Any) -> Any:
    """JSON with every value replaced by its type."""
    if isinstance(value, dict):
        return {key: kinds(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [kinds(entry) for entry in value[:1]]
    return type(value).__name__


def test_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    found = json.loads(shown(small(), capsys, tmp_path, "--board", BOARD, "--engine", "aot", "--json"))
    end = {"index": "int", "name": "str", "shape": ["int"], "dtype": "str", "scale": ["float"], "zero_point": ["int"]}
    assert kinds(found) == {
        "model": "str",
        "sha256": "str",
        "size_bytes": "int",
        "description": "str",
        "metadata": [],
        "signatures": [],
        "subgraphs": "int",
        "inputs": [end],
        "outputs": [end],
        "boundary": [],
        "variables": "int",
        "operators": [{"kind": "str", "count": "int", "macs": "int", "types": ["str"]}],
        "macs": "int",
        "weights_bytes": "int",
        "engines": [
            {"engine": "str", "runs": "bool", "reasons": [], "means": "str", "hint": "str", "notes": []},
        ],
        "fits": [
            {
                "board": "str",
                "engine": "str",
                "fits": "bool",
                "reasons": [],
                "arena_bytes": "int",
                "arena_planned": "bool",
                "arena_room_bytes": "int",
                "other_ram_bytes": "int",
                "weights_bytes": "int",
                "code_bytes": "int",
                "flash_room_bytes": "int",
            }
        ],
    }
    assert (found["macs"], found["weights_bytes"]) == (64, 64 + 16)


@pytest.mark.parametrize("name", ["kws", "vww"])
def test_a_shipped_model_fits_as_it_is_generated(name: str) -> None:
    """Arena and weights are those of the sources, to the byte."""
    found = tinyperf.inspect(name, boards=[BOARD, "host"], engines=["aot"])
    model = tflite.load(Path(tinyperf.__file__).parents[1] / "models" / f"{name}.tflite")
    for fit, core in zip(found.fits, ("cortex-m4", "host"), strict=True):
        made = engine("aot").generate(model, Target(cores.load(core)), {})
        assert (fit.arena_bytes, fit.weights_bytes) == (made.arena_bytes, made.weights_bytes)
        assert fit.fits


def judged(data: bytes, arena: str | None, **memory: int) -> Inspection:
    """On the NUCLEO with blocks of other sizes, and an arena of its own or in all RAM."""
    chosen = board.load(BOARD)
    regions = {block.name: block for block in chosen.chip.memories}
    memories = [block.model_copy(update={"bytes": memory.get(name, block.bytes)}) for name, block in regions.items()]
    link = Linked(flash="flash", ram=["sram1", "sram2", "sram3"] if arena is None else "sram1", arena=arena)
    chip = chosen.chip.model_copy(update={"memories": memories, "link": link})
    return session.inspect(tflite.parse(data, "m"), [chosen.model_copy(update={"chip": chip})], ["aot"])


@pytest.mark.parametrize(
    ("arena", "memory", "reason"),
    [
        pytest.param(None, {}, "", id="all fits"),
        pytest.param(None, {"sram1": 4096, "sram2": 16, "sram3": 16}, "bytes beside it need", id="RAM"),
        pytest.param("sram3", {"sram1": 4096, "sram3": 16}, "the arena of ", id="arena"),
        pytest.param("sram3", {"sram1": 4096}, "beside the arena need", id="stack and buffers"),
        pytest.param("sram3", {"flash": 8192}, "weights and about ", id="flash"),
    ],
)
def test_what_does_not_fit_is_said(arena: str | None, memory: dict[str, int], reason: str) -> None:
    (fit,) = judged(small(), arena, **memory).fits
    assert fit.fits == (not reason)
    assert all(reason in said for said in fit.reasons)
    assert len(fit.reasons) == bool(reason)


def test_signatures_and_damage_in_them() -> None:
    whole = graphs.model(G([T((1, 4), 0.1), T((1, 4), 0.1)], [O("RELU", [0], [1])], [0], [1]))
    named = {"name": "x", "tensor_index": 0}
    signature = {"signature_key": "serve", "inputs": [named], "outputs": [{"name": "y", "tensor_index": 1}]}
    whole |= {"description": "made by hand", "signature_defs": [signature]}
    data = write(whole)
    found = described(tflite.parse(data, "m"))
    assert (found.description, found.signatures[0].key) == ("made by hand", "serve")
    assert (found.signatures[0].inputs, found.signatures[0].outputs) == ({"x": 0}, {"y": 1})
    model = tflite.parse(data, "m")
    for at in range(8, len(data) - 4, 4):  # any word changed: something is said, and nothing raised
        described(dataclasses.replace(model, data=data[:at] + b"\xff\xff\xff\x7f" + data[at + 4 :]))


def test_without_a_compiler() -> None:
    """How long it takes is perf/startup.py's to say."""
    command = [sys.executable, "-m", "tinyperf", "inspect", "kws", "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PATH": "/nowhere"}, check=True)
    assert json.loads(ran.stdout)["engines"][0]["runs"]


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "zoo").is_dir(), reason="no zoo of models")
def test_of_every_model_something_is_said() -> None:
    """An engine runs it, or says why not and what to do."""
    for path in sorted((DATA / "zoo").glob("*.tflite")):
        found = tinyperf.inspect(path, boards=[BOARD])
        for verdict in found.engines:
            assert verdict.runs or (verdict.reasons and verdict.hint), path
