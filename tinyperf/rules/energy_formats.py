"""Our energy recording in the formats of EnergyRunner and of the MLCommons runner, both at their 1 kHz.

Energy is kept exactly: each millisecond gets what was drawn in it. Edges are rounded to a millisecond, as those tools'
own are, so their figures differ from ours by up to two samples of a window.
"""

from __future__ import annotations

import json
import math
import re
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf.rules import joules, replay

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from tinyperf.rules.recordings import Recording

RATE_HZ = 1000
MARGIN_S = 0.1
"""A batch of the MLCommons runner ends when the reply to `infer` has come: about so long after the closing pulse."""


def milliseconds_j(recording: Recording) -> npt.NDArray[np.float64]:
    """Energy of each whole millisecond, [n] joules."""
    total_j = np.concatenate(([0.0], np.cumsum(recording.samples_j)))
    times_s = np.arange(len(total_j)) / recording.sample_rate_hz
    count = math.floor(times_s[-1] * RATE_HZ + 1e-6)
    result: npt.NDArray[np.float64] = np.diff(np.interp(np.arange(count + 1) / RATE_HZ, times_s, total_j))
    return result


def write_energyrunner(folder: Path, recording: Recording) -> None:
    """`trace1-energy.bin` and `trace1-timestamps.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    samples_uj = (milliseconds_j(recording) * 1e6).astype("<f4")
    (folder / "trace1-energy.bin").write_bytes(struct.pack("<Bf", 0xF1, RATE_HZ) + samples_uj.tobytes())
    stamps = [round(p, 3) for p in sorted(recording.pulses_s)]
    (folder / "trace1-timestamps.json").write_text(json.dumps(stamps, indent="\t"), encoding="utf-8")


def mlcommons_power(recording: Recording, supply_mv: int) -> list[dict[str, Any]]:
    """The `power` entries of results.json, one for each window; samples of a batch follow those of the last."""
    samples_j = milliseconds_j(recording)
    ends = [min(round((s.end_s + MARGIN_S) * RATE_HZ), len(samples_j)) for s in recording.spans]
    pulses = [round(p * RATE_HZ) for p in sorted(recording.pulses_s)]
    found = []
    begin = number = 0
    for end in ends:
        inside = [p for p in pulses if begin <= p < end]
        found.append(
            {
                # four digits, as the instrument sends them
                "samples": [float(f"{j:.4g}") for j in samples_j[begin:end]],
                "timestamps": [[f"{number + k:02d}", p - begin] for k, p in enumerate(inside)],
                "extracted_power": None,
                "voltage": supply_mv * 1e-3,
            }
        )
        begin, number = end, number + len(inside)
    return found


def mlcommons_results(rows: list[dict[str, Any]]) -> list[str]:
    """results.txt of the MLCommons runner's energy mode, by its own rule, from results.json's rows."""
    lines = ["Power Edition Output"]
    each = []
    for number, row in enumerate(rows):
        begin, end = (int(index) for _, index in row["power"]["timestamps"][-2:])
        elapsed_s = end / RATE_HZ - begin / RATE_HZ
        energy_j = joules.indexed_j(np.array(row["power"]["samples"]), begin, end)
        each.append(energy_j / row["infer"]["iterations"])
        lines += [
            f"Energy data for trial {number}",
            f"  Elapsed time  : {elapsed_s}{'' if elapsed_s >= 10.0 else '  <<<< below minimum duration'}",
            f"  Inferences    : {row['infer']['iterations']}",
            f"  Power         : {1e3 * energy_j / elapsed_s:5.4f} mW.",
            f"  Total Energy  : {energy_j * 1e6:.3f} uJ",
            f"  Energy/Inf    : {each[-1] * 1e6:.3f} uJ/inf",
        ]
    rule = "-" * 57
    median = float(np.median(each)) if each else 0.0
    return [*lines, rule, f"Median energy cost is {1e6 * median:5.4f} uJ/inf.", rule]


def with_energyrunner_power(text: str, recording: Recording) -> str:
    """`results.txt` whose Power lines are energy by the samples' count, which is how EnergyRunner prints them."""
    powers_uw = iter([p * 1e6 for p in replay.powers_w(recording)])
    return re.sub(r"(Power\s*:\s*)[\d.]+( uW)", lambda m: f"{m[1]}{next(powers_uw):.3f}{m[2]}", text)
