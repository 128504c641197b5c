"""Project -> disk -> image. The one place that starts compilers; built images are kept, addressed by their build id."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shlex
import shutil
import sys
import tempfile
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tinyperf import engines, folders, tool
from tinyperf.board import shipped as shipped_boards
from tinyperf.engines import Target, Workshop
from tinyperf.errors import BuildError, DiskError, SizeError
from tinyperf.firmware import files, streaming
from tinyperf.firmware.render import STACK_BYTES, Project, Toolset, native_command, render
from tinyperf.formats import ihex, uf2
from tinyperf.result import Memory, Toolchain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from tinyperf.benchmark import Benchmark
    from tinyperf.board import Board, PlatformIO
    from tinyperf.cores import Feature
    from tinyperf.engines import Engine, Generated
    from tinyperf.tflite import Model

    Start = Callable[[Board, Path], str]
    """Starts an image on a virtual board; what it says from reset to its first m-ready."""

CROSS_COMPILER = "arm-none-eabi-gcc"
TIMEOUT_S = 1800  # the first build of an interpreter's whole library takes minutes
RECORD = "image.json"
LOG = "build.log"
KERNEL_FEATURES: frozenset[Feature] = frozenset({"dsp", "mve"})
"""What decides which kernels an interpreter's library compiles to, and with them how much scratch memory they take."""


@dataclass(frozen=True)
class Image:
    """A built firmware. `path`: the ELF, or the executable of board `host`; `bin`: flash contents, None for `host`.

    `folder`: the project it was built from. `form`: how (render.Form). `cached`: it was there already.
    """

    path: Path
    bin: Path | None
    build_id: str
    memory: Memory
    toolchain: Toolchain
    generated: Generated
    folder: Path
    form: str
    cached: bool

    @property
    def files(self) -> tuple[Path, ...]:
        """All of it: .elf, .bin, .hex, and .uf2 for a board whose drive wants that."""
        others = [self.bin.with_suffix(suffix) for suffix in (".bin", ".hex", ".uf2")] if self.bin else []
        return tuple(file for file in (self.path, *others) if file.is_file())

    @property
    def code_bytes(self) -> int | None:
        """Flash without the weights, or the model file; None for board `host`."""
        flash_bytes = self.memory.flash_bytes
        return flash_bytes - self.generated.weights_bytes if flash_bytes else None


def build(
    board: Board,
    model: Model,
    *,
    benchmark: Benchmark | None,
    engine: str,
    engine_options: Mapping[str, str] | None = None,
    energy: bool = False,
    folder: Path | None = None,
    start: Start | None = None,
) -> Image:
    """The image of one model on one board; from the cache where the same was built before.

    Args: folder: also put the image files here. start: starts an image on a virtual board, for engines that measure.
    Raises: BuildError: no compiler, no PlatformIO, does not compile or fit. DiskError: cannot write.
        ModelError, UsageError: as the engine and `render` say.
    """
    project, generated, toolset = prepare(
        board, model, benchmark=benchmark, engine=engine, engine_options=engine_options, energy=energy, start=start
    )
    return build_project(board, project, generated, toolset, folder=folder)


def build_project(
    board: Board, project: Project, generated: Generated, toolset: Toolset, *, folder: Path | None = None
) -> Image:
    """The image of a rendered project. Arguments and errors: as `build`."""
    check_fits(board, generated)
    if toolset.form != "native" and find_spec("platformio") is None:
        raise BuildError(
            "PlatformIO is not installed beside tinyperf", hint=f"{sys.executable} -m pip install platformio scons"
        )
    kept = folders.cache() / "builds" / project.build_id
    with disk_errors(kept, "set TINYPERF_CACHE to a folder"):
        cached = _intact(kept)
        if not cached:
            _build_into(kept, project)
        image = _image(kept, board, project, generated, toolset, cached=cached)
        _write_formats(image, board)
    if folder is not None:
        with disk_errors(folder, "choose a folder"):
            folder.mkdir(parents=True, exist_ok=True)
            for file in image.files:
                shutil.copy2(file, folder / file.name)
    return image


def _write_formats(image: Image, board: Board) -> None:
    """The flash contents as other tools want them, beside the .bin; each whole, since another process may read it."""
    if image.bin is None or board.memory is None:
        return
    origin, contents = board.memory.flash.origin, image.bin.read_bytes()
    formats = {".hex": ihex.encode(origin, contents).encode("ascii")}
    if board.flash.uf2_family is not None:
        formats[".uf2"] = uf2.encode(origin, contents, board.flash.uf2_family)
    for suffix, data in formats.items():
        part = image.bin.with_suffix(f"{suffix}.{os.getpid()}")
        part.write_bytes(data)
        part.replace(image.bin.with_suffix(suffix))


