"""The processor: Unicorn's Armv7-M/Armv8-M core with exact instruction counts, plain register and memory access.

Facts about Unicorn 2.1.4 that this file rests on, all covered by tests:

- `emu_start(count=N)` counts by a hook before every instruction. The counter and its limit are two neighbouring
  size_t of `uc_struct`; `_find_counter` locates them by running a known number of instructions. Reading the counter
  inside an MMIO callback gives the exact instruction count there, so that quanta may be as long as one likes and a
  timer read in the middle of one is still exact. Lowering the limit ends a quantum exactly at the next instruction
  (`emu_stop` inside a callback would leave the PC on an instruction that has already been executed).
- A skipped instruction of an IT block is not counted, and a quantum never ends inside an IT block.
- WFI ends `emu_start` with no error and the limit not reached; WFE raises "invalid instruction" with the PC behind it.
- SVC and BKPT arrive as UC_HOOK_INTR 2 and 7. An exception return (BX or POP to 0xFFFFFFxx) arrives as 8 on an M33, as
  3 (prefetch abort) with that PC on an M4 and M7, as an unmapped fetch on an M0. An unaligned access of an M0 is 4.
- `UC_MODE_MCLASS` makes every model a Cortex-M33, whatever is set; it is not given, so that each core is itself.
  What a model executes all the same though the core lacks it is caught by unchecked_faults.py.
- Where a small memory was mapped before a larger one, every start translates all code anew (a 16 KB RAM before 1 MB of
  flash: 15 times slower). So the largest goes first.
- Memory hooks corrupt the code; they are never used. RAM and flash are buffers shared with Python instead.

Long stretches without devices run on a second core that counts whole blocks (block_core.py), where that can be.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tinyperf.errors import MissingExtraError
from tinyperf.virtual.board import emulator
from tinyperf.virtual.board.block_core import BlockCore, Context, Mapping, counting_library
from tinyperf.virtual.board.emulator import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinyperf.cores import Core

Stop = Literal["limit", "wfi", "wfe", "return", "svc", "bkpt", "fault"]

INTERRUPTS: dict[int, Stop] = {2: "svc", 7: "bkpt", 8: "return"}
ABORTS = {3: "UC_ERR_FETCH_UNMAPPED", 4: "UNALIGNED access"}
LOAD = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint, ctypes.c_void_p)
STORE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint, ctypes.c_uint64, ctypes.c_void_p)
LEAST_RETURN = 0xFFFF_FF00
"""From here on a PC is an EXC_RETURN."""
WORTH = 10_000_000
"""Instructions that could have run on the second core before there is one: it translates all code once more."""
LEAST = 8_000
"""Instructions that are worth handing the state over."""
STRETCH, LONGEST_STRETCH = 2_000, 256_000
"""Instructions that the first core executes before the second is tried again; doubled where that was no use."""


@dataclass(frozen=True)
class Memory:
    """A block of memory; `aliases`: (further address, offset into the block, bytes) at which the same bytes appear."""

    origin: int
    bytes: int
    writable: bool = True
    aliases: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True)
class Ran:
    """How a quantum ended: `executed` instructions, why, and for a fault Unicorn's words."""

    executed: int
    why: Stop
    detail: str = ""


