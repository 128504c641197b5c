"""Bad input of every kind through the command line: what is said, as JSON too, and the exit code."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.data import REFERENCE, find
from tinyperf import cli
from tinyperf.device import dut

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[2]
KWS = ["--board", "host", "kws"]
FIRMWARE = """\
#!{python}
import sys
sys.path.insert(0, {repository!r})
from tinyperf.virtual.fake import FakeDevice, serve
serve(FakeDevice(lambda data: tuple(0.9 if k == data[0] else 0.0 for k in range(12)), {arguments}))
"""


def firmware(path: Path, arguments: str = "") -> Path:
    """A program that plays a device on its standard input and output: an image for board `host`."""
    path.write_text(FIRMWARE.format(python=sys.executable, repository=str(REPOSITORY), arguments=arguments))
    path.chmod(0o755)
    return path


@dataclass
class World:
    """A folder full of things that are wrong, and ports that answer wrongly."""

    tmp: Path

    def dataset(self, name: str, *rows: str, size: int = 490) -> str:
        at = self.tmp / name / "kws01"
        at.mkdir(parents=True)
        for k in range(5):
            (at / f"s{k}.bin").write_bytes(bytes([k]) + bytes(size - 1))
        (at / "y_labels.csv").write_text("\n".join(rows or [f"s{k}.bin,12,{k}" for k in range(5)]) + "\n")
        return str(self.tmp / name)

    def image(self, name: str, arguments: str = "") -> str:
        return str(firmware(self.tmp / name, arguments))

    def text(self, name: str, content: str | bytes) -> str:
        path = self.tmp / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def board(self, name: str, old: str, new: str) -> str:
        text = (REPOSITORY / "boards" / "nucleo-l4r5zi.yaml").read_text()
        assert old in text
        return self.text(name, text.replace(old, new))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TINYPERF_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TINYPERF_DATA", raising=False)
    monkeypatch.setattr(dut, "BOOT_SILENCE_S", 0.02)
    return World(tmp_path)


def fails(argv: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Run it; the error object of --json, which must say the same as stderr."""
    capsys.readouterr()
    assert cli.invoke([*argv, "--json"]) == code
    shown = capsys.readouterr()
    error: dict[str, str] = json.loads(shown.out)["error"]
    assert words in error["seen"] + error["means"], error
    assert error["hint"]
    assert f"error: {error['seen']}" in shown.err
    assert "Traceback" not in shown.err
    return error


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        pytest.param("run --board nucleo-l4r5zl kws", 2, "unknown board 'nucleo-l4r5zl'", id="unknown board"),
        pytest.param("run --board ./nowhere.yaml kws", 2, "nowhere.yaml does not exist", id="board file absent"),
        pytest.param("run kws --virtual", 2, "--board is missing", id="no board"),
        pytest.param("run --board host kwz", 2, "unknown benchmark 'kwz'", id="unknown benchmark"),
        pytest.param("run --board host", 2, "which benchmark?", id="neither benchmark nor model"),
        pytest.param("run --board host kws --mode fast", 2, "'fast' is not one of", id="unknown mode"),
        pytest.param("run --board host kws --fast", 2, "No such option", id="unknown option"),
        pytest.param("run --board host kws --samples 0", 2, "--samples 0", id="no samples"),
        pytest.param("run --board host kws --samples x", 2, "'x' is not a valid integer", id="samples no number"),
        pytest.param("run --board host kws --jobs 0", 2, "--jobs 0", id="no jobs"),
        pytest.param("run --board host kws --mode accuracy", 2, "accuracy mode needs --data", id="accuracy, no data"),
        pytest.param("run --board host kws --mode energy", 2, "energy mode needs --monitor", id="energy, no monitor"),
        pytest.param(
            "run --board host kws --mode energy --monitor foo", 2, "unknown energy monitor 'foo'", id="unknown monitor"
        ),
        pytest.param(
            "run --board host kws --mode energy --monitor ppk2:x", 2, "is not OPTION=VALUE", id="monitor option"
        ),
        pytest.param("train foo", 2, "'foo' is not one of", id="unknown benchmark to train"),
        pytest.param("train kws", 2, "no training files for kws", id="no training files"),
        pytest.param("run --board host kws --model no.tflite", 2, "no.tflite", id="model absent"),
        pytest.param("run --board host kws --model .", 2, "directory", id="model is a folder"),
        pytest.param("run --board host kws --image no.bin", 2, "image no.bin does not exist", id="image absent"),
        pytest.param("run --board host kws --no-build", 2, "starts empty", id="nothing built, nothing there"),
        pytest.param("run --board host kws --port COM7", 2, "--port COM7 together with", id="port and host"),
        pytest.param(
            "run --board nucleo-l4r5zi kws --virtual --port COM7", 2, "together with --virtual", id="port and virtual"
        ),
        pytest.param(
            "run --board nucleo-l4r5zi kws --port /dev/null --jobs 2", 2, "there is one real board", id="jobs on a port"
        ),
        pytest.param(
            "run --board nucleo-l4r5zi kws --no-build --port /dev/ttyNONE", 4, "does not exist", id="port absent"
        ),
        pytest.param(
            "run --board nucleo-l4r5zi kws --port /dev/ttyNONE", 4, "does not exist", id="port absent, before a build"
        ),
        pytest.param("profile --board all kws --csv no/x.csv", 4, "there is no folder no", id="no folder for a table"),
        pytest.param("quantize x --calibration y -o no/x", 4, "there is no folder no", id="no folder for a model"),
        pytest.param("run --board nucleo-l4r5zi kws --port tty9", 4, "tty9 does not exist", id="port without a folder"),
        pytest.param(
            "run --board nucleo-l4r5zi --port --quick kws", 2, "'--quick' is no port", id="an option in a port's place"
        ),
        pytest.param(
            "run --board host kws --quick --samples 3", 2, "together with --samples 3", id="quick and samples"
        ),
        pytest.param(
            "run --board nucleo-l4r5zi kws --no-build --port /dev/null", 4, "cannot be opened", id="port is no port"
        ),
        pytest.param(
            "run --board nucleo-l4r5zi kws --no-build --port socket://127.0.0.1:1", 4, "nobody listens", id="no server"
        ),
        pytest.param(
            "run --board nucleo-l4r5zi kws --no-build --port nosuch://x", 2, "nosuch", id="unknown kind of port"
        ),
        pytest.param(
            "run --board nucleo-l4r5zi kws --port COM7 --image f.bin", 2, "without a virtual board", id="image and port"
        ),
        pytest.param("run --board host kws --monitor virtual", 2, "--monitor in perf", id="monitor, not energy"),
        pytest.param("run --board host kws --mode all", 2, "accuracy mode needs --data", id="all, no data"),
        pytest.param(
            "run --board host kws --mode all --data .", 2, "energy mode needs --monitor", id="all, no monitor"
        ),
        pytest.param("run --board host kws --out " + "o" * 300, 4, "File name too long", id="name without end"),
        pytest.param("run --resume s --board host", 2, "--board together with --resume", id="resume as another"),
        pytest.param("console --timeout nan name", 2, "nan is no number", id="console, timeout"),
        pytest.param("console --bench kws name", 2, "without --virtual", id="console, firmware for a port"),
        pytest.param(
            "console --virtual --bench kws --port COM7 name", 2, "with a virtual board", id="console, port and virtual"
        ),
        pytest.param("flash --board nucleo-l4r5zi --virtual --port COM7 kws", 2, "with --virtual", id="flash, port"),
        pytest.param("profile --board nucleo-l4r5zi --image f.bin kws", 2, "kws together with", id="profile, two"),
        pytest.param("emulate --board nucleo-l4r5zi --image f.bin kws", 2, "kws together with", id="emulate, two"),
        pytest.param(
            "generate --board nucleo-l4r5zi --engine tflm:measure=no kws -o g",
            2,
            "no option 'measure'",
            id="inner option",
        ),
        pytest.param("energy check virtual --seconds 0", 2, "is not in the range", id="check of no time"),
        pytest.param("energy check virtual:freq=\u00b2", 2, "freq=\u00b2", id="digit that is no number"),
        pytest.param("run --resume nowhere", 2, "holds no session.json", id="resume of nothing"),
        pytest.param("console --virtual name", 2, "starts empty", id="console without firmware"),
        pytest.param("console --port /dev/ttyNONE name", 4, "does not exist", id="console, port absent"),
    ],
)
@pytest.mark.usefixtures("world")
def test_arguments(argv: str, code: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    fails(argv.split(), code, words, capsys)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("run --board NUCLEO-L4R5ZI kws", "nucleo-l4r5zi"),
        ("build --board host --engine Aot kws", "aot"),
        ("build --board host KWS", "kws"),
        ("energy check lpm01:port=x", "lpm01a"),
        ("energy check Ppk2:port=x", "ppk2"),
    ],
)
def test_a_name_that_is_nearly_right_is_suggested(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(typed.split()) == 2
    assert f"did you mean '{meant}'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"PK\x03\x04 not a model at all", "no .tflite file", id="garbage"),
        pytest.param(b"\x1c\0\0\0TFL3" + bytes(40), "0 subgraphs", id="truncated"),
    ],
)
def test_models(content: bytes, words: str, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    path = world.text("bad.tflite", content)
    assert "model 'bad" in fails(["run", *KWS, "--model", path], 2, words, capsys)["seen"]


@pytest.mark.parametrize(
    ("rows", "size", "words"),
    [
        pytest.param([], 489, "has 489 bytes, expected 490", id="short files"),
        pytest.param(["s0.bin,12,12"], 490, "label 12 is out of range", id="label out of range"),
        pytest.param(["s9.bin,12,0"], 490, "s9.bin is missing", id="file absent"),
        pytest.param(["s0.bin;12;0"], 490, "expected file,classes,label", id="not a table"),
        pytest.param(["s0.bin,2,0"], 490, "2 classes, expected 12", id="another benchmark's list"),
    ],
)
def test_data(rows: list[str], size: int, words: str, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    data = world.dataset("data", *rows, size=size)
    image = world.image("fw")
    fails(["run", *KWS, "--image", image, "--mode", "accuracy", "--data", data], 2, words, capsys)
    fails(["run", *KWS, "--image", image, "--data", str(world.tmp / "none")], 2, "does not exist", capsys)


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        pytest.param("part:", "clock_herz:", 2, "clock_herz: unknown field", id="misspelt field"),
        pytest.param("115200", "fast", 2, "serial.baud", id="a word for a number"),
        pytest.param('["0483:374b"]', "[]", 4, "no port looks like", id="nothing to find the port by"),
    ],
)
def test_board_files(
    old: str, new: str, code: int, words: str, *, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    path = world.board("mine.yaml", old, new)
    fails(["run", "--board", path, "--no-build", "kws"], code, words, capsys)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param("model_id='vww01'", "runs model 'vww01', asked for was 'kws01'", id="another benchmark"),
        pytest.param("energy_mode=True", "built for energy mode", id="energy firmware in performance mode"),
        pytest.param("misbehave={3: 'reset'}", "restarted", id="reset in mid-run"),
        pytest.param("misbehave={3: 'fault'}", "PC: 0800ABCD", id="fault in mid-run"),
        pytest.param("misbehave={3: 'end'}", "has ended", id="process ends in mid-run"),
        pytest.param(
            "misbehave=dict.fromkeys(range(9), 'torn results')", "no complete answer in 3 attempts", id="always torn"
        ),
    ],
)
def test_firmware(
    arguments: str, words: str, world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dut, "INFER_SILENCE_S", 0.1)
    data = world.dataset("data")
    image = world.image("fw", arguments)
    argv = ["run", *KWS, "--image", image, "--mode", "accuracy", "--data", data]
    fails(argv, 4, words, capsys)


