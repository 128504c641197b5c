"""What `session.json` holds, typed: what was planned before the first byte, and what was learned on the way.

Format 1 (tinyperf 0.1.0) was one flat object; it is read, and written as format 2 with the next change.
"""

from __future__ import annotations

import json
from datetime import datetime  # noqa: TC003  (pydantic reads it)
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypedDict

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from tinyperf.errors import ContentError
from tinyperf.measure.monitor import Identity  # noqa: TC001  (pydantic reads these)
from tinyperf.request import Request  # noqa: TC001  (likewise)
from tinyperf.result import EngineDetails, Inputs, Memory, Metric, Mode, Toolchain  # noqa: TC001  (likewise)
from tinyperf.virtual.board import Calibration  # noqa: TC001  (likewise)

if TYPE_CHECKING:
    from pathlib import Path

FORMAT: Final = 2


class Part(BaseModel):
    """Unknown keys and what is no number are refused, nothing is converted silently, nothing changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Sample(Part):
    """One input of the set. `windows`: how many inferences its file is cut into; `sha256`: its first 16 digits."""

    name: str
    label: Annotated[int, Field(ge=0, lt=1 << 31)]
    windows: Annotated[int, Field(ge=1)]
    sha256: str


class Rules(Part):
    """The run rules that were in force."""

    windows: int
    min_seconds: float
    min_inferences: int
    clock_tolerance: float


class ModelFile(Part):
    """The model that was built; None in records of before its bytes were kept."""

    name: str
    sha256: str
    bytes: int | None = None


class Planned(Part):
    """All that is needed to go on, or to compute the results again; known before the first byte is sent.

    `transport`: as asked; `Record.transport` is what it was. `data`: the folder of inputs. `stamp_characters`: what
    stands on the line between the beginning of a window and its end. `inferences`: of a window; None: the pilot finds
    it. `targets`: the wanted outputs of each sample, where there are no classes. `build_id`: of the image that was
    built; None where it was brought. `clock_hz`: what its firmware sets; None where it was brought, and of a process.
    """

    id: str
    tinyperf: str
    created: datetime
    request: Request
    mode: Mode
    benchmark: str
    board: str
    engine: str | None
    transport: str
    where: str
    baud: int | None
    stamp_characters: int
    estimated: bool
    error_percent: float | None
    inputs: Inputs
    data: str | None
    classes: int
    metric: Metric
    target: float | None
    input_bytes: int
    stride_bytes: int
    targets: tuple[tuple[float, ...], ...] | None = None
    samples: tuple[Sample, ...]
    inferences: int | None
    warmups: int
    rules: Rules
    build_id: str | None
    image_sha256: str | None
    model: ModelFile | None
    toolchain: Toolchain | None
    engine_details: EngineDetails | None
    memory: Memory | None
    model_id: str
    clock_hz: int | None = None
    notes: tuple[str, ...]


class Spent(Part):
    """Where the time went, all devices together, on the wall clock; None where nothing was lacking.

    `jobs`, `inputs`: devices and inputs of an accuracy run.
    """

    download_s: float | None = None
    infer_s: float | None = None
    jobs: int | None = None
    inputs: int | None = None
    seconds_per_input: float | None = None


class Timing(Spent):
    """A measurement that is complete."""

    seconds: float
    finished: datetime


class Learned(Part):
    """What the run found out. `timing` is there once everything was measured."""

    vendor: str | None = None
    profile: str | None = None
    build_id: str | None = None
    transport: str | None = None
    inferences: int | None = None
    calibration: Calibration | None = None
    monitor: Identity | None = None
    supply_mv: int | None = None
    timing: Timing | None = None
    notes: tuple[str, ...] = ()


class Lesson(TypedDict, total=False):
    """Some of what `Learned` holds."""

    vendor: str | None
    profile: str | None
    build_id: str | None
    transport: str | None
    inferences: int | None
    calibration: Calibration | None
    monitor: Identity | None
    supply_mv: int | None
    timing: Timing | None
    notes: tuple[str, ...]


class Record(Part):
    """A session's `session.json`. `result`: what `tinyperf run --json` printed, once there was one."""

    format: Literal[2] = FORMAT
    planned: Planned
    learned: Learned = Learned()
    result: dict[str, JsonValue] | None = None

    @property
    def transport(self) -> str:
        """How the device was reached."""
        return self.learned.transport or self.planned.transport

    @property
    def build_id(self) -> str | None:
        """What the device said, else the image that was built."""
        return self.learned.build_id or self.planned.build_id

    @property
    def inferences(self) -> int | None:
        """Of a window, as planned or as the pilot found."""
        return self.learned.inferences or self.planned.inferences

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be said beside the result."""
        return self.planned.notes + self.learned.notes

    @property
    def pulses(self) -> bool:
        """Windows are marked by pulses, not by lines of text."""
        return self.planned.mode == "energy"


def dump(record: Record) -> str:
    """The text of `session.json`."""
    return record.model_dump_json(indent=2) + "\n"


def parse(text: str, path: Path) -> Record:
    """The record in `text`, of format 1 or 2; `path` is named in messages.

    Raises: ContentError: no record, or of another format.
    """
    try:
        held = json.loads(text)
    except (ValueError, RecursionError) as exc:
        words = "nested too deep" if isinstance(exc, RecursionError) else exc
        raise ContentError(f"{path}: {words}", hint="the session cannot be resumed; start a new one") from exc
    number = held.get("format") if isinstance(held, dict) else None
    if isinstance(number, bool) or number not in (1, FORMAT):  # in a tuple: a list or an object may stand there
        raise ContentError(
            f"{path} has format {number}, this tinyperf knows {FORMAT}, and 1",
            hint="use the version of tinyperf that wrote it (its 'tinyperf' field)",
        )
    try:
        return Record.model_validate_json(json.dumps(_from_format_1(held) if number == 1 else held))
    except ValidationError as exc:
        raise _changed(path, exc) from exc
    except RecursionError as exc:
        raise ContentError(f"{path}: nested too deep", hint="the session cannot be resumed; start a new one") from exc


def _changed(path: Path, exc: ValidationError) -> ContentError:
    errors = [(".".join(map(str, error["loc"])).removeprefix("planned."), error) for error in exc.errors()]
    missing = [name for name, error in errors if error["type"] == "missing"]
    wrong = [f"{name}: {error['msg']}" for name, error in errors if error["type"] != "missing"]
    seen = [f"has no {', '.join(missing)}"] if missing else []
    return ContentError(
        f"{path} {'; '.join([*seen, *wrong])}",
        means="it was changed, or is no record of a session",
        hint="the session cannot be resumed; start a new one",
    )


def _from_format_1(old: dict[str, Any]) -> dict[str, Any]:
    """Format 1 mixed what was planned with what was learned: an image that was brought had the device's build id.

    Nothing that was learned is known where nobody had answered (no vendor).
    """
    held = {key: value for key, value in old.items() if key not in {"format", "session", "result", "timing"}}
    lesson = {key: held.pop(key, None) for key in ("vendor", "profile", "calibration", "monitor", "supply_mv")}
    answered = lesson["vendor"] is not None
    asked = held.get("request")
    asked = asked if isinstance(asked, dict) else {}
    lesson |= {"build_id": held.get("build_id"), "transport": held.get("transport")} if answered else {}
    if asked.get("image") or not asked.get("build", True):
        held |= {"build_id": None}
    if held.get("mode") != "accuracy":
        lesson |= {"inferences": held.get("inferences")}
        held |= {"inferences": None}
    return {
        "format": FORMAT,
        "planned": held,
        "learned": lesson | {"timing": old.get("timing")},
        "result": old.get("result"),
    }
