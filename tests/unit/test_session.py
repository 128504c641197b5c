"""Whole sessions against a device that misbehaves on order: figures, files, resume, disk full."""

from __future__ import annotations

import json
import os
import re
import resource
import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import graphs
from tinyperf import content
from tinyperf.errors import ContentError, DeviceError, DiskError, TinyperfError, UsageError
from tinyperf.request import Request
from tinyperf.result import RunResult
from tinyperf.session import lock, replay, store
from tinyperf.session import run as session
from tinyperf.session.plan import prepare
from tinyperf.session.record import Learned
from tinyperf.session.report import remark
from tinyperf.virtual.fake import FakeDevice, Misbehaviour

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tinyperf.result import Mode
    from tinyperf.session.device import Device

SHIPPED = content.shipped("boards")
# mlcommons/tiny benchmark submission_checker.py
CHECKER_MEDIAN = re.compile(r".* Median throughput is\s+([\d\.]+) inf\./sec\..*")
CHECKER_TOP1 = re.compile(r".* Top[- ]1%?\s?[:=] ([\d\.]+).*")
CHECKER_AUC = re.compile(r".* AUC\s?[:=] ([\d\.]+).*")


def right_class(data: bytes) -> tuple[float, ...]:
    """A kws device that reads the class from the first byte, and is unsure of class 3."""
    return tuple(0.9 if k == data[0] else 0.1 if k == 4 and data[0] == 3 else 0.0 for k in range(12))


def unsure(data: bytes) -> tuple[float, ...]:
    """A kws device that is wrong now and then, and never certain."""
    drawn = [round((data[0] * 7 + k * 5 + data[2] * 3) % 13 / 26, 3) for k in range(12)]
    return tuple(v + (0.4 if k == data[0] else 0.0) for k, v in enumerate(drawn))


def dataset(folder: Path, samples: int = 24) -> Path:
    at = folder / "kws01"
    at.mkdir()
    rows = []
    for k in range(samples):
        (at / f"s{k}.bin").write_bytes(bytes([k % 12]) + k.to_bytes(2, "big") + bytes(487))
        rows.append(f"s{k}.bin,12,{k % 12}")
    (at / "y_labels.csv").write_text("\n".join(rows) + "\n")
    return folder


CREATED = datetime(2026, 11, 25, 10, tzinfo=UTC)


@dataclass
class Bench:
    """Runs one request against fake devices."""

    folder: Path
    mode: Mode = "performance"
    data: Path | None = None
    opened: list[FakeDevice] = field(default_factory=list)
    answer: Callable[[bytes], tuple[float, ...]] = right_class

    @property
    def at(self) -> Path:
        return self.folder / "session"

    def request(self) -> Request:
        image = self.folder / "fw.bin"
        image.write_bytes(b"not run")
        data = str(self.data) if self.data else None
        return Request("host", "kws", self.mode, image=str(image), data=data, jobs=1, out=str(self.at))

    def opener(self, **device: Any) -> Callable[[Device], FakeDevice]:
        def opened(_: Device) -> FakeDevice:
            self.opened.append(FakeDevice(self.answer, **device))
            return self.opened[-1]

        return opened

    def run(self, learned: Learned | None = None, **device: Any) -> RunResult:
        return session.run(self.request(), open_link=self.opener(**device), created=CREATED, learned=learned)

    def resume(self, **device: Any) -> tuple[RunResult, FakeDevice]:
        return session.resume(self.at, open_link=self.opener(**device)), self.opened[-1]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def accuracy(tmp_path: Path) -> Bench:
    return Bench(tmp_path, "accuracy", dataset(tmp_path))


def test_five_windows_give_a_valid_result(bench: Bench) -> None:
    found = bench.run()
    assert found.valid, found.reasons
    assert found.performance is not None
    assert found.performance.latency_ms == pytest.approx(50.0)
    assert [w.inferences for w in found.performance.windows] == [214] * 5
    assert found.inputs == "synthetic"
    assert found.exit_code == 0