def generate(
    board: Board,
    model: Model,
    *,
    benchmark: Benchmark | None,
    engine: str,
    engine_options: Mapping[str, str] | None = None,
    energy: bool = False,
    folder: Path,
    force: bool = False,
) -> Project:
    """The complete project written to `folder`, not built.

    Raises: DiskError: cannot write. UsageError: files there were edited, and not `force`. Otherwise as `build`.
    """
    project, _, _ = prepare(
        board, model, benchmark=benchmark, engine=engine, engine_options=engine_options, energy=energy, need=False
    )
    with disk_errors(folder, "choose a folder"):
        write(project, folder, force=force)
    return project


def prepare(
    board: Board,
    model: Model,
    *,
    benchmark: Benchmark | None,
    engine: str,
    engine_options: Mapping[str, str] | None = None,
    energy: bool = False,
    need: bool = True,
    start: Start | None = None,
) -> tuple[Project, Generated, Toolset]:
    """Sources, project and the tools for it. `need`: what is missing to build with is an error already."""
    name, given = engines.parse_engine(engine)
    maker = engines.engine(name)
    workshop = Workshop(board=board, builds=need, cache=folders.cache())
    if start is not None:
        workshop = _with_bench(workshop, model, maker, benchmark, start)
    options = maker.prepare(model, {**given, **(engine_options or {})}, workshop)
    if benchmark is not None and benchmark.streams:
        model = streaming.model_of(model, maker, options)
    toolset = find_toolset(board, need=need)
    generated = maker.generate(model, Target.of(board), options)
    project = render(board, model, generated, benchmark=benchmark, energy=energy, toolset=toolset)
    return project, generated, toolset


def _with_bench(workshop: Workshop, model: Model, maker: Engine, benchmark: Benchmark | None, start: Start) -> Workshop:
    """The workshop with a virtual board that an engine may start its firmware on."""
    bench = bench_for(workshop.board)
    if bench is None:
        return replace(workshop, start=lambda _: "")  # the engine says what it cannot do without a bench

    def started(options: Mapping[str, str]) -> str:
        toolset = find_toolset(bench)
        generated = maker.generate(model, Target.of(bench), options)
        project = render(bench, model, generated, benchmark=benchmark, energy=False, toolset=toolset)
        return start(bench, build_project(bench, project, generated, toolset).path)

    return replace(workshop, bench=bench, start=started)


def bench_for(board: Board) -> Board | None:
    """The virtual board that stands in for `board`: itself, else one with its kernels, the most alike first."""
    virtual = [one for one in (board, *shipped_boards()) if one.emulator and one.emulator.engine == "unicorn"]
    if board in virtual:
        return board
    wanted = board.core.features & KERNEL_FEATURES
    built = [one for one in virtual if one.verified != "images"]
    alike = [one for one in built if one.core.features & KERNEL_FEATURES == wanted]

    def unlike(one: Board) -> tuple[bool, ...]:
        """Another core, another architecture, a framework from a network to build, an error that was never measured."""
        core = one.core
        other = core.name != board.core.name, core.architecture != board.core.architecture
        return *other, one.framework is not None, one.emulator is None or one.emulator.error_percent is None

    return min(alike, key=unlike, default=None)


def check_fits(board: Board, generated: Generated) -> None:
    """Refuses an arena that cannot fit, before a linker says so in its own words.

    Raises: BuildError.
    """
    if board.memory is None:
        return
    room = board.memory.arena_room_bytes(STACK_BYTES)
    region = board.memory.place(room)
    if generated.arena_bytes > room:
        raise SizeError(
            f"the model needs {generated.arena_bytes:,} bytes of RAM for its tensors; "
            f"{board.name} has {room:,} at {region.origin:#x}",
            hint="choose a smaller model or a board with more RAM",
        )
    _check_resident(board, generated)
    if generated.weights_bytes > board.memory.flash.bytes:
        raise SizeError(
            f"the model's weights take {generated.weights_bytes:,} bytes; "
            f"{board.name} has {board.memory.flash.bytes:,} bytes of flash",
            hint="choose a smaller model or a board with more flash",
        )


