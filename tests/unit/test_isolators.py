"""The serial line behind an IO Manager or an interface board: conversations, faults, and a whole energy session."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import tinyperf
from tests.faults.energy import on_bench
from tinyperf import content
from tinyperf.cli import invoke
from tinyperf.device import isolators
from tinyperf.device.dut import Dut
from tinyperf.device.isolators import Choice, Isolated
from tinyperf.device.link import ScriptedLink, SerialLink
from tinyperf.errors import DeviceError
from tinyperf.request import Request
from tinyperf.session import run as session
from tinyperf.session.record import Learned
from tinyperf.virtual.board import Calibration
from tinyperf.virtual.fake import FakeDevice
from tinyperf.virtual.isolators import interface_board, io_manager, pty_line
from tinyperf.virtual.isolators.line import through

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.device.link import Link, Transport
    from tinyperf.result import RunResult
    from tinyperf.virtual.isolators.relay import Relay

ROOT = Path(__file__).parents[2]


def board() -> FakeDevice:
    return FakeDevice(lambda data: (float(sum(data[:1])), 0.5), energy_mode=True)


@dataclass
class Tap:
    """What is on the wire between computer and isolator: `> ` from the computer, `< ` to it."""

    inner: Link
    lines: list[str] = field(default_factory=list)
    transport: Transport = "scripted"

    def write(self, data: bytes) -> None:
        self.lines.append("> " + data.decode())
        self.inner.write(data)

    def read(self, timeout_s: float) -> bytes:
        data = self.inner.read(timeout_s)
        self.lines += [f"< {line}" for line in data.decode().splitlines()]
        return data

    def now_s(self) -> float:
        return self.inner.now_s()

    def close(self) -> None:
        self.inner.close()


def conversation(name: str, *, baud: int = 9600, faults: str = "") -> tuple[Tap, Dut]:
    """Through a simulated isolator to a fake board, connected."""
    relays: dict[str, Callable[..., Relay]] = {
        "io_manager": io_manager.simulate,
        "interface_board": interface_board.simulate,
    }
    relay = relays[name]
    device = board()
    tap = Tap(pty_line.PtyLine(relay(device, baud, faults=faults), device))
    choice = Choice(name, "COM7")
    link = Isolated(tap, choice)
    link.open(baud)
    dut = Dut(link, where=f"the board behind {choice.where}", baud=baud, most_bytes=isolators.CHUNK_BYTES)
    dut.connect()
    return tap, dut


IO_MANAGER = """\
> name%
< m-init-done-ioman
< m-ready
> name%
< m-name-ioman-[simulated]
< m-ready
> dut name%
< m-dut-passthrough(name)
< m-ready
< [dut]: m-name-dut-[fake]
< [dut]: m-ready
> dut profile%
< m-dut-passthrough(profile)
< m-ready
< [dut]: m-profile-[fake firmware]
< [dut]: m-model-[kws01]
< [dut]: m-ready
> dut build%
< m-dut-passthrough(build)
< m-ready
< [dut]: e-[Unknown command: build]
< [dut]: m-ready
"""
CONNECTED = IO_MANAGER[IO_MANAGER.index("> dut name%") :]
BOARD = """\
> name%
< tinyML Enhanced Interface Board
< m-ready
> checkbaud%
< baud is: 9600
< m-ready
"""
RESTART = """\
< m-ready
> name%
> name%
< tinyML Enhanced Interface Board
< m-ready
> checkbaud%
"""
STALE = """\
> dut name%
< m-dut-passthrough(name)
< m-ready
< [dut]: m-timestamp-mode-energy
< [dut]: m-lap-us-0
< [dut]: m-init-done
< [dut]: m-ready
"""


@pytest.mark.parametrize(
    ("name", "baud", "wire"),
    [
        pytest.param("io_manager", 9600, IO_MANAGER, id="io-manager"),
        pytest.param(
            "interface_board",
            9600,
            f"{BOARD}{STALE}> setbaud 9600%\n< set baud to: 9600\n{RESTART}< baud is: 9600\n< m-ready\n{CONNECTED}",
            id="interface-board-holds-boot-text",
        ),
        pytest.param(
            "interface_board",
            19200,
            f"{BOARD}> setbaud 19200%\n< set baud to: 19200\n{RESTART}< baud is: 19200\n< m-ready\n{CONNECTED}",
            id="interface-board-at-another-rate",
        ),
    ],
)
def test_what_is_on_the_wire(name: str, baud: int, wire: str) -> None:
    tap, dut = conversation(name, baud=baud)
    dut.link.close()
    assert "\n".join(tap.lines) + "\n" == wire


def test_the_rate_is_set_only_when_it_must_be() -> None:
    device = board()
    while device.read(1.0):  # a board that was powered long ago, whose boot text went elsewhere
        pass
    relay = interface_board.simulate(device, 9600)
    link = Isolated(pty_line.PtyLine(relay, device), Choice("interface_board", "COM7"))
    link.open(9600)
    link.close()
    assert relay.restarts == 0


@pytest.mark.parametrize("faults", ["", "nul", "torn", "torn+nul"])
@pytest.mark.parametrize("name", ["io_manager", "interface_board"])
def test_inputs_and_results_come_through(name: str, faults: str) -> None:
    tap, dut = conversation(name, faults=faults)
    for k in range(12):
        found = dut.trial(f"input {k}", bytes([k, *range(200)]), 100, 1, pulses=True)
        assert found.results == (float(k), 0.5)
        if "torn" not in faults:  # a window whose beginning was torn away is found by the rules, not here
            assert found.host_s == pytest.approx(5.0, abs=0.02)
    dut.link.close()
    sent = [line for line in tap.lines if line.startswith("> dut db ")]
    assert max(map(len, sent)) - 2 <= 64


@pytest.mark.parametrize(
    ("name", "fault", "words"),
    [
        pytest.param("io_manager", "mute", "the IO Manager on COM7 is silent: no answer to 'name'", id="io-mute"),
        pytest.param("interface_board", "mute", "the interface board on COM7 is silent", id="board-mute"),
        pytest.param("io_manager", "unwired", "no answer to 'name' on the board behind the IO Manager", id="io-alone"),
        pytest.param(
            "interface_board",
            "unwired",
            "the board is silent behind the interface board on COM7, which answers",
            id="interface-board-alone",
        ),
        pytest.param("interface_board", "flash", "told 'setbaud 19200' and still speaks 9600 baud", id="baud-refused"),
        pytest.param("interface_board", "dead", "did not come back within 15 s of 'setbaud 19200'", id="no-restart"),
    ],
)
def test_it_is_said_who_is_silent(name: str, fault: str, words: str) -> None:
    with pytest.raises(DeviceError) as caught:
        conversation(name, faults=fault, baud=9600 if name == "io_manager" or fault == "unwired" else 19200)
    assert words in caught.value.seen


@dataclass
class PicosecondBoard(FakeDevice):
    """Its clock counts whole picoseconds, as a virtual board's does."""

    def read(self, timeout_s: float) -> bytes:
        ticks_s = round(timeout_s, 12)
        assert ticks_s > 0 or timeout_s == 0, "no time passes"
        return super().read(ticks_s)

    def now_s(self) -> float:
        return round(super().now_s(), 12)


