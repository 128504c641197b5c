"""Firmware images: .elf, Intel .hex, .uf2 and raw .bin, as bytes at addresses; function symbols where there are any."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tinyperf import foreign
from tinyperf.errors import UsageError
from tinyperf.formats import uf2

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tinyperf.chip import Region


@dataclass(frozen=True)
class Symbol:
    """One function: first address (even), size in bytes, name."""

    address: int
    size: int
    name: str


@dataclass(frozen=True)
class FirmwareImage:
    """Bytes to place in flash. `symbols` are sorted by address; empty where the file carries none."""

    segments: tuple[tuple[int, bytes], ...]
    symbols: tuple[Symbol, ...] = ()
    _starts: tuple[int, ...] = field(default=(), repr=False)

    def function_at(self, address: int) -> str | None:
        """Name of the function that holds `address`, or None where the image does not say."""
        at = bisect.bisect_right(self._starts, address) - 1
        if at < 0:
            return None
        found = self.symbols[at]
        return found.name if address < found.address + max(found.size, 2) else None

    def place(self, address: int) -> str:
        """The address in words, with the function's name where the image says it."""
        name = self.function_at(address)
        return f"{address:#010x}" + (f" ({name})" if name else "")


def load(path: Path, flash: Region) -> FirmwareImage:
    """Read an image for a chip whose flash is `flash`; a .bin starts at its origin.

    Raises: UsageError: no such file, another kind of file, empty, damaged, or it does not fit the flash.
    """
    readers = {".elf": _elf, ".axf": _elf, ".out": _elf, ".hex": _hex, ".ihex": _hex, ".bin": _bin, ".uf2": _uf2}
    if not path.is_file():
        raise UsageError(f"image {path} {foreign.no_file(path)}", hint="give a .elf, .hex, .bin or .uf2 file")
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise UsageError(
            f"image {path}: {exc.strerror}", hint="give a .elf, .hex, .bin or .uf2 file that can be read"
        ) from exc
    reader = _elf if data[:4] == b"\x7fELF" else readers.get(path.suffix.lower())
    if reader is None and data[4:8] == b"TFL3":
        raise UsageError(f"image {path} is a model, no firmware", hint=f"--model {path}, without --image")
    if reader is None:
        raise UsageError(
            f"image {path} is neither .elf, .hex, .bin nor .uf2", hint="convert it with arm-none-eabi-objcopy -O ihex"
        )
    image = reader(path, data, flash)
    _check(path, image, flash)
    return image


def _check(path: Path, image: FirmwareImage, flash: Region) -> None:
    total = sum(len(data) for _, data in image.segments)
    if total < 8:
        raise UsageError(
            f"image {path} holds {total} bytes",
            means="a vector table alone takes 8",
            hint="was the file written completely?",
        )
    for address, data in image.segments:
        if not flash.origin <= address <= address + len(data) <= flash.origin + flash.bytes:
            raise UsageError(
                f"image {path} puts {len(data)} bytes at {address:#010x}; flash is {flash.origin:#010x} to"
                f" {flash.origin + flash.bytes:#010x}",
                means="the image is too big, or was linked for another chip",
                hint="choose the board it was built for with --board",
            )


def _make(segments: Sequence[tuple[int, bytes]], symbols: Sequence[Symbol] = ()) -> FirmwareImage:
    ordered = tuple(sorted(symbols, key=lambda s: (s.address, s.size)))
    return FirmwareImage(tuple(segments), ordered, tuple(s.address for s in ordered))


def _bin(path: Path, data: bytes, flash: Region) -> FirmwareImage:
    if len(data) > flash.bytes:
        raise UsageError(
            f"image {path} has {len(data)} bytes; the flash has {flash.bytes}",
            means="the image is too big, or the file is no raw image",
            hint="choose the board it was built for with --board",
        )
    return _make([(flash.origin, data)])


def _hex(path: Path, data: bytes, flash: Region) -> FirmwareImage:  # noqa: ARG001  (readers share a signature)
    import io

    from intelhex import IntelHex, IntelHexError

    try:
        parsed = IntelHex(io.StringIO(data.decode("ascii")))
    except (IntelHexError, UnicodeDecodeError, ValueError) as exc:
        raise UsageError(f"image {path} is not Intel hex: {exc}", hint="was the file written completely?") from exc
    return _make([(start, bytes(parsed.tobinarray(start, end - 1))) for start, end in parsed.segments()])


def _uf2(path: Path, data: bytes, flash: Region) -> FirmwareImage:  # noqa: ARG001  (likewise)
    try:
        return _make(uf2.joined(uf2.decode(data)))
    except UsageError as exc:
        raise UsageError(f"image {path}: {exc.seen}", hint="was the file written completely?") from exc


def _elf(path: Path, data: bytes, flash: Region) -> FirmwareImage:
    import io

    from elftools.common.exceptions import ELFError
    from elftools.construct import ConstructError
    from elftools.elf.elffile import ELFFile

    try:
        elf = ELFFile(io.BytesIO(data))
        if elf["e_machine"] != "EM_ARM" or elf["e_type"] != "ET_EXEC":
            raise UsageError(
                f"image {path} is an ELF for {elf['e_machine']}, {elf['e_type']}",
                hint="an executable for an Arm Cortex-M is needed, linked, not a .o or .so",
            )
        segments = [
            (s["p_paddr"], s.data()) for s in elf.iter_segments() if s["p_type"] == "PT_LOAD" and s["p_filesz"] > 0
        ]
        inside = [s for s in segments if flash.origin <= s[0] < flash.origin + flash.bytes]
        return _make(inside or segments, _functions(elf))
    except (ELFError, ConstructError, ValueError, KeyError, IndexError, TypeError, AttributeError) as exc:
        raise UsageError(f"image {path} is a damaged ELF file: {exc}", hint="was it written completely?") from exc


def _functions(elf: object) -> list[Symbol]:
    table = elf.get_section_by_name(".symtab")  # type: ignore[attr-defined]  # pyelftools carries no types
    if table is None:
        return []
    return [
        Symbol(s["st_value"] & ~1, s["st_size"], s.name)
        for s in table.iter_symbols()
        if s["st_info"]["type"] == "STT_FUNC" and s["st_shndx"] != "SHN_UNDEF"
    ]
