"""The second core, which counts whole blocks: random Thumb programs run on both in turns, and on the first alone."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field

import pytest

from tinyperf import cores
from tinyperf.virtual.board.block_core import counting_library
from tinyperf.virtual.board.cpu import Cpu, Memory, Ran

pytest.importorskip("unicorn", reason="unicorn is not installed (extra 'virtual')")
if counting_library() is None:
    pytest.skip("no C compiler", allow_module_level=True)

FLASH, RAM, DEVICE = 0x0800_0000, 0x2000_0000, 0x4000_0000
BKPT = 0xBE00
LOW = range(4)  # what random instructions write; r4 points to RAM, r5 to a device, r6 counts rounds


@dataclass
class Bench:
    """A core, and a device that looks at the count: a wrong one is seen at the next access."""

    name: str
    ends: bool = False
    log: list[tuple[int, int, int]] = field(default_factory=list)
    unknown: int = 0
    asked: int = 0

    def __post_init__(self) -> None:
        memories = [Memory(FLASH, 0x8000, writable=False, aliases=((0, 0, 0x8000),)), Memory(RAM, 0x1000)]
        self.cpu = Cpu(cores.load(self.name), memories, [(DEVICE, 0x1000)], self._read, self._write)
        self.cpu.on_new_block(lambda _address, _size: None, self.looked_through)

    def looked_through(self, address: int, _size: int) -> bool:
        self.asked += 1
        return self.unknown == 0 or address // 2 % self.unknown > 0

    def _read(self, address: int, _width: int) -> int:
        executed = self.cpu.executed
        self.log.append((executed, address, 0))
        if self.ends and executed % 7 == 0:
            self.cpu.shorten_quantum(executed % 40_000)
        if self.ends and executed % 11 == 0:
            self.cpu.end_quantum()
        return executed * 0x9E37_79B1 & 0xFFFF_FFFF

    def _write(self, address: int, _width: int, value: int) -> None:
        self.log.append((self.cpu.executed, address, value))

    def run(self, code: bytes, quanta: list[int], *, swiftly: bool) -> list[object]:
        """What there is to compare after each quantum."""
        cpu = self.cpu
        assert cpu.program(FLASH, code)
        cpu.until_blocks = 0
        cpu.set("xpsr", 0x0100_0000)
        cpu.set_frame([1, 2, 3, 4])
        cpu.set("sp", RAM + 0x1000)
        cpu.set("pc", FLASH | 1)
        seen: list[object] = []
        pc = FLASH
        for quantum in quanta:
            ran = cpu.run(pc, quantum, swiftly=swiftly)
            pc = cpu.pc()
            seen += [ran, cpu.registers(), cpu.fp()]
            if ran.why != "limit":
                break
        return [*seen, bytes(cpu.view(RAM, 0x1000) or b""), self.log]


def compute(draw: random.Random, *, narrow: bool) -> list[int]:
    """One instruction without memory, as halfwords."""
    a, b, c = (draw.choice(LOW) for _ in range(3))
    few = [
        [0x3000 | a << 8 | draw.randrange(256)],  # ADDS
        [0x3800 | a << 8 | draw.randrange(256)],  # SUBS
        [0x4000 | draw.randrange(16) << 6 | b << 3 | a],  # ANDS to MVNS
        [0x1800 | c << 6 | b << 3 | a],  # ADDS
        [0xBF00],  # NOP
    ]
    wide = [
        [0xF100 | a, b << 8 | draw.randrange(256)],  # ADD.W
        [0xFB00 | a, c << 12 | b << 8 | draw.choice(LOW)],  # MLA
        [0xFBA0 | a, (c ^ 1) << 12 | c << 8 | b],  # UMULL
    ]
    return draw.choice(few if narrow else few + wide)


def access(draw: random.Random, *, narrow: bool) -> list[int]:
    """A load or store of RAM or, less often, of the device."""
    a = draw.choice(LOW)
    base = 5 if draw.random() < 0.1 else 4
    few = [
        [(0x6800 if draw.random() < 0.5 else 0x6000) | draw.randrange(32) << 6 | base << 3 | a],  # LDR, STR
        [(0x7800 if draw.random() < 0.5 else 0x7000) | draw.randrange(32) << 6 | 4 << 3 | a],  # LDRB, STRB
        [0xB400 | draw.randrange(1, 16), 0xBC00 | 0xF],  # PUSH, and POP of r0 to r3: SP moves on the way
    ]
    few[2][1] = 0xBC00 | (few[2][0] & 0xF)
    return draw.choice(few if narrow else [*few, [0xF8D0 | base, a << 12 | 4 * draw.randrange(64)]])  # LDR.W


def it_block(draw: random.Random) -> list[int]:
    """IT, and one to four instructions, which may access memory."""
    count, condition = draw.randrange(1, 5), draw.randrange(14)
    bits = [draw.randrange(2) for _ in range(count - 1)]
    mask = sum(((condition & 1) ^ bit) << (3 - k) for k, bit in enumerate(bits)) | 1 << (4 - count)
    code = [0xBF00 | condition << 4 | mask]
    for _ in range(count):
        one = draw.choice([compute, compute, access])(draw, narrow=draw.random() < 0.5)
        code += compute(draw, narrow=True) if one[0] & 0xFE00 == 0xB400 else one  # PUSH and POP are two
    return code


def branch(draw: random.Random, *, narrow: bool) -> list[int]:
    """A conditional branch over an instruction."""
    over = compute(draw, narrow=narrow)
    return [0xD000 | draw.randrange(14) << 8 | len(over) - 1, *over]


def program(seed: int, *, narrow: bool) -> bytes:
    """Some thousand rounds of a random body, then BKPT. `narrow`: in Armv6-M."""
    draw = random.Random(seed)
    body: list[int] = []
    for _ in range(draw.randrange(10, 120)):
        kind = draw.random()
        if kind < 0.15 and not narrow:
            body += it_block(draw)
        elif kind < 0.25:
            body += branch(draw, narrow=narrow)
        else:
            body += (access if kind < 0.5 else compute)(draw, narrow=narrow)
    head = [0x2401, 0x0764, 0x2501, 0x07AD, 0x26FF, 0x00B6]  # r4 = RAM, r5 = DEVICE, r6 = rounds
    tail = [0x3E01, 0xD000, 0xE000 | -(len(body) + 4) & 0x7FF, BKPT]  # SUBS r6; BEQ to BKPT; B to the body
    return struct.pack(f"<{len(head + body + tail)}H", *head, *body, *tail)


QUANTA = [50_000, 9_001, 40_000, 3, 60_000, 20_001]


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m7", "cortex-m33", "cortex-m0plus"])
@pytest.mark.parametrize("seed", [18, 53, 55, 56])
def test_both_cores_in_turns_do_what_the_first_does_alone(core: str, seed: int) -> None:
    code = program(seed, narrow=core == "cortex-m0plus")
    alone, turns = (Bench(core, ends=bool(seed & 1), unknown=seed & 2 and 5) for _ in range(2))
    assert turns.run(code, QUANTA, swiftly=True) == alone.run(code, QUANTA, swiftly=False)
    assert turns.asked > 0 == alone.asked


def counting_down(step: int) -> bytes:
    """r0 counts up by `step` some 30,000 times, then BKPT."""
    head = [0x2000, 0x26FF, 0x01F6]  # MOVS r0, #0; r6 = 255 << 7
    return struct.pack("<7H", *head, 0x3000 | step, 0x3E01, 0xD1FC, BKPT)


def test_code_that_is_programmed_anew_is_what_runs() -> None:
    bench = Bench("cortex-m4")
    for step in (1, 3):
        assert bench.run(counting_down(step), [1 << 20], swiftly=True)[0] == Ran(3 + 3 * (255 << 7) + 1, "bkpt", "bkpt")
        assert bench.cpu.registers()[0] == step * (255 << 7)
    assert bench.asked > 0


def test_code_that_is_written_into_ram_is_what_runs() -> None:
    """A function in RAM that the code before each call changes: MOVS r0, #r6."""
    write = [0x2120, 0x0209, 0x1989, 0x8021, 0x2247, 0x0212, 0x3270, 0x8062]
    call = [0x1C63, 0x4798, 0x182D]  # ADDS r3, r4, #1; BLX r3; ADDS r5, r0
    wait = [0x22FF, 0x3A01, 0xD1FD]
    head, tail = [0x2401, 0x0764, 0x2500, 0x26FF], [0x3E01, 0xD1EF, BKPT]
    code = struct.pack("<21H", *head, *write, *call, *wait, *tail)
    alone, turns = Bench("cortex-m4"), Bench("cortex-m4")
    assert turns.run(code, QUANTA, swiftly=True) == alone.run(code, QUANTA, swiftly=False)
    assert alone.cpu.registers()[5] == sum(range(1, 256))
    assert turns.asked > 0


class Interrupted(Bench):
    def looked_through(self, _address: int, _size: int) -> bool:
        raise KeyboardInterrupt


def test_what_a_callback_raises_ends_the_run() -> None:
    bench = Interrupted("cortex-m4")
    with pytest.raises(KeyboardInterrupt):
        bench.run(counting_down(1), QUANTA, swiftly=True)
    assert bench.cpu.pc() <= FLASH + 16
