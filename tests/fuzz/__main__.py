"""Fuzz one target: `python -m tests.fuzz TARGET SECONDS [FOLDER]`, or all of them, one after the other, with `all`.

Guided by coverage where atheris is installed, else by chance from the seeds. What fails is kept in FOLDER (build/fuzz),
and played again by `python -m tests.fuzz TARGET FILE...`. TINYPERF_FUZZ_C=1 also compiles models under the sanitizers.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import subprocess
import sys
import time
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DRIVERS = ("lpm01a", "ppk2")
"""Targets that are a driver of `energy/`, by its name."""


def main(words: list[str]) -> int:
    name, *rest = words
    if name == "all":
        from tests.fuzz.targets import TARGETS

        each = [[sys.executable, "-m", "tests.fuzz", target, *rest] for target in TARGETS]
        return max(subprocess.run(argv, check=False).returncode for argv in each)
    if not rest[0].isdecimal():
        return played(name, [Path(file) for file in rest])
    folder = Path(rest[1] if len(rest) > 1 else "build/fuzz") / name
    folder.mkdir(parents=True, exist_ok=True)
    try:
        import atheris
    except ImportError:
        return by_chance(name, float(rest[0]), folder)
    imported = contextlib.nullcontext()  # of a driver its own functions are enough; all else takes a minute
    if name not in DRIVERS:
        imported = atheris.instrument_imports(include=["tinyperf"], enable_loader_override=False)
    with imported:
        from tests.fuzz.targets import TARGETS, driver
    target, seeds = TARGETS[name]
    if name in DRIVERS:
        for function in functions(driver(name)):
            atheris.instrument_func(function)
    corpus = folder / "corpus"
    corpus.mkdir(exist_ok=True)
    for seed in seeds():
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    target(b"")  # what it makes once takes longer than an input may
    options = [f"-max_total_time={rest[0]}", f"-artifact_prefix={folder}/", "-max_len=8192", "-timeout=30"]
    atheris.Setup([sys.argv[0], *options, "-rss_limit_mb=3000", "-print_final_stats=1", str(corpus)], target)
    atheris.Fuzz()
    return 0


def functions(owner: ModuleType | type) -> Iterator[FunctionType]:
    """Functions and methods of a driver: it is content and not imported, so no hook of atheris sees it."""
    home = owner.__name__ if isinstance(owner, ModuleType) else owner.__module__
    for part in vars(owner).values():
        if isinstance(part, type) and part.__module__ == home:
            yield from functions(part)
        elif isinstance(part, FunctionType) and part.__module__ == home:
            yield part


def played(name: str, files: list[Path]) -> int:
    """The target on each file; the first failure is raised."""
    from tests.fuzz.targets import TARGETS

    for file in files:
        TARGETS[name][0](file.read_bytes())
    return 0


def by_chance(name: str, seconds: float, folder: Path) -> int:
    """Seeds with bytes changed, cut, doubled and joined."""
    from tests.fuzz.targets import TARGETS

    target, seeds = TARGETS[name]
    known = seeds()
    draw = random.Random(time.time_ns())
    limit_s, runs, failed = time.monotonic() + seconds, 0, 0
    while time.monotonic() < limit_s:
        given = mutated(known, draw)
        runs += 1
        failed += not holds(target, given, folder)
    print(f"{name}: {runs} executions in {seconds:.0f} s by chance, {failed} failed")
    return 1 if failed else 0


def holds(target: Callable[[bytes], None], given: bytes, folder: Path) -> bool:
    try:
        target(given)
    except Exception as exc:  # noqa: BLE001  (whatever it raises is the finding)
        at = folder / hashlib.sha256(given).hexdigest()[:16]
        at.write_bytes(given)
        print(f"{at}: {type(exc).__name__}: {exc}")
        return False
    return True


def mutated(known: list[bytes], draw: random.Random) -> bytes:
    given = bytearray(draw.choice(known))
    for _ in range(draw.randint(1, 8)):
        at = draw.randrange(len(given) + 1)
        how = draw.randrange(5)
        if how == 0:
            given[at:at] = draw.randbytes(draw.randint(1, 8))
        elif how == 1:
            del given[at : at + draw.randint(1, 16)]
        elif how == 2:
            given[at:at] = given[max(at - 32, 0) : at]
        elif how == 3:
            given[at:] = draw.choice(known)[at:]
        elif at < len(given):
            given[at] ^= 1 << draw.randrange(8)
    return bytes(given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
