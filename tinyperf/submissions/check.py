"""Everything that is wrong with a submission tree, at once."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from tinyperf.errors import UsageError
from tinyperf.formats import energyrunner
from tinyperf.submissions import accuracy, energy, folders, performance, place, streaming, systems
from tinyperf.submissions.findings import Finding, finding
from tinyperf.submissions.rounds import LATEST, LONG_NAMES, MODES, TASKS, Mode, Round, Task, find
from tinyperf.submissions.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tinyperf.submissions.place import Place

DIVISIONS = ("closed", "open")
BESIDE = {".git", ".github", "assets", ".vscode"}
MODES_AGREE = 0.05
"""Performance and energy mode of the published rounds differ by 0.1 to 0.6 %; more than 5 % is another firmware."""


@dataclass(frozen=True)
class Checked:
    """`results`: benchmark folders looked at. `notes`: what could not be checked, and why."""

    root: Path
    round: str
    organisations: int
    systems: int
    results: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    def count(self, severity: str) -> int:
        return sum(one.severity == severity for one in self.findings)

    @property
    def kinds(self) -> dict[str, int]:
        """How many findings of each kind, most first."""
        return dict(Counter(one.kind for one in self.findings).most_common())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "root": str(self.root),
            "round": self.round,
            "organisations": self.organisations,
            "systems": self.systems,
            "results": self.results,
            "errors": self.count("error"),
            "warnings": self.count("warning"),
            "kinds": self.kinds,
            "notes": list(self.notes),
            "findings": [one.as_dict() for one in self.findings],
        }


@dataclass
class _Walk:
    """What is the same for the whole tree; `notes`, `systems`, `results` grow on the way."""

    tree: Tree
    round: Round
    data: Path | None
    notes: list[str]
    organisations: int = 0
    systems: int = 0
    results: int = 0


def check(root: Path, *, accepted: str = LATEST, organisation: str | None = None, data: Path | None = None) -> Checked:
    """Look at everything in the submission below `root`.

    Args:
        root: the folder that holds closed/ and open/.
        accepted: the round, whose benchmarks, runners and sets count.
        organisation: of this one only.
        data: folder with MODEL_ID/y_labels.csv; EnergyRunner's logs name no labels, so vww and ic need it.

    Raises:
        UsageError: no such folder, round or organisation, or neither closed/ nor open/ in it.
        ContentError: a y_labels.csv that is none.
    """
    if not root.is_dir():
        raise UsageError(f"{root} is not a folder", hint="name the folder that holds closed/ and open/")
    walk = _Walk(Tree.of(root), find(accepted), data, [])
    divisions = [name for name in DIVISIONS if PurePosixPath(name) in walk.tree.folders(PurePosixPath())]
    if not divisions:
        raise UsageError(
            f"{root} holds neither closed/ nor open/",
            means="a submission is DIVISION/ORGANISATION/{results,systems,code}",
            hint=_above(root) or "name the folder that holds closed/ and open/",
        )
    found = [*walk.tree.unreadable, *_top(walk), *_organisations(walk, divisions, organisation)]
    if not walk.organisations and organisation is not None:
        raise UsageError(f"no organisation '{organisation}' in {root}", hint=_organisation_names(walk, divisions))
    if not walk.results:
        found.append(finding("nothing-submitted", PurePosixPath(), "no benchmark's results anywhere"))
    ordered = sorted(dict.fromkeys(found), key=lambda one: (one.path, one.line or 0, one.severity, one.kind))
    return Checked(
        root, walk.round.name, walk.organisations, walk.systems, walk.results, tuple(ordered), tuple(walk.notes)
    )


def _above(root: Path) -> str:
    """A hint for one who named a folder inside the submission."""
    for level, name in enumerate((root.resolve().name, *(p.name for p in root.resolve().parents[:2]))):
        if name in DIVISIONS:
            return f"name the folder above {name}/: {root.resolve().parents[level]}"
    return ""


def _organisation_names(walk: _Walk, divisions: list[str]) -> str:
    names = {folder.name for division in divisions for folder in walk.tree.folders(PurePosixPath(division))}
    return f"there are {', '.join(sorted(names)[:20])}" if names else "the divisions are empty"


def _top(walk: _Walk) -> Iterator[Finding]:
    for entry in walk.tree.inside(PurePosixPath()):
        if entry.sort == "folder" and entry.path.name not in {*DIVISIONS, *BESIDE}:
            yield finding("unknown-division", entry.path, f"{entry.path.name}/ is neither closed/ nor open/")
        elif entry.sort == "link":
            yield finding("symbolic-link", entry.path, "a symbolic link")


def _organisations(walk: _Walk, divisions: list[str], only: str | None) -> Iterator[Finding]:
    for division in divisions:
        for folder in walk.tree.folders(PurePosixPath(division)):
            if only is None or folder.name == only:
                walk.organisations += 1
                yield from _organisation(walk, folder)


def _organisation(walk: _Walk, folder: PurePosixPath) -> Iterator[Finding]:
    tree = walk.tree
    yield from folders.check(tree, folder)
    if folder / "results" not in tree.folders(folder):
        yield finding("no-results", folder, "no results/; the official checker skips this organisation")
        return
    mapping = dict(LONG_NAMES) if walk.round.long_names else {}
    yield from _mapping(walk, folder, mapping)
    names = [system.name for system in tree.folders(folder / "results")]
    has_energy = False
    for system in tree.folders(folder / "results"):
        walk.systems += 1
        yield from systems.description(tree, folder, system.name)
        for benchmark in tree.folders(system):
            has_energy |= benchmark / "energy" in tree.folders(benchmark)
        yield from _system(walk, system, mapping)
    yield from systems.papers(tree, folder, energy=has_energy)
    yield from systems.unused(tree, folder, set(names))


def _mapping(walk: _Walk, folder: PurePosixPath, mapping: dict[str, str]) -> Iterator[Finding]:
    """model_mapping.json of the open division: folder of results to benchmark; fills `mapping`."""
    path = folder / "model_mapping.json"
    if folder.parts[0] != "open" or walk.tree.find(path) is None:
        return
    data = walk.tree.json(path)
    if isinstance(data, Finding):
        yield data
        return
    for name, benchmark in data.value.items() if isinstance(data.value, dict) else [("", data.value)]:
        if benchmark in walk.round.tasks:
            mapping[name] = benchmark
        else:
            yield finding("mapping-damaged", path, f'"{name}" maps to {benchmark!r:.60}, no benchmark of the round')


def _system(walk: _Walk, system: PurePosixPath, mapping: Mapping[str, str]) -> Iterator[Finding]:
    benchmarks = walk.tree.folders(system)
    if not benchmarks:
        yield finding("no-benchmark", system, "no benchmark's folder")
    for folder in benchmarks:
        name = mapping.get(folder.name, folder.name)
        if name not in walk.round.tasks:
            known = ", ".join(walk.round.tasks)
            yield finding("unknown-benchmark", folder, f"'{folder.name}' is none of {walk.round.name}'s: {known}")
            continue
        if name == "ic2" and system / "ic" not in benchmarks:
            yield finding("ic2-without-ic", folder, "ic2 without ic beside it")
        walk.results += 1
        yield from _benchmark(walk, folder, TASKS[name])


def _benchmark(walk: _Walk, folder: PurePosixPath, task: Task) -> Iterator[Finding]:
    tree = walk.tree
    present: list[Mode] = [mode for mode in MODES if folder / mode in tree.folders(folder)]
    for other in tree.folders(folder):
        if other.name not in MODES and other.name != place.MARKER:
            yield finding("unknown-folder", other, f"{other.name}/ is no mode")
    for mode in task.required:
        if mode not in present:
            yield finding("mode-missing", folder, f"no {mode}/")
    if task.metric == "streaming" and not {"performance", "energy"} & set(present):
        yield finding("mode-missing", folder, "neither performance/ nor energy/")
    closed = folder.parts[0] == "closed"
    places = {
        mode: place.read(tree, folder / mode, mode=mode, task=task, accepted=walk.round, closed=closed)
        for mode in present
    }
    for one in places.values():
        found = [*one.findings, *_mode(walk, one)]
        yield from (each for each in found if not _said_twice(each, found))
    yield from _together(walk, folder, list(places.values()))


def _said_twice(one: Finding, found: list[Finding]) -> bool:
    """The runner's own words on a short window, where the window itself was found."""
    shorts = {"window-short", "window-few", "energy-invalid"}
    return (
        one.kind == "runner-error"
        and re.search(r"at least 10 seconds|below minimum duration", one.seen) is not None
        and any(each.kind in shorts for each in found)
    )


