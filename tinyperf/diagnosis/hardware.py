"""What puts the firmware on a board and talks to it: flash tools, probes, serial ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf import tool
from tinyperf.device import ports, probes
from tinyperf.diagnosis.check import Check, version
from tinyperf.firmware import flash
from tinyperf.firmware.flash_tools import TOOLS

if TYPE_CHECKING:
    from tinyperf.board import Board
    from tinyperf.diagnosis.check import State


def flash_tools(board: Board) -> list[Check]:
    fitting = [t for t in TOOLS if t.fits(board) and t.name != "pio"]
    there = [t for t in fitting if tool.installed(t.program)]
    found = [Check(f"flash tool {t.name}", "ok", version(t.program), "puts the image on the board") for t in there]
    absent = [t for t in fitting if t not in there]
    if absent:
        names, fix = ", ".join(t.program for t in absent), "; ".join(t.get for t in absent)
        state: State = "note" if there else "missing"
        found.append(Check("flash tools", state, f"not installed: {names}", "one is enough", fix))
    return found


def probe_checks(board: Board) -> list[Check]:
    """Every debug probe; and one line for the board's own where it is absent."""
    kinds = flash.wanted_kinds(board)
    if not kinds:
        return []
    checks = []
    for probe in probes.find():
        found = f"{probe.kind} {probe.serial or 'without serial number'} (USB {probe.usb}) {probe.title}".rstrip()
        if not probe.usable:
            checks.append(Check("probe", "missing", f"{found}: no permission", "flashing", probes.udev_command(probe)))
        else:
            checks.append(Check("probe", "ok" if probe.kind in kinds else "note", found, "flashing"))
    if not any(c.state == "ok" for c in checks):
        seen = f"no {kinds[0]} found ({flash.usb_names(board)})"
        checks.append(Check("probe", "missing", seen, "flashing", "connect the board's debug port with a data cable"))
    return checks


def port_checks(board: Board) -> list[Check]:
    """Every serial port on USB; and one line for the board's own where it is absent."""
    if not board.serial.usb:
        return []
    checks = []
    for port in ports.listed():
        if not port.usb:
            continue
        own = port.usb in board.serial.usb
        found = f"{port.device} (USB {port.usb}) {port.title}"
        if not port.usable:
            fix = "sudo usermod -aG dialout $USER, then log in again"
            checks.append(Check("port", "missing" if own else "note", f"{found}: no permission", "measuring", fix))
        else:
            checks.append(Check("port" if own else "other port", "ok", found, "measuring"))
    if not any(c.name == "port" for c in checks):
        seen = f"no serial port of {board.name} ({flash.usb_names(board)})"
        checks.append(Check("port", "missing", seen, "measuring", "connect the board; or --port URL, or --virtual"))
    return checks
