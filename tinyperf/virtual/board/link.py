"""The virtual board as a `Link`: bytes in and out of the serial port that the image enables, on virtual time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyperf.errors import DeviceError
from tinyperf.virtual.board.clock import PS
from tinyperf.virtual.board.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinyperf.chip import Chip
    from tinyperf.device.link import Transport
    from tinyperf.virtual.board.image import FirmwareImage
    from tinyperf.virtual.board.machine import Activity
    from tinyperf.virtual.board.peripherals import SoundInput
    from tinyperf.virtual.board.serial_port import SerialPort

SILENT_PS = PS
"""Virtual time after which firmware that never sent a byte is asked what it waits for."""
QUIET_PS = PS // 500
"""Output that is no complete line is handed over after 2 ms of silence."""


@dataclass(frozen=True)
class Counters:
    instructions: int
    cycles: int


class VirtualLink:
    """One virtual board with an image; time passes only inside `read`.

    Bytes take the time on the line that the firmware's baud rate gives them. `read` returns when a line is complete,
    or when output has paused, or at the time-out.
    """

    transport: Transport = "virtual"

    def __init__(
        self,
        chip: Chip,
        image: FirmwareImage,
        *,
        wires: Mapping[str, str] | None = None,
        timestamp_pin: str | None = None,
    ) -> None:
        self.machine = Machine(chip, image, wires or {})
        self.timestamp_pin = timestamp_pin
        self._unsent = bytearray()  # sent by the host before any serial port listened
        self._closed = self._spoke = False

    def write(self, data: bytes) -> None:
        """Queue bytes for the firmware; they arrive one by one while time passes.

        Raises: DeviceError: the link was closed.
        """
        self._check()
        self._unsent += data
        self._deliver()

    def store(self, address: int, data: bytes) -> None:
        """Write memory as a debug port does: no time passes, and the core does not notice.

        Raises: DeviceError: no memory lies there, or the link was closed.
        """
        self._check()
        if not self.machine.cpu.program(address, data):
            raise DeviceError(
                f"{len(data)} bytes were to be written at {address:#010x}, where the virtual board has no memory",
                means="the firmware announced another address than that of its input buffer",
                hint="'tinyperf console --virtual --image FILE build' shows what it says",
            )

    def read(self, timeout_s: float) -> bytes:
        """Let time pass until there is output, at most `timeout_s` of virtual time.

        Raises: FaultError: the firmware ended in a processor fault. DeviceError: the link was closed; or the firmware
            waits for a register that nobody has modelled.
        """
        self._check()
        machine = self.machine
        until = machine.now_ps() + round(timeout_s * PS)
        step = until
        while True:
            self._deliver()
            machine.stopping = False
            before = len(machine.output)
            if machine.output.endswith(b"\n"):
                break
            step = min(until, machine.now_ps() + (QUIET_PS if before or self._unsent else round(timeout_s * PS)))
            machine.advance(step)
            if before and len(machine.output) == before and not self._busy():
                break
            if machine.now_ps() >= until:
                break
        output = bytes(machine.output)
        machine.output.clear()
        self._spoke = self._spoke or bool(output)
        if not self._spoke and machine.now_ps() >= SILENT_PS:
            self._refuse_unmodelled()
        return output

    def _refuse_unmodelled(self) -> None:
        """Raises: DeviceError: the firmware has never sent a byte, and waits for a register that does not change."""
        awaited = self.machine.awaited_register()
        if awaited is None:
            return
        pc, register = awaited
        reads = self.machine.bus_read(register & ~3, 4)
        chip = self.machine.chip
        module = (chip.emulator.module if chip.emulator else None) or chip.name
        raise DeviceError(
            f"the firmware is silent: at PC {self.machine.image.place(pc)} it waits for register {register:#010x},"
            f" which reads {reads:#010x} and stays so",
            means=f"most likely a ready bit that the virtual {chip.title} does not model",
            hint=f"describe it in tinyperf/virtual/board/chips/{module}.py; CONTRIBUTING.md, 'Add a chip'",
        )

    def now_s(self) -> float:
        """Virtual seconds since power-on."""
        return self.machine.now_ps() / PS

    def close(self) -> None:
        self._closed = True

    def pulses(self) -> list[float]:
        """Virtual seconds of the falling edges on the board's timestamp pin since power-on."""
        return [ps / PS for ps, pin, level in self.machine.edges if pin == self.timestamp_pin and not level]

    def edges(self, pin: str) -> list[tuple[float, int]]:
        """Every edge of an output since power-on: virtual seconds, and the level from then on."""
        return [(ps / PS, level) for ps, name, level in self.machine.edges if name == pin]

    def play(self, line: bytes) -> None:
        """From now on these samples come to the board's I2S: 16 bits, little-endian, left and right in turn, 16 kHz.

        Raises: DeviceError: its virtual form has no I2S.
        """
        self._sound().play(line)

    @property
    def playing(self) -> bool:
        """The end of what is played has not come."""
        return self._sound().playing

    def _sound(self) -> SoundInput:
        if self.machine.soc.sound is None:
            raise DeviceError(
                f"the virtual {self.machine.chip.title} has no I2S to play to",
                means="nobody has described one in its file of tinyperf/virtual/board/chips/",
                hint="sound can also be sent over its serial line: docs/wakeword.md",
            )
        return self.machine.soc.sound

    def set_cycles_per_instruction(self, cycles: float) -> None:
        """What one instruction takes outside the detailed model."""
        self.machine.cycles_per_instruction = cycles

    @property
    def detailed(self) -> bool:
        """The cycle model prices every block (slow, and what `calibrate` uses); else a constant per instruction."""
        return self.machine.detailed

    @detailed.setter
    def detailed(self, on: bool) -> None:
        self.machine.detailed = on

    @property
    def activity(self) -> Activity:
        """What the core has done since power-on, for a power model."""
        return self.machine.activity

    @property
    def idle(self) -> bool:
        """The firmware waits for something that only the host can send."""
        return self.machine.waits and not self._busy() and not self._unsent

    @property
    def clock_hz(self) -> int:
        """The core clock that the firmware has set."""
        return self.machine.clock_hz("hclk")

    def counters(self) -> Counters:
        """Instructions and core cycles since power-on."""
        return Counters(self.machine.instructions, self.machine.cycles())

    @property
    def baud(self) -> int:
        """Bits per second of the port in use; 0 before there is one."""
        port = self._port()
        return port.baud() if port else 0

    def _check(self) -> None:
        if self._closed:
            raise DeviceError("the virtual board was closed", hint="open it again with open_virtual")

    def _busy(self) -> bool:
        return any(not port.silent for port in self.machine.soc.serial_ports)

    def _port(self) -> SerialPort | None:
        """The port that the image talks on: of those that listen, the one that printed last."""
        listening = [port for port in self.machine.soc.serial_ports if port.listening]
        return max(listening, key=lambda port: port.last_sent_ps, default=None)

    def _deliver(self) -> None:
        port = self._port()
        if port is not None and self._unsent:
            self.machine.waiting_loop.wake()
            port.send_to_firmware(bytes(self._unsent))
            self._unsent.clear()
