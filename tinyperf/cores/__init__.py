"""Processor cores: one file each with a `CORE`; the folder is the registry, and an unknown core is refused.

A `Core` is the only description of a core that there is: boards and chips name it, engines ask what it can
(`features`) and what a kernel costs on it (`costs`), the build takes its compiler flags, and the virtual board its
exceptions, its pipeline and its emulator.
"""

from __future__ import annotations

import difflib
import functools
import importlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tinyperf.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Feature = Literal[
    "thumb",  # the 16-bit instructions of Armv6-M
    "it",  # IT blocks
    "wide",  # CBZ, MOVW, TBB, wide immediates and the rest of Thumb-2 that Armv6-M lacks
    "divide",  # SDIV, UDIV
    "exclusive",  # LDREX, STREX
    "unaligned",  # LDR, LDRH, STR, STRH at any address
    "basepri",  # BASEPRI, FAULTMASK, and faults of their own beside HardFault
    "dsp",  # SMLAD, SXTB16, PKHBT, ...
    "fpu",  # single precision
    "fpu_double",
    "mve",  # Helium
    "cycle_counter",  # DWT.CYCCNT
]
FEATURES: tuple[Feature, ...] = Feature.__args__  # type: ignore[attr-defined]  # Literal's own list

MAINLINE: frozenset[Feature] = frozenset(
    {"thumb", "it", "wide", "divide", "exclusive", "unaligned", "basepri", "cycle_counter"}
)
"""What Armv7-M and Armv8-M mainline always have."""

Architecture = Literal["armv6-m", "armv7-m", "armv7e-m", "armv8-m.base", "armv8-m.main", "armv8.1-m.main", "host"]


@dataclass(frozen=True)
class Exceptions:
    """Exceptions of a core with zero-wait memory. `tail_chain_cycles`: from one handler to the next.

    `return_mask`: bits of EXC_RETURN that may be 1 (Armv8-M without TrustZone has secure-state bits, which read 0).
    `priority_bits`: how many a chip has unless it says otherwise.
    """

    entry_cycles: int
    exit_cycles: int
    tail_chain_cycles: int
    priority_bits: int = 4
    return_mask: int = 0xFFFF_FFFF


@dataclass(frozen=True)
class FetchQueue:
    """Cycles of a pipeline that executes one instruction at a time behind a queue of fetched words.

    virtual/board/pipelines/fetch_queue.py has the rules. `branch`, `branch_register`, `load_pc`: P of a taken branch.
    """

    divide: int
    branch: int
    branch_register: int
    load_pc: int
    address_stall: int
    register_store: int
    load_behind_store: int
    pre_indexed: int
    fp_multiply_add: int
    fp_divide: int


@dataclass(frozen=True)
class PairedIssue:
    """Cycles of the Cortex-M33's pipeline; virtual/board/pipelines/paired_issue.py has the rules."""

    divide: int
    fp_divide: int


@dataclass(frozen=True)
class DualIssue:
    """Cycles of the Cortex-M7's pipeline; virtual/board/pipelines/dual_issue.py has the rules.

    mispredicted: of a branch; flags_ahead: so many fewer where the flags were known. indirect: of a branch whose target
    is read. unaligned: of a load.
    """

    divide: int
    fp_divide: int
    mispredicted: int
    flags_ahead: int
    indirect: int
    unaligned: int


@dataclass(frozen=True)
class TwoStage:
    """Cycles of the Cortex-M0+'s pipeline; virtual/board/pipelines/two_stage.py has the rules."""

    multiply: int


@dataclass(frozen=True)
class Core:
    """One core.

    name: GCC's -mcpu, and what chips call it. features: all that it can have; optional: what a chip may leave out.
    fpus: GCC's -mfpu by the widest precision; unicorn: the model that runs it, None where Unicorn has none.
    pipeline: None where nobody has written its cycle model yet: then it runs, but nothing is estimated.
    costs: cycles of a kernel's steps, by kernel and by the name that the kernel's cost formula gives them.
    resident_costs: of them, those that differ where the weights lie in RAM.
    """

    name: str
    title: str
    architecture: Architecture
    features: frozenset[Feature]
    exceptions: Exceptions
    optional: frozenset[Feature] = frozenset()
    fpus: Mapping[Feature, str] = field(default_factory=dict)
    unicorn: str | None = None
    pipeline: FetchQueue | PairedIssue | DualIssue | TwoStage | None = None
    costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    resident_costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def without(self, missing: Iterable[Feature]) -> Core:
        """This core as a chip has it that leaves out `missing`.

        Raises: ContentError: the core always has one of them.
        """
        missing = frozenset(missing)
        if kept := sorted(missing - self.optional):
            can = ", ".join(sorted(self.optional)) or "nothing"
            raise ContentError(f"a {self.name} always has {kept[0]}", hint=f"it may be without: {can}")
        return replace(self, features=self.features - missing)

    def resident(self) -> Core:
        """This core as it reads weights from RAM."""
        steps = {kernel: {**self.costs.get(kernel, {}), **other} for kernel, other in self.resident_costs.items()}
        return replace(self, costs={**self.costs, **steps})

    @property
    def gcc_flags(self) -> tuple[str, ...]:
        """GCC's machine flags, for the compile and the link line alike; none for this computer."""
        if self.architecture == "host":
            return ()
        options = "".join(f"+no{one}" for one in ("dsp", "mve") if one in self.optional - self.features)
        precision = next((p for p in ("fpu_double", "fpu") if p in self.features), None)
        fpu = (f"-mfpu={self.fpus[precision]}", "-mfloat-abi=hard") if precision else ("-mfloat-abi=soft",)
        return ("-mthumb", f"-mcpu={self.name}{options}", *fpu)


@functools.cache
def known() -> dict[str, Core]:
    """All cores by name: what the modules of this package call CORE."""
    stems = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_"))
    cores: list[Core] = [importlib.import_module(f"{__name__}.{stem}").CORE for stem in stems]
    return {core.name: core for core in cores}


def scaled(costs: Mapping[str, Mapping[str, float]], by: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """A core's costs from those of another: of each kernel named in `by`, so many times as much."""
    return {kernel: {step: cycles * times for step, cycles in costs[kernel].items()} for kernel, times in by.items()}


def load(name: str) -> Core:
    """The core of that name.

    Raises: ContentError: there is none; the closest name is in the hint.
    """
    if name not in known():
        raise ContentError(unknown(name), hint="a core is one file of tinyperf/cores/")
    return known()[name]


def unknown(name: str) -> str:
    """What is said of a name that is no core's."""
    near = difflib.get_close_matches(name, known(), n=1, cutoff=0.5)
    return f"unknown core '{name}'" + (f", did you mean {near[0]}?" if near else f"; known: {', '.join(known())}")
