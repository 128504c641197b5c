"""Boards as files: each shipped one, a new one, one from elsewhere; the Arduino layer against a core of our own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import get_args

import pytest

from tinyperf import api, cli, content
from tinyperf import board as boards
from tinyperf.engines import FakeEngine, Target
from tinyperf.errors import UsageError
from tinyperf.firmware.render import Project, Toolset, render
from tinyperf.tflite import Model, Quantization, Tensor

MCU = content.shipped("firmware_templates") / "mcu"
REPOSITORY = Path(__file__).parents[2]
ARDUINO = ["nucleo-l4r5zi", "disco-f746ng", "nucleo-u575zi-q"]  # a Cortex-M4, M7 and M33
BARE = [b for b in api.boards() if b.memory is not None and b.framework is None and b.chip.pins is not None]


def on_arduino(name: str) -> boards.Board:
    """The board through an Arduino core."""
    core = boards.PlatformIO(platform="ststm32@19.6.0", board=name.replace("-", "_"), framework="arduino")
    return boards.load(name).model_copy(update={"mcu": "arduino", "platformio": core, "timestamp_pin": "D7"})


def project(board: boards.Board, form: str) -> Project:
    shapes = ((1, 16), (1, 4))
    tensors = tuple(Tensor(i, f"t{i}", s, "int8", Quantization((0.5,), (0,))) for i, s in enumerate(shapes))
    model = Model("tiny", "0" * 64, 0, tensors, (), (0,), (1,))
    generated = FakeEngine().generate(model, Target(board.core), {})
    return render(board, model, generated, benchmark=None, toolset=Toolset("online" if form == "online" else "offline"))


@pytest.mark.parametrize("board", BARE, ids=lambda board: board.name)
def test_the_chip_layer_of_every_board_has_all_that_firmware_wants(board: boards.Board) -> None:
    text = "".join(t for path, t in project(board, "offline").files.items() if path.startswith("src/mcu/"))
    wanted = re.findall(r"^\S.*\b(tp_\w+)\(", (MCU.parent / "app" / "tp_mcu.h").read_text(), re.MULTILINE)
    assert len(wanted) == 8
    assert [name for name in wanted if f" {name}(" not in text and f"*{name}(" not in text] == []


@pytest.mark.parametrize("name", ARDUINO)
def test_arduino_board_renders_for_its_framework(name: str) -> None:
    board = on_arduino(name)
    files = project(board, "online").files
    ini = files["platformio.ini"]
    assert board.platformio
    assert f"platform = ststm32@19.6.0\nboard = {board.platformio.board}\nframework = arduino\n" in ini
    assert "board_build.ldscript" not in ini
    assert "ldscript.ld" not in files
    for flag in ("-DTP_MAIN=tp_main", "-DTP_ARENA_IN_BSS", "-DSERIAL_RX_BUFFER_SIZE=256", f"-mcpu={board.core.name}"):
        assert f"    {flag}\n" in ini
    assert "src/mcu/mcu.cpp" in files
    assert "CFLAGS=[],\n    CXXFLAGS=[]," in files["extra.py"]


CORE = """\
#pragma once
#include <stddef.h>
#include <stdint.h>
#define HIGH 1
#define LOW 0
#define OUTPUT 1
#define D7 7
typedef uint8_t byte;
typedef uint16_t word;
typedef bool boolean;
struct Port {
    void begin(unsigned long) {}
    explicit operator bool() const { return true; }
    size_t write(uint8_t) { return 1; }
    int available() { return 0; }
    int read() { return -1; }
    void flush() {}
};
extern Port Serial;
void digitalWrite(int pin, int level);
void pinMode(int pin, int mode);
void delayMicroseconds(unsigned int us);
unsigned long micros();
void yield();
void setup();
void loop();
"""


@pytest.mark.parametrize("name", ARDUINO)
def test_arduino_layer_compiles_against_the_api(name: str, tmp_path: Path) -> None:
    compiler = shutil.which("arm-none-eabi-g++") or shutil.which("g++")
    if compiler is None:
        pytest.skip("no C++ compiler is installed")
    made = project(on_arduino(name), "online")
    for path, text in made.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "Arduino.h").write_text(CORE)
    flags = [*made.flags.warnings, *(f for f in made.flags.common if not f.startswith("-m")), "-std=gnu++17", "-I."]
    done = subprocess.run(
        [compiler, *flags, "-c", "src/mcu/mcu.cpp", "-o", "mcu.o"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_new_board_is_valid_as_it_stands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["boards", "new", "my-board", "-o", str(tmp_path / "folder")]) == 0
    path = Path(capsys.readouterr().out.strip())
    assert path == tmp_path / "folder" / "my-board.yaml"
    board = boards.load(str(path))
    assert (board.name, board.verified, board.mcu) == ("my-board", "rendered", "stm32l4r5")
    assert "src/mcu/clock.c" in project(board, "offline").files
    assert path.read_text().count("#") > 10
    assert cli.invoke(["boards", "new", "my-board", "-o", str(tmp_path / "folder")]) == 2
    assert "exists already" in capsys.readouterr().err


def test_emulated_means_that_the_image_is_built_here() -> None:
    """Without PlatformIO's registry: a board whose platform must be fetched is 'compiled' at most."""
    assert [board.name for board in boards.shipped() if board.verified == "emulated" and board.framework] == []


