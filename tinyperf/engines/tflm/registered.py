"""Which TFLM this machine has: trees and archives the user registered, and the pinned snapshot where git reaches it.

A registered tree is never written to. Beside it, in tinyperf's own settings folder, stands a wrapper library: one
`library.json` whose source folder is the tree, which PlatformIO then compiles by its own convention.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyperf import folders
from tinyperf.engines.tflm import library as libraries
from tinyperf.engines.tflm.library import KERNELS, PINNED, SNAPSHOT, Library, check_core
from tinyperf.errors import BuildError, ContentError, DiskError, UsageError
from tinyperf.tool import Step, installed, run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinyperf.board import Board

REACH_S = 5.0
RECORD = "tflm.json"


def use(path: Path) -> Library:
    """Register the TFLM at `path` for its kernels, in place of an earlier one with the same kernels.

    Raises: UsageError, ContentError: as `library.inspect`. DiskError: the settings cannot be written.
    """
    try:
        found = libraries.inspect(path)
    except OSError as exc:
        raise ContentError(
            f"{exc.filename or path} cannot be read: {exc.strerror}",
            means="the tree is not whole: a link leads nowhere, or a folder stands where a file should",
            hint="let TFLM's generator, or the download, write it again",
        ) from exc
    folder = folders.settings() / "tflm" / found.kernels
    library = replace(found, dependency=f"symlink://{folder.as_posix()}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "library.json").write_text(json.dumps(wrapper(library), indent=2) + "\n", encoding="utf-8")
        (folder / RECORD).write_text(library.as_text() + "\n", encoding="utf-8")
    except OSError as exc:
        raise DiskError(
            f"cannot write {exc.filename or folder}: {exc.strerror}",
            hint="set TINYPERF_CONFIG to a folder that can be written",
        ) from exc
    return library


def wrapper(library: Library) -> dict[str, Any]:
    """The `library.json` that makes PlatformIO compile a tree, or link an archive."""
    includes = [shlex.quote(f"-I{folder}") for folder in library.headers]
    build: dict[str, Any]
    if library.form == "archive":
        place = Path(library.path)
        build = {
            "srcFilter": ["-<*>"],
            "flags": [*includes, shlex.quote(f"-L{place.parent}"), "-ltensorflow-microlite"],
        }
    else:
        # The snapshot's drivers and serial tests need the Arduino core; a tree may come with TFLM's examples.
        left_out = ["-<peripherals>", "-<test_over_serial>"] if library.form == "arduino" else ["-<examples>"]
        build = {
            "srcDir": library.path,
            "includeDir": library.path,
            "srcFilter": ["+<*>", *left_out],
            "flags": [*includes, *library.defines],
        }
    return {"name": f"tinyperf-tflm-{library.kernels}", "version": "1.0.0", "build": build}


def registered() -> list[Library]:
    """What `use` has registered and still stands, by kernels."""
    found = []
    for kernels in KERNELS:
        record = folders.settings() / "tflm" / kernels / RECORD
        if record.is_file():
            # A damaged record registers nothing.
            with contextlib.suppress(UsageError, ValueError, TypeError, OSError):
                library = libraries.from_text(record.read_text(encoding="utf-8"))
                if Path(library.path).exists():
                    found.append(library)
    return found


def resolve(board: Board, options: Mapping[str, str], *, need: bool) -> dict[str, str]:
    """The engine's options with the library that will be used.

    Args: need: it will be built, so an absent library is an error now and not after PlatformIO's minute.
    Raises: UsageError: a board without such kernels. BuildError: no TFLM with these kernels, or an archive for another
        processor.
    """
    check_core(board.core)
    if "library" in options:
        return dict(options)
    kernels = options.get("kernels", KERNELS[0])
    library = next((entry for entry in registered() if entry.kernels == kernels), None)
    if library is None and kernels == PINNED.kernels:
        library = PINNED
        if need:
            _require_reach()
    if library is None:
        if need and kernels in KERNELS:
            raise _nothing_there(f"no TFLM with {kernels} kernels is registered", kernels)
        return dict(options)
    if need:
        _check_abi(board, library)
    return {**options, "library": library.as_text()}


def _require_reach() -> None:
    """The pinned dependency is cloned by git; whether git can is asked with a time limit, before PlatformIO tries."""
    if not installed("git"):
        raise _nothing_there(
            "TensorFlow Lite Micro is not on this machine, and git, which fetches it, is not installed"
        )
    asked = run(Step(("git", "ls-remote", "--exit-code", SNAPSHOT, "HEAD"), REACH_S), env=_quiet_git())
    if asked.status != 0:
        reason = asked.last_lines(1) or "no answer"
        raise _nothing_there(f"TensorFlow Lite Micro is not on this machine, and cannot be fetched: {reason}")


def _quiet_git() -> dict[str, str]:
    """Git must not ask for a password."""
    return {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def _nothing_there(seen: str, kernels: str = "cmsis_nn") -> BuildError:
    generator = libraries.GENERATOR
    if kernels == "reference":
        generator = generator.replace(" OPTIMIZED_KERNEL_DIR=cmsis_nn", "")
    online = "once with a network, which fetches the pinned snapshot; or " if kernels == PINNED.kernels else ""
    return BuildError(
        seen,
        means="tinyperf carries no TFLM; engine 'tflm' builds it as a library of the project",
        hint=f"{online}'tinyperf tflm use PATH' with a tree made in a clone of github.com/tensorflow/tflite-micro by\n"
        f"    {generator}\n"
        f"  or with a folder that holds {libraries.ARCHIVE} and its headers; or --engine aot, which needs neither",
    )


def _check_abi(board: Board, library: Library) -> None:
    if not library.abi:
        return
    wanted = libraries.abi(libraries.CORES[board.core.architecture], hard="fpu" in board.core.features)
    if library.abi != wanted:
        raise BuildError(
            f"{library.path} was compiled for {library.abi} float; {board.name} is {wanted} float",
            means="objects of two processors or floating-point conventions cannot be linked",
            hint=f"register an archive for {board.core.name}, or a tree, which is compiled for every board",
        )
