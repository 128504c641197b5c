"""Every command that a page shows is typed here, page by page, in the order of the page, in a folder of its own.

What stands in place of the page's own words is said in its story: `--quick` for five windows of ten seconds,
`--epochs 1` for a training, a virtual board on a pseudo terminal for a port, a small model where a large one would
only take longer. What cannot be typed here stands in NOT_TYPED with its reason. A command that is in neither fails,
and so does a line of either that no page shows any more.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
import pytest

from tests import graphs
from tests.graphs import O, T
from tests.unit import test_submission_build as submissions
from tests.unit.test_budget import small
from tests.unit.test_frontends import noise
from tests.unit.test_sources import cifar_binary_tree
from tests.unit.test_tflm import CMSIS_NN, PARTS, plant
from tinyperf import cli
from tinyperf.datasets import sources, streams
from tinyperf.errors import TinyperfError
from tinyperf.request import Request
from tinyperf.session import run as session
from tinyperf.virtual.fake import FakeDevice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
FOLDERS = ("docs", "energy", "models", "perf")
PAGES = {
    page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8")
    for page in sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in ROOT.glob(f"{folder}/**/*.md"))])
    if page.name != "CHANGELOG.md"  # what it tells of was so, and need not be any more
}
PROGRAMS = (r"(?:\./)?scripts/\w", r"python3? -m", r"python3 \S+\.py", r"_\w+=\w+ tinyperf", "pio run")
COMMAND = re.compile(rf"(?:\$ |- run: )?((?:(?:tinyperf|sudo|pip|dask|eval) .|{'|'.join(PROGRAMS)}).*)")
"""A line of a block, or a span of the text, that is to be typed."""


# --------------------------------------------------------------------------------------------- what pages show


def commands(text: str) -> list[str]:
    """Of a page: the lines of its blocks that are to be typed, without what stands beside them, and such spans of its
    text. A command that the text leaves unfinished is only spoken of, and so is a bare verb that begins no row.
    """
    shown = []
    for block in re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE):
        lines = re.sub(r" *\\\n *", " ", block).splitlines()
        shown += [re.split(r" {3,}| +#", line.strip())[0] for line in lines]
    prose = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    for line in re.sub(r"\n(?![|\n])", " ", prose).splitlines():
        shown += re.findall(r"(?<=^\| `)[^`]+|(?<=`, `)[^`]+", line)
        shown += [words for span in re.findall(r"`([^`]+)`", line) if finished(words := " ".join(span.split()))]
    found = [match[1] for words in shown if (match := COMMAND.fullmatch(words))]
    return list(dict.fromkeys(found))


def finished(command: str) -> bool:
    """Not a verb alone, nothing left out."""
    program, *argv = command.split(" ")
    if program != "tinyperf" or not argv:
        return program != "tinyperf"
    try:
        parsed(shlex.split(command)[1:])
    except click.ClickException as exc:
        return not isinstance(exc, click.MissingParameter | click.BadOptionUsage)
    except TinyperfError:
        return True  # of no verb: seen when it is typed
    return len(argv) > 1 and not command.endswith("...")


def parsed(argv: list[str]) -> None:
    """As far as options and arguments go; nothing is run. Raises: click.UsageError."""
    context = cli.tinyperf.make_context("tinyperf", argv)
    while isinstance(context.command, click.Group) and (rest := [*context._protected_args, *context.args]):  # noqa: SLF001  (click has no other way)
        name, command, rest = context.command.resolve_command(context, rest)
        assert command is not None
        context = command.make_context(name, rest, parent=context)


# ------------------------------------------------------------------------------------------- what lies in the folder


def own(at: Path) -> None:
    """A model of one's own under the names of the pages, inputs of it, and what is made of it."""
    small(at)
    for name in ("my", "own", "mine"):
        shutil.copy(at / "small.tflite", at / f"{name}.tflite")
    (at / "budget.yaml").write_text("limits: [{model: my.tflite, board: nucleo-l4r5zi, ram_bytes: 99999}]")
    (at / "sweep.yaml").write_text("models: [{model: my.tflite}]\nboards: [nucleo-l4r5zi]")


def image(at: Path) -> None:
    assert cli.invoke(shlex.split("build --board nucleo-l4r5zi --model my.tflite -o image")) == 0
    shutil.copy(at / "image" / "firmware.hex", at / "fw.hex")


