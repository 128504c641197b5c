"""A submission tree from session folders: what is known is written, what a person must say is marked."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from tinyperf import board as boards
from tinyperf import content
from tinyperf.benchmark import BENCHMARKS
from tinyperf.errors import ContentError, DiskError, MissingExtraError, TinyperfError, UsageError
from tinyperf.session import choose, picture, store
from tinyperf.submissions import rounds
from tinyperf.submissions.systems import TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tinyperf.board import Board
    from tinyperf.session.record import Record

DIVISIONS = ("closed", "open")
FILL = "FILL IN"
FILES = ("log.txt", "results.txt", "results.json")
PICTURE = "energy_inf_000.png"
DRAWN_FOR = "nucleo-l4r5zi"
"""The board of the shipped wiring drawings (scripts/wiring); its -p variant has the same pins."""


@dataclass(frozen=True)
class Built:
    """`root`: what `submission check` takes. `files`: below it. `to_fill`: what still says FILL IN, `file: what`."""

    root: Path
    files: tuple[str, ...]
    to_fill: tuple[str, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "root": str(self.root),
            "files": list(self.files),
            "to_fill": list(self.to_fill),
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class _Given:
    """One session as it goes into the tree."""

    at: Path
    record: Record
    board: Board

    @property
    def benchmark(self) -> str:
        return self.record.planned.benchmark

    @property
    def mode(self) -> str:
        return self.record.planned.mode

    @property
    def streams(self) -> bool:
        """It is of the streaming wakeword, whose firmware is one for all modes."""
        return BENCHMARKS[self.benchmark].streams

    @property
    def energy_firmware(self) -> bool:
        return self.mode == "energy" and not self.streams


@dataclass
class _Tree:
    """The tree while it is written, one organisation's folder. `other_code`: where the code is not what ran."""

    root: Path
    at: PurePosixPath
    files: list[str] = field(default_factory=list)
    to_fill: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    other_code: list[str] = field(default_factory=list)

    def write(self, name: str, text: str) -> None:
        """One text file; lines that say FILL IN are kept as things to do."""
        self._make(name).write_text(text, encoding="utf-8", newline="\n")
        self.files.append(str(self.at / name))
        self.to_fill += [f"{self.at / name}: {line.strip()}" for line in text.split("\n") if FILL in line]

    def copy(self, source: Path, name: str) -> None:
        shutil.copyfile(source, self._make(name))
        self.files.append(str(self.at / name))

    def draw(self, session: Path, name: str) -> None:
        """The picture of a power trace, which the official checker wants of a stream."""
        try:
            picture.draw(session, self._make(name))
        except MissingExtraError as exc:
            self.notes.append(f"{self.at / name} is missing: {exc.seen}; {exc.hint}, then make the tree again")
            return
        self.files.append(str(self.at / name))

    def _make(self, name: str) -> Path:
        path = self.root / self.at / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def build(
    sessions: Sequence[Path], *, organisation: str, out: Path, division: str = "closed", system: Path | None = None
) -> Built:
    """Write DIVISION/ORGANISATION of these sessions below `out`.

    Args:
        sessions: session folders of one board; each benchmark and mode once.
        organisation: name of the folder; letters, digits, - and _.
        out: a folder that is new or empty.
        system: JSON with fields of the system description that go before what is known; its name is the system's.

    Raises:
        UsageError: the sessions do not make one submission; every reason is named.
        ContentError: a session or the system file is damaged. DiskError: the tree cannot be written.
        Otherwise as `tinyperf generate`, which makes the code.
    """
    _names(organisation, division, out)
    given = _sessions(sessions)
    stated = _stated(system)
    name = system.stem if system else given[0].board.name
    tree = _Tree(out, PurePosixPath(division) / organisation)
    try:
        _results(tree, given, name)
        _code(tree, given)
        tree.write(f"systems/{name}.json", _description(given, organisation, division, stated))
        _papers(tree, given, division)
    except OSError as exc:
        raise DiskError(
            f"{out} cannot be written: {exc.strerror or exc}", hint="make room, or give another folder"
        ) from exc
    return Built(out, tuple(sorted(tree.files)), tuple(tree.to_fill), tuple(tree.notes))


