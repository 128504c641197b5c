"""What can be asked of `run`, said once: for the command line, for Python, and for the session folder."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Required, TypedDict, TypeVar, get_type_hints

from tinyperf.result import Metric, Mode  # noqa: TC001  (get_type_hints reads them)

if TYPE_CHECKING:
    from collections.abc import Callable

    Verb = TypeVar("Verb", bound=Callable[..., Any])


class RunOptions(TypedDict, total=False):
    """The keyword arguments of `run`; what is left out is as in `Request`.

    board: a name, or a board file. clock: what the firmware shall set, in hertz, in place of the board's usual. mode:
    performance, accuracy or energy. virtual: the virtual board; port: the real one's serial port or pyserial URL,
    looked for on USB where it is left out; isolator: what stands in the serial line instead, as
    `io_manager:port=/dev/ttyACM1`. engine: `NAME[:OPTION=VALUE,...]`. model: your own .tflite. data: inputs in
    EnergyRunner's layout, of your own model also an .npz or a folder of pictures or sounds by class; samples: only the
    first that many; quick: a first look, one short window or 20 samples, never valid. metric: top1, auc, mse or mae of
    your own model; labels: a file of its classes' names; front_end: what makes its inputs of sounds. image: a firmware
    from elsewhere, for the virtual board. build: False measures what the board runs. monitor: the energy instrument.
    jobs: virtual boards at once in accuracy mode, None: as many as help; more than one starts processes, so that a
    script needs the usual `if __name__ == "__main__":`. out: the session folder. name: words of your own, by which the
    session is found again.
    """

    board: Required[str | Path]
    clock: int | None
    mode: Mode
    virtual: bool
    port: str | None
    engine: str
    model: str | Path | None
    data: str | Path | None
    samples: int | None
    quick: bool
    metric: Metric | None
    labels: str | Path | None
    front_end: str | None
    image: str | Path | None
    build: bool
    monitor: str | None
    isolator: str | None
    jobs: int | None
    out: str | Path | None
    name: str | None


@dataclass(frozen=True)
class Request:
    """`RunOptions` and the benchmark as text, so that it can be written down and asked again.

    `benchmark` None: the model is the user's own, or the firmware says what it is.
    """

    board: str
    benchmark: str | None = None
    mode: Mode = "performance"
    virtual: bool = False
    port: str | None = None
    engine: str = "aot"
    model: str | None = None
    data: str | None = None
    samples: int | None = None
    metric: Metric | None = None
    labels: str | None = None
    front_end: str | None = None
    image: str | None = None
    build: bool = True
    monitor: str | None = None
    isolator: str | None = None
    jobs: int | None = 1
    out: str | None = None
    clock: int | None = None
    name: str | None = None
    quick: bool = False


def request(benchmark: str | None, options: RunOptions) -> Request:
    """What was asked, with paths as text."""
    texts: dict[str, Any] = {name: str(value) if isinstance(value, Path) else value for name, value in options.items()}
    return Request(benchmark=benchmark, **texts)


def spelled_out(verb: Verb) -> Verb:
    """`verb(..., **options: Unpack[RunOptions])` with every option in its signature, for help() and completion."""
    own = inspect.signature(verb)
    defaults = {field.name: field.default for field in fields(Request)}
    named = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
    options = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if name == "board" else defaults[name],
            annotation=hint,
        )
        for name, hint in get_type_hints(RunOptions).items()
        if name not in own.parameters
    ]
    verb.__signature__ = own.replace(parameters=[*named, *options])  # type: ignore[attr-defined]  # read by inspect
    return verb