@pytest.mark.parametrize(("each_s", "inferences"), [(0.05, 20), (0.001, 1000), (0.3, 10)])
def test_a_first_look_is_one_window_of_a_second(bench: Bench, each_s: float, inferences: int) -> None:
    asked = replace(bench.request(), quick=True)
    found = session.run(asked, open_link=bench.opener(seconds_per_inference=each_s))
    assert found.performance is not None
    assert [w.inferences for w in found.performance.windows] == [inferences]
    assert found.performance.latency_ms == pytest.approx(1000 * each_s)
    assert found.reasons[0] == "1 window was measured; the rules want exactly 5"
    assert "the rules want at least 10 s" in found.reasons[1]
    assert len([one for one in bench.opened[0].commands if one.startswith("infer")]) <= 4
    assert session.resume(bench.at).reasons == found.reasons


def test_a_first_look_at_the_accuracy_is_of_twenty(accuracy: Bench) -> None:
    found = session.run(replace(accuracy.request(), quick=True), open_link=accuracy.opener())
    assert found.accuracy is not None
    assert (found.accuracy.samples, found.valid) == (20, False)


def test_the_folder_holds_what_others_read(bench: Bench) -> None:
    bench.run()
    at = bench.folder / "session"
    names = sorted(str(p.relative_to(at)) for p in at.rglob("*") if p.is_file())
    assert names == [
        "eembc/log.txt",
        "eembc/results.txt",
        "eembc/script.async",
        "log.txt",
        "results.json",
        "results.txt",
        "session.json",
        "session.lock",
        "transcript.jsonl",
    ]
    for name in ("results.txt", "eembc/results.txt"):
        medians = [m.group(1) for line in (at / name).read_text().splitlines() if (m := CHECKER_MEDIAN.match(line))]
        assert medians == ["20.000"]
    row = json.loads((at / "results.json").read_text())[0]
    assert row["infer"].keys() == {
        "start_time",
        "end_time",
        "results",
        "elapsed_time",
        "total_inferences",
        "iterations",
        "warmups",
        "throughput",
    }
    times = [json.loads(line)["t_s"] for line in (at / "transcript.jsonl").read_text().splitlines()]
    assert times == sorted(times)
    assert times[0] == 0.0


def test_the_same_session_twice_gives_the_same_files(tmp_path: Path) -> None:
    texts = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Bench(tmp_path / name).run()
        at = tmp_path / name / "session"
        texts.append([(at / f).read_bytes() for f in ("results.json", "results.txt", "transcript.jsonl")])
    assert texts[0] == texts[1]


@pytest.mark.parametrize("mode", ["performance", "accuracy"])
def test_recomputing_from_the_folder_gives_the_same_figures(bench: Bench, accuracy: Bench, mode: str) -> None:
    found = (bench if mode == "performance" else accuracy).run()
    assert replay.recompute(bench.folder / "session") == found


@pytest.mark.parametrize("mode", ["performance", "accuracy"])
@pytest.mark.parametrize("tool", ["tinyperf", "energyrunner", "mlcommons"])
def test_what_is_written_for_each_tool_gives_its_figures_again(
    bench: Bench, accuracy: Bench, mode: str, tool: str
) -> None:
    bench = replace(bench if mode == "performance" else accuracy, answer=unsure)
    run = bench.run()
    assert run.accuracy is None or 0.2 < run.accuracy.value < 1.0
    at = bench.at / "eembc" if tool == "energyrunner" else bench.at
    if tool == "mlcommons":
        (bench.at / store.RECORD).unlink()  # what is left is that tool's
    labels = accuracy.data / "kws01" / "y_labels.csv" if accuracy.data else None
    found = replay.replay(at, labels)
    assert (found.format, found.mode, found.differences) == (tool, mode, ())
    assert found.printed == {"performance": 17 if tool == "tinyperf" else 16, "accuracy": 3}[mode] - (
        0 if mode == "performance" or tool == "tinyperf" else 1
    )
    assert found.throughput_ips == (pytest.approx(run.performance.throughput_ips) if run.performance else None)
    assert found.top1 == (run.accuracy.value if run.accuracy else None)


