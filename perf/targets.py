"""The targets beside what is measured: python perf/targets.py [words]

One inference of each reference model on the virtual NUCLEO-L4R5ZI, by every plan of engine `aot`. Beside it the best
published latency on that board (tinyperf's own table of MLPerf Tiny results) and what TensorFlow Lite Micro's
interpreter takes for its arena. `with error`: the estimate and the board's error, which must stay below the best
published figure; `short` names what misses its target, and the slowest layers. Words select rows (`ic`, `time`).

ms count under the plan for time, the arena (input consumed) under the one for RAM, code (of model.c and its kernels
alone, without weights) under the one for flash. Exit 1 where a latency with its error is above the best published one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import tinyperf
from tinyperf import cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE
from tinyperf.engines.aot.passes import compiled
from tinyperf.engines.aot.passes.place import place

if TYPE_CHECKING:
    from tinyperf.engines import Optimize

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("TINYPERF_DATA", ROOT.parent / "shared" / "data")) / "reference_models"
BOARD, CORE = "nucleo-l4r5zi", "cortex-m4"
CODE_FLAGS = ("-O2", "-ffreestanding", "-fno-common", f"-I{ROOT / 'firmware_templates' / 'app'}")


@dataclass(frozen=True)
class Aim:
    """What a benchmark shall reach: time in ms at 120 MHz with and without constant channels, arena and code in bytes.

    interpreter_bytes: the whole arena of TFLM's interpreter.
    """

    model: str
    latency_ms: float
    whole_latency_ms: float
    arena_bytes: int
    code_bytes: int
    interpreter_bytes: int


AIMS = {
    "kws": Aim("kws_ref_model", 27.5, 27.5, 10_000, 16_000, 22_820),
    "vww": Aim("vww_96_int8", 44.0, 82.0, 31_000, 16_000, 100_708),
    "ic": Aim("pretrainedResnet_quant", 70.0, 70.0, 30_000, 16_000, 54_996),
    "ad": Aim("ad01_int8", 3.6, 3.6, 1_300, 8_000, 2_580),
}
PLANS = {
    "time": "optimize=time",
    "time, every channel": "optimize=time,fold=off",
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
    arena_bytes: int
    code_bytes: int
    weights_bytes: int
    slowest: str

    @property
    def with_error_ms(self) -> float:
        return self.latency_ms * (1 + self.error_percent / 100)


def options(plan: str) -> dict[str, str]:
    return dict(text.split("=") for text in PLANS[plan].split(","))


def code_bytes(model: tflite.Model, plan: str) -> tuple[int, int]:
    """Code of the model and its kernels, and their constants, in bytes."""
    made = ENGINE.generate(model, Target(cores.load(CORE)), options(plan))
    with tempfile.TemporaryDirectory() as folder:
        for name, text in made.sources.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        compiler = ["arm-none-eabi-gcc", *cores.load(CORE).gcc_flags, *CODE_FLAGS]
        subprocess.run([*compiler, "-c", "model.c", "-o", "model.o"], cwd=folder, check=True)
        told = subprocess.run(
            ["arm-none-eabi-size", "model.o"], cwd=folder, check=True, capture_output=True, text=True
        ).stdout
    return int(told.splitlines()[1].split()[0]) - made.weights_bytes, made.weights_bytes


def arena_bytes(model: tflite.Model, plan: str) -> int:
    """With the input consumed."""
    chosen = options(plan)
    target = Target(cores.load(CORE), optimize=cast("Optimize", chosen["optimize"]))
    return place(compiled(model, target, channels=chosen.get("fold") != "off"), keeps_input=False).arena_bytes


def measure(benchmark: str, plan: str) -> Row:
    path = DATA / f"{AIMS[benchmark].model}.tflite"
    model = tflite.load(path)
    cost = tinyperf.profile(BOARD, model=path, engine=f"aot:{PLANS[plan]}")
    code, weights = code_bytes(model, plan)
    layers = sorted(cost.layers, key=lambda layer: -layer.cycles)[:3]
    return Row(
        latency_ms=cost.latency_ms,
        error_percent=cost.error_percent or 0.0,
        best_ms=min(one.result.latency_ms for one in tinyperf.published(board=BOARD, benchmark=benchmark)),
        arena_bytes=arena_bytes(model, plan),
        code_bytes=code,
        weights_bytes=weights,
        slowest=", ".join(f"{layer.index} {layer.op} {layer.cycles / 1e6:.2f} M" for layer in layers),
    )


def missed(aim: Aim, plan: str, row: Row) -> list[str]:
    """What falls short, of what counts in this plan."""
    short = []
    goal_ms = aim.whole_latency_ms if "every" in plan else aim.latency_ms
    if plan.startswith("time") and row.latency_ms > goal_ms:
        short.append(f"{row.latency_ms - goal_ms:.1f} ms")
    if plan == "ram" and row.arena_bytes > aim.arena_bytes:
        short.append(f"{row.arena_bytes - aim.arena_bytes:,} B of arena")
    if plan == "flash" and row.code_bytes > aim.code_bytes:
        short.append(f"{row.code_bytes - aim.code_bytes:,} B of code")
    return short


def main() -> int:
    words, slower = sys.argv[1:], False
    print(
        f"{'':4} {'plan':20} {'ms':>7} {'with error':>10} {'published':>9} {'target':>7}"
        f" {'arena':>8} {'TFLM':>8} {'target':>7} {'code':>7} {'target':>7} {'weights':>8}  short"
    )
    for benchmark, aim in AIMS.items():
        for plan in PLANS:
            if not {*words} <= {benchmark, plan}:
                continue
            row = measure(benchmark, plan)
            slower |= plan == "time" and row.with_error_ms > row.best_ms
            goal_ms = aim.whole_latency_ms if "every" in plan else aim.latency_ms
            short = missed(aim, plan, row)
            print(
                f"{benchmark:4} {plan:20} {row.latency_ms:7.2f} {row.with_error_ms:10.2f} {row.best_ms:9.2f}"
                f" {goal_ms:7.1f} {row.arena_bytes:8,} {aim.interpreter_bytes:8,} {aim.arena_bytes:7,}"
                f" {row.code_bytes:7,} {aim.code_bytes:7,} {row.weights_bytes:8,}"
                f"  {'; '.join([*short, row.slowest]) if short else 'nothing'}",
                flush=True,
            )
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
