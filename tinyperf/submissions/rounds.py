"""What each round accepts. Source: MODEL_CONFIG of the official checker, MLPerfTiny_Rules.adoc (both 1afd2c9)."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from tinyperf.benchmark import BENCHMARKS
from tinyperf.errors import UsageError
from tinyperf.rules import streaming

Mode = Literal["accuracy", "performance", "energy"]
Runner = Literal["mlcommons", "energyrunner"]
MODES: tuple[Mode, ...] = ("accuracy", "performance", "energy")

WAKEWORDS, MOST_FALSE, STREAM_S = streaming.WAKEWORDS, streaming.MOST_FALSE, streaming.STREAM_S


@dataclass(frozen=True)
class Task:
    """One benchmark as submissions name it. `target`: fraction of 1 (top-1) or AUC; sww has limits of its own."""

    name: str
    model_id: str
    metric: Literal["top1", "auc", "streaming"]
    target: float
    samples: int

    @property
    def required(self) -> tuple[Mode, ...]:
        """Modes that must be there; sww needs one of performance and energy."""
        return () if self.metric == "streaming" else ("accuracy", "performance")


TASKS = {
    b.name: Task(b.name, b.model_id, "streaming", 0.0, 1)
    if b.metric == "f1"
    else Task(b.name, b.model_id, b.metric, b.target, b.samples)
    for b in BENCHMARKS.values()
}

AD_SHORT_SAMPLES = 72
"""`y_labels_alt.csv`, accepted from v1.2."""


@dataclass(frozen=True)
class Round:
    """One round: its benchmarks, and the runners whose results it takes.

    `marker`: wants EEMBC_RUNNER beside EnergyRunner's results. `long_names`: folders may be called `keyword_spotting`.
    """

    name: str
    tasks: tuple[str, ...]
    runners: tuple[Runner, ...]
    ad_samples: tuple[int, ...]
    marker: bool = False
    long_names: bool = False

    def samples(self, task: Task) -> tuple[int, ...]:
        """Numbers of samples that are a whole set."""
        return self.ad_samples if task.name == "ad" else (task.samples,)


_FOUR = ("ad", "ic", "kws", "vww")
_BOTH: tuple[Runner, ...] = ("mlcommons", "energyrunner")
_AD = TASKS["ad"].samples

ROUNDS = {
    r.name: r
    for r in (
        Round("v1.0", _FOUR, _BOTH, (_AD,), long_names=True),
        Round("v1.1", _FOUR, _BOTH, (_AD,)),
        Round("v1.2", _FOUR, _BOTH, (_AD, AD_SHORT_SAMPLES)),
        Round("v1.3", (*_FOUR, "sww"), _BOTH, (_AD, AD_SHORT_SAMPLES), marker=True),
        Round("v1.4", (*_FOUR, "sww", "ic2"), ("mlcommons",), (_AD, AD_SHORT_SAMPLES)),
    )
}
LATEST = "v1.4"
LONG_NAMES = {
    "anomaly_detection": "ad",
    "image_classification": "ic",
    "keyword_spotting": "kws",
    "visual_wake_words": "vww",
}


def find(name: str) -> Round:
    """The round of that name, with or without the v.

    Raises: UsageError: no such round; the closest name is suggested.
    """
    full = name if name.startswith("v") else f"v{name}"
    if full in ROUNDS:
        return ROUNDS[full]
    near = difflib.get_close_matches(full, ROUNDS, n=1)
    raise UsageError(
        f"no round '{name}'",
        hint=(f"did you mean {near[0]}? " if near else "") + f"there are {', '.join(ROUNDS)}",
    )
