"""Pass 3: a kernel for every layer, the cheapest that is licensed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.engines.aot.kernels import Cost, Kernel, all_kernels
from tinyperf.engines.aot.work import Alias, Step

if TYPE_CHECKING:
    from tinyperf.engines import Target


@dataclass(frozen=True)
class Choice:
    """A step with its kernel; `kernel` is None where there is nothing to compute."""

    step: Step
    kernel: Kernel | None
    cost: Cost
    why: str


def select(steps: tuple[Step, ...], target: Target) -> tuple[Choice, ...]:
    """One choice per step, in order."""
    kernels = all_kernels()
    return tuple(_choose(step, kernels, target) for step in steps)


def _choose(step: Step, kernels: tuple[Kernel, ...], target: Target) -> Choice:
    if isinstance(step.work, Alias):
        return Choice(step, None, Cost(0.0), "the same bytes under another shape: no code")
    licensed: list[tuple[float, str, Kernel, Cost]] = []
    refused: list[str] = []
    for kernel in kernels:
        if kernel.work is not type(step.work):
            continue
        reason = kernel.refuse(step.work, target)
        if reason is None:
            cost = kernel.cost(step.work)
            licensed.append((cost.cycles, kernel.name, kernel, cost))
        else:
            refused.append(f"{kernel.name} needs {reason}")
    licensed.sort(key=lambda found: found[:2])
    _, _, best, cost = licensed[0]
    why = "; ".join([f"cheapest of {len(licensed)}" if len(licensed) > 1 else "the only kernel licensed", *refused])
    return Choice(step, best, cost, why)
