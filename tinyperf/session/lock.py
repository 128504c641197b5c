"""One process at a time works on a session: a lock on a file, which the system takes back when that process ends.

So a run that was killed leaves nothing behind that must be cleared away.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tinyperf.errors import DeviceError, DiskError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "session.lock"
FAR = 1 << 40
"""Where the byte lies that Windows locks: nobody may read a locked one, and the number in front of it must be read."""

if sys.platform == "win32":

    def taken(file: int) -> bool:
        """Lock an open file for as long as it stays open; False: another one has it."""
        import msvcrt

        at = os.lseek(file, FAR, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        finally:
            os.lseek(file, at - FAR, os.SEEK_SET)
        return True

else:

    def taken(file: int) -> bool:
        """Lock an open file for as long as it stays open; False: another one has it."""
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """The session in `folder` is this process's; its number stands in the file.

    Raises: DeviceError: another process works on it. DiskError: the file cannot be written.
    """
    path = folder / NAME
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as exc:
        raise _disk(path, exc) from exc
    try:
        _take(file, path)
        yield
    finally:
        os.close(file)


def _take(file: int, path: Path) -> None:
    try:
        if not taken(file):
            raise _busy(path.parent, os.read(file, 20).decode("ascii", errors="replace").strip())
        os.ftruncate(file, 0)
        os.write(file, b"%d\n" % os.getpid())
    except OSError as exc:
        raise _disk(path, exc) from exc


def _busy(folder: Path, number: str) -> DeviceError:
    who = f"process {number}" if number.isdecimal() else "another process"
    return DeviceError(
        f"{who} works on {folder}",
        means="this session is still running; two at once would send the same inputs twice",
        hint=f"wait for it or end it, then 'tinyperf run --resume {folder}'",
    )


def _disk(path: Path, exc: OSError) -> DiskError:
    return DiskError(
        f"{path} cannot be written: {exc.strerror or exc}",
        means="the disk is full, or the folder may not be written to",
        hint="make room, or copy the session to where it may be written",
    )
