"""What the virtual bench itself costs, in processor seconds: python perf/virtual_board.py [words] [--inputs N]

    compile     engine aot, from each reference model to its C
    kws vww ic ad   an accuracy run on the virtual NUCLEO-L4R5ZI over all official inputs, one device
    windows     five performance windows of kws
    line        ad on a serial line of 921,600 baud: this computer's firmware behind a pty that lets bytes through at
                that rate and takes LATENCY_S an inference; seconds on the clock, and what all 48,608 windows would take

Words choose rows. Image and calibration are made beforehand and not counted; every inference is executed. `mips` are
instructions of the firmware by processor second: where another program takes turns on the same core, they fall, and the
seconds rise as much. `--inputs N`: only the first N (files, for ad), and `of_all` is what all would take at that rate.
Data is looked for in $TINYPERF_DATA (default ../shared/data beside the checkout). One JSON object a row.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import subprocess
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import tinyperf
from tinyperf import benchmark
from tinyperf.datasets import layout
from tinyperf.device.dut import Dut
from tinyperf.device.link import SerialLink
from tinyperf.virtual.raw_pty import raw_pty

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("TINYPERF_DATA", ROOT.parent / "shared" / "data"))
BOARD = "nucleo-l4r5zi"
REFERENCE = {
    "kws": "kws_ref_model",
    "vww": "vww_96_int8",
    "ic": "pretrainedResnet_quant",
    "ad": "ad01_int8",
}
TARGETS_S = {"kws": 30.0, "vww": 90.0, "ic": 15.0, "ad": 240.0, "windows": 45.0, "compile": 3.0, "line": 1500.0}
AD_FILES, AD_WINDOWS = 248, 196
BAUD = 921_600
LATENCY_S = 0.0037  # of ad on the NUCLEO-L4R5ZI


def say(row: str, seconds: float, **more: object) -> None:
    print(json.dumps({"row": row, "seconds": round(seconds, 1), "target": TARGETS_S.get(row), **more}), flush=True)


def compiled() -> None:
    for name, model in REFERENCE.items():
        with tempfile.TemporaryDirectory() as folder:
            start = time.process_time()
            tinyperf.generate(
                BOARD, name, model=DATA / "reference_models" / f"{model}.tflite", out=Path(folder) / "out"
            )
            say("compile", time.process_time() - start, model=name)


def accuracy(name: str, inputs: int | None) -> None:
    profile = tinyperf.profile(BOARD, name)
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        tinyperf.run(
            name,
            board=BOARD,
            virtual=True,
            mode="accuracy",
            data=DATA / "datasets",
            samples=inputs,
            jobs=1,
            out=Path(folder) / "session",
        )
        seconds = time.process_time() - start
    whole = {"kws": 1000, "vww": 1000, "ic": 200, "ad": AD_FILES}[name]
    samples = inputs or whole
    inferences = samples * (AD_WINDOWS if name == "ad" else 1)
    say(
        name,
        seconds,
        inferences=inferences,
        of_all=round(seconds * whole / samples, 1),
        mips=round(inferences * profile.instructions_per_inference / seconds / 1e6),
        ms_per_input=round(seconds / inferences * 1e3, 2),
    )


def windows() -> None:
    profile = tinyperf.profile(BOARD, "kws")
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        result = tinyperf.run("kws", board=BOARD, virtual=True, out=Path(folder) / "session")
        seconds = time.process_time() - start
    measured = result.performance.windows if result.performance else ()
    inferences = sum(window.inferences for window in measured)
    say(
        "windows",
        seconds,
        inferences=inferences,
        windows=len(measured),
        mips=round(inferences * profile.instructions_per_inference / seconds / 1e6),
    )


class PacedLine:
    """This computer's firmware behind a pty: each byte takes ten bits' time either way, each answer LATENCY_S more."""

    def __init__(self, firmware: Path) -> None:
        self._ours, theirs = raw_pty("run this on Linux or macOS")
        self.path = os.ttyname(theirs)
        taken, put = os.pipe()
        said, saying = os.pipe()
        self._process = subprocess.Popen([firmware], stdin=taken, stdout=saying)
        self.bytes = [0, 0]
        for number, (source, sink) in enumerate(((self._ours, put), (said, self._ours))):
            threading.Thread(target=self._carry, args=(number, source, sink), daemon=True).start()

    def _carry(self, number: int, source: int, sink: int) -> None:
        free_s = 0.0  # when the line will have sent all that it was given
        while True:
            select.select([source], [], [])
            data = os.read(source, 4096)
            if not data:
                return
            self.bytes[number] += len(data)
            begins_s = time.monotonic() + (LATENCY_S if b"m-results" in data else 0.0)
            free_s = max(free_s, begins_s) + 10 * len(data) / BAUD
            time.sleep(max(0.0, free_s - time.monotonic()))
            os.write(sink, data)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def line(files: int | None) -> None:
    bench = benchmark.BENCHMARKS["ad"]
    samples = layout.load(DATA / "datasets", bench).first(files or 2).samples
    wire = PacedLine(Path(tinyperf.build("host", "ad").path))
    link = SerialLink(wire.path, BAUD)
    dut = Dut(link, where="the paced line")
    dut.connect()
    start, before, count = time.monotonic(), list(wire.bytes), 0
    for sample in samples:
        for window in sample.windows():
            dut.trial("sample", window, 1, 0)
            count += 1
    seconds = time.monotonic() - start
    link.close()
    wire.close()
    there, back = (after - was for after, was in zip(wire.bytes, before, strict=True))
    whole = AD_FILES * AD_WINDOWS
    say(
        "line",
        seconds,
        inferences=count,
        bytes_there=round(there / count, 1),
        bytes_back=round(back / count, 1),
        of_all=round(seconds / count * whole),
        of_all_computed=round(((there + back) / count * 10 / BAUD + LATENCY_S) * whole),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", choices=[*TARGETS_S, []])
    parser.add_argument("--inputs", type=int)
    chosen = parser.parse_args()
    rows: dict[str, Callable[[], None]] = {
        "compile": compiled,
        "windows": windows,
        "line": lambda: line(chosen.inputs),
        **{name: partial(accuracy, name, chosen.inputs) for name in ("kws", "vww", "ic", "ad")},
    }
    for name in chosen.rows or rows:
        rows[name]()


if __name__ == "__main__":
    main()