class Cpu:
    """One core with its memories. Addresses outside them and outside `devices` fault."""

    def __init__(
        self,
        core: Core,
        memories: Sequence[Memory],
        devices: Sequence[tuple[int, int]],
        read: Callable[[int, int], int],
        write: Callable[[int, int, int], None],
    ) -> None:
        u = emulator.unicorn_module()
        self._uclib, self._error, self._u = emulator.library(), u.UcError, u
        self.uc = emulator.fresh(core)
        self._model = core
        self._context = Context(self.uc)
        self._views: list[tuple[int, int, memoryview]] = []
        self._mappings: list[Mapping] = []
        self._programmed: list[tuple[int, int]] = []
        self._looked_through: Callable[[int, int], bool] | None = None
        self._blocks: BlockCore | None = None
        self.until_blocks = WORTH  # instructions
        self.before = self._quantum = 0
        """Instructions of the quantum that `counter` no longer holds."""
        self._keep: list[Any] = []
        for memory in sorted(memories, key=lambda memory: -memory.bytes):
            self._map(memory)
        for origin, size in devices:
            self._map_device(origin, size, read, write)
        self.uc.hook_add(u.UC_HOOK_INTR, self._interrupted)
        self._interrupts: list[int] = []
        self._hooks: dict[int, Any] = {}
        self._dropped: BaseException | None = None

        def registers(*names: str) -> _Registers:
            return _Registers(self.uc, self._uclib, [emulator.register(name) for name in names])

        self._frame = registers("R0", "R1", "R2", "R3", "R12", "LR", "PC", "XPSR", "SP", "CONTROL")
        self._masks = registers("PRIMASK", "BASEPRI", "FAULTMASK")
        self._core = registers(*(f"R{n}" for n in range(16)), "XPSR")
        self._fp = registers(*(f"S{n}" for n in range(16)), "FPSCR")
        self._pc = ctypes.c_uint32()
        self._one = ctypes.c_uint32()
        self._ids = {name: emulator.register(name.upper()) for name in ("pc", "sp", "lr", "msp", "control", "xpsr")}
        self.counter, self.limit = self._find_counter()

    # memory

    def _map(self, memory: Memory) -> None:
        u = self._u
        buffer = mmap.mmap(-1, memory.bytes)
        pointer = ctypes.addressof(ctypes.c_char.from_buffer(buffer))
        rights = u.UC_PROT_ALL if memory.writable else u.UC_PROT_READ | u.UC_PROT_EXEC
        for origin, offset, size in ((memory.origin, 0, memory.bytes), *memory.aliases):
            self.uc.mem_map_ptr(origin, size, rights, pointer + offset)
            view = memoryview(buffer)[offset : offset + size]
            self._views.append((origin, origin + size, view if memory.writable else view.toreadonly()))
            self._mappings.append(Mapping(origin, size, memory.writable, pointer + offset))
        self._keep.append(buffer)

    def _map_device(
        self, origin: int, size: int, read: Callable[[int, int], int], write: Callable[[int, int, int], None]
    ) -> None:
        """Straight to the C library: firmware that prints a line comes here twice for each letter."""
        loads = LOAD(lambda _uc, offset, width, _data: read(origin + offset, width))
        stores = STORE(lambda _uc, offset, width, value, _data: write(origin + offset, width, value))
        self._keep += [loads, stores]
        status = self._uclib.uc_mmio_map(
            self.uc._uch,  # noqa: SLF001  (no public handle)
            ctypes.c_uint64(origin),
            ctypes.c_size_t(size),
            ctypes.cast(loads, ctypes.c_void_p),
            None,
            ctypes.cast(stores, ctypes.c_void_p),
            None,
        )
        if status:
            raise self._error(status)

    def program(self, address: int, data: bytes) -> bool:
        """Write any memory, as a programmer or debug port does between two quanta; False outside memory."""
        end = address + len(data)
        memory = next((m for m in self._mappings if m.origin <= address and end <= m.origin + m.bytes), None)
        if memory is None:
            return False
        ctypes.memmove(memory.pointer + address - memory.origin, data, len(data))
        if not memory.writable:
            self._programmed.append((address, end))
            self._blocks = None
            self.uc.ctl_flush_tb()
        return True

    def view(self, address: int, size: int) -> memoryview | None:
        """The bytes at `address`, shared with the core, read-only where it may not write; None where no memory holds
        all of them."""
        for start, end, view in self._views:
            if start <= address and address + size <= end:
                return view[address - start : address - start + size]
        return None

    def words(self, address: int, count: int) -> tuple[int, ...] | None:
        """`count` little-endian words, or None outside memory."""
        view = self.view(address, 4 * count)
        return None if view is None else struct.unpack(f"<{count}I", view)

    def store(self, address: int, words: Sequence[int]) -> bool:
        """Write words; False outside memory that the core may write."""
        view = self.view(address, 4 * len(words))
        if view is None or view.readonly:
            return False
        view[:] = struct.pack(f"<{len(words)}I", *words)
        return True

    # execution

    def run(self, address: int, count: int, *, swiftly: bool = False) -> Ran:
        """Execute up to `count` instructions from `address`. `swiftly`: on the second core where there is one."""
        self.before, self._quantum = 0, count
        hook, sys.unraisablehook = sys.unraisablehook, self._unraisable
        try:
            if swiftly and count >= LEAST and self._has_blocks():
                return self._run_swiftly(address)
            ran = self._run_exactly(address, count)
            self.until_blocks -= ran.executed if swiftly and ran.executed >= LEAST else 0
            return ran
        finally:
            sys.unraisablehook = hook
            if self._dropped is not None:
                dropped, self._dropped = self._dropped, None
                raise dropped

    @property
    def executed(self) -> int:
        """Instructions of the quantum so far; exact in a callback too."""
        before: int = self.before + self.counter.value
        return before

    def _run_exactly(self, address: int, count: int) -> Ran:
        self._interrupts.clear()
        try:
            self.uc.emu_start(address | 1, NEVER, 0, count)
        except self._error as exc:
            return self._stopped_by_error(address, exc)
        done, limit = self.counter.value, self.limit.value
        if self._interrupts:
            return self._stopped_by_interrupt(done, self._interrupts[0])
        if done > limit:
            return Ran(done - 1, "limit")
        return Ran(done, "wfi")

    def _run_swiftly(self, address: int) -> Ran:
        """The quantum on both cores in turns."""
        stretch = STRETCH
        while True:
            self.counter.value = 0
            left = self._quantum - self.before
            if self._blocks is None:
                stretch = left
            elif left >= LEAST:
                done = self._blocks.run(address, left - 1)
                self.before += done
                stretch = STRETCH if done >= STRETCH else min(2 * stretch, LONGEST_STRETCH)
            ran = self._run_exactly(self.pc(), min(self._quantum - self.before, stretch))
            if ran.why != "limit" or self.before + ran.executed >= self._quantum:
                return Ran(self.before + ran.executed, ran.why, ran.detail)
            self.before += ran.executed
            address = self.pc()

    def _has_blocks(self) -> bool:
        """There is a second core; it is made where that has become worth its while."""
        if self.until_blocks > 0 or self._looked_through is None or not self._programmed:
            return False
        if counting_library() is None:
            self._looked_through = None
            return False
        if self._blocks is None:
            self._blocks = BlockCore(self._model, self._context, self._mappings, self._programmed, self._looked_through)
        return True

    def _unraisable(self, what: sys.UnraisableHookArgs) -> None:
        """Told of what ctypes drops: an exception in a callback, and Ctrl-C, which comes to Python as one begins."""
        if self._dropped is None and isinstance(what.exc_value, BaseException):
            self._dropped = what.exc_value
        if self._blocks is not None:
            self._blocks.stop()
        self.end_quantum()

    def _stopped_by_interrupt(self, done: int, number: int) -> Ran:
        if number == 3 and self.pc() >= LEAST_RETURN:
            return Ran(done, "return")
        why = INTERRUPTS.get(number)
        detail = ABORTS.get(number, f"exception {number} of the emulator")
        return Ran(done, why, why) if why else Ran(done, "fault", detail)

    def _stopped_by_error(self, address: int, exc: Any) -> Ran:
        done, pc = self.counter.value, self.pc()
        if pc >= LEAST_RETURN and exc.errno == self._u.UC_ERR_FETCH_UNMAPPED:
            return Ran(done, "return")
        behind = self.view(pc - 2, 2)
        hint = bytes(behind) if behind is not None else b""
        # WFE (BF20) and YIELD (BF10) come as "invalid instruction" with the PC behind them; a really invalid one
        # leaves the PC on itself.
        if exc.errno == self._u.UC_ERR_INSN_INVALID and pc != address and hint in {b"\x20\xbf", b"\x10\xbf"}:
            return Ran(done, "wfe")
        return Ran(done, "fault", str(exc).partition("(")[2].rstrip(")") or str(exc))

    def _interrupted(self, _uc: Any, number: int, _data: Any) -> None:
        self._interrupts.append(number)
        self.uc.emu_stop()

    def end_quantum(self) -> None:
        """Called inside a callback: stop in front of the next instruction."""
        self._quantum = self.executed
        self.limit.value = self.counter.value

    def shorten_quantum(self, instructions: int) -> None:
        """Called inside a callback: run at most so many instructions more."""
        self._quantum = min(self._quantum, self.executed + instructions)
        self.limit.value = min(self.limit.value, self.counter.value + instructions)

    def on_new_block(
        self, callback: Callable[[int, int], None], looked_through: Callable[[int, int], bool] | None = None
    ) -> None:
        """Call back with address and bytes of every block when it is translated, just before it runs.

        `looked_through`: whether one was; then it may run on the second core, of which nobody is told.
        """
        self._looked_through = looked_through

        def translated(_uc: Any, block: Any, _previous: Any, _data: Any) -> None:
            address = block.pc & ~1
            if any(m.writable and m.origin <= address < m.origin + m.bytes for m in self._mappings):
                # Code that the second core might overwrite, which this one would not notice.
                self._looked_through = self._blocks = None
            callback(address, block.size)

        self.uc.hook_add(self._u.UC_HOOK_EDGE_GENERATED, translated)

    def hook_blocks(self, callback: Callable[[Any, int, int, Any], None]) -> int:
        """Call back at the start of every basic block; what was translated before is dropped, so that none is missed.

        Straight to the C library: the package's own wrapper around a callback would cost more than the model.
        """
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint32, ctypes.c_void_p)
        function = kind(callback)
        handle = ctypes.c_size_t()
        self._uclib.uc_hook_add(
            self.uc._uch,  # noqa: SLF001  (no public handle)
            ctypes.byref(handle),
            ctypes.c_int(self._u.UC_HOOK_BLOCK),
            ctypes.cast(function, ctypes.c_void_p),
            None,
            ctypes.c_uint64(1),
            ctypes.c_uint64(0),
        )
        self._hooks[handle.value] = function
        self.uc.ctl_flush_tb()
        return handle.value

    def unhook(self, handle: int) -> None:
        """Remove a hook of `hook_blocks`."""
        self._uclib.uc_hook_del(self.uc._uch, ctypes.c_size_t(handle))  # noqa: SLF001  (Unicorn offers no other way)
        self.uc.ctl_flush_tb()
        del self._hooks[handle]

    def _find_counter(self) -> tuple[Any, Any]:
        """Where `uc_struct` keeps the instruction counter and its limit; see the module's text."""
        known = 12345
        at, pointer = self._mappings[0].origin, self._mappings[0].pointer
        ctypes.memmove(pointer, b"\xfe\xe7", 2)  # b .
        self.uc.emu_start(at | 1, NEVER, 0, known)
        words = (ctypes.c_size_t * 1024).from_address(self.uc._uch.value)  # noqa: SLF001  (no public handle)
        ctypes.memmove(pointer, b"\0\0", 2)
        size = ctypes.sizeof(ctypes.c_size_t)
        self.uc.ctl_remove_cache(at, at + 2)
        for place in range(1023):
            if words[place] == known + 1 and words[place + 1] == known:
                base = self.uc._uch.value + place * size  # noqa: SLF001  (Unicorn offers no other way)
                return ctypes.c_size_t.from_address(base), ctypes.c_size_t.from_address(base + size)
        raise MissingExtraError(
            "this release of the Python package 'unicorn' keeps no instruction counter where 2.1.4 has it",
            hint="pip install 'tinyperf[virtual]' installs the release that tinyperf was tested with",
        )

    # registers

    def pc(self) -> int:
        self._uclib.uc_reg_read(self.uc._uch, self._ids["pc"], ctypes.byref(self._pc))  # noqa: SLF001  (hot path)
        return self._pc.value & ~1

    def frame(self) -> list[int]:
        """r0, r1, r2, r3, r12, lr, pc, xpsr, sp, control."""
        return self._frame.read()

    def masks(self) -> list[int]:
        """PRIMASK, BASEPRI, FAULTMASK."""
        return self._masks.read()

    def set_masks(self, masks: Sequence[int]) -> None:
        self._masks.write(masks)

    def registers(self) -> list[int]:
        """r0 to r15, xpsr."""
        return self._core.read()

    def live_registers(self) -> memoryview:
        """r0 to r15 at each second place of a view that stays the same: for who asks a million times."""
        return self._core.refresh()

    def fp(self) -> list[int]:
        """s0 to s15, fpscr."""
        return self._fp.read()

    def set_fp(self, values: Sequence[int]) -> None:
        self._fp.write(values)

    def set(self, name: Literal["pc", "sp", "lr", "msp", "control", "xpsr"], value: int) -> None:
        self._one.value = value & 0xFFFFFFFF
        self._uclib.uc_reg_write(self.uc._uch, self._ids[name], ctypes.byref(self._one))  # noqa: SLF001  (hot path)

    def get(self, name: Literal["pc", "sp", "lr", "msp", "control", "xpsr"]) -> int:
        self._uclib.uc_reg_read(self.uc._uch, self._ids[name], ctypes.byref(self._one))  # noqa: SLF001  (hot path)
        return self._one.value

    def set_frame(self, values: Sequence[int]) -> None:
        """r0, r1, r2, r3, r12, lr; pc, xpsr and the stack pointers are set one by one, because their order matters."""
        self._frame.write(values)