def test_a_program_that_is_no_firmware(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(world.text("fw", "no program\n"))
    fails(["run", *KWS, "--image", str(path)], 4, "cannot be started", capsys)


@pytest.fixture(params=[b"", b"\xf8\x80\x1c\xfe\xe0" * 4, b"Zephyr shell\r\nuart:~$ "], ids=["silent", "baud", "shell"])
def port(request: pytest.FixtureRequest) -> Iterator[tuple[bytes, str]]:
    """A TCP port that says one thing to whatever it is sent."""
    server = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        peer, _ = server.accept()
        with peer:
            while peer.recv(100):
                peer.sendall(request.param)

    thread = threading.Thread(target=talk)
    thread.start()
    yield request.param, f"socket://127.0.0.1:{server.getsockname()[1]}"
    thread.join()
    server.close()


@pytest.mark.usefixtures("world")
def test_ports_that_answer_wrongly(
    port: tuple[bytes, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dut, "NAME_TIMEOUT_S", 0.1)
    said, url = port
    error = fails(
        ["run", "--board", "nucleo-l4r5zi", "--no-build", "--port", url, "kws"], 4, "no answer to 'name'", capsys
    )
    expected = "baud rate is wrong" if b"\xf8" in said else "other firmware" if said else "the board is off"
    assert expected in error["means"]
    assert "115200 baud" in error["seen"]


def test_no_compiler(world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(world.tmp))
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(world.tmp / "pio"))
    model = find(REFERENCE["kws"])
    fails(["run", *KWS, "--model", str(model)], 3, "no C compiler", capsys)
    virtual = ["run", "--board", "nucleo-l4r5zi", "--virtual", "kws", "--model", str(model)]
    fails(virtual, 3, "arm-none-eabi-gcc is not on PATH", capsys)


def test_a_session_folder_that_cannot_be_made(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    blocked = world.text("file", "x") + "/session"
    fails(["run", *KWS, "--image", world.image("fw"), "--out", blocked], 4, "cannot be written", capsys)


def test_a_full_disk(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["run", *KWS, "--image", world.image("fw"), "--mode", "accuracy", "--data", world.dataset("data")]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, hard))
    try:
        error = fails([*argv, "--out", str(world.tmp / "s")], 4, "cannot be written", capsys)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert f"--resume {world.tmp / 's'}" in error["hint"]
    assert cli.invoke(["run", "--resume", str(world.tmp / "s"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"]["samples"] == 5


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("{", "session.json", id="not JSON"),
        pytest.param('{"format": 99}', "has format 99", id="from another version"),
        pytest.param("[]", "has format None", id="not an object"),
    ],
)
def test_damaged_sessions(content: str, words: str, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    (world.tmp / "s").mkdir()
    (world.tmp / "s" / "session.json").write_text(content)
    fails(["run", "--resume", str(world.tmp / "s")], 2, words, capsys)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        pytest.param("s", {"session.json": "{}"}, "holds a session already", id="a session"),
        pytest.param("s", {"thesis.odt": ""}, "is not empty", id="a folder of something else"),
        pytest.param("s/thesis.odt", {"thesis.odt": ""}, "is a file", id="a file"),
    ],
)
def test_a_session_never_goes_where_something_is(
    name: str, content: dict[str, str], words: str, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    (world.tmp / "s").mkdir()
    for file, text in content.items():
        (world.tmp / "s" / file).write_text(text)
    fails(["run", *KWS, "--out", name], 2, words, capsys)
    assert sorted(p.name for p in world.tmp.iterdir()) == ["s"]
    assert sorted(p.name for p in (world.tmp / "s").iterdir()) == sorted(content)


@pytest.mark.parametrize(
    "work", ["", pytest.param("cat > /dev/null", id="while the silent device is ended", marks=pytest.mark.slow)]
)
def test_ctrl_c_names_the_session_and_how_to_go_on(work: str, world: World) -> None:
    mute = Path(world.text("mute", f"#!/bin/sh\n{work}\n: > ready\nexec sleep 60\n"))
    mute.chmod(0o755)
    argv = [sys.executable, "-m", "tinyperf", "run", *KWS, "--image", str(mute), "--json"]
    env = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as run:
        assert run.stderr
        assert run.stdout
        session = run.stderr.readline().removeprefix("session ").strip()
        while not Path("ready").exists():
            time.sleep(0.01)
        time.sleep(0.2)
        run.send_signal(signal.SIGINT)
        error = json.loads(run.stdout.read())["error"]
        assert "Traceback" not in run.stderr.read()
    assert run.returncode == error["exit_code"] == 130
    assert error["session"] == session
    assert f"--resume {session}" in error["hint"]
    assert (world.tmp / session / "session.json").is_file()  # and nothing holds stderr: the device process has ended
