"""Every error that tinyperf raises on purpose: what was seen, what it means, what to do next.

The class decides the exit code (README, "Exit codes"); the command line turns the error into text or JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class TinyperfError(Exception):
    """Base of the family; never raised itself.

    Args:
        seen: what was observed, with the offending value, file or port in it.
        means: what that probably means; may be empty where `seen` says it all.
        hint: what to do next; a command where there is one.
    """

    exit_code: ClassVar[int]

    def __init__(self, seen: str, *, means: str = "", hint: str) -> None:
        super().__init__(seen)
        self.seen = seen
        self.means = means
        self.hint = hint
        self.session: str | None = None  # the folder that holds what was measured until then

    def as_dict(self) -> dict[str, str | int | None]:
        """The `error` object of `--json`."""
        return {
            "seen": self.seen,
            "means": self.means,
            "hint": self.hint,
            "exit_code": self.exit_code,
            "session": self.session,
        }


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM while something was being kept: how to go on, and the session folder where there is one."""

    def __init__(self, *, hint: str, session: str | None = None) -> None:
        super().__init__("interrupted")
        self.hint = hint
        self.session = session


class UsageError(TinyperfError):
    """Arguments that make no sense, alone or together."""

    exit_code = 2


class ContentError(TinyperfError):
    """A description file (board, model card, session) that cannot be understood."""

    exit_code = 2


class ModelError(TinyperfError):
    """A .tflite file that is damaged, or holds what no engine here supports."""

    exit_code = 2


class DataError(TinyperfError):
    """A dataset that is absent, incomplete or of the wrong size."""

    exit_code = 2


class MissingExtraError(TinyperfError):
    """An optional Python package is not installed."""

    exit_code = 2


class BuildError(TinyperfError):
    """Firmware could not be generated, compiled or linked."""

    exit_code = 3


class SizeError(BuildError):
    """The firmware is larger than a memory of the board."""


class DeviceError(TinyperfError):
    """A board, port or instrument that is absent, silent, or answers wrongly."""

    exit_code = 4


class FaultError(DeviceError):
    """The firmware ended in a processor fault on the virtual board."""


class DiskError(TinyperfError):
    """A file could not be written; what was written before is kept."""

    exit_code = 4


def meant(name: str, known: Iterable[str]) -> str:
    """`did you mean 'kws'? ` for a name that is nearly a known one, in whatever case; empty where none is near."""
    import difflib

    by_lower = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5)
    return f"did you mean '{by_lower[near[0]]}'? " if near else ""
