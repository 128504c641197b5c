"""The rows of the campaign: what is broken, in which mode, and what must come of it."""

from __future__ import annotations

import functools
import os
import random
from typing import TYPE_CHECKING, Any

from tests.faults import energy, lines
from tests.faults.disk import small_disk
from tests.faults.invariants import Case, Outcome, Row
from tests.faults.rig import ASKED, CLEAN_CALLS, OURS, TRUTH, Run, Snapshots
from tinyperf.session import lock, store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tinyperf.result import Mode

ONE_WAIT_S = 2000.0  # three tries that wait 600 s each: nothing is known of the pace yet
CHATTER_S = 6000.0  # three tries of a board that talks and does not answer
CLEAN_S = {"accuracy": 130.0, "performance": 300.0}  # with two waits for a line that was lost


def case(
    group: str,
    fault: str,
    exit_code: int = 0,
    words: str = "",
    *,
    mode: Mode = "accuracy",
    limit_s: float | None = None,
    at: Sequence[int] = (64,),
    line: dict[str, Any] | None = None,
    **device: Any,
) -> Case:
    """A session with this line and this board, once for each place `at`; every outcome must be the row's."""

    def play(folder: Path) -> list[Outcome]:
        seen = []
        for place in at:
            (folder / str(place)).mkdir()
            run = Run(folder / str(place), mode)
            seen.append(run.outcome(run.first({"at": place, **(line or {})}, device)))
        return seen

    row = Row(group, fault, exit_code, words, CLEAN_S[mode] if limit_s is None else limit_s)
    return Case(row, play, slow=len(at) > 2)


PLACES = (5, 22, 43, 44, 62, 64, 103, 126)
"""Pieces of an accuracy run: answers to `db load` and `db`, the three pieces of an inference, its results."""
WINDOWS = (62, 63, 64, 84, 103, 104)
"""Pieces of a performance run: the three of a window, and their like in others."""
BOTH: tuple[Mode, ...] = ("accuracy", "performance")


def up(change: lines.Change) -> dict[str, Any]:
    return {"up": change}


LINK = [
    case("link", "nothing"),
    case("link", "nothing in performance mode", mode="performance"),
    case("link", "a byte of an answer lost, at 8 places", line=up(lines.lost), at=PLACES),
    case("link", "a byte of an answer doubled, at 8 places", line=up(lines.doubled), at=PLACES),
    case(
        "link",
        "a byte of a command lost, at 8 places",
        line={"down": lines.command_lost},
        at=range(8, 16),
        build_id=OURS,
    ),
    case("link", "a digit of an input changed", line={"down": lines.command_garbled}, build_id=OURS),
    case("link", "a line lost, at 8 places", line=up(lines.line_lost), at=PLACES),
    case("link", "a line doubled, at 8 places", line=up(lines.line_doubled), at=PLACES),
    case("link", "two lines swapped, at 8 places", line=up(lines.lines_swapped), at=PLACES),
    case("link", "a window's lines lost", mode="performance", line=up(lines.line_lost), at=WINDOWS),
    case("link", "a window's lines doubled", mode="performance", line=up(lines.line_doubled), at=WINDOWS),
    case("link", "a whole answer again, late", line=up(lines.answer_again_late), at=PLACES),
    case("link", "an answer after the time limit", line=up(lines.answer_late), limit_s=ONE_WAIT_S, at=(64, 66)),
    case("link", "NUL bytes in every line", line=up(lines.zeros), at=(-1,)),
    case("link", "restart at any byte of an answer", 4, "restarted", line=up(lines.restarted), at=PLACES),
    case("link", "restart in a window", 4, "restarted", mode="performance", line=up(lines.restarted), at=WINDOWS),
    case("link", "the rate a little off for one answer", line=up(lines.once(lines.not_text)), at=PLACES),
    case("link", "the rate off for good", 4, "attempts", line=up(lines.not_text), at=(-1,), limit_s=ONE_WAIT_S),
    case("link", "another rate", 4, "the baud rate is wrong", line=up(lines.other_rate), limit_s=ONE_WAIT_S),
    case("link", "half-open connection", 4, "lost power", line=up(lines.half_open), at=(9, 63), limit_s=ONE_WAIT_S),
    case("link", "nobody at the other end", 4, "received nothing", line=up(lines.half_open), at=(0,)),
    case("link", "port gone while measuring, back again", 4, "was unplugged", line=up(lines.vanished), at=PLACES),
    case("link", "port gone in a window", 4, "was unplugged", line=up(lines.vanished), at=WINDOWS, mode="performance"),
    case("link", "a board that only talks", 4, "", line=up(lines.chatter), at=(60,), limit_s=CHATTER_S),
    case("link", "a line without end", 4, "", line=up(lines.endless_line), at=(60,), limit_s=CHATTER_S),
]

