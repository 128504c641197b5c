"""Cortex-M0+: two stages, one instruction at a time.

Rules and their sources (TRM: Cortex-M0+ Technical Reference Manual, DDI 0484C, table 3-1):

- Data processing 1, MULS 1 with the fast multiplier.
- LDR, STR: 2. LDM, STM, PUSH, POP of N words: 1 + N; POP with PC: 3 + N.
- Branches: 2 where taken, else 1. BL: 3. BX, BLX, and whatever else writes PC: 2.
- MRS, MSR, DMB, DSB, ISB: 3. WFI, WFE: 2.

Where code comes from a flash with a fetch buffer (memory/fetch_buffer.py), what it waits is woven in: an instruction
waits for its line, a load waits for its read. Otherwise the memory system follows the fetches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from tinyperf.virtual.board.decode import LOADS
from tinyperf.virtual.board.memory.fetch_buffer import Held
from tinyperf.virtual.board.pipelines.model import Fetch, Waits, Walk

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from tinyperf.cores import TwoStage
    from tinyperf.virtual.board.decode import Instruction
    from tinyperf.virtual.board.memory.fetch_buffer import Buffer

CODE_REGION = 0x2000_0000
"""All below is flash."""
NAMED = {"mrs": 3, "msr": 3, "dmb": 3, "dsb": 3, "isb": 3, "wfi": 2, "wfe": 2}


class TwoStageModel:
    """See the module. `buffer`: of the chip's flash; None: the memory system follows the fetches."""

    address_bits = 0xE000_0000
    landed: Hashable = Held()
    banks = False
    causes = frozenset({"branches", "flash_code", "flash_data"})

    def __init__(self, cycles: TwoStage, buffer: Buffer | None) -> None:
        self._cycles, self._buffer = cycles, buffer

    @property
    def settings(self) -> Hashable:
        return self._buffer.settings if self._buffer else None

    def walk(self, block: Sequence[Instruction], state: Hashable, places: Mapping[int, int]) -> Walk:
        held, buffer, now, meets = cast("Held", state), self._buffer, 0, False
        cycles, starts, fetches, waits = [0], [], [], []
        for position, one in enumerate(block):
            fetched = loaded = 0
            if buffer is None:
                fetches.append(Fetch(one.address, now))
            else:
                fetched, held = buffer.enter(held, one.address, one.size, now)
                now += fetched
            starts.append(now)
            place = places.get(position, -1) if one.literal is None else one.literal
            if buffer is not None and one.kind in LOADS and 0 <= place < CODE_REGION:
                meets = meets or one.literal is None
                loaded, held = buffer.load(held, one.words, now)
                now += loaded
            length = self._length(one)
            now += length
            waits.append(Waits(branches=_landing(one, length), flash_code=fetched, flash_data=loaded))
            cycles.append(now)
        branch = 1 if block and block[-1].kind == "conditional" else 0
        falls, lands = held.since(now), held.since(now + branch)
        return Walk(tuple(cycles), tuple(starts), tuple(fetches), falls, lands, branch, meets=meets, waits=tuple(waits))

    def _length(self, one: Instruction) -> int:
        kind = one.kind
        if kind in {"load", "store"}:
            return 2
        if kind in {"load_many", "store_many"}:
            return 1 + one.words + 2 * one.writes_pc
        if kind == "multiply":
            return self._cycles.multiply
        if kind in {"branch", "indirect"}:
            return 2
        return 3 if kind == "call" else NAMED.get(one.name, 1)


def _landing(one: Instruction, length: int) -> int:
    """What it has to wait for its target, of its cycles."""
    if one.kind == "load_many":
        return 2 * one.writes_pc
    return length - 1 if one.kind in {"branch", "indirect", "call"} else 0
