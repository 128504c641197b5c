"""The submission checker: a faultless tree has no finding, and each damage is found where it is, alone."""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import submission_tree
from tests.data import ROOT
from tests.some import some
from tinyperf import cli
from tinyperf.errors import UsageError
from tinyperf.rules import streaming
from tinyperf.submissions import check, findings, printed, rounds, tree
from tinyperf.submissions.findings import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

ACME = "closed/acme"
ONE = f"{ACME}/results/one"
PERFORMANCE, ACCURACY, ENERGY = (f"{ONE}/kws/{mode}" for mode in ("performance", "accuracy", "energy"))
SWW = f"{ONE}/sww/performance"
SYSTEM = f"{ACME}/systems/one.json"

_SCRATCH = Path(tempfile.mkdtemp(prefix="tinyperf-test-"))
"""Of the tests that hypothesis drives: it makes no fixture anew for each example."""
atexit.register(shutil.rmtree, _SCRATCH, ignore_errors=True)


@pytest.fixture(scope="module")
def faultless(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("trees")
    return {
        "mlcommons": submission_tree.mlcommons(folder / "mlcommons"),
        "energyrunner": submission_tree.energyrunner(folder / "energyrunner"),
    }


def damaged(faultless: dict[str, Path], tmp_path: Path, damage: Callable[[Path], None], *, runner: str) -> Path:
    root = tmp_path / "submission"
    shutil.copytree(faultless[runner], root)
    damage(root)
    return root


def replace(file: str, pattern: str, by: str, *, count: int = 1) -> Callable[[Path], None]:
    """In the text of a file; the damage must take place."""

    def edit(root: Path) -> None:
        text = (root / file).read_bytes().decode()
        after, times = re.subn(pattern, by, text, count=count, flags=re.MULTILINE)
        assert times, f"nothing to damage in {file}"
        (root / file).write_bytes(after.encode())

    return edit


def both(*damages: Callable[[Path], None]) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        for one in damages:
            one(root)

    return edit


def put(file: str, content: bytes = b"x") -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(content)

    return edit


def remove(path: str) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        shutil.rmtree(root / path) if (root / path).is_dir() else (root / path).unlink()

    return edit


def move(path: str, to: str) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        (root / path).rename(root / to)

    return edit


def entries(file: str, change: Callable[[list[Any]], Any]) -> Callable[[Path], None]:
    """In the value of a JSON file."""

    def edit(root: Path) -> None:
        value = json.loads((root / file).read_text(encoding="utf-8"))
        change(value)
        (root / file).write_text(json.dumps(value), encoding="utf-8")

    return edit


def field(name: str, value: object) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        fields = {**submission_tree.SYSTEM, name: value}
        fields = {key: one for key, one in fields.items() if one is not None}
        (root / SYSTEM).write_text(json.dumps(fields, indent=2), encoding="utf-8")

    return edit


def kinds(checked: check.Checked) -> set[str]:
    return {one.kind for one in checked.findings}


# --------------------------------------------------------------------------------------------------- without a fault


@pytest.mark.parametrize(("runner", "accepted"), [("mlcommons", "v1.4"), ("energyrunner", "v1.3")])
def test_a_faultless_tree_has_no_finding(faultless: dict[str, Path], runner: str, accepted: str) -> None:
    checked = check.check(faultless[runner], accepted=accepted)
    assert [one.text for one in checked.findings] == []
    assert checked.notes == ()
    assert checked.systems == 1
    assert checked.results >= 1


# ----------------------------------------------------------------------------------------------------- damaged trees

# damage, the kinds that it leads to, the file of the first, its line (None: none)
DAMAGES = [
    # the twelve of which an official checker finds none, or only some
    pytest.param(
        replace(f"{PERFORMANCE}/results.txt", r"Runtime: 10\.5\d+ sec", "Runtime: 9.95 sec"),
        {"window-short", "figures-differ", "files-differ"},
        (f"{PERFORMANCE}/results.txt", 3),
        id="a-window-of-less-than-10-s",
    ),
    pytest.param(
        replace(f"{PERFORMANCE}/results.txt", r"(?s)Performance results for window 5.*?been met\.\n", ""),
        {"window-count", "files-differ"},
        (f"{PERFORMANCE}/results.txt", None),
        id="four-windows",
    ),
    pytest.param(
        replace(f"{PERFORMANCE}/results.txt", r"Median throughput is +[\d.]+", "Median throughput is  24.809"),
        {"figures-differ"},
        (f"{PERFORMANCE}/results.txt", 27),
        id="a-median-that-is-not-the-windows",
    ),
    pytest.param(
        entries(f"{PERFORMANCE}/results.json", lambda rows: rows[2]["infer"].update(iterations=275)),
        {"files-differ", "figures-differ"},
        (f"{PERFORMANCE}/results.json", None),
        id="other-inferences-in-results-json",
    ),
    pytest.param(
        replace(f"{PERFORMANCE}/log.txt", r"# Inferences : +250", "# Inferences :     260"),
        set(),
        None,
        id="the-log-s-own-words-on-a-window-are-not-what-counts",
    ),
    pytest.param(
        replace(f"{PERFORMANCE}/log.txt", r"with 1/250 \(", "with 1/260 ("),
        {"files-differ"},
        (f"{PERFORMANCE}/log.txt", 11),
        id="other-inferences-in-the-log",
    ),
    pytest.param(
        replace(f"{PERFORMANCE}/log.txt", "tst_000001_Go_1.bin", "tst_000000_Down_0.bin"),
        {"same-input"},
        (f"{PERFORMANCE}/log.txt", None),
        id="one-input-twice",
    ),
    pytest.param(
        replace(f"{ACCURACY}/results.txt", r"Top 1% = 90\.5", "Top 1% = 91.5"),
        {"accuracy-differs"},
        (f"{ACCURACY}/results.txt", 1),
        id="a-better-accuracy-than-the-outputs-give",
    ),
    pytest.param(
        replace(f"{ACCURACY}/results.txt", r"Top 1% = 90\.5", "Top 1% = 89.5"),
        {"target-missed", "accuracy-differs"},
        (f"{ACCURACY}/results.txt", 1),
        id="below-the-target",
    ),
    pytest.param(
        entries(f"{ACCURACY}/results.json", lambda rows: rows.pop(905)),  # the first wrong answer left out
        {"sample-count", "files-differ", "accuracy-differs"},
        (f"{ACCURACY}/log.txt", None),
        id="a-wrong-answer-left-out",
    ),
    pytest.param(
        entries(f"{ACCURACY}/results.json", lambda rows: rows[7]["infer"].update(results=[1.0] * 12)),
        {"files-differ", "accuracy-differs"},
        (f"{ACCURACY}/log.txt", 75),
        id="outputs-that-the-log-does-not-have",
    ),
    pytest.param(
        replace(f"{ENERGY}/results.txt", r"Energy/Inf    : [\d.]+ uJ/inf", "Energy/Inf    : 900.000 uJ/inf"),
        {"energy-differs", "figures-differ"},
        (f"{ENERGY}/results.txt", None),
        id="energy-that-the-trace-does-not-give",
    ),
    pytest.param(
        entries(f"{ENERGY}/results.json", lambda rows: rows[1]["power"]["timestamps"].pop()),
        {"energy-invalid", "energy-differs"},
        (f"{ENERGY}/results.json", None),
        id="a-pulse-lost",
    ),
    pytest.param(
        entries(f"{ENERGY}/results.json", lambda rows: rows[0].pop("power")),
        {"trace-missing"},
        (ENERGY, None),
        id="a-trace-left-out",
    ),
    pytest.param(remove(f"{ACME}/code"), {"code-missing"}, (f"{ACME}/code", None), id="no-code"),
    pytest.param(
        both(remove(f"{ACME}/code"), put(f"{ACME}/code/all.zip")),
        {"code-without-sources"},
        (f"{ACME}/code", None),
        id="an-archive-for-code",
    ),
    pytest.param(remove(f"{ACME}/README.md"), {"readme-missing"}, (f"{ACME}/code", None), id="no-readme"),
    pytest.param(
        remove(f"{ACME}/systems/Submission_Checklist.pdf"),
        {"checklist-missing"},
        (f"{ACME}/systems", None),
        id="no-checklist",
    ),
    pytest.param(
        remove(f"{ACME}/systems/Energy-Hookup.pdf"), {"hookup-missing"}, (f"{ACME}/systems", None), id="no-hook-up"
    ),
    pytest.param(field("Board Name", "TODO: name"), {"placeholder"}, (SYSTEM, 5), id="a-placeholder-in-the-system"),
    pytest.param(
        field("Hardware Notes", "<notes here>"), {"placeholder"}, (SYSTEM, 23), id="a-placeholder-in-brackets"
    ),
    pytest.param(
        put(f"{ACME}/README.md", b"# Results\n\nTBD\n"),
        {"placeholder"},
        (f"{ACME}/README.md", 3),
        id="a-placeholder-in-text",
    ),
    pytest.param(field("Processor(s) Frequencies", " "), {"field-empty"}, (SYSTEM, 16), id="no-clock"),
    pytest.param(field("Status", None), {"field-missing"}, (SYSTEM, None), id="no-status"),
    pytest.param(field("Status", "shipping"), {"status-invalid"}, (SYSTEM, 4), id="a-status-of-no-kind"),
    pytest.param(field("Division", "Open"), {"division-differs"}, (SYSTEM, 3), id="the-other-division"),
    pytest.param(field("Software Libraries", {"a": "b"}), {"field-not-text"}, (SYSTEM, 25), id="an-object-for-a-field"),
    pytest.param(field("system_type", "edge"), {"system-type"}, (SYSTEM, 35), id="system-type"),
    pytest.param(field("Accelerator", None), {"field-absent"}, (SYSTEM, None), id="a-field-left-out"),
    pytest.param(
        replace(SYSTEM, '"Status": "Available",', '"Status": "Available"'), {"json-damaged"}, (SYSTEM, 5), id="no-comma"
    ),
    pytest.param(
        replace(SYSTEM, '"Status": "Available",', '"Status": "rdi", "Status": "Available",'),
        {"duplicate-key"},
        (SYSTEM, 4),
        id="a-key-twice",
    ),
    pytest.param(put(SYSTEM, b"[]"), {"json-damaged"}, (SYSTEM, 1), id="a-list-for-a-system"),
    pytest.param(put(SYSTEM, b"[" * 100_000), {"json-damaged"}, (SYSTEM, None), id="brackets-without-end"),
    pytest.param(
        move(SYSTEM, f"{ACME}/systems/ones.json"),
        {"system-missing", "system-without-results"},
        (SYSTEM, None),
        id="a-system-of-another-name",
    ),
    # what the official checker looks at
    pytest.param(remove(PERFORMANCE), {"mode-missing"}, (f"{ONE}/kws", None), id="no-performance"),
    pytest.param(remove(SWW), {"mode-missing", "empty-folder"}, (f"{ONE}/sww", None), id="sww-without-a-mode"),
    pytest.param(
        move(f"{ONE}/kws", f"{ONE}/kwz"), {"unknown-benchmark"}, (f"{ONE}/kwz", None), id="a-benchmark-misspelt"
    ),
    pytest.param(
        both(move(f"{ONE}/kws", f"{ONE}/ic2")),
        {"ic2-without-ic", "wrong-model", "target-missed", "sample-count"},
        (f"{ONE}/ic2", None),
        id="kws-handed-in-as-ic2-without-ic",
    ),
    pytest.param(
        remove(f"{ACCURACY}/results.json"), {"file-missing"}, (f"{ACCURACY}/results.json", None), id="no-results-json"
    ),
    pytest.param(
        put(f"{ACCURACY}/results.txt", b""), {"file-empty"}, (f"{ACCURACY}/results.txt", None), id="an-empty-file"
    ),
    pytest.param(
        put(f"{ACCURACY}/results.txt", b"a\0b"),
        {"not-text"},
        (f"{ACCURACY}/results.txt", None),
        id="a-binary-for-a-text",
    ),
    pytest.param(
        put(f"{ACCURACY}/results.json", b'{"a": 1}'),
        {"json-shape"},
        (f"{ACCURACY}/results.json", None),
        id="other-json",
    ),
    pytest.param(
        put(f"{PERFORMANCE}/plot.png"), {"unexpected-file"}, (f"{PERFORMANCE}/plot.png", None), id="a-file-of-no-runner"
    ),
    pytest.param(
        put(f"{PERFORMANCE}/old/log.txt"), {"unknown-folder"}, (f"{PERFORMANCE}/old", None), id="a-folder-of-no-runner"
    ),
    pytest.param(
        replace(f"{PERFORMANCE}/results.txt", r"^\S+ ulp-mlperf: Median", "Median"),
        {"no-median"},
        (f"{PERFORMANCE}/results.txt", None),
        id="a-median-that-the-official-pattern-does-not-match",
    ),
    pytest.param(
        replace(f"{ACCURACY}/results.txt", "Top 1%", "Best"),
        {"no-accuracy"},
        (f"{ACCURACY}/results.txt", None),
        id="no-top-1",
    ),
    pytest.param(
        replace(f"{ENERGY}/results.txt", "Median energy cost", "The median"),
        {"no-energy"},
        (f"{ENERGY}/results.txt", None),
        id="no-energy",
    ),
    pytest.param(
        replace(f"{PERFORMANCE}/results.txt", r"inf\./sec\.$", "inf./sec. (estimated, ±13 %)", count=99),
        {"not-measured"},
        (f"{PERFORMANCE}/results.txt", 27),
        id="an-estimate-handed-in",
    ),
    pytest.param(
        replace(f"{PERFORMANCE}/log.txt", "model retrieved: kws01", "model retrieved: vww01"),
        {"wrong-model"},
        (f"{PERFORMANCE}/log.txt", 2),
        id="a-log-of-another-benchmark",
    ),
    pytest.param(
        replace(f"{PERFORMANCE}/results.txt", r"^(\S+ ulp-mlperf: )-+", r"\1ERROR 1 - loop_count was not exactly 5."),
        {"runner-error"},
        (f"{PERFORMANCE}/results.txt", 26),
        id="the-runner-s-own-error",
    ),
    pytest.param(
        replace(f"{PERFORMANCE}/log.txt", r"^0726\.0100(\d\d ulp-mlperf:   m-results)", r"0726.0107\1"),
        {"clocks-differ"},
        (f"{PERFORMANCE}/log.txt", 11),
        id="a-device-clock-that-runs-slow",
    ),
    pytest.param(
        replace(f"{SWW}/results.txt", "46 True positives, 4 False negatives", "47 True positives, 3 False negatives"),
        {"streaming-differs"},
        (f"{SWW}/results.txt", 1),
        id="a-hit-more-than-was-recorded",
    ),
    pytest.param(
        replace(f"{SWW}/results.txt", "46 True positives", "45 True positives"),
        {"streaming-count", "streaming-differs"},
        (f"{SWW}/results.txt", 1),
        id="forty-nine-wakewords",
    ),
    pytest.param(
        replace(f"{SWW}/results.txt", "duty cycle: 0.5", "duty cycle: 0.45"),
        {"streaming-differs"},
        (f"{SWW}/results.txt", 2),
        id="a-duty-cycle-that-the-edges-do-not-give",
    ),
    pytest.param(
        replace(f"{SWW}/results.txt", "Estimated", "Guessed"),
        {"streaming-incomplete"},
        (f"{SWW}/results.txt", None),
        id="sww-without-throughput",
    ),
    pytest.param(
        replace(f"{PERFORMANCE}/results.txt", "# Inferences : 250", "# Inferences : 9"),
        {"window-few", "figures-differ", "files-differ"},
        (f"{PERFORMANCE}/results.txt", 2),
        id="a-window-of-nine-inferences",
    ),
    pytest.param(
        replace(f"{ENERGY}/results.txt", r"Elapsed time  : 10\.5", "Elapsed time  : 12.5", count=9),
        {"energy-differs", "modes-differ"},
        (f"{ONE}/kws", None),
        id="energy-mode-slower-than-performance-mode",
    ),
    pytest.param(
        entries(f"{ENERGY}/results.json", lambda rows: rows[2]["power"].update(samples=["a lot"])),
        {"trace-damaged"},
        (ENERGY, None),
        id="a-trace-of-words",
    ),
    pytest.param(
        entries(
            f"{SWW}/results.json",
            lambda rows: rows[0]["infer"].update(
                detection_windows=[
                    [on, off - (1.3 if k < 10 else 0)]
                    for k, (on, off) in enumerate(rows[0]["infer"]["detection_windows"])
                ]
            ),
        ),
        {"streaming-tail"},
        (f"{SWW}/results.txt", 1),
        id="detections-later-than-the-rules-text-allows",
    ),
    pytest.param(
        both(remove(f"{ONE}/kws"), remove(f"{ONE}/sww")),
        {"no-benchmark", "nothing-submitted", "empty-folder"},
        (ONE, None),
        id="a-system-without-a-benchmark",
    ),
    pytest.param(put("extra/readme.txt"), {"unknown-division"}, ("extra", None), id="a-third-division"),
    pytest.param(put(f"{ACME}/code/a b.c"), {"blank-in-name"}, (f"{ACME}/code/a b.c", None), id="a-blank"),
    pytest.param(put(f"{ACME}/.DS_Store"), {"hidden-name"}, (f"{ACME}/.DS_Store", None), id="a-hidden-file"),
    pytest.param(
        put(f"{ACME}/code/__pycache__/a.pyc"), {"pycache"}, (f"{ACME}/code/__pycache__", None), id="a-pycache-folder"
    ),
    pytest.param(
        lambda root: (root / ACME / "code" / "void").mkdir(), {"empty-folder"}, (f"{ACME}/code/void", None), id="empty"
    ),
    pytest.param(
        lambda root: (root / "closed" / "nobody").mkdir(),
        {"no-results"},
        ("closed/nobody", None),
        id="no-results-at-all",
    ),
]


@pytest.mark.parametrize(("damage", "expected", "where"), some(DAMAGES, 5))
def test_a_damage_is_found_where_it_is_and_nothing_else(
    faultless: dict[str, Path],
    tmp_path: Path,
    damage: Callable[[Path], None],
    expected: set[str],
    where: tuple[str, int | None] | None,
) -> None:
    checked = check.check(damaged(faultless, tmp_path, damage, runner="mlcommons"))
    assert kinds(checked) == expected, [one.text for one in checked.findings]
    assert where is None or where in {(one.path, one.line) for one in checked.findings}
    assert all(one.hint and one.seen for one in checked.findings)


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        pytest.param(remove(f"{ONE}/kws/EEMBC_RUNNER"), {"runner-marker-missing"}, id="no-marker"),
        pytest.param(remove(f"{ACCURACY}/script.async"), {"file-missing"}, id="no-script"),
        pytest.param(
            replace(f"{PERFORMANCE}/log.txt", r"m-lap-us-15500000", "m-lap-us-15400000"),
            {"files-differ"},
            id="a-window-that-the-device-s-stamps-do-not-give",
        ),
        pytest.param(
            replace(
                f"{PERFORMANCE}/results.txt", "Runtime requirements have been met.", "e-[The run must take at least 10]"
            ),
            {"runner-error"},
            id="the-runner-s-own-refusal",
        ),
        pytest.param(
            replace(f"{ACCURACY}/log.txt", r"m-results-\[0\.000", "m-results-[nan"), {"outputs-odd"}, id="no-number"
        ),
        pytest.param(
            replace(f"{ACCURACY}/log.txt", "tst_000003_No_3.bin", "tst_000002_Left_2.bin"),
            {"sample-count", "sample-repeated"},
            id="a-sample-twice",
        ),
    ],
)
def test_a_damage_in_energyrunner_s_files_is_found(
    faultless: dict[str, Path], tmp_path: Path, damage: Callable[[Path], None], expected: set[str]
) -> None:
    checked = check.check(damaged(faultless, tmp_path, damage, runner="energyrunner"), accepted="v1.3")
    assert kinds(checked) == expected, [one.text for one in checked.findings]


