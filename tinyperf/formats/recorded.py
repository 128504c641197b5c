"""What session folders hold, as typed values: inputs measured one by one, energy traces, and the figures printed.

One set of types for all formats; each format's module reads into them and writes from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from tinyperf.device.happenings import Inference
from tinyperf.rules import joules, windows

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Format = Literal["energyrunner", "mlcommons", "tinyperf"]
Mode = Literal["performance", "accuracy", "energy"]

RULE = "-" * 57
SHORT = "The run must take at least 10 seconds and 10 iterations to be valid"
MET = "Runtime requirements have been met."


@dataclass(frozen=True, kw_only=True)
class Trial(Inference):
    """One measured `infer`: window `window` of `windows` (one but for ad) of an input, and what came of it.

    `index`: the input's place in the session. `label`: its class, None where the files do not say.
    """

    index: int
    window: int
    name: str
    label: int | None = None
    windows: int = 1

    @property
    def throughput_ips(self) -> float:
        """Inferences per second by the device's clock; 0 in energy mode."""
        return self.inferences / (self.device_us / 1e6) if self.device_us else 0.0


@dataclass(frozen=True)
class About:
    """What a session's files say of the whole. `made_by`: tool and target, in words; `where`: the session's folder."""

    id: str
    mode: Mode
    model: str
    vendor: str | None
    profile: str | None
    classes: int
    input_bytes: int
    stride_bytes: int
    warmups: int
    inferences: int | None
    created: str
    made_by: str
    where: str

    def stamp(self, at_s: float) -> str:
        """Time of day as the MLCommons runner prints it, `%m%d.%H%M%S`, `at_s` after the session's start."""
        return (datetime.fromisoformat(self.created) + timedelta(seconds=at_s)).strftime("%m%d.%H%M%S")


@dataclass(frozen=True)
class Figures:
    """A session's own figures, None where it has none. `note` stands beside each, `reasons` are why it is not valid.

    `top1`, `auc`: 0..1; `eembc_auc` by EnergyRunner's own rule. `uj`: median energy per inference.
    """

    throughput_ips: float | None = None
    top1: float | None = None
    auc: float | None = None
    eembc_auc: float | None = None
    uj: float | None = None
    note: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Printed:
    """One figure that the original tool printed: which, and with how many decimals."""

    what: str
    value: float
    decimals: int


@dataclass(frozen=True)
class Session:
    """A performance or accuracy session: its inputs in order, and what the tool made of them.

    `damage`: what is wrong with the files themselves.
    """

    format: Format
    mode: Mode
    model: str
    trials: tuple[Trial, ...]
    printed: tuple[Printed, ...]
    damage: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recording:
    """One energy session.

    `samples_j`: [n] joules per sample. `pulses_s`: falling edges, seconds since the first sample. `expected`: what the
    transcript announces. `spans`: the windows as the original tool paired them. `required`: windows the rules ask for.
    `damage`: what is wrong with the recording itself.
    """

    format: Format
    samples_j: npt.NDArray[np.float64]
    sample_rate_hz: float
    pulses_s: tuple[float, ...]
    expected: tuple[joules.Expected, ...]
    spans: tuple[joules.Span, ...]
    printed: tuple[Printed, ...]
    accuracy: float
    edge_s: float
    range_w: joules.RangeW
    required: int = windows.WINDOWS
    damage: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def met(seconds: float, inferences: int) -> bool:
    """Whether a window is long enough by the run rules."""
    return seconds >= windows.MIN_SECONDS and inferences >= windows.MIN_INFERENCES
