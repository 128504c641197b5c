"""Engines turn a model into C or C++ sources with a memory plan: the `Engine` interface and its public fake.

A folder `tinyperf/engines/NAME/` with a module-level `ENGINE` is an engine; the folder is the registry, beside the
entry points `tinyperf.engines` of installed packages (`NAME = package.module:ENGINE`).
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from tinyperf import content
from tinyperf.engines import ends
from tinyperf.errors import ContentError, UsageError, meant
from tinyperf.options import split
from tinyperf.result import EngineDetails

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from tinyperf.board import Board
    from tinyperf.cores import Core
    from tinyperf.tflite import Model, Tensor

ENTRY_POINTS = "tinyperf.engines"
STREAM = "stream"
"""An engine with this option (on or off) takes a model of a streaming benchmark as `stepwise` makes it."""


Optimize = Literal["time", "ram", "flash", "balanced"]
"""time: the fewest cycles. ram: the smallest arena. flash: the fewest bytes of constants. balanced: few cycles, with
little scratch.
"""


@dataclass(frozen=True)
class Target:
    """What the engine compiles for: a core with the features that the chip has, and what counts most.

    flash_bytes: what the chip's flash has for the whole firmware; None: enough. near_bytes: RAM beside the core, in
    which an arena that fits is read and written without waiting; None: there is none. resident: constants are copied
    into RAM at the start and read from there. plan: which kernels to take, as tuning has found it, in the engine's own
    words; "": the engine chooses.
    """

    core: Core
    optimize: Optimize = "balanced"
    flash_bytes: int | None = None
    near_bytes: int | None = None
    resident: bool = False
    plan: str = ""

    @classmethod
    def of(cls, board: Board) -> Target:
        memory = board.memory
        return cls(
            board.core,
            flash_bytes=memory.flash.bytes if memory else None,
            near_bytes=memory.arena.bytes if memory and memory.arena else None,
        )


@dataclass(frozen=True)
class Layer:
    """What became of one operator: which kernel, why that one, and its cost. `symbol` is its C function.

    left_out: what of the operator is not computed, in words; its MACs are counted all the same.
    predicted_cycles: what the engine took it to cost. next_kernel, next_cycles: likewise with the next best kernel, all
    else as it is.
    """

    index: int
    op: str
    macs: int
    kernel: str
    why: str
    symbol: str
    weights_bytes: int
    scratch_bytes: int
    left_out: str = ""
    predicted_cycles: int | None = None
    next_kernel: str = ""
    next_cycles: int | None = None


@dataclass(frozen=True)
class Generated:
    """Sources (path below the project's src/ -> text) that implement tp_model.h for one model on one target.

    `arena_bytes`: all RAM the model needs (input, output, activations, scratch), but for `resident_bytes`: weights that
    are copied into RAM before the first inference. `libraries` and `build_flags` go
    into platformio.ini as they are, `project_options` (name -> value) as further lines of its environment; of the
    libraries, sources that match a pattern of `skipped_sources` are not compiled. `layers` may be empty where the
    engine interprets. `family`: whose kernels they are, in a word.
    """

    sources: Mapping[str, str]
    arena_bytes: int
    weights_bytes: int
    details: EngineDetails
    resident_bytes: int = 0
    layers: tuple[Layer, ...] = ()
    libraries: tuple[str, ...] = ()
    build_flags: tuple[str, ...] = ()
    project_options: Mapping[str, str] = field(default_factory=dict)
    skipped_sources: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    family: str = "own"


@dataclass(frozen=True)
class Footprint:
    """What a model takes of a chip, said without writing sources or starting anything.

    arena_bytes, weights_bytes, resident_bytes: as of `Generated`; `planned`: the arena is what it will be, and no
    starting value.
    code_bytes: an estimate from images that were built, with everything in flash that is not weights.
    """

    arena_bytes: int
    planned: bool
    weights_bytes: int
    code_bytes: int
    resident_bytes: int = 0


@dataclass(frozen=True)
class Workshop:
    """What the build lends an engine for `prepare`.

    board: what the firmware is for. builds: it will be built, so what is missing for that is an error already.
    cache: folder for figures that cost time to find. bench: the virtual board that can be started here: the board
    itself, or one whose core has the same kernels; None where there is none. start: builds the model for the bench with
    these options and starts it; what it says from reset to its first m-ready; None where nothing may be started.
    """

    board: Board
    builds: bool
    cache: Path
    bench: Board | None = None
    start: Callable[[Mapping[str, str]], str] | None = None


class Engine(Protocol):
    """Model to sources. `options`: what a user may set with `NAME:OPTION=VALUE,...`, and what each is."""

    name: str
    options: Mapping[str, str]

    def prepare(self, model: Model, options: Mapping[str, str], workshop: Workshop) -> Mapping[str, str]:
        """The user's options, and those that the engine finds out for itself, for `generate`.

        Raises: UsageError: no such board or option. BuildError: something is missing to build with.
        """

    def generate(self, model: Model, target: Target, options: Mapping[str, str]) -> Generated:
        """Sources for `model` on `target`. Pure: reads no file but its templates, starts nothing.

        Raises: ModelError: the model holds what this engine does not support. UsageError: unknown option.
        """

    def footprints(self, model: Model, targets: Sequence[Target], options: Mapping[str, str]) -> list[Footprint | None]:
        """What `generate` would need on each of `targets`, found quickly; None: no kernels for that core. Pure.

        Raises: as `generate`.
        """


def names() -> list[str]:
    """All engines: the subfolders of this package, and the entry points of installed packages."""
    return sorted({*_own(), *content.packaged(ENTRY_POINTS)})


def _own() -> list[str]:
    return [p.name for p in Path(__file__).parent.iterdir() if (p / "__init__.py").is_file()]


def engine(name: str) -> Engine:
    """The engine of that name.

    Raises: UsageError: no such engine.
    """
    found: Engine
    if name in _own():  # without a look at every installed package
        found = importlib.import_module(f"tinyperf.engines.{name}").ENGINE
        return found
    if name not in names():
        raise UsageError(f"unknown engine '{name}'", hint=f"{meant(name, names())}choose one of {', '.join(names())}")
    point = content.packaged(ENTRY_POINTS)[name]
    try:
        found = point.load()
    except Exception as exc:  # whatever a package of somebody else's raises
        raise ContentError(
            f"engine {name} ({point.value}) cannot be loaded: {type(exc).__name__}: {exc}",
            hint="install its package anew, or take it away",
        ) from exc
    return found


def parse_engine(text: str) -> tuple[str, dict[str, str]]:
    """`tflm:kernels=reference,arena=65536` as name and options.

    Raises: UsageError: as `options.split`; no such engine, or it has no such option.
    """
    name, options = split(text, what="engine", example="tflm:kernels=reference")
    known = engine(name).options
    if unknown := sorted(set(options) - set(known)):
        has = "; ".join(f"{option}={what}" for option, what in known.items())
        raise UsageError(
            f"engine '{name}' has no option '{unknown[0]}'", hint=f"it has {has}" if has else "leave it out"
        )
    return name, options


def planned(text: str, way: str) -> str:
    """`aot:fold=off` and `ram` -> `aot:fold=off,optimize=ram`.

    Raises: UsageError: the engine has no such option, or it is given already.
    """
    name, options = parse_engine(text)
    if "optimize" in options:
        raise UsageError(f"--optimize {way} beside --engine {text}", hint="both say what counts most: leave one out")
    if "optimize" not in engine(name).options:
        raise UsageError(f"--optimize {way} with engine '{name}'", hint="it has no plans to choose from; aot has")
    return f"{text}{',' if ':' in text else ':'}optimize={way}"


@dataclass
class FakeEngine:
    """Public fake: one C file whose inference copies input bytes to the output."""

    name: str = "fake"
    options: Mapping[str, str] = field(default_factory=dict)
    asked: list[tuple[str, Target]] = field(default_factory=list)

    def prepare(
        self,
        model: Model,  # noqa: ARG002  (the interface's; nothing to find out first)
        options: Mapping[str, str],
        workshop: Workshop,  # noqa: ARG002  (likewise)
    ) -> Mapping[str, str]:
        return options

    def generate(self, model: Model, target: Target, options: Mapping[str, str]) -> Generated:
        if options:
            raise UsageError(f"engine 'fake' has no option {min(options)}", hint="leave it out")
        ends.check(model)
        self.asked.append((model.name, target))
        inputs, outputs = _side_by_side(model.input_tensors), _side_by_side(model.output_tensors)
        text = FAKE_MODEL_C.format(
            n_in=inputs[-1], n_out=outputs[-1], inputs=_offsets(inputs), outputs=_offsets(outputs)
        )
        return Generated(
            sources={"model.c": text},
            arena_bytes=inputs[-1] + outputs[-1],
            weights_bytes=0,
            details=EngineDetails(kernels="copy", version="0"),
        )

    def footprints(self, model: Model, targets: Sequence[Target], options: Mapping[str, str]) -> list[Footprint | None]:
        made = [self.generate(model, target, options) for target in targets]
        return [Footprint(each.arena_bytes, planned=True, weights_bytes=0, code_bytes=0) for each in made]


def _side_by_side(tensors: Iterable[Tensor]) -> list[int]:
    """Where each tensor starts, in bytes, aligned for any type; and where the last one ends."""
    offsets, end = [], 0
    for tensor in tensors:
        offsets.append(-(-end // 8) * 8)
        end = offsets[-1] + tensor.size_bytes
    return [*offsets, end]


def _offsets(offsets: list[int]) -> str:
    return ", ".join(f"{offset}U" for offset in offsets[:-1])


FAKE_MODEL_C = """\
/* SPDX-License-Identifier: 0BSD */
/* Made by tinyperf's fake engine: copies input bytes to the output. */
#include "tp_model.h"

static int8_t input[{n_in}] __attribute__((aligned(8)));
static int8_t output[{n_out}] __attribute__((aligned(8)));

const char *tp_model_init(void) {{ return NULL; }}
void tp_model_reset(void) {{}}

void *tp_model_input(size_t index)
{{
    static const size_t offsets[] = {{ {inputs} }};

    return &input[offsets[index]];
}}

const void *tp_model_output(size_t index)
{{
    static const size_t offsets[] = {{ {outputs} }};

    return &output[offsets[index]];
}}

const char *tp_model_invoke(void)
{{
    for (size_t i = 0; i < sizeof output; i++) {{
        output[i] = input[i % sizeof input];
    }}
    return NULL;
}}
"""
