"""Layers that a board counts itself (`profile --port`): the virtual one, over TCP, beside its own cycle model."""

from __future__ import annotations

import contextlib
import json
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

import tinyperf
from tests.graphs import O, T, build, constant
from tinyperf import board
from tinyperf.cli import invoke
from tinyperf.errors import DeviceError, UsageError
from tinyperf.virtual.board import open_virtual
from tinyperf.virtual.board.serve import Tcp, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COUNTING = "aot:layers=on"
MOST_APART = 60
"""Cycles of the two calls and the two readings between layers, and of code that lies elsewhere for their sake."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers."""
    path = tmp_path_factory.mktemp("model") / "two.tflite"
    weights = (np.arange(8 * 256) % 251 - 125).astype(np.int8).reshape(8, 256)
    ends = [T((1, 256), 0.1), T((1, 8), 0.5), T((1, 8), 1 / 256, -128)]
    ops = [O("FULLY_CONNECTED", [0, 3, 4], [1]), O("LOGISTIC", [1], [2])]
    parts = [constant(weights, 0.02), constant(np.zeros(8, np.int32), 0.002)]
    path.write_bytes(build([*ends, *parts], ops, [0], [2]))
    return path


@contextlib.contextmanager
def served(image: Path) -> Iterator[str]:
    """The URL of a virtual board in full detail that runs it."""
    over = threading.Event()
    link, wire = open_virtual(board.load("nucleo-l4r5zi"), image), Tcp(0)
    link.detailed = True
    thread = threading.Thread(target=serve, args=(link, wire), kwargs={"fast": True, "stop": over.is_set})
    thread.start()
    try:
        yield "socket://" + wire.place().removeprefix("socket://")
    finally:
        over.set()
        thread.join()
        wire.close()
        link.close()


@pytest.mark.slow
def test_a_board_says_what_its_layers_take(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    estimated = tinyperf.profile("nucleo-l4r5zi", model=model)
    image = tinyperf.build("nucleo-l4r5zi", model=model, engine=COUNTING)
    with served(image.path) as url:
        assert invoke(["profile", "--board", "nucleo-l4r5zi", "--model", str(model), "--port", url, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert invoke(["profile", "--board", "nucleo-l4r5zi", "--model", str(model), "--port", url]) == 0
        shown = capsys.readouterr().out
    assert found["estimated"] is False
    assert found["instructions_per_inference"] is None
    assert found["cycles_per_inference"] == sum(layer["cycles"] for layer in found["layers"])
    for here, there in zip(found["layers"], estimated.layers, strict=True):
        assert (here["op"], here["kernel"]) == (there.op, there.kernel)
        assert there.cycles <= here["cycles"] <= there.cycles + MOST_APART
    assert "instructions" not in shown
    assert "at 120 MHz (the sum of its layers)" in shown


@pytest.mark.slow
def test_other_firmware_is_told_how_to_get_the_right_one(model: Path) -> None:
    image = tinyperf.build("nucleo-l4r5zi", model=model)
    with served(image.path) as url, pytest.raises(DeviceError, match="build id") as error:
        tinyperf.profile("nucleo-l4r5zi", model=model, port=url)
    assert f"tinyperf flash --board nucleo-l4r5zi --engine {COUNTING} --model {model}" in error.value.hint


@pytest.mark.parametrize(
    ("named", "given"),
    [
        ("engine tflm", {"engine": "tflm"}),
        ("energy mode", {"energy": True}),
        ("cycle counter", {"board": "nucleo-g0b1re"}),
    ],
)
def test_what_cannot_count_is_refused_before_a_port_is_opened(model: Path, named: str, given: dict[str, str]) -> None:
    words = {"board": "nucleo-l4r5zi", "model": model, "port": "/dev/none", **given}
    with pytest.raises(UsageError, match=named):
        tinyperf.profile(**words)  # type: ignore[arg-type]  # a table of arguments
