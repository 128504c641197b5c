"""Flashing: exact commands, the choice of probe and tool, what failures are told as, and the proof by build id."""

from __future__ import annotations

import io
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyperf import board as boards
from tinyperf import cli, tool
from tinyperf.device import ports, probes
from tinyperf.device.link import ScriptedLink
from tinyperf.device.ports import Port
from tinyperf.device.probes import Probe, from_ports, from_sysfs, udev_rule
from tinyperf.engines import FakeEngine, Target
from tinyperf.errors import DeviceError, UsageError
from tinyperf.firmware import build, flash, flash_tools
from tinyperf.firmware.flash import Files, Writer
from tinyperf.firmware.flash_tools import TOOLS, Job
from tinyperf.firmware.render import render
from tinyperf.formats import ihex
from tinyperf.tflite import Model, Quantization, Tensor
from tinyperf.tool import Outcome, Step

BOARD = boards.load("nucleo-l4r5zi")
STLINK = Probe("ST-LINK", "0483", "374b", "066DFF31", "STM32 STLink", usable=True, ports=("/dev/ttyACM0",))
OTHER = replace(STLINK, serial="066DFF99", ports=("/dev/ttyACM1",))
JLINK = Probe("J-Link", "1366", "0105", "000801012345", "J-Link", usable=True)
BUILD_ID = "0123456789abcdef0123456789abcdef"
TOOL = {t.name: t for t in TOOLS}


def job(serial: str | None = None) -> Job:
    return Job(
        BOARD, Path("/a b/fw.elf"), Path("/a b/fw.bin"), Path("/a b/project"), Path("/a b/flash.jlink"), serial=serial
    )


@pytest.mark.parametrize(
    ("name", "serial", "argv"),
    [
        pytest.param(
            "openocd",
            None,
            ["openocd", "-f", "board/st_nucleo_l4.cfg", "-c", "program {/a b/fw.elf} verify reset exit"],
            id="openocd",
        ),
        pytest.param(
            "openocd",
            "066DFF31",
            [
                "openocd",
                "-f",
                "board/st_nucleo_l4.cfg",
                "-c",
                "adapter serial 066DFF31",
                "-c",
                "program {/a b/fw.elf} verify reset exit",
            ],
            id="openocd-chosen-probe",
        ),
        pytest.param("st-flash", None, ["st-flash", "--reset", "write", "/a b/fw.bin", "0x08000000"], id="st-flash"),
        pytest.param(
            "st-flash",
            "066DFF31",
            ["st-flash", "--reset", "--serial", "066DFF31", "write", "/a b/fw.bin", "0x08000000"],
            id="st-flash-chosen-probe",
        ),
        pytest.param(
            "pyocd", None, ["pyocd", "flash", "--no-wait", "--target", "stm32l4r5zi", "/a b/fw.elf"], id="pyocd"
        ),
        pytest.param(
            "pyocd",
            "066DFF31",
            ["pyocd", "flash", "--no-wait", "--target", "stm32l4r5zi", "--uid", "066DFF31", "/a b/fw.elf"],
            id="pyocd-chosen-probe",
        ),
        pytest.param(
            "jlink",
            None,
            [
                "JLinkExe",
                "-NoGui",
                "1",
                "-ExitOnError",
                "1",
                "-Device",
                "STM32L4R5ZI",
                "-If",
                "SWD",
                "-Speed",
                "4000",
                "-AutoConnect",
                "1",
                "-CommandFile",
                "/a b/flash.jlink",
            ],
            id="jlink",
        ),
        pytest.param(
            "jlink",
            "801012345",
            [
                "JLinkExe",
                "-NoGui",
                "1",
                "-ExitOnError",
                "1",
                "-SelectEmuBySN",
                "801012345",
                "-Device",
                "STM32L4R5ZI",
                "-If",
                "SWD",
                "-Speed",
                "4000",
                "-AutoConnect",
                "1",
                "-CommandFile",
                "/a b/flash.jlink",
            ],
            id="jlink-chosen-probe",
        ),
        pytest.param("picotool", None, ["picotool", "load", "--verify", "--execute", "/a b/fw.elf"], id="picotool"),
        pytest.param(
            "picotool",
            "E661",
            ["picotool", "load", "--verify", "--execute", "/a b/fw.elf", "--ser", "E661"],
            id="picotool-chosen-board",
        ),
        pytest.param("pio", None, ["pio", "run", "--project-dir", "/a b/project", "--target", "upload"], id="pio"),
    ],
)
def test_exact_argv(name: str, serial: str | None, argv: list[str]) -> None:
    assert list(TOOL[name].step(job(serial)).argv) == argv