def _mode(walk: _Walk, one: Place) -> Iterator[Finding]:
    if one.task.metric == "streaming":
        if one.mode != "accuracy":
            yield from streaming.check(one)
    elif one.mode == "performance":
        yield from performance.check(one)
    elif one.mode == "energy":
        yield from energy.check(one)
    else:
        labels = _labels(walk.data, one.task.model_id)
        yield from accuracy.check(one, labels=labels)
        if note := accuracy.why_not_recomputed(one, labels):
            walk.notes.append(note)


def _labels(data: Path | None, model_id: str) -> dict[str, int]:
    """File name to class, from y_labels.csv of the official set; nothing where the user has none."""
    path = data / model_id / "y_labels.csv" if data else None
    return energyrunner.read_labels(path) if path and path.is_file() else {}


def _together(walk: _Walk, folder: PurePosixPath, places: list[Place]) -> Iterator[Finding]:
    """What only the modes of one benchmark, side by side, can show."""
    runners = {one.runner for one in places if one.log}
    if len(runners) > 1:
        yield finding("runner-mixed", folder, " and ".join(sorted(runners)))
    if walk.round.marker and runners == {"energyrunner"} and walk.tree.find(folder / place.MARKER) is None:
        yield finding(
            "runner-marker-missing", folder, f"no {place.MARKER} beside the modes; the official checker looks there"
        )
    rates = {one.mode: _rate(one) for one in places}
    timed, powered = rates.get("performance"), rates.get("energy")
    if timed and powered and abs(timed / powered - 1) > MODES_AGREE:
        yield finding("modes-differ", folder, f"{timed:g} inf./s in performance mode, {powered:.5g} in energy mode")


def _rate(one: Place) -> float | None:
    """Inferences a second, as the folder's windows say."""
    if not one.printed:
        return None
    if one.printed.median_throughput:
        return one.printed.median_throughput[-1].value
    rates = [
        row.inferences.value / row.seconds.value
        for row in one.printed.energy_windows
        if row.inferences and row.seconds and row.seconds.value > 0
    ]
    return sorted(rates)[len(rates) // 2] if rates else None
