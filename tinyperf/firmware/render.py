"""A model's sources, the firmware around them and a board's description become a complete project, as values.

Pure: the templates are read, nothing is written or started. Same arguments, same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tinyperf import __version__, content, templates, wakeword, wire
from tinyperf.ctext import c_array, c_comment, c_float, c_identifier, c_int, c_string
from tinyperf.errors import BuildError, ContentError, UsageError
from tinyperf.firmware import streaming

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinyperf.benchmark import Benchmark
    from tinyperf.board import Board
    from tinyperf.engines import Generated
    from tinyperf.tflite import Model, Tensor

Form = Literal["offline", "online", "native"]
"""How a project is built: PlatformIO with the compiler of PATH; PlatformIO with packages from its registry; one call
of this computer's own compiler."""

PLATFORM = "tinyperf-cortexm"
NO_BUILD_ID = "0" * 32
STACK_BYTES = 8192
ALIGNMENT = 16
DATA_BYTES = 1024
"""At most, of all that a firmware has of initialized data beside weights."""
COMMAND_CHARS = 80
# "db " and 512 bytes in hex. Large inputs get the longer commands: 80 characters make 728 round trips of one picture.
LONG_COMMAND_CHARS = 3 + 2 * 512
LONG_INPUT_BYTES = 1024

WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion", "-Wdouble-promotion", "-Wvla")
C_FLAGS = ("-std=c99", "-Wmissing-prototypes")
CXX_FLAGS = ("-std=c++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics")
# No contraction: the error of anomaly detection is float32, and a fused multiply-add rounds differently.
COMMON_FLAGS = ("-O2", "-ffp-contract=off", "-fno-common", "-ffunction-sections", "-fdata-sections")
# A framework has a main, a linker script without our section, and receive buffers too small for a burst of commands.
FRAMEWORK_FLAGS = ("-DTP_MAIN=tp_main", "-DTP_ARENA_IN_BSS", "-DSERIAL_RX_BUFFER_SIZE=256")
INCLUDES = ("-Isrc", "-Isrc/app", "-Isrc/mcu")
CORTEXM = "cortexm"
"""The folder of mcu/ that every bare-metal chip gets beside its own: start-up, faults, receive ring, idle."""
FAMILIES = ("an", "rp2", "stm32", "stm32u")
"""Folders of mcu/ that every bare-metal chip gets whose own folder's name begins so; the wider first."""


@dataclass(frozen=True)
class Toolset:
    """What the project will be built with. `compiler`: its version line, part of the build id.

    `scons_version`: of the package tool-scons that the installed PlatformIO asks for (4.11.1 is 4.41101.0).
    """

    form: Form
    compiler: str = ""
    scons_version: str = "4.41101.0"


@dataclass(frozen=True)
class Flags:
    """Compiler flags by what they are for; all but `warnings` also reach libraries."""

    common: tuple[str, ...]
    warnings: tuple[str, ...]
    c: tuple[str, ...]
    cxx: tuple[str, ...]
    link: tuple[str, ...]

    @property
    def compile_c(self) -> tuple[str, ...]:
        """Everything that a C file is compiled with, as stated in results."""
        return (*self.common, *self.warnings, *self.c)


@dataclass(frozen=True)
class Project:
    """Every file of the project (path below its folder -> contents).

    `build_id`: 32 hex digits over sources, flags, libraries and compiler version; compiled into the image.
    `environment`: the PlatformIO environment, whose name is also the folder of the image below `.pio/build`.
    `warnings`: what the engine has to say to the user.
    """

    files: Mapping[str, str]
    build_id: str
    form: Form
    flags: Flags
    environment: str
    warnings: tuple[str, ...] = ()


# The context of each template, field for field.


@dataclass(frozen=True)
class ConfigHeader:
    origin: str
    build_id: str
    model_id: str
    vendor: str
    clock_hz: str
    baud: str
    energy_mode: str
    pins: tuple[tuple[str, str, str], ...]
    command_chars: str
    streaming: str
    stream_frames: str
    stream_activations: str
    buffer_bytes: str
    input_bytes: str
    input_types: str
    inputs: str
    outputs: str
    input_rule: str
    input_elements: str
    input_scale: str
    input_zero_point: str