@pytest.mark.parametrize(
    ("name", "board", "probe", "argv"),
    [
        pytest.param(
            "openocd",
            "raspberry-pi-pico-2",
            "CMSIS-DAP",
            "openocd -f interface/cmsis-dap.cfg -c 'adapter speed 5000' -f target/rp2350.cfg"
            " -c 'adapter serial 17' -c 'program {/a b/fw.elf} verify reset exit'",
            id="openocd-and-a-debug-probe",
        ),
        pytest.param(
            "openocd",
            "nrf52840-dk",
            "J-Link",
            "openocd -f interface/jlink.cfg -c 'transport select swd' -f target/nrf52.cfg"
            " -c 'adapter serial 17' -c 'program {/a b/fw.elf} verify reset exit'",
            id="openocd-and-a-j-link",
        ),
        pytest.param(
            "nrfutil",
            "nrf52840-dk",
            "J-Link",
            "nrfutil device program --firmware '/a b/flash.hex' --serial-number 17 --options"
            " chip_erase_mode=ERASE_RANGES_TOUCHED_BY_FIRMWARE,verify=VERIFY_READ,reset=RESET_SYSTEM",
            id="nrfutil",
        ),
        pytest.param(
            "nrfjprog",
            "nano-33-ble",
            "J-Link",
            "nrfjprog -f NRF52 --snr 17 --program '/a b/flash.hex' --sectorerase --verify --reset",
            id="nrfjprog",
        ),
        pytest.param(
            "bossac",
            "nano-33-ble",
            "SAM-BA",
            "bossac -d --port=/dev/ttyACM0 -U -i -e -w '/a b/fw.bin' -R",
            id="bossac",
        ),
    ],
)
def test_exact_command_for_a_probe(name: str, board: str, probe: str, argv: str) -> None:
    found = Probe(probe, "1", "2", "17", "", usable=True)
    chosen = flash.choose_tool(boards.load(board), found, name=name, installed=lambda _: True)
    step = chosen.step(
        replace(
            job("17"),
            board=boards.load(board),
            script=Path("/a b") / chosen.script_name,
            probe=probe,
            port="/dev/ttyACM0",
        )
    )
    assert step.command == argv


@given(data=st.binary(min_size=1, max_size=100), address=st.sampled_from([0, 0x10000, 0x1FFF8, 0x0801_0004]))
def test_a_hex_file_is_read_as_what_it_was_made_of(data: bytes, address: int) -> None:
    intelhex = pytest.importorskip("intelhex", reason="the extra 'virtual' is not installed")
    read = intelhex.IntelHex(io.StringIO(ihex.encode(address, data)))
    assert read.segments() == [(address, address + len(data))]
    assert bytes(read.tobinarray()) == data


def test_nordic_s_tools_get_the_image_where_it_was_linked(files: Files) -> None:
    """Behind the bootloader, that is."""
    board = boards.load("nano-33-ble")
    ran: list[Step] = []

    def run(step: Step, _log: Path | None) -> Outcome:
        ran.append(step)
        return Outcome(step, 0, "", 0.1)

    flash.tool_writer(board, files, TOOL["nrfutil"], JLINK, run=run).write()
    assert Path(ran[0].argv[4]).read_text().splitlines()[:2] == [":020000040001F9", ":05000000696D616765F8"]


def test_a_bootloader_s_port_is_not_the_firmware_s() -> None:
    bootloader = Probe("SAM-BA", "2341", "005a", "A1", "Arduino", usable=True, ports=("/dev/ttyACM0",))
    board = boards.load("nano-33-ble")
    assert flash.choose_probe(board, [bootloader]) == bootloader
    assert flash.port_of(board, bootloader, [], "/dev/ttyUSB0") == "/dev/ttyUSB0"
    with pytest.raises(DeviceError, match="no port looks like nano-33-ble"):
        flash.port_of(board, bootloader, [Port("/dev/ttyACM0", "2341", "005a", "A1")])


def test_jlink_orders() -> None:
    assert flash_tools.jlink_script(job()) == 'r\nh\nloadfile "/a b/fw.bin" 0x08000000\nr\ng\nq\n'


def test_command_is_ready_to_paste() -> None:
    assert TOOL["st-flash"].step(job()).command == "st-flash --reset write '/a b/fw.bin' 0x08000000"


