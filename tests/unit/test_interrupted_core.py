"""Ctrl-C while the emulator calls back into Python, where ctypes would print it and go on."""

from __future__ import annotations

import signal
import sys
from typing import Any

import pytest

from tinyperf import cores
from tinyperf.virtual.board.cpu import Cpu, Memory

pytest.importorskip("unicorn", reason="unicorn (extra 'virtual') is absent")
RAM = 0x20000000


@pytest.fixture
def looping() -> Cpu:
    """A Cortex-M4 in an endless loop at the beginning of its memory."""
    cpu = Cpu(cores.load("cortex-m4"), [Memory(RAM, 0x1000)], [], lambda _a, _n: 0, lambda _a, _n, _v: None)
    assert cpu.store(RAM, [0xE7FEBF00])  # nop; b .
    return cpu


def raising(raised: type[BaseException] | None, seen: list[int]) -> Any:
    def called(_uc: Any, address: int, _size: int, _data: Any) -> None:
        seen.append(address)
        if len(seen) == 5 and raised is None:
            signal.raise_signal(signal.SIGINT)
        elif len(seen) == 5 and raised is not None:
            raise raised

    return called


@pytest.mark.parametrize(
    ("raised", "came"), [(None, KeyboardInterrupt), (KeyboardInterrupt, KeyboardInterrupt), (ValueError, ValueError)]
)
def test_what_a_callback_raises_ends_the_run(
    looping: Cpu, raised: type[BaseException] | None, came: type[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[int] = []
    handle, hook = looping.hook_blocks(raising(raised, seen)), sys.unraisablehook
    with pytest.raises(came):
        looping.run(RAM, 100_000)
    assert 5 <= len(seen) < 10
    assert sys.unraisablehook is hook
    assert "Exception ignored" not in capsys.readouterr().err
    assert looping.run(RAM, 100).executed == 100  # and it goes on
    looping.unhook(handle)
