"""`tinyperf tflm`: which TensorFlow Lite Micro engine `tflm` builds with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tinyperf import api

if TYPE_CHECKING:
    from tinyperf.engines.tflm.library import Library


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON list on stdout.")
@click.pass_context
def command(ctx: click.Context, *, as_json: bool) -> None:
    """Show or choose the TensorFlow Lite Micro of engine 'tflm'.

    With a network nothing needs to be chosen: the pinned Arm snapshot (CMSIS-NN kernels) is fetched by PlatformIO.

    \b
    tinyperf tflm
    tinyperf tflm use ~/tflm-tree
    """
    ctx.obj = as_json
    if ctx.invoked_subcommand is not None:
        return
    found = api.tflm_registered()
    if as_json:
        print(json.dumps([_as_dict(library) for library in found], indent=2))
        return
    for library in found:
        print(f"{library.kernels:<10} {library.form:<8} {library.version:<32} {library.path}")
    if not found:
        print("nothing registered; with a network the pinned snapshot is fetched (CMSIS-NN kernels)")


@command.command()
@click.argument("path", type=click.Path(path_type=Path), metavar="PATH")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.pass_obj
def use(group_json: bool, *, path: Path, as_json: bool) -> None:
    """Register a tree or an archive for the kernels it holds (cmsis_nn or reference).

    PATH is the folder that TFLM's own project generator wrote, a copy of the Arduino snapshot, or a folder with
    libtensorflow-microlite.a and its headers. It is read, never written to; what is missing is named.

    \b
    tinyperf tflm use ~/tflm-tree
    tinyperf tflm use ~/tflm-lib/libtensorflow-microlite.a --json
    """
    library = api.tflm_use(path)
    if as_json or group_json:
        print(json.dumps(_as_dict(library), indent=2))
        return
    print(f"engine 'tflm' with kernels={library.kernels} is now built with {library.path}")
    print(f"version   {library.version}")
    print(f"form      {library.form}" + (f", compiled for {library.abi} float" if library.abi else ""))
    print(f"int8-only kernels: {_yes(library.int8)}; per-channel dense layers: {_yes(library.per_channel_dense)}")


def _yes(claim: bool) -> str:
    return "yes" if claim else "no"


def _as_dict(library: Library) -> dict[str, Any]:
    return {
        "kernels": library.kernels,
        "form": library.form,
        "version": library.version,
        "path": library.path,
        "abi": library.abi or None,
        "int8_kernels": library.int8,
        "per_channel_dense": library.per_channel_dense,
    }
