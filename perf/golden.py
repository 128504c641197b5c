"""The golden table: what every known model computes and costs, so that a change that loses anything shows.

    python perf/golden.py              compare with perf/golden.json; exit 1 where outputs differ or a cost has risen
    python perf/golden.py --write      make the table anew (the diff is reviewed as code)
    python perf/golden.py kws_ref_model vww      only models whose name holds one of these words

Models: the shipped ones, the reference models, and those of the zoo that were accepted when the table was first made;
the table names each file's SHA-256, and another file under the same name is refused. Inputs: 24 of seeded noise and
extremes, the same for every run. Outputs: of the generated C on this computer. Costs: of one inference on the virtual
NUCLEO-L4R5ZI. Data is looked for in $TINYPERF_DATA (default ../shared/data beside the checkout).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import tinyperf
from tinyperf import tflite
from tinyperf.engines.aot.host import HostModel

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("TINYPERF_DATA", ROOT.parent / "shared" / "data"))
TABLE = Path(__file__).with_suffix(".json")
BOARD = "nucleo-l4r5zi"
COSTS = ("instructions", "cycles", "arena_bytes", "flash_bytes", "ram_bytes")

ZOO = (
    "ap-ml-state-monitor.tensorflow_model_lcnn_quant.b06336",
    "ap-ml-state-monitor.tensorflow_model_mlp_quant.f60820",
    "mlonmcu-models.cnn_s_quantized.32d791",
    "mlonmcu-models.micro_kws_m_quantized.d3620e",
    "mltk.image_classification.ccb477",
    "mltk.keyword_spotting_on_off_v3.c672da",
    "mltk.keyword_spotting_pacman_v3.5aaf1e",
    "neuralSPOT.ic_bench_model_data.4f23ae",
    "neuralSPOT.kws_model_data.935c51",
    "tflite-micro-arduino-exa.magic_wand_model_data.c12360",
    "tflite-micro.micro_speech_quantized.09e5e2",
    "tiny.ic_model_quant_data.3c0026",
    "tiny.kws_model_data.aeea43",
    "tiny.pretrainedResnet_large_int8.dc27dc",
    "tiny.str_ww_ref_model.3af855",
    "tiny.vww_model_data.597a38",
    "tiny_results_v0.5.aww_ref_model.d40816",
    "tiny_results_v0.5.kws_model_data.1a9243",
    "TinyMaix.cifar10_q.4364bc",
    "TinyMaix.mnist_resnet_q.b86192",
    "tinyml.model.3cacd1",
)
REFERENCE = ("kws_ref_model", "vww_96_int8", "pretrainedResnet_quant", "ad01_int8")
SHIPPED = ("kws", "vww", "ic", "ad")


def models() -> dict[str, Path]:
    """Name in the table -> file."""
    named = {f"shipped/{name}": ROOT / "models" / f"{name}.tflite" for name in SHIPPED}
    named |= {f"reference/{name}": DATA / "reference_models" / f"{name}.tflite" for name in REFERENCE}
    return named | {f"zoo/{name}": DATA / "zoo" / f"{name}.tflite" for name in ZOO}


def inputs(size: int, count: int = 24) -> np.ndarray[Any, np.dtype[np.int8]]:
    """int8 [count, size]: four constant extremes, then seeded noise."""
    rng = np.random.default_rng(20261129)
    rows = rng.integers(-128, 128, (count, size), dtype=np.int8)
    for row, code in enumerate((-128, 127, 0, -1)):
        rows[row] = code
    return rows


def measure(path: Path) -> dict[str, Any]:
    """One row of the table."""
    model = tflite.load(path)
    with HostModel(model) as compiled:
        (outputs,) = compiled.run(inputs(model.input.elements))
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        tinyperf.generate(BOARD, out=project, model=path)
        text = next(project.rglob("model.c")).read_bytes()
    cost = tinyperf.profile(BOARD, model=path)
    return {
        "sha256": model.sha256,
        "outputs_sha256": hashlib.sha256(outputs.tobytes()).hexdigest(),
        "model_c_sha256": hashlib.sha256(text).hexdigest(),
        "instructions": cost.instructions_per_inference,
        "cycles": cost.cycles_per_inference,
        "arena_bytes": cost.arena_bytes,
        "flash_bytes": cost.flash_bytes,
        "ram_bytes": cost.ram_bytes,
    }


def compare(name: str, kept: dict[str, Any], row: dict[str, Any]) -> bool:
    """Print what differs; true where nothing is worse."""
    if kept["sha256"] != row["sha256"]:
        print(f"{name}: another file than the table was made from")
        return False
    worse = [key for key in COSTS if row[key] > kept[key]]
    better = [key for key in COSTS if row[key] < kept[key]]
    same = kept["outputs_sha256"] == row["outputs_sha256"]
    notes = [] if same else ["OUTPUTS DIFFER"]
    notes += [f"{key} {kept[key]:,} -> {row[key]:,}{' WORSE' if key in worse else ''}" for key in (*worse, *better)]
    if kept["model_c_sha256"] != row["model_c_sha256"]:
        notes.append("model.c has other text")
    print(f"{name}: {'; '.join(notes) or 'equal'}", flush=True)
    return same and not worse


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="only models whose name holds one of these")
    parser.add_argument("--write", action="store_true", help="make the table anew")
    given = parser.parse_args()
    table: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.is_file() else {}
    good = True
    for name, path in models().items():
        if given.words and not any(word in name for word in given.words):
            continue
        if not path.is_file():
            print(f"{name}: skipped, no such file in {path.parent}")
            continue
        row = measure(path)
        if given.write:
            print(name, json.dumps(row), flush=True)
            table[name] = row
        else:
            good &= compare(name, table[name], row)
    if given.write:
        TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
