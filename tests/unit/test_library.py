"""Models as C libraries: their files, several in one program, and the build systems that take them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tinyperf import api, board
from tinyperf.errors import UsageError
from tinyperf.firmware import library
from tinyperf.session import models
from tinyperf.virtual.board import open_virtual

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.firmware.library import ModelLibrary

STRICT = ("-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion", "-Wmissing-prototypes", "-Wvla")
ARM = ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")

CMAKE = """\
cmake_minimum_required(VERSION 3.13)
project(app C)
enable_testing()
add_subdirectory(first)
add_subdirectory(second)
add_executable(app main.c)
target_link_libraries(app PRIVATE first second)
"""
MAIN = """\
#include "first_selftest.h"
#include "second_selftest.h"

int main(void)
{
    return 10 * first_selftest() + second_selftest();
}
"""
# As STM32CubeMX writes them: no section but the usual ones.
CUBE_SCRIPT = """\
ENTRY(Reset_Handler)
_estack = ORIGIN(RAM) + LENGTH(RAM);
MEMORY
{
  RAM (xrw) : ORIGIN = 0x20000000, LENGTH = 640K
  FLASH (rx) : ORIGIN = 0x8000000, LENGTH = 2048K
}
SECTIONS
{
  .isr_vector : { . = ALIGN(4); KEEP(*(.isr_vector)) . = ALIGN(4); } >FLASH
  .text : { . = ALIGN(4); *(.text) *(.text*) . = ALIGN(4); _etext = .; } >FLASH
  .rodata : { . = ALIGN(4); *(.rodata) *(.rodata*) . = ALIGN(4); } >FLASH
  .ARM : { . = ALIGN(4); *(.ARM.exidx*) . = ALIGN(4); } >FLASH
  _sidata = LOADADDR(.data);
  .data : { . = ALIGN(4); _sdata = .; *(.data) *(.data*) . = ALIGN(4); _edata = .; } >RAM AT> FLASH
  .bss : { _sbss = .; *(.bss) *(.bss*) *(COMMON) . = ALIGN(4); _ebss = .; } >RAM
}
"""
CUBE_STARTUP = """\
int main(void);
void Reset_Handler(void);
extern unsigned _estack;
__attribute__((section(".isr_vector"), used)) static void *const vectors[] = {&_estack, (void *)Reset_Handler};
void Reset_Handler(void)
{
    (void)main();
    for (;;) {
    }
}
"""
FIRMWARE_MAIN = """\
#include "first_selftest.h"
#include "second_selftest.h"
#include "tp_config.h"
#include "tp_mcu.h"
#include "tp_print.h"

int main(void);

