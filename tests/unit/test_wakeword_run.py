"""Streaming wakeword from sound to result: files, the played interface board, figures, a whole virtual run."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

import tinyperf
from tests.data import find, needs
from tests.unit.test_frontends import noise
from tinyperf import tflite, wakeword
from tinyperf.board import load
from tinyperf.datasets import streams
from tinyperf.errors import ContentError, DataError, UsageError
from tinyperf.formats import stream as formats
from tinyperf.reporting import document
from tinyperf.request import Request
from tinyperf.rules import streaming as rules
from tinyperf.session import checks, emulate, stream_figures
from tinyperf.session import run as session
from tinyperf.session.record import Learned
from tinyperf.virtual.board import Calibration
from tinyperf.virtual.fake import FakeDevice
from tinyperf.virtual.isolators.interface_board import RelayedLink, Wired, simulate

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.session.record import Planned
    from tinyperf.virtual.board.link import VirtualLink

MODEL = "reference_models/str_ww_ref_model.tflite"
STREAM = formats.Stream(
    wav_file="long.wav",
    length_s=1200.0,
    windows_s=tuple((10.0 * k, 10.0 * k + 0.5) for k in range(1, 51)),
    detections_ms=(40, *(40 + 10_000 * k + 200 for k in range(1, 51))),
    start_ticks=tuple(3200 * k for k in range(100)),
    stop_ticks=tuple(3200 * k + 320 for k in range(100)),
    answers=(-128, 127),
    frames=37500,
    lost=0,
)


# ------------------------------------------------------------------------------------------------- on disk


def test_a_stream_comes_back_from_its_file(tmp_path: Path) -> None:
    (tmp_path / formats.NAME).write_text(formats.text(STREAM))
    assert formats.read(tmp_path) == STREAM
    assert formats.read(tmp_path / "elsewhere") is None


@pytest.mark.parametrize("damage", [{"answers": [1.5]}, {"length_s": "x"}, {"windows_s": [[1]]}, {"frame_us": -1.0}])
def test_a_damaged_stream_is_refused(tmp_path: Path, damage: dict[str, object]) -> None:
    held = json.loads(formats.text(STREAM)) | damage
    (tmp_path / formats.NAME).write_text(json.dumps(held))
    with pytest.raises(ContentError, match=r"stream\.json is damaged"):
        formats.read(tmp_path)


def listed(folder: Path, samples: int = 32_000, *windows: list[float], name: str = "a.wav") -> Path:
    sound = np.repeat(noise(16)[:1], 2 * samples).reshape(-1, 2)
    streams.write_wav(folder / "a.wav", sound)
    held = [{"wav_file": name, "detection_windows": list(windows), "length_sec": samples / 16000}]
    (folder / "sww_short_test.json").write_text(json.dumps(held))
    return folder


def test_a_list_and_its_file_are_a_stream(tmp_path: Path) -> None:
    found = streams.load(listed(tmp_path, 32_000, [0.5, 1.0]))
    assert (found.name, found.length_s, found.windows_s, found.kind) == ("a.wav", 2.0, ((0.5, 1.0),), "user")
    assert found.samples().shape == (32_000, 2)
    assert streams.load(None).kind == "synthetic"


@pytest.mark.parametrize(
    ("windows", "name", "seen"),
    [
        pytest.param([[0.5, 3.0]], "a.wav", "the last word ends at 3 s, a.wav lasts 2 s", id="a word behind the end"),
        pytest.param([[1.0, 0.5]], "a.wav", "not in the order of time", id="a word that ends before it begins"),
        pytest.param([], "b.wav", "b.wav cannot be read", id="no such file"),
    ],
)
def test_what_is_no_stream_is_told(tmp_path: Path, windows: list[list[float]], name: str, seen: str) -> None:
    with pytest.raises(DataError, match=seen):
        streams.load(listed(tmp_path, 32_000, *windows, name=name))


def test_only_what_the_interface_board_plays_is_taken(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no list of streams"):
        streams.load(tmp_path)
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(DataError, match="is no list of streams"):
        streams.load(tmp_path)
    (tmp_path / "x.wav").write_bytes(b"RIFF")
    with pytest.raises(DataError, match=r"cannot be read as a \.wav file"):
        streams.read_wav(tmp_path / "x.wav")


# ------------------------------------------------------------------------------------------------- figures


def planned(inputs: str = "official", mode: str = "performance") -> Planned:
    @dataclass(frozen=True)
    class Some:
        inputs: str
        mode: str
        target: float = 0.84

    return Some(inputs, mode)  # type: ignore[return-value]  # all that the figures ask for


def test_all_words_heard_are_a_valid_result() -> None:
    found = stream_figures.parts(STREAM, planned(), None, ())
    assert found.reasons == ()
    assert found.target_met is True
    assert found.streaming is not None
    assert [(s.tail_s, s.true_positives, s.false_negatives, s.false_positives) for s in found.streaming.scores] == [
        (2.0, 50, 0, 0),
        (1.0, 50, 0, 0),
    ]
    assert found.streaming.duty_cycle == pytest.approx(0.1)
    assert found.performance is not None
    assert found.performance.latency_ms == pytest.approx(3.2)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lost": 3}, "3 frames came while one was still computed"),
        ({"detections_ms": ()}, "WW_DETECTED pin is not connected"),
        ({"start_ticks": (5,), "stop_ticks": ()}, "1 and 0 edges of the PROCESSING pin"),
        ({"start_ticks": (0, 3000, 6400), "stop_ticks": (9, 3009, 6409)}, "the period varies by"),
        ({"windows_s": STREAM.windows_s[:8], "length_s": 120.0}, "8 words in 120 s; the rules want 50 in 1200 s"),
        ({"frame_us": 3200.0}, "over the serial line"),
        ({"frame_us": 40_000.0}, "a frame takes 40.00 ms, and comes every 32 ms"),
    ],
)
def test_what_speaks_against_a_result(change: dict[str, object], reason: str) -> None:
    found = stream_figures.parts(replace(STREAM, **change), planned(), None, ())  # type: ignore[arg-type]  # a field
    assert any(reason in one for one in found.reasons), found.reasons


@pytest.mark.parametrize(
    ("late_ms", "counts"),
    [
        pytest.param(1400, [(50, 0, 0), (50, 0, 0)], id="within both tails"),
        pytest.param(2400, [(50, 0, 0), (0, 50, 50)], id="within the runner's alone"),
        pytest.param(2600, [(0, 50, 50), (0, 50, 50)], id="behind both"),
    ],
)
def test_both_tails_are_scored(late_ms: int, counts: list[tuple[int, int, int]]) -> None:
    late = replace(STREAM, detections_ms=(40, *(40 + 10_000 * k + late_ms for k in range(1, 51))))
    found = stream_figures.parts(late, planned(), None, ())
    assert found.streaming is not None
    scores = [(s.true_positives, s.false_negatives, s.false_positives) for s in found.streaming.scores]
    assert scores == counts
    assert found.target_met is (counts[0][0] == 50)


@pytest.mark.parametrize(
    ("heard", "alarms", "words", "met", "told"),
    [
        (42, 8, 50, True, "F1 0.840 of 50 words, target (at most 8 misses and 8 false alarms) met"),
        (41, 0, 50, False, "F1 0.901 of 50 words, target (at most 8 misses and 8 false alarms) missed"),
        (8, 0, 8, None, "F1 1.000 of 8 words"),
    ],
    ids=["as many as may be", "a good F1, a miss too many", "another stream"],
)
def test_one_target_for_all_who_tell_it(heard: int, alarms: int, words: int, met: bool | None, told: str) -> None:
    stream = replace(
        STREAM,
        windows_s=STREAM.windows_s[:words],
        detections_ms=(*STREAM.detections_ms[: heard + 1], *(600_000 + 5_000 * k for k in range(alarms))),
    )
    found = stream_figures.parts(stream, planned(), None, ())
    assert found.accuracy is not None
    assert found.target_met is met
    assert document.verdict(found.accuracy, found.target_met) == told


def test_f1_of_the_published_result() -> None:
    assert rules.f1(rules.Detections(44, 6, 4)) == pytest.approx(88 / 98)
    assert rules.f1(rules.Detections(0, 0, 0)) == 0.0


# ------------------------------------------------------------------------------------- the interface board


@dataclass
class Sound:
    """A board that hears everything; its pins moved when they were told to."""

    pins: dict[str, list[tuple[float, int]]]
    heard: list[bytes] = field(default_factory=list)

    playing: bool = False

    def play(self, line: bytes) -> None:
        self.heard.append(line)

    def edges(self, pin: str) -> list[tuple[float, int]]:
        return self.pins[pin]


def answer(text: str, sound: Sound, card: Path, until_s: float = 30.0) -> list[str]:
    device = FakeDevice(lambda _: (1.0,))
    played = simulate(device, 9600, wired=Wired(sound, "W", "P", card))
    out = played.receive(b"record_detections%")
    device.read(1.0)
    out += played.receive(text.encode() + b"%")
    while device.now_s() < until_s:
        device.read(0.5)
        out += played.stream()
    lines = out.decode().replace("\r\n", "\n").split("\n")
    return lines[lines.index("m-ready") + 1 :]


def test_it_plays_from_its_card_and_says_so_when_it_is_over(tmp_path: Path) -> None:
    listed(tmp_path)
    sound = Sound({"W": [], "P": []})
    assert answer("play a.wav", sound, tmp_path) == ["Attempting to play a.wav", "succeeded.", "m-ready", ""]
    assert [len(line) for line in sound.heard] == [4 * 32_000]
    (tmp_path / "mono.wav").write_bytes(b"RIFF")
    assert "Error playing file" in answer("play mono.wav", sound, tmp_path)[1]
    assert answer("ls", sound, tmp_path)[:2] == ["a.wav", "mono.wav"]


def test_it_counts_milliseconds_and_ticks_from_its_own_command_on(tmp_path: Path) -> None:
    fell = [(0.005, 0), (1.0, 0), (1.004, 0), (2.5, 1), (3.25, 0)]
    edges = [(at, level) for k in range(101) for at, level in ((0.5 + 0.032 * k, 1), (0.5032 + 0.032 * k, 0))]
    sound = Sound({"W": fell, "P": edges})
    stamps = answer("print_detections", sound, tmp_path)
    assert stamps[0] == "Detection Timestamps (ms)"
    assert [int(stamp.strip(",")) for stamp in stamps[1:-2]] == [5, 1000, 3250]
    lines = answer("print_dutycycle", sound, tmp_path)
    assert lines[0] == "Duty cycle start times (s)"
    stops = lines.index("Duty cycle stop times (s)")
    assert sum(line.count(",") for line in lines[1:stops]) == 100
    assert len(lines[1].split(",")) == 9


class Board(FakeDevice):
    """As `serve` and the interface board see a virtual one."""

    idle = True
    playing = False


def test_the_interface_board_is_served_in_front_of_a_virtual_board() -> None:
    board = cast("VirtualLink", Board(lambda _: (1.0,)))
    served = RelayedLink(simulate(board, 9600), board)
    board.read(1.0)
    before = served.idle
    served.write(b"name%")
    assert (before, served.idle) == (True, False)
    assert b"".join(served.read(0.01) for _ in range(3)) == b"tinyML Enhanced Interface Board\r\nm-ready\r\n"
    served.write(b"dut name%")
    said = b"".join(served.read(0.01) for _ in range(30))
    assert b"m-dut-passthrough(name)" in said
    assert b"[dut]: m-name-dut-" in said


def test_nothing_is_played_where_nothing_leads(tmp_path: Path) -> None:
    board = load("nucleo-u575zi-q")
    with pytest.raises(UsageError, match="has no I2S"):
        emulate.behind_interface_board(board, cast("VirtualLink", None), tmp_path)
    with pytest.raises(UsageError, match="is no folder"):
        emulate.behind_interface_board(load("nucleo-l4r5zi"), cast("VirtualLink", None), tmp_path / "x.wav")


@pytest.mark.parametrize("asked", [Request("nucleo-u575zi-q", virtual=True), Request("nucleo-l4r5zi", port="/dev/x")])
def test_energy_over_the_serial_line_is_refused_before_anything_is_built(asked: Request) -> None:
    with pytest.raises(UsageError, match="over its serial line") as raised:
        checks.check_request(replace(asked, benchmark="sww", mode="energy", monitor="virtual"))
    assert "a board with an I2S (nucleo-l4r5zi), --virtual" in raised.value.hint


def test_what_a_stream_has_not_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no trained model is shipped for 'sww'") as raised:
        tinyperf.build("host", "sww")
    assert "models pull" in raised.value.hint
    with pytest.raises(UsageError, match="sww takes a stream of sound"):
        tinyperf.data_synthetic("sww", tmp_path)
    with pytest.raises(UsageError, match="no training for 'sww'"):
        tinyperf.train("sww", tmp_path, tmp_path / "run")
    with pytest.raises(UsageError, match="sww on the host"):
        tinyperf.evaluate("sww", model=find(MODEL), data=tmp_path)


# ------------------------------------------------------------------------------------------- the whole of it


@pytest.mark.slow
@needs(MODEL)
def test_a_stream_to_the_virtual_board_gives_the_wheels_answers(tmp_path: Path) -> None:
    pytest.importorskip("unicorn", reason="the virtual board needs the extra 'virtual'")
    runtime = pytest.importorskip("tflite_micro", reason="the tflite-micro wheel is for Linux x86-64").runtime
    audio = (noise(32_000) * np.geomspace(0.01, 1.0, 32_000)).astype(np.int16)
    streams.write_wav(tmp_path / "a.wav", np.repeat(audio, 2).reshape(-1, 2))
    held = [{"wav_file": "a.wav", "detection_windows": [[0.5, 1.0]], "length_sec": 2.0}]
    (tmp_path / "list.json").write_text(json.dumps(held))
    request = Request(
        board="nucleo-l4r5zi",
        benchmark="sww",
        mode="energy",
        monitor="virtual",
        virtual=True,
        model=str(find(MODEL)),
        data=str(tmp_path / "list.json"),
        out=str(tmp_path / "out"),
    )
    known = Learned(calibration=Calibration(219_579, 384_514, 0, 384_514 / 219_579))
    found = session.run(request, learned=known)
    stream = formats.read(tmp_path / "out")
    assert stream is not None
    model = tflite.load(find(MODEL))
    scale, zero_point = model.input.quantization.scale[0], model.input.quantization.zero_point[0]  # type: ignore[union-attr]  # it has one
    codes = wakeword.codes(wakeword.features(audio), scale, zero_point)
    wheel = runtime.Interpreter.from_file(str(find(MODEL)))
    expected = []
    for window in wakeword.inputs(codes):
        wheel.set_input(window.reshape(model.input.shape), 0)
        wheel.invoke()
        expected.append(int(wheel.get_output(0).ravel()[0]))
    assert list(stream.answers) == expected
    assert (stream.frames, stream.lost, len(stream.detections_ms)) == (62, 0, 1 + sum(a > 115 for a in expected))
    assert found.reasons == ("1 words in 2 s; the rules want 50 in 1200 s", *found.reasons[1:])
    assert set(tinyperf.replay(tmp_path / "out").reasons) == set(found.reasons)
    assert found.streaming is not None
    assert found.streaming.duty_cycle is not None
    assert 0.02 < found.streaming.duty_cycle < 0.11
    assert found.streaming.power_mw == pytest.approx(22.0, rel=0.1)
    assert "Average duty cycle: 0.0" in (tmp_path / "out" / "results.txt").read_text()
    tinyperf.report([tmp_path / "out"], tmp_path / "report.md")
    assert "| stream | a.wav, 2 s: 62 frames, 0 lost |" in (tmp_path / "report.md").read_text()
    built = tinyperf.submission_build([tmp_path / "out"], organisation="acme", out=tmp_path / "tree")
    place = "closed/acme/results/nucleo-l4r5zi/sww/energy"
    assert {f"{place}/{name}" for name in ("results.json", "energy_inf_000.png")} <= set(built.files)
    assert "closed/acme/code/sww/nucleo-l4r5zi-aot/src/app/tp_stream.c" in built.files
    kinds = {one.kind for one in tinyperf.submission_check(tmp_path / "tree").findings}
    assert {"not-measured", "streaming-count", "sample-count"} <= kinds
    assert not kinds & {
        "streaming-differs",
        "streaming-incomplete",
        "json-shape",
        "file-missing",
        "no-energy",
        "trace-damaged",
    }