@pytest.mark.parametrize(
    ("name", "status", "output", "seen"),
    [
        pytest.param(
            "openocd", 1, "Error: open failed\n** OpenOCD init failed **", "openocd found no debug probe", id="a"
        ),
        pytest.param(
            "openocd", 1, "Error: unable to find a matching CMSIS-DAP device", "openocd found no debug probe", id="b"
        ),
        pytest.param(
            "st-flash", 255, "WARN usb.c: Couldn't find any ST-Link devices", "st-flash found no debug probe", id="c"
        ),
        pytest.param("pyocd", 1, "No connected debug probes", "pyocd found no debug probe", id="d"),
        pytest.param(
            "pyocd", 0, "No connected debug probes", "pyocd found no debug probe", id="status-0-and-nothing-done"
        ),
        pytest.param("pyocd", None, "Waiting for a debug probe", "pyocd found no debug probe", id="never-ends"),
        pytest.param("jlink", 1, "Connecting to J-Link via USB...FAILED", "jlink found no debug probe", id="e"),
        pytest.param(
            "pio", 1, "Error: Please specify `upload_port` for environment", "pio found no debug probe", id="pio-drive"
        ),
        pytest.param("pio", 1, "HTTPClientError: ", "pio wanted to download packages", id="pio-offline"),
        pytest.param(
            "openocd",
            1,
            "Error: libusb_open() failed with LIBUSB_ERROR_ACCESS",
            "openocd may not open",
            id="permission",
        ),
        pytest.param("st-flash", 1, "libusb: LIBUSB_ERROR_BUSY", "st-flash found the debug probe", id="busy"),
        pytest.param(
            "openocd",
            1,
            "Error: init mode failed (unable to connect to the target)",
            "openocd sees the probe, but the chip does not answer",
            id="silent-chip",
        ),
        pytest.param("openocd", 1, "** Verify Failed **", "openocd read back other bytes", id="verify"),
        pytest.param("st-flash", 1, "Flash memory is write protected", "st-flash could not write", id="protected"),
        pytest.param("st-flash", 1, "unknown chip id! 0xe0042000", "st-flash does not know this chip", id="chip"),
        pytest.param(
            "openocd", 1, "ST-LINK open failed (serial mismatch)", "openocd found no debug probe with", id="sn"
        ),
        pytest.param("openocd", 3, "segmentation violation", "openocd ended with status 3", id="unknown"),
        pytest.param("openocd", None, "", "openocd did not end within 120 s", id="hangs"),
        pytest.param("jlink", -1, "No such file or directory", "jlink cannot be started: No such file", id="not-there"),
    ],
)
def test_failures_are_told_in_our_words(name: str, status: int | None, output: str, seen: str) -> None:
    outcome = Outcome(Step((name, "x y"), 120.0), status, output, 0.1)
    error = flash_tools.failure(TOOL[name], outcome, board="nucleo-l4r5zi", usb="USB 0483:374b")
    assert error is not None
    assert error.seen.startswith(seen)
    assert status == -1 or f"command: {name} 'x y'" in error.seen
    assert error.means
    assert error.hint
    assert error.exit_code == 4
    assert "{" not in error.seen + error.means + error.hint


def test_a_tool_that_claims_success_is_not_yet_refused() -> None:
    outcome = Outcome(Step(("openocd",), 1.0), 0, "** Verified OK **", 0.1)
    assert flash_tools.failure(TOOL["openocd"], outcome, board="b", usb="u") is None


@pytest.mark.parametrize(
    ("found", "serial", "error", "seen"),
    [
        pytest.param([], None, DeviceError, "no ST-LINK found (USB 0483:374b)", id="none"),
        pytest.param([STLINK, OTHER], None, UsageError, "2 debug probes fit nucleo-l4r5zi: 066DFF31", id="two"),
        pytest.param(
            [STLINK], "x", DeviceError, "no debug probe with serial number x found; connected: 066DFF31", id="sn"
        ),
        pytest.param(
            [replace(STLINK, usable=False, node=Path("/dev/bus/usb/001/004"))],
            None,
            DeviceError,
            "the ST-LINK (USB 0483:374b, serial 066DFF31) may not be opened: no write permission on",
            id="permission",
        ),
    ],
)
def test_no_probe_to_use(found: list[Probe], serial: str | None, error: type[Exception], seen: str) -> None:
    with pytest.raises(error) as caught:
        flash.choose_probe(BOARD, found, serial)
    assert str(caught.value).startswith(seen)


