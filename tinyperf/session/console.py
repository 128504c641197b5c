"""A conversation by hand: commands in, lines out."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tinyperf import board as boards
from tinyperf.device import protocol
from tinyperf.errors import UsageError
from tinyperf.virtual.connect import is_process, open_image, open_port, port_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tinyperf.device.link import Link

BOOT_SILENCE_S = 0.3
READY = b"m-ready"


@contextmanager
def console(
    *,
    board: str,
    port: str | None,
    baud: int | None,
    virtual: bool,
    benchmark: str | None,
    image: Path | None,
    timeout_s: float,
) -> Iterator[Callable[[str], tuple[list[str], bool]]]:
    """A function that sends one command and returns (lines, whether m-ready came). Boot text comes with the first."""
    chosen = boards.load(board)
    virtual = virtual or is_process(chosen)
    if virtual and (port or baud):
        raise UsageError("--port or --baud with a virtual board", hint="choose one: the real board, or the virtual one")
    if not virtual and (image or benchmark):
        raise UsageError(
            "--image or --bench without --virtual",
            means="'console' flashes nothing",
            hint="--virtual; or 'tinyperf flash' first",
        )
    link = (
        open_image(chosen, _image(board, benchmark, image))
        if virtual
        else open_port(port_of(chosen, port), baud or chosen.serial.baud)
    )
    try:
        boot = _until_silence(link)
        yield lambda text: _talk(link, text, timeout_s, boot)
    finally:
        link.close()


def _image(board: str, benchmark: str | None, image: Path | None) -> Path:
    if image is not None:
        return image
    if benchmark is None:
        raise UsageError("a virtual board starts empty", hint="--bench BENCH or --image FILE says what runs on it")
    from tinyperf.request import Request
    from tinyperf.session.plan import prepare

    prepared, _ = prepare(Request(board=board, benchmark=benchmark, virtual=True))
    if prepared.device.image is None:
        raise UsageError(f"there is no virtual {board}", hint="give --port")
    return prepared.device.image


def _until_silence(link: Link) -> bytearray:
    heard = bytearray()
    while data := link.read(BOOT_SILENCE_S):
        heard += data
    return heard


def _talk(link: Link, text: str, timeout_s: float, boot: bytearray) -> tuple[list[str], bool]:
    """One command; `boot` is what was heard before, and is told once."""
    link.write(protocol.command(text))
    heard = bytearray()
    while data := link.read(timeout_s):
        heard += data
        if heard.replace(b"\r", b"").endswith(b"m-ready\n"):
            break
    lines = [line.replace(b"\0", b"").decode("ascii", "backslashreplace") for line in (boot + heard).splitlines()]
    boot.clear()
    return [line for line in lines if line], READY in heard
