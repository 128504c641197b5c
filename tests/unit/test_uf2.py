"""UF2 against its public description (github.com/microsoft/uf2), and the RP2040's boot2 against its own text."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyperf import content
from tinyperf.errors import UsageError
from tinyperf.formats import uf2
from tinyperf.formats.uf2 import Block

if TYPE_CHECKING:
    from pathlib import Path

RP2040 = 0xE48BFF56


def test_a_block_as_the_description_has_it() -> None:
    (block,) = [uf2.encode(0x1000_0000, b"\x01\x02\x03", RP2040)]
    assert len(block) == 512
    assert block[:4] == b"UF2\n"
    assert struct.unpack_from("<8I", block) == (*(0x0A324655, 0x9E5D5157, 0x2000, 0x1000_0000, 256, 0, 1, RP2040),)
    assert block[32:36] == b"\x01\x02\x03\0"
    assert block[-4:] == struct.pack("<I", 0x0AB16F30)


def test_blocks_are_numbered_and_follow_each_other() -> None:
    file = uf2.encode(0x1000_0000, bytes(600), RP2040)
    heads = [struct.unpack_from("<8I", file, at) for at in range(0, len(file), 512)]
    assert [(head[3], head[5], head[6]) for head in heads] == [(0x1000_0000 + 256 * n, n, 3) for n in range(3)]


@given(data=st.binary(min_size=1, max_size=2000), page=st.integers(0, 1000))
def test_what_was_encoded_is_decoded(data: bytes, page: int) -> None:
    address = 0x1000_0000 + 256 * page
    blocks = uf2.decode(uf2.encode(address, data, RP2040))
    ((start, contents),) = uf2.joined(blocks)
    assert (start, contents[: len(data)]) == (address, data)
    assert not any(contents[len(data) :])
    assert {block.family for block in blocks} == {RP2040}


def test_gaps_stay_and_order_does_not_matter() -> None:
    blocks = [Block(0x200, b"c", 0), Block(0x100, b"a", 0), Block(0x101, b"b", 0)]
    assert uf2.joined(blocks) == [(0x100, b"ab"), (0x200, b"c")]


def test_a_block_that_is_not_for_flash_is_left_out() -> None:
    block = bytearray(uf2.encode(0, b"x", 0))
    block[8:12] = struct.pack("<I", 1)
    assert uf2.decode(bytes(block)) == []


GOOD = uf2.encode(0, b"x", RP2040)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        pytest.param(b"", "of 0 bytes", id="empty"),
        pytest.param(GOOD[:-1], "of 511 bytes", id="cut"),
        pytest.param(b"X" + GOOD[1:], "block 0 is no UF2 block", id="first-magic"),
        pytest.param(GOOD + GOOD[:-1] + b"X", "block 1 is no UF2 block", id="last-magic"),
        pytest.param(GOOD[:16] + struct.pack("<I", 477) + GOOD[20:], "block 0 is no", id="too-long"),
    ],
)
def test_damage_is_refused(file: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        uf2.decode(file)


def crc32(data: bytes) -> int:
    """RP2040 datasheet, 2.8.1.3.1: nothing reflected, nothing inverted at the end."""
    value = 0xFFFF_FFFF
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C1_1DB7 if value >> 31 else value << 1) & 0xFFFF_FFFF
    return value


def test_boot2_is_what_its_text_says_and_has_its_checksum(tmp_path: Path) -> None:
    if shutil.which("arm-none-eabi-as") is None:
        pytest.skip("arm-none-eabi-as is not installed")
    source = (content.shipped("firmware_templates") / "mcu" / "rp2040" / "boot2.c").read_text()
    words = [int(word, 16) for word in re.findall(r"0x([0-9a-f]{8})U", source)]
    stated = struct.pack(f"<{len(words) - 1}I", *words[:-1]).ljust(252, b"\0")
    assert crc32(b"123456789") == 0x0376E6E7  # the check value of CRC-32/MPEG-2
    assert words[-1] == crc32(stated)
    text = "\n".join(line[2:] for line in source.splitlines() if re.match(r" \*(    |\d: )", line))
    (tmp_path / "a.s").write_text(f".syntax unified\n.cpu cortex-m0plus\n.thumb\n{text}\n")
    subprocess.run(["arm-none-eabi-as", "a.s", "-o", "a.o"], cwd=tmp_path, check=True)
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", "a.o", "a.bin"], cwd=tmp_path, check=True)
    assert (tmp_path / "a.bin").read_bytes().ljust(252, b"\0") == stated