def _check_resident(board: Board, generated: Generated) -> None:
    memory = board.memory
    if memory is None:
        return
    data = memory.place_resident(generated.arena_bytes, generated.resident_bytes)
    beside_bytes = STACK_BYTES + (generated.arena_bytes if memory.place(generated.arena_bytes) is memory.ram else 0)
    if data is memory.ram and generated.resident_bytes + beside_bytes > memory.ram.bytes:
        raise SizeError(
            f"the model's weights take {generated.resident_bytes:,} bytes of RAM with weights=ram, and stack and "
            f"tensors {beside_bytes:,} beside them; {board.name} has {memory.ram.bytes:,} at {memory.ram.origin:#x}",
            hint="leave weights=ram out: they are read from flash then",
        )


# Tools.


def find_toolset(board: Board, *, need: bool = True) -> Toolset:
    """What there is to build for this board: the cross compiler of PATH, else PlatformIO's own packages.

    Raises: BuildError: neither (only if `need`).
    """
    if board.memory is None:
        return _native_toolset(need=need)
    scons = _scons_version()
    if shutil.which(CROSS_COMPILER) and (board.platformio is None or board.platformio.framework is None):
        return Toolset("offline", compiler_version((CROSS_COMPILER,)), scons)
    if board.platformio and platform_folder(board.platformio).is_dir():
        return Toolset("online", _packaged_compiler(board), scons)
    if need:
        raise _nothing_to_build_with(board)
    return Toolset("online" if board.platformio else "offline", "", scons)


def platform_folder(platformio: PlatformIO) -> Path:
    """Where the platform of `ststm32@19.6.0` is installed, if it is."""
    return folders.platformio() / "platforms" / platformio.platform.partition("@")[0].rpartition("/")[2]


def _nothing_to_build_with(board: Board) -> BuildError:
    online = board.platformio
    if online and online.framework:
        return BuildError(
            f"PlatformIO's platform {online.platform} is not installed in {platform_folder(online).parent}",
            means=f"board '{board.name}' is built with the {online.framework} framework, which that platform brings",
            hint=f"where its registry can be reached: pio pkg install --global --platform {online.platform}",
        )
    return BuildError(
        f"{CROSS_COMPILER} is not on PATH",
        means="and PlatformIO has no compiler of its own for this board either",
        hint="install it (Debian: apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi)",
    )


def _native_toolset(*, need: bool) -> Toolset:
    compiler = tool.host_compiler()
    if compiler is None:
        if need:
            raise BuildError(
                "no C compiler (cc, gcc or clang) is on PATH",
                means="board 'host' is this computer, so its own compiler is needed",
                hint="install one (Debian: apt-get install gcc libc6-dev)",
            )
        return Toolset("native")
    return Toolset("native", compiler_version(compiler))


def compiler_version(compiler: tuple[str, ...]) -> str:
    """First line of `--version`.

    Raises: BuildError: it does not run.
    """
    outcome = tool.run(tool.Step((*compiler, "--version"), 30), cwd=Path.cwd(), env=_environment())
    if outcome.status != 0:
        said = outcome.output.strip().partition("\n")[0] or "nothing"
        raise BuildError(
            f"'{shlex.join(compiler)} --version' failed and said {said}",
            means="it is no working compiler",
            hint="mend it, or put another first on PATH",
        )
    return outcome.output.partition("\n")[0].strip()


def _packaged_compiler(board: Board) -> str:
    """The compiler package of the online form: as installed, else as asked for."""
    for manifest in sorted(folders.platformio().glob("packages/toolchain-gccarmnoneeabi*/package.json")):
        found = json.loads(manifest.read_text(encoding="utf-8"))
        return f"{found.get('name')} {found.get('version')} (PlatformIO)"
    return ", ".join(board.platformio.packages) if board.platformio else ""


def _scons_version() -> str:
    """The version of tool-scons that the installed PlatformIO asks for; that of the pinned one where there is none."""
    if find_spec("platformio") is None:
        return Toolset("offline").scons_version
    from platformio.dependencies import get_core_dependencies

    return str(get_core_dependencies()["tool-scons"]).lstrip("~^=")


def platformio_command() -> tuple[str, ...]:
    """Builds the project in the working directory, showing every command."""
    return (sys.executable, "-m", "platformio", "run", "--verbose", "--jobs", str(os.cpu_count() or 1))


