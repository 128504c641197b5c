"""Exception entry and return: the frame on the stack, EXC_RETURN, and the cycles that the core takes for each.

Source: Armv7-M Architecture Reference Manual (DDI 0403), B1.5.6 and B1.5.8; Armv6-M (DDI 0419) and Armv8-M without
TrustZone differ in what the core's description says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.scs import SVCALL, Scs

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.cores import Core
    from tinyperf.errors import FaultError
    from tinyperf.virtual.board.cpu import Cpu
    from tinyperf.virtual.board.scs import Nvic

FRAME_BYTES, FP_FRAME_BYTES = 0x20, 0x68
HANDLER, THREAD_MSP, THREAD_PSP = 0xFFFF_FFF1, 0xFFFF_FFF9, 0xFFFF_FFFD


class ExceptionUnit:
    """Takes exceptions and returns from them. `fault`: makes the error of one that cannot be taken."""

    def __init__(self, core: Core, cpu: Cpu, nvic: Nvic, scs: Scs, fault: Callable[[str, str], FaultError]) -> None:
        self._core, self._cpu, self._nvic, self._scs, self._fault = core, cpu, nvic, scs, fault

    def next(self) -> int | None:
        """The exception to take now."""
        return self._nvic.next(self._cpu.masks()) if self._nvic.pending else None

    def masked(self) -> bool:
        """One is pending that PRIMASK, BASEPRI or FAULTMASK holds back."""
        return any(self._cpu.masks()) and self._nvic.next((0, 0, 0)) is not None

    def wakes(self) -> bool:
        """WFI ends now."""
        return self._nvic.wakes(self._cpu.masks())

    def call(self) -> None:
        """SVC was executed."""
        self._nvic.pending.add(SVCALL)
        if self.next() != SVCALL:
            raise self._fault("SVC where its priority does not let it run", "SVC is escalated to HardFault")

    def enter(self, number: int, pc: int) -> tuple[int, int]:
        """Push the frame; address of the handler, and cycles."""
        cpu = self._cpu
        r0, r1, r2, r3, r12, lr, _, xpsr, sp, control = cpu.frame()
        with_fp = bool(control & 4) and self._scs.fpu_enabled
        size = FP_FRAME_BYTES if with_fp else FRAME_BYTES
        aligns = bool(self._scs.regs.get(Scs.CCR, 0x200) & 0x200)  # CCR.STKALIGN
        frame = (sp - size) & ~7 if aligns else sp - size
        padded = bool((sp - size) & 4) and frame & 7 == 0
        words = [r0, r1, r2, r3, r12, lr, pc, xpsr & ~0x200 | padded << 9]
        if with_fp:
            words += [*cpu.fp(), 0]
        if not cpu.store(frame, words):
            raise self._fault(f"stacking for exception {number} at {frame:#010x}", "the stack pointer is outside RAM")
        self._to_handler(number, frame, with_fp=with_fp, xpsr=xpsr, control=control)
        self._nvic.enter(number)
        place = self._scs.vtor + 4 * number
        handler = cpu.words(place, 1)
        if not handler or not handler[0] & 1:
            raise self._fault(f"vector {number} at {place:#010x}", "the vector table is wrong")
        return handler[0] & ~1, self._core.exceptions.entry_cycles

    def _to_handler(self, number: int, frame: int, *, with_fp: bool, xpsr: int, control: int) -> None:
        """Handler mode on the main stack, EXC_RETURN in LR."""
        cpu = self._cpu
        nested, on_psp = bool(xpsr & 0x1FF), bool(control & 2)
        back = HANDLER if nested else THREAD_PSP if on_psp else THREAD_MSP
        back &= self._core.exceptions.return_mask
        if on_psp and not nested:
            cpu.set("sp", frame)  # PSP
            cpu.set("control", control & 1)
        else:
            cpu.set("control", control & 3)
            cpu.set("sp", frame)
        cpu.set("lr", back & ~0x10 if with_fp else back)
        cpu.set("xpsr", xpsr & 0xF80F_0000 | 0x0100_0000 | number)

    def leave(self) -> tuple[int, int]:
        """Pop the frame that the EXC_RETURN in PC names; the address to go on at, and cycles."""
        cpu = self._cpu
        value = cpu.pc()
        self._nvic.leave(cpu.get("xpsr") & 0x1FF)
        masks = cpu.masks()
        if masks[2]:
            cpu.set_masks([masks[0], masks[1], 0])
        to_thread, uses_psp, with_fp = bool(value & 8), bool(value & 4), not value & 0x10
        control = cpu.get("control")
        cpu.set("xpsr", 0x0100_0000)  # thread mode, so that SPSEL can be written
        if uses_psp:
            cpu.set("control", control & 1 | 2)
        frame = cpu.get("sp")
        words = cpu.words(frame, 26 if with_fp else 8)
        if words is None:
            raise self._fault(f"unstacking at {frame:#010x}", "the stack pointer is outside RAM")
        cpu.set_frame(words[:6])
        if with_fp:
            cpu.set_fp(words[8:25])
        xpsr = words[7]
        cpu.set("sp", frame + (FP_FRAME_BYTES if with_fp else FRAME_BYTES) + (4 if xpsr & 0x200 else 0))
        cpu.set("control", control & 1 | (2 if uses_psp else 0) | (4 if with_fp else 0))
        cpu.set("xpsr", xpsr & ~0x200 | 0x0100_0000)
        if to_thread == bool(xpsr & 0x1FF):
            raise self._fault(f"exception return to {value | 1:#010x}", "EXC_RETURN does not fit the stacked state")
        return words[6] & ~1, self._back_cycles()

    def _back_cycles(self) -> int:
        """Of a return; with another exception pending it is tail-chained, whose entry is charged when it is taken."""
        costs = self._core.exceptions
        return costs.exit_cycles if self.next() is None else costs.tail_chain_cycles - costs.entry_cycles
