"""Arm Cortex-M4: Armv7E-M. TRM: DDI 0439."""

from __future__ import annotations

from tinyperf.cores import MAINLINE, Core, Exceptions, SingleIssue

CORE = Core(
    name="cortex-m4",
    title="Arm Cortex-M4",
    architecture="armv7e-m",
    features=MAINLINE | {"dsp", "fpu"},
    optional=frozenset({"fpu"}),
    fpus={"fpu": "fpv4-sp-d16"},
    # TRM, "Exceptions": 12 cycles to the first instruction of a handler with zero-wait memory (FP state stacked
    # lazily), 6 from one handler to the next. The way back takes as many loads as the way in stores.
    exceptions=Exceptions(entry_cycles=12, exit_cycles=10, tail_chain_cycles=6),
    unicorn="CORTEX_M4",
    pipeline=SingleIssue(
        divide=6,  # 2 to 12 by the leading zeros of the operands; the middle of what quotients of 8 to 16 bits take
        branch=2,  # P of a taken branch; the TRM says 1 to 3 by alignment and width of the target
        unaligned_target=1,  # where a 32-bit instruction at the target crosses a word: the 3 of that range
        address_stall=1,
        rotated_use=1,  # a loaded value that the next instruction rotates; not in the TRM, see docs/virtual_board.md
        register_store=2,
        fp_mac=3,
        fp_divide=14,
    ),
)
