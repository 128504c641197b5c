"""Engine `tflm`: TensorFlow Lite for Microcontrollers around the model as it is.

What is generated is what people get wrong by hand: a resolver with exactly the model's operators (the int8-only
registrations where they do), an arena of measured size, the model aligned and in flash, every status checked. TFLM
itself is a dependency of the project (`library.py`); rendering does not need it.

TFLM's planner reuses the input tensor's memory during an inference. `tp_model.h` promises that the input survives, so
the inputs lie in memory of their own and are copied into the tensors before each inference; `arena_bytes` counts both.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from tinyperf import __version__, content, templates
from tinyperf.ctext import c_array, c_comment
from tinyperf.engines import Engine, Footprint, Generated, ends
from tinyperf.engines.tflm import arena, ops, registered
from tinyperf.engines.tflm.library import KERNELS, PINNED, Library, check_core, from_text
from tinyperf.errors import UsageError
from tinyperf.result import EngineDetails

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tinyperf.engines import Target, Workshop
    from tinyperf.tflite import Model, Tensor

INNER = ("library", "measure", "measured_on")
"""Options that `prepare` sets: the library, the image that measures the arena, and the board that stood in for it."""

# What the interpreter itself keeps in the arena, for a size that nobody has measured yet: about 100 bytes an operator
# and 60 a tensor on a 32-bit core, and the im2col buffer of CMSIS-NN's convolutions. Only ever a starting value.
OPERATOR_BYTES = 160
TENSOR_BYTES = 64
SCRATCH_BYTES = 16384

# Of images with CMSIS-NN's kernels (docs/tflm.md: 66 kB for five kinds of operator).
INTERPRETER_BYTES = 36_000
OPERATOR_CODE_BYTES = 6_000


TYPES = {
    "bool": "kTfLiteBool",
    "int8": "kTfLiteInt8",
    "uint8": "kTfLiteUInt8",
    "int16": "kTfLiteInt16",
    "int32": "kTfLiteInt32",
    "int64": "kTfLiteInt64",
    "float32": "kTfLiteFloat32",
}
"""What TFLM calls the types of an input or output."""


@dataclass(frozen=True)
class Registration:
    """One line of the resolver: `method` of MicroMutableOpResolver, and its argument (empty: the general kernel)."""

    method: str
    argument: str


@dataclass(frozen=True)
class Interpreter:
    """Context of tp_model.cpp.j2."""

    version: str
    model: str
    sha256: str
    library: str
    kernels: str
    arena_bytes: int
    arena_note: str
    input_bytes: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    measure: bool
    debug_log: bool
    resources: int
    registrations: tuple[Registration, ...]


@dataclass(frozen=True)
class KernelHeaders:
    """Context of tp_tflm.h.j2."""

    version: str
    model: str
    sha256: str
    headers: tuple[str, ...]


@dataclass(frozen=True)
class ModelData:
    """Context of tp_model_data.c.j2."""

    version: str
    model: str
    sha256: str
    size_bytes: int
    data: str


Context = Interpreter | KernelHeaders | ModelData

TEMPLATES: dict[str, type[Context]] = {
    "tp_model.cpp.j2": Interpreter,
    "tp_tflm.h.j2": KernelHeaders,
    "tp_model_data.c.j2": ModelData,
}


class Tflm:
    """See the module.

    The library is a registered one, or the pinned snapshot; the arena is measured where a virtual board can be started.
    """

    name = "tflm"
    options: Mapping[str, str] = MappingProxyType(
        {"kernels": "cmsis_nn|reference", "arena": "BYTES (measured if left out)"}
    )

    def prepare(self, model: Model, options: Mapping[str, str], workshop: Workshop) -> Mapping[str, str]:
        found = registered.resolve(workshop.board, options, need=workshop.builds)
        _check_model(model, _library(found)[1])  # before a measurement that takes minutes
        return arena.prepared(model, found, workshop)

    def generate(self, model: Model, target: Target, options: Mapping[str, str]) -> Generated:
        check_core(target.core)
        kernels, library = _library(options)
        _check_model(model, library)
        arena_bytes, measured = _arena(model, options)
        named = {"version": __version__, "model": c_comment(model.name), "sha256": model.sha256}
        copies, input_bytes = arena.inputs(model)
        registrations = _registrations(model, library)
        contexts: dict[str, Context] = {
            "tp_model.cpp.j2": Interpreter(
                **named,
                library=c_comment(library.version if library else "not registered"),
                kernels=kernels,
                arena_bytes=arena_bytes,
                arena_note=_arena_note(options, measured=measured),
                input_bytes=input_bytes,
                inputs=tuple(map(_end, model.input_tensors, copies)),
                outputs=tuple(_end(tensor, 0) for tensor in model.output_tensors),
                measure="measure" in options,
                debug_log=library is not None and not library.debug_log,
                resources=ops.resources(model),
                registrations=tuple(registrations),
            ),
            "tp_tflm.h.j2": KernelHeaders(
                **named, headers=tuple(sorted({ops.INT8_HEADERS[kind] for kind in _int8(model, library)}))
            ),
            "tp_model_data.c.j2": ModelData(**named, size_bytes=len(model.data), data=c_array(model.data)),
        }
        return Generated(
            sources={"model/tp_model_data.h": _shipped("tp_model_data.h")}
            | {
                f"model/{name.removesuffix('.j2')}": templates.render(f"engines/tflm/{name}", c)
                for name, c in contexts.items()
            },
            arena_bytes=arena_bytes + input_bytes,
            weights_bytes=len(model.data),
            details=EngineDetails(kernels=kernels, version=library.version if library else "not registered"),
            libraries=(library.dependency,) if library else (),
            build_flags=library.defines if library else (),
            project_options=_project_options(library),
            skipped_sources=("*/src/peripherals/*",) if library and library.form == "git" else (),
            warnings=_warnings(kernels, library, options, measured=measured),
            family=kernels,
        )

    def footprints(self, model: Model, targets: Sequence[Target], options: Mapping[str, str]) -> list[Footprint | None]:
        _, library = _library(options)
        _check_model(model, library)
        arena_bytes, measured = _arena(model, options)
        code_bytes = INTERPRETER_BYTES + OPERATOR_CODE_BYTES * len(ops.used(model))
        taken = Footprint(
            arena_bytes + arena.inputs(model)[1], planned=measured, weights_bytes=len(model.data), code_bytes=code_bytes
        )
        return [None if target.core.architecture == "host" else taken for target in targets]


def _end(tensor: Tensor, copy: int) -> str:
    """A `struct End` of the glue."""
    return f"{{{TYPES[tensor.dtype]}, {tensor.size_bytes}, {copy}}}"


def _library(options: Mapping[str, str]) -> tuple[str, Library | None]:
    """The kernels asked for, and the library that has them; None where only a registered tree could."""
    for name in options:
        if name not in (*Tflm.options, *INNER):
            raise UsageError(
                f"engine 'tflm' has no option '{name}'", hint="it has kernels=cmsis_nn|reference and arena=BYTES"
            )
    kernels = options.get("kernels", KERNELS[0])
    if kernels not in KERNELS:
        raise UsageError(f"engine 'tflm' has no kernels '{kernels}'", hint=f"choose one of {', '.join(KERNELS)}")
    if "library" in options:
        return kernels, from_text(options["library"])
    return kernels, PINNED if kernels == PINNED.kernels else None


def _check_model(model: Model, library: Library | None) -> None:
    """Raises: ModelError: with everything that stands in the way."""
    lines, means, hints = [], [], []
    if missing := ops.missing(model, library.lacks if library else ops.NEWER):
        lines += missing
        hints.append("convert the model with operators of TFLM only")
    dense = ops.per_channel_dense(model)
    if dense is not None and library is not None and not library.per_channel_dense:
        lines.append(
            f"{model.name}: op {dense.index} FULLY_CONNECTED has one scale per output channel; "
            f"{library.version} would compute it wrongly"
        )
        means.append("TFLM knows such layers since September 2024")
        hints.append("register a newer tree with 'tinyperf tflm use PATH', or convert with per-tensor dense layers")
    at_ends = ends.reasons(model)
    if at_ends or lines:
        raise ends.refusal(model, at_ends, lines, means="; ".join(means), hints=hints)


def _arena(model: Model, options: Mapping[str, str]) -> tuple[int, bool]:
    """Bytes of the interpreter's arena, and whether somebody measured them."""
    if "arena" in options:
        try:
            size = int(options["arena"])
        except ValueError:
            size = 0
        if size <= 0:
            raise UsageError(f"engine 'tflm': arena={options['arena']} is no number of bytes", hint="for example 65536")
        return (size + 15) // 16 * 16, "measure" not in options
    own = OPERATOR_BYTES * len(model.ops) + TENSOR_BYTES * len(model.tensors)
    return (ops.peak_bytes(model) + own + SCRATCH_BYTES + 15) // 16 * 16, False