def _names(organisation: str, division: str, out: Path) -> None:
    if division not in DIVISIONS:
        raise UsageError(f"no division '{division}'", hint=f"there are {' and '.join(DIVISIONS)}")
    if not organisation or not all(one.isascii() and (one.isalnum() or one in "-_") for one in organisation):
        raise UsageError(
            f"'{organisation}' is no name of a folder of a submission", hint="use letters, digits, - and _ alone"
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty", means="a tree is written whole", hint="give another -o, or remove it")


def _sessions(folders: Sequence[Path]) -> list[_Given]:
    """Loaded and checked together: all reasons at once."""
    if not folders:
        raise UsageError("no session was given", hint="name the folders that 'tinyperf run' printed")
    given: list[_Given] = []
    reasons: list[str] = []
    for folder in folders:
        try:
            record = store.load(folder).record
            one = _Given(
                folder,
                record,
                boards.load(record.planned.request.board or record.planned.board, record.planned.request.clock),
            )
        except TinyperfError as exc:
            reasons.append(exc.seen)
            continue
        reasons += _unfit(one)
        given.append(one)
    reasons += _together(given)
    if reasons:
        raise UsageError(
            "; ".join(reasons),
            means="these sessions make no submission",
            hint="give finished sessions of one board, each benchmark and mode once",
        )
    return given


def _unfit(one: _Given) -> list[str]:
    """Why a session has no place in a submission."""
    reasons = []
    if one.benchmark not in rounds.TASKS:
        reasons.append(f"{one.at} is of '{one.benchmark}', no benchmark of MLPerf Tiny")
    if one.record.result is None:
        reasons.append(f"{one.at} has no result yet; 'tinyperf run --resume {one.at}' finishes it")
    missing = [name for name in FILES if not (one.at / name).is_file()]
    if missing and one.record.result is not None:
        reasons.append(f"{one.at} lacks {', '.join(missing)}")
    return reasons


def _together(given: Sequence[_Given]) -> list[str]:
    reasons = []
    seen: dict[tuple[str, str], Path] = {}
    for one in given:
        before = seen.setdefault((one.benchmark, one.mode), one.at)
        if before is not one.at:
            reasons.append(f"{before} and {one.at} are both {one.benchmark}, {one.mode}")
    names = sorted({one.board.name for one in given})
    if len(names) > 1:
        reasons.append(f"the sessions are of {len(names)} boards: {', '.join(names)}")
    return reasons


def _stated(system: Path | None) -> dict[str, str]:
    """Fields that a person filled in."""
    if system is None:
        return {}
    try:
        value = json.loads(system.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as exc:
        raise ContentError(f"{system}: {exc}", hint="give a JSON object of fields of the system description") from exc
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise ContentError(f"{system} is no object whose values are text", hint='write {"Status": "Available", ...}')
    unknown = sorted({name.strip() for name in value} - set(TEMPLATE))
    if unknown:
        raise ContentError(f"{system}: unknown fields {', '.join(unknown)}", hint=f"known are {', '.join(TEMPLATE)}")
    return {name.strip(): text for name, text in value.items()}


# ------------------------------------------------------------------------------------------------ results and code


def _results(tree: _Tree, given: Iterable[_Given], system: str) -> None:
    for one in given:
        place = f"results/{system}/{one.benchmark}/{one.mode}"
        for name in FILES:
            tree.copy(one.at / name, f"{place}/{name}")
        if one.streams and one.mode == "energy":
            tree.draw(one.at, f"{place}/{PICTURE}")
        if one.record.planned.estimated or one.record.transport == "process":
            tree.notes.append(f"{one.benchmark} {one.mode} was not measured on the board: no result for a submission")


def _code(tree: _Tree, given: Sequence[_Given]) -> None:
    """The sources of every firmware that ran; generated anew, and held against the build id that the device gave."""
    firmwares = {_firmware(one): one for one in given}
    for (benchmark, folder), one in firmwares.items():
        asked = one.record.planned.request
        if asked.image is not None or not asked.build:
            tree.write(
                f"code/{benchmark}/{folder}/README.md",
                f"# {benchmark}\n\n{FILL}: the sources of this firmware, which tinyperf did not make.\n",
            )
            continue
        wanted = choose.Content(
            asked.benchmark, Path(asked.model) if asked.model else None, asked.engine, one.energy_firmware
        )
        base = f"code/{benchmark}/{folder}"
        project = choose.project(one.board, wanted, tree.root / tree.at / base)
        tree.files += [str(tree.at / base / name) for name in project.files]
        ran = {each.record.build_id for each in given if _firmware(each) == (benchmark, folder)}
        tree.other_code += [
            f"{FILL}: {base} holds build id {project.build_id}, but {build_id} ran: tinyperf, compiler or model has "
            "changed since. Put the sources that ran there, or measure again."
            for build_id in sorted(map(str, ran - {project.build_id}))
        ]
        _model(tree, one, f"code/{benchmark}/model.tflite")


def _firmware(one: _Given) -> tuple[str, str]:
    """Benchmark and folder of a firmware: energy mode has one of its own, the other two share theirs."""
    engine = (one.record.planned.engine or "foreign").partition(":")[0]
    return one.benchmark, f"{one.board.name}-{engine}" + ("-energy" if one.energy_firmware else "")


def _model(tree: _Tree, one: _Given, name: str) -> None:
    """The network itself, where it is still the one that was measured."""
    asked, model = one.record.planned.request, one.record.planned.model
    path = Path(asked.model) if asked.model else content.names("models", ".tflite").get(one.benchmark)
    if path is None or model is None or str(tree.at / name) in tree.files:
        return
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != model.sha256:
        tree.notes.append(f"{path} is not the model that was measured (sha256 {model.sha256}); add that one")
        return
    tree.copy(path, name)


# ------------------------------------------------------------------------------------------------------ descriptions


def _description(given: Sequence[_Given], organisation: str, division: str, stated: dict[str, str]) -> str:
    """systems/SYSTEM.json: what a person stated, then what is known, then the mark."""
    known = _known(given, organisation, division)
    fields = {name: stated.get(name, known.get(name, "")) for name in TEMPLATE}
    return json.dumps(fields, indent=2) + "\n"


def _known(given: Sequence[_Given], organisation: str, division: str) -> dict[str, str]:
    one = given[0]
    board, planned = one.board, one.record.planned
    memory = board.chip.memories
    ram = f"{sum(block.bytes for block in memory if block.kind == 'ram') // 1024} KB"
    flash = f"{sum(block.bytes for block in memory if block.kind == 'flash') // 1024} KB"
    supply = next((s.record.learned.supply_mv for s in given if s.record.learned.supply_mv), None)
    engines = sorted({f"tinyperf {s.record.planned.tinyperf}, engine {s.record.planned.engine}" for s in given})
    details = planned.engine_details
    return {
        "Submitter": organisation,
        "Division": division.capitalize(),
        "Status": f"{FILL}: Available, Preview or RDI",
        "Board Name": board.title,
        "SoC Name": board.part,
        "SoC Memory capacity (not including processor or accelerator)": ram,
        "SoC Memory type": "RAM",
        "SoC storage capacity": flash,
        "SoC storage type": "flash",
        "Processor(s) Name": board.core.title,
        "Processor(s) Frequencies": f"{board.clock_hz / 1e6:g} MHz",
        "Processor memory type and capacity": f"{ram} RAM",
        "Processor storage type and capacity": f"{flash} flash",
        "Hardware Notes": f"energy at {supply / 1000:g} V" if supply else "",
        "Inference Framework": "; ".join(engines),
        "Software Libraries": f"{planned.engine} {details.version}" if details and details.version else "none",
        "Operating System": "bare metal",
        "Quantization Method": f"{FILL}: how the int8 model was made of the float weights",
        "Training framework (open division)": f"{FILL}: framework and data" if division == "open" else "",
        "ML Model Compiler(s)": "; ".join(engines),
        "General Compiler(s)": planned.toolchain.compiler if planned.toolchain else f"{FILL}: compiler and version",
        "Training and Quantization Notes": "",
    }


def _papers(tree: _Tree, given: Sequence[_Given], division: str) -> None:
    tree.write("README.md", _readme(given, tree.other_code))
    tree.write("systems/Submission_Checklist.md", _checklist(given, division))
    powered = next((one for one in given if one.mode == "energy"), None)
    if powered:
        _hookup(tree, powered)
    if division == "open":
        mapping = {one.benchmark: one.benchmark for one in given}
        tree.write("model_mapping.json", json.dumps(mapping, indent=2) + "\n")


def _readme(given: Sequence[_Given], other_code: Sequence[str]) -> str:
    """How to reproduce each result."""
    lines = [
        "# How to reproduce these results",
        "",
        "| benchmark | mode | firmware | build id | command |",
        "| --- | --- | --- | --- | --- |",
    ]
    for one in given:
        planned = one.record.planned
        asked = planned.request
        model = " --model model.tflite" if asked.model else ""
        command = (
            f"tinyperf run --board {one.board.name} --mode {one.mode} --engine {asked.engine}{model} {one.benchmark}"
        )
        folder = "/".join(("code", *_firmware(one)))
        lines.append(f"| {one.benchmark} | {one.mode} | {folder} | {one.record.build_id or '-'} | `{command}` |")
    versions = sorted({one.record.planned.tinyperf for one in given})
    lines += ["", f"Measured with tinyperf {' and '.join(versions)}; `pio run` in a firmware's folder builds it.", ""]
    lines += [line for words in other_code for line in (words, "")]
    return "\n".join(lines)


def _checklist(given: Sequence[_Given], division: str) -> str:
    """The questions of the round's form, answered as far as a session knows; to be carried over into the form."""
    scores = [
        f"{one.benchmark} {value['metric']} {value['value']:.4g}"
        for one in given
        if one.mode == "accuracy" and isinstance(value := (one.record.result or {}).get("accuracy"), dict)
    ]
    whole = [one.record.planned.inputs == "official" for one in given if one.mode == "accuracy"]
    runs = {one.benchmark: set[str | None]() for one in given}
    for one in given:
        if one.mode != "energy":
            runs[one.benchmark].add(one.record.build_id)
    same = all(len(ids) == 1 for ids in runs.values() if ids)
    answers = [
        ("Certifying engineer, name and e-mail", f"{FILL}: a person"),
        ("Systems under test", ", ".join(sorted({one.board.title for one in given}))),
        ("Division", division),
        ("Category", f"{FILL}: available, preview or RDI"),
        ("Benchmarks", ", ".join(sorted({one.benchmark for one in given}))),
        ("Accuracy", "; ".join(scores) or f"{FILL}: no accuracy session was given"),
        ("The whole validation set was used", "yes" if whole and all(whole) else f"{FILL}: no, or not known"),
        ("Runner", "tinyperf, in the form of the MLCommons runner; " + f"{FILL}: say that the official runner agrees"),
        (
            "The same code ran in accuracy and performance mode",
            "yes, same build id" if same else f"{FILL}: build ids differ",
        ),
        ("Calibration data from outside the official set", f"{FILL}: yes or no"),
        ("Numerics", "int8"),
        ("Input caching, or another forbidden technique", f"{FILL}: none, or which"),
        ("System description filled in", f"{FILL}: yes"),
    ]
    rows = [f"| {question} | {answer} |" for question, answer in answers]
    return "\n".join(
        [
            "# Submission checklist",
            "",
            "Carry these over into the round's form.",
            "",
            "| question | answer |",
            "| --- | --- |",
            *rows,
            "",
        ]
    )


def _hookup(tree: _Tree, one: _Given) -> None:
    """The drawing of the instrument that was used, where there is one for this board."""
    instrument = (one.record.planned.request.monitor or "").partition(":")[0]
    drawing = content.shipped("energy") / f"wiring_{Path(instrument).stem}.svg"
    if drawing.is_file() and one.board.name.startswith(DRAWN_FOR):
        tree.copy(drawing, "systems/Energy-Hookup.svg")
        return
    wiring = one.board.energy.wiring
    known = "\n".join(f"- {name}: {value}" for name, value in wiring.model_dump().items() if value) if wiring else ""
    tree.write(
        "systems/Energy-Hookup.md",
        f"# Energy hook-up\n\nInstrument: {instrument}\n\n{known}\n\n{FILL}: a drawing of the wiring.\n",
    )
