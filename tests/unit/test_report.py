"""Reports of sessions: golden Markdown and CSV, a page that asks for nothing, and how to measure again."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import tinyperf
from tests.unit.test_sessions_v1 import unpack
from tinyperf import cli
from tinyperf.cli.run import command as run_command
from tinyperf.errors import ContentError, UsageError
from tinyperf.reporting import document, story
from tinyperf.request import Request
from tinyperf.session import listing

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parents[1] / "golden"
NAMES = ("performance", "estimate", "accuracy", "energy")
HOSTILE = "</script><script>alert(1)</script> | `x`"
LAYERS = [
    {
        "index": k,
        "op": op,
        "macs": macs,
        "instructions": cycles,
        "cycles": cycles,
        "kernel": "conv_2d",
        "symbol": f"tp_layer_0{k}",
        "weights_bytes": 640 * k,
        "left_out": "",
    }
    for k, (op, macs, cycles) in enumerate([("CONV_2D", 320000, 600000), ("SOFTMAX", 0, 5000)])
]


def changed(at: Path, change: Callable[[dict[str, Any]], None]) -> None:
    record = json.loads((at / "session.json").read_text())
    change(record)
    (at / "session.json").write_text(json.dumps(record))


def as_an_estimate(record: dict[str, Any]) -> None:
    """As the virtual board would have given it, with layers and memory: format 1, so it lies flat."""
    record |= {"board": "nucleo-l4r5zi", "inputs": "official", "estimated": True, "error_percent": 7.0}
    record |= {"engine": "aot", "transport": "virtual"}
    record |= {"memory": {"flash_bytes": 48388, "ram_bytes": 25556, "arena_bytes": 16496}}
    record["request"] |= {"board": "nucleo-l4r5zi", "name": HOSTILE}


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three sessions of 0.1.0, and one made to look like an estimate with layers."""
    root = tmp_path_factory.mktemp("reports")
    found = []
    for name in NAMES:
        (root / name).mkdir()
        found.append(unpack("performance" if name == "estimate" else name, root / name))
    changed(found[1], as_an_estimate)
    (found[1] / "layers.json").write_text(json.dumps(LAYERS))
    return found


@pytest.mark.parametrize("suffix", ["md", "csv"])
def test_golden(sessions: list[Path], suffix: str, tmp_path: Path) -> None:
    tinyperf.report(sessions, tmp_path / f"report.{suffix}")
    text = (tmp_path / f"report.{suffix}").read_text(encoding="utf-8")
    text = text.replace(str(sessions[0].parents[1]), "@HERE@")
    golden = GOLDEN / f"report.{suffix}"
    if os.environ.get("TINYPERF_UPDATE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.slow
def test_parquet_has_the_columns_of_a_row_typed(sessions: list[Path], tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra 'parquet' is not installed")
    rows = tinyperf.report(sessions, tmp_path / "r.parquet")
    held = parquet.read_table(tmp_path / "r.parquet")
    assert tuple(held.column_names) == listing.COLUMNS
    assert held.to_pylist() == [row.as_dict() for row in rows]
    assert str(held.schema.field("flash_bytes").type) == "int64"


@pytest.fixture(scope="module")
def page(sessions: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("page") / "report.html"
    tinyperf.report(sessions, out)
    return out


@pytest.mark.slow
def test_the_page_holds_all_and_asks_for_nothing(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(text) < 5_000_000
    shown = re.sub(r'<script type="application/octet-stream".*?</script>', "", text, flags=re.DOTALL)
    assert re.findall(r"""(?:src|href)=["'](?!data:|#)""", shown) == []
    assert "<script>alert" not in shown
    for words in ("no rank: an estimate", "Confusion matrix", "Power over time", "Layers", "tinyperf run --board host"):
        assert words in shown
    assert shown.count("<svg") == 7
    referred = {name for pair in re.findall(r'url\(#(\w+)\)|href="#(\w+)"', shown) for name in pair if name}
    assert referred
    assert {name: shown.count(f'id="{name}"') for name in referred} == dict.fromkeys(referred, 1)


@pytest.mark.parametrize(
    ("mode", "shown"),
    [
        ("performance", ("~2.253", "ms per inference")),
        ("accuracy", ("0.900", "F1 of 50 samples")),
        ("energy", ("~706.4", "µJ per inference")),
    ],
)
def test_a_streams_figure_is_that_of_its_mode(mode: str, shown: tuple[str, str]) -> None:
    """A stream has a time a frame in every mode, and it is not what accuracy and energy are measured for."""
    row = listing.Row("s", "finished", mode=mode, estimated=True, latency_ms=2.253, uj_per_inference=706.395)
    row = replace(row, metric="f1", accuracy=0.9, samples=50)
    assert document.headline(row) == shown


CHROMIUM = next(filter(shutil.which, ("chromium", "chromium-browser", "google-chrome")), None)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no browser: chromium is not installed")
def test_a_browser_shows_the_page_without_an_error(page: Path, tmp_path: Path) -> None:
    """The page's own policy forbids every request: one that was tried would stand on the console."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=20000"]
    line = [str(CHROMIUM), *options, f"--user-data-dir={tmp_path}", "--dump-dom", page.as_uri()]
    shown = subprocess.run(line, capture_output=True, text=True, timeout=100, check=True)
    assert "CONSOLE" not in shown.stderr
    assert shown.stdout.count('class="trace zoomed"') == 1  # plotly has drawn
    assert 'class="main-svg"' in shown.stdout


@pytest.mark.parametrize(
    "request_",
    [
        Request("host", "kws"),
        Request("nucleo-l4r5zi", "ad", "energy", virtual=True, monitor="lpm01a:port=simulated", name="a b"),
        Request("my board.yaml", None, "accuracy", port="/dev/ttyACM0", model="a b.tflite", samples=3, metric="mse"),
        Request("host", "ic", build=False, engine="aot:fold=off", isolator="io_manager:port=P", front_end="kws"),
    ],
)
def test_the_command_asks_for_the_same_again(request_: Request) -> None:
    words = shlex.split(story.command(request_))
    context = run_command.make_context("run", words[2:])
    typed = {**context.params, "benchmark": context.params["bench"], "build": not context.params["no_build"]}
    again = {name: str(value) if isinstance(value, Path) else value for name, value in typed.items()}
    known: Any = {name: again[name] for name in Request.__dataclass_fields__ if name not in story.UNSAID}
    assert Request(**known) == request_


def test_what_makes_no_report(sessions: list[Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a report is"):
        tinyperf.report(sessions, tmp_path / "r.pdf")
    with pytest.raises(UsageError, match="no session is given"):
        tinyperf.report([], tmp_path / "r.md")
    shutil.copytree(sessions[1], tmp_path / "damaged")
    (tmp_path / "damaged" / "layers.json").write_text("[{}]")
    with pytest.raises(ContentError, match=r"layers.json is damaged"):
        tinyperf.report([tmp_path / "damaged"], tmp_path / "r.md")
    assert cli.invoke(["report", str(tmp_path / "nosuch"), "-o", str(tmp_path / "r.md")]) == 2


def test_the_command_line(sessions: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "r.csv"
    assert cli.invoke(["report", str(sessions[0]), "-o", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sessions"][0]["latency_ms"] == pytest.approx(50.05)
    assert out.is_file()