@pytest.mark.parametrize(
    ("found", "serial", "chosen"),
    [
        pytest.param([STLINK], None, STLINK, id="the-only-one"),
        pytest.param([STLINK, OTHER], "066DFF99", OTHER, id="by-serial"),
        pytest.param([JLINK, STLINK], None, STLINK, id="the-board's-own-first"),
        pytest.param([JLINK], None, JLINK, id="an-external-one"),
    ],
)
def test_probe_is_chosen(found: list[Probe], serial: str | None, chosen: Probe) -> None:
    assert flash.choose_probe(BOARD, found, serial) == chosen


@pytest.mark.parametrize(
    ("probe", "there", "name", "chosen"),
    [
        pytest.param(STLINK, {"openocd", "st-flash", "pyocd"}, None, "openocd", id="openocd-first"),
        pytest.param(STLINK, {"st-flash", "pyocd"}, None, "st-flash", id="then-st-flash"),
        pytest.param(STLINK, {"pyocd", "pio"}, None, "pyocd", id="then-pyocd"),
        pytest.param(STLINK, {"openocd", "st-flash"}, "st-flash", "st-flash", id="forced"),
        pytest.param(JLINK, {"openocd", "JLinkExe"}, None, "jlink", id="probe-decides"),
    ],
)
def test_tool_is_chosen(probe: Probe, there: set[str], name: str | None, chosen: str) -> None:
    assert flash.choose_tool(BOARD, probe, name=name, installed=there.__contains__).name == chosen


def test_no_tool_is_installed() -> None:
    with pytest.raises(DeviceError, match="none of the flash tools for nucleo-l4r5zi is installed: openocd, st-fl"):
        flash.choose_tool(BOARD, STLINK, installed=lambda _: False)


def test_an_unknown_tool_is_refused_before_a_probe_is_looked_for() -> None:
    with pytest.raises(UsageError, match="unknown flash tool 'avrdude'"):
        flash.find_place(BOARD, probe=None, port=None, tool="avrdude")


def test_port_comes_from_the_probe() -> None:
    assert flash.port_of(BOARD, STLINK, []) == "/dev/ttyACM0"
    assert flash.port_of(BOARD, STLINK, [], "COM7") == "COM7"
    assert flash.port_of(BOARD, JLINK, [Port("/dev/ttyACM3", "0483", "374b")]) == "/dev/ttyACM3"
    with pytest.raises(DeviceError, match="no port looks like nucleo-l4r5zi"):
        flash.port_of(BOARD, JLINK, [Port("/dev/ttyS0")])
    with pytest.raises(UsageError, match="2 ports look like nucleo-l4r5zi"):
        flash.port_of(BOARD, JLINK, [Port("/dev/ttyACM3", "0483", "374b"), Port("/dev/ttyACM4", "0483", "374b")])


def usb_device(root: Path, name: str, **values: str) -> None:
    folder = root / name
    folder.mkdir(parents=True)
    for key, text in values.items():
        (folder / key).write_text(text + "\n")


def test_probes_from_sysfs(tmp_path: Path) -> None:
    usb_device(tmp_path / "sys", "1-1", idVendor="0483", idProduct="374b", serial="066DFF31", busnum="1", devnum="4")
    usb_device(tmp_path / "sys", "1-2", idVendor="046d", idProduct="c52b")
    (tmp_path / "dev" / "001").mkdir(parents=True)
    (tmp_path / "dev" / "001" / "004").touch()
    ports = [Port("/dev/ttyACM0", "0483", "374b", "066DFF31"), Port("/dev/ttyACM1", "0483", "374b", "066DFF99")]
    (probe,) = from_sysfs(tmp_path / "sys", tmp_path / "dev", ports)
    assert (probe.kind, probe.usb, probe.serial, probe.ports) == ("ST-LINK", "0483:374b", "066DFF31", ("/dev/ttyACM0",))
    assert probe.usable
    assert probe.node == tmp_path / "dev" / "001" / "004"


def test_a_probe_whose_device_file_is_gone_is_not_usable(tmp_path: Path) -> None:
    usb_device(tmp_path / "sys", "1-1", idVendor="1366", idProduct="0105", busnum="1", devnum="9")
    (probe,) = from_sysfs(tmp_path / "sys", tmp_path / "dev", [])
    assert not probe.usable
    assert udev_rule(probe) == 'SUBSYSTEM=="usb", ATTR{idVendor}=="1366", ATTR{idProduct}=="0105", TAG+="uaccess"'