# They give GCC headers, libraries and parts of other folders: another image, or none, under the same build id.
OF_GCC = frozenset(
    ("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "LIBRARY_PATH", "COMPILER_PATH", "GCC_EXEC_PREFIX")
)


def _environment(without: AbstractSet[str] = frozenset()) -> dict[str, str]:
    """Ours, without settings that would point PlatformIO out of the project; no telemetry, no colours."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PLATFORMIO_") and k not in without}
    return kept | {"PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no", "PLATFORMIO_NO_ANSI": "true", "LC_ALL": "C"}


def platformio_folders(project: Project) -> dict[str, str]:
    """Where PlatformIO finds what is not in the project: the packages that `find_toolset` saw, for the online form; and
    a library is fetched once, and compiled once per board and flags, whatever project it is for."""
    places = {"PLATFORMIO_CORE_DIR": str(folders.platformio())} if project.form == "online" else {}
    description = project.files.get("platformio.ini", "")
    if "\nlib_deps" not in description:
        return places
    places["PLATFORMIO_BUILD_CACHE_DIR"] = str(folders.cache() / "objects")
    if "https://" in description:
        places["PLATFORMIO_LIBDEPS_DIR"] = str(folders.cache() / "libraries")
    return places


def _run(
    argv: Sequence[str],
    folder: Path,
    *,
    timeout_s: float = TIMEOUT_S,
    env: Mapping[str, str] | None = None,
    without: AbstractSet[str] = frozenset(),
) -> str:
    """Runs a tool to its end; stdout and stderr together. `without`: settings of ours that it shall not see.

    Raises: BuildError: it failed, cannot be started, or ran past the limit. DiskError: it ran out of disk.
    """
    step = tool.Step(tuple(argv), timeout_s)
    outcome = tool.run(step, cwd=folder, env=_environment(without) | dict(env or {}))
    if outcome.status is None:
        raise BuildError(f"{step.command} did not end within {timeout_s:g} s", hint=f"run it by hand in {folder}")
    if outcome.status == -1:
        raise BuildError(f"{argv[0]} cannot be started: {outcome.output}", hint="check the tool on PATH")
    if outcome.status != 0:
        raise failure(step, folder, outcome.output)
    return outcome.output


def failure(step: tool.Step, folder: Path, output: str) -> BuildError | DiskError:
    """What a failed build says, cut down to the errors and the command that made them."""
    (folder / LOG).write_text(output, encoding="utf-8")
    if "No space left on device" in output:
        return DiskError(f"the compiler ran out of disk space in {folder}", hint="make room, then run it again")
    if "HTTPClientError" in output:
        return BuildError(
            "PlatformIO tried to download a package and could not",
            means="a package of the online form is not installed, and the registry is out of reach",
            hint=f"install {CROSS_COMPILER} (Debian: gcc-arm-none-eabi), which needs no download",
        )
    if over := _OVERFLOW.search(output):
        return SizeError(
            f"{OVER[over['region']]} take {int(over['bytes']):,} bytes more than the {over['region']} has",
            hint="choose a smaller model or a board with more memory",
        )
    errors, command = explain(output)
    return BuildError(
        "\n".join(errors) or "\n".join(output.strip().splitlines()[-8:]) or f"{step.argv[0]} failed without a word",
        means=f"failing command: {command or step.command}",
        hint=f"the project and its {LOG} are kept in {folder}",
    )


OVER = dict.fromkeys(("RAM", "ARENA"), "stack, data and the model's tensors") | {"FLASH": "code and weights"}
_OVERFLOW = re.compile(r"region [`'](?P<region>RAM|ARENA|FLASH)' overflowed by (?P<bytes>\d+) bytes")
_ERROR = re.compile(
    r"(?P<file>[^\s:]+\.\w+):\d+(?::\d+)?: (?:fatal )?error: |.*(?:undefined reference|/ld: |ld returned)"
)


def explain(output: str) -> tuple[list[str], str]:
    """The first error lines of a verbose build, and the compiler call that they came from ("" if not found)."""
    lines = output.splitlines()
    errors = [line for line in lines if _ERROR.match(line)][:6]
    if not errors:
        return [], ""
    match = _ERROR.match(errors[0])
    file = match["file"] if match else None
    calls = [line for line in lines if re.match(r"\S*(?:gcc|g\+\+|cc|clang)\S* ", line) and not _ERROR.match(line)]
    source = [line for line in calls if file and line.split()[-1].endswith(file)]
    link = [line for line in calls if " -c " not in line]
    return errors, next(iter(source or link or calls), "")


# Files.


@contextlib.contextmanager
def disk_errors(where: Path, hint: str) -> Iterator[None]:
    """An OSError inside becomes a DiskError about `where`."""
    try:
        yield
    except OSError as exc:
        full = exc.errno in {errno.ENOSPC, errno.EDQUOT}
        raise DiskError(
            f"cannot write {exc.filename or where}: {exc.strerror}",
            means="the disk is full" if full else "",
            hint=f"make room, or {hint} with room" if full else f"{hint} that can be written",
        ) from exc


def write(project: Project, folder: Path, *, force: bool = False) -> None:
    """Writes the project as `files.write` does."""
    files.write(project.files, folder, force=force)
    if project.form == "native":
        (folder / "build.sh").chmod(0o755)


def _artifacts(folder: Path, project: Project) -> tuple[Path, Path | None]:
    if project.form == "native":
        return folder / "firmware", None
    built = folder / ".pio" / "build" / project.environment
    return built / "firmware.elf", built / "firmware.bin"


def _build_into(kept: Path, project: Project) -> None:
    """Builds beside `kept` and moves the result there whole, so that nobody ever sees half a build."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{project.build_id}-", dir=kept.parent))
    try:
        write(project, work)
        try:
            _compile(work, project)
        except BuildError as exc:
            raise _moved_aside(exc, work, project.build_id) from exc
        path, image = _artifacts(work, project)
        digests = {str(p.relative_to(work)): _sha256(p) for p in (path, image) if p}
        (work / RECORD).write_text(json.dumps({"sha256": digests}, indent=2) + "\n", encoding="utf-8")
        _put(work, kept)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _compile(folder: Path, project: Project) -> None:
    if project.form != "native":
        _run(platformio_command(), folder, env=platformio_folders(project), without=OF_GCC)
        return
    sources = sorted(name for name in project.files if name.endswith(".c"))
    _run((*native_command(tool.host_compiler() or ("cc",), project.flags, "firmware"), *sources), folder)


