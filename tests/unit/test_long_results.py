"""A line of results is as long as the model's output: host process, virtual board, a paced line, another host."""

from __future__ import annotations

import itertools
import json
import os
import pty
import re
import threading
import time
import tty
from typing import TYPE_CHECKING

import numpy as np
import pytest

import tinyperf
from tests.graphs import O, T, build, constant
from tests.unit.test_session import dataset, right_class
from tinyperf import board, tflite
from tinyperf.device import protocol
from tinyperf.device.dut import Dut
from tinyperf.device.link import SerialLink
from tinyperf.device.process import ProcessLink
from tinyperf.firmware import build as firmware
from tinyperf.learn import backends
from tinyperf.request import Request
from tinyperf.session import run as session
from tinyperf.session.compare import compare
from tinyperf.session.replay import replay
from tinyperf.virtual.fake import FakeDevice

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.result import Mode, RunResult
    from tinyperf.tflite import Model

BAUD = 115200
# mlcommons/tiny benchmark/runner: what another host looks for, in one line.
FOREIGN_RESULTS = re.compile(r"^m-results-\[([^]]+)\]$")


def wide(folder: Path, outputs: int) -> Model:
    """One FULLY_CONNECTED of 8 inputs; its values take up to nine characters on the line."""
    rng = np.random.default_rng(outputs)
    weights = rng.integers(-127, 128, (outputs, 8), dtype=np.int8)
    bias = rng.integers(-5000, 5000, outputs, dtype=np.int32)
    path = folder / f"wide{outputs}.tflite"
    tensors = [T((1, 8), 0.5, 3), constant(weights, 0.02), constant(bias, 0.01), T((1, outputs), 11.7, -7)]
    path.write_bytes(build(tensors, [O("FULLY_CONNECTED", [0, 1, 2], [3])], [0], [3]))
    return tflite.load(path)


@pytest.mark.parametrize(
    ("name", "outputs"),
    [
        ("host", 1500),
        ("host", 50_000),
        ("nucleo-l4r5zi", 100),
        pytest.param("nucleo-l4r5zi", 1_000, marks=pytest.mark.slow),  # more than protocol.MAX_LINE_BYTES
    ],
)
def test_every_value_arrives_and_is_right(name: str, outputs: int, tmp_path: Path) -> None:
    """`compare` downloads three inputs, and looks at every value of three answers.

    The line of 50,000 is on the host, which has the same C: a virtual board takes a minute for 10,000.
    """
    if name != "host":
        pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    (row,) = compare(board.load(name), [wide(tmp_path, outputs)], ["aot"])
    assert (row.mismatches, row.values) == (0, 3 * outputs)


def test_another_host_gets_the_whole_line(tmp_path: Path) -> None:
    """It sends `db load`, `db`, `infer 1 0`, and reads lines; nothing of ours is asked for."""
    image = firmware.build(board.load("host"), wide(tmp_path, 10_000), benchmark=None, engine="aot")
    link = ProcessLink(image.path)
    got = b""
    for command in (b"", b"name%", b"db load 8%", b"db 0001020304050607%", b"infer 1 0%"):
        link.write(command)
        before = len(got)
        while not got[before:].endswith(b"m-ready\r\n"):
            got += link.read(5.0)
    link.close()
    results = [m[1] for line in got.decode("ascii").split("\r\n") if (m := FOREIGN_RESULTS.match(line))]
    assert [len(text.split(",")) for text in results] == [10_000]


def test_accuracy_mode_scores_them(tmp_path: Path) -> None:
    """The label of each input is the place of the largest output that TFLM, or else our C on this computer, gives."""
    model = wide(tmp_path, 1500)
    inputs = np.random.default_rng(3).integers(-128, 128, (4, 8), dtype=np.int8)
    largest = backends.infer("aot", model, [inputs])[0].argmax(axis=1)
    data = tmp_path / "custom"
    data.mkdir()
    for k, codes in enumerate(inputs):
        (data / f"{k}.bin").write_bytes(codes.tobytes())
    (data / "y_labels.csv").write_text("".join(f"{k}.bin,1500,{label}\n" for k, label in enumerate(largest)))
    at = tmp_path / "session"
    found = tinyperf.run(
        board="host", model=tmp_path / "wide1500.tflite", mode="accuracy", data=tmp_path, jobs=1, out=at
    )
    assert found.accuracy is not None
    assert (found.accuracy.value, found.accuracy.samples) == (1.0, 4)
    rows = json.loads((at / "results.json").read_text())
    assert [len(row["infer"]["results"]) for row in rows] == [1500] * 4


