"""The serial ports of this computer, and the one that a board is on."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.errors import DeviceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Port:
    """One serial port as pyserial lists it; ids in lower-case hex, empty where the port is not on USB."""

    device: str
    vid: str = ""
    pid: str = ""
    serial: str = ""
    title: str = ""

    @property
    def usb(self) -> str:
        return f"{self.vid}:{self.pid}" if self.vid else ""

    @property
    def usable(self) -> bool:
        """Whether this user may open it."""
        return os.access(self.device, os.R_OK | os.W_OK) if sys.platform != "win32" else True


def listed() -> list[Port]:
    """All serial ports of this computer, by name."""
    from serial.tools import list_ports

    found = [
        Port(
            device=p.device,
            vid=f"{p.vid:04x}" if p.vid is not None else "",
            pid=f"{p.pid:04x}" if p.pid is not None else "",
            serial=p.serial_number or "",
            title=p.description or "",
        )
        for p in list_ports.comports()
    ]
    return sorted(found, key=lambda port: port.device)


def only(usb: Sequence[str], board: str, known: Sequence[Port]) -> str:
    """The one port among `known` whose VID:PID is in `usb`.

    Args: board: its name, for the message.
    Raises: DeviceError: there is none; the message lists what there is. UsageError: several, so one must be named.
    """
    matching = [port for port in known if port.usb in usb]
    if len(matching) == 1:
        return matching[0].device
    shown = ", ".join(f"{port.device} ({port.usb or port.title})" for port in (matching or known)) or "no port at all"
    if matching:
        raise UsageError(
            f"{len(matching)} ports look like {board}: {shown}",
            hint=f"say which, for example --port {matching[0].device}; or unplug the others",
        )
    raise DeviceError(
        f"no port looks like {board} (USB {', '.join(usb) or 'ids unknown'}); found {shown}",
        means="the board is not plugged in, its serial port is not a USB one, or its driver is not loaded",
        hint="give --port, or --virtual for the virtual board; 'tinyperf doctor' lists the ports",
    )
