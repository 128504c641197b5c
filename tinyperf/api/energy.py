"""Energy instruments on their own, and energy sessions that were recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.api.paths import AnyPath, maybe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tinyperf.measure.instruments import InstrumentCheck, InstrumentInfo


def energy_monitors() -> list[InstrumentInfo]:
    """Energy instruments: name, title, options and how far each was verified."""
    from tinyperf.measure import instruments

    return instruments.known()


def energy_isolators() -> dict[str, str]:
    """What may stand in the board's serial line: the argument of `isolator`, and what it is."""
    from tinyperf.device import isolators

    return {f"{name}:port=PORT": kind.about for name, kind in isolators.KINDS.items()}


def energy_check(
    monitor: str,
    *,
    supply_mv: int = 3000,
    seconds: float = 3.0,
    out: AnyPath | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> InstrumentCheck:
    """An instrument on its own: identity, rate, noise floor and pulses; `ok` and `problems` say what came out.

    An instrument makes no test pulse of its own: `test_pulse` says how to make one, and whether one was seen.

    Args: out: file for the samples with the target on, little-endian float32 watts. told: is told when to make it.
    Raises: UsageError: no such instrument or option. DeviceError: it does not answer.
    """
    from tinyperf.measure import instruments

    return instruments.check(monitor, supply_mv=supply_mv, seconds=seconds, out=maybe(out), told=told)


def energy_simulate(name: str, fault: str = "") -> AbstractContextManager[tuple[str, Iterator[str]]]:
    """An instrument on a pseudo terminal: (its port, endless lines of what is done to the target's supply)."""
    from tinyperf.measure import instruments

    return instruments.simulated(name, fault)