WRAP_S = (1 << 32) / 1e6


def backwards(seconds: float) -> float:
    """A timer that counts down."""
    return 4e9 - seconds * 1e6


def stopped(_seconds: float) -> float:
    """A timer that nobody started."""
    return 5.0


def slower(seconds: float) -> float:
    """Milliseconds, said to be microseconds."""
    return seconds * 1e3


BOARD = [
    case("board", "brown-out in a window", 4, "restarted", mode="performance", misbehave={3: "reset"}),
    case("board", "brown-out in an inference", 4, "restarted", misbehave={3: "reset"}),
    case("board", "clock 3 % fast", 1, "by the host's", mode="performance", drift=0.03),
    case("board", "clock 3 % slow", 1, "by the host's", mode="performance", drift=-0.03),
    case("board", "timer wraps in a window", mode="performance", ticks_us=lambda s: s * 1e6 + 2**32 - 20e6),
    case("board", "timer stands still", 4, "clock stands still", limit_s=30.0, mode="performance", ticks_us=stopped),
    case("board", "timer runs backwards", 1, "by the host's", mode="performance", ticks_us=backwards),
    case("board", "timer counts milliseconds", 4, "runs wrong", limit_s=30.0, mode="performance", ticks_us=slower),
    case("board", "hangs in an inference", 4, "lost power", misbehave={3: "hang"}, limit_s=ONE_WAIT_S),
    case("board", "hangs in a window", 4, "lost power", mode="performance", misbehave={5: "hang"}, limit_s=ONE_WAIT_S),
    case("board", "silent once", misbehave={3: "silent"}, limit_s=ONE_WAIT_S),
    case(
        "board", "silent for good", 4, "firmware hangs", misbehave=dict.fromkeys(range(3, 99), "silent"), limit_s=2400
    ),
    case("board", "processor fault", 4, "HardFault", misbehave={3: "fault"}),
    case("board", "results torn", misbehave={3: "torn results"}, limit_s=ONE_WAIT_S),
    case("board", "a timestamp missing", mode="performance", misbehave={4: "one timestamp"}, limit_s=ONE_WAIT_S),
    case("board", "m-ready missing", misbehave={3: "lost ready"}, limit_s=ONE_WAIT_S),
    case("board", "firmware of another model", 4, "another benchmark was flashed", model_id="vww01"),
    case("board", "firmware of the other mode", 4, "built for energy mode", mode="performance", energy_mode=True),
]


def outputs(change: Callable[[bytes], bytes]) -> dict[str, Any]:
    """Every line of results is changed."""
    return up(lambda _, data: change(data) if b"m-results-[" in data else data)


BOARD += [
    case("board", "results are nan", 4, "no number", line=outputs(lambda data: data.replace(b"0.900", b"nan"))),
    case(
        "board",
        "garbage as results",
        4,
        "no complete answer",
        line=outputs(lambda data: data.replace(b"0.900", b"0.9@0")),
        limit_s=ONE_WAIT_S,
    ),
]


