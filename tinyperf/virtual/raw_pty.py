"""A pseudo terminal as a plain wire of bytes."""

from __future__ import annotations

from tinyperf.errors import UsageError


def raw_pty(instead: str) -> tuple[int, int]:
    """File descriptors of the two ends, ours first; no echo, no line discipline. Linux and macOS.

    Args: instead: what to do where there is none, for the message.
    Raises: UsageError: this system has none.
    """
    try:
        import pty
        import tty
    except ImportError as exc:
        raise UsageError("this system has no pseudo-terminals", hint=instead) from exc
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    return ours, theirs