class PacedBoard:
    """A device on a pty that sends no faster than its line allows, in the pieces that a driver gives."""

    def __init__(self, device: FakeDevice) -> None:
        self.device = device
        self._ours, self._theirs = pty.openpty()
        tty.setraw(self._theirs)
        self.port = os.ttyname(self._theirs)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live)
        self._thread.start()

    def _live(self) -> None:
        os.set_blocking(self._ours, False)
        while not self._over.is_set():
            while (waits_s := self.device.waits_s()) is not None:
                self._send(self.device.read(waits_s))
            try:
                self.device.write(os.read(self._ours, 4096))
            except BlockingIOError:
                time.sleep(0.001)

    def _send(self, data: bytes) -> None:
        begin_s = time.monotonic()
        for at in range(0, len(data), 256):
            os.write(self._ours, data[at : at + 256])
            time.sleep(max(0.0, begin_s + (at + 256) * 10 / BAUD - time.monotonic()))

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        os.close(self._ours)
        os.close(self._theirs)


def test_a_real_line_carries_them_at_its_own_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line takes longer than a device may chatter; what belongs to the results is no chatter."""
    monkeypatch.setattr("tinyperf.device.dut.INFER_SILENCE_S", 0.02)
    monkeypatch.setattr("tinyperf.device.dut.MOST_INFERENCE_S", 0.02)
    values = tuple(k / 8 for k in range(-2000, 2000))
    board_on_pty = PacedBoard(FakeDevice(lambda _: values, seconds_per_inference=0.001))
    try:
        link = SerialLink(board_on_pty.port, BAUD)
        dut = Dut(link)
        dut.connect()
        dut.download(bytes(8))
        begin_s = time.monotonic()
        found = dut.infer(1, 0)
        took_s = time.monotonic() - begin_s
        link.close()
    finally:
        board_on_pty.close()
    assert found is not None
    assert found.results == values
    line = b"m-results-[" + ",".join(f"{v:.3f}" for v in values).encode() + b"]\r\n"
    assert len(line) > 3 * protocol.MAX_LINE_BYTES
    assert took_s > len(line) * 10 / BAUD


@pytest.mark.parametrize("mode", ["performance", "accuracy"])
@pytest.mark.parametrize(("at", "count"), [(2, 13), (3, 11), (4, 1)])
def test_an_answer_with_another_number_of_results_is_asked_again(
    mode: Mode, at: int, count: int, tmp_path: Path
) -> None:
    """A byte that becomes a comma leaves a line that looks whole."""
    found = odd_results(tmp_path, mode, {at: count})
    assert found.valid, found.reasons
    assert found.accuracy is None or found.accuracy.value == 1.0
    assert found.notes == ("1 inputs were sent a second time; the transcript says why",)


def test_a_first_answer_with_another_number_of_results_makes_a_session_not_valid(tmp_path: Path) -> None:
    found = odd_results(tmp_path, "accuracy", {1: 13})
    assert (found.valid, found.accuracy) == (False, None)
    assert found.reasons == ("results of 12 to 13 values in one session",)
    assert replay(tmp_path / "session").reasons == found.reasons


def test_results_for_more_classes_than_there_are_make_a_session_not_valid(tmp_path: Path) -> None:
    found = odd_results(tmp_path, "accuracy", dict.fromkeys(range(1, 9), 13))
    assert found.reasons == ("results of 13 values for 12 classes",)


def odd_results(folder: Path, mode: Mode, counts: dict[int, int]) -> RunResult:
    """A run of kws on a device that gives another number of values at some of its answers, counted from 1."""
    (folder / "fw.bin").write_bytes(b"not run")
    dataset(folder, 5)
    answers = itertools.count(1)
    device = FakeDevice(lambda data: (*right_class(data), 0.0)[: counts.get(next(answers), 12)])
    data = str(folder) if mode == "accuracy" else None
    request = Request("host", "kws", mode, image=str(folder / "fw.bin"), data=data, out=str(folder / "session"))
    return session.run(request, open_link=lambda _: device)
