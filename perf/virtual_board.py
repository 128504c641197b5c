"""Processor seconds and MIPS of one virtual kws run, build and calibration included: python perf/virtual_board.py"""

from __future__ import annotations

import json
import time

import tinyperf

start = time.process_time()
result = tinyperf.run("kws", board="nucleo-l4r5zi", virtual=True)
seconds = time.process_time() - start
profile = tinyperf.profile("nucleo-l4r5zi", "kws")
inferences = sum(window.inferences for window in result.performance.windows)
instructions = inferences * profile.instructions_per_inference
mips = round(instructions / seconds / 1e6)
print(json.dumps({"cpu_seconds": round(seconds, 1), "inferences": inferences, "mips": mips}))
