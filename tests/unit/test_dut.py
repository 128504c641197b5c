"""One conversation with devices that misbehave on order."""

from __future__ import annotations

from typing import Literal

import pytest

from tinyperf.device import protocol
from tinyperf.device.dut import Dut, DutIdentity
from tinyperf.device.link import ScriptedLink
from tinyperf.errors import DeviceError

Step = tuple[Literal["host", "device", "silence"], bytes]

BUILD_ID = "0123456789abcdef" * 2
BOOT = b"m-timestamp-mode-performance\r\nm-lap-us-12\r\nm-init-done\r\nm-ready\r\n"
NAME: list[Step] = [("host", b"name%"), ("device", b"m-name-dut-[x]\r\nm-ready\r\n")]
PROFILE: list[Step] = [("host", b"profile%"), ("device", b"m-profile-[P]\r\nm-model-[kws01]\r\nm-ready\r\n")]
FOREIGN: list[Step] = [("host", b"build%"), ("device", b"e-[Unknown command: build]\r\nm-ready\r\n")]
OURS: list[Step] = [
    ("host", b"build%"),
    ("device", f"m-build-[{BUILD_ID}]\r\nm-limits-[cmd=259,db=128]\r\nm-ready\r\n".encode()),
]
QUIET: Step = ("silence", b"")


def dut(script: list[Step]) -> tuple[Dut, ScriptedLink, list[tuple[str, bytes]]]:
    link = ScriptedLink(script)
    seen: list[tuple[str, bytes]] = []
    return Dut(link, lambda way, data, _: seen.append((way, data)), where="COM7", baud=115200), link, seen


def connected(script: list[Step]) -> tuple[Dut, ScriptedLink, list[tuple[str, bytes]]]:
    found = dut([QUIET, *NAME, *PROFILE, *FOREIGN, *script])
    found[0].connect()
    return found


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([QUIET, *NAME, *PROFILE, *FOREIGN], id="a device that waits"),
        pytest.param([("device", BOOT), QUIET, *NAME, *PROFILE, *FOREIGN], id="boot text first"),
        pytest.param(
            [
                ("device", b"m-timestamp-mode-performance\r\n"),
                QUIET,
                QUIET,
                ("device", b"m-lap-us-333\r\nm-init-done\r\nm-ready\r\n"),
                QUIET,
                *NAME,
                *PROFILE,
                *FOREIGN,
            ],
            id="a slow start, left alone until it is over",
        ),
        pytest.param(
            [
                ("device", b"\xff\xfem-time"),
                ("device", b"stamp-mode-performance\r\nm-ready\r\n"),
                QUIET,
                *NAME,
                *PROFILE,
                *FOREIGN,
            ],
            id="boot text torn, with a wrong byte in front",
        ),
        pytest.param(
            [QUIET, NAME[0], ("device", BOOT), QUIET, QUIET, *NAME, *PROFILE, *FOREIGN],
            id="boot text in place of the answer to name",
        ),
        pytest.param(
            [QUIET, *NAME, PROFILE[0], ("device", b"m-pro" + BOOT), QUIET, QUIET, *NAME, *PROFILE, *FOREIGN],
            id="restart in the middle of the handshake",
        ),
        pytest.param(
            [QUIET, *NAME, *PROFILE, FOREIGN[0], ("device", BOOT), QUIET, QUIET, *NAME, *PROFILE, *FOREIGN],
            id="restart at the last command of the handshake",
        ),
        pytest.param(
            [QUIET, NAME[0], ("device", b"m-name-dut-[x]\r\n"), QUIET, QUIET, *NAME, *PROFILE, *FOREIGN],
            id="m-ready lost once",
        ),
        pytest.param(
            [
                QUIET,
                NAME[0],
                ("device", b"m-ready\r\n"),
                ("device", b"m-name-dut-[x]\r\nm-ready\r\n"),
                *PROFILE,
                *FOREIGN,
            ],
            id="a stale m-ready before the answer",
        ),
        pytest.param(
            [
                QUIET,
                NAME[0],
                ("device", b"e-[Unknown command: xxname]\r\nm-ready\r\n"),
                QUIET,
                *NAME,
                *PROFILE,
                *FOREIGN,
            ],
            id="a command buffer that still held something",
        ),
        pytest.param(
            [QUIET, NAME[0], ("device", b"\0m-name\0-dut-[x]\r\r\n\0m-re"), ("device", b"ady\r\n"), *PROFILE, *FOREIGN],
            id="NUL, CR and torn reads",
        ),
    ],
)
def test_handshake_survives(script: list[Step]) -> None:
    device, link, _ = dut(script)
    assert device.connect() == DutIdentity("x", "P", "kws01", None, 80, 31)
    assert link.finished