int main(void)
{
    (void)tp_mcu_init(TP_BAUD);
    for (;;) {
        tp_print("m-[");
        tp_print_u64((uint64_t)first_selftest());
        tp_print_u64((uint64_t)second_selftest());
        tp_print("]\\r\\n");
        tp_serial_drain();
    }
}
"""


def made(bench: str, prefix: str, board_name: str = "host", *, keeps_input: bool = False) -> ModelLibrary:
    _, model = models.named(bench, None)
    return library.library(board.load(board_name), model, prefix=prefix, keeps_input=keeps_input)


def put(one: ModelLibrary, folder: Path) -> None:
    for name, text in one.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def ad() -> ModelLibrary:
    return made("ad", "second")


def test_every_name_and_file_is_the_prefix_s(ad: ModelLibrary) -> None:
    sources = [name for name in ad.files if name.startswith("src/")]
    assert all(name.removeprefix("src/").startswith("second") for name in sources)
    assert {"src/second.h", "src/second.c", "src/second_weights.h", "src/second_kernels/tp_kernels.h"} <= {*sources}
    assert "tp_model" not in ad.files["src/second.c"] + ad.files["src/second.h"]
    assert ".arena" not in ad.files["src/second.c"]


def test_no_line_of_the_model_is_long(ad: ModelLibrary) -> None:
    texts = {name: text for name, text in ad.files.items() if name.endswith((".c", ".h")) and "_kernels/" not in name}
    assert {name for name, text in texts.items() if max(map(len, text.splitlines())) > 100} == set()


def test_what_the_build_systems_want(ad: ModelLibrary) -> None:
    """By the documents of PlatformIO (library.json), Arduino (library specification 1.5) and Zephyr (modules)."""
    manifest = json.loads(ad.files["library.json"])
    assert (manifest["name"], manifest["headers"], manifest["build"]["srcDir"]) == ("second", "second.h", "src")
    lines = dict(line.split("=", 1) for line in ad.files["library.properties"].splitlines())
    wanted = {"name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures"}
    assert wanted <= {*lines}
    assert lines["includes"] == "second.h"
    module = ad.files["zephyr/module.yml"]
    assert "name: second" in module
    assert "kconfig: zephyr/Kconfig" in module
    assert "config SECOND" in ad.files["zephyr/Kconfig"]
    assert "if(CONFIG_SECOND)" in ad.files["zephyr/CMakeLists.txt"]
    metadata = json.loads(ad.files["metadata.json"])
    assert metadata["arena_bytes"] == ad.arena_bytes
    assert metadata["inputs"][0]["shape"] == [1, 640]


@pytest.mark.parametrize("prefix", ["Kws", "tp_kws", "9", "a-b", ""])
def test_a_prefix_that_c_cannot_take_is_refused(prefix: str) -> None:
    with pytest.raises(UsageError, match="cannot start the names of a C library"):
        made("ad", prefix)


def test_only_aot_makes_a_library() -> None:
    _, model = models.named("ad", None)
    with pytest.raises(UsageError, match="engine 'tflm' makes no library"):
        library.library(board.load("host"), model, engine="tflm")


def test_edited_files_are_not_written_over(tmp_path: Path) -> None:
    api.generate_library("host", "ad", out=tmp_path, prefix="mine")
    api.generate_library("host", "ad", out=tmp_path, prefix="mine")  # nothing was edited
    (tmp_path / "src" / "mine.c").write_text("/* better */\n")
    (tmp_path / "notes.txt").write_text("the user's own\n")
    with pytest.raises(UsageError, match=r"src/mine\.c differs from what tinyperf wrote"):
        api.generate_library("host", "ad", out=tmp_path, prefix="other")
    assert (tmp_path / "src" / "mine.c").read_text() == "/* better */\n"
    assert not (tmp_path / "src" / "other.c").exists()
    api.generate_library("host", "ad", out=tmp_path, prefix="other", force=True)
    assert not (tmp_path / "src" / "mine.c").exists()
    assert (tmp_path / "notes.txt").exists()


@pytest.mark.slow
@pytest.mark.parametrize("extern", [False, True], ids=["own-arena", "callers-arena"])
def test_selftests_pass_and_fail(tmp_path: Path, extern: bool) -> None:
    one = made("kws", "kws")
    put(one, tmp_path)
    arena = "#include <kws.h>\n__attribute__((aligned(16))) int8_t kws_arena[KWS_ARENA_BYTES];\n"
    (tmp_path / "arena.c").write_text(arena if extern else "typedef int nothing;\n")
    flags = (*STRICT, "-Isrc", *(("-DKWS_ARENA_EXTERN",) if extern else ()))
    run("gcc", *flags, "src/kws.c", "arena.c", "test/selftest.c", "-o", "selftest", cwd=tmp_path)
    assert run("./selftest", cwd=tmp_path) == "kws: 3 vectors as expected\n"
    header = tmp_path / "src" / "kws_weights.h"
    header.write_text(header.read_text().replace("1", "2", 60))
    run("gcc", "-std=c99", "-w", *flags[-2:], "src/kws.c", "arena.c", "test/selftest.c", "-o", "selftest", cwd=tmp_path)
    assert subprocess.run(["./selftest"], cwd=tmp_path, check=False, capture_output=True).returncode != 0


@pytest.mark.slow
def test_two_in_a_cmake_project(tmp_path: Path) -> None:
    if shutil.which("cmake") is None:
        pytest.skip("cmake is not installed")
    put(made("kws", "first"), tmp_path / "first")
    put(made("ad", "second"), tmp_path / "second")
    (tmp_path / "CMakeLists.txt").write_text(CMAKE)
    (tmp_path / "main.c").write_text(MAIN)
    run("cmake", "-S", ".", "-B", "build", cwd=tmp_path)
    run("cmake", "--build", "build", cwd=tmp_path)
    run("build/app", cwd=tmp_path)
    run("cmake", "-S", "second", "-B", "alone", cwd=tmp_path)
    run("cmake", "--build", "alone", cwd=tmp_path)
    assert "100% tests passed" in run("ctest", "--test-dir", "alone", cwd=tmp_path)


@pytest.mark.slow
def test_a_plain_linker_script_puts_the_arena_into_bss(tmp_path: Path) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    one = made("vww", "first", "nucleo-l4r5zi")
    put(one, tmp_path)
    (tmp_path / "cube.ld").write_text(CUBE_SCRIPT)
    (tmp_path / "main.c").write_text(
        CUBE_STARTUP + '#include "first.h"\nint main(void) { first_init(); first_run(); }\n'
    )
    flags = (*ARM, "-std=c99", "-O2", "-ffunction-sections", "-fdata-sections", "-Isrc", "-nostartfiles", "-Tcube.ld")
    run("arm-none-eabi-gcc", *flags, "-Wl,--gc-sections", "src/first.c", "main.c", "-o", "a.elf", cwd=tmp_path)
    run("arm-none-eabi-objcopy", "-O", "binary", "a.elf", "a.bin", cwd=tmp_path)
    text, data, bss, *_ = run("arm-none-eabi-size", "a.elf", cwd=tmp_path).splitlines()[1].split()
    assert int(bss) >= one.arena_bytes
    assert int(data) == 0
    gaps = 2 * 15  # between vectors, code and constants, which begin at multiples of 16
    assert (tmp_path / "a.bin").stat().st_size <= int(text) + gaps
    assert one.weights_bytes < int(text) < one.weights_bytes + 40_000


@pytest.mark.slow
def test_two_in_one_firmware_by_platformio(tmp_path: Path) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    api.generate("nucleo-l4r5zi", "kws", out=tmp_path)
    put(made("kws", "first", "nucleo-l4r5zi"), tmp_path / "lib" / "first")
    put(made("ad", "second", "nucleo-l4r5zi", keeps_input=True), tmp_path / "lib" / "second")
    (tmp_path / "src" / "app" / "main.c").write_text(FIRMWARE_MAIN)
    run(sys.executable, "-m", "platformio", "run", cwd=tmp_path)
    link = open_virtual(board.load("nucleo-l4r5zi"), tmp_path / ".pio" / "build" / "nucleo_l4r5zi" / "firmware.elf")
    heard = b""
    while heard.count(b"\n") < 1 and link.now_s() < 10:
        heard += link.read(0.1)
    assert heard.startswith(b"m-[00]\r\n")
