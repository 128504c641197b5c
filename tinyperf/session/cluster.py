"""A sweep on dask.distributed: a cluster on this computer, or a lab's scheduler; it goes on where it was stopped.

The folder of a sweep: `cells/KEY.json`, the answer of each cell, written whole; `journal.jsonl`, a line when a worker
begins a cell and when its answer has arrived. A cell that was begun and has no answer is begun again: its worker or the
client was killed; the table says so.
"""

from __future__ import annotations

import json
import os
import uuid
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tinyperf.errors import DeviceError, DiskError, MissingExtraError
from tinyperf.session import store, sweep
from tinyperf.session.progress import silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tinyperf.session.progress import Progress
    from tinyperf.session.sweep import Cell, Row

Answers: TypeAlias = dict[str, dict[str, Any]]

TOPIC = "tinyperf-sweep"
CONNECT_S = 20


def run(
    cells: Sequence[Cell],
    out: Path,
    *,
    scheduler: str | None = None,
    jobs: int | None = None,
    progress: Progress = silent,
) -> list[Row]:
    """Find out what the folder `out` lacks; the rows of all.

    Args: scheduler: `tcp://host:port`, whose workers have this tinyperf; None: a cluster on this computer of `jobs`
        workers (as many as there are processors).
    Raises: MissingExtraError: the extra `sweep`. DeviceError: no scheduler there. DiskError: `out` cannot be written.
    """
    try:
        import distributed
    except ImportError as exc:
        raise MissingExtraError(f"{exc.name} is not installed", hint="pip install 'tinyperf[sweep]'") from exc
    with _folder(out) as journal:
        answers = _answers(cells, out)
        missing = [cell for cell in cells if cell.key not in answers]
        if missing:
            with _client(distributed, scheduler, min(jobs or os.cpu_count() or 1, len(missing))) as client:
                failed = _work(client, missing, journal, _counting(len(cells), len(missing), progress))
            answers = failed | _answers(cells, out)
        return sweep.table(cells, answers, journal.begun())


def _counting(whole: int, missing: int, progress: Progress) -> Callable[[Cell], None]:
    """From a cell that is done to `progress`."""
    done = whole - missing
    progress("cells", done, whole)

    def tell(cell: Cell) -> None:
        nonlocal done
        done += 1
        what = f"on {cell.board}" if cell.board else "scored"
        progress(f"cells, {cell.subject} {what} is done", done, whole)

    return tell


class Journal:
    """The journal and the answers of one sweep's folder."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._path = out / "journal.jsonl"
        torn = self._path.is_file() and not self._path.read_bytes().endswith(b"\n")
        self._file = self._path.open("a", encoding="utf-8")
        if torn:  # by a kill: the next line must not stand behind it
            self._file.write("\n")
        self._tries: set[str] = set()

    def begin(self, event: Mapping[str, str]) -> None:
        """A worker has begun a cell; told by an event, or, where that is late, by the answer itself."""
        if event["try"] not in self._tries:
            self._tries.add(event["try"])
            self._write("begun", event["cell"], event["worker"])

    def _write(self, what: str, key: str, worker: str) -> None:
        line = {"at": datetime.now(UTC).isoformat(), "what": what, "cell": key, "worker": worker}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def answer(self, event: Mapping[str, str], found: Mapping[str, Any]) -> None:
        """The answer of a cell, whole."""
        self.begin(event)
        store.write(self._out / "cells" / f"{event['cell']}.json", json.dumps(found, indent=1) + "\n")
        self._write("done", event["cell"], event["worker"])

    def begun(self) -> Counter[str]:
        """How often each cell was begun; a line that a kill cut short is left out."""
        counts: Counter[str] = Counter()
        for line in self._path.read_text(encoding="utf-8").splitlines():
            try:
                held = json.loads(line)
            except ValueError:
                continue
            if held["what"] == "begun":
                counts[held["cell"]] += 1
        return counts

    def close(self) -> None:
        """Release the file."""
        self._file.close()


@contextmanager
def _folder(out: Path) -> Iterator[Journal]:
    try:
        (out / "cells").mkdir(parents=True, exist_ok=True)
        journal = Journal(out)
    except OSError as exc:
        raise DiskError(f"{out} cannot be written: {exc.strerror}", hint="give another -o") from exc
    try:
        yield journal
    finally:
        journal.close()


def _answers(cells: Sequence[Cell], out: Path) -> Answers:
    paths = {cell.key: out / "cells" / f"{cell.key}.json" for cell in cells}
    return {key: sweep.stored(path.read_text(encoding="utf-8"), path) for key, path in paths.items() if path.is_file()}


@contextmanager
def _client(distributed: Any, scheduler: str | None, jobs: int) -> Iterator[Any]:
    """A client of a lab's scheduler, or of a cluster of our own."""
    if scheduler is None:
        with (
            distributed.LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                processes=True,
                dashboard_address="127.0.0.1:0",
                silence_logs="ERROR",
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = distributed.Client(scheduler, timeout=CONNECT_S)
    except (OSError, ValueError, TimeoutError) as exc:
        raise DeviceError(
            f"no scheduler at {scheduler}: {exc}", means="it is not running, or not reachable", hint="dask scheduler"
        ) from exc
    with client:
        yield client


def _work(client: Any, missing: Sequence[Cell], journal: Journal, tell: Callable[[Cell], None]) -> Answers:
    """Every cell once; one whose worker dies is begun again elsewhere. Those that were given up, which are not kept."""
    import distributed

    failed: Answers = {}
    client.subscribe_topic(TOPIC, lambda event: journal.begin(event[1]))
    files = {cell.model: Path(cell.model).read_bytes() for cell in missing if cell.model}
    futures = {
        client.submit(
            _begun, cell, files.get(cell.model or ""), key=f"{cell.key}-{os.getpid()}", retries=0, pure=False
        ): cell
        for cell in missing
    }
    for future in distributed.as_completed(list(futures)):
        cell = futures.pop(future)
        if future.status == "finished":
            journal.answer(*future.result())
        else:
            failed[cell.key] = {"reason": f"given up: {future.exception()}"}
        future.release()  # or the answer would be found out again when the worker that holds it dies
        tell(cell)
    return failed


def _begun(cell: Cell, model: bytes | None) -> tuple[dict[str, str], dict[str, Any]]:
    """On a worker: says that it begins, then works; the same words go with the answer."""
    import distributed

    worker = distributed.get_worker()
    event = {"cell": cell.key, "worker": worker.address, "try": uuid.uuid4().hex}
    worker.log_event(TOPIC, event)
    return event, sweep.found(cell, model)
