"""A second core that runs the same code in the same memories, and counts whole blocks instead of instructions.

Unicorn's own count is a call before each instruction and takes as long as the rest. Here a few lines of C
(block_core.c, compiled where the host has a C compiler) are called before each block: they know how many instructions
it has and stop in front of one that no longer fits. What stands in an IT block, and so may be skipped, is left out of
that and counted by a hook of its own. All else is handed back, the state as it was in front of the instruction:

- an access to a device: none is mapped here, so that it stops the core, and what the block has not executed is taken
  off again;
- code that is not programmed into read-only memory; SVC, WFI, MSR and their like; exceptions;
- a block that was never looked through for faults that Unicorn does not raise (unchecked_faults.py).

So counts, registers and memory are those of the exact core. Facts about Unicorn 2.1.4 that this rests on:

- A stop that is asked for in a block hook, or when a block has just been translated, ends in front of that block.
- An access to a page that a hook of UC_TLB_VIRTUAL refuses ends in front of the instruction, with PC, IT state and
  registers as they are there. (A store to what is not mapped goes on until the end of the block.) Where the hook
  grants the page, Unicorn has written the IT state all the same, which code does not expect; so the hook clears it.
- A bounded code hook becomes a call in the instructions that it covers; who is skipped does not call. The call looks
  through all such hooks, so only IT blocks that are met get one.
- `uc_context_restore` copies a core's state with pointers into that core's own tables, which stand behind all
  registers; another core must not get them, so only what is in front of the first pointer is handed over.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tinyperf import folders, tool
from tinyperf.errors import MissingExtraError
from tinyperf.virtual.board import emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinyperf.cores import Core

SOURCE = Path(__file__).with_suffix(".c")
FLAGS = ("-std=c11", "-O2", "-shared", "-fPIC")
BLOCKS, MOST_EXTENTS, MOST_MEMORIES = 1 << 16, 8, 32
BY_BLOCK = 2


class Mapping(NamedTuple):
    """Memory of the host at an address of the core; `pointer` is its address there."""

    origin: int
    bytes: int
    writable: bool
    pointer: int


class _Extent(ctypes.Structure):
    _fields_ = (
        ("first", ctypes.c_uint32),
        ("end", ctypes.c_uint32),
        ("code", ctypes.c_void_p),
        ("singly", ctypes.c_void_p),
    )


class _Translated(ctypes.Structure):
    """Unicorn's `uc_tb`."""

    _fields_ = (("pc", ctypes.c_uint64), ("icount", ctypes.c_uint16), ("size", ctypes.c_uint16))


class _Memory(ctypes.Structure):
    _fields_ = (("first", ctypes.c_uint32), ("last", ctypes.c_uint32), ("rights", ctypes.c_int32))


class _Counting(ctypes.Structure):
    """`struct counting` of block_core.c."""

    _fields_ = (
        ("executed", ctypes.c_uint64),
        ("limit", ctypes.c_uint64),
        ("stop", ctypes.c_void_p),
        ("write_register", ctypes.c_void_p),
        ("epsr", ctypes.c_int32),
        ("stopped", ctypes.c_uint32),
        ("address", ctypes.c_uint32),
        ("bytes", ctypes.c_uint32),
        ("extents", ctypes.c_uint32),
        ("memories", ctypes.c_uint32),
        ("extent", _Extent * MOST_EXTENTS),
        ("memory", _Memory * MOST_MEMORIES),
        ("seen", ctypes.c_uint32 * (4 * BLOCKS)),
    )


@functools.cache
def counting_library() -> ctypes.CDLL | None:
    """block_core.c, compiled once and kept in the user's cache folder; None where that cannot be."""
    compiler = tool.host_compiler()
    if compiler is None:
        return None
    source = SOURCE.read_bytes()
    key = hashlib.sha256(repr((compiler, FLAGS, source)).encode()).hexdigest()[:32]
    library = folders.cache() / "virtual" / f"{key}.so"
    try:
        if not library.is_file():
            _compile(compiler, library)
        return ctypes.CDLL(str(library))
    except OSError:
        return None


