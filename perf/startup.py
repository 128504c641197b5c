"""CPU time of what people wait for: the best of five, against a limit each. Exit 1 where one is broken."""

from __future__ import annotations

import os
import subprocess
import sys

RUNS = 5
FAST_STREAM = """
from tinyperf.measure import monitor
from tinyperf.virtual import bench
from tinyperf.virtual.instruments import played_on
target = bench.Bench()
with monitor.opened("lpm01a:port=simulated,format=binary", played_on(target)) as instrument:
    instrument.set_supply_mv(3000)
    instrument.power(on=True)
    instrument.start()
    for step in range(1, 41):
        target.advance(step / 10, 0.03, [])
        instrument.samples()
    instrument.stop()
"""
LIMITS_S = {
    "import tinyperf": (["-c", "import tinyperf"], 0.15),
    "tinyperf --version": (["-m", "tinyperf", "--version"], 0.2),
    "tinyperf --help": (["-m", "tinyperf", "--help"], 0.3),
    "tinyperf inspect kws": (["-m", "tinyperf", "inspect", "kws", "--json"], 1.0),
    "4 s of an LPM01A at 100 kS/s, played and read": (["-c", FAST_STREAM], 4.0),
}


def cpu_s(argv: list[str]) -> float:
    """Of this process's children, user and system."""
    before = os.times()
    subprocess.run([sys.executable, *argv], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> int:
    broken = 0
    print("| | CPU s | limit | |\n| --- | --- | --- | --- |")
    for name, (argv, limit_s) in LIMITS_S.items():
        best_s = min(cpu_s(argv) for _ in range(RUNS))
        broken += best_s > limit_s
        print(f"| {name} | {best_s:.2f} | {limit_s:g} | {'ok' if best_s <= limit_s else '**broken**'} |")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