def test_accuracy_scores_all_samples(accuracy: Bench) -> None:
    found = accuracy.run()
    assert found.accuracy is not None
    assert (found.accuracy.value, found.accuracy.samples) == (1.0, 24)
    assert found.target_met
    text = (accuracy.folder / "session" / "results.txt").read_text()
    assert [m.group(1) for line in text.splitlines() if (m := CHECKER_TOP1.match(line))] == ["100.0"]
    assert [m.group(1) for line in text.splitlines() if (m := CHECKER_AUC.match(line))] == ["1.000"]


def test_a_clock_that_drifts_is_found_by_the_host(bench: Bench) -> None:
    found = bench.run(drift=0.02)
    assert not found.valid
    assert any("by the host's" in reason for reason in found.reasons)
    assert found.exit_code == 1


@pytest.mark.parametrize(
    ("misbehave", "notes"),
    [
        pytest.param({3: "torn results"}, 1, id="torn results"),
        pytest.param({3: "one timestamp", 5: "torn results"}, 2, id="two of them torn"),
        pytest.param({3: "lost ready"}, 0, id="m-ready lost: nothing is repeated"),
        pytest.param({3: "noise"}, 0, id="wrong bytes in front of a line"),
    ],
)
def test_line_trouble_changes_no_figure(accuracy: Bench, misbehave: Mapping[int, Misbehaviour], notes: int) -> None:
    found = accuracy.run(misbehave=misbehave)
    assert found.accuracy is not None
    assert (found.accuracy.value, found.accuracy.samples) == (1.0, 24)
    assert len(found.notes) == (1 if notes else 0)
    assert found.notes == ((f"{notes} inputs were sent a second time; the transcript says why",) if notes else ())


def test_a_reset_ends_the_run_and_resume_finishes_it_with_the_same_score(accuracy: Bench) -> None:
    with pytest.raises(DeviceError, match="restarted") as caught:
        accuracy.run(misbehave={7: "reset"})
    assert str(accuracy.folder / "session") in caught.value.hint
    found, device = accuracy.resume()
    assert found.accuracy is not None
    assert (found.accuracy.value, found.accuracy.samples) == (1.0, 24)
    assert sum(command.startswith("infer") for command in device.commands) == 24 - 7
    transcript = (accuracy.folder / "session" / "transcript.jsonl").read_text()
    notes = [bytes.fromhex(r["hex"]).decode() for r in map(json.loads, transcript.splitlines()) if r["dir"] == "note"]
    sent = [note.split(" again: ")[0] for note in notes]
    repeated = {note for note in sent if sent.count(note) > 1}
    assert repeated == {"sample 7 0 s7.bin"}
    assert "sample 7 0 s7.bin again: it was under way when the run stopped" in notes


def test_a_device_that_falls_silent_is_told_apart_from_one_that_restarts(accuracy: Bench) -> None:
    with pytest.raises(DeviceError, match="no complete answer in 3 attempts"):
        accuracy.run(misbehave={7: "silent", 8: "silent", 9: "silent"})


def test_resume_of_five_windows_keeps_those_that_were_measured(bench: Bench) -> None:
    with pytest.raises(DeviceError):
        bench.run(misbehave={5: "reset"})
    found, device = bench.resume()
    assert found.valid, found.reasons
    assert sum(command.startswith("infer 214") for command in device.commands) == 2


