"""One mode folder of a submission, its files read once and shared by every check."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tinyperf.submissions import printed
from tinyperf.submissions.findings import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import PurePosixPath

    from tinyperf.submissions.printed import Printed, PrintedLog
    from tinyperf.submissions.rounds import Mode, Round, Task
    from tinyperf.submissions.tree import Json, Tree

RESULTS, LOG, JSON, SCRIPT = "results.txt", "log.txt", "results.json", "script.async"
MARKER = "EEMBC_RUNNER"

_KEPT = {"mlperf_log_trace.json", MARKER}
_BY_MODE = {"energy": re.compile(r"trace\d+-(energy\.bin|timestamps\.json)|energy_inf_\d+\.png")}


@dataclass
class Place:
    """`printed`, `log` and `json` are None where the file is missing or damaged; `findings` then says so."""

    tree: Tree
    path: PurePosixPath
    mode: Mode
    task: Task
    round: Round
    closed: bool
    results_text: str = ""
    printed: Printed | None = None
    log: PrintedLog | None = None
    json: Json | None = None
    findings: list[Finding] = field(default_factory=list)

    @property
    def runner(self) -> str:
        """Which runner wrote this folder."""
        if self.log and self.log.runner:
            return self.log.runner
        return "energyrunner" if self.tree.find(self.path / SCRIPT) else "mlcommons"

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The entries of results.json, errors left out."""
        value = self.json.value if self.json else []
        return [row for row in value if isinstance(row, dict) and "error" not in row]


def read(tree: Tree, path: PurePosixPath, *, mode: Mode, task: Task, accepted: Round, closed: bool) -> Place:
    """The three files of a mode folder, and what is wrong with the folder itself."""
    place = Place(tree, path, mode, task, accepted, closed)
    text = tree.text(path / RESULTS)
    if isinstance(text, Finding):
        place.findings.append(text)
    else:
        place.results_text, place.printed = text, printed.results(text)
    text = tree.text(path / LOG)
    if isinstance(text, Finding):
        place.findings.append(text)
    else:
        place.log = printed.log(text)
    place.findings += _runner_files(place)
    place.findings += _others(place)
    place.findings += _said(place)
    return place


def _runner_files(place: Place) -> Iterator[Finding]:
    """results.json of the MLCommons runner, script.async of EnergyRunner."""
    if place.runner == "energyrunner":
        if place.tree.find(place.path / SCRIPT) is None:
            yield finding("file-missing", place.path / SCRIPT, f"there is no file {SCRIPT}")
        if "energyrunner" not in place.round.runners:
            yield finding(
                "runner-not-accepted", place.path, f"EnergyRunner wrote these; {place.round.name} takes none of it"
            )
        return
    data = place.tree.json(place.path / JSON)
    if isinstance(data, Finding):
        place.findings.append(data)
    elif not isinstance(data.value, list) or not all(isinstance(row, dict) for row in data.value):
        yield finding("json-shape", place.path / JSON, "not a list of objects, one for each input")
    else:
        place.json = data


def _others(place: Place) -> Iterator[Finding]:
    expected = {RESULTS, LOG, SCRIPT if place.runner == "energyrunner" else JSON} | _KEPT
    by_mode = _BY_MODE.get(place.mode)
    for file in place.tree.files(place.path):
        if (
            not file.name.startswith(".")
            and file.name not in expected
            and not (by_mode and by_mode.fullmatch(file.name))
        ):
            yield finding("unexpected-file", file, f"{file.name} is none of a runner's files")
    for folder in place.tree.folders(place.path):
        yield finding("unknown-folder", folder, f"{folder.name}/ in a folder of results")
    picture = place.path / "energy_inf_000.png"
    if place.task.metric == "streaming" and place.mode == "energy" and place.tree.find(picture) is None:
        yield finding("file-missing", picture, "sww in energy mode wants energy_inf_000.png")


REMARK = re.compile(r"(?:^|(?:Median throughput|Median energy cost|Top 1%|AUC|Estimated throughput).*?)\((.+)\)\s*$")
"""tinyperf writes behind a figure what it lacks: estimated, synthetic inputs, a subset, a process of this computer.
0.1.0 had it of energy in a line of its own.
"""


def _said(place: Place) -> Iterator[Finding]:
    """What the runner said of the run, and of which model it was."""
    for at, shown in enumerate(place.results_text.split("\n"), 1):
        if match := REMARK.search(shown):
            yield finding("not-measured", place.path / RESULTS, f"the figure says: {match[1]}", line=at)
    if place.printed:
        for line, words in place.printed.refused:
            yield finding("runner-error", place.path / RESULTS, f'the runner says "{words}"', line=line)
    if not place.log:
        return
    said = {words for _, words in place.printed.refused} if place.printed else set()
    for line, words in place.log.refused:
        if words not in said:
            yield finding("runner-error", place.path / LOG, f'the runner says "{words}"', line=line)
    models = {name for _, name in place.log.models}
    if models and place.closed and models != {place.task.model_id}:
        line = next(line for line, name in place.log.models if name != place.task.model_id)
        yield finding(
            "wrong-model",
            place.path / LOG,
            f"the device names the model {' and '.join(sorted(models))}; {place.task.name} is {place.task.model_id}",
            line=line,
        )
