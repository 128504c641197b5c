"""What can be wrong with a submission, in one table: every kind with its weight, its meaning and what to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pathlib import PurePosixPath

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Kind:
    """`official`: the official checker of mlcommons/tiny 1afd2c9 looks at it too (and exits 0 all the same)."""

    severity: Severity
    official: bool
    meaning: str
    hint: str


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: `path` relative to the folder that was checked, `line` counted from 1."""

    severity: Severity
    kind: str
    path: str
    line: int | None
    seen: str
    hint: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @property
    def text(self) -> str:
        """For people, as compilers print it."""
        where = f"{self.path}:{self.line}" if self.line else self.path
        return f"{where}: {self.severity}: {self.seen} [{self.kind}]"


def finding(kind: str, path: PurePosixPath, seen: str, *, line: int | None = None) -> Finding:
    """A finding of a kind of the table."""
    known = KINDS[kind]
    return Finding(known.severity, kind, _printable(path.as_posix()), line, _printable(seen), known.hint)


def _printable(text: str) -> str:
    """A name may hold bytes that are no UTF-8, and terminals obey control characters."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


_RUN_AGAIN = "run that mode again and copy the three files of one session together"

KINDS: dict[str, Kind] = {
    # the tree
    "unknown-division": Kind("error", True, "a folder beside closed/ and open/", "move it out of the submission"),
    "nothing-submitted": Kind(
        "error", True, "no result anywhere below", "results go to DIVISION/ORG/results/SYSTEM/BENCH"
    ),
    "no-results": Kind("warning", True, "an organisation without results/", "add its results, or remove its folder"),
    "symbolic-link": Kind("error", True, "a symbolic link; it was not followed", "put the file itself there"),
    "special-file": Kind("error", False, "neither file nor folder; it was not opened", "remove it"),
    "unreadable": Kind(
        "error", False, "a file or folder that cannot be read", "mend its permissions, or copy it again"
    ),
    "file-too-large": Kind("error", True, "a file of more than 500 MiB", "leave it out, or split it"),
    "too-large-to-check": Kind(
        "error", False, "a text too large to be one of a runner's", "submit what the runner wrote"
    ),
    "pycache": Kind("error", True, "a __pycache__ folder", "remove it"),
    "empty-folder": Kind("error", True, "a folder with nothing in it", "remove it, or put into it what belongs there"),
    "hidden-name": Kind("warning", True, "a name that starts with a dot", "remove it (.DS_Store, ._*), or rename it"),
    "blank-in-name": Kind("warning", True, "a name with a blank", "write _ for the blank"),
    # systems, code, papers
    "system-missing": Kind(
        "error", True, "results without systems/SYSTEM.json", "name the file like the results folder"
    ),
    "system-without-results": Kind(
        "warning", False, "a system description that no results folder uses", "remove or rename it"
    ),
    "json-damaged": Kind("error", True, "a JSON file that cannot be read", "mend it at that line"),
    "json-shape": Kind("error", False, "a JSON file of another shape than the runner writes", _RUN_AGAIN),
    "duplicate-key": Kind("warning", False, "a key twice in one object; the last one counts", "remove one of the two"),
    "field-missing": Kind("error", False, "a field without which a result says nothing", "add it"),
    "field-absent": Kind(
        "warning", False, "a field of the template that is not there", "add it, empty if it does not apply"
    ),
    "field-empty": Kind("error", False, "a field that must say something", "fill it in"),
    "field-not-text": Kind("error", False, "a field whose value is no text", 'put it into quotes: "120 MHz"'),
    "status-invalid": Kind("error", True, "a Status that is not available, preview or rdi", "use one of the three"),
    "division-differs": Kind("error", False, "a Division field that is not the folder's", "make both the same"),
    "system-type": Kind("error", True, "the key system_type, on which the official checker stops", "remove it"),
    "placeholder": Kind("error", False, "words that were to be replaced", "write what is true of your system"),
    "code-missing": Kind(
        "error", False, "no file in code/", "the rules want the code that ran, its models and scripts"
    ),
    "code-without-sources": Kind("warning", False, "no source file in code/", "add the sources, not only archives"),
    "readme-missing": Kind("warning", False, "no README in code/ or beside it", "say how to reproduce the results"),
    "checklist-missing": Kind(
        "error", False, "no submission checklist", "fill in the round's checklist, into systems/"
    ),
    "hookup-missing": Kind(
        "error", False, "energy results without a hook-up drawing", "put Energy-Hookup.pdf into systems/"
    ),
    "mapping-damaged": Kind(
        "error", True, "a model_mapping.json that maps to no benchmark", "map FOLDER to a benchmark"
    ),
    # folders of results
    "unknown-benchmark": Kind(
        "error", True, "a results folder of no benchmark of the round", "rename it, or map it (open division)"
    ),
    "ic2-without-ic": Kind("error", True, "ic2 is accepted only together with ic", "submit ic of the same system too"),
    "no-benchmark": Kind(
        "error", False, "a system's results folder without a benchmark", "add the results, or remove it"
    ),
    "mode-missing": Kind(
        "error", True, "a mode that the round requires is not there", "run it, with the same firmware"
    ),
    "unknown-folder": Kind("warning", False, "a folder that no tool reads", "remove it, or move it to code/"),
    "file-missing": Kind("error", True, "a file that the runner writes is not there", _RUN_AGAIN),
    "file-empty": Kind("error", False, "a file without a byte", _RUN_AGAIN),
    "not-text": Kind("error", False, "a text file that is none", _RUN_AGAIN),
    "unexpected-file": Kind(
        "warning", True, "a file that the official checker calls a mismatch", "remove it, or move it to code/"
    ),
    "runner-not-accepted": Kind(
        "error", False, "results of EnergyRunner after v1.3", "measure with the MLCommons runner's form"
    ),
    "runner-marker-missing": Kind(
        "warning",
        True,
        "EnergyRunner's results without EEMBC_RUNNER",
        "put an empty file EEMBC_RUNNER beside the modes",
    ),
    "runner-mixed": Kind("warning", False, "modes of one benchmark from two runners", "use one runner for all modes"),
    "not-measured": Kind(
        "error", False, "a figure that says of itself that it is no result", "measure on the board itself"
    ),
    "wrong-model": Kind("error", False, "the log is of another benchmark", "copy the files of the right session"),
    "runner-error": Kind("error", False, "the runner itself said that the run is not valid", "run that mode again"),
    # performance
    "no-median": Kind("error", True, "no median in the form that the official checker reads", _RUN_AGAIN),
    "window-count": Kind("error", False, "not exactly five windows", "run that mode again, with five inputs"),
    "window-short": Kind(
        "error", False, "a window of less than 10 s", "raise N, so that each window lasts 10 s or more"
    ),
    "window-few": Kind("error", False, "a window of fewer than 10 inferences", "raise N to 10 or more"),
    "same-input": Kind(
        "error", False, "the five windows did not use five inputs", "use the first five of y_labels.csv"
    ),
    "figures-differ": Kind("error", False, "figures of one file that do not fit each other", _RUN_AGAIN),
    "files-differ": Kind("error", False, "log, results.txt and results.json that do not fit each other", _RUN_AGAIN),
    "clocks-differ": Kind(
        "error", False, "the device's clock and the host's disagree", "check the clock of the firmware's timer"
    ),
    "modes-differ": Kind(
        "warning", False, "performance and energy mode differ by over 5 %", "use the same firmware and clock"
    ),
    # accuracy
    "no-accuracy": Kind("error", True, "no accuracy in the form that the official checker reads", _RUN_AGAIN),
    "target-missed": Kind(
        "error", True, "below the closed division's target", "improve the model, or submit it as open"
    ),
    "target-by-rounding": Kind(
        "warning", False, "meets the target only as printed, rounded", "print more digits, or improve it"
    ),
    "sample-count": Kind("error", False, "not the whole official set", "run accuracy mode over every sample"),
    "sample-repeated": Kind("error", False, "a sample counted more than once", "run accuracy mode again"),
    "windows-per-file": Kind(
        "error", False, "ad: a file whose 196 windows were not all measured", "measure every window"
    ),
    "accuracy-differs": Kind("error", False, "the printed accuracy is not what the outputs give", _RUN_AGAIN),
    "outputs-odd": Kind("error", False, "outputs that no model gives", "check the firmware's m-results line"),
    # energy
    "no-energy": Kind("error", True, "no energy in the form that the official checker reads", _RUN_AGAIN),
    "trace-missing": Kind(
        "warning", False, "no raw trace, so the energy cannot be recomputed", "add what the runner recorded"
    ),
    "trace-damaged": Kind("error", False, "a raw trace that cannot be read", "copy the session again"),
    "energy-invalid": Kind("error", False, "the trace breaks a rule of energy mode", "measure again"),
    "energy-differs": Kind("error", False, "printed energy that the trace does not give", _RUN_AGAIN),
    # streaming wakeword
    "streaming-incomplete": Kind("error", True, "sww without accuracy, duty cycle or throughput", _RUN_AGAIN),
    "streaming-count": Kind("error", True, "true positives and false negatives are not the 50 wakewords", _RUN_AGAIN),
    "streaming-differs": Kind("error", False, "printed counts or times that results.json does not give", _RUN_AGAIN),
    "streaming-tail": Kind(
        "warning", False, "meets the target only with the runner's 2 s tail", "the rules' text says 1 s"
    ),
}
