"""What stands in the serial line of a board that an instrument feeds: IO Manager or interface board.

The IO Manager is EnergyRunner's Arduino Uno, the interface board MLCommons' STM32H573I-DK. A plain isolated USB-UART is
a serial port like any other and needs nothing. Both take `dut COMMAND%`, say `m-dut-passthrough(COMMAND)` and
`m-ready`, send the command on, and relay each line of the board as `[dut]: LINE`.
Sources: published logs of EnergyRunner 3.0.10; mlcommons/tiny `benchmark/interface`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tinyperf.errors import DeviceError, UsageError, meant
from tinyperf.options import split

if TYPE_CHECKING:
    from tinyperf.device.link import Link, Transport

HOST_BAUD = 115200
CHUNK_BYTES = 26  # "dut db " + 52 digits + "%" stay below the 64 bytes that EEMBC promises never to exceed
SIMULATED = "simulated"
PREFIX = b"[dut]: "
READY = b"m-ready"
OPTIONS = {"port": "serial port, or 'simulated' with --virtual", "fault": "with port=simulated: faults joined by +"}

LONG_LINE_BYTES = 4096  # of results, which at 9600 baud take more than four seconds: so long nobody must seem silent
LEAST_S = 1e-9  # a virtual board counts picoseconds: less than half of one would never pass
ACK_S = 2.0
QUIET_S = 0.25
ATTEMPTS = 4  # of 2 s: opening the port restarts an Uno, whose boot loader takes 1.6 s and swallows what is sent
DUT_S = 5.0  # what EnergyRunner waits for a board that was just powered
REBOOT_S = 15.0  # the interface board mounts its card first
SETTLE_S = 2.0  # a board that was just powered must not be spoken to; what it says at boot is not relayed


@dataclass(frozen=True)
class Kind:
    """One sort of isolator. `sign`: what it answers to `name`. `bauds`: what it can speak to the board.

    `waits`: while the board owes an answer, it takes no other command.
    """

    title: str
    about: str
    sign: str
    bauds: range
    waits: bool


KINDS = {
    "io_manager": Kind(
        "IO Manager",
        "EnergyRunner's IO Manager (Arduino Uno); 9600 baud",
        r"m-name-(?!dut-)\S",
        range(9600, 9601),
        waits=False,
    ),
    "interface_board": Kind(
        "interface board",
        "MLCommons interface board (STM32H573I-DK); any rate",
        "tinyML .*Interface Board",
        range(1, 2_000_001),
        waits=True,
    ),
}


@dataclass(frozen=True)
class Choice:
    """What `--isolator` asks for."""

    name: str
    port: str
    fault: str = ""

    @property
    def kind(self) -> Kind:
        """Its sort."""
        return KINDS[self.name]

    @property
    def where(self) -> str:
        """In words, for messages."""
        if self.port == SIMULATED:
            return f"the simulated {self.kind.title}"
        return f"the {self.kind.title} on {self.port}"

    def check_baud(self, baud: int) -> None:
        """Raises: UsageError: it cannot speak to the board at this rate."""
        if baud not in self.kind.bauds:
            raise UsageError(
                f"the {self.kind.title} cannot speak {baud} baud to the board",
                means="the IO Manager's firmware knows 9600 baud only, which is what energy mode uses",
                hint="set that rate in the board file's 'serial', or use --isolator interface_board, or none",
            )


def choose(text: str) -> Choice:
    """`io_manager:port=/dev/ttyACM1` as a choice.

    Raises: UsageError: no such isolator or option, or no port.
    """
    name, options = split(text, what="isolator", example="io_manager:port=/dev/ttyACM1")
    if name not in KINDS:
        raise UsageError(
            f"unknown isolator '{name}'",
            hint=f"{meant(name, KINDS)}{' or '.join(KINDS)}; a plain isolated USB-UART needs only --port",
        )
    if unknown := set(options) - set(OPTIONS):
        has = ", ".join(f"{key} ({what})" for key, what in OPTIONS.items())
        raise UsageError(f"isolator '{name}' has no option '{min(unknown)}'", hint=f"its options: {has}")
    if "port" not in options:
        raise UsageError(f"{name}: which port?", hint=f"for example --isolator {name}:port=/dev/ttyACM1")
    return Choice(name, options["port"], options.get("fault", ""))


def isolated(choice: Choice, link: Link, baud: int) -> Isolated:
    """The board at `baud` as seen through the isolator that `link` leads to.

    Raises: DeviceError: nobody or somebody else answers, the rate was refused, the board is silent; `link` is closed.
    """
    try:
        board = Isolated(link, choice)
        board.open(baud)
    except BaseException:
        link.close()
        raise
    return board


@dataclass
class Isolated:
    """A `Link` to the board behind an isolator: commands get `dut ` in front, its lines lose `[dut]: `.

    Lines of the isolator itself that nobody asked for come as `io: LINE`; acknowledgements are taken out.
    """

    inner: Link
    choice: Choice
    transport: Transport = "serial"
    _command: bytearray = field(default_factory=bytearray)
    _line: bytearray = field(default_factory=bytearray)
    _heard: bytearray = field(default_factory=bytearray)
    _own: list[str] = field(default_factory=list)
    _unacknowledged: list[tuple[float, bytes]] = field(default_factory=list)
    _owing: bytes | None = None
    _answering: bool = False  # a command of its own was sent, and its m-ready has not come
    _passing: bool = False  # the rest of a long line of the board's goes on as it comes
    _opened: bool = False

    def __post_init__(self) -> None:
        self.transport = self.inner.transport

    # ---------------------------------------------------------------- the isolator itself

    def open(self, baud: int) -> None:
        """Make sure that it is the isolator asked for, and that it speaks `baud` to the board."""
        self._require_name()
        if self.choice.kind.waits:
            self._set_baud(baud)
        self._opened = True

    def _require_name(self) -> None:
        for _ in range(ATTEMPTS):
            said = self._ask(b"name", self.choice.kind.sign)
            if any(re.search(self.choice.kind.sign, line) for line in said):
                return
            if other := next((line for line in said if re.search(r"m-name-|Interface Board", line)), None):
                raise DeviceError(
                    f"{self.choice.port} is no {self.choice.kind.title}: it answers {other!r}",
                    means="the board itself, an instrument, or another isolator is on this port",
                    hint=f"give the {self.choice.kind.title}'s port; without --isolator, --port is the board's own",
                )
        waiting = "it may still wait for an answer of a board that is off: press its reset button; "
        raise DeviceError(
            f"{self.choice.where} is silent: no answer to 'name' in {ATTEMPTS} attempts of {ACK_S:g} s",
            means="it is not plugged in, has no firmware, or is another device",
            hint=f"{waiting if self.choice.kind.waits else ''}'tinyperf doctor' shows what answers on each port",
        )

    def _set_baud(self, baud: int) -> None:
        """The interface board keeps its rate in flash and restarts to change it, so it is asked before it is told.

        It also keeps up to 100 bytes that the board said while nobody asked, such as its boot text, and relays them as
        the answer to the next command: all later answers would come one command late. Only its restart clears them.
        """
        if self._baud() == baud:
            self._wait(SETTLE_S)
            if self._in_step():
                return
        self._ask(b"setbaud %d" % baud, "set baud to")
        until_s = self.now_s() + REBOOT_S
        while not self._ask(b"name", self.choice.kind.sign):
            if self.now_s() > until_s:
                raise DeviceError(
                    f"{self.choice.where} did not come back within {REBOOT_S:g} s of 'setbaud {baud}'",
                    means="it restarts to change the rate, and needs its memory card for that",
                    hint="check the card, press its reset button",
                )
        if (now := self._baud()) != baud:
            raise DeviceError(
                f"{self.choice.where} was told 'setbaud {baud}' and still speaks {now} baud",
                means="it could not write its flash",
                hint="flash its firmware again; or choose the rate it has in the board file's 'serial'",
            )

    def _baud(self) -> int | None:
        match = re.search(r"baud is: (\d+)", " ".join(self._ask(b"checkbaud", "baud is")))
        return int(match[1]) if match else None

    def _in_step(self) -> bool:
        """Each answer belongs to its command. A board that is silent here is found by who speaks to it next."""
        for command, sign in ((b"name", b"m-name-dut-"), (b"profile", b"m-model-")):
            self.write(command + b"%")
            said = b""
            until_s = self.now_s() + DUT_S
            while (self._unacknowledged or self._owing) and self.now_s() + LEAST_S < until_s:
                said += self.read(until_s - self.now_s())
            if self._owing:
                raise self._board_silent(command)
            if sign not in said:
                return False
        return True

    def _ask(self, command: bytes, sign: str) -> list[str]:
        """One of its own commands: its lines up to the `m-ready` behind the one that shows `sign`, and then quiet.

        So a banner is no answer, nor what a command that was repeated left behind. What came until the time-out, if
        that never came.
        """
        self._wait(0.0)
        self.inner.write(command + b"%")
        until_s = self.now_s() + ACK_S
        lines: list[str] = []
        while (left_s := until_s - self.now_s()) > LEAST_S:
            self._relay(self.inner.read(left_s))
            lines += self._own
            self._own.clear()
            if any(re.search(sign, line) for line in lines) and lines[-1].endswith("m-ready"):
                self._wait(QUIET_S)
                break
        return lines

    def _wait(self, quiet_s: float) -> None:
        """Until it has said nothing for so long; forget what it said of itself. Lines of the board stay."""
        while data := self.inner.read(quiet_s):
            self._relay(data)
        self._own.clear()

    def command(self, text: str, timeout_s: float = DUT_S) -> list[str]:
        """One of its own commands: the lines of its answer, without the m-ready.

        Raises: DeviceError: no whole answer within `timeout_s`.
        """
        self._own.clear()
        self._answering = True
        self.inner.write(text.encode("ascii") + b"%")
        until_s = self.now_s() + timeout_s
        while (left_s := until_s - self.now_s()) > LEAST_S:
            self._relay(self.inner.read(left_s))
            if self._own and self._own[-1].endswith("m-ready"):
                self._answering = False
                lines, self._own = self._own, []
                return [line for line in (*lines[:-1], lines[-1].removesuffix("m-ready")) if line.strip()]
        self._answering = False
        raise DeviceError(
            f"{self.choice.where} gave no whole answer to '{text}' within {timeout_s:g} s; it said"
            f" {self._own[-3:] or 'nothing'}",
            means="it hangs, was unplugged, or its memory card lacks the file",
            hint="press its reset button; its card must be FAT32 and hold the .wav file under this name",
        )

    # ---------------------------------------------------------------- the board behind it

    def write(self, data: bytes) -> None:
        """Pass on every command that `data` completes."""
        self._command += data
        while (end := self._command.find(b"%")) >= 0:
            command = bytes(self._command[:end])
            del self._command[: end + 1]
            self._unacknowledged.append((self.now_s(), command))
            self.inner.write(b"dut " + command + b"%")

    def read(self, timeout_s: float) -> bytes:
        """What the board said; b"" after `timeout_s` of its silence.

        Raises: DeviceError: the isolator is silent, or restarted.
        """
        until_s = self.now_s() + timeout_s
        while True:
            self._relay(self.inner.read(max(min(until_s, self._deadline_s()) - self.now_s(), 0.0)))
            if self._heard:
                heard = bytes(self._heard)
                self._heard.clear()
                return heard
            now_s = self.now_s() + LEAST_S
            if now_s >= self._deadline_s():
                raise self._isolator_silent()
            if now_s >= until_s:
                return b""

    def now_s(self) -> float:
        return self.inner.now_s()

    def close(self) -> None:
        self.inner.close()

    def _deadline_s(self) -> float:
        """When an acknowledgement is overdue."""
        if not self._unacknowledged:
            return float("inf")
        return self._unacknowledged[0][0] + (DUT_S if self._owing is not None else ACK_S)

    def _isolator_silent(self) -> DeviceError:
        _, command = self._unacknowledged[0]
        if self._owing is not None and self.choice.kind.waits:
            return self._board_silent(self._owing)
        return DeviceError(
            f"{self.choice.where} is silent: it does not acknowledge 'dut {command.decode('ascii', 'replace')[:40]}'",
            means="it hangs, or was unplugged; of the board behind it nothing is known",
            hint="reconnect it; --resume SESSION goes on from here",
        )

    def _board_silent(self, command: bytes) -> DeviceError:
        return DeviceError(
            f"the board is silent behind {self.choice.where}, which answers: no m-ready after"
            f" '{command.decode('ascii', 'replace')[:40]}'",
            means="the board is off, runs other firmware or another rate, or its lines are not connected",
            hint="check supply, shifters and the two UART wires; then press the isolator's reset button, for it waits",
        )

    def _relay(self, data: bytes) -> None:
        if self._passing:
            piece, end, data = data.partition(b"\n")
            self._heard += piece + end
            self._passing = not end
        self._line += data
        *lines, rest = self._line.split(b"\n")
        self._line = rest
        for line in lines:
            own, *said = bytes(line).replace(b"\0", b"").rstrip(b"\r").split(PREFIX)
            if own:
                self._take(own)
            for text in said:
                if self._unacknowledged:  # it speaks, so it lives
                    self._owing = self._unacknowledged.pop(0)[1]
                if text.endswith(READY):
                    self._owing = None
                self._heard += text + b"\r\n"
        if len(self._line) > LONG_LINE_BYTES and self._line.startswith(PREFIX + b"m-results-["):
            self._heard += self._line[len(PREFIX) :]
            self._line.clear()
            self._passing = True

    def _take(self, line: bytes) -> None:
        """A line of the isolator's own."""
        text = line.decode("ascii", "backslashreplace")
        if self._answering or (not self._opened and not self._unacknowledged):
            self._own.append(text)
        elif line == READY and self._unacknowledged:
            self._owing = self._unacknowledged.pop(0)[1]
        elif line == READY:
            raise DeviceError(
                f"{self.choice.where} restarted: {' '.join([*self._own, text])!r} came unasked",
                means="its USB supply dipped, or another program opened its port; the board's answer is lost",
                hint="check cable and hub; --resume SESSION goes on from here",
            )
        elif line.endswith(b"]: m-ready"):  # the board's, with its beginning lost
            self._owing = None
            self._heard += READY + b"\r\n"
        elif not line.startswith(b"m-dut-passthrough("):
            self._own = [*self._own[-3:], text]
            # never as a line that ends in m-ready: the board did not say it
            self._heard += b"io: " + line + (b" (torn)" if line.endswith(READY) else b"") + b"\r\n"
