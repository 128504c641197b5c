"""Plans by number: what they name, who refuses them, and that measured costs lead to another plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

import tinyperf
from tests.graphs import O, T, build, constant
from tinyperf import cli, cores, tflite
from tinyperf.engines import Target
from tinyperf.engines.aot import ENGINE, generated_for, space_for
from tinyperf.engines.aot.passes.choose import choose_by
from tinyperf.engines.aot.passes.tune import key, measured_costs
from tinyperf.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

M4 = Target(cores.load("cortex-m4"), "time")


def two_convolutions() -> bytes:
    """Of 6x6 pixels: 8 channels to 12 to 8."""
    draw = np.random.default_rng(3)
    tensors, ops = [T((1, 6, 6, 8), 0.05, -128)], []
    for given, made in ((8, 12), (12, 8)):
        last = len(tensors) - 1
        tensors += [
            constant(draw.integers(-127, 128, (made, 1, 1, given)).astype(np.int8), 0.004),
            constant(draw.integers(-999, 999, made).astype(np.int32), 0.0002),
            T((1, 6, 6, made), 0.05, -128),
        ]
        options = {"padding": 0, "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
        ops.append(O("CONV_2D", [last, last + 1, last + 2], [last + 3], options))
    return build(tensors, ops, [0], [len(tensors) - 1])


MODEL = tflite.parse(two_convolutions(), "two")


def test_a_plan_by_number_is_what_it_names() -> None:
    space = space_for(MODEL, M4)
    for forms in space.covering(worth=4):
        made, _ = generated_for(MODEL, M4, space, forms)
        assert [x.kernel for x in made.layers if "laid" not in x.kernel] == [form.kernel for form in forms]
        assert [key(form) for form in space.forms(space.text(forms))] == [key(form) for form in forms]
        by_option = ENGINE.generate(MODEL, Target(M4.core), {"optimize": "time", "plan": space.text(forms)})
        assert by_option.sources == made.sources


def test_every_form_that_may_be_worth_it_is_tried_once() -> None:
    space = space_for(MODEL, M4)
    plans = space.covering(worth=2)
    for k, choice in enumerate(space.choices):
        worthy = {key(form) for form in choice.forms if form.cycles <= 2 * choice.forms[0].cycles}
        assert {key(plan[k]) for plan in plans} == worthy


@pytest.mark.parametrize("plan", ["", "123456-0-0", "{digest}-0", "{digest}-0-999", "{digest}-0-x"])
def test_a_plan_of_something_else_is_refused(plan: str) -> None:
    space = space_for(MODEL, M4)
    with pytest.raises(UsageError, match="plan="):
        space.forms(plan.format(digest=space.digest))


def test_what_was_measured_leads_to_another_plan() -> None:
    space = space_for(MODEL, M4)
    first = space.best({})
    graph = choose_by(space, M4, {})
    costs = measured_costs(space, graph, [1e6] * len(graph.nodes))
    assert {k for k, _ in costs} == {0, 1}
    other = space.best(costs)
    assert all(key(a) != key(b) for a, b in zip(first, other, strict=True))
    assert next(node.form.kernel for node in choose_by(space, M4, costs).nodes if node.form) == other[0].kernel


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["profile", "--engine", "tflm"], "it has no plans to choose from"),
        (["profile", "--engine", "aot:plan=1-2"], "leave plan= out"),
        (["profile", "--compare", "tflm"], "leave --compare out"),
        (["build", "--board", "host"], "tinyperf boards"),
        (["run", "--no-build"], "leave --image, --no-build"),
    ],
)
def test_what_cannot_be_tuned(words: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    verb, *rest = words
    board = [] if "--board" in rest else ["--board", "nucleo-l4r5zi"]
    assert cli.invoke([verb, *board, "kws", "--tune", *rest]) == UsageError.exit_code
    assert hint in capsys.readouterr().err


@pytest.mark.slow
def test_tuning_finds_what_the_costs_hide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Costs that are wrong for one kernel: measuring sees it, and the answer is kept."""
    pytest.importorskip("unicorn", reason="the extra 'virtual' is not installed")
    draw = np.random.default_rng(3)
    weights = constant(draw.integers(-127, 128, (32, 256)).astype(np.int8), 0.004)
    tensors = [T((1, 256), 0.05, -128), weights, T((1, 32), 0.05, -128)]
    (tmp_path / "one.tflite").write_bytes(build(tensors, [O("FULLY_CONNECTED", [0, 1], [2])], [0], [2]))
    board, engine = "nucleo-l4r5zi", "aot:optimize=time"
    times = {"fully_connected_pairs_dsp": 2.0, "conv_2d_dsp": 3.0}
    wrong = {
        name: {what: times.get(name, 1.0) * x for what, x in costs.items()} for name, costs in M4.core.costs.items()
    }
    monkeypatch.setitem(cores.known(), "cortex-m4", replace(M4.core, costs=wrong))
    monkeypatch.setenv("TINYPERF_CACHE", str(tmp_path / "cache"))
    found = tinyperf.tune(board, model=tmp_path / "one.tflite", engine=engine)
    assert found.tuned_cycles < 0.8 * found.chosen_cycles
    assert tinyperf.profile(board, model=tmp_path / "one.tflite", engine=found.engine).cycles_per_inference == (
        found.tuned_cycles
    )
    again = tinyperf.tune(board, model=tmp_path / "one.tflite", engine=engine)
    assert replace(again, kept=False) == found
    assert again.kept