def test_energyrunner_is_not_taken_after_v1_3(faultless: dict[str, Path]) -> None:
    assert kinds(check.check(faultless["energyrunner"], accepted="v1.4")) == {"runner-not-accepted"}


def test_the_open_division_has_no_target_and_maps_its_names(faultless: dict[str, Path], tmp_path: Path) -> None:
    steps = both(
        move("closed", "open"),
        move("open/acme/results/one/kws", "open/acme/results/one/mine"),
        put("open/acme/model_mapping.json", b'{"mine": "kws"}'),
        replace("open/acme/systems/one.json", '"Closed"', '"Open"'),
        replace("open/acme/results/one/mine/accuracy/results.txt", "= 90.5", "= 79.5"),
    )
    checked = check.check(damaged(faultless, tmp_path, steps, runner="mlcommons"))
    assert kinds(checked) == {"accuracy-differs"}
    assert checked.results == 2


@pytest.mark.parametrize("mapping", [b'{"mine": "kwz"}', b'["kws"]', b"{"])
def test_a_mapping_to_nothing_is_told(faultless: dict[str, Path], tmp_path: Path, mapping: bytes) -> None:
    steps = both(
        move("closed", "open"),
        move("open/acme/results/one/kws", "open/acme/results/one/mine"),
        put("open/acme/model_mapping.json", mapping),
        replace("open/acme/systems/one.json", '"Closed"', '"Open"'),
    )
    found = kinds(check.check(damaged(faultless, tmp_path, steps, runner="mlcommons")))
    assert found in ({"mapping-damaged", "unknown-benchmark"}, {"json-damaged", "unknown-benchmark"})