class _Registers:
    """A fixed group of registers, read or written by one call."""

    def __init__(self, uc: Any, lib: Any, ids: Sequence[int]) -> None:
        self._lib, self._handle, self._n = lib, uc._uch, len(ids)  # noqa: SLF001  (no public handle)
        self._ids = (ctypes.c_int * self._n)(*ids)
        # 16 bytes each: Unicorn writes as many as the register has.
        self._values = (ctypes.c_uint64 * (2 * self._n))()
        at = ctypes.addressof(self._values)
        self._pointers = (ctypes.c_void_p * self._n)(*(at + 16 * i for i in range(self._n)))
        self._view = memoryview(self._values).cast("B").cast("Q")
        self._arguments = self._handle, self._ids, self._pointers, ctypes.c_int(self._n)

    def refresh(self) -> memoryview:
        self._lib.uc_reg_read_batch(*self._arguments)
        return self._view

    def read(self) -> list[int]:
        self._lib.uc_reg_read_batch(self._handle, self._ids, self._pointers, self._n)
        return [value & 0xFFFFFFFF for value in self._values[::2]]

    def write(self, values: Sequence[int]) -> None:
        for i, value in enumerate(values):
            self._values[2 * i] = value
        self._lib.uc_reg_write_batch(self._handle, self._ids, self._pointers, len(values))
