"""The targets beside what is measured: python perf/targets.py [--images DIR] [--write] [words]

One inference of each reference model on the virtual boards, by plans of engine `aot`. Beside it the best published
latency on that board (tinyperf's own table of MLPerf Tiny results) and what TensorFlow Lite Micro's interpreter takes
for its arena. `with error`: the estimate and the board's error, which must stay below the best published figure;
`short` names what misses its target, and the slowest layers. Words select rows (`ic`, `time`, `nucleo-u575zi-q`);
without the name of a board, the NUCLEO-L4R5ZI alone is measured, `all` is every board.

ms count under the plan for time, the arena (input consumed) under the one for RAM, code (of model.c and its kernels
alone, without weights) under the one for flash. What differs from targets.json, the figures kept with each commit, is
printed below the table; --write keeps the new ones. --images DIR: firmwares of your own, DIR/BOARD/*BENCHMARK*.bin
(.hex, .elf), run unchanged on the same virtual board; with `all`, those of boards without targets too. Exit 1 where a
latency with its error is above the best published one, of a board whose targets are no mere goals.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import tinyperf
from tinyperf import board as boards
from tinyperf import tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.passes import compiled
from tinyperf.engines.aot.passes.place import place
from tinyperf.errors import SizeError

if TYPE_CHECKING:
    from tinyperf.board import Board
    from tinyperf.engines import Generated, Optimize
    from tinyperf.session.profile import Profile

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("TINYPERF_DATA", ROOT.parent / "shared" / "data")) / "reference_models"
BOARD = "nucleo-l4r5zi"
KEPT = Path(__file__).with_suffix(".json")
IMAGES = (".bin", ".hex", ".elf")
CODE_FLAGS = ("-O2", "-ffreestanding", "-fno-common", f"-I{ROOT / 'firmware_templates' / 'app'}")


@dataclass(frozen=True)
class Aim:
    """What a benchmark shall reach: time in ms at 120 MHz with and without constant channels, arena and code in bytes.

    interpreter_bytes: the whole arena of TFLM's interpreter. resident_latency_ms: with weights in RAM.
    """

    model: str
    latency_ms: float
    whole_latency_ms: float
    arena_bytes: int
    code_bytes: int
    interpreter_bytes: int
    resident_latency_ms: float | None = None


AIMS = {
    "kws": Aim("kws_ref_model", 27.5, 27.5, 10_000, 16_000, 22_820),
    "vww": Aim("vww_96_int8", 44.0, 82.0, 31_000, 16_000, 100_708),
    "ic": Aim("pretrainedResnet_quant", 70.0, 70.0, 30_000, 16_000, 54_996),
    "ad": Aim("ad01_int8", 3.6, 3.6, 1_300, 8_000, 2_580, 2.9),
}
LATENCIES = {  # ms with and without constant channels, of the boards beside: kws, vww, ic, ad
    "nucleo-u575zi-q": {"kws": (21.0, 21.0), "vww": (33.0, 56.0), "ic": (55.0, 55.0), "ad": (2.6, 2.6)},
    "disco-f746ng": {"kws": (13.0, 13.0), "vww": (18.0, 28.0), "ic": (34.0, 34.0), "ad": (1.2, 1.2)},
    "nucleo-g0b1re": {"kws": (350.0, 350.0), "vww": (600.0, 1100.0), "ic": (1100.0, 1100.0), "ad": (28.0, 28.0)},
}
GATES = {BOARD, "nucleo-u575zi-q"}
"""The targets of the others are goals."""
PLANS = {
    "time": "optimize=time",
    "time, every channel": "optimize=time,fold=off",
    "time, weights in RAM": "optimize=time,weights=ram",
    "balanced": "optimize=balanced",
    "ram": "optimize=ram",
    "flash": "optimize=flash",
}


@dataclass(frozen=True)
class Row:
    """One benchmark by one plan."""

    latency_ms: float
    error_percent: float
    best_ms: float
    instructions: int
    cycles: int
    arena_bytes: int
    code_bytes: int
    weights_bytes: int
    ram_bytes: int
    flash_bytes: int
    slowest: str

    @property
    def with_error_ms(self) -> float:
        return self.latency_ms * (1 + self.error_percent / 100)


PROFILES: dict[tuple[object, ...], Profile] = {}
"""By board and sources: plans that come to the same code are run once."""


def options(plan: str) -> dict[str, str]:
    return dict(text.split("=") for text in PLANS[plan].split(","))


def code_bytes(made: Generated, board: Board) -> int:
    """Code of the model and its kernels, without their constants, in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in made.sources.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        compiler = ["arm-none-eabi-gcc", *board.core.gcc_flags, *CODE_FLAGS]
        subprocess.run([*compiler, "-c", "model.c", "-o", "model.o"], cwd=folder, check=True)
        told = subprocess.run(
            ["arm-none-eabi-size", "model.o"], cwd=folder, check=True, capture_output=True, text=True
        ).stdout
    return int(told.splitlines()[1].split()[0]) - (made.weights_bytes - made.resident_bytes)


