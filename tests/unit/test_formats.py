"""Every file format read back as it was written, and damaged files told with file and line."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sessions import ABOUT, conversation, trial
from tinyperf.errors import ContentError
from tinyperf.formats import energyrunner, mlcommons, own
from tinyperf.formats.recorded import Figures, Recording, Trial
from tinyperf.result import EnergyWindow
from tinyperf.rules import joules
from tinyperf.session import transcript

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tinyperf.device.happenings import Record
    from tinyperf.formats.recorded import Mode, Printed

NAMES = st.text("abcXYZ0189_-. ", min_size=1, max_size=12).map(str.strip).filter(len)
VALUES = st.floats(0, 1).map(lambda v: round(v, 3))
STAMPS = st.integers(0, (1 << 32) - 1)


@st.composite
def trials(draw: st.DrawFn, mode: Mode = "performance") -> list[Trial]:
    """Some inputs of different names, in the order in which they were measured."""
    names = draw(st.lists(NAMES, min_size=1, max_size=6, unique=True))
    found, at_s = [], 1.0
    for index, name in enumerate(names):
        start_us, length_s = draw(STAMPS), draw(st.integers(10_000, 30_000)) / 1000
        end_s = round(at_s + length_s, 3)
        end_us = (start_us + round(length_s * 1e6)) % (1 << 32)
        times: tuple[int | None, int | None] = (None, None) if mode == "energy" else (start_us, end_us)
        results = tuple(draw(st.lists(VALUES, min_size=3, max_size=3)))
        inferences = draw(st.integers(1, 10**6))
        found.append(trial(index, name, inferences, results, stamps_us=times, host_s=(at_s, end_s), label=index % 3))
        at_s = round(end_s + 2.0, 3)
    return found


def read(records: Iterable[Record]) -> list[Trial]:
    return list(transcript.read(records).trials.values())


# ------------------------------------------------------------------------------------------------------ our own


WIRE = st.tuples(st.sampled_from(["host", "device"]), st.binary(max_size=40), st.floats(0, 1e6))
NOTES = st.tuples(st.just("note"), st.text(max_size=20).map(lambda text: text.encode()), st.floats(0, 1e6))


@given(st.lists(WIRE | NOTES))
def test_a_transcript_comes_back(tmp_path_factory: pytest.TempPathFactory, records: list[Record]) -> None:
    path = tmp_path_factory.mktemp("t") / "transcript.jsonl"
    path.write_bytes(b"".join(own.line_of(r) for r in records) + b'{"t_s": 1')
    assert list(own.records(path)) == records


@pytest.mark.parametrize("line", [b"{}\n", b'{"t_s": 1, "dir": "host", "hex": "0"}\n', b"\xff\n", b"[]\n"])
def test_a_damaged_transcript_names_its_line(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "transcript.jsonl"
    path.write_bytes(own.line_of(("host", b"name%", 1.0)) + line)
    with pytest.raises(ContentError, match=r"transcript\.jsonl:2 is no record"):
        list(own.records(path))


NOT_MEASURED = "estimated, error not measured"


@given(
    st.lists(st.floats(0, 1, width=32), max_size=50),
    st.lists(st.floats(0, 100), max_size=4).map(sorted),
    st.sampled_from([(None, None), (-0.01, 5.0), (0.0, None)]),
    st.sampled_from([(False, None, ()), (True, 31.0, ("estimated, ±31 %",)), (True, None, (NOT_MEASURED,))]),
)
def test_an_energy_recording_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    power_w: list[float],
    pulses: list[float],
    range_w: joules.RangeW,
    estimate: tuple[bool, float | None, tuple[str, ...]],
) -> None:
    estimated, error_percent, notes = estimate
    at = tmp_path_factory.mktemp("e")
    expected = (joules.Expected("start", 1.0, 100), joules.Expected("stop", 12.0, 100))
    np.array(power_w, "<f4").tofile(at / own.POWER)
    said = own.Sidecar(
        sample_rate_hz=1000.0,
        samples=len(power_w),
        lost=0,
        pulses_s=tuple(pulses),
        expected=expected,
        supply_mv=1800,
        accuracy=0.02,
        edge_s=1e-3,
        estimated=estimated,
        error_percent=error_percent,
        damage=("why",),
        monitor={"range_w": range_w},
    )
    (at / own.SIDECAR).write_text(own.sidecar_json(said))
    found = own.read_energy(at)
    assert found.samples_j * 1000.0 == pytest.approx(np.array(power_w), rel=1e-12)
    assert (found.pulses_s, found.expected, found.range_w) == (tuple(pulses), expected, range_w)
    assert (found.damage, found.accuracy, found.notes) == (("why",), 0.02, notes)


# ------------------------------------------------------------------------------------------------- EnergyRunner


@given(trials(), st.integers(1, 50))
def test_a_log_of_energyrunner_gives_what_its_transcript_gives(measured: list[Trial], cut: int) -> None:
    lines = list(energyrunner.log_lines(ABOUT, conversation(measured, cut)))
    said = energyrunner.log_of("\n".join(lines), "log.txt")
    assert (said.mode, said.model, said.damage) == ("performance", "kws01", ())
    whole = [replace(t, label=None) for t in measured]
    assert read(conversation(measured, cut)) == whole
    assert read(said.records) == whole


@pytest.mark.parametrize("mode", ["performance", "accuracy", "energy"])
def test_a_log_says_its_mode_and_whether_it_is_whole(mode: Mode) -> None:
    lines = list(energyrunner.log_lines(replace(ABOUT, mode=mode), iter(())))
    assert energyrunner.log_of("\n".join(lines), "log.txt").mode == mode
    assert energyrunner.log_of("\n".join(lines[:-1]), "log.txt").damage == ("log.txt has no end of session",)
    with pytest.raises(ContentError, match=r"log\.txt names no benchmark"):
        energyrunner.log_of("\n".join(lines[2:]), "log.txt")


def test_windows_of_a_file_are_told_apart_in_a_log() -> None:
    about = replace(ABOUT, model="ad01", stride_bytes=512, input_bytes=2560)
    one = trial(0, "a.bin", 1, (11.25,), stamps_us=(5, 9), host_s=(1.0, 2.0))
    measured = [replace(one, window=w, name=n, index=k) for k, n in enumerate("ab") for w in range(3)]
    lines = energyrunner.log_lines(about, conversation(measured, 9))
    assert read(energyrunner.log_of("\n".join(lines), "log.txt").records) == measured


@given(trials())
def test_a_script_of_energyrunner_comes_back(measured: list[Trial]) -> None:
    commands = energyrunner.script_commands(energyrunner.script(ABOUT, measured))
    assert commands[:2] == ["dut profile", "dut timestamp"]
    assert commands[2::2] == [f'bload dut "{t.name}"' for t in measured]
    assert commands[3::2] == [f"dut infer {t.inferences} {t.warmups}" for t in measured]


def figures_of(printed: tuple[Printed, ...]) -> dict[str, tuple[float, float]]:
    """Each figure and half its last digit."""
    found = {p.what: (p.value, 0.5 * 10.0**-p.decimals + 1e-9 * abs(p.value)) for p in printed}
    assert len(found) == len(printed)
    return found


@given(trials(), st.floats(0.001, 1e6))
def test_printed_windows_come_back(
    tmp_path_factory: pytest.TempPathFactory, measured: list[Trial], throughput_ips: float
) -> None:
    at = tmp_path_factory.mktemp("p")
    figures = Figures(throughput_ips=throughput_ips, note=" (estimated)", reasons=("it was short",))
    (at / "theirs.txt").write_text(energyrunner.results_txt(ABOUT, measured, figures))
    rows = mlcommons.rows(ABOUT, measured)
    (at / "mlc.txt").write_text(mlcommons.results_txt(ABOUT, rows, figures, 1.0))
    for name, read_results, step in (("theirs", energyrunner.read_results, 2), ("mlc", mlcommons.read_results, 1)):
        found = figures_of(read_results(at / f"{name}.txt"))
        assert len(found) == 3 * len(measured) + 1
        value, half = found["median Throughput"]
        assert abs(value - throughput_ips) <= half
        for number, one in enumerate(measured, 1):
            for what, true in (
                ("Inferences", one.inferences),
                ("Runtime", one.seconds),
                ("Throughput", one.throughput_ips),
            ):
                value, half = found[f"window {number * step} {what}"]
                assert abs(value - true) <= half


@given(trials(mode="energy"), st.lists(st.floats(1.0, 1e6), min_size=6, max_size=6))
def test_printed_energy_comes_back(
    tmp_path_factory: pytest.TempPathFactory, measured: list[Trial], energy_uj: list[float]
) -> None:
    at = tmp_path_factory.mktemp("p")
    windows = [
        (EnergyWindow(t.begin_s, t.host_s, uj, uj / t.inferences), uj * 1e-6 / t.host_s)
        for t, uj in zip(measured, energy_uj, strict=False)
    ]
    about = replace(ABOUT, mode="energy")
    (at / "results.txt").write_text(energyrunner.results_txt(about, measured, Figures(), windows))
    found = figures_of(energyrunner.read_results(at / "results.txt"))
    assert len(found) == 8 * len(measured) + 2
    for number, (window, power_w) in enumerate(windows, 1):
        for what, true in (
            ("at time", window.start_s),
            ("for", window.seconds),
            ("Energy", window.uj),
            ("Power", power_w * 1e6),
            ("Energy/Inf.", window.uj_per_inference),
            ("Runtime", window.seconds),
        ):
            value, half = found[f"window {2 * number} {what}"]
            assert abs(value - true) <= half


@given(st.floats(0, 1), st.floats(0, 1))
def test_printed_scores_come_back(tmp_path_factory: pytest.TempPathFactory, top1: float, auc: float) -> None:
    at = tmp_path_factory.mktemp("p")
    figures, about = Figures(top1=top1, auc=auc, eembc_auc=auc), replace(ABOUT, mode="accuracy")
    (at / "theirs.txt").write_text(energyrunner.results_txt(about, [], figures))
    (at / "mlc.txt").write_text(mlcommons.results_txt(about, [], figures, 1.0))
    for name, read_results in (("theirs", energyrunner.read_results), ("mlc", mlcommons.read_results)):
        found = figures_of(read_results(at / f"{name}.txt"))
        assert found["Top-1 %"][0] == pytest.approx(100 * top1, abs=0.0501)
        assert found["AUC"][0] == pytest.approx(auc, abs=0.000501)


def recording(samples_j: np.ndarray[tuple[int], np.dtype[np.float64]], pulses_s: tuple[float, ...]) -> Recording:
    spans = tuple(joules.Span(a, b, 10) for a, b in zip(pulses_s[::2], pulses_s[1::2], strict=False))
    return Recording("tinyperf", samples_j, 1000.0, pulses_s, (), spans, (), 0.02, 1e-3, (None, None))


@given(
    st.lists(st.floats(0, 0.0001220703125, width=32), min_size=8, max_size=100), st.sets(st.integers(0, 7), max_size=4)
)
def test_a_trace_of_energyrunner_comes_back(
    tmp_path_factory: pytest.TempPathFactory, samples_j: list[float], pulses_ms: set[int]
) -> None:
    at = tmp_path_factory.mktemp("t")
    pulses_s = tuple(k / 1000 for k in sorted(pulses_ms))
    energyrunner.write_trace(at, recording(np.array(samples_j), pulses_s))
    found, rate_hz, damage = energyrunner.read_trace(at / energyrunner.TRACE)
    assert (rate_hz, damage) == (1000.0, [])
    assert found == pytest.approx(np.array(samples_j) * 1e6, rel=1e-6, abs=1e-6)
    assert tuple(energyrunner.read_stamps(at / energyrunner.STAMPS)) == pulses_s


@pytest.mark.parametrize(("every", "damaged"), [(2, True), (4, True), (100, False)])
def test_values_of_an_idle_channel_among_the_samples_are_found(every: int, damaged: bool, tmp_path: Path) -> None:
    samples_j = np.where(np.arange(4000) % every == every - 1, 0.0, 66e-6)
    energyrunner.write_trace(tmp_path, recording(samples_j, ()))
    found = energyrunner.read_trace(tmp_path / energyrunner.TRACE)[2]
    assert [reason.endswith("another channel's values") for reason in found] == [True] * damaged


def test_labels_are_read_and_a_wrong_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "y_labels.csv"
    path.write_text("\ufeffa.bin, 12, 3\n\nb.bin,12,0,2560,512\n")
    assert energyrunner.read_labels(path) == {"a.bin": 3, "b.bin": 0}
    path.write_text("a.bin,12,3\nb.bin,12\n")
    with pytest.raises(ContentError, match=r"y_labels\.csv:2: 'b\.bin,12' is no 'name, classes, label'"):
        energyrunner.read_labels(path)
    with pytest.raises(ContentError, match="is not there"):
        energyrunner.read_labels(tmp_path / "absent.csv")


# ------------------------------------------------------------------------------------------- the MLCommons runner


@pytest.mark.parametrize("mode", ["performance", "accuracy", "energy"])
@given(data=st.data())
def test_results_json_comes_back(mode: Mode, data: st.DataObject) -> None:
    measured = data.draw(trials(mode=mode))
    rows = json.loads(json.dumps(mlcommons.rows(replace(ABOUT, mode=mode), measured)))
    found = mlcommons.trials_of(rows, Path("results.json"))
    assert [replace(t, begin_s=0.0, end_s=0.0, at_s=0.0) for t in found] == [
        replace(t, begin_s=0.0, end_s=0.0, at_s=0.0) for t in measured
    ]
    assert all(math.isnan(t.host_s) for t in found)


@given(trials())
def test_a_log_of_the_runner_agrees_with_its_results(
    tmp_path_factory: pytest.TempPathFactory, measured: list[Trial]
) -> None:
    at = tmp_path_factory.mktemp("l")
    path = at / "log.txt"
    path.write_text("\n".join(mlcommons.log_lines(ABOUT, measured, ("a note",), "Median ...")) + "\n")
    assert mlcommons.is_log(path)
    assert mlcommons.log_damage(path, measured) == []
    forged = [*measured[:-1], replace(measured[-1], results=(2.0, 0.0, 0.0))]
    assert mlcommons.log_damage(path, forged) == [
        f"1 results in results.json are not those of log.txt, the first is number {len(measured)}"
    ]
    assert "they differ from number" in mlcommons.log_damage(path, measured[:-1])[0]


def test_power_samples_come_back(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    samples_j = random.uniform(1e-5, 9e-5, 60_000)
    pulses_s = (0.5, 2.0, 13.0, 15.5, 27.0)
    made = recording(samples_j, pulses_s)
    made = replace(made, spans=(joules.Span(2.0, 13.0, 100), joules.Span(15.5, 27.0, 100)))
    measured = [trial(k, f"{k}.bin", 100, (1.0,), label=0) for k in range(2)]
    about = replace(ABOUT, mode="energy")
    rows = mlcommons.rows(about, measured, mlcommons.power(made, 1800))
    (tmp_path / "results.json").write_text(json.dumps(rows))
    (tmp_path / "results.txt").write_text(mlcommons.results_txt(about, rows, Figures(), 30.0))
    found = mlcommons.read_energy(tmp_path)
    assert found.pulses_s == pulses_s
    assert found.spans == made.spans
    assert found.samples_j == pytest.approx(samples_j[: len(found.samples_j)], rel=1e-3)
    printed = figures_of(found.printed)
    assert len(printed) == 11
    assert printed["window 2 Energy"][0] == pytest.approx(samples_j[15_500:27_000].sum() * 1e6, rel=1e-4)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param('[{"a": 1},\n {"b": }]', r"results\.json:2:8 is not JSON", id="cut"),
        pytest.param("{}", "is no list of results", id="table"),
        pytest.param("[]", "is no list of results", id="empty"),
        pytest.param('[{"file": "a"}]', "entry 0 has no 'infer'", id="no-infer"),
        pytest.param('[{"infer": {"wav_file": "x"}}]', "streaming wakeword", id="sww"),
        pytest.param('[{"file": "a", "infer": {"iterations": 1}}]', "entry 0 is damaged: KeyError", id="no-warmups"),
        pytest.param(
            '[{"file": "a", "infer": {"iterations": 1, "warmups": 0, "results": ["x"]}}]', "ValueError", id="no-number"
        ),
        pytest.param(
            '[{"file": "a", "mode": "z", "infer": {"iterations": 1, "warmups": 0, "results": [1]}}]',
            "entry 0 has mode 'z'",
            id="mode",
        ),
        pytest.param(
            '[{"file": "a", "infer": {"iterations": 1e999, "warmups": 0, "results": [1]}}]', "Overflow", id="endless"
        ),
    ],
)
def test_a_damaged_results_json_is_named(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(ContentError, match=words):
        mlcommons.read_trials(tmp_path)