@dataclass(frozen=True)
class ConfigTables:
    origin: str
    input_bytes: str
    input_rule: str
    input_codes: str
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class LinkerScript:
    origin: str
    flash_origin: str
    flash_bytes: str
    ram_origin: str
    ram_bytes: str
    own_arena: bool
    arena_origin: str
    arena_bytes: str
    arena_region: str
    data_region: str
    resident_bytes: str
    stack_bytes: str


@dataclass(frozen=True)
class PlatformioIni:
    origin: str
    environment: str
    offline: bool
    platform: str
    board: str
    framework: str
    packages: tuple[str, ...]
    own_linker_script: bool
    build_flags: tuple[str, ...]
    source_flags: tuple[str, ...]
    libraries: tuple[str, ...]
    options: tuple[str, ...]


@dataclass(frozen=True)
class ExtraScript:
    origin: str
    c_flags: str
    cxx_flags: str
    link_flags: str
    skipped: str


@dataclass(frozen=True)
class Readme:
    title: str
    origin: str
    board: str
    arena_bytes: int
    weights_bytes: int
    kernels: str
    build: str
    note: str
    baud: int


Context = Readme | ConfigHeader | ConfigTables | LinkerScript | PlatformioIni | ExtraScript

TEMPLATES: dict[str, type[Context]] = {
    "app/tp_config.h.j2": ConfigHeader,
    "app/tp_config.c.j2": ConfigTables,
    "project/ldscript.ld.j2": LinkerScript,
    "project/platformio.ini.j2": PlatformioIni,
    "project/extra.py.j2": ExtraScript,
    "project/README.md.j2": Readme,
}


def render(
    board: Board,
    model: Model,
    generated: Generated,
    *,
    benchmark: Benchmark | None,
    energy: bool = False,
    toolset: Toolset | None = None,
) -> Project:
    """The complete project for one model on one board.

    Args:
        generated: the engine's sources for `model` on this board.
        benchmark: whose inputs and results the firmware speaks; None: the tensors themselves in, real values out.
        energy: 9600 baud and pulses on the timestamp pin instead of text.
        toolset: None: this computer's compiler for a board that is a process, else PlatformIO offline.
    Raises: ModelError: the model is not one of this benchmark. UsageError: the board lacks what is asked for.
        ContentError: the board file names an mcu folder or a form that does not exist.
    """
    toolset = toolset or Toolset("native" if board.memory is None else "offline")
    if energy and board.timestamp_pin is None:
        raise UsageError(
            f"board '{board.name}' has no timestamp pin", hint="energy mode needs one: choose a board that names it"
        )
    wire.check_model(model, benchmark)
    flags = _flags(board, generated)
    origin = _origin(board, model)
    files = _static_sources(board, streams=benchmark is not None and benchmark.streams)
    if benchmark is not None and benchmark.streams:
        files[f"src/app/{streaming.TABLES}"] = streaming.tables(origin)
    for path, text in generated.sources.items():
        files[f"src/{path}"] = text
    if board.memory is not None and board.framework is None:
        files["ldscript.ld"] = templates.render("project/ldscript.ld.j2", _linker_script(board, generated, origin))
    header = _config_header(board, model, benchmark, energy=energy, origin=origin)
    files["src/app/tp_config.h"] = templates.render("app/tp_config.h.j2", header)
    files["src/app/tp_config.c"] = templates.render("app/tp_config.c.j2", _config_tables(model, benchmark, origin))
    build_id = _build_id(files, flags, (toolset.compiler, *generated.libraries, *generated.skipped_sources))
    files["src/app/tp_config.h"] = files["src/app/tp_config.h"].replace(NO_BUILD_ID, build_id)
    environment = re.sub(r"[^a-z0-9]+", "_", board.name.lower())
    files |= _project_files(board, generated, flags, toolset, (origin, environment))
    readme = _readme(board, model, generated, toolset, energy=energy)
    files["README.md"] = templates.render("project/README.md.j2", readme)
    return Project(dict(sorted(files.items())), build_id, toolset.form, flags, environment, generated.warnings)


def target_flags(board: Board) -> tuple[str, ...]:
    """GCC's machine flags, for the compile and the link line alike; none for this computer."""
    return board.core.gcc_flags


# Parts of the project.


def _origin(board: Board, model: Model) -> str:
    made = f"Made by tinyperf {__version__} from {model.name} (sha256 {model.sha256}) for {board.name}; do not edit."
    return c_comment(made)


