"""Limits for models on boards: kept, broken, not to be found out; and what is no budget."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import tinyperf
from tests.graphs import O, T, build, constant
from tinyperf import cli, description
from tinyperf.errors import ContentError, TinyperfError, UsageError
from tinyperf.session import budget
from tinyperf.session.budget import Held

DOCUMENT = (Path(__file__).parents[2] / "docs" / "budget.md").read_text(encoding="utf-8")


def small(folder: Path) -> Path:
    """A model of eight floats that gives the largest of them the highest score, and five inputs of it."""
    ends = [T((1, 8), dtype="float32"), T((1, 8), dtype="float32")]
    ops = [O("FULLY_CONNECTED", [0, 2], [1])]
    (folder / "small.tflite").write_bytes(build([*ends, constant(np.eye(8, dtype=np.float32))], ops, [0], [1]))
    np.savez(folder / "test.npz", x=np.eye(8, dtype=np.float32)[:5], y=np.array([0, 1, 2, 3, 0]))
    return folder


@pytest.mark.slow
def test_limits_are_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    (small(tmp_path) / "budget.yaml").write_text(
        "limits:\n"
        "- {model: small.tflite, board: nucleo-l4r5zi, latency_ms: 10, flash_bytes: 100, ram_bytes: 100000}\n"
        "- {model: small.tflite, board: host, latency_ms: 10, accuracy: 0.8, data: test.npz}\n"
        "- {model: small.tflite, board: nucleo-l4r5zi, accuracy: 0.81, data: test.npz}\n"
    )
    assert cli.invoke(["check-budget", str(tmp_path / "budget.yaml"), "-o", str(tmp_path / "c.md"), "--json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    kept = {(row["board"], row["what"], row["limit"]): row["kept"] for row in shown["limits"]}
    assert kept == {
        ("nucleo-l4r5zi", "latency_ms", 10.0): True,
        ("nucleo-l4r5zi", "flash_bytes", 100.0): False,
        ("nucleo-l4r5zi", "ram_bytes", 100000.0): True,
        ("host", "latency_ms", 10.0): False,  # a process has no latency of a board
        ("host", "top1", 0.8): True,
        ("nucleo-l4r5zi", "top1", 0.81): False,
    }
    assert (shown["kept"], shown["broken"]) == (False, 3)
    text = (tmp_path / "c.md").read_text(encoding="utf-8")
    assert "**3 of 6 limits broken**" in text
    assert "estimate ±" in text


def test_the_table_says_what_broke_first_and_what_is_an_estimate() -> None:
    rows = [
        Held("kws", "b", "aot", "flash_bytes", 60000, 48388, kept=True, estimated=False, error_percent=None),
        Held("kws", "b", "aot", "latency_ms", 60, 62.375, kept=False, estimated=True, error_percent=7.0),
        Held("m", "b", "aot", "top1", 0.9, None, kept=False, estimated=False, error_percent=None, reason="a | b"),
    ]
    lines = tinyperf.budget_table(rows).splitlines()
    assert lines[0] == "### Budget: **2 of 3 limits broken**"
    assert lines[4] == "| **broken** | kws | b | aot | latency_ms | ~62.375 | 60.000 | estimate ±7 % |"
    assert lines[5] == "| **broken** | m | b | aot | top1 | - | 0.9000 | a \\| b |"
    assert lines[6] == "| ok | kws | b | aot | flash_bytes | 48388 | 60000 |  |"


@pytest.mark.parametrize(
    ("line", "kind", "seen"),
    [
        ("{board: host, latency_ms: 1}", ContentError, "names neither benchmark nor model"),
        ("{benchmark: kws, board: host}", ContentError, "has no limit"),
        ("{benchmark: kws, board: host, accuracy: 0.9}", ContentError, "an accuracy needs data"),
        ("{benchmark: kws, board: host, accuracy: 90, data: d}", ContentError, "less than or equal to 1"),
        ("{benchmark: kws, board: host, latencyms: 1}", ContentError, "did you mean latency_ms?"),
        ("{benchmark: kws, board: host, latency_ms: .nan}", ContentError, "latency_ms"),
        ("{benchmark: kwss, board: host, latency_ms: 1}", UsageError, "unknown benchmark"),
        ("{benchmark: kws, board: hots, latency_ms: 1}", UsageError, "unknown board"),
        ("{benchmark: kws, board: host, engine: aoot, latency_ms: 1}", UsageError, "aoot"),
        ("{model: no.tflite, board: host, latency_ms: 1}", TinyperfError, "no.tflite"),
    ],
)
def test_what_is_no_budget(line: str, kind: type[TinyperfError], seen: str, tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(f"limits:\n- {line}\n")
    with pytest.raises(kind) as raised:
        tinyperf.check_budget(tmp_path / "b.yaml")
    assert seen in raised.value.seen


def test_the_document_s_own_example_is_one(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(DOCUMENT.split("```yaml\n")[1].split("```")[0])
    found = description.read(tmp_path / "b.yaml", budget.Budget, hint="")
    assert [one.board for one in found.limits] == ["nucleo-l4r5zi", "nucleo-u575zi-q"]
    assert [name for name in budget.Limits.model_fields if name not in DOCUMENT] == []
