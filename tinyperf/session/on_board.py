"""Where an inference spends its time on a real board: firmware that counts the cycles of its layers says so itself."""

from __future__ import annotations

import shlex
from dataclasses import replace
from statistics import median_low
from typing import TYPE_CHECKING

from tinyperf.device import protocol
from tinyperf.device.dut import Dut
from tinyperf.errors import DeviceError, UsageError
from tinyperf.session.costs import layer_cost
from tinyperf.session.profile import Profile, an_input, of_image
from tinyperf.session.progress import silent
from tinyperf.virtual.connect import open_port

if TYPE_CHECKING:
    from pathlib import Path

    from tinyperf.board import Board
    from tinyperf.firmware.build import Image
    from tinyperf.session.choose import Content, Started
    from tinyperf.session.progress import Progress

OPTION = "layers=on"
"""Of engine aot: the firmware counts."""
INFERENCES = 5
"""Whose median is taken, layer by layer."""


def counting(wanted: Content, image: Path | None) -> Content:
    """`wanted` with what makes its firmware count the cycles of each layer.

    Raises: UsageError: firmware that cannot.
    """
    name, _, options = wanted.engine.partition(":")
    if image is not None or wanted.energy or name != "aot":
        raise UsageError(
            f"--port with {image or ('energy mode' if wanted.energy else f'engine {name}')}",
            means="only firmware that engine aot makes, for performance mode, counts the cycles of its layers",
            hint="leave one of the two out; 'tinyperf run' measures whole inferences of any firmware",
        )
    others = [word for word in options.split(",") if word and not word.startswith("layers=")]
    return replace(wanted, engine=f"aot:{','.join([*others, OPTION])}")


def profile(board: Board, url: str, wanted: Content, start: Started, progress: Progress = silent) -> Profile:
    """Cycles of each layer on the board at `url`, which runs what was built; caches warm, the median of INFERENCES.

    Args: wanted: the words that `start` came of, which is no foreign image.
    Raises: DeviceError: nobody answers, or the board runs other firmware.
    """
    if start.built is None:
        raise TypeError(start)
    built = start.built
    link = open_port(url, board.serial.baud)
    try:
        dut = Dut(link, where=url, baud=board.serial.baud)
        identity = dut.connect()
        if identity.build_id != built.build_id:
            raise DeviceError(
                f"the firmware on {url} has build id {identity.build_id or 'none'}; the one that counts the cycles of "
                f"its layers has {built.build_id}",
                means="the board runs other firmware; to measure, layers are counted in firmware of their own",
                hint=f"'{_flashing(board, wanted)}', then this again",
            )
        dut.download(an_input(identity, start.model))
        runs = []
        for k in range(INFERENCES):
            runs.append(_layers(dut))
            progress("inferences", k + 1, INFERENCES)
    finally:
        link.close()
    cycles = [median_low(each) for each in zip(*runs, strict=True)]
    return _profile(board, built, identity.model_id, cycles)


def _flashing(board: Board, wanted: Content) -> str:
    """The command that puts the image on the board."""
    words = ["tinyperf", "flash", "--board", board.name, "--engine", wanted.engine]
    words += ["--model", str(wanted.model)] if wanted.model else []
    return shlex.join([*words, wanted.benchmark] if wanted.benchmark else words)


def _layers(dut: Dut) -> tuple[int, ...]:
    """Cycles of each layer that is called, in the second of two inferences: the first may find cold caches."""
    answer = dut.infer(2, 0)  # nothing is printed between the two
    counted = dut.ask(protocol.LAYERS).first(protocol.Layers)
    if answer is None or counted is None:
        raise DeviceError(f"'layers' gave no complete answer on {dut.where}", hint="try again; check cable and power")
    return counted.cycles


def _profile(board: Board, built: Image, model_id: str, cycles: list[int]) -> Profile:
    called = [layer for layer in built.generated.layers if layer.symbol]
    taken = {layer.symbol: each for layer, each in zip(called, cycles, strict=True)}
    return Profile(
        board=board.name,
        model_id=model_id,
        clock_hz=board.clock_hz,
        instructions_per_inference=None,
        cycles_per_inference=sum(cycles),
        layers=tuple(layer_cost(layer, taken.get(layer.symbol, 0)) for layer in built.generated.layers),
        latency_ms=1e3 * sum(cycles) / board.clock_hz,
        error_percent=None,
        uj_per_inference=None,
        energy_error_percent=None,
        estimated=False,
        **of_image(built),
    )
