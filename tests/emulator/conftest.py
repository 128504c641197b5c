"""Small images for the virtual board, built from assembly by the real toolchain."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCRIPT = """
ENTRY(reset)
MEMORY { FLASH (rx) : ORIGIN = 0x08000000, LENGTH = 2M  RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 192K }
SECTIONS { .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) } > FLASH  .bss (NOLOAD) : { *(.bss*) } > RAM }
"""

PRELUDE = """
    .syntax unified
    .cpu cortex-m4
    .fpu fpv4-sp-d16
    .thumb
    .equ SCB_ICSR, 0xE000ED04
    .equ NVIC_ISER, 0xE000E100
    .equ NVIC_ISPR, 0xE000E200
    .equ NVIC_IPR, 0xE000E400
    .equ USART1, 0x40013800
    .macro function name
    .thumb_func
    .type \\name, %function
\\name:
    .endm
    .macro put reg, address, value
    ldr \\reg, =\\address
    ldr r12, =\\value
    str r12, [\\reg]
    .endm
    .weak nmi, hardfault, svcall, pendsv, systick, irq0, irq1, irq2, usart1
    .section .vectors, "a"
    .word 0x20030000, reset, nmi, hardfault, 0, 0, 0, 0, 0, 0, 0, svcall, 0, 0, pendsv, systick
    .word irq0, irq1, irq2
    .rept 34
    .word 0
    .endr
    .word usart1
    .text
"""


@pytest.fixture
def assemble(tmp_path: Path) -> Callable[[str], Path]:
    """Build assembly (a `reset` function, handlers by name) into an ELF."""
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")

    def build(text: str) -> Path:
        source, script, elf = tmp_path / "image.s", tmp_path / "image.ld", tmp_path / "image.elf"
        source.write_text(PRELUDE + text + "\n", encoding="ascii")
        script.write_text(SCRIPT, encoding="ascii")
        subprocess.run(
            [
                "arm-none-eabi-gcc",
                "-nostdlib",
                "-mcpu=cortex-m4",
                "-T",
                script,
                source,
                "-o",
                elf,
                "-Wl,--build-id=none",
            ],
            check=True,
            capture_output=True,
        )
        return elf

    return build
