"""JSON schemas (draft 2020-12) of what a session folder holds, and of what `tinyperf run --json` prints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, with_config
from typing_extensions import TypedDict

from tinyperf.device.happenings import Direction  # noqa: TC001  (pydantic reads these)
from tinyperf.errors import UsageError
from tinyperf.formats import own, stream
from tinyperf.measure.monitor import Identity  # noqa: TC001  (likewise)
from tinyperf.result import RunResult
from tinyperf.rules.joules import Expected  # noqa: TC001  (likewise)
from tinyperf.session.beside import Beside
from tinyperf.session.costs import LayerCost
from tinyperf.session.profile import Profile
from tinyperf.session.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

DRAFT = "https://json-schema.org/draft/2020-12/schema"
SIDECAR = own.SIDECAR


@with_config({"extra": "forbid"})
class Line(TypedDict):
    """A line of transcript.jsonl: seconds since the first byte, who spoke, and the bytes in hexadecimal."""

    t_s: float
    dir: Direction
    hex: str


@with_config({"extra": "forbid"})
class EnergyFile(TypedDict):
    """energy.json; times in seconds since the first sample of energy-power.f32, pulses as they were seen."""

    format: int
    sample_rate_hz: float
    samples: int
    lost: int
    pulses_s: list[float]
    expected: list[Expected]
    supply_mv: int
    accuracy: float
    edge_s: float
    error_percent: float | None
    damage: list[str]
    monitor: Identity


class _Inferred(TypedDict, total=False):
    start_time: int
    end_time: int
    elapsed_time: int
    throughput: float


@with_config({"extra": "forbid"})
class Inferred(_Inferred):
    """`infer` of results.json: microseconds of the device, values as it printed them."""

    results: list[float]
    total_inferences: int
    iterations: int
    warmups: int


@with_config({"extra": "forbid"})
class Power(TypedDict):
    """`power` of results.json: joules in a millisecond; numbered pulses by sample; volts."""

    samples: list[float]
    timestamps: list[tuple[str, int]]
    extracted_power: None
    voltage: float


class _Powered(TypedDict, total=False):
    power: Power


@with_config({"extra": "forbid"})
class Entry(_Powered):
    """One input in results.json, as the MLCommons runner writes it."""

    file: str
    classes: str
    # `class` is a word of Python's
    bytes_to_send: str | None
    stride: str | None
    total_length: int | None
    infer: Inferred
    mode: str


def _entries() -> dict[str, Any]:
    found = TypeAdapter(list[Entry]).json_schema()
    entry = found["$defs"]["Entry"]
    entry["properties"]["class"] = {"type": "string"}
    entry["required"].append("class")
    return found


def _stream() -> dict[str, Any]:
    found = TypeAdapter(stream.Stream).json_schema()
    found["properties"]["format"] = {"const": 1}
    found["required"] = ["format", *found["required"]]
    return found | {"additionalProperties": False}


SCHEMAS: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "session": ("session.json", lambda: Record.model_json_schema(mode="serialization")),
    "transcript": ("a line of transcript.jsonl", TypeAdapter(Line).json_schema),
    "energy": (SIDECAR, TypeAdapter(EnergyFile).json_schema),
    "layers": ("layers.json", TypeAdapter(list[LayerCost]).json_schema),
    "results": ("results.json", _entries),
    "stream": (stream.NAME, _stream),
    "profile": ("what 'tinyperf profile --json' prints of one image", TypeAdapter(Profile).json_schema),
    "compare": ("what 'tinyperf profile --compare --json' prints", TypeAdapter(Beside).json_schema),
    "run": (
        "what 'tinyperf run --json' prints, and 'result' of session.json",
        lambda: TypeAdapter(RunResult).json_schema(mode="serialization"),
    ),
}


def schema(name: str) -> dict[str, Any]:
    """The schema of that name.

    Raises: UsageError: there is none.
    """
    if name not in SCHEMAS:
        raise UsageError(f"no schema '{name}'", hint=f"there are {', '.join(SCHEMAS)}")
    about, made = SCHEMAS[name]
    return json.loads(json.dumps({"$schema": DRAFT, "title": about, **made()}))  # type: ignore[no-any-return]  # an object
