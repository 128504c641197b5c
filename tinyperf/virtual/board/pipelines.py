"""Cycle models of cores: what a block of instructions takes with memory that never waits.

One model for each kind of pipeline that a core's description (tinyperf/cores/) may have. The rules of `SingleIssue` and
their sources (TRM: Cortex-M4 Technical Reference Manual, DDI 0439, "Instruction set summary" and "Load/store timings";
the same text stands in the Cortex-M3's):

- data processing, multiplication, SIMD: 1. SDIV, UDIV: 2 to 12.
- LDR: 2; 1 directly behind another single load, unless its address needs what that one loads. STR with an immediate
  offset: 1. STR with a register offset: 2, or 1 behind a load. Nothing is pipelined behind a store.
- LDRD, STRD: 3. LDM, STM, PUSH, POP, VLDM, VSTM of N words: 1 + N; none is pipelined with its neighbours.
- base update does not matter: the TRM has such loads "not normally pipelined", silicon has them like the others.
- an address made by the instruction just before: one more. A loaded value rotated by the next instruction: one more.
- taken branches: 1 + P, P from 1 to 3; charged where the branch lands.
- floating point: 1; VMLA and its kin 3; VDIV, VSQRT 14; VLDR, VSTR 2; VMOV of two core registers 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tinyperf.errors import UsageError
from tinyperf.virtual.board.decode import MULTIPLE, SIZES, STORES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyperf.cores import Core, SingleIssue
    from tinyperf.virtual.board.decode import Instruction

VERSION = 1
"""To be raised with every change of what a cycle model or a memory system counts: calibrations are kept under it."""


class CycleModel(Protocol):
    """One kind of pipeline. A block is priced by itself: its pipeline starts empty."""

    def price(self, block: Sequence[Instruction]) -> tuple[int, ...]:
        """Cycles of the first 0, 1, 2, ... instructions, so that a part of a block can be taken back."""

    def jump(self, block: Sequence[Instruction]) -> int:
        """Cycles more where a taken branch leads to the block."""


def cycle_model(core: Core) -> CycleModel:
    """The model of `core`.

    Raises: UsageError: nobody has written one.
    """
    if core.pipeline is None:
        raise UsageError(
            f"nobody has modelled the pipeline of the {core.title} yet, so its cycles cannot be estimated",
            hint="the firmware runs all the same: 'tinyperf console --virtual'; tinyperf/cores/ has the cores",
        )
    return SingleIssueModel(core.pipeline)


class SingleIssueModel:
    """In order, one instruction at a time: Cortex-M3, M4, M33."""

    def __init__(self, cycles: SingleIssue) -> None:
        self._cycles = cycles

    def price(self, block: Sequence[Instruction]) -> tuple[int, ...]:
        prices = [0]
        before: Instruction | None = None
        for one in block:
            rotated = before is not None and before.single_load and one.rotates and before.loaded in one.reads
            prices.append(prices[-1] + self._price(one, before) + (self._cycles.rotated_use if rotated else 0))
            before = one
        return tuple(prices)

    def jump(self, block: Sequence[Instruction]) -> int:
        unaligned = bool(block) and block[0].size == 4 and bool(block[0].address & 2)
        return self._cycles.branch + (self._cycles.unaligned_target if unaligned else 0)

    def _price(self, one: Instruction, before: Instruction | None) -> int:
        cycles, name = self._cycles, one.name
        if name in {"sdiv", "udiv"}:
            return cycles.divide
        if name in MULTIPLE:
            return 1 + one.words
        if one.double:
            return 3 + self._stall(one, before)
        if name in SIZES:
            pipelined = before is not None and before.single_load and before.loaded not in one.address_registers
            return (1 if pipelined else 2) + self._stall(one, before)
        if name in STORES:
            behind_load = before is not None and before.single_load
            return (cycles.register_store if one.indexed and not behind_load else 1) + self._stall(one, before)
        if name.startswith(("vfma", "vfms", "vfnm", "vmla", "vmls", "vnml")):
            return cycles.fp_mac
        if name.startswith(("vdiv", "vsqrt")):
            return cycles.fp_divide
        if name in {"vstr", "tbb", "tbh"} or (name == "vmov" and one.operands >= 3):
            return 2
        return 1

    def _stall(self, one: Instruction, before: Instruction | None) -> int:
        """An address that the data-processing instruction just before made."""
        if before is None or before.memory or not before.writes & one.address_registers:
            return 0
        return self._cycles.address_stall
