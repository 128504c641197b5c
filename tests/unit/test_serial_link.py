"""The serial link on real ptys and sockets, and finding the port of a board."""

from __future__ import annotations

import os
import pty
import socket

import pytest

from tinyperf.device.link import Link, SerialLink
from tinyperf.device.ports import Port, only
from tinyperf.errors import DeviceError, UsageError


def test_loop_returns_what_was_written() -> None:
    link: Link = SerialLink("loop://", 115200)
    link.write(b"name%")
    assert link.read(1.0) == b"name%"
    assert link.read(0.0) == b""
    link.close()
    link.close()


def test_a_pty_carries_bytes_both_ways_and_tells_when_it_is_gone() -> None:
    ours, theirs = pty.openpty()
    link = SerialLink(os.ttyname(theirs), 115200)
    link.write(b"name%")
    assert os.read(ours, 10) == b"name%"
    os.write(ours, b"m-ready\r\n")
    assert link.read(1.0) == b"m-ready\r\n"
    start_s = link.now_s()
    assert link.read(0.1) == b""
    assert link.now_s() - start_s >= 0.1
    os.close(theirs)
    os.close(ours)
    with pytest.raises(DeviceError, match="failed while in use"):
        link.read(1.0)
    link.close()


def test_a_port_in_use_is_refused() -> None:
    ours, theirs = pty.openpty()
    first = SerialLink(os.ttyname(theirs), 115200)
    with pytest.raises(DeviceError, match="is in use") as caught:
        SerialLink(os.ttyname(theirs), 115200)
    assert "another program" in caught.value.means
    first.close()
    os.close(ours)
    os.close(theirs)


def test_a_socket_that_closes_is_a_device_that_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = SerialLink(f"socket://127.0.0.1:{server.getsockname()[1]}", 115200)
        peer, _ = server.accept()
        peer.sendall(b"m-ready\r\n")
        got = b""
        while len(got) < 9:
            got += link.read(1.0)
        assert got == b"m-ready\r\n"
        peer.close()
        with pytest.raises(DeviceError, match="failed while in use"):
            link.read(1.0)
        link.close()
    assert link.transport == "socket"


@pytest.mark.parametrize(
    ("url", "kind", "words"),
    [
        pytest.param("/dev/ttyNONE7", DeviceError, "does not exist", id="absent"),
        pytest.param("nosuch://x", UsageError, "nosuch", id="unknown URL"),
        pytest.param("socket://127.0.0.1:1", DeviceError, "cannot be opened", id="nobody listens"),
        *(
            pytest.param(url, UsageError, "names no HOST:PORT", id=url)
            for url in ("socket://127.0.0.1", "rfc2217://127.0.0.1", "socket://", "socket://h:x", "socket://h:99999")
        ),
        pytest.param("/dev/null", DeviceError, "cannot be opened", id="no serial port"),
    ],
)
def test_what_cannot_be_opened_says_why(url: str, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        SerialLink(url, 115200)


ST = Port("/dev/ttyACM0", "0483", "374b", title="STM32 STLink")
FTDI = Port("/dev/ttyUSB0", "0403", "6001", title="FT232R")


def test_the_one_matching_port_is_taken() -> None:
    assert only(["0483:374b"], "nucleo", [FTDI, ST]) == "/dev/ttyACM0"


@pytest.mark.parametrize(
    ("usb", "found", "words"),
    [
        pytest.param(["0483:374b"], [], "found no port at all", id="no port"),
        pytest.param(["0483:374b"], [FTDI], r"found /dev/ttyUSB0 \(0403:6001\)", id="another port"),
        pytest.param([], [ST], "ids unknown", id="a board without USB ids"),
    ],
)
def test_no_guess_is_made(usb: list[str], found: list[Port], words: str) -> None:
    with pytest.raises(DeviceError, match=words):
        only(usb, "nucleo", found)


def test_several_ports_are_a_question_to_the_user() -> None:
    with pytest.raises(UsageError, match="2 ports look like nucleo") as caught:
        only(["0483:374b"], "nucleo", [ST, FTDI, ST])
    assert "--port /dev/ttyACM0" in caught.value.hint
