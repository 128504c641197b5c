"""`tinyperf inspect`: what a model is, which engine runs it, which board holds it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from tinyperf import api
from tinyperf.cli import _names, _options
from tinyperf.cli._columns import columns, fitted
from tinyperf.cli._ends import end_text

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.session.inspect import Fit, Inspection, OperatorCount, Verdict

INDENT = 11
HEADINGS = ("board", "engine", "fits", "arena B", "of RAM B", "weights B", "code ~B", "of flash B")


@click.command()
@click.argument("model", metavar="MODEL", type=_options.MODEL)
@click.option(
    "--board",
    "boards",
    multiple=True,
    metavar="NAME|FILE",
    help="May be given several times; without it all boards.",
    type=_names.BOARD,
)
@click.option(
    "--engine",
    "engines",
    multiple=True,
    metavar="NAME[:OPTION=VALUE,...]",
    help="May be given several times; without it all engines.",
    type=_names.ENGINE,
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def command(*, model: Path, boards: tuple[str, ...], engines: tuple[str, ...], as_json: bool) -> None:
    """Say what a model is, who runs it and where it fits.

    Nothing is built: arena and weights are planned by the engine, code is an estimate. MODEL is a .tflite, or kws, vww,
    ic or ad for a shipped one. What stands in an engine's way is all said at once.

    \b
    tinyperf inspect mine.tflite
    tinyperf inspect mine.tflite --board nucleo-l4r5zi --json
    """
    found = api.inspect(model, boards=boards, engines=engines)
    if as_json:
        print(json.dumps(found.as_dict(), indent=2))
    else:
        print("\n".join(_lines(found)))


def _lines(found: Inspection) -> list[str]:
    lines = [f"{found.model}: {found.size_bytes:,} bytes, sha256 {found.sha256}"]
    lines += _field("says", [text for text in (found.description, ", ".join(found.metadata)) if text])
    names = {end.index: end.name for end in (*found.inputs, *found.outputs)}
    lines += _field(
        "signature",
        [
            f"{signature.key}: {_ends(signature.inputs, names)} -> {_ends(signature.outputs, names)}"
            for signature in found.signatures
        ],
    )
    lines += _field("input", [end_text(end) for end in found.inputs])
    lines += _field("output", [end_text(end) for end in found.outputs])
    if found.boundary:
        lines += _field("ends", [f"{' and '.join(found.boundary)}: float in the file; the host does their work"])
    lines += _field("state", [f"{found.variables} variable tensors"] if found.variables else [])
    lines += _field("subgraphs", [str(found.subgraphs)] if found.subgraphs != 1 else [])
    uncounted = [count.kind for count in found.operators if count.macs is None]
    beside = f" and those of {', '.join(uncounted)}, which are not counted" if uncounted else ""
    lines += _field(
        "cost", [f"{found.macs:,} multiply-accumulates{beside}; {found.weights_bytes:,} bytes of constants"]
    )
    lines += _field("operators", [_operator(count) for count in found.operators])
    for verdict in found.engines:
        lines += _verdict(verdict)
    return [*lines, *_fits(found.fits)]


def _field(name: str, values: list[str]) -> list[str]:
    return [f"  {name if not n else '':<{INDENT}}{value}" for n, value in enumerate(values)]


def _ends(ends: dict[str, int], names: dict[int, str]) -> str:
    return ", ".join(f"{name} ({names.get(index, f'tensor {index}')})" for name, index in ends.items())


def _operator(count: OperatorCount) -> str:
    macs = "" if not count.macs else f", {count.macs:,} MACs"
    return f"{count.count:>4} {count.kind} ({', '.join(count.types)}){macs}"


def _verdict(verdict: Verdict) -> list[str]:
    if verdict.runs:
        return _field(verdict.engine, ["runs it", *verdict.notes])
    lines = ["does not run it:", *(f"- {reason}" for reason in verdict.reasons)]
    lines += [f"means: {verdict.means}"] if verdict.means else []
    return _field(verdict.engine, [*lines, f"try:   {verdict.hint}"])


def _fits(fits: tuple[Fit, ...]) -> list[str]:
    if not fits:
        return []
    heads, *rows = fitted([columns([_row(fit) for fit in fits], HEADINGS, ("board", "engine", "fits"))])
    lines = heads
    for fit, row in zip(fits, rows, strict=True):
        lines += [*row, *(f"    {reason}" for reason in fit.reasons)]
    return [*lines, "~: estimated, nothing was compiled; arena and weights of aot are as they will be"]


def _row(fit: Fit) -> tuple[str, ...]:
    arena = f"{'' if fit.arena_planned else '~'}{fit.arena_bytes:,}"
    ram, flash = ("-" if room is None else f"{room:,}" for room in (fit.arena_room_bytes, fit.flash_room_bytes))
    fits = "yes" if fit.fits else "no"
    return (fit.board, fit.engine, fits, arena, ram, f"{fit.weights_bytes:,}", f"{fit.code_bytes:,}", flash)
