"""Both existing clients against the firmware: what EnergyRunner and the MLCommons runner send, and equal scores.

The sequences are those of docs/protocol.md 1.6 and 1.8 and of published EnergyRunner logs. EnergyRunner sends 32 bytes
a command and a `timestamp` first; the MLCommons runner sends 31 and closes the port between identification and run.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.data import DATA, REFERENCE, find
from tinyperf import api, board
from tinyperf.benchmark import BENCHMARKS
from tinyperf.datasets.layout import Dataset, load, synthetic
from tinyperf.device.process import ProcessLink
from tinyperf.virtual import board as virtual_board

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.device.link import Link

KWS = BENCHMARKS["kws"]
NAME = re.compile(r"^m-(name)-dut-\[([^]]+)]$", re.MULTILINE)
MODEL = re.compile(r"^m-(model|profile)-\[([^]]+)]$", re.MULTILINE)
RESULTS = re.compile(r"^m-results-\[([^]]+)\]$", re.MULTILINE)
STAMP = re.compile(r"^m-lap-us-([0-9]+)$", re.MULTILINE)


def ask(link: Link, command: str) -> str:
    """One command, and the reply up to its m-ready without carriage returns."""
    link.write(command.encode() + b"%")
    got = b""
    while b"m-ready" not in got or not got.endswith(b"\n"):
        data = link.read(30.0)
        assert data, f"silence after {command!r}: {got!r}"
        got += data
    return got.decode("ascii").replace("\r", "")


def greeting(link: Link) -> None:
    while b"m-ready" not in link.read(30.0):
        pass


def download(link: Link, data: bytes, chunk: int) -> None:
    ask(link, f"db load {len(data)}")
    for at in range(0, len(data), chunk):
        done = ask(link, f"db {data[at : at + chunk].hex()}")
    assert "m-load-done" in done


def energyrunner(open_link: Callable[[], Link], data: Dataset, command: str) -> list[list[float]]:
    link = open_link()
    greeting(link)
    assert ask(link, "name").startswith("m-name-dut-[")
    assert "m-model-[kws01]" in ask(link, "profile")
    assert STAMP.search(ask(link, "timestamp"))
    scores = []
    for sample in data.samples:
        download(link, sample.read(), 32)
        answer = ask(link, command)
        assert len(STAMP.findall(answer)) == 2
        scores.append(values(answer))
    link.close()
    return scores


def mlcommons(open_link: Callable[[], Link], data: Dataset, command: str) -> list[list[float]]:
    link = open_link()
    greeting(link)
    assert NAME.search(ask(link, "name"))
    assert [kind for kind, _ in MODEL.findall(ask(link, "profile"))] == ["profile", "model"]
    link.close()
    link = open_link()
    greeting(link)
    scores = []
    for sample in data.samples:
        download(link, sample.read(), 31)
        answer = ask(link, command)
        assert answer.count("m-ready") == 1
        first, last = STAMP.findall(answer)
        assert int(last) >= int(first)
        scores.append(values(answer))
    link.close()
    return scores


def values(answer: str) -> list[float]:
    found = RESULTS.search(answer)
    assert found
    return [float(v) for v in found[1].split(",") if v.strip()]


def model_file() -> Path | None:
    """The shipped model (None), or the reference model where none is shipped."""
    if (Path(__file__).parents[2] / "models" / "kws.tflite").is_file():
        return None
    return find(REFERENCE["kws"])


def inputs(count: int) -> Dataset:
    """Official inputs where they are at hand, else made-up ones."""
    folder = DATA / "datasets"
    return (load(folder, KWS) if folder.is_dir() else synthetic(KWS)).first(count)


def on_host() -> Callable[[], Link]:
    path = api.build("host", "kws", model=model_file()).path
    return lambda: ProcessLink(path)


def on_virtual_board() -> Callable[[], Link]:
    pytest.importorskip("unicorn", reason="the virtual board needs the extra 'virtual'")
    path = api.build("nucleo-l4r5zi", "kws", model=model_file()).path
    nucleo = board.load("nucleo-l4r5zi")
    return lambda: virtual_board.open_virtual(nucleo, path)


@pytest.mark.parametrize(
    ("place", "count"),
    [(on_host, 100), pytest.param(on_virtual_board, 5, marks=pytest.mark.slow)],
)
def test_both_clients_see_equal_scores(place: Callable[[], Callable[[], Link]], count: int) -> None:
    open_link, data = place(), inputs(count)
    scores = energyrunner(open_link, data, "infer 1 0")
    assert scores == mlcommons(open_link, data, "infer 1 0")
    assert all(len(row) == len(KWS.labels) for row in scores)


def test_many_inferences_return_what_one_returns() -> None:
    """Also where the plan computes in place: the input must outlive an inference."""
    open_link, data = on_host(), inputs(5)
    assert energyrunner(open_link, data, "infer 10 3") == energyrunner(open_link, data, "infer 1 0")


@pytest.mark.slow
def test_the_reference_model_scores_what_is_published_of_it() -> None:
    """90.1 % over all 1000 official inputs."""
    path = api.build("host", "kws", model=find(REFERENCE["kws"])).path
    data = load(find("datasets"), KWS)
    scores = mlcommons(lambda: ProcessLink(path), data, "infer 1 0")
    right = sum(row.index(max(row)) == sample.label for row, sample in zip(scores, data.samples, strict=True))
    assert right == 901