def _int8(model: Model, library: Library | None) -> set[str]:
    return ops.int8_kinds(model) if library is None or library.int8 else set()


def _registrations(model: Model, library: Library | None) -> list[Registration]:
    lean = _int8(model, library)
    return [
        Registration(ops.method(kind), f"tflite::Register_{kind}_INT8()" if kind in lean else "")
        for kind in ops.used(model)
    ]


def _project_options(library: Library | None) -> dict[str, str]:
    """Lines of platformio.ini: the snapshot declares a framework and two libraries that only its examples need."""
    if library is None:
        return {}
    options = {"lib_compat_mode": "off"}
    return options | ({"lib_ignore": "ArduinoBLE, Arduino_LSM9DS1"} if library.form == "git" else {})


def _arena_note(options: Mapping[str, str], *, measured: bool) -> str:
    if not measured:
        return "not measured: a starting value"
    return f"measured{f' on {place}' if (place := options.get('measured_on')) else ''}, margin included"


def _warnings(kernels: str, library: Library | None, options: Mapping[str, str], *, measured: bool) -> tuple[str, ...]:
    found = []
    if library is None:
        found.append(
            f"no TFLM with {kernels} kernels is registered: the project does not build before 'tinyperf tflm use PATH'"
        )
    if not measured:
        found.append("arena size not measured: 'tinyperf build' measures it, or give arena=BYTES")
    if place := options.get("measured_on"):
        found.append(
            f"the arena was measured on the virtual {place}, whose core has the same kernels; arena=BYTES sets another"
        )
    return tuple(found)


def _shipped(name: str) -> str:
    return (content.shipped("firmware_templates") / "engines" / "tflm" / name).read_text(encoding="utf-8")


ENGINE: Engine = Tflm()
