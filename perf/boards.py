"""Every virtual board, seen working: python perf/boards.py [--boards A,B] [--models kws,ad] [--steps build,...]

For each board and each of kws, vww, ic, ad:

    build      the firmware, without a network: flash and RAM
    detail     one inference priced block by block, twice on a fresh board: the same cycles? and the processor seconds
    accuracy   100 official inputs: results that differ from those of TensorFlow Lite Micro's wheel
    windows    five performance windows by the rules: valid? median latency, and the processor seconds

What was done is kept in --folder as one JSON file a cell and not done again, unless the firmware changed; so the
command may be stopped, and goes on. Steps are done in that order, each for all boards first. --json prints the cells,
else a table. Needs the extra `virtual`, QEMU for its boards, the test data ($TINYPERF_DATA) and the `tflite-micro`
wheel. Exit 1 where a cell failed. On two idle processors the first three steps take half an hour, the windows hours.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import tinyperf
from tinyperf import benchmark, tflite, wire
from tinyperf import board as boards
from tinyperf.datasets import layout
from tinyperf.device.dut import Dut
from tinyperf.errors import TinyperfError
from tinyperf.learn import backends
from tinyperf.rules.accuracy import ad_error
from tinyperf.virtual.board import open_virtual
from tinyperf.virtual.connect import debug_port, open_image

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from tinyperf.board import Board

    Cell = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("TINYPERF_DATA", ROOT.parent / "shared" / "data"))
INPUTS = 100


def inputs(name: str) -> list[bytes]:
    """The first of the official inputs; of ad, windows of the first and the middle file."""
    dataset = layout.load(DATA / "datasets", benchmark.BENCHMARKS[name])
    if name != "ad":
        return [sample.read() for sample in dataset.samples[:INPUTS]]
    half = INPUTS // 2
    return [*dataset.samples[0].windows()[:half], *dataset.samples[len(dataset.samples) // 2].windows()[:half]]


def right(name: str) -> npt.NDArray[np.float64]:
    """What the wheel gives for them, as the firmware must print it: [inputs, values]."""
    bench, model = benchmark.BENCHMARKS[name], tflite.load(ROOT / "models" / f"{name}.tflite")
    sent = b"".join(inputs(name))
    outputs = backends.infer("tflm", model, wire.to_tensors(bench, sent, model))
    if name != "ad":
        return wire.printed(model, outputs)
    scale, zero_point = wire.quantization(model.output)
    windows = np.frombuffer(sent, "<f4").reshape(INPUTS, -1)
    return ad_error(outputs[0].reshape(INPUTS, -1), windows, scale, zero_point)[:, None]


def build(on: Board, name: str) -> Cell:
    image = tinyperf.build(on.name, name)
    return {"flash": image.memory.flash_bytes, "ram": image.memory.ram_bytes}


def detail(on: Board, name: str) -> Cell:
    """`ms`: by the firmware's stamps; instructions and cycles: of the whole answer, its serial output included.

    Under QEMU, which counts no cycles, the instructions of an inference.
    """
    if on.emulator is None or on.emulator.engine != "unicorn":
        profile = tinyperf.profile(on.name, name)
        return {"instructions": profile.instructions_per_inference}
    runs = [_detailed(on, name) for _ in range(2)]
    (instructions, cycles, micros, seconds), again = runs
    return {
        "instructions": instructions,
        "cycles": cycles,
        "ms": micros / 1e3 if micros else None,
        "same_twice": (instructions, cycles, micros) == again[:3],
        "detail_cpu_s": round(seconds, 1),
    }


def _detailed(on: Board, name: str) -> tuple[int, int, int | None, float]:
    link = open_virtual(on, tinyperf.build(on.name, name).path)
    try:
        dut = Dut(link, where=on.name, store=link.store)
        dut.connect()
        dut.download(inputs(name)[0])
        dut.infer(1, 0)
        link.detailed = True
        dut.infer(1, 0)
        before, start = link.counters(), time.process_time()
        answer = dut.infer(1, 0)
        seconds, after = time.process_time() - start, link.counters()
        micros = answer.device_us if answer else None
        return after.instructions - before.instructions, after.cycles - before.cycles, micros, seconds
    finally:
        link.close()


def accuracy(on: Board, name: str) -> Cell:
    start = time.process_time()
    link = open_image(on, tinyperf.build(on.name, name).path, cycles_per_instruction=1.5)
    try:
        dut = Dut(link, where=on.name, store=debug_port(link))
        dut.connect()
        found = np.array([dut.trial("input", sent, 1, 0).results for sent in inputs(name)])
    finally:
        link.close()
    differing = int(np.count_nonzero((found != right(name)).any(axis=1)))
    return {"inputs": len(found), "differing": differing, "accuracy_cpu_s": round(time.process_time() - start, 1)}


def windows(on: Board, name: str) -> Cell:
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        result = tinyperf.run(name, board=on.name, virtual=True, out=Path(folder) / "session")
    if result.performance is None:
        return {"failed": "no performance"}
    measured = result.performance.windows
    return {
        "windows": len(measured),
        "valid": result.valid,
        "latency_ms": round(float(np.median([1e3 * w.seconds / w.inferences for w in measured])), 3),
        "windows_cpu_s": round(time.process_time() - start, 1),
    }


STEPS: dict[str, Callable[[Board, str], Cell]] = {
    "build": build,
    "detail": detail,
    "accuracy": accuracy,
    "windows": windows,
}


def cell(step: str, on: Board, name: str, folder: Path) -> Cell:
    """What a step gives; from the folder where it is there for the same firmware."""
    path = folder / f"{on.name}.{name}.{step}.json"
    try:
        build_id = tinyperf.build(on.name, name).build_id
        if path.is_file():
            kept: Cell = json.loads(path.read_text())
            if kept.get("build_id") == build_id and "failed" not in kept:
                return kept
        found = {**STEPS[step](on, name), "build_id": build_id}
    except TinyperfError as exc:
        found = {"failed": exc.seen}
    path.write_text(json.dumps(found))
    return found


def merged(folder: Path, names: list[str], models: list[str]) -> list[Cell]:
    rows = []
    for on in names:
        for name in models:
            row: Cell = {"board": on, "model": name}
            for step in STEPS:
                path = folder / f"{on}.{name}.{step}.json"
                kept = json.loads(path.read_text()) if path.is_file() else {}
                row |= {f"failed {step}" if key == "failed" else key: value for key, value in kept.items()}
            rows.append(row)
    return rows


COLUMNS = (
    ("flash", "flash"), ("ram", "RAM"), ("instructions", "instr."), ("ms", "ms"), ("same_twice", "same"),
    ("detail_cpu_s", "CPU s"), ("differing", "differ"), ("windows", "windows"), ("valid", "valid"),
    ("latency_ms", "latency"), ("windows_cpu_s", "CPU s"),
)  # fmt: skip


def table(rows: list[Cell]) -> str:
    lines = [["board", "model", *(title for _, title in COLUMNS), ""]]
    for row in rows:
        failed = "; ".join(f"{key}: {value}" for key, value in row.items() if key.startswith("failed"))
        lines.append([row["board"], row["model"], *(str(row.get(key, "-")) for key, _ in COLUMNS), failed])
    widths = [max(len(line[at]) for line in lines) for at in range(len(COLUMNS) + 2)]
    return "\n".join(
        "  ".join([*(text.ljust(width) for text, width in zip(line, widths, strict=False)), line[-1]]) for line in lines
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    emulated = [b.name for b in boards.shipped() if b.verified == "emulated"]
    for option, default in (("boards", emulated), ("models", ["kws", "ad", "ic", "vww"]), ("steps", list(STEPS))):
        parser.add_argument(f"--{option}", type=lambda text: text.split(","), default=default)
    parser.add_argument("--folder", type=Path, default=Path("boards-seen"))
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for step in chosen.steps:
        for name in chosen.models:
            for on in chosen.boards:
                found = cell(step, boards.load(on), name, chosen.folder)
                print(f"{step} {on} {name}: {found}", file=sys.stderr, flush=True)
    rows = merged(chosen.folder, chosen.boards, chosen.models)
    print(json.dumps(rows) if chosen.json else table(rows))
    return 1 if any(key.startswith("failed") or row.get("differing") for row in rows for key in row) else 0


if __name__ == "__main__":
    sys.exit(main())
