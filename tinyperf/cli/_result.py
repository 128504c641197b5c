"""The result of a run for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyperf import api
from tinyperf.figures import figure
from tinyperf.reporting import published
from tinyperf.reporting.document import verdict
from tinyperf.rules.streaming import RUNNER_TAIL_S

if TYPE_CHECKING:
    from rich.console import Console

    from tinyperf.result import RunResult, Streaming


def show(found: RunResult) -> None:
    """The result for people; every figure with what must stand beside it."""
    from rich.console import Console
    from rich.table import Table

    remark = api.remark(found)
    console = Console(highlight=False)
    engine = found.engine or "foreign"
    own = found.model.name if found.model and found.benchmark == "custom" else found.benchmark
    about = f"{own} on {found.board}, {found.mode}, {engine} firmware, {found.transport}"
    console.print(about, soft_wrap=True)
    if found.performance:
        console.print(
            f"  latency {figure(found.performance.latency_ms)} ms, "
            f"{figure(found.performance.throughput_ips)} inferences/s{remark}",
            soft_wrap=True,
        )
        table = Table("window", "inferences", "seconds", "inferences/s", box=None)
        for k, w in enumerate(found.performance.windows, start=1):
            table.add_row(str(k), str(w.inferences), f"{w.seconds:.6f}", figure(w.throughput_ips))
        console.print(table)
        if place := published.place(found, remark=remark):
            console.print(f"  {place.text}", soft_wrap=True)
    if found.streaming:
        _stream(console, found.streaming, remark)
    if found.accuracy:
        console.print(f"  {verdict(found.accuracy, found.target_met)}{remark}", soft_wrap=True)
    if found.energy:
        low, high = found.energy.uj_interval
        console.print(
            f"  energy {figure(found.energy.uj_per_inference, 1)} uJ/inference, "
            f"{figure(low, 1)} to {figure(high, 1)}{remark}",
            soft_wrap=True,
        )
        for k, e in enumerate(found.energy.windows, start=1):
            each = f"{figure(e.uj, 0)} uJ, {figure(e.uj_per_inference)} uJ/inference"
            console.print(f"    window {k}: {e.seconds:.3f} s, {each}")
    if found.memory:
        parts = {"flash": found.memory.flash_bytes, "RAM": found.memory.ram_bytes, "arena": found.memory.arena_bytes}
        console.print("  " + ", ".join(f"{name} {n:,} bytes" for name, n in parts.items() if n is not None))
    for reason in found.reasons:
        console.print(f"  not valid: {reason}", soft_wrap=True)
    for note in found.notes:
        console.print(f"  note: {note}", soft_wrap=True)
    console.print(f"  session {found.session}", soft_wrap=True)


def _stream(console: Console, found: Streaming, remark: str) -> None:
    console.print(f"  {found.wav_file}, {found.length_s:g} s: {found.frames} frames, {found.lost} lost")
    if found.duty_cycle is not None and found.processing_ms is not None:
        console.print(
            f"  {figure(found.processing_ms)} ms a frame, duty cycle {figure(found.duty_cycle)}{remark}", soft_wrap=True
        )
    if found.power_mw is not None:
        console.print(f"  {figure(found.power_mw)} mW over the stream{remark}", soft_wrap=True)
    for one in found.scores:
        rule = "the runner's code" if one.tail_s == RUNNER_TAIL_S else "the rules' text"
        console.print(
            f"  {one.true_positives} true positives, {one.false_negatives} false negatives, {one.false_positives} false"
            f" positives, {one.tail_s:g} s after a word ({rule})",
            soft_wrap=True,
        )
