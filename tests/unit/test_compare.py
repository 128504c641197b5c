"""`tinyperf compare`: engines side by side."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests import graphs
from tests.graphs import O, T
from tinyperf import board as boards
from tinyperf import cli, content
from tinyperf.engines.tflm import registered
from tinyperf.errors import UsageError
from tinyperf.session import compare

if TYPE_CHECKING:
    from pathlib import Path


def test_a_board_without_a_virtual_form() -> None:
    whole = boards.load("disco-f746ng")
    board = whole.model_copy(update={"chip": whole.chip.model_copy(update={"emulator": None})})
    with pytest.raises(UsageError, match="there is no virtual disco-f746ng"):
        compare.compare(board, [], ["aot"])


def test_an_unknown_engine_is_no_row() -> None:
    with pytest.raises(UsageError, match="unknown engine 'nosuch'"):
        compare.compare(boards.load("nucleo-l4r5zi"), [], ["aot", "nosuch"])


@pytest.mark.slow
def test_an_engine_that_is_not_here_has_a_row_that_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No TFLM is registered, and git cannot be found; aot's row stands, and the exit code is 0."""
    for program in ("arm-none-eabi-gcc", "arm-none-eabi-g++"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    monkeypatch.setenv("TINYPERF_CONFIG", str(tmp_path))
    monkeypatch.setattr(registered, "installed", lambda _: False)
    path = tmp_path / "small.tflite"
    path.write_bytes(graphs.build([T((1, 4), 0.1), T((1, 4), 0.1)], [O("RELU", [0], [1])], [0], [1]))
    argv = ["compare", "--model", str(path), "--engine", "aot", "--engine", "tflm", "--json"]
    assert cli.invoke(argv) == 0
    aot, tflm = json.loads(capsys.readouterr().out)
    assert (aot["mismatches"], aot["missing"]) == (0, None)
    assert tflm["estimated_ms"] is tflm["mismatches"] is None
    assert "TensorFlow Lite Micro is not on this machine" in tflm["missing"]["seen"]
    assert "tinyperf tflm use" in tflm["missing"]["hint"]
    assert cli.invoke(argv[:-1]) == 0
    assert "TensorFlow Lite Micro is not on this machine" in capsys.readouterr().out
    assert cli.invoke(["compare", "--model", str(path), "--engine", "tflm", "--json"]) == 3  # no row at all


@pytest.mark.slow
@pytest.mark.parametrize("board", ["nucleo-l4r5zi", "mps2-an386"])
def test_one_row_for_each_model_and_engine(board: str, capsys: pytest.CaptureFixture[str]) -> None:
    needed = "qemu-system-arm" if board == "mps2-an386" else "arm-none-eabi-gcc"
    if shutil.which(needed) is None or "ad" not in content.names("models", ".tflite"):
        pytest.skip(f"{needed} is not installed, or no ad model is shipped")
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    assert cli.invoke(["compare", "ad", "--board", board, "--engine", "aot", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["model"], row["engine"], row["mismatches"], row["values"]) == ("ad", "aot", 0, 1920)
    assert row["flash_bytes"] > row["code_bytes"] > 0
    if board == "nucleo-l4r5zi":
        assert 264_192 < row["instructions"] < 2_000_000  # more than its MACs, and not by far
        assert row["estimated_ms"] > 1.0
    else:
        assert row["instructions"] is None  # QEMU's clock and ours have nothing to say
        assert row["estimated_ms"] is None
