"""DMA of the STM32 families with DMAMUX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.virtual.board.peripherals import Peripheral

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinyperf.virtual.board.peripherals import Host
    from tinyperf.virtual.board.stm32.uart import Uart


class Dma(Peripheral):
    """DMA1/DMA2 of L4: seven channels, each moved one item by one request of its peripheral, or memory to memory.

    `request_of(channel)` names the request that DMAMUX routes to a channel.
    """

    def __init__(self, host: Host, *, irqs: tuple[int, ...], request_of: Callable[[int], int]) -> None:
        super().__init__(host)
        self.irqs, self.request_of = irqs, request_of
        self._start: dict[int, tuple[int, int, int]] = {}  # channel -> CNDTR, CPAR, CMAR when it was enabled
        self.enabled: Callable[[int], None] | None = None

    def reset(self) -> None:
        super().reset()
        self._start.clear()

    def read(self, offset: int) -> int:
        return self.regs.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        if offset == 4:  # IFCR: writing a global bit clears all four
            for channel in range(7):
                bits = value >> 4 * channel & 15
                self.regs[0] = self.regs.get(0, 0) & ~((15 if bits & 1 else bits) << 4 * channel)
            self._lines()
            return
        old = self.regs.get(offset, 0)
        self.regs[offset] = value
        channel, reg = divmod(offset - 8, 20)
        if 0 <= channel < 7 and reg == 0:
            if value & 1 and not old & 1:
                at = 8 + 20 * channel
                self._start[channel] = (self.regs.get(at + 4, 0), self.regs.get(at + 8, 0), self.regs.get(at + 12, 0))
                if value & 1 << 14:
                    while self._move(channel):
                        pass
                elif self.enabled:
                    self.enabled(self.request_of(channel))
            self._lines()

    def serve(self, request: int) -> None:
        """One item for the channel that this request is routed to, if one waits for it."""
        for channel in range(7):
            if self.request_of(channel) == request and self.regs.get(8 + 20 * channel, 0) & 1:
                self._move(channel)
                self._lines()

    def items_to_half(self, request: int) -> int:
        """Items until the next flag of the channel that this request is routed to; 0: none waits for it."""
        channel = self._waiting(request)
        if channel is None:
            return 0
        left, half = self.regs.get(8 + 20 * channel + 4, 0), self._start[channel][0] // 2
        return left - half if left > half else left

    def fill(self, request: int, data: bytes) -> None:
        """Halfwords into memory, all at once, and the flag that the last of them sets.

        For a channel that goes from peripheral to memory and counts the memory up; `items_to_half` says how many.
        """
        channel = self._waiting(request)
        if channel is None:
            return
        at, (total, _, _) = 8 + 20 * channel, self._start[channel]
        left = self.regs[at + 4]
        view = self.host.view(self.regs.get(at + 12, 0) + 2 * (total - left), len(data))
        if view is not None and not view.readonly:
            view[:] = data
        left -= len(data) // 2
        self._count(channel, left, total)
        self._lines()

    def _waiting(self, request: int) -> int | None:
        for channel in range(7):
            if self.request_of(channel) == request and self.regs.get(8 + 20 * channel, 0) & 1:
                return channel if self.regs.get(8 + 20 * channel + 4, 0) and channel in self._start else None
        return None

    def _count(self, channel: int, left: int, total: int) -> None:
        """So many items are left: the flags, and the counter, which begins anew in a circle."""
        flags = (4 if left == total // 2 else 0) | (2 if left == 0 else 0)
        if flags:
            self.regs[0] = self.regs.get(0, 0) | (flags | 1) << 4 * channel
        again = left == 0 and self.regs[8 + 20 * channel] & 1 << 5
        self.regs[8 + 20 * channel + 4] = total if again else left

    def _move(self, channel: int) -> bool:
        at = 8 + 20 * channel
        ccr, left = self.regs[at], self.regs.get(at + 4, 0)
        if not left or channel not in self._start:
            return False
        total, _, _ = self._start[channel]
        done = total - left
        peripheral_width, memory_width = 1 << (ccr >> 8 & 3), 1 << (ccr >> 10 & 3)
        peripheral = self.regs.get(at + 8, 0) + (done * peripheral_width if ccr & 1 << 6 else 0)
        memory = self.regs.get(at + 12, 0) + (done * memory_width if ccr & 1 << 7 else 0)
        if ccr & 1 << 4:
            self.host.bus_write(peripheral, peripheral_width, self.host.bus_read(memory, memory_width))
        else:
            self.host.bus_write(memory, memory_width, self.host.bus_read(peripheral, peripheral_width))
        left -= 1
        self._count(channel, left, total)
        return bool(left)

    def _lines(self) -> None:
        for channel, irq in enumerate(self.irqs):
            active = self.regs.get(0, 0) >> 4 * channel & self.regs.get(8 + 20 * channel, 0) & 0xE
            self.host.irq(irq, bool(active))


class Dmamux(Peripheral):
    """Request numbers of the DMA channels."""

    def request(self, dma: int, channel: int) -> int:
        """What is routed to a channel of DMA 0 or 1."""
        return self.regs.get(4 * (7 * dma + channel), 0) & 0x7F


def wire_dma(dmas: tuple[Dma, ...], requests: dict[Uart, tuple[int, int]]) -> None:
    """Connect each UART's two requests to whichever DMA channel they are routed to, and back when one is enabled."""

    def serve(request: int) -> Callable[[], None]:
        def ask() -> None:
            for dma in dmas:
                dma.serve(request)

        return ask

    waiting: dict[int, Callable[[], None]] = {}
    for uart, (rx, tx) in requests.items():
        uart.rx_request, uart.tx_request = serve(rx), serve(tx)
        waiting[rx], waiting[tx] = uart.poll_dma, uart.poll_dma
    for dma in dmas:
        dma.enabled = lambda request: waiting.get(request, lambda: None)()
