"""`tinyperf data`: an original dataset to training arrays and to inputs in EnergyRunner's layout.

The folder written holds `kws01/` (`vww01/`, ...) with `y_labels.csv` for `--data`, and the .npz files for `train`.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tarfile
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.benchmark import benchmark as find_benchmark
from tinyperf.datasets import cifar10, coco, download, layout, official, originals, speech_commands, synthetic, toycar
from tinyperf.errors import DataError, DiskError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tinyperf.benchmark import Benchmark
    from tinyperf.datasets.originals import Item
    from tinyperf.result import Inputs

ORIGINALS = {
    "kws": speech_commands.ORIGINAL,
    "vww": coco.ORIGINAL,
    "ic": cifar10.ORIGINAL,
    "ad": toycar.ORIGINAL,
}


@dataclass(frozen=True)
class PreparedData:
    """What was written. `official`: how many of the evaluation inputs equal official ones, byte for byte.

    `inputs`: of which kind they are by the rules of `layout.load`; None where there were none to write.
    """

    benchmark: str
    source: str
    files: tuple[str, ...]
    training_samples: int
    evaluation_folder: str | None
    evaluation_samples: int
    official: int
    inputs: Inputs | None
    notes: tuple[str, ...]


def prepare(
    benchmark: str,
    source: Path,
    out: Path,
    *,
    pull: bool = False,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> PreparedData:
    """Convert the original dataset in `source` into the folder `out`; a run that was killed goes on where it stopped.

    Args:
        pull: first fetch what is missing in `source` from its publisher.
        progress: called with what is done, how much of it and of how much.
    Raises: UsageError: no such benchmark. DataError: nothing usable there, or damaged files (all of them named).
        DeviceError: `pull` without a network. DiskError: cannot write. MissingExtraError: no soundfile or Pillow.
    """
    chosen = _with_inputs(benchmark)
    original = ORIGINALS[chosen.name]
    if pull:
        for archive in original.archives:
            _unpack(download.fetch(archive, source, progress), source)
    if not source.is_dir():
        raise DataError(f"{source} does not exist", hint="--from DIR is the original dataset; --pull fetches it")
    items, notes = original.find(source)
    parts = out / ".parts" / chosen.name
    made_of = originals.converted(
        items, original.convert, parts, lambda done, total: progress("converted", done, total)
    )
    blobs = dict(zip(items, made_of, strict=True))
    silent = [item for item, blob in blobs.items() if not blob]
    if silent:
        notes.append(f"{len(silent)} clips are digital silence and were left out, the first is {silent[0].name}")
    kept = [item for item in items if blobs[item]]
    files = original.train(kept, [blobs[item] for item in kept], out)
    test = [item for item in kept if item.split == "test"]
    rows = _chosen(chosen, [(item, *original.evaluation(item, blobs[item])) for item in _shuffled(test)])
    seen = {label for _, label, _ in rows}
    if without := [name for label, name in enumerate(chosen.labels) if label not in seen]:
        notes.append(f"no evaluation inputs of {', '.join(without)}")
    made = _written(chosen, rows, out)
    shutil.rmtree(parts)
    with contextlib.suppress(OSError):  # another benchmark's conversion is under way
        parts.parent.rmdir()
    return _prepared(chosen, original.title, files=files, training=len(kept) - len(test), made=made, notes=notes)


def _with_inputs(name: str) -> Benchmark:
    """The benchmark.

    Raises: UsageError: there is none, or it has no inputs of its own.
    """
    chosen = find_benchmark(name)
    if chosen.streams:
        raise UsageError(
            f"{name} takes a stream of sound, not inputs",
            hint=f"'tinyperf run {name} --data DIR' takes a list and a .wav file as they are; docs/wakeword.md",
        )
    if chosen.inputs_of:
        raise UsageError(
            f"{name} has the inputs of {chosen.inputs_of}", hint=f"make those: tinyperf data {chosen.inputs_of}"
        )
    return chosen


def make_synthetic(benchmark: str, out: Path) -> PreparedData:
    """A small set with the right shapes that a model can learn; the same bytes on every machine.

    Raises: UsageError: no such benchmark, or inputs that are not made up are there. DiskError: cannot write.
    """
    chosen = _with_inputs(benchmark)
    inputs = out / chosen.model_id
    if not (inputs / layout.SYNTHETIC_MARK).exists():
        real = [path for pattern in synthetic.TRAINING_FILES[chosen.name] for path in out.glob(pattern)]
        real += inputs.glob(layout.LABELS)
        if real:
            raise UsageError(f"{real[0]} is there, and not made up", hint="choose another --out")
    files, count, rows = synthetic.make(chosen, out)
    made = _written(chosen, rows, out, mark=layout.SYNTHETIC_MARK)
    notes = ["made up: for trying things out, no accuracy means anything"]
    return _prepared(chosen, "synthetic", files=files, training=count, made=made, notes=notes)


def _chosen(benchmark: Benchmark, found: list[tuple[Item, str, bytes]]) -> list[tuple[str, int, bytes]]:
    """Name, label and contents of the evaluation files.

    The official list in its order where all of it is there, recognised by content, and by name for vww and ad, since
    resizing and log-mel need not give the official bytes. Otherwise as many as the benchmark has, classes in turn,
    official inputs first.
    """
    by_digest = {official.digest(data): item for item, _, data in found}
    by_name = {name: item for item, name, _ in found}
    known = {}
    for row in official.inputs(benchmark.name):
        item = by_digest.get(row.digest) or by_name.get(row.name)
        if item is not None:
            known[row.name] = item
    data_of = {item: data for item, _, data in found}
    if len(known) == benchmark.samples:
        return [(name, item.label, data_of[item]) for name, item in known.items()]
    official_name = {item: name for name, item in known.items()}
    renamed = [(item, official_name.get(item, name), data) for item, name, data in found]
    return _in_turn(benchmark, sorted(renamed, key=lambda row: row[0] not in official_name))


def _shuffled(items: list[Item]) -> list[Item]:
    """In an order that has nothing to do with speakers or classes, and is the same everywhere."""
    return sorted(items, key=lambda item: hashlib.sha256(item.name.encode()).digest())


def _in_turn(benchmark: Benchmark, found: list[tuple[Item, str, bytes]]) -> list[tuple[str, int, bytes]]:
    queues = [[row for row in found if row[0].label == label] for label in range(len(benchmark.labels))]
    rows: list[tuple[str, int, bytes]] = []
    while any(queues):
        for queue in queues:
            if queue:
                item, name, data = queue.pop(0)
                rows.append((name, item.label, data))
    return rows[: benchmark.samples]


def _written(
    benchmark: Benchmark, rows: list[tuple[str, int, bytes]], out: Path, *, mark: str | None = None
) -> layout.Dataset | None:
    """The evaluation files, `y_labels.csv` last, read back and checked."""
    if not rows:
        return None
    folder = out / benchmark.model_id
    cut = f",{benchmark.input_bytes},{benchmark.stride_bytes}" if benchmark.stride_bytes else ""
    try:
        if (folder / layout.SYNTHETIC_MARK).exists():  # made-up inputs are not mixed with others
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if mark:
            (folder / mark).write_text("made by 'tinyperf data --synthetic'\n", encoding="utf-8")
        for name, _, data in rows:
            (folder / name).write_bytes(data)
        lines = [f"{name},{len(benchmark.labels)},{label}{cut}\n" for name, label, _ in rows]
        (folder / layout.LABELS).write_text("".join(lines), encoding="utf-8")
    except OSError as exc:
        raise DiskError(f"{folder} cannot be written: {exc.strerror}", hint="free some space or choose --out") from exc
    return layout.load(folder, benchmark)


def _prepared(
    benchmark: Benchmark,
    source: str,
    *,
    files: list[Path],
    training: int,
    made: layout.Dataset | None,
    notes: list[str],
) -> PreparedData:
    known = official.digests(benchmark.name)
    return PreparedData(
        benchmark=benchmark.name,
        source=source,
        files=tuple(map(str, files)),
        training_samples=training,
        evaluation_folder=str(made.folder) if made else None,
        evaluation_samples=len(made.samples) if made else 0,
        official=sum(official.digest(s.read()) in known for s in made.samples) if made else 0,
        inputs=made.kind if made else None,
        notes=tuple(notes),
    )


def _unpack(archive: Path, folder: Path) -> None:
    """Unpacked beside itself, once; a marker says that it was finished."""
    marker = folder / f".{archive.name}.unpacked"
    if marker.is_file():
        return
    # Speech Commands has no folder of its own inside, and its test set the same folders: each gets one.
    inner = folder / archive.name.removesuffix(".tar.gz") if archive.name.startswith("speech_") else folder
    try:
        if archive.suffix == ".zip":
            with zipfile.ZipFile(archive) as opened:
                opened.extractall(inner)  # noqa: S202  (pinned; zipfile keeps members inside)
        else:
            with tarfile.open(archive) as packed:
                if hasattr(tarfile, "data_filter"):  # since Python 3.11.4; the archive is pinned by its digest
                    packed.extraction_filter = tarfile.data_filter
                packed.extractall(inner)  # noqa: S202  (pinned, and filtered where Python can)
        marker.touch()
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as exc:
        raise DataError(f"{archive} cannot be unpacked: {exc}", hint="delete it and run again") from exc
    except OSError as exc:
        raise DiskError(f"{archive} cannot be unpacked into {inner}: {exc}", hint="free some space") from exc
