"""What the parts of an inference cost: the layers of an image of our own, the functions of any other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.virtual.board.cycles import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tinyperf.engines import Layer
    from tinyperf.virtual.board.machine import Machine
    from tinyperf.virtual.board.pipelines.model import Waits


@dataclass(frozen=True)
class Stalls:
    """Cycles in which the core waits, by cause; None: its cycle model does not tell this cause apart.

    queue: for instructions that are not fetched yet. buses: behind another access, or for one that is not aligned.
    branches: from a taken branch to its target. operands: for results of instructions before. flash_code, flash_data:
    for memory; where RAM is cached, for RAM too.
    """

    queue: int | None = None
    buses: int | None = None
    branches: int | None = None
    operands: int | None = None
    flash_code: int | None = None
    flash_data: int | None = None

    @property
    def total(self) -> int:
        return sum(cycles or 0 for cycles in vars(self).values())


@dataclass(frozen=True)
class LayerCost:
    """One operator of the model; `instructions`, `cycles` and `stalls` include the functions that it calls. A board's
    own counter knows of cycles alone: the other two are None.

    `macs` are the model's; `left_out` says what of them the engine does not compute. predicted_cycles: by the engine's
    own costs, when it chose the kernel. next_kernel, next_cycles: what it would have cost with the next best kernel,
    all else as it is; "" and None where there is no other.
    """

    index: int
    op: str
    macs: int
    instructions: int | None
    cycles: int
    kernel: str
    symbol: str
    weights_bytes: int
    left_out: str = ""
    stalls: Stalls | None = None
    predicted_cycles: int | None = None
    next_kernel: str = ""
    next_cycles: int | None = None


@dataclass(frozen=True)
class FunctionCost:
    """One function of an image that names its functions, without those that it calls."""

    name: str
    instructions: int
    cycles: int
    stalls: Stalls


class Sum(Account):
    """Cycles of one part, beside what it executed and waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.cycles = 0


@dataclass(frozen=True)
class Spent:
    """Of one inference: of the last two calls, what the second one took more, by the inferences that it made more."""

    instructions: int
    cycles: int
    stalls: Stalls


def spent(fewer: Sum, more: Sum, causes: Iterable[str], inferences: int = 2) -> Spent:
    waits: Waits = more.waits.plus(fewer.waits, -1)
    known = {
        cause: max(getattr(waits, cause) // inferences, 0) for cause in causes
    }  # less than none: the first found cold caches
    instructions, cycles = more.instructions - fewer.instructions, more.cycles - fewer.cycles
    return Spent(instructions // inferences, cycles // inferences, Stalls(**known))


class Layers:
    """Books blocks on layers: a layer's own function, and whatever it calls until the stack is back where it was."""

    def __init__(self, machine: Machine, layers: tuple[Layer, ...]) -> None:
        self._machine = machine
        self._layers = layers
        self._of = {layer.symbol: n for n, layer in enumerate(layers)}
        self._cache: dict[int, int] = {}
        self._current, self._stack = -1, 0
        self._runs: list[list[Sum]] = []
        self._sums: list[Sum] = []

    def counting(self, infer: Callable[[int], None]) -> Callable[[int], None]:
        """`infer`, with the sums of each call kept."""

        def call(inferences: int) -> None:
            self._sums = [Sum() for _ in self._layers]
            self._runs.append(self._sums)
            infer(inferences)

        return call

    def block(self, address: int, _instructions: int, cycles: int) -> Account | None:
        """One executed block, and where it is booked."""
        layer = self._cache.get(address)
        if layer is None:
            layer = self._cache[address] = self._of.get(self._machine.image.function_at(address) or "", -1)
        if layer >= 0:
            if layer != self._current:
                self._current, self._stack = layer, self._machine.cpu.get("sp")
        elif self._current >= 0 and self._machine.cpu.get("sp") >= self._stack:
            self._current = -1
        if self._current < 0 or not self._sums:
            return None
        booked = self._sums[self._current]
        booked.cycles += cycles
        return booked

    def costs(self, inferences: int = 2) -> tuple[LayerCost, ...]:
        """inferences: how many the last call made more than the one before; `calibrate` makes 1 and 3."""
        if not self._layers or len(self._runs) < 2:
            return ()
        causes = self._machine.causes
        each = (spent(fewer, more, causes, inferences) for fewer, more in zip(*self._runs[-2:], strict=True))
        return tuple(
            layer_cost(layer, one.cycles, instructions=one.instructions, stalls=one.stalls)
            for layer, one in zip(self._layers, each, strict=True)
        )


def layer_cost(
    layer: Layer, cycles: int, *, instructions: int | None = None, stalls: Stalls | None = None
) -> LayerCost:
    """What `layer` took, beside what the engine says of it."""
    return LayerCost(
        index=layer.index,
        op=layer.op,
        macs=layer.macs,
        instructions=instructions,
        cycles=cycles,
        kernel=layer.kernel,
        symbol=layer.symbol,
        weights_bytes=layer.weights_bytes,
        left_out=layer.left_out,
        stalls=stalls,
        predicted_cycles=layer.predicted_cycles,
        next_kernel=layer.next_kernel,
        next_cycles=layer.next_cycles,
    )


class Functions:
    """Books blocks on the functions that the image names."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._names: dict[int, str] = {}
        self._runs: list[dict[str, Sum]] = []

    def counting(self, infer: Callable[[int], None]) -> Callable[[int], None]:
        """As of `Layers`."""

        def call(inferences: int) -> None:
            self._runs.append({})
            infer(inferences)

        return call

    def block(self, address: int, _instructions: int, cycles: int) -> Account | None:
        """One executed block, and where it is booked."""
        name = self._names.get(address)
        if name is None:
            name = self._names[address] = self._machine.image.function_at(address) or NAMELESS
        if not self._runs:
            return None
        booked = self._runs[-1].get(name)
        if booked is None:
            booked = self._runs[-1][name] = Sum()
        booked.cycles += cycles
        return booked

    def costs(self) -> tuple[FunctionCost, ...]:
        """The dearest first; none where the image names no function."""
        if len(self._runs) < 2 or not self._machine.image.symbols:
            return ()
        one, three = self._runs[-2:]
        causes = self._machine.causes
        each = {name: spent(one.get(name, Sum()), booked, causes) for name, booked in three.items()}
        found = [FunctionCost(name, s.instructions, s.cycles, s.stalls) for name, s in each.items() if s.instructions]
        return tuple(sorted(found, key=lambda function: -function.cycles))


NAMELESS = "(no name)"
"""Of code that no symbol covers."""