def arena_bytes(model: tflite.Model, board: Board, plan: str) -> int:
    """With the input consumed."""
    chosen = options(plan)
    target = replace(Target.of(board), optimize=cast("Optimize", chosen["optimize"]))
    return place(compiled(model, target, channels=chosen.get("fold") != "off"), keeps_input=False).arena_bytes


def measure(board: str, benchmark: str, plan: str) -> Row:
    path = DATA / f"{AIMS[benchmark].model}.tflite"
    model, described = tflite.load(path), boards.load(board)
    made = ENGINE.generate(model, Target.of(described), options(plan))
    same = board, *sorted(made.sources.items())
    cost = PROFILES[same] = PROFILES.get(same) or tinyperf.profile(board, model=path, engine=f"aot:{PLANS[plan]}")
    layers = sorted(cost.layers, key=lambda layer: -layer.cycles)[:3]
    return Row(
        latency_ms=cost.latency_ms or 0.0,
        error_percent=cost.error_percent or 0.0,
        best_ms=min(one.result.latency_ms for one in tinyperf.published(board=board, benchmark=benchmark)),
        instructions=cost.instructions_per_inference or 0,
        cycles=cost.cycles_per_inference or 0,
        arena_bytes=arena_bytes(model, described, plan),
        code_bytes=code_bytes(made, described),
        weights_bytes=made.weights_bytes,
        ram_bytes=cost.ram_bytes or 0,
        flash_bytes=cost.flash_bytes or 0,
        slowest=", ".join(f"{layer.index} {layer.op} {layer.cycles / 1e6:.2f} M" for layer in layers),
    )


def goal_ms(board: str, benchmark: str, plan: str) -> float:
    aim = AIMS[benchmark]
    folded, whole = LATENCIES.get(board, {}).get(benchmark, (aim.latency_ms, aim.whole_latency_ms))
    if "RAM" in plan and board == BOARD:
        return aim.resident_latency_ms or folded
    return whole if "every" in plan else folded


def missed(board: str, benchmark: str, plan: str, row: Row) -> list[str]:
    """What falls short, of what counts in this plan."""
    aim, short = AIMS[benchmark], []
    goal = goal_ms(board, benchmark, plan)
    if plan.startswith("time") and row.latency_ms > goal:
        short.append(f"{row.latency_ms - goal:.1f} ms")
    if plan == "ram" and row.arena_bytes > aim.arena_bytes:
        short.append(f"{row.arena_bytes - aim.arena_bytes:,} B of arena")
    if plan == "flash" and row.code_bytes > aim.code_bytes:
        short.append(f"{row.code_bytes - aim.code_bytes:,} B of code")
    return short


def show(board: str, benchmark: str, plan: str, row: Row) -> None:
    aim, short = AIMS[benchmark], missed(board, benchmark, plan, row)
    print(
        f"{benchmark:4} {plan:20} {row.latency_ms:8.2f} {row.with_error_ms:10.2f} {row.best_ms:9.2f}"
        f" {goal_ms(board, benchmark, plan):7.1f} {row.instructions:12,} {row.arena_bytes:8,}"
        f" {aim.interpreter_bytes:8,} {aim.arena_bytes:7,} {row.code_bytes:7,} {aim.code_bytes:7,}"
        f" {row.weights_bytes:8,} {row.ram_bytes:8,} {row.flash_bytes:8,}"
        f"  {'; '.join([*short, row.slowest]) if short else 'nothing'}",
        flush=True,
    )


