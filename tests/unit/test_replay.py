"""Published and damaged sessions computed again: every printed figure, and no wrong figure called valid."""

from __future__ import annotations

import json
import shutil
import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tests.data import DATA, needs
from tests.sessions import ABOUT, conversation, trial
from tinyperf.cli import invoke
from tinyperf.errors import ContentError
from tinyperf.formats import energyrunner, mlcommons, own
from tinyperf.formats.recorded import Figures, Trial
from tinyperf.result import Window
from tinyperf.session.replay import replay

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.formats.recorded import Mode

SESSIONS = DATA / "sessions/krai_v1.1"
needs_sessions = needs("sessions/krai_v1.1")

RATE_HZ = 1000
SPANS = [(2.0 + 13.0 * k, 13.0 + 13.0 * k) for k in range(5)]


def write_energyrunner(folder: Path) -> None:
    """A session as EnergyRunner leaves it: 40 mW in five windows of 11 s with 100 inferences, 20 mW between them."""
    samples = np.full(68 * RATE_HZ, 20.0, dtype="<f4")
    for begin, end in SPANS:
        samples[round(begin * RATE_HZ) : round(end * RATE_HZ)] = 40.0
    (folder / "trace1-energy.bin").write_bytes(struct.pack("<Bf", 0xF1, RATE_HZ) + samples.tobytes())
    stamps = [0.015, *(t for span in SPANS for t in span)]
    (folder / "trace1-timestamps.json").write_text(json.dumps(stamps))
    lines = ["00010.000 emon: m-trace[on]", "00010.014 io: m-dut-passthrough(timestamp)"]
    for begin, end in SPANS:
        lines += [f"{begin + 9.99:09.3f} io: [dut]: m-infer-start-100", f"{end + 10.02:09.3f} io: [dut]: m-infer-done"]
    lines += ["00077.900 sequencer: m-sequencing-i[22]-command[emon trace off]-ack[/emon: m-ready/]"]
    (folder / "log.txt").write_text("\n".join(lines))
    (folder / "results.txt").write_text("00078.000 ulp-ml: Median energy cost is 4399.800 uJ/inf.\n")


def write_mlcommons(folder: Path) -> None:
    """A session of the MLCommons runner: the same windows, one batch each, a boot pulse in the first."""
    batches = []
    counter = 0
    for number in range(5):
        events = [["00", 100]] if number == 0 else []
        events += [[f"{counter + len(events):02d}", 2000], [f"{counter + len(events) + 1:02d}", 13000]]
        counter += len(events)
        samples = [2e-5] * 2000 + [4e-5] * 11000 + [2e-5] * 200
        batches.append(
            {"infer": {"iterations": 100, "warmups": 1}, "power": {"samples": samples, "timestamps": events}}
        )
    (folder / "results.json").write_text(json.dumps(batches))
    (folder / "results.txt").write_text("Median energy cost is 4400.0000 uJ/inf.\n")


@needs_sessions
@pytest.mark.parametrize(
    ("name", "median"), [pytest.param("kws", 5627.485, id="kws"), pytest.param("ad", 529.299, id="ad")]
)
def test_published_sessions_give_every_printed_figure(name: str, median: float) -> None:
    found = replay(SESSIONS / name / "energy")
    assert found.valid
    assert found.printed == 42  # inferences of the five windows among them
    assert found.differences == ()
    assert found.median_uj_per_inference == pytest.approx(median, abs=0.0005)


