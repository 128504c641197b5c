"""Which TensorFlow Lite Micro a project is built with: the pinned git dependency, a tree, or an archive with headers.

A tree is what TFLM's own project generator writes (`create_tflm_tree.py`) or the Arduino snapshot; it is looked at,
never changed. Nothing here names a source file to compile: PlatformIO compiles what the tree holds.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from tinyperf.engines.tflm import ops
from tinyperf.errors import ContentError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf import cores
    from tinyperf.cores import Core

Form = Literal["git", "arduino", "tree", "archive"]

ARCHIVE = "libtensorflow-microlite.a"
SNAPSHOT = "https://github.com/tensorflow/tflite-micro-arduino-examples.git"
COMMIT = "7948b85e020470a30a83bf00e10fc43b486bfcba"


KERNELS = ("cmsis_nn", "reference")


def check_core(core: Core) -> None:
    """Whether this engine has kernels for `core` at all; asked before any library is looked for.

    Raises: UsageError.
    """
    if core.architecture == "host":
        raise UsageError(
            "engine 'tflm' does not run on board 'host'",
            means="its kernels here are those of Cortex-M",
            hint="use a virtual board; on this computer 'tinyperf evaluate --backend tflm' runs TFLM itself",
        )


@dataclass(frozen=True)
class Library:
    """One TFLM. `dependency`: its lib_deps entry; `defines`: settings its headers and sources must agree on.

    `int8`: Register_..._INT8 exist. `per_channel_dense`: FULLY_CONNECTED may have a scale per output channel.
    `debug_log`: it brings DebugLog() itself. `abi`: what an archive was compiled for, "" where sources are. `lacks`:
    operators that its resolver has no method for, and others' have.
    """

    form: Form
    kernels: str
    version: str
    dependency: str
    defines: tuple[str, ...]
    int8: bool
    per_channel_dense: bool
    debug_log: bool
    abi: str = ""
    path: str = ""
    headers: tuple[str, ...] = ()
    lacks: tuple[str, ...] = tuple(sorted(ops.NEWER))

    def as_text(self) -> str:
        """One line of JSON, for an engine option and for the file that remembers it."""
        return json.dumps(asdict(self), sort_keys=True)


def from_text(text: str) -> Library:
    """The inverse of `Library.as_text`.

    Raises: UsageError: something else.
    """
    try:
        values = json.loads(text)
        lists = {name: tuple(values[name]) for name in ("defines", "headers", "lacks") if name in values}
        return Library(**{**values, **lists})
    except (ValueError, TypeError, KeyError) as exc:
        raise UsageError(
            "engine 'tflm': option 'library' is not one that 'tinyperf tflm use' wrote",
            hint="leave it out; 'tinyperf tflm use PATH' chooses the library",
        ) from exc


PINNED = Library(
    form="git",
    kernels="cmsis_nn",
    version=f"tflite-micro-arduino-examples {COMMIT[:12]}",
    dependency=f"{SNAPSHOT}#{COMMIT}",
    defines=("-DARDUINO=100",),
    int8=True,
    per_channel_dense=False,
    debug_log=False,
)
"""The official Arm snapshot of December 2023: the default where there is a network."""

# As its sources spell the include -> what it belongs to.
_NEEDED = {
    "tensorflow/lite/micro/micro_interpreter.h": "TensorFlow Lite Micro",
    "tensorflow/lite/micro/micro_mutable_op_resolver.h": "TensorFlow Lite Micro",
    "flatbuffers/flatbuffers.h": "flatbuffers",
    "fixedpoint/fixedpoint.h": "gemmlowp",
    "ruy/profiler/instrumentation.h": "ruy",
}
_NEEDED_CMSIS_NN = {
    "Include/arm_nnfunctions.h": "CMSIS-NN",
    "arm_nnfunctions.h": "CMSIS-NN",
    "cmsis_compiler.h": "CMSIS",
}
_NEEDED_TREE = {"kiss_fft.h": "kissfft"}

GENERATOR = (
    "python3 tensorflow/lite/micro/tools/project_generation/create_tflm_tree.py "
    '--makefile_options="TARGET=cortex_m_generic TARGET_ARCH=project_generation OPTIMIZED_KERNEL_DIR=cmsis_nn" OUTPUT'
)
MAKE = "make -f tensorflow/lite/micro/tools/make/Makefile TARGET=cortex_m_generic TARGET_ARCH=cortex-m4+fp microlite"


def inspect(path: Path) -> Library:
    """What lies at `path`: a generated tree, the Arduino snapshot, or a folder with an archive and headers.

    `dependency` is left empty: where the wrapper library is written is the caller's business.
    Raises: UsageError: no such folder. ContentError: something is missing; every missing part is named.
    """
    folder = path.parent if path.is_file() and path.suffix == ".a" else path
    if not folder.is_dir():
        raise UsageError(f"{path} does not exist", hint="give the folder that TFLM's project generator wrote")
    archives = sorted(folder.rglob(ARCHIVE))
    root = _root(folder)
    if not archives and (root / "tensorflow/lite/micro/tools").is_dir():
        raise ContentError(
            f"{path} is a clone of tflite-micro, not a tree",
            means="it holds the sources of every processor and every test side by side",
            hint=f"there, run: {GENERATOR}",
        )
    kernels = "cmsis_nn" if _has_cmsis_nn(root, archives) else "reference"
    needed = _NEEDED | (_NEEDED_CMSIS_NN if kernels == "cmsis_nn" else {}) | ({} if archives else _NEEDED_TREE)
    places = {spelled: _place(root, spelled) for spelled in needed}
    missing = sorted({needed[spelled] for spelled, place in places.items() if place is None})
    if missing:
        raise ContentError(
            f"{path}: no headers of {', '.join(missing)}",
            means="this is not a whole tree: a clone of tflite-micro holds no third-party code",
            hint=f"in a clone of github.com/tensorflow/tflite-micro run: {GENERATOR}",
        )
    headers = tuple(sorted({str(place) for place in places.values() if place is not None}))
    arduino = (root.parent / "library.properties").is_file()
    sources = list(root.rglob("micro_interpreter.c*"))
    if not archives and not sources:
        raise ContentError(
            f"{path}: headers of TensorFlow Lite Micro, but neither its sources nor {ARCHIVE}",
            hint=f"make the tree with: {GENERATOR}\n  or the archive with: {MAKE}",
        )
    return Library(
        form="archive" if archives else "arduino" if arduino else "tree",
        kernels=kernels,
        version=_version(root, archives[0] if archives else None),
        dependency="",
        defines=_defines(arduino=arduino and not archives, cmsis_nn=kernels == "cmsis_nn"),
        int8="Register_CONV_2D_INT8" in _text(root / "tensorflow/lite/micro/kernels/conv.h"),
        per_channel_dense="per_channel" in _text(root / "tensorflow/lite/micro/kernels/fully_connected.h"),
        debug_log=not arduino or bool(archives),
        abi=archive_abi(archives[0]) if archives else "",
        path=str((archives[0] if archives else root).absolute()),
        headers=headers,
        lacks=_lacks(root / "tensorflow/lite/micro/micro_mutable_op_resolver.h"),
    )


def _lacks(resolver: Path) -> tuple[str, ...]:
    """Operators without a method in this header."""
    methods = set(re.findall(r"\bAdd\w+", _text(resolver)))
    return tuple(kind for kind in ops.known() if ops.method(kind) not in methods)


def _root(folder: Path) -> Path:
    """The folder below which `tensorflow/` lies."""
    found = sorted(folder.rglob("tensorflow/lite/micro/micro_interpreter.h"), key=lambda p: len(p.parts))
    return found[0].parents[3] if found else folder


def _has_cmsis_nn(root: Path, archives: list[Path]) -> bool:
    if archives:
        return b"arm_convolve" in archives[0].read_bytes()
    return (root / "tensorflow/lite/micro/kernels/cmsis_nn").is_dir()


def _place(root: Path, spelled: str) -> Path | None:
    """The include folder that makes `#include "spelled"` work; the shallowest one."""
    found = sorted(root.rglob(spelled), key=lambda p: (len(p.parts), str(p)))
    return found[0].parents[spelled.count("/")].absolute() if found else None


def _defines(*, arduino: bool, cmsis_nn: bool) -> tuple[str, ...]:
    """The snapshot is set for its own kernels; a tree takes upstream's release settings: no logs, no inner checks."""
    if arduino:
        return ("-DARDUINO=100",)
    return (
        "-DTF_LITE_STATIC_MEMORY",
        "-DTF_LITE_STRIP_ERROR_STRINGS",
        "-DNDEBUG",
        "-DPROJECT_GENERATION",
        *(("-DCMSIS_NN",) if cmsis_nn else ()),
    )