def _compile(compiler: Sequence[str], library: Path) -> None:
    library.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        made = Path(folder) / library.name
        tool.run(tool.Step((*compiler, *FLAGS, str(SOURCE), "-o", str(made)), timeout_s=60))
        made.replace(library)  # atomic: two processes may compile it; OSError where the compiler failed


class Context:
    """A core's state as Unicorn saves it."""

    def __init__(self, uc: Any) -> None:
        self._uc, self._saved = uc, uc.context_save()
        address = self._saved.context.value
        size = ctypes.c_size_t.from_address(address).value  # `context_size`, the first of uc_context
        self.data = address + self._saved.size - size
        self._fresh = ctypes.string_at(self.data, size)

    def save(self) -> None:
        """Take the core's state."""
        self._uc.context_update(self._saved)

    def restore(self) -> None:
        """Give it back."""
        self._uc.context_restore(self._saved)

    def common_bytes(self, other: Context) -> int:
        """How far two fresh cores of one model are equal: behind that, pointers begin that are the core's own."""
        words = zip(
            memoryview(self._fresh[: len(self._fresh) & ~7]).cast("Q"),
            memoryview(other._fresh[: len(other._fresh) & ~7]).cast("Q"),
            strict=True,
        )
        return next((8 * at for at, (a, b) in enumerate(words) if a != b), len(self._fresh))