@pytest.mark.parametrize("write", [write_energyrunner, write_mlcommons])
def test_a_good_session_is_valid(write: object, tmp_path: Path) -> None:
    assert callable(write)
    write(tmp_path)
    found = replay(tmp_path)
    assert found.reasons == ()
    assert found.median_uj_per_inference == pytest.approx(4399.9, abs=0.11)
    assert len(found.windows) == 5


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("name", "old", "new", "reason"),
    [
        pytest.param("trace1-timestamps.json", "28.0, ", "", "no pulse for the start of a window at 27.99", id="lost"),
        pytest.param("trace1-timestamps.json", "28.0, ", "28.0, 30.0, ", "pulse at 30.000 s belongs", id="extra"),
        pytest.param("trace1-timestamps.json", "28.0, ", "28.0, 28.003, ", "bounce", id="bounce"),
        pytest.param("trace1-timestamps.json", "26.0, ", "24.0, ", "no pulse for the stop", id="moved"),
        pytest.param("log.txt", "m-infer-start-100", "m-infer-start-9", "9 inferences, 10 are required", id="few"),
        pytest.param("log.txt", "00077.900", "00079.000", "of the samples are lost", id="samples-lost"),
        pytest.param("log.txt", "emon trace off", "emon trace", "ends before 'emon trace off'", id="log-cut"),
        pytest.param("results.txt", "4399.800", "4399.900", "1 of 1 printed figures", id="figure-forged"),
    ],
)
def test_a_damaged_energyrunner_session_is_not_valid(
    name: str, old: str, new: str, reason: str, tmp_path: Path
) -> None:
    write_energyrunner(tmp_path)
    edit(tmp_path / name, old, new)
    found = replay(tmp_path)
    assert not found.valid
    assert reason in "; ".join(found.reasons)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        pytest.param('["03", 2000], ', "", "1 pulses came", id="lost"),
        pytest.param('["03", 2000]', '["04", 2000]', "not consecutive", id="counter-jumps"),
        pytest.param('["00", 100], ["01", 2000]', '["00", 2000], ["01", 9000]', "of what is usual", id="extra-inside"),
        pytest.param('["03", 2000]', '["03", 1000], ["04", 2000]', "belong to no command", id="extra-between"),
        pytest.param("[2e-05, ", "[NaN, ", "are not numbers", id="torn-samples"),
    ],
)
def test_a_damaged_mlcommons_session_is_not_valid(old: str, new: str, reason: str, tmp_path: Path) -> None:
    write_mlcommons(tmp_path)
    edit(tmp_path / "results.json", old, new)
    found = replay(tmp_path)
    assert not found.valid
    assert reason in "; ".join(found.reasons)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({}, "", id="good"),
        pytest.param({"sample_rate_hz": float("nan")}, "a time, rate or bound is no number", id="no-rate"),
        pytest.param({"pulses_s": [float("inf")]}, "a time, rate or bound is no number", id="pulse-at-infinity"),
        pytest.param({"monitor": {"range_w": [0.0, float("nan")]}}, "a time, rate or bound", id="no-bound"),
        pytest.param({"accuracy": -0.02}, "no recording has such an accuracy", id="accuracy-negative"),
        pytest.param({"edge_s": -1e-5}, "no recording has such an accuracy, edge", id="edge-negative"),
        pytest.param({"sample_rate_hz": 1e30}, "edge, rate", id="rate-huge"),
        pytest.param({"damage": ""}, "rate or damage", id="damage-text"),
        pytest.param({"error_percent": float("nan")}, "a time, rate or bound", id="error-nan"),
        pytest.param({"expected": [{"role": "x", "at_s": 0.0, "inferences": 0}]}, "KeyError('x')", id="other-role"),
        pytest.param(
            {"expected": [{"role": "start", "at_s": 0.0, "inferences": 10**400}]}, "so many", id="inferences-huge"
        ),
        pytest.param({"error_percent": "ten"}, "ValueError(", id="error-in-words"),
        pytest.param(
            {"expected": [{"role": "start", "at_s": 1.0, "inferences": float("inf")}]}, "OverflowError(", id="endless"
        ),
    ],
)
def test_a_sidecar_that_was_changed_is_named(change: dict[str, object], words: str, tmp_path: Path) -> None:
    held = {"sample_rate_hz": 1000.0, "expected": [], "pulses_s": [], "damage": [], "accuracy": 0.02}
    held |= {"edge_s": 0.001, "samples": 1000.0}
    np.full(1000, 0.02, "<f4").tofile(tmp_path / own.POWER)
    (tmp_path / own.SIDECAR).write_text(json.dumps(held | change))
    if not words:
        assert not replay(tmp_path).valid
        return
    with pytest.raises(ContentError) as caught:
        replay(tmp_path)
    assert words in caught.value.seen


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        pytest.param("trace1-energy.bin", b"", "not an EnergyRunner trace: 0 bytes", id="empty-trace"),
        pytest.param("trace1-energy.bin", b"\xf1\0\0\0\0abcd", "a sample rate of 0 Hz", id="no-rate"),
        pytest.param("trace1-timestamps.json", b"[1, 2", "timestamps.json:1:6 is not JSON", id="json-cut"),
        pytest.param("trace1-timestamps.json", b'{"a": 1}', "not a list of seconds", id="json-other"),
        pytest.param("trace1-timestamps.json", b"[2, 1]", "do not rise", id="stamps-fall"),
        pytest.param("trace1-timestamps.json", None, "trace1-timestamps.json is missing", id="no-stamps"),
        pytest.param("trace1-energy.bin", None, "no file *-energy.bin", id="no-trace"),
        pytest.param("trace1-timestamps.json", b"[1" + b"0" * 400 + b"]", "not a list of seconds", id="endless-number"),
        pytest.param(
            "results.txt", b"Energy/Inf. : 1.2.3 uJ/inf", "results.txt:1: '1.2.3' is no number", id="no-number"
        ),
        pytest.param("log.txt", None, "log.txt is missing", id="no-log"),
        pytest.param("log.txt", b"\xff\xfe", "no line m-trace[on]", id="log-rubbish"),
    ],
)
def test_what_cannot_be_judged_is_an_error_that_names_the_file(
    name: str, content: bytes | None, words: str, tmp_path: Path
) -> None:
    write_energyrunner(tmp_path)
    (tmp_path / name).unlink() if content is None else (tmp_path / name).write_bytes(content)
    with pytest.raises(ContentError) as caught:
        replay(tmp_path)
    assert words in caught.value.seen


