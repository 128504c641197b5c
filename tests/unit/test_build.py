"""Building for real: the cross compiler and PlatformIO with nothing downloaded, the cache, and what goes wrong."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from elftools.elf.elffile import ELFFile

from tinyperf import board, engines, tool
from tinyperf.device.process import ProcessLink
from tinyperf.engines import Generated, Target
from tinyperf.errors import BuildError, DiskError
from tinyperf.firmware import build, files
from tinyperf.firmware.render import Project, Toolset, render
from tinyperf.tflite import Model, Quantization, Tensor
from tinyperf.virtual.board import image as virtual

if TYPE_CHECKING:
    from tinyperf.board import Board
    from tinyperf.firmware.build import Image

needs_cross_compiler = pytest.mark.skipif(not shutil.which(build.CROSS_COMPILER), reason="needs arm-none-eabi-gcc")
NUCLEO = board.load("nucleo-l4r5zi")
HOST = board.load("host")
MODEL = Model(
    "tiny.tflite",
    "0" * 64,
    1,
    (
        Tensor(0, "x", (1, 4), "int8", Quantization((1.0,), (0,))),
        Tensor(1, "y", (1, 4), "int8", Quantization((0.5,), (0,))),
    ),
    (),
    (0,),
    (1,),
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache in a folder whose name has a blank."""
    folder = tmp_path / "my cache"
    monkeypatch.setenv("TINYPERF_CACHE", str(folder))
    return folder


def generated(on: Board, **changes: object) -> Generated:
    made = engines.FakeEngine().generate(MODEL, Target(on.core), {})
    return replace(made, **changes)  # type: ignore[arg-type]  # a table's values


def rendered(on: Board, made: Generated | None = None) -> tuple[Project, Generated, Toolset]:
    made = made or generated(on)
    toolset = build.find_toolset(on)
    return render(on, MODEL, made, benchmark=None, toolset=toolset), made, toolset


def built(on: Board, made: Generated | None = None, folder: Path | None = None) -> Image:
    return build.build_project(on, *rendered(on, made), folder=folder)


def test_host_image_answers() -> None:
    done = subprocess.run([built(HOST).path], input=b"name%", capture_output=True, check=True)
    assert done.stdout.endswith(b"m-ready\r\nm-name-dut-[tinyperf]\r\nm-ready\r\n")


def test_host_image_sleeps_while_nobody_talks_to_it() -> None:
    resource = pytest.importorskip("resource", reason="this system has no limits of resources")
    link = ProcessLink(built(HOST).path)
    while b"m-ready" not in link.read(5.0):
        pass
    compiled = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert link.read(0.5) == b""
    link.close()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - compiled.ru_utime - compiled.ru_stime < 0.1


def test_second_build_is_the_first_one_again() -> None:
    first, second = built(HOST), built(HOST)
    assert (first.cached, second.cached) == (False, True)
    assert replace(second, cached=False) == first


@pytest.mark.slow
def test_a_damaged_image_is_built_again() -> None:
    first = built(HOST)
    first.path.write_bytes(b"half an ima")
    again = built(HOST)
    assert not again.cached
    assert again.path.stat().st_size > 1000


def test_parallel_builds_of_the_same_thing_agree(own_cache: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        images = list(pool.map(lambda _: built(HOST), range(3)))
    assert len({image.path for image in images}) == 1
    assert [p.name for p in (own_cache / "builds").iterdir()] == [images[0].build_id]


def test_image_files_are_copied_where_asked(tmp_path: Path) -> None:
    image = built(HOST, folder=tmp_path / "out")
    assert (tmp_path / "out" / "firmware").read_bytes() == image.path.read_bytes()


def test_a_project_written_over_another_leaves_none_of_its_sources(tmp_path: Path) -> None:
    build.write(rendered(HOST, generated(HOST, sources={"old/model.c": "int x;\n"}))[0], tmp_path)
    (tmp_path / "src" / "mine.c").write_text("/* the user's own */\n")
    (tmp_path.parent / "outside").touch()
    with (tmp_path / files.LISTING).open("a") as listing:
        listing.write(f"{'0' * 64}  ../outside\n")
    build.write(rendered(HOST)[0], tmp_path)
    left = {p.relative_to(tmp_path / "src").as_posix() for p in (tmp_path / "src").rglob("*model.c")}
    assert left == {"model.c"}
    assert (tmp_path / "src" / "mine.c").is_file()
    assert (tmp_path.parent / "outside").is_file()


@needs_cross_compiler
@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="bare", marks=pytest.mark.slow),
        pytest.param({"PLATFORMIO_CORE_DIR": "elsewhere"}, id="own-core-folder", marks=pytest.mark.slow),
    ],
)
def test_pio_by_hand_builds_the_same_image_on_a_machine_that_never_ran_it(
    settings: dict[str, str], tmp_path: Path
) -> None:
    image = built(NUCLEO)
    assert image.bin
    project = rendered(NUCLEO)[0]
    folder, home = tmp_path / "by hand", tmp_path / "home"
    home.mkdir()
    build.write(project, folder)
    subprocess.run(
        [sys.executable, "-m", "platformio", "run"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(home)} | settings,
        check=True,
        capture_output=True,
        timeout=50,
    )
    made = folder / ".pio" / "build" / "nucleo_l4r5zi" / "firmware.bin"
    assert made.read_bytes() == image.bin.read_bytes()
    assert list(home.iterdir()) == []