def test_modes_of_two_runners_are_told(faultless: dict[str, Path], tmp_path: Path) -> None:
    def mix(root: Path) -> None:
        shutil.rmtree(root / PERFORMANCE)
        shutil.copytree(faultless["energyrunner"] / PERFORMANCE, root / PERFORMANCE)

    checked = check.check(damaged(faultless, tmp_path, mix, runner="mlcommons"), accepted="v1.3")
    assert kinds(checked) == {"runner-mixed"}


def test_ad_wants_every_window_of_a_file_and_no_rounding_up(tmp_path: Path) -> None:
    """248 files with one window each; the exact AUC is 0.847, and 0.85 is printed."""
    root = submission_tree.ad(tmp_path / "ad")
    checked = check.check(root, accepted="v1.3")
    assert kinds(checked) == {"windows-per-file", "target-by-rounding", "mode-missing"}
    assert {one.seen for one in checked.findings if one.kind == "target-by-rounding"} == {
        "printed 0.85, exactly 0.84722; ad wants 0.85"
    }


def test_every_kind_is_named_by_a_test_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in KINDS if f'"{name}"' not in text] == []


# ------------------------------------------------------------------------------------------------- hostile and odd


def test_links_are_named_and_never_followed(faultless: dict[str, Path], tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "log.txt").write_text("a secret", encoding="utf-8")

    def link(root: Path) -> None:
        (root / PERFORMANCE / "log.txt").unlink()
        (root / PERFORMANCE / "log.txt").symlink_to(outside / "log.txt")
        (root / ENERGY / "more").symlink_to(outside)

    checked = check.check(damaged(faultless, tmp_path, link, runner="mlcommons"))
    assert {one.path for one in checked.findings if one.kind == "symbolic-link"} == {
        f"{PERFORMANCE}/log.txt",
        f"{ENERGY}/more",
    }
    assert "secret" not in json.dumps(checked.as_dict())


