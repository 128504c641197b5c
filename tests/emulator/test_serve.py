"""The virtual board as other clients see it: a TCP port and a pty that is opened twice."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tinyperf import board
from tinyperf.cli import invoke
from tinyperf.errors import DeviceError, UsageError
from tinyperf.virtual.board import open_virtual
from tinyperf.virtual.board.serve import Pty, Tcp, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tinyperf.virtual.board.serve import Wire

ECHO = """
function reset
    ldr r4, =USART1
    ldr r0, =34
    str r0, [r4, #0x0C]
    movs r0, #0x2D
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


@contextlib.contextmanager
def served(elf: Path, wire: Wire, *, fast: bool) -> Iterator[str]:
    """Serve in a thread that the end of the test stops."""
    over = threading.Event()
    link = open_virtual(board.load("nucleo-l4r5zi"), elf)
    thread = threading.Thread(target=serve, args=(link, wire), kwargs={"fast": fast, "stop": over.is_set})
    thread.start()
    try:
        yield wire.place()
    finally:
        over.set()
        thread.join()
        wire.close()


@pytest.mark.parametrize("fast", [True, False])
def test_tcp_echoes_for_one_client_after_another(assemble: Callable[[str], Path], fast: bool) -> None:
    with served(assemble(ECHO), Tcp(0), fast=fast) as place:
        address = ("127.0.0.1", int(place.rpartition(":")[2]))
        for text in (b"one\n", b"two\n"):
            with socket.create_connection(address, timeout=5) as client:
                client.sendall(text)
                assert client.makefile("rb").readline() == text


def test_a_second_tcp_client_takes_the_place_of_the_first(assemble: Callable[[str], Path]) -> None:
    with served(assemble(ECHO), Tcp(0), fast=True) as place:
        address = ("127.0.0.1", int(place.rpartition(":")[2]))
        with socket.create_connection(address, timeout=5) as first, socket.create_connection(address, timeout=5) as two:
            two.sendall(b"two\n")
            assert two.makefile("rb").readline() == b"two\n"
            assert first.recv(1) == b""  # it was told to go, and got nothing of the other's


def test_a_pty_survives_being_closed_and_opened_again(assemble: Callable[[str], Path]) -> None:
    with served(assemble(ECHO), Pty(), fast=False) as place:
        for text in (b"one\n", b"two\n"):
            with open(os.open(place, os.O_RDWR | os.O_NOCTTY), "r+b", buffering=0) as port:  # noqa: PTH123  (a descriptor)
                port.write(text)
                got = b""
                while not got.endswith(b"\n"):
                    got += port.read(100)
                assert got == text


@pytest.mark.parametrize("size", [100, 4095, 4096, 8193, 20_000, 100_000])
def test_a_slow_reader_of_a_pty_loses_nothing(size: int) -> None:
    """The system's buffer takes some kilobytes at once, and of a longer write a part."""
    wire, text = Pty(), bytes(97 + k % 26 for k in range(size))
    port = os.open(wire.place(), os.O_RDWR | os.O_NOCTTY)
    writer = threading.Thread(target=wire.exchange, args=(text, 0.0))
    writer.start()
    got = b""
    while len(got) < size:
        time.sleep(0.001)
        got += os.read(port, 700)
    writer.join()
    os.close(port)
    wire.close()
    assert got == text


def test_what_nobody_reads_is_lost_and_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinyperf.virtual.board.serve.UNREAD_S", 0.2)
    wire = Pty()
    begin_s = time.monotonic()
    for _ in range(50):
        wire.exchange(bytes(20_000), 0.0)
    assert 0.2 <= time.monotonic() - begin_s < 2
    port = os.open(wire.place(), os.O_RDWR | os.O_NOCTTY)
    while select.select([port], [], [], 0.2)[0]:
        os.read(port, 4096)
    wire.exchange(b"now", 0.0)
    assert os.read(port, 4096).endswith(b"now")
    os.close(port)
    wire.close()


def test_a_taken_port_is_said() -> None:
    first = Tcp(0)
    try:
        with pytest.raises(DeviceError, match="cannot listen"):
            Tcp(int(first.place().rpartition(":")[2]))
    finally:
        first.close()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param([], 2, id="nothing-to-run"),
        pytest.param(["kws", "--pty", "--tcp", "1"], 2, id="two-wires"),
        pytest.param(["--image", "absent.bin", "--tcp", "0"], 2, id="no-such-image"),
        pytest.param(["--image", "absent.bin", "--tcp", "x"], 2, id="no-port"),
    ],
)
def test_emulate_refuses(options: list[str], code: int) -> None:
    assert invoke(["emulate", "--board", "nucleo-l4r5zi", *options]) == code


BAD = [
    pytest.param("empty.bin", b"", "holds 0 bytes", id="empty"),
    pytest.param("big.bin", bytes(2097153), "flash has 2097152", id="too-big"),
    pytest.param("a.tflite", b"0000TFL3", "is a model, no firmware", id="a-model"),
    pytest.param("a.txt", b"text", "neither .elf", id="another-kind"),
    pytest.param("a.hex", b":0000\n", "not Intel hex", id="damaged-hex"),
    pytest.param("a.elf", b"\x7fELF\x01\x01\x01", "damaged ELF", id="damaged-elf"),
    pytest.param("a.hex", b":020000042000DA\n:0400000001020304F2\n:00000001FF\n", "holds 4 bytes", id="tiny-hex"),
    pytest.param("a.hex", b":020000042000DA\n:080000000102030405060708D4\n:00000001FF\n", "0x20000000", id="not-flash"),
]


@pytest.mark.parametrize(("name", "data", "words"), BAD)
def test_an_unusable_image_is_refused(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(UsageError) as caught:
        open_virtual(board.load("nucleo-l4r5zi"), path)
    assert words in caught.value.seen