def recorded(at: Path) -> None:
    """Four whole sessions, and one that was stopped in its first window."""
    device = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom tinyperf.virtual.fake import FakeDevice, serve\n"
    (at / "device").write_text(f"#!{sys.executable}\n{device}serve(FakeDevice(lambda _: (0.1,) * 12))\n")
    (at / "device").chmod(0o755)
    for name in ("stopped", "before", "after", "a", "b"):
        asked = Request("host", "kws", image="device", out=f"sessions/{name}", name=name)
        session.run(asked, open_link=lambda _: FakeDevice(lambda _: (0.1,) * 12))
    record, transcript = at / "sessions/stopped/session.json", at / "sessions/stopped/transcript.jsonl"
    held = json.loads(record.read_text())
    record.write_text(json.dumps(held | {"result": None, "learned": held["learned"] | {"timing": None}}))
    transcript.write_text("".join(transcript.read_text().splitlines(keepends=True)[:20]))


def prepared(at: Path) -> None:
    """Training and evaluation data, made up and few, and an original dataset."""
    sources.make_synthetic("kws", at / "OUT")
    (path,) = (at / "OUT").glob("kws_*.npz")
    with np.load(path) as stored:
        np.savez(path, **{key: array[:420] for key, array in stored.items()})
    cifar_binary_tree(at / "cifar")


def networks(_: Path) -> None:
    """What own_model.md says to run first."""
    for code in re.findall(r"```python\n(.*?)```", PAGES["docs/own_model.md"], re.DOTALL):
        exec(compile(code, "own_model.md", "exec"), {})  # noqa: S102  (our own page)
    np.savez("onnx.npz", x=np.random.default_rng(0).normal(size=(32, 8)).astype(np.float32))


def sound(at: Path) -> None:
    """A second with a word in it, and a model with the streaming wakeword's ends."""
    folder = at / "sww_data_dir"
    folder.mkdir()
    streams.write_wav(folder / "a.wav", np.repeat(noise(16_000), 2).reshape(-1, 2))
    held = [{"wav_file": "a.wav", "detection_windows": [[0.5, 1.0]], "length_sec": 1.0}]
    (folder / "sww_long_test.json").write_text(json.dumps(held))
    weights = np.random.default_rng(0).integers(-127, 128, (3, 1200)).astype(np.int8)
    tensors = [T((1, 30, 1, 40), 0.05, -3), T((1, 1200), 0.05, -3), graphs.constant(weights, 0.02)]
    tensors += [T((1, 3), 0.1), T((1, 3), 1 / 256, -128)]
    ops = [O("RESHAPE", [0], [1], {"newShape": [1, 1200]}), O("FULLY_CONNECTED", [1, 2], [3])]
    ops += [O("SOFTMAX", [3], [4], {"beta": 1.0})]
    (at / "str_ww_ref_model.tflite").write_bytes(graphs.build(tensors, ops, [0], [4]))


def three_modes(at: Path) -> None:
    """Finished sessions of one benchmark, on silicon as far as they say."""
    submissions.three_modes(at / "made")
    (at / "board.json").write_text(json.dumps(submissions.STATED))
    (at / "DATASETS").mkdir()


def tflm_tree(at: Path) -> None:
    """What TFLM's project generator writes, as far as it is looked at."""
    plant(at / "tflm-tree", PARTS | CMSIS_NN)


# --------------------------------------------------------------------------------------------------- how it is typed