@pytest.mark.parametrize("name", ["io_manager", "interface_board"])
def test_time_passes_on_a_clock_of_picoseconds(name: str) -> None:
    for k in range(12):  # four of these met it
        device = PicosecondBoard(lambda _: (0.5,), energy_mode=True, _now_s=k / 7 * 3.1)
        through(Choice(name, isolators.SIMULATED), device, 9600).close()


def test_a_late_banner_is_no_answer() -> None:
    _, dut = conversation("io_manager", faults="late-banner")
    assert dut.trial("input", bytes(490), 10, 1, pulses=True).results == (0.0, 0.5)


def test_a_restart_of_the_io_manager_ends_the_run() -> None:
    _, dut = conversation("io_manager", faults="reset")
    for _ in range(2):
        dut.trial("input", bytes(490), 100, 1, pulses=True)
    with pytest.raises(DeviceError, match="the IO Manager on COM7 restarted: 'm-init-done-ioman m-ready' came unasked"):
        dut.trial("input", bytes(490), 100, 1, pulses=True)


def test_a_board_that_falls_silent_is_not_blamed_on_the_interface_board() -> None:
    _, dut = conversation("interface_board")
    device = dut.link.inner.inner.dut  # type: ignore[attr-defined]  # Link does not show the fake behind it
    device.misbehave = {0: "silent"}
    with pytest.raises(DeviceError, match="the board is silent behind the interface board on COM7") as caught:
        dut.trial("input", bytes(490), 10, 1, pulses=True)
    assert "infer 10 1" in caught.value.seen


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        pytest.param("io_manager", b"m-name-dut-[x]\r\nm-ready\r\n", "answers 'm-name-dut-[x]'", id="the-board-itself"),
        pytest.param(
            "io_manager",
            b"tinyML Enhanced Interface Board\r\nm-ready\r\n",
            "is no IO Manager: it answers 'tinyML Enhanced Interface Board'",
            id="the-other-isolator",
        ),
        pytest.param("interface_board", b"m-name-ioman-[x]\r\nm-ready\r\n", "is no interface board", id="an-uno"),
    ],
)
def test_another_device_is_named(name: str, answer: bytes, words: str) -> None:
    link = Isolated(ScriptedLink([("host", b"name%"), ("device", answer)]), Choice(name, "COM7"))
    with pytest.raises(DeviceError) as caught:
        link.open(9600)
    assert words in caught.value.seen