def test_our_own_firmware_tells_build_id_and_limits() -> None:
    device, _, _ = dut([QUIET, *NAME, *PROFILE, *OURS])
    assert device.connect() == DutIdentity("x", "P", "kws01", BUILD_ID, 259, 128)
    device.require_build(BUILD_ID)
    with pytest.raises(DeviceError, match="the image built is ffff"):
        device.require_build("f" * 32)


@pytest.mark.parametrize(
    ("script", "words", "means"),
    [
        pytest.param([], "received nothing", "the board is off", id="silent port"),
        pytest.param(
            [("device", b"\xf8\x80\x00\xf8\x1c\r\n"), ("device", b"\xfe\xe0\n")],
            "6 bytes that are no text",
            "baud rate is wrong",
            id="wrong baud rate",
        ),
        pytest.param(
            [QUIET, NAME[0], ("device", b"Zephyr OS shell\r\n> name: command not found\r\n")],
            "command not found",
            "other firmware",
            id="other firmware",
        ),
        pytest.param(
            [QUIET, NAME[0], ("device", b"m-name-ebaz-4205-[x]\r\nm-ready\r\n")],
            "calls itself 'ebaz-4205'",
            "must be called 'dut'",
            id="not a dut",
        ),
        pytest.param(
            [QUIET, NAME[0], ("device", b"m-name-dut-[x]\rm-ready\r")],
            r"received 'm-name-dut-\[x\]m-ready' without an end of line",
            "CR alone",
            id="lines that end in CR",
        ),
        pytest.param(
            [QUIET, NAME[0], ("device", b"name%m-name-dut-[x]\r\nm-ready\r\n")],
            r"received 'name%m-name-dut-\[x\]'",
            "sends back what it is sent",
            id="an echo",
        ),
    ],
)
def test_handshake_fails_with_a_reason(script: list[Step], words: str, means: str) -> None:
    class Deaf(ScriptedLink):
        """Takes any byte once its script has ended."""

        def write(self, data: bytes) -> None:
            if not self.finished and self.script[self._at][0] == "host":
                super().write(data)

    device = Dut(Deaf(script), where="COM7", baud=9600)
    with pytest.raises(DeviceError, match=words) as caught:
        device.connect()
    assert means in caught.value.means
    assert "COM7" in caught.value.seen


def test_another_model_is_refused() -> None:
    device, _, _ = connected([])
    device.require_model("kws01")
    with pytest.raises(DeviceError, match="runs model 'kws01', asked for was 'vww01'"):
        device.require_model("vww01")


@pytest.mark.parametrize(
    ("mode", "answer", "words"),
    [
        pytest.param("performance", b"m-lap-us-5\r\nm-ready\r\n", None, id="performance build for performance"),
        pytest.param("energy", b"m-ready\r\n", None, id="energy build for energy"),
        pytest.param("performance", b"m-ready\r\n", "without an m-lap-us", id="energy build for performance"),
        pytest.param("energy", b"m-lap-us-5\r\nm-ready\r\n", "with an m-lap-us", id="performance build for energy"),
        pytest.param("energy", b"", "stopped answering", id="silence"),
        pytest.param("performance", b"e-[Unknown command: timestamp]\r\nm-ready\r\n", None, id="cannot be told"),
    ],
)
def test_firmware_of_the_other_mode_is_named(
    mode: Literal["performance", "energy"], answer: bytes, words: str | None
) -> None:
    device, _, _ = connected([("host", b"timestamp%"), ("device", answer) if answer else QUIET])
    if words is None:
        device.require_mode(mode)
    else:
        with pytest.raises(DeviceError, match=words):
            device.require_mode(mode)