@dataclass(frozen=True)
class Story:
    """A page. `lies`: makes what its commands need; `put`: words of the page, in this order, and what is typed for
    them; `codes`: exit code of a command, where it is not 0; `played`: word of a port, and who plays it; `says`: words
    of an answer; `needs`: modules.
    """

    lies: tuple[Callable[[Path], None], ...] = ()
    put: dict[str, str] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    played: dict[str, str] = field(default_factory=dict)
    says: dict[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ("unicorn",)
    slow: bool = True


BOARD = {"/dev/ttyACM0": "tinyperf emulate --board nucleo-l4r5zi --pty kws"}
COUNTS = {"/dev/ttyACM1": "tinyperf emulate --board nucleo-l4r5zi --pty --engine aot:layers=on --model my.tflite"}
"""Another board, whose firmware counts the cycles of its layers."""
PROFILED = {
    "profile --board nucleo-l4r5zi --port /dev/ttyACM0 kws": "profile --board nucleo-l4r5zi --port /dev/ttyACM1 "
    "--model my.tflite"
}
MINE = {"/dev/ttyACM0": "tinyperf emulate --board nucleo-l4r5zi --pty --model my.tflite"}
SMALL = {"kws": "--model my.tflite"}
SESSIONS = {"SESSION...": "made/performance made/accuracy made/energy", "check DIR": "check my_submission"}
WAKEWORD = {"sww --model FILE --data DIR": "sww --model str_ww_ref_model.tflite --data sww_data_dir"}
STORIES = {
    "README.md": Story(
        (own, image, recorded, prepared, networks, sound, three_modes, tflm_tree),
        PROFILED
        | {
            "--data DIR kws": "--data test.npz --model my.tflite",
            "/dev/ttyACM0 kws": "/dev/ttyACM0 --model my.tflite",
            "--image fw.hex": "--image fw.hex --model my.tflite",
            "inputs.npz -o my.tflite": "onnx.npz -o net.tflite",
            "pio run": "pio run -d DIR",
            "train kws --from DIR": "train kws --from OUT",
            "--run RUN": "--run runs/kws-0",
            "kws --compare aot": "--model my.tflite --compare aot",
            "--board all kws": "--board nucleo-l4r5zi,nucleo-u575zi-q --model my.tflite",
            "--optimize all kws": "--optimize all --model my.tflite",
            "nucleo-l4r5zi --clock all kws": "raspberry-pi-pico --clock all --model my.tflite",  # it has only two
            "compare kws": "compare --model my.tflite",
            "sweep.yaml -o DIR": "sweep.yaml -o swept --jobs 1",
            "diff A B": "diff before after",
            "SESSION... -o report": "before after -o report",
            "replay DIR": "replay sessions/before",
            "NAME -o DIR": "ACME -o my_submission",
            "--mode energy --monitor lpm01a:port=P --isolator io_manager:port=Q": "--virtual --mode energy "
            "--monitor lpm01a:port=simulated --isolator io_manager:port=simulated",
            "simulated kws": "simulated --model my.tflite",
            "aot --data DIR": "aot --data OUT",
            "PATH": "tflm-tree",
            "--resume SESSION": "--resume sessions/stopped",
            "| source": "> completion.fish",
            **SESSIONS,
            **WAKEWORD,
        },
        {
            "tinyperf flash --board nucleo-l4r5zi kws": 4,  # no debug probe here
            "tinyperf sessions show last": 1,  # a quick look, never valid
            "tinyperf submission check DIR": 1,  # nobody has filled it in
            "tinyperf run --resume SESSION": 1,  # a quick look
        },
        MINE | COUNTS | {"=P": "tinyperf energy simulate lpm01a"},
        needs=("unicorn", "tensorflow", "onnx", "distributed"),
    ),
    "CONTRIBUTING.md": Story(
        (own,),
        {
            "perf/budget.yaml": "budget.yaml",
            "[WORD]": "link:-a-line-without-end",
            "scripts/wiring": f"{ROOT}/scripts/wiring .",
            "NAME": "ppk2:port=simulated",
            **SMALL,
        },
        {"tinyperf models pull": 4},  # no network
        {"/dev/ttyACM0": "tinyperf emulate --board ./my-board.yaml --pty --model my.tflite"},
    ),
    "SECURITY.md": Story(slow=False),
    "docs/accuracy.md": Story(
        (own, prepared),
        {
            "vww.tflite --data DIR": "vww.tflite --data OUT",
            "vww": "kws",  # it learns sooner
            "DATA": "test.npz",
            "run --mode accuracy": "run --board host --mode accuracy",
            "BENCH --from DIR --out OUT": "ic --from cifar --out prepared",
            "RUN": "runs/kws",
        },
        {"tinyperf models pull": 4},  # no network
        needs=("unicorn", "tensorflow"),
    ),
    "docs/budget.md": Story((own,)),
    "docs/energy_bench.md": Story(
        (own,),
        SMALL,
        {"tinyperf energy replay energy-session --plot trace.html": 1, "tinyperf replay energy-session": 1},
    ),
    "docs/flashing.md": Story(
        put={"B BENCH": "nucleo-l4r5zi kws"}, codes={"tinyperf flash --board B BENCH": 4}, slow=False
    ),
    "docs/library.md": Story((own,), slow=False),
    "docs/on_silicon.md": Story(
        (own, recorded),
        {"SESSION": "sessions/stopped"} | PROFILED,
        {
            "tinyperf flash --board nucleo-l4r5zi kws": 4,
            "tinyperf flash --board nucleo-l4r5zi --engine aot:layers=on kws": 4,
            "tinyperf run --resume SESSION": 1,
        },
        BOARD | COUNTS,
    ),
    "docs/own_board.md": Story((own,), {"inspect kws": "inspect my.tflite"} | SMALL),
    "docs/own_model.md": Story(
        (networks,),
        played={"/dev/ttyACM0": "tinyperf emulate --board nucleo-l4r5zi --pty --model net.tflite"},
        says={
            "tinyperf quantize net.keras --calibration inputs.npz -o net.tflite": "accuracy     float",
            "tinyperf inspect net.tflite --board nucleo-l4r5zi": "runs it",
            "tinyperf evaluate --model net.tflite --data inputs.npz": "top-1",
        },
        needs=("unicorn", "tensorflow", "onnx"),
    ),
    "docs/published.md": Story(slow=False),
    "docs/sessions.md": Story(
        (recorded,), {"run --json": "run --resume sessions/stopped --json"}, {"tinyperf run --json": 1}, slow=False
    ),
    "docs/submission.md": Story(
        (three_modes,),
        SESSIONS | {"board.json -o my_submission": "board.json -o open_submission"},
        dict.fromkeys((command for command in commands(PAGES["docs/submission.md"]) if " check " in command), 1),
        slow=False,
    ),
    "docs/sweep.md": Story(
        (own,),
        played={"tcp://lab:8786": "dask scheduler --host 127.0.0.1 --port 0"},
        needs=("unicorn", "distributed"),
    ),
    "docs/tflm.md": Story((tflm_tree,), {"PATH": "tflm-tree"}, slow=False),
    "docs/virtual_board.md": Story((own, image), {"B --image FILE": "nucleo-l4r5zi --image fw.hex"}),
    "docs/wakeword.md": Story(
        (sound,),
        {
            "nucleo-l4r5zi sww": "nucleo-l4r5zi --virtual sww",
            "/dev/ttyACM1": "simulated",
            "/dev/ttyACM0": "simulated",
            "emulate --board nucleo-l4r5zi --virtual sww": "emulate --board nucleo-l4r5zi sww",
            "FILE": "str_ww_ref_model.tflite",
            "run --mode energy": "run --board nucleo-l4r5zi --virtual --mode energy --monitor virtual sww "
            "--model str_ww_ref_model.tflite --data sww_data_dir",
        },
        {"tinyperf models pull": 4},
    ),
}
NOT_TYPED = {
    "./scripts/demo": "makes .venv first; the run that it ends with is the first of README's tables",
    "./scripts/test": "these tests",
    "./scripts/check": "ruff and mypy, beside the tests in .ci/run",
    "scripts/test --update-golden": "these tests, and it writes into the checkout",
    "scripts/test --update-golden -k operator_table": "these tests, and it writes into the checkout",
    "scripts/coverage": "these tests, with coverage",
    "scripts/faults": "kills processes for half an hour; test_faults.py plays every row on virtual time",
    "scripts/fuzz [TARGET] [SECONDS]": "installs atheris; test_fuzz.py plays the targets",
    "scripts/docs": "makes .venv first; test_docs.py builds the site",
    "scripts/docs serve": "waits for a browser",
    "scripts/release X.Y.Z --tag": "makes environments and a tag",
    "scripts/published LIST.csv": "writes into the checkout; test_published.py runs its parts",
    "scripts/energy": "writes into the checkout; test_power.py runs its parts",
    "scripts/card RUN BENCH.tflite": "wants a training of hours and the official inputs",
    "pip install '.[virtual]'": "from a registry",
    "pip install 'tinyperf[virtual]'": "from a registry",
    "pip install 'tinyperf[train,virtual]'": "from a registry",
    "sudo apt-get install -y --no-install-recommends gcc-arm-none-eabi libnewlib-arm-none-eabi": "from a registry",
    "pio run -t upload": "writes to a real board",
    'python3 tensorflow/lite/micro/tools/project_generation/create_tflm_tree.py --makefile_options="TARGET='
    'cortex_m_generic TARGET_ARCH=project_generation OPTIMIZED_KERNEL_DIR=cmsis_nn" OUTPUT': "a program of TFLM's",
    "tinyperf train BENCH": "as in README, of the original data",
    "tinyperf quantize BENCH --run RUN -o BENCH.tflite": "as in README",
    "tinyperf train ic": "hours, of the original data; README and accuracy.md train",
    "tinyperf train vww": "hours, of the original data; accuracy.md trains it",
}
"""Command: why it is not typed here."""
SERVERS = ("tinyperf emulate", "tinyperf energy simulate", "dask ")
"""These go on until they are stopped."""


WITHOUT_QUICK = ("--quick", "--resume", "accuracy", " sww ")


def put(command: str, story: Story, ports: dict[str, str]) -> str:
    """What is typed for a command of the page; what stands in brackets may be left out."""
    for words, instead in (story.put | ports).items():
        command = command.replace(words, instead)
    command = re.sub(r" \[.*?\]", "", command)
    if command.startswith("tinyperf train ") and "--resume" not in command:
        command += " --epochs 1"
    if command.startswith("tinyperf run ") and not any(word in command for word in WITHOUT_QUICK):
        command += " --quick"
    return command


def expected(typed: str) -> int:
    """Of a run that is quick, or of a stream of one word: measured, not valid."""
    return int(typed.startswith("tinyperf run ") and ("--quick" in typed or " sww " in typed))


@contextmanager
def served(command: str, at: Path) -> Iterator[str]:
    """One that goes on; what its first line names: a port, or an address."""
    program, *rest = shlex.split(command)
    argv = [sys.executable, "-m", program, *rest]
    with subprocess.Popen(argv, cwd=at, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            assert server.stdout is not None
            named = (re.search(r"/dev/\S+|tcp://\S+", line) for line in server.stdout)
            yield next(found[0] for found in named if found)
        finally:
            server.terminate()


def typed(command: str, at: Path) -> int:
    """Its exit code."""
    program, *argv = shlex.split(command)
    if program == "tinyperf":
        return cli.invoke(argv)
    where = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(["bash", "-c", command], cwd=at, env=os.environ | {"PATH": where}, check=False)
    return done.returncode


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to type in, without a network: what would fetch something is told so at once."""
    monkeypatch.chdir(tmp_path)
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    monkeypatch.setenv("TINYPERF_CONFIG", str(tmp_path / "settings"))
    return tmp_path


@pytest.mark.parametrize(
    "page", [pytest.param(name, marks=[pytest.mark.slow] * story.slow) for name, story in STORIES.items()]
)
@pytest.mark.filterwarnings("ignore")  # TensorFlow's own, dozens of them
def test_what_a_page_says_to_type_works(page: str, scratch: Path, capfd: pytest.CaptureFixture[str]) -> None:
    story, ports, wrong = STORIES[page], {}, []
    for module in story.needs:
        pytest.importorskip(module, reason=f"{module} is not installed")
    for make in story.lies:
        make(scratch)
    with ExitStack() as servers:
        for command in (one for one in commands(PAGES[page]) if one not in NOT_TYPED):
            for word, server in story.played.items():
                if word in put(command, story, {}) and word not in ports:
                    ports[word] = "=" * word.startswith("=") + servers.enter_context(served(server, scratch))
            line = put(command, story, ports)
            capfd.readouterr()
            if line.startswith(SERVERS):
                servers.enter_context(served(line, scratch))
                continue
            code, said = typed(line, scratch), capfd.readouterr()
            right = code == story.codes.get(command, expected(line)) and story.says.get(command, "") in said.out
            if not right or "Traceback" in said.err:
                wrong.append(f"{line}\n  exit code {code}\n{said.out[-2000:]}\n{said.err[-2000:]}")
    assert not wrong, "\n".join(wrong)


def test_every_command_is_typed_or_has_its_reason() -> None:
    shown = {page: commands(text) for page, text in PAGES.items()}
    assert sum(map(len, shown.values())) > 100
    typed_somewhere = {command for page in STORIES for command in shown[page]}
    assert [
        f"{page}: {command}"
        for page, found in shown.items()
        for command in found
        if command not in typed_somewhere and command not in NOT_TYPED
    ] == []


def test_a_line_that_no_page_shows_any_more_goes() -> None:
    everywhere = {command for text in PAGES.values() for command in commands(text)}
    assert set(NOT_TYPED) - everywhere == set()
    for page, story in STORIES.items():
        shown = commands(PAGES[page])
        assert (story.codes | story.says).keys() <= set(shown), page
        assert set(shown) - set(NOT_TYPED), page
        for words, instead in story.put.items():
            assert any(words in command for command in shown), f"{page}: {words}"
            shown = [command.replace(words, instead) for command in shown]


def test_a_wrong_command_is_seen() -> None:
    assert commands("```\ntinyperf run --bench kws\n```") == ["tinyperf run --bench kws"]
    assert commands("| `tinyperf boards`, `tinyperf nonsens` | |\n") == ["tinyperf boards", "tinyperf nonsens"]
    with pytest.raises(click.UsageError, match="--bench"):
        parsed(["run", "--bench", "kws"])