def test_an_io_manager_that_goes_away_is_named() -> None:
    link = Isolated(ScriptedLink([("host", b"dut infer 1 0%")]), Choice("io_manager", "COM7"), _opened=True)
    link.write(b"infer 1 0%")
    with pytest.raises(DeviceError, match="COM7 is silent: it does not acknowledge 'dut infer 1 0'"):
        link.read(60.0)
    assert link.now_s() == pytest.approx(isolators.ACK_S)


@pytest.mark.parametrize(
    ("wire", "said"),
    [
        pytest.param(b"[dut]: m-ready\r\n", b"m-ready\r\n", id="a-line"),
        pytest.param(b"\0[dut]: m-re\0ady\r\n", b"m-ready\r\n", id="NULs"),
        pytest.param(b"[dut]: m-inf[dut]: m-ready\r\n", b"m-inf\r\nm-ready\r\n", id="a-lost-line-end"),
        pytest.param(b"t]: m-ready\r\n", b"m-ready\r\n", id="a-lost-beginning"),
        pytest.param(b"m-lap-us-4711\r\n", b"io: m-lap-us-4711\r\n", id="its-own-timestamp-is-not-the-board's"),
        pytest.param(b"dy\xff\r\n", b"io: dy\xff\r\n", id="rubbish"),
    ],
)
def test_lines_of_the_board_are_told_from_the_isolators_own(wire: bytes, said: bytes) -> None:
    link = Isolated(ScriptedLink([("device", wire)]), Choice("io_manager", "COM7"), _opened=True)
    assert link.read(1.0) == said


def test_long_results_go_on_as_they_come() -> None:
    """At 9600 baud 60,000 characters take a minute, in which a line that is held back looks like silence."""
    values = b",".join(b"%d.125" % k for k in range(9000))
    wire = b"[dut]: m-infer-done\r\n[dut]: m-results-[" + values + b"]\r\n[dut]: m-ready\r\n"
    pieces = [wire[begin : begin + 960] for begin in range(0, len(wire), 960)]
    link = Isolated(ScriptedLink([("device", piece) for piece in pieces]), Choice("io_manager", "COM7"), _opened=True)
    reads = [link.read(1.0) for _ in range(len(pieces))]
    assert b"".join(reads) == wire.replace(b"[dut]: ", b"")
    assert sum(not read for read in reads) < 6, "held back no longer than LONG_LINE_BYTES"


def test_a_command_into_a_talking_board_is_garbled() -> None:
    """What the IO Manager's half duplex does to a host that does not wait for m-ready."""
    device = board()
    line = pty_line.PtyLine(io_manager.simulate(device, 9600), device)
    while line.read(2.0):
        pass
    line.write(b"dut infer 10 1%")
    heard = b""
    while b"m-infer-start" not in heard:
        heard += line.read(1.0)
    line.write(b"dut profile%")
    while b"e-[" not in heard:
        heard += line.read(1.0)
    line.close()
    assert b"e-[Unknown command: poie]" in heard