@pytest.mark.parametrize("asked", ["performance", "energy"])
@pytest.mark.parametrize(
    ("boots", "answer", "keeps"),
    [
        pytest.param(b"energy", b"m-lap-us-5\r\nm-ready\r\n", "performance", id="says energy, prints"),
        pytest.param(b"performance", b"m-ready\r\n", "energy", id="says performance, prints nothing"),
    ],
)
def test_firmware_that_contradicts_itself_is_quoted(
    asked: Literal["performance", "energy"], boots: bytes, answer: bytes, keeps: str
) -> None:
    """The line at start is the reference's own; its default prints times whatever that line says."""
    boot = b"m-timestamp-mode-" + boots + b"\r\nm-init-done\r\nm-ready\r\n"
    conversation: list[Step] = [*NAME, *PROFILE, *FOREIGN, ("host", b"timestamp%"), ("device", answer)]
    device, _, _ = dut([("device", boot), QUIET, *conversation])
    device.connect()
    with pytest.raises(DeviceError, match=f"but the board said 'm-timestamp-mode-{boots.decode()}'") as caught:
        device.require_mode(asked)
    assert f"announces {boots.decode()} mode and keeps time as in {keeps} mode" in caught.value.means


LOAD: list[Step] = [("host", b"db load 3%"), ("device", b"m-[Expecting 3 bytes]\r\nm-ready\r\n")]
DATA: list[Step] = [("host", b"db 0102ff%"), ("device", b"m-load-done\r\nm-ready\r\n")]


@pytest.mark.parametrize(
    ("script", "retries"),
    [
        pytest.param([*LOAD, *DATA], 0, id="as it should be"),
        pytest.param([LOAD[0], QUIET, QUIET, *LOAD, *DATA], 1, id="db load unanswered"),
        pytest.param([*LOAD, DATA[0], QUIET, QUIET, *LOAD, *DATA], 1, id="a chunk unanswered: all of it again"),
        pytest.param(
            [*LOAD, DATA[0], ("device", b"e-[Insufficent number of hex digits]\r\nm-ready\r\n"), QUIET, *LOAD, *DATA],
            1,
            id="a lost digit",
        ),
        pytest.param(
            [LOAD[0], ("device", b"m-[Expecting 30 bytes]\r\nm-ready\r\n"), QUIET, *LOAD, *DATA],
            1,
            id="a wrong count",
        ),
        pytest.param(
            [*LOAD, DATA[0], ("device", b"m-ready\r\n"), QUIET, QUIET, *LOAD, *DATA], 1, id="load-done missing"
        ),
    ],
)
def test_download(script: list[Step], retries: int) -> None:
    device, link, seen = connected(script)
    device.download(b"\x01\x02\xff")
    assert link.finished
    assert sum(way == "note" for way, _ in seen) == retries


def test_download_gives_up_after_three_attempts() -> None:
    device, _, _ = connected([*LOAD, DATA[0], QUIET, QUIET] * 3)
    with pytest.raises(DeviceError, match="3 bytes could not be downloaded to COM7 in 3 attempts; last: chunk 1 of 1"):
        device.download(b"\x01\x02\xff")


@pytest.mark.parametrize(("crc", "good"), [(0xB0DAF4C2, False), (protocol.crc32(b"\x01\x02\xff"), True)])
def test_our_firmware_is_asked_for_the_crc(crc: int, good: bool) -> None:
    checked: list[Step] = [*LOAD, *DATA, ("host", b"db crc%"), ("device", f"m-crc-[{crc:08x}]\r\nm-ready\r\n".encode())]
    script = checked if good else [*checked, QUIET] * 3
    device, link, _ = dut([QUIET, *NAME, *PROFILE, *OURS, *script])
    device.connect()
    if good:
        device.download(b"\x01\x02\xff")
    else:
        with pytest.raises(DeviceError, match="CRC of the bytes that arrived is b0daf4c2"):
            device.download(b"\x01\x02\xff")
    assert link.finished


INFER: Step = ("host", b"infer 70 10%")
WINDOW = b"m-warmup-start-10\r\nm-warmup-done\r\nm-infer-start-70\r\nm-lap-us-4294967000\r\n"
END = b"m-lap-us-9999704\r\nm-infer-done\r\n"
RESULTS = b"m-results-[0.004,0.996]\r\n"


def test_a_window_over_the_counters_wrap() -> None:
    device, _, _ = connected([INFER, ("device", WINDOW), ("device", END + RESULTS + b"m-ready\r\n")])
    found = device.infer(70, 10)
    assert found is not None
    assert found.device_us == 10_000_000
    assert found.results == (0.004, 0.996)