class BlockCore:
    """The second core. `core`, `exact`: model and context of the first, which was fresh when that was made.

    `code`: (first address, end) of what is programmed into read-only memory. `looked_through`: asked of each block that
    is translated, by address and bytes, whether it may run here.
    """

    def __init__(
        self,
        core: Core,
        exact: Context,
        mappings: Sequence[Mapping],
        code: Sequence[tuple[int, int]],
        looked_through: Callable[[int, int], bool],
    ) -> None:
        library = counting_library()
        if library is None:
            raise MissingExtraError("there is no C compiler", hint="install one, or set CC")
        self._u, self._uclib, self._library = emulator.unicorn_module(), emulator.library(), library
        self._looked_through = looked_through
        self._pc_number = emulator.register("PC")
        self._uc, self._exact = emulator.fresh(core), exact
        self._own = Context(self._uc)
        self._handed_bytes = exact.common_bytes(self._own)
        self._its: list[tuple[int, int]] = []
        self._ranges = (ctypes.c_uint32 * (1 << 16))()  # a block has at most 2 ** 15 halfwords
        self._run_a_first_block()
        self._counting = _Counting(
            stop=ctypes.cast(self._uclib.uc_emu_stop, ctypes.c_void_p),
            write_register=ctypes.cast(self._uclib.uc_reg_write, ctypes.c_void_p),
            epsr=emulator.register("EPSR"),
        )
        self._keep: list[Any] = []
        for mapping in mappings[:MOST_MEMORIES]:
            self._map(mapping, code)
        self._uc.ctl_set_tlb_mode(self._u.UC_TLB_VIRTUAL)
        self._hook(self._u.UC_HOOK_TLB_FILL, library.tp_fill, 1, 0)
        self._hook(self._u.UC_HOOK_BLOCK, library.tp_block, 1, 0)
        # Not by the package's wrapper: what that catches is lost where the run ends with an error too.
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(_Translated), ctypes.c_void_p, ctypes.c_void_p)
        self._keep.append(kind(self._translated))
        self._hook(self._u.UC_HOOK_EDGE_GENERATED, self._keep[-1], 1, 0)

    def _run_a_first_block(self) -> None:
        """Unicorn tells of a block that was translated only where another one has run before."""
        self._uc.mem_map(0, 0x1000)
        self._uc.mem_write(0, b"\xff\xe7")  # B to what follows
        self._uc.emu_start(1, 2)
        self._uc.mem_unmap(0, 0x1000)

    def _map(self, mapping: Mapping, code: Sequence[tuple[int, int]]) -> None:
        u = self._u
        origin, size, writable, pointer = mapping
        inside = [(first, end) for first, end in code if origin <= first and end <= origin + size]
        rights = u.UC_PROT_READ | (u.UC_PROT_WRITE if writable else u.UC_PROT_EXEC if inside else 0)
        self._uc.mem_map_ptr(origin, size, rights, pointer)
        self._counting.memory[self._counting.memories] = _Memory(origin, origin + size - 1, rights)
        self._counting.memories += 1
        if inside and self._counting.extents < MOST_EXTENTS:
            first, end = min(first for first, _ in inside) & ~1, max(end for _, end in inside) & ~1
            self._add(_Extent(first, end, pointer + first - origin))

    def _add(self, extent: _Extent) -> None:
        singly = (ctypes.c_uint8 * ((extent.end - extent.first) // 2))()
        extent.singly = ctypes.addressof(singly)
        self._keep.append(singly)
        self._counting.extent[self._counting.extents] = extent
        self._counting.extents += 1

    def _hook(self, kind: int, function: Any, first: int, last: int) -> None:
        handle = ctypes.c_size_t()
        self._uclib.uc_hook_add(
            self._uc._uch,  # noqa: SLF001  (no public handle)
            ctypes.byref(handle),
            ctypes.c_int(kind),
            ctypes.cast(function, ctypes.c_void_p),
            ctypes.byref(self._counting),
            ctypes.c_uint64(first),
            ctypes.c_uint64(last),
        )

    def _translated(self, _uc: int, block: Any, _previous: int, _data: int) -> None:
        address, size = block.contents.pc & ~1, block.contents.size
        count = self._library.tp_mark(ctypes.byref(self._counting), address, size, self._ranges)
        self._its += [(self._ranges[2 * k], self._ranges[2 * k + 1]) for k in range(count)]
        if count or not self._looked_through(address, size):
            self.stop()

    def _hook_its(self) -> None:
        """Count the instructions of new IT blocks one by one: translated anew, they call."""
        for first, last in self._its:
            self._hook(self._u.UC_HOOK_CODE, self._library.tp_single, first, last)
            self._uc.ctl_remove_cache(first, last + 2)
        self._its.clear()

    def stop(self) -> None:
        """Called inside a callback: stop in front of the block that was translated."""
        self._counting.stopped = BY_BLOCK
        self._uc.emu_stop()

    def run(self, address: int, most: int) -> int:
        """Take the exact core's state, execute at most so many instructions from `address`, give the state back.

        Returns: how many; the exact core goes on behind them.
        """
        counting = self._counting
        counting.executed, counting.limit = 0, most
        self._exact.save()
        ctypes.memmove(self._own.data, self._exact.data, self._handed_bytes)
        self._own.restore()
        not_executed = self._start(address)
        while self._its:  # where it stopped for the sake of an IT block
            self._hook_its()
            not_executed = self._start(self._pc())
        self._own.save()
        ctypes.memmove(self._exact.data, self._own.data, self._handed_bytes)
        self._exact.restore()
        return int(counting.executed) - not_executed

    def _start(self, address: int) -> int:
        """Run; how many instructions of the last block were counted and not executed."""
        self._counting.stopped = self._counting.bytes = 0
        with contextlib.suppress(self._u.UcError):  # what it is, the exact core will see
            self._uc.emu_start(address | 1, emulator.NEVER)
        if self._counting.stopped:
            return 0
        pc = ctypes.c_uint32(self._pc())
        not_executed: int = self._library.tp_not_executed(ctypes.byref(self._counting), pc)
        return not_executed

    def _pc(self) -> int:
        return int(self._uc.reg_read(self._pc_number)) & ~1