def write_own(folder: Path) -> None:
    """A session of our own: the same windows on the virtual board, 40 mW in each."""
    power_w = np.full(68 * RATE_HZ, 0.02, "<f4")
    for begin, end in SPANS:
        power_w[round(begin * RATE_HZ) : round(end * RATE_HZ)] = 0.04
    power_w.tofile(folder / own.POWER)
    expected = [
        {"role": role, "at_s": at, "inferences": 100}
        for span in SPANS
        for role, at in zip(("start", "stop"), span, strict=True)
    ]
    held = {"sample_rate_hz": 1000.0, "samples": len(power_w), "expected": expected, "damage": [], "accuracy": 0.02}
    held |= {"edge_s": 0.001, "pulses_s": [t for span in SPANS for t in span], "monitor": {"range_w": [0.0, None]}}
    (folder / own.SIDECAR).write_text(json.dumps(held))


@pytest.mark.parametrize(
    ("first", "count", "power_w", "words"),
    [
        pytest.param(9000, 1, 5e4, "window 1: ", id="one-absurd-sample"),
        pytest.param(9000, 400, -0.02, "window 1: 400 samples outside the instrument's range of 0 mW", id="negative"),
        pytest.param(14_000, 1, 5e4, "", id="absurd-between-windows"),
        pytest.param(9000, 600, 0.0, "window 1: 4", id="samples-of-nothing"),
    ],
)
def test_a_trace_that_cannot_be_is_not_valid(
    first: int, count: int, power_w: float, words: str, tmp_path: Path
) -> None:
    write_own(tmp_path)
    assert replay(tmp_path).reasons == ()
    trace = np.fromfile(tmp_path / own.POWER, "<f4")
    trace[first : first + count] = power_w
    trace.tofile(tmp_path / own.POWER)
    found = replay(tmp_path)
    assert found.valid == (words == "")
    assert words in "; ".join(found.reasons)


@needs_sessions
@pytest.mark.parametrize("size", [0, 4, 100, 100_001, 200_000])
def test_a_trace_cut_short_is_never_valid(size: int, tmp_path: Path) -> None:
    for path in (SESSIONS / "kws/energy").iterdir():
        shutil.copyfile(path, tmp_path / path.name)
    trace = tmp_path / "trace1-energy.bin"
    trace.write_bytes(trace.read_bytes()[:size])
    assert invoke(["energy", "replay", str(tmp_path)]) in {1, 2}