@pytest.mark.slow
@needs_cross_compiler
def test_folders_meant_for_another_compiler_do_not_reach_a_build(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would make another image under the same build id, or none."""
    own_cache.mkdir(exist_ok=True)
    (own_cache / "stdint.h").write_text('#error "of another compiler"\n')
    for name in build.OF_GCC:
        monkeypatch.setenv(name, f"{own_cache}/")
    assert built(NUCLEO).bin


@pytest.mark.slow
@needs_cross_compiler
def test_memory_is_laid_out_as_the_board_file_says() -> None:
    source = engines.FAKE_MODEL_C.format(n_in=4, n_out=4, inputs="0", outputs="0").replace(
        "static int8_t input[4]", 'static int8_t input[4096] __attribute__((section(".arena"), aligned(16)))'
    )
    image = built(NUCLEO, generated(NUCLEO, sources={"model.c": source}, arena_bytes=4096))
    with image.path.open("rb") as file:
        elf = ELFFile(file)
        sections = {s.name: s for s in elf.iter_sections()}
        symbols = {s.name: s["st_value"] for s in elf.get_section_by_name(".symtab").iter_symbols()}
        machine = elf["e_machine"]
    assert machine == "EM_ARM"
    assert sections[".vectors"]["sh_addr"] == 0x08000000
    # The stack is at the bottom of the RAM: one that overflows leaves it, and faults.
    assert sections[".stack"]["sh_addr"] == 0x20000000
    assert symbols["tp_stack_top"] == 0x20000000 + sections[".stack"]["sh_size"]
    assert sections[".arena"]["sh_size"] == 4096
    assert sections[".arena"]["sh_addr"] == -(-(sections[".bss"]["sh_addr"] + sections[".bss"]["sh_size"]) // 16) * 16
    # Tables stay in flash.
    assert all(0x08000000 <= symbols[name] < 0x08200000 for name in ("tp_outputs",))
    loaded = sum(sections[name]["sh_size"] for name in (".vectors", ".text", ".data"))
    assert image.memory.flash_bytes is not None
    assert loaded <= image.memory.flash_bytes <= loaded + 16
    ram = sum(sections[name]["sh_size"] for name in (".stack", ".data", ".bss", ".arena"))
    assert (image.memory.ram_bytes, image.memory.arena_bytes) == (ram, 4096)
    assert image.bin
    assert image.build_id.encode() in image.bin.read_bytes()
    assert [file.suffix for file in image.files] == [".elf", ".bin", ".hex"]
    assert NUCLEO.memory
    (as_hex, as_bin) = (virtual.load(file, NUCLEO.memory.flash).segments for file in (image.files[2], image.bin))
    assert as_hex == as_bin


@needs_cross_compiler
@pytest.mark.slow
@pytest.mark.parametrize("clock_hz", [80_000_000, 24_000_000])
def test_other_clocks_compile(clock_hz: int) -> None:
    assert built(NUCLEO.model_copy(update={"clock_hz": clock_hz})).bin


@pytest.mark.slow
@needs_cross_compiler
def test_a_clock_that_the_chip_layer_does_not_know_is_named() -> None:
    with pytest.raises(BuildError, match="a clock that this file cannot set"):
        built(NUCLEO.model_copy(update={"clock_hz": 31_000_000}))


@pytest.mark.parametrize("on", [HOST, pytest.param(NUCLEO, marks=needs_cross_compiler)], ids=lambda b: b.name)
def test_a_compile_error_comes_with_its_command_and_the_project_is_kept(on: Board, own_cache: Path) -> None:
    broken = generated(on, sources={"model.c": "int x = missing;\n"})
    with pytest.raises(BuildError) as raised:
        built(on, broken)
    error = raised.value
    assert error.exit_code == 3
    assert "model.c:1" in error.seen
    assert "error:" in error.seen
    assert "gcc" in error.means or "cc -" in error.means
    assert "src/model.c" in error.means
    (kept,) = (own_cache / "failed").iterdir()
    assert str(kept) in error.hint
    assert "error:" in (kept / "build.log").read_text()


@needs_cross_compiler
def test_a_link_error_comes_with_its_command() -> None:
    with pytest.raises(BuildError) as raised:
        built(NUCLEO, generated(NUCLEO, sources={"model.c": "typedef int nothing;\n"}))
    assert "undefined reference to `tp_model_init'" in raised.value.seen
    assert "firmware.elf" in raised.value.means


def test_a_model_that_does_not_fit_is_refused_before_anything_is_built(own_cache: Path) -> None:
    with pytest.raises(BuildError, match=r"needs 648,000 bytes of RAM .* has 647,168"):
        build.check_fits(NUCLEO, generated(NUCLEO, arena_bytes=648_000))
    build.check_fits(NUCLEO, generated(NUCLEO, arena_bytes=600_000))
    with pytest.raises(BuildError, match=r"weights take 3,000,000 bytes"):
        build.check_fits(NUCLEO, generated(NUCLEO, weights_bytes=3_000_000))
    build.check_fits(NUCLEO, generated(NUCLEO, arena_bytes=247_168, weights_bytes=400_000, resident_bytes=400_000))
    with pytest.raises(BuildError, match=r"400,000 bytes of RAM with weights=ram, .* 255,376 beside them; .* 655,360"):
        build.check_fits(NUCLEO, generated(NUCLEO, arena_bytes=247_184, weights_bytes=400_000, resident_bytes=400_000))
    assert not own_cache.exists()


@pytest.mark.parametrize(
    ("on", "words"),
    [
        pytest.param(HOST, "no C compiler", id="host"),
        pytest.param(NUCLEO, "arm-none-eabi-gcc is not on PATH", id="arm"),
    ],
)
def test_an_absent_compiler_is_said_at_once(
    on: Board, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(tmp_path))
    with pytest.raises(BuildError, match=words) as raised:
        build.find_toolset(on)
    assert "apt-get install" in raised.value.hint
    assert raised.value.exit_code == 3
    assert build.find_toolset(on, need=False).form == ("native" if on is HOST else "online")


def test_platformio_with_its_own_compiler_serves_where_there_is_none_on_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLATFORMIO_CORE_DIR", str(tmp_path))
    (tmp_path / "platforms" / "ststm32").mkdir(parents=True)
    package = tmp_path / "packages" / "toolchain-gccarmnoneeabi"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"name": "toolchain-gccarmnoneeabi", "version": "1.120301.0"}')
    found = build.find_toolset(NUCLEO)
    assert (found.form, found.compiler) == ("online", "toolchain-gccarmnoneeabi 1.120301.0 (PlatformIO)")
    assert build.platformio_folders(rendered(NUCLEO)[0]) == {
        "PLATFORMIO_CORE_DIR": str(tmp_path)
    }  # built with what was found


@needs_cross_compiler
def test_absent_platformio_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "find_spec", lambda _: None)
    with pytest.raises(BuildError, match="PlatformIO is not installed"):
        built(NUCLEO)


def test_a_cache_that_cannot_be_written_is_a_disk_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TINYPERF_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(DiskError) as raised:
        built(HOST)
    assert "TINYPERF_CACHE" in raised.value.hint


def test_a_full_disk_is_called_that() -> None:
    with pytest.raises(DiskError) as raised, build.disk_errors(Path("there"), "choose a folder"):
        raise OSError(errno.ENOSPC, "No space left on device", "there/firmware.elf")
    assert raised.value.means == "the disk is full"
    assert raised.value.hint == "make room, or choose a folder with room"
    assert "there/firmware.elf" in raised.value.seen


def test_a_compiler_that_ran_out_of_disk_is_no_compile_error(tmp_path: Path) -> None:
    failed = build.failure(tool.Step(("gcc",), 1.0), tmp_path, "cc1: fatal error: No space left on device\n")
    assert isinstance(failed, DiskError)


def test_a_registry_out_of_reach_is_explained(tmp_path: Path) -> None:
    failed = build.failure(tool.Step(("pio",), 1.0), tmp_path, "HTTPClientError: \n")
    assert isinstance(failed, BuildError)
    assert "tried to download" in failed.seen
