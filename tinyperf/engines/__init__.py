"""Engines turn a model into C or C++ sources with a memory plan: the `Engine` interface and its public fake.

A folder `tinyperf/engines/NAME/` with a module-level `ENGINE` is an engine; the folder is the registry.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tinyperf.errors import UsageError
from tinyperf.options import split
from tinyperf.result import EngineDetails

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinyperf.cores import Core
    from tinyperf.tflite import Model


@dataclass(frozen=True)
class Target:
    """What the engine compiles for: a core with the features that the chip has."""

    core: Core


@dataclass(frozen=True)
class Layer:
    """What became of one operator: which kernel, why that one, and its cost. `symbol` is its C function."""

    index: int
    op: str
    macs: int
    kernel: str
    why: str
    symbol: str
    weights_bytes: int
    scratch_bytes: int


@dataclass(frozen=True)
class Generated:
    """Sources (path below the project's src/ -> text) that implement tp_model.h for one model on one target.

    `arena_bytes`: all RAM the model needs (input, output, activations, scratch). `libraries` and `build_flags` go
    into platformio.ini as they are, `project_options` (name -> value) as further lines of its environment; of the
    libraries, sources that match a pattern of `skipped_sources` are not compiled. `layers` may be empty where the
    engine interprets.
    """

    sources: Mapping[str, str]
    arena_bytes: int
    weights_bytes: int
    details: EngineDetails
    layers: tuple[Layer, ...] = ()
    libraries: tuple[str, ...] = ()
    build_flags: tuple[str, ...] = ()
    project_options: Mapping[str, str] = field(default_factory=dict)
    skipped_sources: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Engine(Protocol):
    """Model to sources. Pure: reads no file but its templates, starts nothing."""

    name: str

    def generate(self, model: Model, target: Target, options: Mapping[str, str]) -> Generated:
        """Sources for `model` on `target`.

        Raises: ModelError: the model holds what this engine does not support. UsageError: unknown option.
        """


def names() -> list[str]:
    """All engines: the subfolders of this package."""
    return sorted(p.name for p in Path(__file__).parent.iterdir() if (p / "__init__.py").is_file())


def engine(name: str) -> Engine:
    """The engine of that name.

    Raises: UsageError: no such engine.
    """
    if name not in names():
        raise UsageError(f"unknown engine '{name}'", hint=f"choose one of {', '.join(names())}")
    found: Engine = importlib.import_module(f"tinyperf.engines.{name}").ENGINE
    return found


INNER_OPTIONS = ("library", "measure")
"""Set by tinyperf itself: the library that 'tinyperf tflm use' names, and the image that measures the arena."""


def parse_engine(text: str) -> tuple[str, dict[str, str]]:
    """`tflm:kernels=reference,arena=65536` as name and options.

    Raises: UsageError: as `options.split`, and for an inner option.
    """
    name, options = split(text, what="engine", example="tflm:kernels=reference")
    if inner := sorted(set(INNER_OPTIONS) & set(options)):
        raise UsageError(f"engine '{name}' has no option '{inner[0]}'", hint="leave it out")
    return name, options


@dataclass
class FakeEngine:
    """Public fake: one C file whose inference copies input bytes to the output."""

    name: str = "fake"
    asked: list[tuple[str, Target]] = field(default_factory=list)

    def generate(self, model: Model, target: Target, options: Mapping[str, str]) -> Generated:
        if options:
            raise UsageError(f"engine 'fake' has no option {min(options)}", hint="leave it out")
        self.asked.append((model.name, target))
        n_in, n_out = math.prod(model.input.shape), math.prod(model.output.shape)
        text = FAKE_MODEL_C.format(n_in=n_in, n_out=n_out)
        return Generated(
            sources={"model.c": text},
            arena_bytes=n_in + n_out,
            weights_bytes=0,
            details=EngineDetails(kernels="copy", version="0"),
        )


FAKE_MODEL_C = """\
/* SPDX-License-Identifier: 0BSD */
/* Made by tinyperf's fake engine: copies input bytes to the output. */
#include "tp_model.h"

static int8_t input[{n_in}];
static int8_t output[{n_out}];

const char *tp_model_init(void) {{ return NULL; }}
int8_t *tp_model_input(void) {{ return input; }}
const int8_t *tp_model_output(void) {{ return output; }}

const char *tp_model_invoke(void)
{{
    for (size_t i = 0; i < sizeof output; i++) {{
        output[i] = input[i % sizeof input];
    }}
    return NULL;
}}
"""
