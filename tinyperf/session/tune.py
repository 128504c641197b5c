"""Kernels for one model on one board by measuring: the forms worth a try, layer by layer, on the virtual board.

Few images are enough, in each of which every layer has another form; what the layers take there prices all plans. The
plan that these prices give is built and measured too, beside the one that the engine chooses by itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from tinyperf import __version__, folders
from tinyperf.engines import Target, parse_engine
from tinyperf.engines.aot import ENGINE, generated_for, space_for
from tinyperf.engines.aot.passes.choose import choose_by
from tinyperf.engines.aot.passes.tune import Costs, measured_costs
from tinyperf.errors import DiskError, SizeError, UsageError
from tinyperf.session import choose, models, profile, store
from tinyperf.session.progress import silent
from tinyperf.virtual.board.pipelines.model import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tinyperf.board import Board
    from tinyperf.engines import Optimize
    from tinyperf.engines.aot.graph import Form
    from tinyperf.engines.aot.passes.tune import Space
    from tinyperf.session.choose import Content
    from tinyperf.session.progress import Progress
    from tinyperf.tflite import Model

WORTH = 1.2
"""Times the predicted cycles of a layer's cheapest form: costs are met within a few per cent, so more is seldom won."""


@dataclass(frozen=True)
class Tuned:
    """engine: with the plan that was found, as --engine takes it. Cycles of an inference, and bytes of the arena, by
    what the engine chooses and by the plan. plans: how many there are; built: images that were measured. kept: the
    answer is of an earlier time.
    """

    engine: str
    board: str
    chosen_cycles: int
    tuned_cycles: int
    chosen_arena_bytes: int
    tuned_arena_bytes: int
    plans: int
    built: int
    kept: bool = False

    @property
    def gain_percent(self) -> float:
        return 100 * (1 - self.tuned_cycles / self.chosen_cycles)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-ready values."""
        return {**asdict(self), "gain_percent": self.gain_percent}


def tune(board: Board, wanted: Content, *, progress: Progress = silent) -> Tuned:
    """The best plan for a model on a board, by measuring on its virtual form; kept in the cache by all that matters.

    Raises: UsageError: another engine, a plan is given already, or there is no virtual board that estimates cycles.
        Otherwise as `choose.image` and `profile.detailed`.
    """
    options = _options(board, wanted)
    _, model = models.named(wanted.benchmark, wanted.model)
    target = replace(Target.of(board), optimize=cast("Optimize", options.get("optimize", "balanced")))
    space = space_for(model, target, channels=options.get("fold") != "off")
    path = folders.cache() / "tuned" / f"{_key(board, wanted, model, target, options)}.json"
    with contextlib.suppress(OSError, ValueError, TypeError):  # not there, or not whole: found again
        return replace(Tuned(**json.loads(path.read_text(encoding="utf-8"))), kept=True)
    found = _measured(_Measuring(board, wanted, model, target, space), progress)
    with contextlib.suppress(DiskError):
        store.write(path, json.dumps(asdict(found)) + "\n")
    return found


def _options(board: Board, wanted: Content) -> Mapping[str, str]:
    name, options = parse_engine(wanted.engine)
    if name != ENGINE.name:
        raise UsageError(f"--tune with engine '{name}'", hint="it has no plans to choose from; aot has")
    if "plan" in options:
        raise UsageError(f"--tune beside --engine {wanted.engine}", hint="leave plan= out")
    if board.emulator is None or board.emulator.engine != "unicorn" or board.core.pipeline is None:
        raise UsageError(
            f"--tune: no virtual {board.name} estimates cycles",
            means="candidates are measured on the virtual board",
            hint="'tinyperf boards' says which boards have one",
        )
    return options


def _key(board: Board, wanted: Content, model: Model, target: Target, options: Mapping[str, str]) -> str:
    """Of model, board, cycle model, and of the engine by what it makes of the model."""
    made = ENGINE.generate(model, target, options)
    depends = (
        __version__,
        VERSION,
        board,
        board.core,
        wanted.energy,
        sorted(options.items()),
        model.sha256,
        made.sources,
    )
    return hashlib.sha256(repr(depends).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class _Measuring:
    board: Board
    wanted: Content
    model: Model
    target: Target
    space: Space

    def engine(self, plan: str) -> str:
        if not plan:
            return self.wanted.engine
        return f"{self.wanted.engine}{',' if ':' in self.wanted.engine else ':'}plan={plan}"

    def measure(self, forms: Sequence[Form] | None) -> tuple[int, int, Costs]:
        """Cycles and arena of a plan (None: what the engine chooses), and what its layers took."""
        plan = self.space.text(forms) if forms is not None else ""
        content = replace(self.wanted, engine=self.engine(plan))
        image = choose.image(self.board, content)
        own = self.model if self.wanted.benchmark is None else None
        found = profile.detailed(self.board, image.path, own, layers=image.generated.layers)
        costs: Costs = {}
        if forms is not None:
            _, graph = generated_for(self.model, self.target, self.space, forms)
            costs = measured_costs(self.space, graph, [layer.cycles for layer in found.layers])
        return found.calibration.cycles_per_inference, image.memory.arena_bytes or 0, costs


def _measured(by: _Measuring, progress: Progress) -> Tuned:
    plans = by.space.covering(WORTH)
    progress("tuning, what the engine chooses", 0, len(plans) + 2)
    chosen, chosen_arena, _ = by.measure(None)
    costs: Costs = {}
    for done, forms in enumerate(plans, 1):
        progress(f"tuning, image {done} of {len(plans)}", done, len(plans) + 2)
        with contextlib.suppress(SizeError):  # it does not fit the board: no candidate
            costs = by.measure(forms)[2] | costs
    made = choose_by(by.space, by.target, costs)
    of = {node.outputs: node.form for node in made.nodes if node.form}
    forms = tuple(of[node.outputs] for node in by.space.graph.nodes)
    progress("tuning, the best plan", len(plans) + 1, len(plans) + 2)
    cycles, arena, _ = by.measure(forms)
    better = cycles < chosen and (by.target.optimize in {"time", "flash"} or arena <= chosen_arena)
    return Tuned(
        engine=by.engine(by.space.text(forms) if better else ""),
        board=by.board.name,
        chosen_cycles=chosen,
        tuned_cycles=cycles if better else chosen,
        chosen_arena_bytes=chosen_arena,
        tuned_arena_bytes=arena if better else chosen_arena,
        plans=by.space.plans,
        built=len(plans) + 2,
    )