def measured(mode: str, *, count: int = 5, seconds: float = 11.0) -> list[Trial]:
    """Five windows of 11 s, or answers of a classifier that takes class 1 for 2 once in ten."""
    found = []
    for k in range(count):
        label = k % 3
        said = 2 if mode == "accuracy" and k % 10 == 1 else label
        results = tuple(0.9 if c == said else 0.05 for c in range(3))
        begin_s, length_us = 1.0 + 20.0 * k, round(seconds * 1e6)
        n = 100 if mode == "performance" else 1
        end_s = begin_s + seconds
        found.append(
            trial(k, f"in{k}.bin", n, results, stamps_us=(5, 5 + length_us), host_s=(begin_s, end_s), label=label)
        )
    return found


def write_session(folder: Path, tool: str, mode: Mode, trials: list[Trial]) -> None:
    """A performance or accuracy session as that tool leaves it, its figures computed by other means than ours."""
    about = replace(ABOUT, mode=mode)
    figures = Figures(throughput_ips=float(np.median([100 / t.seconds for t in trials])))
    if mode == "accuracy":
        outputs, labels = np.array([t.results for t in trials]), np.array([t.label for t in trials])
        rows = outputs / outputs.sum(axis=1, keepdims=True)
        area = roc_auc_score(labels, rows, multi_class="ovr")
        figures = Figures(top1=float(np.mean(outputs.argmax(axis=1) == labels)), auc=float(area), eembc_auc=float(area))
    if tool == "mlcommons":
        rows = mlcommons.rows(about, trials)
        text = mlcommons.results_txt(about, rows, figures, 1.0)
        (folder / "results.json").write_text(json.dumps(rows))
        (folder / "log.txt").write_text("\n".join(mlcommons.log_lines(about, trials, (), text)) + "\n")
    else:
        text = energyrunner.results_txt(about, trials, figures)
        (folder / "log.txt").write_text("\n".join(energyrunner.log_lines(about, conversation(trials, 7))) + "\n")
    (folder / "results.txt").write_text(text)


TOOLS = ["energyrunner", "mlcommons"]


@pytest.mark.parametrize("tool", TOOLS)
def test_a_performance_session_is_computed_again(tool: str, tmp_path: Path) -> None:
    write_session(tmp_path, tool, "performance", measured("performance"))
    found = replay(tmp_path)
    assert (found.valid, found.format, found.mode, found.printed) == (True, tool, "performance", 16)
    assert found.throughput_ips == pytest.approx(100 / 11)
    assert [w.inferences for w in found.windows if isinstance(w, Window)] == [100] * 5


@pytest.mark.parametrize("tool", TOOLS)
def test_an_accuracy_session_is_computed_again(tool: str, tmp_path: Path) -> None:
    write_session(tmp_path, tool, "accuracy", measured("accuracy", count=30))
    labels = tmp_path / "y_labels.csv"
    labels.write_text("".join(f"in{k}.bin,3,{k % 3}\n" for k in range(30)))
    found = replay(tmp_path, labels)
    assert found.reasons == ("30 of 1000 inputs were measured",)  # it says that it is kws
    assert (found.inputs, found.printed, found.differences) == (30, 2, ())
    assert found.top1 == pytest.approx(28 / 30)
    if tool == "energyrunner":
        assert "no label for 30 inputs such as in0.bin" in "; ".join(replay(tmp_path).reasons)


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"seconds": 9.0}, "window 1 lasted 9.000 s; the rules want at least 10 s", id="short"),
        pytest.param({"count": 4}, "4 windows were measured; the rules want exactly 5", id="four"),
    ],
)
def test_a_session_that_breaks_the_rules_is_not_valid(
    tool: str, change: dict[str, float], words: str, tmp_path: Path
) -> None:
    write_session(tmp_path, tool, "performance", measured("performance", **change))  # type: ignore[arg-type]  # a table's values
    found = replay(tmp_path)
    assert words in "; ".join(found.reasons)
    assert found.differences == ()