def test_a_session_is_finished_on_another_port(bench: Bench) -> None:
    """The board came back as another device."""
    port, other, urls = bench.folder / "ttyACM0", bench.folder / "ttyACM1", []
    port.touch()
    other.touch()

    def opened(device: Device) -> FakeDevice:
        urls.append(device.url)
        return FakeDevice(right_class, misbehave={5: "reset"} if len(urls) == 1 else {})

    asked = replace(bench.request(), board="nucleo-l4r5zi", image=None, build=False, port=str(port))
    with pytest.raises(DeviceError, match="restarted"):
        session.run(asked, open_link=opened, created=CREATED)
    port.unlink()
    with pytest.raises(DeviceError, match="ttyACM0 does not exist"):
        session.resume(bench.at, open_link=opened)
    found = session.resume(bench.at, port=str(other), open_link=opened)
    assert found.performance is not None
    assert len(found.performance.windows) == 5
    assert urls == [str(port), str(other)]


def test_a_transcript_cut_in_the_middle_of_a_line_goes_on(accuracy: Bench) -> None:
    with pytest.raises(DeviceError):
        accuracy.run(misbehave={7: "reset"})
    path = accuracy.folder / "session" / "transcript.jsonl"
    path.write_bytes(path.read_bytes()[:-17])
    found, _ = accuracy.resume()
    assert found.accuracy is not None
    assert (found.accuracy.value, found.accuracy.samples) == (1.0, 24)
    assert all(line.endswith("}") for line in path.read_text().splitlines())


def test_a_damaged_line_in_the_middle_deletes_nothing(accuracy: Bench) -> None:
    with pytest.raises(DeviceError):
        accuracy.run(misbehave={7: "reset"})
    path = accuracy.folder / "session" / "transcript.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[20] = b'{"t_s": 0.1, "dir": "device"}\n'
    path.write_bytes(b"".join(lines))
    with pytest.raises(ContentError, match=r"transcript\.jsonl:21 is no record \(KeyError: 'hex'\)"):
        accuracy.resume()
    assert path.read_bytes() == b"".join(lines)


def test_a_transcript_that_was_copied_with_other_line_ends_is_as_good(accuracy: Bench) -> None:
    with pytest.raises(DeviceError):
        accuracy.run(misbehave={7: "reset"})
    path = accuracy.folder / "session" / "transcript.jsonl"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    found, device = accuracy.resume()
    assert found.accuracy is not None
    assert (found.accuracy.value, found.accuracy.samples) == (1.0, 24)
    assert sum(command.startswith("infer") for command in device.commands) == 24 - 7