@pytest.mark.parametrize("name", ["My Board", "../x", "", "-x", "x.yaml"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a board's name"):
        boards.template(name)


def test_a_board_file_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.yaml").write_text((content.shipped("boards") / "nucleo-l4r5zi.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    assert boards.load("./mine.yaml").name == "nucleo-l4r5zi"
    assert boards.load(str(tmp_path / "mine.yaml")).core.name == "cortex-m4"


@pytest.mark.parametrize(
    ("flag", "mcu", "framework"), [("--stm32", "stm32l4r5", None), ("--arduino", "arduino", "arduino")]
)
def test_a_new_board_in_two_forms(flag: str, mcu: str, framework: str | None, tmp_path: Path) -> None:
    assert cli.invoke(["boards", "new", "my-board", flag, "-o", str(tmp_path)]) == 0
    board = boards.load(str(tmp_path / "my-board.yaml"))
    assert (board.name, board.mcu, board.framework) == ("my-board", mcu, framework)
    assert [path for path in project(board, "online").files if path.startswith("src/mcu/mcu.")] == [
        "src/mcu/mcu.cpp" if framework else "src/mcu/mcu.c"
    ]


def test_plain_boards_still_lists(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["boards", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {(b["name"], b["verified"]) for b in listed} >= {
        ("host", "native"),
        ("nucleo-l4r5zi", "emulated"),
        ("mps2-an386", "emulated"),
        ("disco-f746ng", "emulated"),
        ("nucleo-u575zi-q", "emulated"),
    }
    assert {b["name"]: b["clock_hz"] for b in listed}["host"] is None
    assert cli.invoke(["boards"]) == 0
    shown = capsys.readouterr().out
    assert re.search("nucleo-u575zi-q +emulated +cortex-m33 +160 MHz +±5 %", shown)
    assert re.search("host +native +host +- +- +this computer", shown)
    assert {b["name"]: b["error_percent"] for b in listed}["nucleo-u575zi-q"] == 5.0


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("nucleo-l4r5zi", "±7 %"),
        ("raspberry-pi-pico", "error not measured"),
        ("mps3-an547", "instructions only"),
        ("host", "-"),
    ],
)
def test_the_list_says_how_far_off_a_figure_may_be(name: str, error: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["boards"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(f"{name} ")]
    assert f"  {error}  " in line


@pytest.mark.parametrize("board", api.boards(), ids=lambda b: b.name)
def test_the_page_states_the_error_that_the_list_says(board: boards.Board, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["boards"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(f"{board.name} ")]
    page = (REPOSITORY / "docs" / "virtual_board.md").read_text(encoding="utf-8")
    rows = [row for row in page.splitlines() if row.startswith("|") and f"`{board.name}`" in row.split("|")[1]]
    assert len(rows) == (board.core.name != "host")
    for row in rows:
        states = row.split("|")[-2].strip()
        assert re.search(f"  ±?{re.escape(states)}  ", line)


def test_help_page_and_readme_know_every_word_of_verification(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.invoke(["boards", "--help"]) == 0
    shown, readme = capsys.readouterr().out, (REPOSITORY / "README.md").read_text(encoding="utf-8")
    for word in get_args(boards.Verified):
        assert f"{word}:" in shown
        assert f"`{word}`" in readme.split("how far it was verified")[1].split("\n\n")[0]


ONLINE = """\
[platformio]
default_envs = nucleo_l4r5zi

[env:nucleo_l4r5zi]
platform = ststm32@19.6.0
board = nucleo_l4r5zi
platform_packages =
    platformio/toolchain-gccarmnoneeabi@~1.120301.0
board_build.ldscript = ldscript.ld
build_unflags = -Os
build_flags =
    -mthumb
    -mcpu=cortex-m4
    -mfpu=fpv4-sp-d16
    -mfloat-abi=hard
    -O2
"""
"""What ststm32 19.6.0 needs without a framework, line by line: see the comments of the test."""


def test_online_form_is_what_ststm32_takes() -> None:
    made = project(boards.load("nucleo-l4r5zi"), "online")
    ini = [line for line in made.files["platformio.ini"].splitlines() if not line.startswith(";")]
    # The pinned platform; its bare builds would take GCC 7.2.1, so GCC 12.3 is pinned; no linker script of its own,
    # so ours goes in by board_build.ldscript; -Os is its own level; no FPU flags of its own on the compile line.
    assert "\n".join(ini).startswith(ONLINE)
    assert "framework" not in made.files["platformio.ini"]
    assert "core_dir" not in made.files["platformio.ini"]
    # Nor on the link line, where build_flags does not reach; nor a startup file: -nostartfiles and ours.
    link = made.files["extra.py"].split("LINKFLAGS=")[1]
    for flag in ("-nostartfiles", "--specs=nano.specs", "--specs=nosys.specs", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"):
        assert f"'{flag}'" in link
    assert {"ldscript.ld", "src/mcu/startup.c"} <= set(made.files)
    # The offline form differs in the platform alone: the sources, the linker script and the extra script are the same.
    offline = project(boards.load("nucleo-l4r5zi"), "offline")
    differing = {n for n in made.files if made.files[n] != offline.files.get(n)}
    assert differing == {"README.md", "platformio.ini"}
    assert all(name.startswith("pio/") for name in set(offline.files) - set(made.files))