def test_a_pipe_is_never_opened(faultless: dict[str, Path], tmp_path: Path) -> None:
    def pipe(root: Path) -> None:
        (root / PERFORMANCE / "results.txt").unlink()
        os.mkfifo(root / PERFORMANCE / "results.txt")

    found = kinds(check.check(damaged(faultless, tmp_path, pipe, runner="mlcommons")))
    assert found >= {"special-file", "file-missing"}


def test_a_file_of_many_gigabytes_is_not_read(faultless: dict[str, Path], tmp_path: Path) -> None:
    def grow(root: Path) -> None:
        with (root / ACCURACY / "log.txt").open("r+b") as file:
            file.truncate(8 << 30)  # sparse: takes no room on the disk

    checked = check.check(damaged(faultless, tmp_path, grow, runner="mlcommons"))
    assert kinds(checked) == {"file-too-large", "too-large-to-check"}


def test_a_name_that_is_no_text_can_be_printed(
    faultless: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def name(root: Path) -> None:
        (root / ACME / "code" / os.fsdecode(b" \xff\x1b[2J.c")).write_text("x", encoding="utf-8")

    root = damaged(faultless, tmp_path, name, runner="mlcommons")
    assert cli.invoke(["submission", "check", str(root)]) == 0
    shown = capsys.readouterr().out
    assert "\\x1b[2J" in shown
    assert "\x1b" not in shown


@given(st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_read_as_a_log_and_as_results(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    printed.results(text)
    printed.log(f"1.0 session: x\n{text}")
    printed.log(f"Logging initialized\n{text}")


LINES = st.sampled_from(
    [
        "Performance results for window 1:",
        "Energy data for trial 99999999999999999999:",
        "# Inferences : 1e5",
        "Runtime: 1e400 sec.",
        "Throughput: 0 inf./sec.",
        "  Total Energy  : 1e-9999 uJ",
        "x ulp-mlperf: Median throughput is 1e99999 inf./sec.",
        "Median energy cost is 0.0 uJ/inf.",
        "x ulp-mlperf: Top 1% = 1e308",
        "Accuracy: 9999999999999 True positives, 1 False negatives, 2 False positives",
        "0726.999999 ulp-mlperf: Loading file a.bin segment 0",
        "0726.010101 ulp-mlperf: Load complete.",
        "Running inference with 99999999999/0 (warmup/measured) iterations",
        "m-results : [nan, x, 1e999]",
        "1.0 dut: m-infer-start-0",
        "1.0 dut: m-lap-us-99999999999999999999999",
        "1.0 dut: m-results-[]",
        "1.0 session: m-session-start-id[1]",
    ]
)
VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["infer", "file", "class", "results", "power", "samples", "timestamps", "dutycycle", "iterations"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(st.lists(LINES, max_size=12), VALUES, st.sampled_from([PERFORMANCE, ACCURACY, ENERGY, SWW]))
@settings(max_examples=150, deadline=None)
def test_whatever_stands_in_the_files_the_check_ends_with_findings(lines: list[str], value: Any, where: str) -> None:
    root = _scratch(where, "\n".join(lines), json.dumps(value))
    checked = check.check(root)
    assert checked.findings
    json.dumps(checked.as_dict())


def _scratch(where: str, text: str, value: str) -> Path:
    root = _SCRATCH / "submission"
    shutil.rmtree(root, ignore_errors=True)
    for name, content in (("log.txt", text), ("results.txt", text), ("results.json", value)):
        submission_tree.write(root / where / name, content)
    return root


# ------------------------------------------------------------------------------------------------ the command line


def test_exit_codes_and_json(faultless: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["submission", "check", str(faultless["mlcommons"]), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert {key: shown[key] for key in ("round", "errors", "warnings", "results", "findings", "notes")} == {
        "round": "v1.4",
        "errors": 0,
        "warnings": 0,
        "results": 2,
        "findings": [],
        "notes": [],
    }
    root = damaged(faultless, tmp_path, field("Status", "no"), runner="mlcommons")
    assert cli.invoke(["submission", "check", str(root), "--json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert shown["findings"] == [
        {
            "severity": "error",
            "kind": "status-invalid",
            "path": SYSTEM,
            "line": 4,
            "seen": 'Status "no"',
            "hint": "use one of the three",
        }
    ]
    assert cli.invoke(["submission", "check", str(root)]) == 1
    shown = capsys.readouterr().out
    assert f'{SYSTEM}:4: error: Status "no" [status-invalid]\n  try: use one of the three\n' in shown
    assert "1 errors, 0 warnings in 2 results of 1 systems, 1 organisations, by the rules of v1.4" in shown


@pytest.mark.parametrize(
    ("arguments", "seen", "hint"),
    [
        pytest.param(["nowhere"], "nowhere is not a folder", "closed/ and open/", id="no-folder"),
        pytest.param([".", "--round", "v1.5"], "no round 'v1.5'", "did you mean v1.4?", id="no-such-round"),
        pytest.param([ACME], "neither closed/ nor open/", "name the folder above closed/", id="a-folder-inside"),
        pytest.param(
            [".", "--organisation", "acne"], "no organisation 'acne'", "there are acme", id="no-such-organisation"
        ),
    ],
)
def test_what_is_no_submission_exits_2(
    faultless: dict[str, Path], arguments: list[str], seen: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = faultless["mlcommons"] / arguments[0]
    assert cli.invoke(["submission", "check", str(folder), *arguments[1:], "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert seen in error["seen"]
    assert hint in error["hint"]


def test_a_round_may_be_named_without_its_v() -> None:
    assert rounds.find("1.3").name == "v1.3"
    with pytest.raises(UsageError, match="no round 'latest'"):
        rounds.find("latest")


def test_every_kind_is_documented_with_its_weight() -> None:
    page = (ROOT / "docs" / "submission.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (\w+) \|", page, re.MULTILINE))
    assert rows == {name: kind.severity for name, kind in KINDS.items()}


def test_detections_are_counted_as_the_runner_and_as_the_text_says() -> None:
    windows = [(10.0, 10.5), (20.0, 20.5), (30.0, 30.5)]
    stamps = [100, 10_400, 10_432, 22_500, 22_900, 40_100, 41_000, 42_300]
    assert streaming.score(stamps, windows, tail_s=2.0) == streaming.Detections(2, 1, 3)
    assert streaming.score(stamps, windows, tail_s=1.0) == streaming.Detections(1, 2, 3)


def test_a_file_that_became_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a secret", encoding="utf-8")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("text", encoding="utf-8")
    listed = tree.Tree.of(tmp_path / "in")
    (tmp_path / "in" / "a.txt").unlink()
    (tmp_path / "in" / "a.txt").symlink_to(tmp_path / "secret")
    refused = listed.text(listed.inside(PurePosixPath())[0].path)
    assert isinstance(refused, findings.Finding)
    assert refused.kind == "unreadable"
