"""Every row of the campaign, as a table: `python -m tests.faults [WORD ...]`; exit 1 where an invariant is broken."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.invariants import broken
from tests.faults.table import CASES
from tinyperf.session import store

if TYPE_CHECKING:
    from tests.faults.invariants import Case, Outcome


def main(words: list[str]) -> int:
    store.LOCK_WAIT_S = 0.0
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job has it switched off
    print(
        "| # | group | fault | runs | exit | message or figure | supply | resumed | invariants |\n" + "| --- " * 9 + "|"
    )
    wrong = 0
    for number, case in enumerate((case for case in CASES if all(word in case.name for word in words)), start=1):
        with tempfile.TemporaryDirectory() as folder:
            seen = list(case.play(Path(folder)))
        found = [what for one in seen for what in broken(case.row, one)]
        wrong += bool(found)
        print(f"| {number} | {_cells(case, seen)} | {'; '.join(found) or 'hold'} |", flush=True)
    return 1 if wrong else 0


def _cells(case: Case, seen: list[Outcome]) -> str:
    """The first run stands for all of them."""
    one = seen[0]
    figure = "" if one.figure is None else f"{one.figure:.4g}"
    said = one.message.replace("|", "/")[:110] or (figure + (" valid" if one.exit_code == 0 else ""))
    supply = one.supply[-1] if one.supply else ""
    ends = {
        f"{again[0]}: {again[1]:.4g}" if again[1] is not None else f"{again[0]}" for s in seen if (again := s.resumed)
    }
    cells = (case.row.group, case.row.fault, len(seen), one.exit_code, said, supply, ", ".join(sorted(ends)))
    return " | ".join(map(str, cells))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
