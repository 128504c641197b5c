"""What a streaming firmware has beside the others': its sources, and the tables of its front end as C."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinyperf import engines, wakeword
from tinyperf.ctext import c_array
from tinyperf.engines.stepwise import stepwise

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    from tinyperf.board import Board
    from tinyperf.engines import Engine
    from tinyperf.tflite import Model

TABLES = "tp_features_tables.c"
NO_AUDIO = "tp_audio_none.c"
"""Stands in for the chip's tp_audio.c where there is none."""
ANSWERS = 40_000
"""Output 0 of so many frames is kept from 'start' to 'stop': 1280 s, as in the reference."""


def folders(templates: Path, board: Board) -> tuple[Path, ...]:
    """What is added to the application, and to the chip layer where the board has sound."""
    chip = templates / "mcu" / board.mcu / "streaming"
    return (templates / "streaming", *([chip] if board.sound is not None and chip.is_dir() else []))


def kept_activations(board: Board) -> int:
    """How many answers the firmware keeps: none where sound comes over the serial line, which has each at once."""
    return ANSWERS if board.sound is not None else 1


def model_of(model: Model, maker: Engine, options: Mapping[str, str]) -> Model:
    """What the firmware runs for each frame: that frame alone where engine and network allow it, else the window."""
    on = engines.STREAM in maker.options and options.get(engines.STREAM, "on") == "on"
    return (stepwise(model) if on else None) or model


def tables(origin: str) -> str:
    """`tp_features_tables.c`: window, twiddle factors and filters of the front end."""
    bank = wakeword.mel()
    parts = [
        "/* SPDX-License-Identifier: 0BSD */",
        f"/* {origin} */",
        '#include "tp_features_tables.h"',
        "",
        _array("float", "tp_window", wakeword.window()[: wakeword.FRAME // 2]),
        _array("float", "tp_twiddles", _turns(512, 512)),
        _array("float", "tp_half_turns", _turns(256, 1024)),
        _array("uint16_t", "tp_mel_first", bank.first),
        _array("uint16_t", "tp_mel_count", bank.bins),
        _array("float", "tp_mel_weights", bank.weights),
    ]
    return "\n".join(parts) + "\n"


def _turns(count: int, whole: int) -> npt.NDArray[np.float32]:
    """cos, -sin of `count` angles, `whole` of which are a full turn."""
    angles = 2 * np.pi * np.arange(count) / whole
    return np.stack([np.cos(angles), -np.sin(angles)], axis=1).astype(np.float32).reshape(-1)


def _array(kind: str, name: str, values: npt.NDArray[np.generic]) -> str:
    return f"const {kind} {name}[{len(values)}] = {{\n{c_array(values.tolist())}\n}};"
