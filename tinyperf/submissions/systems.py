"""What stands beside the results: system descriptions, code, checklist, hook-up drawing, words not yet replaced."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from tinyperf.submissions.findings import Finding, finding
from tinyperf.submissions.tree import Json, line_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import PurePosixPath

    from tinyperf.submissions.tree import Tree

STATUSES = ("available", "preview", "rdi")

FILLED = ("Submitter", "Division", "Status", "Board Name", "Processor(s) Name", "Processor(s) Frequencies")
"""Must say something: a result of nobody, on nothing, at no clock, is none."""

TEMPLATE = (
    *FILLED,
    *("Processor memory type and capacity", "Accelerator", "Accelerator(s) Frequencies"),
    *("Accelerator memory type and capacity", "Hardware Notes", "Inference Framework", "Software Libraries"),
    "Software Notes",
    "Board Memory capacity (not including SoC, processor, or accelerator)",
    *("Board Memory type", "Board storage capacity", "Board storage type", "SoC Name"),
    "SoC Memory capacity (not including processor or accelerator)",
    *("SoC Memory type", "SoC storage capacity", "SoC storage type", "Processor storage type and capacity"),
    *("Accelerator storage type and capacity", "Operating System", "Other Software Stack", "Quantization Method"),
    *("Training framework (open division)", "ML Model Compiler(s)", "General Compiler(s)", "Other Software"),
    "Training and Quantization Notes",
)
"""Every field of the template; "Operating System " stands there with a blank at its end, and both are read."""

PLACEHOLDER = re.compile(
    r"\b(?:TODO|TBD|FIXME|CHANGEME|PLACEHOLDER|FILL(?:ED)?[ _-]IN)\b|<[A-Za-z][^<>]{0,80}>|\bX{3,}\b|^\?+$"
)
SOURCES = {".c", ".cc", ".cpp", ".cxx", ".h", ".hpp", ".s", ".py", ".v", ".sv", ".vhd", ".rs", ".ino", ".ipynb"}


def description(tree: Tree, organisation: PurePosixPath, system: str) -> Iterator[Finding]:
    """Everything that is wrong with systems/SYSTEM.json."""
    path = organisation / "systems" / f"{system}.json"
    if tree.find(path) is None:
        yield finding("system-missing", path, f"results/{system} has no description {path.name}")
        return
    data = tree.json(path)
    if isinstance(data, Finding):
        yield data
    elif not isinstance(data.value, dict):
        yield finding("json-damaged", path, "not an object of fields", line=1)
    else:
        for name in data.twice:
            yield finding("duplicate-key", path, f'"{name}" stands twice', line=line_of(data.text, f'"{name}"'))
        yield from _fields(path, data, organisation.parts[0])


def _fields(path: PurePosixPath, data: Json, division: str) -> Iterator[Finding]:
    fields: dict[str, Any] = {name.strip(): value for name, value in data.value.items()}

    def line(name: str) -> int | None:
        return line_of(data.text, f'"{name}')

    for name in TEMPLATE:
        if name not in fields:
            near = difflib.get_close_matches(name, fields.keys() - set(TEMPLATE), n=1, cutoff=0.8)
            kind = "field-missing" if name in FILLED else "field-absent"
            words = f'; "{near[0]}" is not that' if near else ""
            yield finding(kind, path, f'no field "{name}"{words}', line=line(near[0]) if near else None)
    for name, value in fields.items():
        if name in TEMPLATE and not isinstance(value, str):
            yield finding("field-not-text", path, f'"{name}" is {type(value).__name__}, not text', line=line(name))
        elif name in FILLED and not value.strip():
            yield finding("field-empty", path, f'"{name}" is empty', line=line(name))
        elif isinstance(value, str) and (match := PLACEHOLDER.search(value)):
            yield finding("placeholder", path, f'"{name}" still says "{match[0]}"', line=line(name))
    if fields.get("system_type") is not None:
        yield finding("system-type", path, '"system_type" has a value', line=line("system_type"))
    yield from _claims(path, fields, division, line("Status"), line("Division"))


def _claims(
    path: PurePosixPath, fields: dict[str, Any], division: str, status_line: int | None, division_line: int | None
) -> Iterator[Finding]:
    status, said = fields.get("Status"), fields.get("Division")
    said_so = isinstance(status, str) and status.strip() and not PLACEHOLDER.search(status)
    if said_so and str(status).lower() not in STATUSES:
        yield finding("status-invalid", path, f'Status "{status}"', line=status_line)
    if isinstance(said, str) and said.strip() and said.strip().casefold() != division:
        yield finding("division-differs", path, f'Division "{said}" in {division}/', line=division_line)


def papers(tree: Tree, organisation: PurePosixPath, *, energy: bool) -> Iterator[Finding]:
    """Code, README, checklist, hook-up drawing, and words that were to be replaced."""
    below = [entry for entry in tree.below(organisation) if entry.sort == "file"]
    names = [entry.path.relative_to(organisation).as_posix().casefold() for entry in below]
    code = [entry for entry in below if entry.path.relative_to(organisation).parts[0] == "code"]
    if not code:
        yield finding("code-missing", organisation / "code", "no file of code")
    elif not any(entry.path.suffix.casefold() in SOURCES for entry in code):
        yield finding("code-without-sources", organisation / "code", f"{len(code)} files, none of them a source")
    if not any(re.search(r"^(?:code/.*)?readme[^/]*$", name) for name in names):
        yield finding("readme-missing", organisation / "code", "no README")
    if not any(re.search(r"check.?list[^/]*$", name) for name in names):
        yield finding("checklist-missing", organisation / "systems", "no file whose name says checklist")
    if energy and not any(re.search(r"hook.?up|(?:energy|power)[^/]*set.?up|wiring", name) for name in names):
        yield finding("hookup-missing", organisation / "systems", "energy results, and no Energy-Hookup.pdf")
    for entry in below:
        relative = entry.path.relative_to(organisation)
        if entry.path.suffix.casefold() in {".md", ".txt"} and (
            len(relative.parts) == 1 or relative.parts[0] == "systems"
        ):
            yield from _placeholders(tree, entry.path)


def _placeholders(tree: Tree, path: PurePosixPath) -> Iterator[Finding]:
    text = tree.text(path)
    for number, line in enumerate(text.split("\n") if isinstance(text, str) else [], 1):
        if match := re.search(r"\b(?:TODO|TBD|FIXME|CHANGEME|FILL(?:ED)?[ _-]IN)\b", line):
            yield finding("placeholder", path, f'still says "{match[0]}"', line=number)


def unused(tree: Tree, organisation: PurePosixPath, systems: set[str]) -> Iterator[Finding]:
    """Descriptions that no results folder uses: most likely a name that differs."""
    for file in tree.files(organisation / "systems"):
        if file.suffix == ".json" and file.stem not in systems and not file.name.startswith("."):
            near = difflib.get_close_matches(file.stem, systems, n=1)
            words = f"; results/{near[0]} is close" if near else ""
            yield finding("system-without-results", file, f"no results/{file.stem}{words}")