def test_energy_windows_have_no_device_time() -> None:
    text = b"m-infer-start-70\r\nm-infer-done\r\n" + RESULTS + b"m-ready\r\n"
    device, _, _ = connected([INFER, ("device", text)])
    found = device.infer(70, 10, pulses=True)
    assert found is not None
    assert found.device_us is None


@pytest.mark.parametrize(
    ("answer", "usable"),
    [
        pytest.param(WINDOW + END + RESULTS, True, id="only m-ready lost: kept"),
        pytest.param(WINDOW + END + b"m-results-[0.0", False, id="results torn"),
        pytest.param(WINDOW + b"m-infer-done\r\n" + RESULTS + b"m-ready\r\n", False, id="a timestamp lost"),
    ],
)
def test_a_torn_answer_is_noted_and_the_device_asked_whether_it_lives(answer: bytes, usable: bool) -> None:
    silence = [] if answer.endswith(b"m-ready\r\n") else [QUIET]
    tail: list[Step] = [("device", b"04]\r\nm-ready\r\n")] if answer.endswith(b"[0.0") else []
    device, link, seen = connected([INFER, ("device", answer), *silence, *tail, QUIET, *NAME])
    assert (device.infer(70, 10) is not None) == usable
    assert link.finished
    assert any(way == "note" for way, _ in seen)


def test_a_late_refusal_is_not_taken_for_the_answer_to_name() -> None:
    """A slow device that got its window after all, and then what should have ended it as one long command."""
    late: list[Step] = [("device", b"e-[Command too long]\r\nm-ready\r\n"), NAME[1], QUIET]
    device, link, _ = connected([INFER, ("device", WINDOW + END), QUIET, QUIET, NAME[0], *late, *NAME])
    assert device.infer(70, 10) is None
    assert link.finished


def test_a_device_that_refuses_its_name_each_time_has_stopped_answering() -> None:
    refused: list[Step] = [NAME[0], ("device", b"e-[Unknown command: ame]\r\nm-ready\r\n")]
    device, link, _ = connected([INFER, ("device", WINDOW + END), QUIET, *3 * [QUIET, *refused]])
    with pytest.raises(DeviceError, match=r"stopped answering: .*refused: Unknown command: ame"):
        device.infer(70, 10)
    assert link.finished


def test_a_trial_is_repeated_whole_and_says_so() -> None:
    device, link, seen = connected(
        [
            *LOAD,
            *DATA,
            INFER,
            ("device", RESULTS + b"m-ready\r\n"),
            QUIET,
            *NAME,
            *LOAD,
            *DATA,
            INFER,
            ("device", WINDOW + END + RESULTS + b"m-ready\r\n"),
        ]
    )
    assert device.trial("sample 0 0 x", b"\x01\x02\xff", 70, 10).device_us == 10_000_000
    notes = [data for way, data in seen if way == "note"]
    assert notes[0] == b"sample 0 0 x"
    assert notes[-1] == b"sample 0 0 x again: the answer of attempt 1 was torn"
    assert link.finished


@pytest.mark.parametrize(
    ("answer", "words", "means"),
    [
        pytest.param(WINDOW + BOOT, "restarted: 'm-timestamp-mode-performance' arrived during 'infer 70 10'", "supply"),
        pytest.param(WINDOW[:-9] + BOOT, "restarted: .*m-timestamp-mode-performance' arrived", "supply"),
        pytest.param(
            WINDOW + END + b"m-results-[0.1,nan]\r\nm-ready\r\n",
            "'infer 70 10' on COM7 gave 2 results; number 2 is 'nan'",
            "no number",
        ),
        pytest.param(b"e-[No complete input]\r\nm-ready\r\n", "was refused: No complete input", "incomplete"),
        pytest.param(
            b"++ MbedOS Fault Handler ++\r\nFaultType: HardFault\r\nPC: 0800ABCD\r\n", "PC: 0800ABCD", "defect"
        ),
    ],
    ids=["reset", "reset inside a line", "results that are no numbers", "refused", "fault dump"],
)
def test_what_ends_an_inference(answer: bytes, words: str, means: str) -> None:
    device, _, _ = connected([INFER, ("device", answer)])
    with pytest.raises(DeviceError, match=words) as caught:
        device.infer(70, 10)
    assert means in caught.value.means


def test_a_restart_between_two_commands_is_noticed_too() -> None:
    device, _, _ = connected([("device", BOOT)])
    with pytest.raises(DeviceError, match="restarted"):
        device.download(b"x")