def _version(root: Path, archive: Path | None) -> str:
    """A digest over what will be compiled: neither form says which commit it was made from."""
    digest = hashlib.sha256()
    files = [archive] if archive else sorted(p for p in root.rglob("*") if p.suffix in {".c", ".cc", ".cpp", ".h"})
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    kind = "archive" if archive else "tree"
    named = re.search(r"^version=(.*)$", _text(root.parent / "library.properties"), re.MULTILINE)
    return f"{named[1].strip() + ' ' if named and not archive else ''}{kind} {digest.hexdigest()[:12]}"


def archive_abi(archive: Path) -> str:
    """What an archive was compiled for, from the Arm attributes of its first object: `v7E-M hard`.

    Raises: ContentError: not an archive of Arm objects.
    """
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    data = archive.read_bytes()
    at = data.find(b"\x7fELF")
    if not data.startswith(b"!<arch>\n") or at < 0:
        raise ContentError(f"{archive} is not an archive of objects", hint=f"make it with: {MAKE}")
    try:
        elf = ELFFile(io.BytesIO(data[at:]))
        section = elf.get_section_by_name(".ARM.attributes")
        scopes = [s for sub in section.iter_subsections() for s in sub.iter_subsubsections()] if section else []
        values = {attribute.tag: attribute.value for scope in scopes for attribute in scope.iter_attributes()}
    except (ELFError, ValueError, AttributeError) as exc:
        raise ContentError(f"{archive}: its first object cannot be read: {exc}", hint=f"make it with: {MAKE}") from exc
    if elf["e_machine"] != "EM_ARM" or not values:
        raise ContentError(
            f"{archive} holds no objects for Arm",
            means="it was made for another processor, perhaps for this computer",
            hint=f"make it with: {MAKE}",
        )
    return abi(
        _ARCHITECTURES.get(int(values.get("TAG_CPU_ARCH", 0)), "other"), hard=values.get("TAG_ABI_VFP_ARGS") == 1
    )


def abi(architecture: str, *, hard: bool) -> str:
    """How this module names what an object was compiled for."""
    return f"{architecture} {'hard' if hard else 'soft'}"


# Tag_CPU_arch of the Arm ABI's addenda, and the same of our cores.
_ARCHITECTURES = {10: "v7-M", 11: "v6-M", 12: "v6-M", 13: "v7E-M", 16: "v8-M.base", 17: "v8-M.main", 21: "v8.1-M.main"}
CORES: dict[cores.Architecture, str] = {
    "armv6-m": "v6-M",
    "armv7-m": "v7-M",
    "armv7e-m": "v7E-M",
    "armv8-m.base": "v8-M.base",
    "armv8-m.main": "v8-M.main",
    "armv8.1-m.main": "v8.1-M.main",
}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