@pytest.mark.parametrize(
    ("tool", "name", "old", "new", "words"),
    [
        ("energyrunner", "results.txt", "9.091 inf", "9.191 inf", "of 16 printed figures are not what"),
        ("energyrunner", "log.txt", "m-lap-us-11000005", "m-lap-us-11900005", "by the device's clock"),
        ("energyrunner", "log.txt", "session: m-session-stop", "session: ", "has no end of session"),
        ("energyrunner", "log.txt", "m-results-[0.900,0.050,0.050]", "m-res", "2 of 5 inputs have no result"),
        ("mlcommons", "results.txt", "9.090909090909092 inf", "9.2 inf", "5 of 16 printed figures are not what"),
        ("mlcommons", "results.json", '"end_time": 11000005', '"end_time": 12000005', "printed figures are not"),
        ("mlcommons", "results.json", "in3.bin", "in9.bin", "they differ from number 4 on"),
        ("mlcommons", "log.txt", "[0.9, 0.05, 0.05]", "[0.8, 0.05, 0.05]", "2 results in results.json are not those"),
    ],
)
def test_a_changed_session_is_not_valid(  # noqa: PLR0917 (a table)
    tool: str, name: str, old: str, new: str, words: str, tmp_path: Path
) -> None:
    write_session(tmp_path, tool, "performance", measured("performance"))
    assert replay(tmp_path).valid
    edit(tmp_path / name, old, new)
    found = replay(tmp_path)
    assert not found.valid
    assert words in "; ".join(found.reasons)


@pytest.mark.parametrize(
    ("tool", "name", "words"),
    [
        ("energyrunner", "log.txt", "no log.txt and no results.json"),
        ("mlcommons", "results.json", "results.json is missing"),
    ],
)
def test_a_session_without_its_measurements_is_an_error(tool: str, name: str, words: str, tmp_path: Path) -> None:
    write_session(tmp_path, tool, "performance", measured("performance"))
    (tmp_path / name).unlink()
    with pytest.raises(ContentError) as caught:
        replay(tmp_path)
    assert words in caught.value.seen


def test_an_energy_session_without_its_trace_is_an_error(tmp_path: Path) -> None:
    write_energyrunner(tmp_path)
    (tmp_path / "log.txt").write_text("00001.000 parser: m-bmark-run-name[ML Energy 1.0.1]-code[ulp-ml]\n")
    for name in ("trace1-energy.bin", "trace1-timestamps.json"):
        (tmp_path / name).unlink()
    with pytest.raises(ContentError, match="is of energy mode, and holds no raw trace"):
        replay(tmp_path)


@pytest.mark.parametrize("mode", ["performance", "accuracy"])
@pytest.mark.parametrize("tool", TOOLS)
def test_the_other_modes_on_the_command_line(
    tool: str, mode: Mode, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_session(tmp_path, tool, mode, measured(mode))
    labels = tmp_path / "y.csv"
    labels.write_text("".join(f"in{k}.bin,3,{k % 3}\n" for k in range(5)))
    code = invoke(["replay", str(tmp_path), "--labels", str(labels)])
    shown = capsys.readouterr().out
    assert f"printed figures agree ({tool} session)" in shown
    assert ("median 9.091 inferences/s, 110.000 ms each" in shown) == (mode == "performance")
    assert ("5 inputs: top-1 80.00 %" in shown) == (mode == "accuracy")
    assert code == (0 if mode == "performance" else 1)
    assert invoke(["energy", "replay", str(tmp_path), "--labels", str(labels), "--json"]) == code
    assert json.loads(capsys.readouterr().out)["mode"] == mode


def test_exit_codes_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_energyrunner(tmp_path)
    assert invoke(["energy", "replay", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["valid"] is True
    assert found["reasons"] == []
    assert set(found["windows"][0]) == {"start_s", "seconds", "uj", "uj_per_inference"}
    assert found["median_uj_per_inference"] == pytest.approx(4399.9, abs=0.11)
    edit(tmp_path / "trace1-timestamps.json", "28.0, ", "")
    assert invoke(["energy", "replay", str(tmp_path)]) == 1
    assert "not valid: no pulse" in capsys.readouterr().out
    assert invoke(["energy", "replay", str(tmp_path / "absent")]) == 2
