"""CPU time until tinyperf has said something: the best of five, against a limit each. Exit 1 where one is broken."""

from __future__ import annotations

import os
import subprocess
import sys

RUNS = 5
LIMITS_S = {
    "import tinyperf": (["-c", "import tinyperf"], 0.15),
    "tinyperf --version": (["-m", "tinyperf", "--version"], 0.2),
    "tinyperf --help": (["-m", "tinyperf", "--help"], 0.3),
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
