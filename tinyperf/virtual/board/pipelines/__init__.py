"""Cycle models of cores: one file for each kind of pipeline that a core's description (tinyperf/cores/) may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf.cores import DualIssue, FetchQueue, PairedIssue, TwoStage
from tinyperf.errors import UsageError
from tinyperf.virtual.board.memory.fetch_buffer import Buffer
from tinyperf.virtual.board.pipelines.dual_issue import DualIssueModel
from tinyperf.virtual.board.pipelines.fetch_queue import FetchQueueModel
from tinyperf.virtual.board.pipelines.paired_issue import PairedIssueModel
from tinyperf.virtual.board.pipelines.two_stage import TwoStageModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinyperf.chip import Block
    from tinyperf.cores import Core
    from tinyperf.virtual.board.memory.system import MemorySystem
    from tinyperf.virtual.board.pipelines.model import CycleModel


def cycle_model(core: Core, memories: Sequence[Block], memory: MemorySystem) -> CycleModel:
    """The model of `core` in a chip with these memories; `memory`: what lies between them and the core.

    Raises: UsageError: nobody has written one.
    """
    if isinstance(core.pipeline, FetchQueue):
        return FetchQueueModel(core.pipeline, memories)
    if isinstance(core.pipeline, PairedIssue):
        return PairedIssueModel(core.pipeline)
    if isinstance(core.pipeline, DualIssue):
        return DualIssueModel(core.pipeline)
    if isinstance(core.pipeline, TwoStage):
        return TwoStageModel(core.pipeline, memory if isinstance(memory, Buffer) else None)
    raise UsageError(
        f"nobody has modelled the pipeline of the {core.title} yet, so its cycles cannot be estimated",
        hint="the firmware runs all the same: 'tinyperf console --virtual'; tinyperf/cores/ has the cores",
    )