def test_probes_from_ports_where_there_is_no_sysfs() -> None:
    ports = [Port("COM3", "0483", "374b", "A"), Port("COM4", "1a86", "7523", "B"), Port("COM5", "0483", "374b", "A")]
    (probe,) = from_ports(ports)
    assert (probe.serial, probe.ports) == ("A", ("COM3", "COM5"))


def answering(build: bytes) -> ScriptedLink:
    return ScriptedLink(
        [
            ("silence", b""),
            ("host", b"name%"),
            ("device", b"m-name-dut-[tinyperf]\r\nm-ready\r\n"),
            ("host", b"profile%"),
            ("device", b"m-profile-[ULPMark for tinyML Firmware V0.0.1]\r\nm-model-[kws01]\r\nm-ready\r\n"),
            ("host", b"build%"),
            ("device", build + b"m-ready\r\n"),
        ]
    )


@pytest.fixture
def files(tmp_path: Path) -> Files:
    (tmp_path / "fw.bin").write_bytes(b"image")
    (tmp_path / "fw.elf").write_bytes(b"elf")
    return Files(tmp_path / "fw.elf", tmp_path / "fw.bin", BUILD_ID, tmp_path)


@pytest.mark.parametrize("name", ["openocd", "st-flash", "jlink", "pyocd", "pio"])
def test_success_is_the_build_id(files: Files, name: str, tmp_path: Path) -> None:
    asked: list[str] = []

    def run(step: Step, log: Path | None) -> Outcome:
        asked.append(step.argv[0])
        assert log == tmp_path / "flash.log"
        return Outcome(step, 0, "", 0.1)

    link = answering(f"m-build-[{BUILD_ID}]\r\nm-limits-[cmd=80,db=31]\r\n".encode())
    writer = flash.tool_writer(BOARD, files, TOOL[name], STLINK, log=tmp_path / "flash.log", run=run)
    done = flash.flash(BOARD, files, writer, port="/dev/ttyACM0", open_link=lambda: link)
    assert asked == [TOOL[name].program]
    assert (done.tool, done.probe, done.port, done.build_id, done.bytes) == (
        *(name, "066DFF31", "/dev/ttyACM0"),
        *(BUILD_ID, 5),
    )
    assert link.closed


@pytest.mark.parametrize(
    ("build", "seen"),
    [
        pytest.param(
            f"m-build-[{'f' * 32}]\r\nm-limits-[cmd=80,db=31]\r\n".encode(),
            f"/dev/ttyACM0 runs build {'f' * 32} after openocd had reported success; expected build {BUILD_ID}",
            id="another-image",
        ),
        pytest.param(
            b"e-[Unknown command: build]\r\n",
            "/dev/ttyACM0 runs other firmware (vendor 'tinyperf') after openocd had reported success",
            id="foreign-firmware",
        ),
    ],
)
def test_a_tool_that_lies_is_caught(files: Files, build: bytes, seen: str) -> None:
    link = answering(build)
    with pytest.raises(DeviceError) as caught:
        flash.flash(BOARD, files, Writer("openocd", lambda: None), port="/dev/ttyACM0", open_link=lambda: link)
    assert str(caught.value).startswith(seen)
    assert link.closed


def test_drive_copy(files: Files, tmp_path: Path) -> None:
    volume = tmp_path / "media" / "NODE_L4R5ZI"
    volume.mkdir(parents=True)
    (tmp_path / "media" / "USB_STICK").mkdir()
    assert flash.drives(BOARD, roots=[tmp_path / "media", tmp_path / "absent"]) == [volume]
    flash.drive_writer(files, volume, settle_s=0.0).write()
    assert (volume / "fw.bin").read_bytes() == b"image"
    (volume / "FAIL.TXT").write_text("The interface firmware FAILED to reset/halt the target MCU\n")
    with pytest.raises(DeviceError, match="the drive NODE_L4R5ZI refused the image: The interface firmware FAILED"):
        flash.drive_writer(files, volume, settle_s=1.0).write()


def test_a_drive_that_wants_uf2_gets_it(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flash.drive_writer, "__kwdefaults__", {"settle_s": 0.0})
    files.binary.with_suffix(".uf2").write_bytes(b"blocks")
    pico = boards.load("raspberry-pi-pico")
    volume = tmp_path / "RPI-RP2"
    volume.mkdir()
    flash.FlashPlace("port", volume=volume).writer(pico, files).write()
    assert (volume / "fw.uf2").read_bytes() == b"blocks"


def test_drive_that_is_gone(files: Files, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match=r"could not be copied to .*: No such file or directory"):
        flash.drive_writer(files, tmp_path / "gone").write()


