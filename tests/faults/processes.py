"""Real processes that are killed: `scripts/faults [RUNS]`.

An accuracy run on two devices in processes of their own is killed with -9, interrupted, terminated, or loses a worker,
at a drawn moment; two runs are started in one folder; a board behind a socket goes away. Each is resumed.
"""

from __future__ import annotations

import functools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyperf.virtual.fake import FakeDevice

ROOT = Path(__file__).parents[2]
SAMPLES = 120
SCORE = (SAMPLES - 1) / SAMPLES
LIMIT_S = 240.0
ENERGY: tuple[str, ...] = (
    "--board",
    "nucleo-l4r5zi",
    "--virtual",
    "--mode",
    "energy",
    "--monitor",
    "lpm01a:port=simulated",
)
ENERGY += ("--quick", "kws")
ENERGY_LINES = 150
"""Of the transcript of such a run."""
FIRMWARE = f"""#!{sys.executable}
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.faults.processes import answers
from tinyperf.virtual.fake import FakeDevice, serve
serve(FakeDevice(answers), speed=0.3)
"""


def answers(data: bytes) -> tuple[float, ...]:
    """A kws device that reads the class from the first byte."""
    return tuple(0.9 if k == data[0] % 12 else 0.0 for k in range(12))


@dataclass
class Place:
    """A folder with firmware, data and sessions."""

    folder: Path

    @property
    def session(self) -> Path:
        return self.folder / "session"

    def prepare(self) -> None:
        firmware, data = self.folder / "firmware", self.folder / "kws01"
        firmware.write_text(FIRMWARE)
        firmware.chmod(0o755)
        data.mkdir()
        for k in range(SAMPLES):
            (data / f"s{k}.bin").write_bytes(k.to_bytes(1, "big") + bytes(489))
        rows = (f"s{k}.bin,12,{(k + (k == 5)) % 12}\n" for k in range(SAMPLES))
        (data / "y_labels.csv").write_text("".join(rows))

    def run(self, *where: str) -> subprocess.Popen[str]:
        where = where or ("--image", str(self.folder / "firmware"), "--board", "host", "--jobs", "2")
        data = ("--mode", "accuracy", "--data", str(self.folder), "kws")
        return started("run", *where, *data, "--out", str(self.session))

    def resumed(self, *words: str) -> tuple[int, Any]:
        process = started("run", "--resume", str(self.session), *words)
        out, _ = process.communicate(timeout=LIMIT_S)
        return process.returncode, json.loads(out)

    def notes(self) -> list[str]:
        """What was sent, as the transcripts say."""
        lines = [line for p in sorted(self.session.glob("transcript*.jsonl")) for line in p.read_text().splitlines()]
        records = [json.loads(line) for line in lines if line.endswith("}")]
        return [bytes.fromhex(r["hex"]).decode() for r in records if r["dir"] == "note"]

    def measured(self) -> dict[str, bytes]:
        """What a run writes as it measures."""
        return {p.name: p.read_bytes() for p in self.session.glob("*") if p.suffix in {".jsonl", ".f32"}}

    def wait_lines(self, lines: int) -> None:
        """Until the transcripts have as many lines."""
        limit_s = time.monotonic() + LIMIT_S
        while time.monotonic() < limit_s:
            if (
                self.session.is_dir()
                and sum(p.read_bytes().count(b"\n") for p in self.session.glob("transcript*.jsonl")) >= lines
            ):
                return
            time.sleep(0.02)

    def wait(self, inputs: int) -> None:
        limit_s = time.monotonic() + LIMIT_S
        while time.monotonic() < limit_s and (not self.session.is_dir() or len(self.notes()) < inputs):
            time.sleep(0.02)


