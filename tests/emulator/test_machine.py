"""Exceptions, faults, time and serial port of the virtual board, on images of a few instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tinyperf import board
from tinyperf.errors import DeviceError, FaultError
from tinyperf.virtual.board import open_virtual
from tinyperf.virtual.board.cycles import Account

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tinyperf.virtual.board.link import VirtualLink

Assemble = "Callable[[str], Path]"

# Each handler appends its letter to a log at 0x20000100, whose length is at 0x20000000.
LOG = """
function note
    ldr r2, =0x20000000
    ldr r1, [r2]
    add r3, r2, r1
    strb r0, [r3, #0x100]
    adds r1, #1
    str r1, [r2]
    bx lr
"""


def start(elf: Path, seconds: float = 0.001) -> VirtualLink:
    link = open_virtual(board.load("nucleo-l4r5zi"), elf)
    link.read(seconds)
    return link


def log(link: VirtualLink) -> str:
    length = link.machine.cpu.words(0x20000000, 1)
    assert length is not None
    view = link.machine.cpu.view(0x20000100, length[0])
    assert view is not None
    return bytes(view).decode()


EXCEPTIONS = [
    pytest.param(
        """
        function reset
            put r0, SCB_ICSR, 0x10000000
            movs r0, #'t'
            bl note
            b .
        function pendsv
            push {lr}
            movs r0, #'P'
            bl note
            pop {pc}
        """,
        "Pt",
        id="pendsv-runs-before-the-next-instruction",
    ),
    pytest.param(
        """
        function reset
            put r0, NVIC_IPR, 0x00402010
            put r0, NVIC_ISER, 7
            put r0, NVIC_ISPR, 4
            movs r0, #'t'
            bl note
            b .
        function irq2
            push {lr}
            movs r0, #'2'
            bl note
            put r0, NVIC_ISPR, 1
            movs r0, #'b'
            bl note
            pop {pc}
        function irq0
            push {lr}
            movs r0, #'0'
            bl note
            pop {pc}
        """,
        "20bt",
        id="a-more-urgent-interrupt-preempts",
    ),
    pytest.param(
        """
        function reset
            put r0, NVIC_IPR, 0x00101010
            put r0, NVIC_ISER, 7
            cpsid i
            put r0, NVIC_ISPR, 6
            movs r0, #'t'
            bl note
            cpsie i
            movs r0, #'u'
            bl note
            b .
        function irq1
            push {lr}
            movs r0, #'1'
            bl note
            put r0, NVIC_ISPR, 1
            movs r0, #'b'
            bl note
            pop {pc}
        function irq2
            push {lr}
            movs r0, #'2'
            bl note
            pop {pc}
        function irq0
            push {lr}
            movs r0, #'0'
            bl note
            pop {pc}
        """,
        "t1b02u",
        id="equal-priority-waits-and-is-tail-chained-lowest-number-first",
    ),
    pytest.param(
        """
        function reset
            put r0, NVIC_IPR, 0x00004020
            put r0, NVIC_ISER, 3
            movs r0, #0x40
            msr basepri, r0
            put r0, NVIC_ISPR, 3
            movs r0, #'t'
            bl note
            movs r0, #0
            msr basepri, r0
            isb
            movs r0, #'u'
            bl note
            b .
        function irq0
            push {lr}
            movs r0, #'0'
            bl note
            pop {pc}
        function irq1
            push {lr}
            movs r0, #'1'
            bl note
            pop {pc}
        """,
        "0t1u",
        id="basepri-holds-back-equal-and-less-urgent-ones",
    ),
    pytest.param(
        """
        function reset
            ldr r0, =0x20008000
            msr psp, r0
            movs r0, #2
            msr control, r0
            isb
            svc 7
            movs r0, #'t'
            bl note
            mrs r0, control
            adds r0, #'0'
            bl note
            b .
        function svcall
            push {lr}
            mrs r1, psp
            ldr r0, [r1, #24]
            ldrb r0, [r0, #-2]
            adds r0, #'0'
            bl note
            pop {pc}
        """,
        "7t2",
        id="svc-from-the-process-stack-finds-its-number-and-returns-there",
    ),
    pytest.param(
        """
        function reset
            put r0, 0xE000ED88, 0x00F00000
            dsb
            isb
            vmov.f32 s3, #5.0
            put r0, SCB_ICSR, 0x10000000
            vcvt.u32.f32 s3, s3
            vmov r0, s3
            adds r0, #'0'
            bl note
            b .
        function pendsv
            push {lr}
            vmov.f32 s3, #9.0
            lsrs r0, lr, #4
            and r0, #1
            adds r0, #'0'
            bl note
            pop {pc}
        """,
        "05",
        id="fp-registers-survive-a-handler-that-uses-them",
    ),
    pytest.param(
        """
        function reset
            put r0, 0xE000E014, 3999
            put r0, 0xE000E018, 0
            put r0, 0xE000E010, 7
        1:  wfi
            b 1b
        function systick
            push {lr}
            movs r0, #'k'
            bl note
            pop {pc}
        """,
        "kkk",
        id="systick-wakes-wfi-every-millisecond-of-the-reset-clock",
    ),
]


@pytest.mark.parametrize(("text", "expected"), EXCEPTIONS)
def test_exceptions(assemble: Callable[[str], Path], text: str, expected: str) -> None:
    assert log(start(assemble(text + LOG), 0.0031)) == expected


def test_wfi_costs_no_instructions(assemble: Callable[[str], Path]) -> None:
    link = start(assemble("function reset\n 1: wfi\n b 1b\n"), 5.0)
    assert link.now_s() == pytest.approx(5.0)
    assert link.counters().instructions < 10
    assert link.machine.activity.idle_cycles == pytest.approx(20e6, rel=0.01)


FAULTS = [
    pytest.param("function broken\n udf #0\n", "UNDEFINSTR", id="undefined-instruction"),
    pytest.param("function broken\n ldr r0, =0x60000000\n ldr r0, [r0]\n bx lr\n", "load from", id="unmapped-load"),
    pytest.param("function broken\n ldr r0, =0x60000000\n str r0, [r0]\n bx lr\n", "store to", id="unmapped-store"),
    pytest.param("function broken\n ldr r0, =0x08000000\n str r0, [r0]\n bx lr\n", "flash", id="store-to-flash"),
    pytest.param("function broken\n ldr r0, =0x60000001\n bx r0\n", "jumped", id="wild-jump"),
    pytest.param("function broken\n bkpt 0\n", "breakpoint", id="breakpoint"),
    pytest.param("function broken\n nop\n vmov.f32 s0, #1.0\n bx lr\n", "NOCP", id="fp-before-cpacr"),
    pytest.param(
        "function broken\n ldr r0, =0x20000002\n ldrd r2, r3, [r0]\n bx lr\n", "UNALIGNED", id="unaligned-ldrd"
    ),
    pytest.param(
        "function broken\n ldr r0, =0x20000001\n ldmia r0, {r2, r3}\n bx lr\n", "UNALIGNED", id="unaligned-ldm"
    ),
    pytest.param(
        "function broken\n ldr r0, =0x20000002\n strd r2, r3, [r0, #8]!\n bx lr\n", "UNALIGNED", id="unaligned-strd"
    ),
]


@pytest.mark.parametrize(("text", "meaning"), FAULTS)
def test_a_fault_names_the_function_and_what_it_means(assemble: Callable[[str], Path], text: str, meaning: str) -> None:
    elf = assemble("function reset\n bl broken\n b .\n .size reset, . - reset\n" + text + " .size broken, . - broken\n")
    with pytest.raises(FaultError) as caught:
        start(elf)
    assert meaning in caught.value.means
    assert "reset" in caught.value.seen
    assert "r0=" in caught.value.seen


AWAITED = [
    pytest.param("ldr r0, =0x50060800", "0x50060804", id="of-a-block-that-nobody-describes"),
    pytest.param("ldr r0, =0x40021000", "0x40021004", id="of-rcc"),
]


@pytest.mark.parametrize(("base", "register"), AWAITED)
def test_a_register_that_nobody_models_is_told_of(assemble: Callable[[str], Path], base: str, register: str) -> None:
    text = f"function reset\n{base}\n1: ldr r1, [r0, #4]\nlsls r1, #2\nbpl 1b\nb .\n"
    link = start(assemble(text), 0.5)
    with pytest.raises(DeviceError) as caught:
        link.read(0.6)
    assert f"at PC 0x080000da it waits for register {register}" in caught.value.seen
    assert "tinyperf/virtual/board/chips/stm32l4r5.py" in caught.value.hint


POLLED_ECHO = """
function reset
    ldr r4, =USART1
    ldr r0, =34             @ 4 MHz MSI / 115200
    str r0, [r4, #0x0C]
    movs r0, #0x0D          @ UE, RE, TE
    str r0, [r4]
1:  ldr r0, [r4, #0x1C]     @ ISR.RXNE
    lsls r0, #26
    bpl 1b
    ldr r0, [r4, #0x24]
    str r0, [r4, #0x28]
    b 1b
"""


@pytest.mark.parametrize("by", ["interrupt", "polling"])
def test_who_waits_for_the_host_is_left_alone(assemble: Callable[[str], Path], by: str) -> None:
    link = start(assemble(ECHO if by == "interrupt" else POLLED_ECHO), 5.0)
    link.write(b"hello\n")
    assert link.read(1.0) == b"hello\n"


def test_an_access_to_nothing_has_its_address_and_the_files_to_edit(assemble: Callable[[str], Path]) -> None:
    with pytest.raises(FaultError) as caught:
        start(assemble("function reset\n ldr r0, =0x60000000\n movs r1, #8\n str r0, [r0, r1]\n b .\n"))
    assert "address 0x60000008" in caught.value.seen
    assert "boards/chips/stm32l4r5.yaml" in caught.value.hint
    assert "tinyperf/virtual/board/chips/stm32l4r5.py" in caught.value.hint


ECHO = """
function reset
    ldr r4, =USART1
    ldr r0, =34             @ 4 MHz MSI / 115200
    str r0, [r4, #0x0C]
    movs r0, #0x2D          @ UE, RE, TE, RXNEIE
    str r0, [r4]
    put r0, NVIC_ISER + 4, 0x20
1:  wfi
    b 1b
function usart1
    ldr r1, =USART1
    ldr r0, [r1, #0x24]
    str r0, [r1, #0x28]
    bx lr
"""


def test_a_serial_port_echoes_by_interrupt_at_its_baud_rate(assemble: Callable[[str], Path]) -> None:
    link = start(assemble(ECHO))
    begun = link.now_s()
    link.write(b"hello, board\n")
    assert link.read(1.0) == b"hello, board\n"
    assert link.now_s() - begun == pytest.approx(14 * 10 * 34 / 4e6, rel=0.01)


def test_the_same_input_takes_the_same_cycles(assemble: Callable[[str], Path]) -> None:
    elf = assemble(ECHO)

    def once() -> tuple[int, int, bytes]:
        link = start(elf)
        link.write(b"twice\n")
        answer = link.read(1.0)
        return link.counters().instructions, link.counters().cycles, answer

    assert once() == once()


COUNT = """
function reset
    ldr r0, =1000
1:  subs r0, #1
    bne 1b
    put r0, 0x20000000, 1
2:  wfi
    b 2b
"""


def test_detail_charges_the_same_instructions_and_a_loop_its_branches(assemble: Callable[[str], Path]) -> None:
    link = open_virtual(board.load("nucleo-l4r5zi"), assemble(COUNT))
    link.detailed = True
    link.read(0.01)
    plain = start(assemble(COUNT), 0.01)
    assert link.counters().instructions == plain.counters().instructions
    assert link.activity.active_cycles == pytest.approx(3 * 1000, abs=60)


def test_quanta_do_not_change_what_detail_charges(assemble: Callable[[str], Path]) -> None:
    whole = open_virtual(board.load("nucleo-l4r5zi"), assemble(COUNT))
    whole.detailed = True
    whole.read(0.01)
    parts = open_virtual(board.load("nucleo-l4r5zi"), assemble(COUNT))
    parts.detailed = True
    for _ in range(1000):
        parts.read(0.00001)
    assert parts.activity.active_cycles == whole.activity.active_cycles


SKIPS = """
function reset
    movs r0, #100
1:  cmp r0, #50
    itt lt
    addlt r1, #1
    addlt r2, #1
    subs r0, #1
    bne 1b
2:  wfi
    b 2b
"""


@pytest.mark.parametrize("quanta", [1, 400])
def test_what_is_booked_is_what_the_core_executes(assemble: Callable[[str], Path], quanta: int) -> None:
    """What an IT block skips takes its cycle, and is nowhere an instruction that was executed."""
    link, account = open_virtual(board.load("nucleo-l4r5zi"), assemble(SKIPS)), Account()
    link.detailed = True
    link.machine.observe_blocks(lambda *_: account)
    for _ in range(quanta):
        link.read(0.001 / quanta)
    assert account.instructions == link.counters().instructions == 1 + 100 * 4 + 49 * 2 + 1


WAITS = [
    pytest.param("1: b 1b", id="an-empty-loop"),
    pytest.param("1: ldr r1, [r0]\n cmp r1, #0\n beq 1b\n udf #0", id="a-flag-in-memory"),
    pytest.param("1: push {r1, lr}\n bl look\n pop {r1, lr}\n cmp r2, #0\n beq 1b\n udf #0", id="by-a-function"),
]


@pytest.mark.parametrize("loop", WAITS)
def test_a_loop_that_only_waits_costs_no_instructions(assemble: Callable[[str], Path], loop: str) -> None:
    look = "function look\n ldr r2, [r0, #4]\n bx lr\n"
    link = start(assemble(f"function reset\n ldr r0, =0x20000000\n{loop}\n{look}"), 60.0)
    assert link.counters().instructions < 60_000
    assert link.now_s() == pytest.approx(60.0)
    assert link.idle


COUNTS = [
    pytest.param("movs r1, #0\n 1: adds r1, #1\n b 1b", id="in-a-register"),
    pytest.param("1: ldr r1, [r0]\n adds r1, #1\n str r1, [r0]\n movs r1, #0\n b 1b", id="in-memory"),
    pytest.param(
        "ldr r0, =0xE0001000\n movs r1, #1\n str r1, [r0]\n 1: ldr r1, [r0, #4]\n movs r1, #0\n b 1b", id="time"
    ),
]


@pytest.mark.parametrize("loop", COUNTS)
def test_a_loop_that_does_something_is_executed(assemble: Callable[[str], Path], loop: str) -> None:
    link = start(assemble(f"function reset\n ldr r0, =0x20000000\n{loop}\n"), 0.25)
    assert link.counters().instructions == pytest.approx(1_000_000, rel=0.01)


def test_an_interrupt_ends_the_wait(assemble: Callable[[str], Path]) -> None:
    text = ECHO.replace("1:  wfi\n    b 1b", "1:  b 1b")
    link = start(assemble(text), 10.0)
    link.write(b"still there?\n")
    assert link.read(1.0) == b"still there?\n"
    assert link.counters().instructions < 80_000


def test_a_skipped_unaligned_access_is_no_fault(assemble: Callable[[str], Path]) -> None:
    text = "function reset\n movs r0, #1\n cmp r0, #2\n it eq\n ldrdeq r2, r3, [r0]\n ldr r1, [r0]\n 1: wfi\n b 1b\n"
    assert start(assemble(text)).counters().instructions < 20