@pytest.mark.parametrize(
    ("isolator", "more", "words"),
    [
        pytest.param("uno:port=x", [], "unknown isolator 'uno'", id="unknown"),
        pytest.param("io_manager", [], "io_manager: which port?", id="no-port"),
        pytest.param("io_manager:port=x,speed=1", [], "no option 'speed'", id="option"),
        pytest.param("io_manager:port=x", ["--port", "y"], "--port y together with --isolator", id="two-ports"),
        pytest.param("io_manager:port=simulated", [], "without a virtual board", id="simulated-needs-virtual"),
        pytest.param("io_manager:port=x", ["--virtual"], "with a virtual board", id="virtual-needs-simulated"),
        pytest.param("io_manager:port=x", [], "the IO Manager cannot speak 115200 baud", id="baud"),
    ],
)
def test_wrong_words_are_usage_errors(
    isolator: str, more: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["run", "--board", "nucleo-l4r5zi", "--isolator", isolator, *more, "kws"]) == 2
    assert words in capsys.readouterr().err


def test_the_isolators_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["energy", "monitors"]) == 0
    assert "--isolator io_manager:port=" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("name", ["io_manager", "interface_board"])
def test_a_simulator_on_a_port_of_its_own(name: str) -> None:
    playing = subprocess.Popen(
        [sys.executable, "-m", "tinyperf", "energy", "simulate", name], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert playing.stdout is not None
        port = playing.stdout.readline().strip()
        link = through(Choice(name, port), SerialLink(port, isolators.HOST_BAUD), 9600)
        dut = Dut(link, most_bytes=isolators.CHUNK_BYTES)
        assert dut.connect().model_id == "kws01"
        assert dut.trial("input", bytes(490), 2, 1, pulses=True).results[0] == 0.9
        link.close()
    finally:
        playing.terminate()
        playing.communicate(timeout=20)


def energy_session(folder: Path, isolator: str | None) -> RunResult:
    """Of a device that draws power as a virtual board does."""
    (folder / "fw.bin").write_bytes(b"not run")
    request = Request(
        board="nucleo-l4r5zi",
        benchmark="kws",
        mode="energy",
        virtual=True,
        image=str(folder / "fw.bin"),
        monitor="lpm01a:port=simulated",
        isolator=isolator and f"{isolator}:port=simulated",
        out=str(folder / str(isolator)),
    )
    known = Learned(calibration=Calibration(1000, 1000, 0, 1.0))
    return session.run(request, learned=known, open_link=lambda _: on_bench())


@pytest.mark.slow
def test_an_energy_session_through_an_isolator_gives_the_same_figures(tmp_path: Path) -> None:
    plain = energy_session(tmp_path, None)
    assert plain.valid, plain.reasons
    assert plain.energy is not None
    for name in ("io_manager", "interface_board"):
        isolated = energy_session(tmp_path, name)
        assert isolated.valid, isolated.reasons
        assert isolated.energy is not None
        assert isolated.energy.uj_per_inference == pytest.approx(plain.energy.uj_per_inference, rel=1e-4)
        assert largest_piece(tmp_path / name) == isolators.CHUNK_BYTES


def largest_piece(folder: Path) -> int:
    """Bytes of the longest `db` of a session."""
    said = (folder / "transcript.jsonl").read_text().splitlines()
    sent = [bytes.fromhex(row["hex"]) for row in map(json.loads, said) if row["dir"] == "host"]
    return max(len(command) - len("db %") for command in sent if command.startswith(b"db ")) // 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["io_manager", "interface_board"])
def test_the_firmware_of_a_virtual_board_behind_an_isolator_gives_the_same_scores(name: str, tmp_path: Path) -> None:
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    (tmp_path / "kws01").mkdir()
    (tmp_path / "kws01" / "one.bin").write_bytes(bytes(range(245)) * 2)
    (tmp_path / "kws01" / "y_labels.csv").write_text("one.bin,12,0\n")

    board = tmp_path / "nucleo-l4r5zi.yaml"  # at the one rate that both isolators speak
    shipped = (content.shipped("boards") / board.name).read_text(encoding="utf-8")
    board.write_text(shipped.replace(" baud: 115200", " baud: 9600"), encoding="utf-8")

    def scores(isolator: str | None) -> list[float]:
        out = tmp_path / str(isolator)
        tinyperf.run("kws", board=board, virtual=True, mode="accuracy", data=tmp_path, isolator=isolator, out=out)
        (row,) = json.loads((out / "results.json").read_text())
        made: list[float] = row["infer"]["results"]
        return made

    assert scores(f"{name}:port=simulated") == scores(None)