def _readme(board: Board, model: Model, generated: Generated, toolset: Toolset, *, energy: bool) -> Readme:
    notes = {
        "offline": " with the compiler of PATH; nothing is downloaded",
        "online": " with packages that PlatformIO downloads",
        "native": " with this computer's compiler",
    }
    return Readme(
        title=c_comment(f"{model.name} on {board.title}"),
        origin=_origin(board, model).replace("; do not edit", ""),
        board=c_comment(f"{board.title}, {board.core.title}"),
        arena_bytes=generated.arena_bytes,
        weights_bytes=generated.weights_bytes,
        kernels=c_comment(generated.details.kernels),
        build="./build.sh" if toolset.form == "native" else "pio run",
        note=notes[toolset.form],
        baud=board.serial.energy_baud if energy else board.serial.baud,
    )


def _static_sources(board: Board, *, streams: bool) -> dict[str, str]:
    """The application and the chip layer, as they are; with what takes sound where the firmware `streams`."""
    templates = content.shipped("firmware_templates")
    known = sorted({path.name for path in (templates / "mcu").iterdir() if path.is_dir()} - {CORTEXM, *FAMILIES})
    if board.mcu not in known:
        raise ContentError(
            f"board '{board.name}': there is no mcu '{board.mcu}'", hint=f"choose one of {', '.join(known)}"
        )
    shared: tuple[str, ...] = ()
    if board.memory is not None and board.framework is None:
        shared = (CORTEXM, *(family for family in FAMILIES if board.mcu.startswith(family)))
    found = {}
    # What the chip has under the same name stands in place of the common file.
    folders = [templates / "app", *(templates / "mcu" / name for name in (*shared, board.mcu))]
    for folder in [*folders, *(streaming.folders(templates, board) if streams else ())]:
        place = "mcu" if folder.is_relative_to(templates / "mcu") else "app"
        for path in sorted(folder.iterdir()):
            if path.is_file() and path.suffix != ".j2":
                found[f"src/{place}/{path.name}"] = path.read_text(encoding="utf-8")
    if streams and "src/mcu/tp_audio.c" in found:
        del found[f"src/app/{streaming.NO_AUDIO}"]
    return found


def _flags(board: Board, generated: Generated) -> Flags:
    # None for this computer: the linkers of other systems do not know the option.
    link: tuple[str, ...] = ("-Wl,--gc-sections",) if board.memory is not None else ()
    if board.memory is not None and board.framework is None:
        link = (*link, "-nostartfiles", "--specs=nano.specs", "--specs=nosys.specs", *target_flags(board))
    common = (*target_flags(board), *COMMON_FLAGS, *INCLUDES, *generated.build_flags)
    if board.framework is not None:
        # Language standards are the framework's: these flags would reach its own sources too.
        return Flags((*common, *FRAMEWORK_FLAGS), WARNINGS, (), (), link)
    return Flags(common, WARNINGS, C_FLAGS, CXX_FLAGS, link)


def _build_id(files: Mapping[str, str], flags: Flags, others: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    parts = [item for pair in sorted(files.items()) for item in pair]
    for part in (*parts, repr(flags), *others):
        data = part.encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:32]


def _pins(board: Board) -> tuple[tuple[str, str, str], ...]:
    """The pins that the board names, each with its port and its number: PF13, P1.03, GP16; a framework's as it is."""
    named = [("TIMESTAMP", board.timestamp_pin), ("SERIAL_TX", board.serial.tx), ("SERIAL_RX", board.serial.rx)]
    if board.sound is not None:
        named += [("PROCESSING", board.sound.processing_pin), ("DETECTED", board.sound.detected_pin)]
    return tuple((what, *_pin(name)) for what, name in named if name is not None)


def _pin(name: str) -> tuple[str, str]:
    if found := re.fullmatch(r"P([A-K])(\d{1,2})", name):
        return c_int(ord(found[1]) - ord("A"), unsigned=True), c_int(int(found[2]), unsigned=True)
    if found := re.fullmatch(r"(?:P(\d)\.|GP)(\d{1,2})", name):
        return c_int(int(found[1] or 0), unsigned=True), c_int(int(found[2]), unsigned=True)
    return c_int(0, unsigned=True), c_identifier(name)