def test_a_window_whose_repetition_was_cut_off_is_measured_by_resume(bench: Bench) -> None:
    """Window 1 lasts 8 s; in its repetition (inference 3: pilot, window, repetition) the device resets."""
    with pytest.raises(DeviceError, match="restarted"):
        bench.run(Learned(inferences=200), seconds_per_inference=0.04, misbehave={1: "reset"})
    found, _ = bench.resume(seconds_per_inference=0.04)
    assert found.valid, found.reasons
    assert found.performance is not None
    assert [w.inferences for w in found.performance.windows] == [268] * 5


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"format": 1}, r"session\.json has no id, tinyperf, created, request, mode, ", id="emptied"),
        pytest.param(
            {"planned": {"samples": 1}}, r"has no id, .*; samples: Input should be a valid", id="a wrong type"
        ),
        pytest.param({"learned": {"pulses": 1}}, r"learned\.pulses: Extra inputs are not permitted", id="unknown key"),
        pytest.param({"format": "2"}, "has format 2, this tinyperf knows 2, and 1", id="a format that is text"),
    ],
)
def test_a_record_that_was_changed_by_hand_is_named(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    (tmp_path / "session.json").write_text(json.dumps({"format": 2} | changes))
    with pytest.raises(ContentError, match=words):
        session.resume(tmp_path)


def test_a_session_may_be_resumed_from_another_folder(accuracy: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(accuracy.folder)
    (accuracy.folder / "host").touch()  # a file of the board's name is not the board
    accuracy.data = Path()
    _, planned = prepare(accuracy.request())
    assert (planned.request.data, planned.request.board) == (str(accuracy.folder), "host")


def test_firmware_with_the_larger_ic_model_is_measured_as_ic() -> None:
    asked = Request(board="nucleo-l4r5zi", port="socket://127.0.0.1:5000", build=False)
    prepared, planned = prepare(asked, open_link=lambda _: FakeDevice(right_class, model_id="ic02"))
    assert (planned.benchmark, prepared.model_id) == ("ic2", "ic02")
    assert planned.notes == (
        "what is behind socket://127.0.0.1:5000 is not known: if it is 'tinyperf emulate', these are estimates",
    )
    prepared.converse(lambda *_: None).link.close()


def test_resume_refuses_another_dataset(accuracy: Bench) -> None:
    with pytest.raises(DeviceError):
        accuracy.run(misbehave={7: "reset"})
    changed = accuracy.folder / "kws01" / "s20.bin"
    changed.write_bytes(bytes(490))
    with pytest.raises(ContentError, match="begun with another samples"):
        session.resume(accuracy.folder / "session")


def test_resume_of_no_session_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no session\.json"):
        session.resume(tmp_path)


def test_a_second_writer_is_refused(accuracy: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LOCK_WAIT_S", 0.0)
    at = store.create(accuracy.folder / "session")
    first = store.Transcript(at / "transcript.jsonl")
    with pytest.raises(DeviceError, match="another process"):
        store.Transcript(at / "transcript.jsonl")
    first.close()


@pytest.mark.parametrize("measured", [8, 24], ids=["stopped", "complete"])
def test_two_processes_never_work_on_one_session(accuracy: Bench, measured: int) -> None:
    if measured == 24:
        accuracy.run()
    else:
        with pytest.raises(DeviceError):
            accuracy.run(misbehave={measured: "reset"})
    with (
        lock.alone(accuracy.at),
        pytest.raises(DeviceError, match=f"process {os.getpid()} works on {accuracy.at}"),
    ):
        accuracy.resume()
    found, _ = accuracy.resume()
    assert found.accuracy is not None
    assert found.accuracy.samples == 24


def test_a_session_is_locked_while_it_runs(accuracy: Bench) -> None:
    seen: list[str] = []

    def second(text: str, _done: int, _of: int) -> None:
        if text.startswith("session ") and not seen:
            with pytest.raises(DeviceError) as caught:
                session.resume(accuracy.at, open_link=accuracy.opener())
            seen.append(str(caught.value))

    session.run(accuracy.request(), second, open_link=accuracy.opener())
    assert [str(os.getpid()) in one for one in seen] == [True]


def test_only_a_session_gets_a_lock(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        session.resume(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file may grow past 30 kB: what a full disk looks like to one that grows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("small_disk")
def test_a_full_disk_keeps_what_was_measured(accuracy: Bench) -> None:
    with pytest.raises(DiskError, match=r"transcript\.jsonl cannot be written") as caught:
        accuracy.run()
    assert str(accuracy.folder / "session") in caught.value.hint
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    found, device = accuracy.resume()
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert found.accuracy is not None
    assert found.accuracy.samples == 24
    assert sum(command.startswith("infer") for command in device.commands) < 24


def test_a_window_that_came_out_short_is_measured_again_and_noted(bench: Bench) -> None:
    found = bench.run(Learned(inferences=200), seconds_per_inference=0.04)
    assert found.valid
    assert found.performance is not None
    assert [w.inferences for w in found.performance.windows] == [268] * 5


def test_a_link_that_leads_nowhere_is_no_free_folder(tmp_path: Path) -> None:
    (tmp_path / "s").symlink_to(tmp_path / "gone")
    with pytest.raises(UsageError, match="is a link that leads nowhere"):
        store.require_free(tmp_path / "s")


def test_a_taken_folder_gets_a_number(tmp_path: Path) -> None:
    assert store.create(tmp_path / "s") == tmp_path / "s"
    (tmp_path / "s" / "x").write_text("x")
    assert store.create(tmp_path / "s") == tmp_path / "s-2"


def test_foreign_firmware_is_named_in_the_line_of_the_figure(bench: Bench) -> None:
    bench.run()
    assert "foreign firmware" in (bench.folder / "session" / "results.txt").read_text()


@pytest.mark.parametrize(
    ("mode", "cycles", "power", "error_percent"),
    [
        ("performance", "7.0", "24.0", 7.0),
        ("performance", None, "24.0", None),
        ("performance", "7.0", None, 7.0),
        ("energy", "7.0", "24.0", 31.0),
        ("energy", None, "24.0", None),
        ("energy", "7.0", None, None),
    ],
)
def test_an_error_that_nobody_measured_is_null_and_said(
    mode: Mode, cycles: str | None, power: str | None, error_percent: float | None, tmp_path: Path
) -> None:
    text = (SHIPPED / "chips" / "stm32l4r5.yaml").read_text().replace("name: stm32l4r5", "name: mine")
    for stated in (cycles, power):
        text = re.sub(r"\n  error_percent: .*", f"\n  error-percent: {stated}" if stated else "", text, count=1)
    text = re.sub(r"\n  foreign_error_percent: .*", "", text).replace("error-percent", "error_percent")
    (tmp_path / "chips").mkdir()
    (tmp_path / "chips" / "mine.yaml").write_text(text)
    board = (SHIPPED / "nucleo-l4r5zi.yaml").read_text().replace("chip: stm32l4r5", "chip: mine")
    (tmp_path / "mine.yaml").write_text(board)
    (tmp_path / "fw.bin").write_bytes(b"not run")
    asked = Request(
        str(tmp_path / "mine.yaml"),
        "kws",
        mode,
        virtual=True,
        image=str(tmp_path / "fw.bin"),
        monitor="virtual" if mode == "energy" else None,
    )
    _, planned = prepare(asked)
    assert planned.estimated
    assert planned.error_percent == error_percent
    result = RunResult(
        "kws", "mine", None, "virtual", mode, True, (), "synthetic", True, "", error_percent=error_percent
    )
    words = "error not measured" if error_percent is None else f"±{error_percent:g} %"
    assert remark(result) == f" (estimated, {words}; synthetic inputs; foreign firmware)"


def test_energy_mode_needs_an_instrument() -> None:
    with pytest.raises(UsageError, match="needs --monitor"):
        prepare(replace(Request(board="nucleo-l4r5zi", benchmark="kws", virtual=True), mode="energy"))


def test_what_the_engine_warns_of_stands_beside_the_result(tmp_path: Path) -> None:
    tensors = [graphs.T((1, 4), 0.5, 3), graphs.T((1, 4), 0.25, 3)]
    (tmp_path / "relu6.tflite").write_bytes(graphs.build(tensors, [graphs.O("RELU6", [0], [1])], [0], [1]))
    _, planned = prepare(Request(board="host", model=str(tmp_path / "relu6.tflite")))
    assert ["RELU6 stands alone" in note for note in planned.notes] == [True]


@pytest.mark.parametrize(
    ("board", "seen"), [("nucleo-l4r5zi", "'unicorn' is not installed"), ("mps2-an386", "qemu-system-arm is not")]
)
def test_a_player_that_is_absent_is_told_before_anything_is_made(
    board: str, seen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "unicorn", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TINYPERF_CACHE", str(tmp_path / "cache"))
    (tmp_path / "kws01").mkdir()
    (tmp_path / "kws01" / "a.bin").write_bytes(bytes(490))
    (tmp_path / "kws01" / "y_labels.csv").write_text("a.bin,12,0\n")
    asked = Request(board, "kws", virtual=True, mode="accuracy", data=str(tmp_path), out=str(tmp_path / "out"))
    with pytest.raises(TinyperfError, match=seen):
        session.run(asked)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kws01"]