def _moved_aside(error: BuildError, work: Path, build_id: str) -> BuildError:
    """The same error, with the project kept in `failed/`, where it can be looked at."""
    failed = folders.cache() / "failed" / build_id
    shutil.rmtree(failed, ignore_errors=True)
    failed.parent.mkdir(parents=True, exist_ok=True)
    work.rename(failed)
    return BuildError(
        error.seen.replace(str(work), str(failed)),
        means=error.means.replace(str(work), str(failed)),
        hint=error.hint.replace(str(work), str(failed)),
    )


def _put(work: Path, kept: Path) -> None:
    """Moves a finished build into place; a build that was quicker is as good."""
    if kept.exists() and not _intact(kept):
        shutil.rmtree(kept)
    try:
        work.rename(kept)
    except OSError:
        if not _intact(kept):
            raise


def _intact(kept: Path) -> bool:
    """A finished build whose image is still what was built."""
    try:
        record = json.loads((kept / RECORD).read_text(encoding="utf-8"))["sha256"]
        return bool(record) and all(_sha256(kept / name) == digest for name, digest in record.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _image(
    folder: Path, board: Board, project: Project, generated: Generated, toolset: Toolset, *, cached: bool
) -> Image:
    path, flash_image = _artifacts(folder, project)
    flash_bytes, ram_bytes = (None, None) if board.memory is None else section_bytes(path, board)
    return Image(
        path=path,
        bin=flash_image,
        build_id=project.build_id,
        memory=Memory(flash_bytes, ram_bytes, generated.arena_bytes),
        toolchain=Toolchain(toolset.compiler, shlex.join(project.flags.compile_c)),
        generated=generated,
        folder=folder,
        form=project.form,
        cached=cached,
    )


def section_bytes(elf: Path, board: Board) -> tuple[int, int]:
    """Bytes of flash and of RAM that the linker gave out: code, constants and initial values; data, stack and arena."""
    from elftools.elf.constants import SH_FLAGS
    from elftools.elf.elffile import ELFFile

    memory = board.memory
    regions = [r for r in (memory.ram, memory.arena) if r] if memory else []
    flash = ram = 0
    with elf.open("rb") as file:
        for section in ELFFile(file).iter_sections():
            if not section["sh_flags"] & SH_FLAGS.SHF_ALLOC:
                continue
            if section["sh_type"] != "SHT_NOBITS":
                flash += section["sh_size"]
            if any(r.origin <= section["sh_addr"] < r.origin + r.bytes for r in regions):
                ram += section["sh_size"]
    return flash, ram
