"""One model on many boards: what an inference takes on each and what it needs, by one inference in full detail.

A board that cannot be had is a row that says why, and no end. Each row is made in a process of its own, some at once.
"""

from __future__ import annotations

import math
import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from tinyperf import tflite
from tinyperf.errors import SizeError, TinyperfError
from tinyperf.session import choose, models, profile
from tinyperf.session.inspect import fits
from tinyperf.session.progress import silent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from tinyperf.board import Board
    from tinyperf.session.choose import Content
    from tinyperf.session.inspect import Fit
    from tinyperf.session.progress import Progress


@dataclass(frozen=True)
class Row:
    """One board. Figures that nobody has are None, and `reason` says in a sentence why.

    `fits`: the linker's answer; the plan's where the board cannot be built for, and None where nothing is known.
    `latency_ms`, `uj_per_inference`: estimates, each with its error, which is None where it was not measured.
    `ram_room_bytes`, `flash_room_bytes`: what the firmware may use. `best`: in what this clock is the best of those of
    its board, where there are several: time, energy, or both.
    """

    board: str
    title: str
    core: str
    verified: str
    clock_hz: int
    fits: bool | None = None
    latency_ms: float | None = None
    error_percent: float | None = None
    uj_per_inference: float | None = None
    energy_error_percent: float | None = None
    instructions_per_inference: int | None = None
    cycles_per_inference: int | None = None
    arena_bytes: int | None = None
    ram_bytes: int | None = None
    ram_room_bytes: int | None = None
    flash_bytes: int | None = None
    flash_room_bytes: int | None = None
    build_id: str | None = None
    best: str = ""
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-ready values."""
        return asdict(self)


def table(
    boards: Sequence[Board], wanted: Content, *, jobs: int | None = None, progress: Progress = silent
) -> list[Row]:
    """A row for each board and clock, the fastest first, then those without an estimate, then those that cannot be had.

    Args: boards: the same one several times at different clocks. jobs: boards at once, None: as many as there are
        processors; more than one starts processes.
    Raises: UsageError: no such benchmark or engine. ModelError: no engine of that name runs the model on any board.
    """
    _, model = models.named(wanted.benchmark, wanted.model)
    planned = {fit.board: fit for fit in fits(model, boards, wanted.engine)}
    done: list[Row] = []
    at_once = max(1, min(jobs or os.cpu_count() or 1, len(boards)))
    apart = Apart()
    work = _row if at_once == 1 else apart.row
    with ThreadPoolExecutor(at_once) as pool:
        pending = [pool.submit(work, board, wanted, planned.get(board.name)) for board in boards]
        progress("boards", 0, len(boards))
        try:
            for future in as_completed(pending):
                done.append(future.result())
                progress(f"boards, {name(done[-1])} is done", len(done), len(boards))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            apart.stop()
            raise
    return sorted(judged(done), key=_order)


def name(row: Row) -> str:
    """`nucleo-l4r5zi at 120 MHz`."""
    return f"{row.board} at {row.clock_hz / 1e6:g} MHz"


def judged(rows: Sequence[Row]) -> list[Row]:
    """With the best clocks of each board that has several; equal figures share it."""
    judged = []
    for row in rows:
        same = [one for one in rows if one.board == row.board]
        times = [one.latency_ms for one in same]
        energies = [one.uj_per_inference for one in same]
        best = [
            what
            for what, value, values in (("time", row.latency_ms, times), ("energy", row.uj_per_inference, energies))
            if value is not None and len(same) > 1 and value == min(v for v in values if v is not None)
        ]
        judged.append(replace(row, best=" and ".join(best)))
    return judged


def _order(row: Row) -> tuple[bool, float, bool, str]:
    return row.fits is False, row.latency_ms or math.inf, row.instructions_per_inference is None, row.board


def _row(board: Board, wanted: Content, planned: Fit | None) -> Row:
    row = Row(board.name, board.title, board.core.name, board.verified, board.clock_hz)
    if board.memory:
        ram = board.memory.ram.bytes + (board.memory.arena.bytes if board.memory.arena else 0)
        row = replace(row, ram_room_bytes=ram, flash_room_bytes=board.memory.flash.bytes)
    if planned:
        row = replace(row, fits=planned.fits, arena_bytes=planned.arena_bytes)
    try:
        return _estimated(row, board, wanted)
    except SizeError as error:
        return replace(row, fits=False, reason=_sentence(error))
    except TinyperfError as error:
        reasons = planned.reasons if planned else ()
        return replace(row, reason="; ".join((*reasons, f"not built: {_sentence(error)}")))


def _sentence(error: TinyperfError) -> str:
    return error.seen.partition("\n")[0]


def _estimated(row: Row, board: Board, wanted: Content) -> Row:
    """Builds, and runs what was built. Raises: TinyperfError."""
    image = choose.image(board, wanted)
    row = replace(
        row,
        fits=True,
        arena_bytes=image.memory.arena_bytes,
        ram_bytes=image.memory.ram_bytes,
        flash_bytes=image.memory.flash_bytes,
        build_id=image.build_id,
    )
    own = tflite.load(wanted.model) if wanted.model and wanted.benchmark is None else None
    try:
        if board.emulator and board.emulator.engine == "qemu":
            return replace(row, instructions_per_inference=profile.counted(board, image.path, own)[0])
        found = profile.calibrated(board, image.path, own)
    except TinyperfError as error:
        return replace(row, reason=f"not run: {_sentence(error)}")
    estimate = profile.estimate(board, found, board.clock_hz)
    return replace(
        row,
        latency_ms=estimate.latency_ms,
        error_percent=estimate.error_percent,
        uj_per_inference=estimate.uj_per_inference,
        energy_error_percent=estimate.energy_error_percent,
        instructions_per_inference=found.instructions_per_inference,
        cycles_per_inference=found.cycles_per_inference,
    )


class Apart:
    """Makes each row in a process of its own, whose end, however it comes, is the end of this row alone."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._processes: list[SpawnProcess] = []

    def row(self, board: Board, wanted: Content, planned: Fit | None) -> Row:
        """As `_row`."""
        here, there = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_send_row, args=(there, board, wanted, planned), daemon=True)
        self._processes.append(process)
        process.start()
        there.close()  # so that the end of the process is the end of the pipe
        try:
            row: Row = here.recv()
        except EOFError:
            row = Row(board.name, board.title, board.core.name, board.verified, board.clock_hz)
            return replace(row, reason="its process ended without a word: it was killed, or ran out of memory")
        finally:
            process.join()
            here.close()
        return row

    def stop(self) -> None:
        """End what still runs."""
        for process in self._processes:
            process.terminate()


def _send_row(pipe: Connection[Row, Row], board: Board, wanted: Content, planned: Fit | None) -> None:
    try:
        pipe.send(_row(board, wanted, planned))
    except (KeyboardInterrupt, BrokenPipeError):
        return