# ------------------------------------------------------------------------------------------------------------- disk


def full(mode: Mode, folder: Path) -> Iterator[Outcome]:
    """Full at twelve sizes: in the record, in the transcript, in what is written at the end."""
    for size in random.Random(2).sample(range(600, 26_000 if mode == "performance" else 40_000), 12):
        (folder / str(size)).mkdir()
        run = Run(folder / str(size), mode)
        run.request()
        with small_disk(size):
            first = run.first({}, {})
        yield run.outcome(first)


def torn_transcript(folder: Path) -> Iterator[Outcome]:
    """Cut at twelve bytes: a file system that lost the end."""
    for cut in random.Random(3).sample(range(1, 4000), 12):
        (folder / str(cut)).mkdir()
        run = Run(folder / str(cut))
        run.first({"at": 100, "up": lines.vanished}, {})
        path = run.at / "transcript.jsonl"
        os.truncate(path, max(path.stat().st_size - cut, 0))
        kept = run.kept()
        yield _ended(run, (4, "cut off", None), kept, run.again())


def _ended(
    run: Run, first: tuple[int, str, float | None], kept: int, resumed: tuple[int, float | None, int] | None
) -> Outcome:
    """Where what was delivered is not to be compared: the folder was changed behind our back."""
    return Outcome(*first, TRUTH[run.mode], 0.0, kept, kept, ASKED[run.mode], session=True, resumed=resumed)


def torn_record(folder: Path) -> Iterator[Outcome]:
    """`session.json` cut at eight places: refused in a sentence, and what was measured is left alone."""
    run = Run(folder)
    run.first({"at": 100, "up": lines.vanished}, {})
    whole, kept = (run.at / store.RECORD).read_bytes(), run.kept()
    for cut in random.Random(4).sample(range(1, len(whole)), 8):
        (run.at / store.RECORD).write_bytes(whole[:-cut])
        yield _ended(run, run.resumed(), kept, None)
    (run.at / store.RECORD).write_bytes(whole)
    assert run.again()[:2] == (0, TRUTH["accuracy"])


def as_folder(name: str, folder: Path) -> Iterator[Outcome]:
    """A file that cannot be written, because a folder has its name."""
    run = Run(folder)
    run.first({"at": 100, "up": lines.vanished}, {})
    kept = run.kept()
    (run.at / name).mkdir()
    first = run.resumed()
    (run.at / name).rmdir()
    yield _ended(run, first, kept, run.again())


def read_only(folder: Path) -> Iterator[Outcome]:
    """A file system that takes no files."""
    run = Run(folder, out="/proc/session")
    yield run.outcome(run.first({}, {}), resume=False)


def left_over(folder: Path) -> Iterator[Outcome]:
    """Half a record beside the record: killed while it was written."""
    run = Run(folder)
    run.first({"at": 100, "up": lines.vanished}, {})
    (run.at / (store.RECORD + ".new")).write_text("{")
    kept = run.kept()
    yield _ended(run, (4, "killed", None), kept, run.again())


def jumped(seconds: float) -> dict[str, Any]:
    """This computer's clock jumps in the middle of piece `at`; the board's does not."""

    def up(line: lines.Line, data: bytes) -> bytes:
        line.jumped_s += seconds if line.reads == line.at else 0.0
        return data

    return {"up": up}