@pytest.mark.parametrize("name", ["openocd", "st-flash", "pyocd"])
def test_the_real_tool_without_a_probe(files: Files, name: str) -> None:
    if shutil.which(TOOL[name].program) is None:
        pytest.skip(f"{TOOL[name].program} is not installed")
    writer = flash.tool_writer(BOARD, files, TOOL[name], replace(STLINK, serial=""))
    with pytest.raises(DeviceError, match=f"{name} found no debug probe") as caught:
        writer.write()
    assert caught.value.exit_code == 4


def test_runner_keeps_the_output_and_the_command(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    step = Step((sys.executable, "-c", "print('one'); print(); print('two'); raise SystemExit(3)"), 20.0)
    outcome = tool.run(step, log=log)
    assert (outcome.status, outcome.last_lines(1)) == (3, "two")
    assert log.read_text().startswith(f"$ {step.command}\none\n")


def test_runner_stops_what_never_ends() -> None:
    outcome = tool.run(Step((sys.executable, "-c", "print('on', flush=True); import time; time.sleep(60)"), 1.0))
    assert (outcome.status, outcome.output.strip()) == (None, "on")


def test_runner_survives_an_absent_program() -> None:
    outcome = tool.run(Step(("no-such-program-here",), 1.0))
    assert outcome.status == -1
    assert "No such file" in outcome.output


# From the command line.


def test_no_board_is_told_exactly(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "find", list)
    monkeypatch.setattr(ports, "listed", list)
    assert cli.invoke(["flash", "--board", "nucleo-l4r5zi", "kws"]) == 4
    assert capsys.readouterr().err == (
        "error: no ST-LINK found (USB 0483:374b)\n"
        "  means: the board is not connected, or its cable carries no data\n"
        "  try:   connect its debug USB port; 'tinyperf doctor --board nucleo-l4r5zi' shows what is seen; "
        "without a board add --virtual\n"
    )


@pytest.mark.parametrize(
    ("board", "seen", "hint"),
    [
        pytest.param("host", "board 'host' is this computer: there is nothing to flash", "run --board host", id="host"),
        pytest.param("mps2-an386", "there is nothing to flash board 'mps2-an386' with", "add --virtual", id="qemu"),
    ],
)
def test_boards_that_are_not_flashed(board: str, seen: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["flash", "--board", board, "kws"]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"error: {seen}\n")
    assert hint in told


@pytest.mark.slow
def test_virtual_board_is_flashed_and_a_wrong_image_is_caught() -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    right, wrong = (tiny_image(elements) for elements in (8, 9))
    done = flash.flash_image(BOARD, right, None, baud=115200)
    assert (done.tool, done.build_id, done.port) == ("virtual", right.build_id, None)
    with pytest.raises(DeviceError, match=f"the virtual nucleo-l4r5zi runs build {wrong.build_id} after virtual had"):
        flash.flash_image(BOARD, replace(right, path=wrong.path), None, baud=115200)


def tiny_image(elements: int) -> build.Image:
    """An image whose inference copies its input."""
    tensors = tuple(Tensor(i, f"t{i}", (1, elements), "int8", Quantization((1.0,), (0,))) for i in range(2))
    model = Model("copy", "0" * 64, 0, tensors, (), (0,), (1,))
    generated = FakeEngine().generate(model, Target(BOARD.core), {})
    toolset = build.find_toolset(BOARD)
    project = render(BOARD, model, generated, benchmark=None, toolset=toolset)
    return build.build_project(BOARD, project, generated, toolset)


def test_pio_uploads_only_with_its_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pio").write_text("#!/bin/sh\n")
    (tmp_path / "pio").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(tmp_path / "core"))
    with pytest.raises(DeviceError, match="none of the flash tools"):
        flash.choose_tool(BOARD, STLINK)
    (tmp_path / "core" / "packages" / "tool-openocd").mkdir(parents=True)
    assert flash.choose_tool(BOARD, STLINK).name == "pio"


def test_a_pico_that_waits_for_an_image_is_written_by_picotool() -> None:
    waiting = Probe("BOOTSEL", "2e8a", "0003", "E661", "RP2 Boot", usable=True)
    pico = boards.load("raspberry-pi-pico")
    assert flash.choose_probe(pico, [waiting]) == waiting
    assert flash.choose_tool(pico, waiting, installed=lambda _: True).name == "picotool"
    assert not TOOL["picotool"].fits(BOARD)
    assert "BOOTSEL" not in flash.wanted_kinds(BOARD)
