"""A submission tree from sessions: refused until a person has filled it in, and for an estimate; then without error."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

import tinyperf
from tests import submission_tree
from tinyperf import cli
from tinyperf.errors import ContentError, UsageError
from tinyperf.measure.monitor import Identity
from tinyperf.request import Request
from tinyperf.result import EngineDetails, Memory, Toolchain
from tinyperf.session import record, store

if TYPE_CHECKING:
    from pathlib import Path

BOARD = "nucleo-l4r5zi"
MODES = ("performance", "accuracy", "energy")
STATED = {"Status": "Available", "Quantization Method": "post-training, int8, official calibration set"}


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return three_modes(tmp_path_factory.mktemp("sessions"))


def three_modes(root: Path) -> dict[str, Path]:
    """Finished sessions of the firmware that this version makes: their files are made up, their records real."""
    tree = submission_tree.mlcommons(root / "tree")
    folders = {}
    for mode in MODES:
        project = tinyperf.generate(BOARD, "kws", out=root / f"code-{mode}", energy=mode == "energy")
        folders[mode] = root / mode
        shutil.copytree(tree / "closed" / "acme" / "results" / "one" / "kws" / mode, folders[mode])
        _record(folders[mode], mode, project.build_id)
    return folders


def _record(folder: Path, mode: Any, build_id: str, **changes: Any) -> None:
    """Write `session.json`; `changes` are fields of what was planned."""
    monitor = Identity("lpm01a", "LPM01A", "1", "1.0.7", 1000.0, "hardware", 0.02)
    asked = Request(
        board=BOARD, benchmark="kws", mode=mode, monitor="lpm01a:port=/dev/ttyACM1" if mode == "energy" else None
    )
    planned = record.Planned(
        id="20261130000000",
        tinyperf=tinyperf.__version__,
        created=datetime(2026, 11, 30, tzinfo=UTC),
        request=asked,
        mode=mode,
        benchmark="kws",
        board=BOARD,
        engine="aot",
        transport="serial",
        where="/dev/ttyACM0",
        baud=115200,
        stamp_characters=60,
        estimated=False,
        error_percent=None,
        inputs="official",
        data=None,
        classes=12,
        metric="top1",
        target=0.9,
        input_bytes=490,
        stride_bytes=0,
        samples=(),
        inferences=None,
        warmups=1,
        rules=record.Rules(windows=5, min_seconds=10.0, min_inferences=10, clock_tolerance=0.01),
        build_id=build_id,
        image_sha256=None,
        model=record.ModelFile(name="kws", sha256="0" * 64),
        toolchain=Toolchain("arm-none-eabi-gcc 12.2.1", "-O2"),
        engine_details=EngineDetails("10 x conv", "0.1.0"),
        memory=Memory(1, 1, 1),
        model_id="kws01",
        notes=(),
    )
    learned = record.Learned(
        build_id=build_id, monitor=monitor if mode == "energy" else None, supply_mv=3000 if mode == "energy" else None
    )
    result = {"accuracy": {"metric": "top1", "value": 0.905} if mode == "accuracy" else None}
    whole = record.Record(planned=planned.model_copy(update=changes), learned=learned, result=result)  # type: ignore[arg-type]  # JsonValue
    store.begin(folder, whole)


def built(sessions: dict[str, Path], out: Path, *changed: Path, **options: Any) -> Any:
    return tinyperf.submission_build([*sessions.values(), *changed], organisation="ACME", out=out, **options)


def fill_in(root: Path) -> None:
    """What a person does."""
    for path in (root / "closed" / "ACME").rglob("*"):
        if path.suffix in {".md", ".json"} and "FILL IN" in path.read_text(encoding="utf-8"):
            text = path.read_text(encoding="utf-8")
            path.write_text(re.sub(r"FILL IN[^|\n\"]*", "Available", text), encoding="utf-8")


def edit_flags(root: Path) -> None:
    """What no option of the product does: an estimate passed off as a measurement."""
    for path in root.rglob("results.txt"):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"[ \n]\(estimated, [^)]*\)", "", text), encoding="utf-8")


def errors(root: Path) -> set[str]:
    return {one.kind for one in tinyperf.submission_check(root).findings if one.severity == "error"}


def test_the_tree_is_refused_until_it_is_filled_in_and_then_clean(sessions: dict[str, Path], tmp_path: Path) -> None:
    tree = built(sessions, tmp_path / "out")
    assert errors(tree.root) == {"placeholder"}
    assert any(line.startswith("closed/ACME/systems/nucleo-l4r5zi.json:") for line in tree.to_fill)
    fill_in(tree.root)
    assert errors(tree.root) == set()
    assert tinyperf.submission_check(tree.root).results == 1


def test_the_tree_holds_what_ran_and_what_is_known(sessions: dict[str, Path], tmp_path: Path) -> None:
    tree = built(sessions, tmp_path / "out")
    acme = tree.root / "closed" / "ACME"
    assert all((tree.root / name).is_file() for name in tree.files)
    assert (acme / "code/kws/nucleo-l4r5zi-aot/src/model.c").is_file()
    assert (acme / "code/kws/nucleo-l4r5zi-aot-energy/src/model.c").is_file()
    assert (acme / "systems/Energy-Hookup.svg").is_file()
    fields = json.loads((acme / "systems/nucleo-l4r5zi.json").read_text(encoding="utf-8"))
    assert fields["Processor(s) Frequencies"] == "120 MHz"
    assert fields["SoC Memory capacity (not including processor or accelerator)"] == "640 KB"
    assert fields["Hardware Notes"] == "energy at 3 V"
    checklist = (acme / "systems/Submission_Checklist.md").read_text(encoding="utf-8")
    assert "| Accuracy | kws top1 0.905 |" in checklist
    assert "| The whole validation set was used | yes |" in checklist
    assert "`tinyperf run --board nucleo-l4r5zi --mode energy --engine aot kws`" in (acme / "README.md").read_text(
        encoding="utf-8"
    )


def test_fields_that_a_person_stated_go_first(sessions: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "my_board.json").write_text(json.dumps(STATED), encoding="utf-8")
    tree = built(sessions, tmp_path / "out", system=tmp_path / "my_board.json")
    fields = json.loads((tree.root / "closed/ACME/systems/my_board.json").read_text(encoding="utf-8"))
    assert {name: fields[name] for name in STATED} == STATED
    assert (tree.root / "closed/ACME/results/my_board/kws/energy/results.json").is_file()
    assert not any("my_board.json" in line for line in tree.to_fill)


@pytest.mark.parametrize(
    ("mode", "figure"),
    [("performance", r"inf\./sec\.$"), ("energy", r"Median.*uJ/inf\.$"), ("accuracy", r"Top 1% = .*$")],
)
@pytest.mark.parametrize("remark", [" (estimated, ±13 %)", "\n(estimated, ±13 %)"], ids=["in its line", "below it"])
def test_an_estimate_is_put_in_as_one_and_refused(
    sessions: dict[str, Path], mode: str, figure: str, remark: str, tmp_path: Path
) -> None:
    estimate = tmp_path / "estimate"
    shutil.copytree(sessions[mode], estimate)
    text = (estimate / "results.txt").read_text(encoding="utf-8")
    marked, times = re.subn(rf"({figure})", rf"\1{remark}", text, flags=re.MULTILINE)
    assert times
    (estimate / "results.txt").write_text(marked, encoding="utf-8")
    project = tinyperf.generate(BOARD, "kws", out=tmp_path / "code", energy=mode == "energy")
    _record(estimate, mode, project.build_id, estimated=True, error_percent=13.0)
    tree = built({**sessions, mode: estimate}, tmp_path / "out")
    assert f"kws {mode} was not measured on the board: no result for a submission" in tree.notes
    fill_in(tree.root)
    assert errors(tree.root) == {"not-measured"}
    edit_flags(tree.root)
    assert errors(tree.root) == set()


def test_code_that_is_not_what_ran_is_refused(sessions: dict[str, Path], tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(sessions["accuracy"], other)
    _record(other, "accuracy", "f" * 32)
    tree = built({"accuracy": other}, tmp_path / "out")
    assert any("README.md: FILL IN: code/kws/nucleo-l4r5zi-aot holds build id" in line for line in tree.to_fill)
    assert "placeholder" in errors(tree.root)


def test_two_modes_of_two_firmwares_are_told(sessions: dict[str, Path], tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(sessions["accuracy"], other)
    _record(other, "accuracy", "f" * 32)
    tree = built({"accuracy": other, "performance": sessions["performance"]}, tmp_path / "out")
    assert any("ffffffff ran" in line for line in tree.to_fill)
    assert any("FILL IN: build ids differ" in line for line in tree.to_fill)


def test_firmware_from_elsewhere_is_left_to_its_maker(sessions: dict[str, Path], tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    shutil.copytree(sessions["accuracy"], foreign)
    asked = Request(board=BOARD, benchmark="kws", mode="accuracy", image="fw.bin")
    _record(foreign, "accuracy", "f" * 32, request=asked, engine=None)
    tree = built({"accuracy": foreign}, tmp_path / "out")
    assert any("code/kws/nucleo-l4r5zi-foreign/README.md: FILL IN" in line for line in tree.to_fill)


def test_the_open_division_maps_its_folders(sessions: dict[str, Path], tmp_path: Path) -> None:
    tree = built({"accuracy": sessions["accuracy"]}, tmp_path / "out", division="open")
    assert json.loads((tree.root / "open/ACME/model_mapping.json").read_text(encoding="utf-8")) == {"kws": "kws"}


def test_every_reason_against_the_sessions_is_named(sessions: dict[str, Path], tmp_path: Path) -> None:
    again, host, unfinished = tmp_path / "again", tmp_path / "host", tmp_path / "unfinished"
    for folder in (again, host, unfinished):
        shutil.copytree(sessions["accuracy"], folder)
    asked = Request(board="host", benchmark="kws", mode="energy")
    _record(host, "energy", "0" * 32, request=asked, board="host")
    kept = json.loads((unfinished / "session.json").read_text(encoding="utf-8"))
    kept["planned"]["mode"] = "performance"
    (unfinished / "session.json").write_text(json.dumps({**kept, "result": None}), encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        built({"accuracy": sessions["accuracy"]}, tmp_path / "out", again, host, unfinished, tmp_path / "nowhere")
    for words in (
        "are both kws, accuracy",
        "2 boards: host, nucleo-l4r5zi",
        "has no result yet",
        "holds no session.json",
    ):
        assert words in refused.value.seen
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "seen"),
    [
        pytest.param({"division": "half-open"}, "no division 'half-open'", id="division"),
        pytest.param({"organisation": "../x"}, "'../x' is no name of a folder", id="a-way-out-of-the-folder"),
        pytest.param({"organisation": ""}, "'' is no name of a folder", id="no-name"),
    ],
)
def test_names_that_make_no_tree(sessions: dict[str, Path], tmp_path: Path, options: dict[str, str], seen: str) -> None:
    arguments: dict[str, Any] = {"organisation": "ACME", **options}
    with pytest.raises(UsageError, match=re.escape(seen)):
        tinyperf.submission_build([sessions["accuracy"]], out=tmp_path / "out", **arguments)


@pytest.mark.parametrize("text", ["[]", '{"Status": 1}', '{"Board": "x"}', "{"])
def test_a_system_file_of_another_form(sessions: dict[str, Path], tmp_path: Path, text: str) -> None:
    (tmp_path / "s.json").write_text(text, encoding="utf-8")
    with pytest.raises(ContentError):
        built(sessions, tmp_path / "out", system=tmp_path / "s.json")


def test_a_folder_with_something_in_it_is_left_alone(sessions: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x", encoding="utf-8")
    with pytest.raises(UsageError, match="is not empty"):
        built(sessions, tmp_path)


def test_the_command_line_lists_what_is_to_fill_in(
    sessions: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["submission", "build", str(sessions["accuracy"]), "--org", "ACME", "-o", str(tmp_path / "out")]
    assert cli.invoke([*arguments, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert set(shown) == {"root", "files", "to_fill", "notes"}
    assert cli.invoke(arguments) == 2
    assert "is not empty" in capsys.readouterr().err
    assert cli.invoke([*arguments[:-1], str(tmp_path / "two")]) == 0
    assert "to fill in: closed/ACME/systems/nucleo-l4r5zi.json" in capsys.readouterr().out
