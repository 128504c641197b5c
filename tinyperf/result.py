"""The JSON contract of `tinyperf run` as typed values; `session.json` keeps it (docs/sessions.md).

Absent parts are None, never guessed. Accuracy and AUC are fractions here; people are shown percent.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Mode = Literal["performance", "accuracy", "energy"]
Inputs = Literal["official", "user", "subset", "synthetic"]
RuleMetric = Literal["top1", "auc", "f1"]
"""Of the benchmarks, by the run rules."""
Metric = Literal[RuleMetric, "mse", "mae"]


@dataclass(frozen=True)
class Toolchain:
    compiler: str
    flags: str


@dataclass(frozen=True)
class EngineDetails:
    kernels: str
    version: str


@dataclass(frozen=True)
class Window:
    """N timed inferences between two timestamps of the device."""

    inferences: int
    seconds: float
    throughput_ips: float


@dataclass(frozen=True)
class Performance:
    latency_ms: float
    throughput_ips: float
    windows: tuple[Window, ...]


@dataclass(frozen=True)
class Accuracy:
    """`target`: the least value; None where there is none, and of f1: its target is counts (rules/streaming.py)."""

    metric: Metric
    value: float
    target: float | None
    samples: int


@dataclass(frozen=True)
class EnergyWindow:
    start_s: float
    seconds: float
    uj: float
    uj_per_inference: float


@dataclass(frozen=True)
class Energy:
    uj_per_inference: float
    uj_interval: tuple[float, float]
    windows: tuple[EnergyWindow, ...]


@dataclass(frozen=True)
class Detected:
    """Counts of one stream, with a word accepted for `tail_s` after its end."""

    tail_s: float
    true_positives: int
    false_negatives: int
    false_positives: int


@dataclass(frozen=True)
class Streaming:
    """A stream of sound: what was heard of it, and how busy the processor was.

    `scores`: with the runner's tail and with the documented one; empty where the words are not known. `period_ms`,
    `duty_cycle`: of the processing pin; where the sound came over the serial line, of the rule's 32 ms. `power_mw`:
    over the whole stream. `frames`: computed; `lost`: that came while one was computed. None: not measured.
    """

    wav_file: str
    length_s: float
    scores: tuple[Detected, ...]
    processing_ms: float | None
    period_ms: float | None
    duty_cycle: float | None
    power_mw: float | None
    frames: int | None
    lost: int | None


@dataclass(frozen=True)
class Memory:
    """Linker figures for flash and RAM; the plan's (or the interpreter's) figure for the arena."""

    flash_bytes: int | None
    ram_bytes: int | None
    arena_bytes: int | None


@dataclass(frozen=True)
class ModelFile:
    """The model that was built; `bytes`: of the file, None in sessions of before they were kept."""

    name: str
    sha256: str
    bytes: int | None


@dataclass(frozen=True)
class RunResult:
    """One measured mode of one model on one board.

    `valid`: this mode's run rules were kept; says nothing about quality. `target_met`: None where accuracy was not
    measured. `estimated`: the figure comes from a virtual board; `error_percent` is then the error of its
    cycle model, and for energy of its power model too, against published silicon figures. `name`: the user's word for
    the session; `created`: when it began, ISO 8601; `model`: None where the firmware was brought. `clock_hz`: what the
    board's firmware sets; None of a process and of firmware that was brought, and so is `cycles_per_inference`, the
    latency at that clock. `streaming`: of sww, whose inference is a frame; accuracy is then F1 with the runner's tail.
    """

    benchmark: str
    board: str
    engine: str | None
    transport: str
    mode: Mode
    valid: bool
    reasons: tuple[str, ...]
    inputs: Inputs
    estimated: bool
    session: str
    target_met: bool | None = None
    error_percent: float | None = None
    build_id: str | None = None
    toolchain: Toolchain | None = None
    engine_details: EngineDetails | None = None
    performance: Performance | None = None
    accuracy: Accuracy | None = None
    energy: Energy | None = None
    memory: Memory | None = None
    notes: tuple[str, ...] = field(default=())
    name: str | None = None
    created: str | None = None
    model: ModelFile | None = None
    clock_hz: int | None = None
    cycles_per_inference: int | None = None
    streaming: Streaming | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-ready values."""
        return asdict(self)

    @property
    def exit_code(self) -> int:
        """0 valid and on target; 1 measured, but not valid by the rules or below the accuracy target."""
        return 0 if self.valid and self.target_met is not False else 1