def _config_header(
    board: Board, model: Model, benchmark: Benchmark | None, *, energy: bool, origin: str
) -> ConfigHeader:
    input_bytes = wire.input_bytes(model, benchmark)
    in_scale, in_zero = wire.quantization(model.input) if benchmark else (1.0, 0)
    return ConfigHeader(
        origin=origin,
        build_id=c_string(NO_BUILD_ID),
        model_id=c_string(benchmark.model_id if benchmark else "custom"),
        vendor=c_string("tinyperf"),
        clock_hz=c_int(board.clock_hz, unsigned=True),
        baud=c_int(board.serial.energy_baud if energy else board.serial.baud, unsigned=True),
        energy_mode=c_int(int(energy)),
        pins=_pins(board),
        command_chars=c_int(_command_chars(input_bytes, benchmark), unsigned=True),
        streaming=c_int(int(benchmark is not None and benchmark.streams)),
        stream_frames=c_int(model.input.elements // wakeword.MELS, unsigned=True),
        stream_activations=c_int(streaming.kept_activations(board), unsigned=True),
        buffer_bytes=c_int(benchmark.buffer_bytes if benchmark else input_bytes, unsigned=True),
        input_bytes=c_int(input_bytes, unsigned=True),
        input_types=c_string(",".join(f"{dtype}x{elements}" for dtype, elements in wire.input_types(model, benchmark))),
        inputs=c_int(len(model.inputs), unsigned=True),
        outputs=c_int(len(model.outputs), unsigned=True),
        input_rule=c_int(_input_rule(benchmark)),
        input_elements=c_int(model.input.elements, unsigned=True),
        input_scale=c_float(in_scale),
        input_zero_point=c_int(in_zero),
    )


def _command_chars(input_bytes: int, benchmark: Benchmark | None) -> int:
    long = input_bytes > LONG_INPUT_BYTES or (benchmark is not None and benchmark.streams)
    return LONG_COMMAND_CHARS if long else COMMAND_CHARS


def _input_rule(benchmark: Benchmark | None) -> int:
    """TP_INPUT_RULE: 0: the bytes are the tensors. 1: each byte has its code. 2: floats, to be quantized. 3: sound."""
    if benchmark is None:
        return 0
    return {"float32": 2, "int16": 3}.get(benchmark.element, 1)


def _config_tables(model: Model, benchmark: Benchmark | None, origin: str) -> ConfigTables:
    codes = wire.input_codes(benchmark, model.input) if benchmark and _input_rule(benchmark) == 1 else None
    return ConfigTables(
        origin=origin,
        input_bytes="" if benchmark else c_array(tensor.size_bytes for tensor in model.input_tensors),
        input_rule=f"{benchmark.element} as {benchmark.model_id} sends it" if benchmark else "",
        input_codes="" if codes is None else c_array(map(int, codes.view("int8"))),
        outputs=tuple(_output(tensor) for tensor in model.output_tensors),
    )


def _output(tensor: Tensor) -> str:
    """A `struct tp_output`."""
    quantized = tensor.quantization is not None and tensor.dtype != "float32"
    scale, zero_point = wire.quantization(tensor) if quantized else (0.0, 0)
    elements = c_int(tensor.elements, unsigned=True)
    words = (f"TP_{tensor.dtype.upper()}", elements, str(quantized).lower(), c_float(scale), c_int(zero_point))
    return f"{{{', '.join(words)}}}"


def _linker_script(board: Board, generated: Generated, origin: str) -> LinkerScript:
    memory = board.memory
    if memory is None:
        raise ContentError(f"board '{board.name}' has no memory", hint="a board that is flashed names its memory")
    arena = memory.place(generated.arena_bytes)
    data = memory.place_resident(generated.arena_bytes, generated.resident_bytes)
    beside_bytes = generated.arena_bytes if arena is memory.ram else 0
    at_end = generated.resident_bytes > 0 and data is memory.ram
    end_bytes = -(-(generated.resident_bytes + beside_bytes + DATA_BYTES) // ALIGNMENT) * ALIGNMENT
    return LinkerScript(
        origin=origin,
        flash_origin=hex(memory.flash.origin),
        flash_bytes=str(memory.flash.bytes),
        ram_origin=hex(memory.ram.origin),
        ram_bytes=str(memory.ram.bytes),
        own_arena=arena is not memory.ram,
        arena_origin=hex(arena.origin),
        arena_bytes=str(arena.bytes),
        arena_region="RAM" if arena is memory.ram else "ARENA",
        data_region="RAM" if data is memory.ram else "ARENA",
        resident_bytes=str(end_bytes) if at_end else "",
        stack_bytes=str(STACK_BYTES),
    )


def _project_files(
    board: Board, generated: Generated, flags: Flags, toolset: Toolset, names: tuple[str, str]
) -> dict[str, str]:
    """What builds the sources: PlatformIO's files, or one script for this computer's own compiler."""
    origin, environment = names
    if toolset.form == "native":
        command = shlex.join(native_command(("cc",), flags, "firmware")) + ' $(find src -name "*.c" | sort)'
        return {"build.sh": f"#!/bin/sh\n# {origin}\n{command}\n"}
    if toolset.form == "online" and board.platformio is None:
        raise BuildError(
            f"board '{board.name}' names no PlatformIO platform",
            hint="install arm-none-eabi-gcc (Debian: gcc-arm-none-eabi), or fill in the board file's platformio",
        )
    ini = _platformio_ini(board, generated, flags, toolset, names)
    skipped = repr(list(generated.skipped_sources)) if generated.skipped_sources else ""
    extra = ExtraScript(origin, repr(list(flags.c)), repr(list(flags.cxx)), repr(list(flags.link)), skipped)
    files = {
        "platformio.ini": templates.render("project/platformio.ini.j2", ini),
        "extra.py": templates.render("project/extra.py.j2", extra),
    }
    return files | (_offline_files(board, environment, toolset.scons_version) if ini.offline else {})


def native_command(compiler: tuple[str, ...], flags: Flags, output: str) -> tuple[str, ...]:
    """The one call that makes the host firmware, to be followed by the sources."""
    return (*compiler, *flags.compile_c, *flags.link, "-o", output)


def _platformio_ini(
    board: Board, generated: Generated, flags: Flags, toolset: Toolset, names: tuple[str, str]
) -> PlatformioIni:
    offline = toolset.form == "offline"
    online = board.platformio
    return PlatformioIni(
        origin=names[0],
        environment=names[1],
        offline=offline,
        platform=PLATFORM if offline or online is None else online.platform,
        board=names[1] if offline or online is None else online.board,
        framework=board.framework or "",
        packages=() if offline or online is None else tuple(online.packages),
        own_linker_script=board.framework is None,
        build_flags=flags.common,
        source_flags=flags.warnings,
        libraries=generated.libraries,
        options=tuple(f"{name} = {value}" for name, value in sorted(generated.project_options.items())),
    )


def _offline_files(board: Board, environment: str, scons_version: str) -> dict[str, str]:
    """A PlatformIO core folder with our platform and the one package that PlatformIO cannot do without."""
    folder = content.shipped("firmware_templates") / "project"
    platform, scons = f"pio/platforms/{PLATFORM}", "pio/packages/tool-scons"
    package = {"name": "tool-scons", "version": scons_version, "system": "*"}
    files = {
        f"{platform}/{name}": (folder / "platform" / name).read_text(encoding="utf-8")
        for name in ("platform.json", "platform.py", "builder/main.py")
    }
    files[f"{platform}/boards/{environment}.json"] = json_text(_pio_board(board))
    files[f"{scons}/scons.py"] = (folder / "tool-scons" / "scons.py").read_text(encoding="utf-8")
    files[f"{scons}/package.json"] = json_text(package)
    return files


def json_text(value: Mapping[str, object]) -> str:
    return json.dumps(value, indent=2) + "\n"


def _pio_board(board: Board) -> dict[str, object]:
    memory = board.memory
    ram = sum(region.bytes for region in (memory.ram, memory.arena) if region) if memory else 0
    return {
        "name": board.title,
        "url": "",
        "vendor": "tinyperf",
        "frameworks": [],
        "build": {"cpu": board.core.name, "mcu": board.part.lower(), "f_cpu": f"{board.clock_hz}L"},
        "upload": {
            "maximum_ram_size": ram,
            "maximum_size": memory.flash.bytes if memory else 0,
            "protocol": "stlink",
            "protocols": ["stlink"],
            "openocd_board": board.flash.openocd_board or "",
        },
    }