DISK = [
    Case(
        Row("disk", "full at any write of an accuracy run", 4, "cannot be written", 300.0),
        functools.partial(full, "accuracy"),
        slow=True,
    ),
    Case(
        Row("disk", "full at any write of a performance run", 4, "cannot be written", 300.0),
        functools.partial(full, "performance"),
        slow=True,
    ),
    Case(Row("disk", "read-only", 4, "cannot be written", resumes=False), read_only),
    Case(
        Row("disk", "results cannot be written", 4, "results.json cannot be written"),
        functools.partial(as_folder, "results.json.new"),
    ),
    Case(Row("disk", "transcript torn at 12 places", 4), torn_transcript, slow=True),
    Case(Row("disk", "record torn at 8 places", 2, "session.json", resumes=False), torn_record),
    Case(Row("disk", "half a record left over", 4), left_over),
    case(
        "disk",
        "clock jumps an hour ahead in a window",
        1,
        "by the host's",
        mode="performance",
        line=jumped(3600.0),
        at=(84,),
        limit_s=4000.0,
    ),
    case(
        "disk",
        "clock jumps an hour back in a window",
        mode="performance",
        line=jumped(-3600.0),
        at=(84,),
    ),
    case("disk", "clock jumps in an inference", line=jumped(3600.0), at=(40,), limit_s=4000.0),
]


# ---------------------------------------------------------------------------------------------------------- process


def killed(mode: Mode, folder: Path) -> Iterator[Outcome]:
    """`kill -9` at 30 moments: the folder as it is then, its last line whole or torn."""
    run = Run(folder, mode)
    moments = random.Random(5).sample(range(1, CLEAN_CALLS[mode]), 30)
    snapshots = Snapshots(run, frozenset(moments))
    run.first({"beside": snapshots}, {})
    for number, at in enumerate(snapshots.taken):
        snapshots.tear(at, number % 3 * 37)
        kept = run.kept(at)
        yield _ended(run, (4, "killed", None), kept, run.again(at))


class Interrupt:
    """Ctrl-C at one call of the link."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self, number: int) -> None:
        if number == self.at:
            raise KeyboardInterrupt


def interrupted(mode: Mode, folder: Path) -> Iterator[Outcome]:
    """Ctrl-C at twelve moments: in the greeting, in a download, in an inference, between two."""
    for moment in random.Random(6).sample(range(1, CLEAN_CALLS[mode]), 12):
        (folder / str(moment)).mkdir()
        run = Run(folder / str(moment), mode)
        yield run.outcome(run.first({"beside": Interrupt(moment)}, {}))


def two_runs(folder: Path) -> Iterator[Outcome]:
    """A second run in a folder that one is writing to."""
    run = Run(folder)
    run.first({"at": 100, "up": lines.vanished}, {})
    kept = run.kept()
    with lock.alone(run.at):
        first = run.resumed()
    yield _ended(run, first, kept, run.again())


def same_folder(folder: Path) -> Iterator[Outcome]:
    """A new run into the folder of a finished one."""
    run = Run(folder)
    run.first({}, {})
    yield _ended(run, run.first({}, {}), run.kept(), run.again())


def other_firmware(folder: Path) -> Iterator[Outcome]:
    """Resumed when another image runs on the board."""
    run = Run(folder)
    run.first({"at": 30, "up": lines.vanished}, {"build_id": OURS})
    kept = run.kept()
    first = run.resumed(build_id=OURS[::-1])
    yield _ended(run, first, kept, run.again(build_id=OURS))


PROCESS = [
    Case(
        Row("process", "kill -9 at 30 moments of an accuracy run", 4), functools.partial(killed, "accuracy"), slow=True
    ),
    Case(Row("process", "kill -9 at 30 moments of a performance run", 4), functools.partial(killed, "performance")),
    Case(
        Row("process", "Ctrl-C at 12 moments of an accuracy run", 130, "interrupted", 60.0),
        functools.partial(interrupted, "accuracy"),
        slow=True,
    ),
    Case(
        Row("process", "Ctrl-C at 12 moments of a performance run", 130, "interrupted", 200.0),
        functools.partial(interrupted, "performance"),
        slow=True,
    ),
    Case(Row("process", "two runs in one folder", 4, "this session is still running"), two_runs),
    Case(Row("process", "a new run into a session's folder", 2, "holds a session already"), same_folder),
    Case(Row("board", "another image when resumed", 4, "build id"), other_firmware),
]

CASES = [*LINK, *BOARD, *energy.CASES, *DISK, *PROCESS]
