"""Debug probes on USB: which are there, whether this user may open them, and the serial ports they bring.

Linux reads sysfs, which also shows probes without a serial port and the permissions; elsewhere pyserial's list of
ports is all there is, so that a probe without a port stays unseen.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tinyperf.device import ports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyperf.device.ports import Port

SYSFS = Path("/sys/bus/usb/devices")
DEV = Path("/dev/bus/usb")

# USB ids as the makers publish them (ST UM2448, SEGGER's udev file, Arm DAPLink, Raspberry Pi Debugprobe, Infineon
# KitProg3, Arduino). None as the product: every product of that vendor.
KINDS: dict[tuple[str, str | None], str] = {
    ("0483", "3744"): "ST-LINK",
    ("0483", "3748"): "ST-LINK",
    ("0483", "374a"): "ST-LINK",
    ("0483", "374b"): "ST-LINK",
    ("0483", "374d"): "ST-LINK",
    ("0483", "374e"): "ST-LINK",
    ("0483", "374f"): "ST-LINK",
    ("0483", "3752"): "ST-LINK",
    ("0483", "3753"): "ST-LINK",
    ("0483", "3754"): "ST-LINK",
    ("0483", "3755"): "ST-LINK",
    ("0483", "3757"): "ST-LINK",
    ("1366", None): "J-Link",
    ("0d28", "0204"): "CMSIS-DAP",
    ("2e8a", "000c"): "CMSIS-DAP",
    ("2e8a", "0003"): "BOOTSEL",
    ("2e8a", "000f"): "BOOTSEL",
    ("2341", "005a"): "SAM-BA",
    ("04b4", "f151"): "CMSIS-DAP",
    ("04b4", "f152"): "CMSIS-DAP",
    ("04b4", "f154"): "CMSIS-DAP",
    ("04b4", "f155"): "CMSIS-DAP",
}


BOOTLOADERS = frozenset({"BOOTSEL", "SAM-BA"})
"""Kinds that are no probes but the chip itself, whose serial port is gone when the firmware starts."""


@dataclass(frozen=True)
class Probe:
    """One debug probe. `node`: its USB device file, None where the system has none; `ports`: its serial ports."""

    kind: str
    vid: str
    pid: str
    serial: str
    title: str
    usable: bool
    node: Path | None = None
    ports: tuple[str, ...] = ()

    @property
    def usb(self) -> str:
        return f"{self.vid}:{self.pid}"


def kind_of(vid: str, pid: str) -> str | None:
    """`ST-LINK`, `J-Link`, `CMSIS-DAP`; None: no probe.

    `BOOTSEL`: a Raspberry Pi chip that takes an image itself; `SAM-BA`: an Arduino board's bootloader that does.
    """
    return KINDS.get((vid, pid)) or KINDS.get((vid, None))


def find() -> list[Probe]:
    """All debug probes of this machine."""
    known = ports.listed()
    return from_sysfs(SYSFS, DEV, known) if SYSFS.is_dir() else from_ports(known)


def from_ports(known: Sequence[Port]) -> list[Probe]:
    """The probes among the serial ports, one for each USB serial number."""
    by_serial: dict[tuple[str, str, str], list[Port]] = {}
    for port in known:
        if kind_of(port.vid, port.pid):
            by_serial.setdefault((port.vid, port.pid, port.serial), []).append(port)
    return [
        Probe(
            kind=kind_of(vid, pid) or "",
            vid=vid,
            pid=pid,
            serial=serial,
            title=group[0].title,
            usable=True,
            ports=tuple(port.device for port in group),
        )
        for (vid, pid, serial), group in sorted(by_serial.items())
    ]


def from_sysfs(root: Path, dev: Path, known: Sequence[Port]) -> list[Probe]:
    """The probes below a sysfs folder (`idVendor`, `idProduct`, `serial`, `busnum`, `devnum` of each device)."""
    found = []
    for folder in sorted(root.iterdir()):
        vid, pid = _text(folder / "idVendor"), _text(folder / "idProduct")
        kind = kind_of(vid, pid)
        if kind is None:
            continue
        serial = _text(folder / "serial")
        bus, number = _text(folder / "busnum"), _text(folder / "devnum")
        node = dev / bus.zfill(3) / number.zfill(3) if bus and number else None
        found.append(
            Probe(
                kind=kind,
                vid=vid,
                pid=pid,
                serial=serial,
                title=_text(folder / "product"),
                usable=node is None or os.access(node, os.W_OK),
                node=node,
                ports=tuple(p.device for p in known if (p.vid, p.pid, p.serial) == (vid, pid, serial)),
            )
        )
    return found


def udev_rule(probe: Probe) -> str:
    """The line that lets the person at the keyboard open this probe."""
    return f'SUBSYSTEM=="usb", ATTR{{idVendor}}=="{probe.vid}", ATTR{{idProduct}}=="{probe.pid}", TAG+="uaccess"'


def udev_command(probe: Probe) -> str:
    """The command that installs the rule and applies it, ready to paste."""
    file = "/etc/udev/rules.d/60-tinyperf.rules"
    return (
        f"echo '{udev_rule(probe)}' | sudo tee -a {file} && "
        "sudo udevadm control --reload && sudo udevadm trigger, then plug the probe in again"
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
