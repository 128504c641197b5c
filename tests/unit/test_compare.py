"""`tinyperf compare`: engines side by side."""

from __future__ import annotations

import json
import shutil

import pytest

from tinyperf import board as boards
from tinyperf import cli, content
from tinyperf.errors import UsageError
from tinyperf.session import compare


def test_a_board_without_a_virtual_form() -> None:
    with pytest.raises(UsageError, match="there is no virtual disco-f746ng"):
        compare.compare(boards.load("disco-f746ng"), [], ["aot"])


@pytest.mark.slow
@pytest.mark.parametrize("board", ["nucleo-l4r5zi", "mps2-an386"])
def test_one_row_for_each_model_and_engine(board: str, capsys: pytest.CaptureFixture[str]) -> None:
    needed = "qemu-system-arm" if board == "mps2-an386" else "arm-none-eabi-gcc"
    if shutil.which(needed) is None or "ad" not in content.names("models", ".tflite"):
        pytest.skip(f"{needed} is not installed, or no ad model is shipped")
    pytest.importorskip("unicorn")
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
