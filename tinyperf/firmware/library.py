"""A model as a C library for somebody else's project: `generate --form library`.

Only the model: its C, what it takes and gives, a self-test, and what CMake, Zephyr, PlatformIO and Arduino want beside
it. All names start with the prefix, so that several fit into one program. Pure: same arguments, same bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinyperf import __version__, engines, templates
from tinyperf.ctext import c_array, c_block, c_comment, c_float, c_identifier, c_string, c_type
from tinyperf.engines import Target
from tinyperf.engines.aot import Aot
from tinyperf.engines.aot.interpret import interpret
from tinyperf.engines.aot.passes.emit import Names
from tinyperf.errors import UsageError
from tinyperf.firmware.render import json_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from tinyperf.benchmark import Benchmark
    from tinyperf.board import Board
    from tinyperf.engines import Generated, Layer
    from tinyperf.engines.aot.graph import Graph
    from tinyperf.tflite import Model, Tensor

    Data = npt.NDArray[np.generic]

VERSION = "1.0.0"
"""Of every library made: the build systems ask for one, and a model has none of its own."""


@dataclass(frozen=True)
class ModelLibrary:
    """Every file of the library (path below its folder -> contents), and what its model needs. `prefix`: of its names.

    `keeps_input`: an inference leaves its inputs as they were.
    """

    files: Mapping[str, str]
    prefix: str
    arena_bytes: int
    weights_bytes: int
    keeps_input: bool
    layers: tuple[Layer, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class End:
    """An input or output in words of C; `scale` is "" where its elements are no codes. `fills`: by each test vector."""

    name: str
    macro: str
    comment: str
    type: str
    shape: str
    elements: int
    bytes: int
    scale: str
    zero_point: str
    fills: tuple[str, str, str]


@dataclass(frozen=True)
class Expected:
    count: int
    values: str


@dataclass(frozen=True)
class LibraryText:
    """Of the templates of firmware_templates/library/. `made`: of what, in a line; `made_in_c`: in a comment."""

    made: str
    made_in_c: str
    summary: str
    prefix: str
    version: str
    macro: str
    arena_bytes: int
    weights_bytes: int
    macs: int
    keeps_input: bool
    libm: bool
    inputs: tuple[End, ...]
    outputs: tuple[End, ...]
    ends: tuple[End, ...]
    labels: tuple[str, ...]
    floats: bool
    tolerance: str
    digests: str
    expected: tuple[Expected, ...]


TEMPLATES = {
    "src/{prefix}.h": "model.h.j2",
    "src/{prefix}_selftest.h": "selftest.h.j2",
    "test/selftest.c": "selftest.c.j2",
    "examples/selftest/selftest.ino": "selftest.ino.j2",
    "CMakeLists.txt": "CMakeLists.txt.j2",
    "README.md": "README.md.j2",
    "zephyr/CMakeLists.txt": "zephyr_CMakeLists.txt.j2",
    "zephyr/Kconfig": "zephyr_Kconfig.j2",
    "zephyr/module.yml": "zephyr_module.yml.j2",
    "library.properties": "library.properties.j2",
    "LICENSE": "LICENSE.j2",
}


def library(
    board: Board,
    model: Model,
    *,
    benchmark: Benchmark | None = None,
    engine: str = "aot",
    prefix: str | None = None,
    keeps_input: bool = False,
) -> ModelLibrary:
    """The library of one model for the core of `board`.

    Args: prefix: of all names in C; None: made of the model's name.
    Raises: UsageError: another engine than aot, or a prefix that C cannot take. ModelError: as the engine says.
    """
    name, given = engines.parse_engine(engine)
    if name != Aot.name:
        raise UsageError(
            f"engine '{name}' makes no library", hint="leave --engine out: aot does; TFLM is a library of its own"
        )
    chosen = _prefix(prefix, model)
    names = Names(
        chosen, f"{chosen}.c", f"{chosen}.h", f"{chosen}_weights.h", f"{chosen}_kernels/", "run", f"{chosen}_arena"
    )
    made, graph = Aot().library(model, Target.of(board), given, names, keeps_input=keeps_input)
    context = _context(board, model, benchmark, made=made, graph=graph, names=names, keeps_input=keeps_input)
    files = {f"src/{path}": text for path, text in made.sources.items()}
    files |= {
        path.format(prefix=chosen): templates.render(f"library/{template}", context)
        for path, template in TEMPLATES.items()
    }
    files["library.json"] = json_text(_platformio(context))
    files["metadata.json"] = json_text(_metadata(board, model, made, context))
    return ModelLibrary(
        dict(sorted(files.items())),
        chosen,
        made.arena_bytes,
        made.weights_bytes,
        keeps_input,
        made.layers,
        made.warnings,
    )


def _prefix(wanted: str | None, model: Model) -> str:
    if wanted is None:
        return c_identifier(re.sub(r"\.tflite$", "", model.name).lower()).strip("_") or "model"
    if re.fullmatch(r"[a-z][a-z0-9_]{0,40}", wanted) is None or wanted.startswith("tp_"):
        raise UsageError(
            f"prefix '{wanted}' cannot start the names of a C library",
            hint="lower case letters, digits and underscores, a letter first, at most 41, not tp_ (the kernels' own)",
        )
    return wanted


def _context(
    board: Board,
    model: Model,
    benchmark: Benchmark | None,
    *,
    made: Generated,
    graph: Graph,
    names: Names,
    keeps_input: bool,
) -> LibraryText:
    macro = names.prefix.upper()
    inputs = tuple(_end(macro, "INPUT", n, tensor) for n, tensor in enumerate(model.input_tensors))
    outputs = tuple(_end(macro, "OUTPUT", n, tensor) for n, tensor in enumerate(model.output_tensors))
    vectors = interpret(graph, *_vectors(model))
    floats = any(tensor.dtype == "float32" for tensor in model.output_tensors)
    labels = (
        benchmark.labels if benchmark and sum(t.elements for t in model.output_tensors) == len(benchmark.labels) else ()
    )
    macs = sum(layer.macs for layer in made.layers)
    origin = f"Made by tinyperf {__version__} from {model.name} (sha256 {model.sha256}) for {board.core.name}."
    return LibraryText(
        made=c_comment(origin),
        made_in_c=c_block(origin),
        summary=f"{len(made.layers)} layers, {macs} multiply-accumulates per inference.",
        prefix=names.prefix,
        version=VERSION,
        macro=macro,
        arena_bytes=made.arena_bytes,
        weights_bytes=made.weights_bytes,
        macs=macs,
        keeps_input=keeps_input,
        libm=any("<math.h>" in text for text in made.sources.values()),
        inputs=inputs,
        outputs=outputs,
        ends=(*inputs, *outputs),
        labels=tuple(map(c_string, labels)),
        floats=floats,
        tolerance="within 1e-4 of each" if floats else "to the bit",
        digests="" if floats else ", ".join(f"0x{_digest(vectors, n):08x}U" for n in range(3)),
        expected=tuple(_expected(vectors, n) for n in range(3)) if floats else (),
    )


def _end(macro: str, side: str, number: int, tensor: Tensor) -> End:
    quantized = tensor.quantization is not None and tensor.dtype != "float32"
    scale, zero = (tensor.quantization.scale[0], tensor.quantization.zero_point[0]) if tensor.quantization else (0.0, 0)
    shape = "x".join(map(str, tensor.shape)) or "scalar"
    codes = f", scale {scale:g}, zero point {zero}" if quantized else ""
    return End(
        name=f"{side.lower()} {number}",
        macro=f"{macro}_{side}_{number}",
        comment=c_comment(f"{side.capitalize()} {number}, '{tensor.name}': {tensor.dtype} {shape}{codes}."),
        type=c_type(tensor.dtype),
        shape=", ".join(map(str, tensor.shape)) or "1",
        elements=tensor.elements,
        bytes=tensor.size_bytes,
        scale=c_float(scale) if quantized else "",
        zero_point=str(zero) if quantized else "",
        fills=FILLS.get(tensor.dtype, FILLS["int32"]),
    )


# Of each vector: the lowest code, the highest, a pseudorandom one. Whole numbers may be indices: 0 and 1 are safe.
FILLS = {
    "int8": ("INT8_MIN", "INT8_MAX", "(int8_t)(uint8_t)(state >> 24)"),
    "uint8": ("0", "UINT8_MAX", "(uint8_t)(state >> 24)"),
    "int16": ("INT16_MIN", "INT16_MAX", "(int16_t)(uint16_t)(state >> 16)"),
    "float32": ("-1.0F", "1.0F", "(float)(state >> 8) / 8388608.0F - 1.0F"),
    "int32": ("0", "0", "state >> 31"),
}


def _vectors(model: Model) -> list[Data]:
    """What the self-test fills the inputs with, [3, *shape] each."""
    count = sum(tensor.elements for tensor in model.input_tensors)
    states = np.empty(count, np.uint32)
    state = 1
    for i in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFF_FFFF
        states[i] = state
    parts = np.split(states, np.cumsum([tensor.elements for tensor in model.input_tensors])[:-1])
    return [_filled(tensor, part) for tensor, part in zip(model.input_tensors, parts, strict=True)]


def _filled(tensor: Tensor, states: npt.NDArray[np.uint32]) -> Data:
    dtype = tensor.dtype
    if dtype in {"int8", "uint8", "int16"}:
        bits = np.dtype(dtype).itemsize * 8
        info = np.iinfo(dtype)
        drawn: Data = (states >> np.uint32(32 - bits)).astype(f"uint{bits}").view(dtype)
        low, high = info.min, info.max
        rows = [np.full_like(drawn, low), np.full_like(drawn, high), drawn]
    elif dtype == "float32":
        drawn = (states >> np.uint32(8)).astype(np.float32) / np.float32(8388608) - np.float32(1)
        rows = [np.full_like(drawn, -1), np.full_like(drawn, 1), drawn]
    else:
        drawn = (states >> np.uint32(31)).astype(dtype)
        rows = [np.zeros_like(drawn), np.zeros_like(drawn), drawn]
    return np.stack(rows).reshape(3, *tensor.shape)


def _digest(outputs: tuple[Data, ...], vector: int) -> int:
    """FNV-1a, 32 bits."""
    digest = 2166136261
    for output in outputs:
        for byte in np.ascontiguousarray(output[vector]).tobytes():
            digest = ((digest ^ byte) * 16777619) & 0xFFFF_FFFF
    return digest


def _expected(outputs: tuple[Data, ...], vector: int) -> Expected:
    values = np.concatenate([output[vector].ravel().astype(np.float32) for output in outputs])
    return Expected(len(values), c_array(values.tolist()))


def _platformio(context: LibraryText) -> dict[str, object]:
    """library.json, as PlatformIO's documentation of it has the fields."""
    return {
        "name": context.prefix,
        "version": VERSION,
        "description": context.summary,
        "license": "0BSD",
        "frameworks": "*",
        "platforms": "*",
        "headers": f"{context.prefix}.h",
        "build": {"srcDir": "src", "includeDir": "src", "flags": ["-ffp-contract=off"]},
    }


def _metadata(board: Board, model: Model, made: Generated, context: LibraryText) -> dict[str, object]:
    def ends(tensors: tuple[Tensor, ...]) -> list[dict[str, object]]:
        return [
            {
                "name": tensor.name,
                "dtype": tensor.dtype,
                "shape": list(tensor.shape),
                "bytes": tensor.size_bytes,
                "scale": list(tensor.quantization.scale) if tensor.quantization else None,
                "zero_point": list(tensor.quantization.zero_point) if tensor.quantization else None,
            }
            for tensor in tensors
        ]

    return {
        "prefix": context.prefix,
        "tinyperf": __version__,
        "model": {"name": model.name, "sha256": model.sha256, "bytes": model.size_bytes},
        "core": board.core.name,
        "arena_bytes": made.arena_bytes,
        "weights_bytes": made.weights_bytes,
        "macs": context.macs,
        "keeps_input": context.keeps_input,
        "inputs": ends(model.input_tensors),
        "outputs": ends(model.output_tensors),
        "kernels": made.details.kernels,
        "layers": [{"index": one.index, "op": one.op, "macs": one.macs, "kernel": one.kernel} for one in made.layers],
    }