def started(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tinyperf", *words, "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def workers(process: subprocess.Popen[str]) -> list[int]:
    """Its children that measure."""
    found = []
    for at in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = at.read_text().rpartition(")")[2].split()
            words = (at.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == process.pid and b"spawn_main" in words:
            found.append(int(at.parent.name))
    return found


def end(process: subprocess.Popen[str], how: str) -> None:
    """One of the ways in which a run ends before its time."""
    if how == "worker":
        os.kill(random.choice(workers(process)), signal.SIGKILL)
    elif how == "SIGINT":
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.Signals[how])


def ended(how: str, moment: int) -> tuple[int, str, bool]:
    """Exit code, message, and whether `--resume` gave the right score and sent nothing twice without a note."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        place.prepare()
        process = place.run()
        place.wait(moment)
        if process.poll() is None:
            end(process, how)
        out, err = process.communicate(timeout=LIMIT_S)
        message = json.loads(out).get("error", {}).get("seen", "") if out else " ".join(err.split())[-80:]
        if not (place.session / "session.json").is_file():
            return process.returncode, message + " (nothing measured yet)", True
        code, found = place.resumed()
        sent = [note for note in place.notes() if note.startswith("sample ") and " again: " not in note]
        right = code == 0 and found["accuracy"]["value"] == SCORE and len(sent) == len(set(sent)) == SAMPLES
        return process.returncode, message, right


def two_at_once() -> tuple[int, str, bool]:
    """A session is resumed twice at the same time: one finishes it, the other is refused or finds it whole."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        place.prepare()
        process = place.run()
        place.wait(30)
        process.kill()
        process.communicate()
        words = ("run", "--resume", str(place.session))
        both = [started(*words), started(*words)]
        texts = [one.communicate(timeout=LIMIT_S)[0] for one in both]
        seen = [json.loads(text) for text in texts]
        scores = [one["accuracy"]["value"] for one in seen if "accuracy" in one]
        refused = [one["error"]["seen"] for one in seen if "error" in one]
        code, found = place.resumed()
        right = bool(scores) and {*scores} == {SCORE} and code == 0 and found["accuracy"]["value"] == SCORE
        return max(one.returncode for one in both), "; ".join(refused), right


def energy_killed(moment: int) -> tuple[int, str, bool]:
    """A run under an instrument, killed after so many lines of its transcript: all windows are one recording.

    So `--resume` refuses what was begun, and leaves it as it is; before the first line it measures it all. The virtual
    board and the simulated instrument are exact: the energy must be that of a run left alone.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        process = started("run", *ENERGY, "--out", str(place.session))
        place.wait_lines(moment)
        process.kill()
        process.communicate(timeout=LIMIT_S)
        if not (place.session / "session.json").is_file():
            return process.returncode, "(nothing measured yet)", True
        kept = place.measured()
        code, found = place.resumed()
        if not kept:
            return process.returncode, "; ".join(found["reasons"]), found["energy"]["windows"] == undisturbed()
        refused = code == 2 and "belong to one recording" in found["error"]["means"]
        return process.returncode, found["error"]["seen"], refused and place.measured() == kept


@functools.cache
def undisturbed() -> Any:
    """The windows of an energy run that nobody killed."""
    with tempfile.TemporaryDirectory() as folder:
        out, _ = started("run", *ENERGY, "--out", f"{folder}/session").communicate(timeout=LIMIT_S)
        return json.loads(out)["energy"]["windows"]


def socket_gone() -> tuple[int, str, bool]:
    """A board behind a socket closes the connection half way; the session goes on at another port."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        place.prepare()
        first, second = Server(closes_after=3000), Server(closes_after=1 << 30)
        process = place.run("--port", first.url, "--no-build", "--board", "nucleo-l4r5zi")
        out, err = process.communicate(timeout=LIMIT_S)
        message = json.loads(out)["error"]["seen"] if out else err[-80:]
        code, found = place.resumed("--port", second.url)
        return process.returncode, message, code == 0 and found["accuracy"]["value"] == SCORE


class Server:
    """A fake board on a TCP port, which closes the connection after so many bytes."""

    def __init__(self, closes_after: int) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._server.getsockname()[1]}"
        self._left = closes_after
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self._server.accept()
        device = FakeDevice(answers, seconds_per_inference=0.002)
        connection.settimeout(0.001)
        while self._left > 0:
            try:
                data = connection.recv(4096)
            except TimeoutError:
                data = b""
            if data:
                device.write(data)
            while (waits_s := device.waits_s()) is not None:
                said = device.read(waits_s)
                self._left -= len(said)
                connection.sendall(said)
        connection.close()


def main(runs: int) -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job has it switched off
    draw, wrong = random.Random(8), 0
    print("| how | at input | exit | message | resumed with the same score |\n| --- | --- | --- | --- | --- |")
    todo = [
        (how, draw.randrange(1, SAMPLES - 10))
        for how in ("SIGKILL", "SIGINT", "SIGTERM", "worker")
        for _ in range(runs)
    ]
    for how, moment in todo:
        code, message, right = ended(how, moment)
        wrong += not right
        print(f"| {how} | {moment} | {code} | {message} | {'yes' if right else '**no**'} |", flush=True)
    for moment in (draw.randrange(ENERGY_LINES) for _ in range(runs)):
        code, message, right = energy_killed(moment)
        wrong += not right
        print(f"| SIGKILL, energy | line {moment} | {code} | {message} | {'yes' if right else '**no**'} |", flush=True)
    for what in (two_at_once, socket_gone):
        code, message, right = what()
        wrong += not right
        print(
            f"| {what.__name__.replace('_', ' ')} | | {code} | {message} | {'yes' if right else '**no**'} |", flush=True
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