def show_images(board: str, benchmark: str, folder: Path) -> None:
    """Firmwares of the user's, as they are."""
    for path in sorted(folder.glob(f"{board}/*{benchmark}*")):
        if path.suffix in IMAGES:
            cost = tinyperf.profile(board, image=path)
            error_percent, latency_ms = cost.error_percent or 0.0, cost.latency_ms or 0.0
            with_error = latency_ms * (1 + error_percent / 100)
            print(
                f"{benchmark:4} {path.name:20} {latency_ms:8.2f} {with_error:10.2f} {'':9} {'':7}"
                f" {cost.instructions_per_inference:12,}",
                flush=True,
            )


def show_others(folder: Path, known: set[str]) -> None:
    """Firmwares of the user's for boards without targets."""
    for board in sorted({each.name for each in folder.iterdir()} - known):
        print(f"{board}\n{HEAD}")
        for benchmark in AIMS:
            show_images(board, benchmark, folder)


def differences(kept: dict[str, Any], found: dict[str, Row]) -> list[str]:
    """What is not as it was kept, by the figures that differ."""
    lines = []
    for name, row in found.items():
        old = kept.get(name)
        if old is None:
            lines.append(f"{name}: new")
            continue
        new = {key: value for key, value in asdict(row).items() if isinstance(value, int)}
        changed = [
            f"{key} {old[key]:,} -> {value:,} ({100 * (value / old[key] - 1):+.1f} %)"
            for key, value in new.items()
            if old.get(key) and old[key] != value
        ]
        if changed:
            lines.append(f"{name}: {'; '.join(changed)}")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="of rows: benchmark, plan, board; `all` for every board")
    parser.add_argument("--images", type=Path, metavar="DIR", help="firmwares of your own, DIR/BOARD/*BENCHMARK*.bin")
    parser.add_argument("--write", action="store_true", help="keep the new figures in targets.json")
    given = parser.parse_args()
    words = {*given.words} - {"all"}
    known = [BOARD, *LATENCIES]
    chosen = known if "all" in given.words else [board for board in known if board in words] or [BOARD]
    kept: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else {}
    found: dict[str, Row] = {}
    slower = False
    for board in chosen:
        print(f"{board}\n{HEAD}")
        for benchmark, aim in AIMS.items():
            rows = [plan for plan in PLANS if words - {*known} <= {benchmark, plan}]
            if not rows:
                continue
            if not (DATA / f"{aim.model}.tflite").is_file():
                print(f"{benchmark}: skipped, {aim.model}.tflite is not in {DATA}")
                continue
            for plan in rows:
                try:
                    row = found[f"{board}/{benchmark}/{plan}"] = measure(board, benchmark, plan)
                except SizeError as exc:
                    print(f"{benchmark:4} {plan:20} {exc.seen}", flush=True)
                    continue
                slower |= plan == "time" and board in GATES and row.with_error_ms > row.best_ms
                show(board, benchmark, plan, row)
            if given.images:
                show_images(board, benchmark, given.images)
    if given.images and "all" in given.words:
        show_others(given.images, {*known})
    print("\n".join(["", "beside targets.json:", *(differences(kept, found) or ["equal"])]))
    if given.write:
        kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else {}  # another run may have written
        kept |= {name: {k: v for k, v in asdict(row).items() if isinstance(v, int)} for name, row in found.items()}
        KEPT.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n", encoding="utf-8")
    return 1 if slower else 0


HEAD = (
    f"{'':4} {'plan':20} {'ms':>8} {'with error':>10} {'published':>9} {'target':>7} {'instructions':>12}"
    f" {'arena':>8} {'TFLM':>8} {'target':>7} {'code':>7} {'target':>7} {'weights':>8} {'RAM':>8} {'flash':>8}  short"
)

if __name__ == "__main__":
    sys.exit(main())
