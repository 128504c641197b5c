"""The high half of a product by halfwords, for cores without a product of more than 32 bits: as the others have it."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tinyperf import content
from tinyperf.engines.aot.arithmetic import multiply_high

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """\
#include "tp_kernels.h"

void high(const int32_t *a, const int32_t *b, int32_t *made, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        made[i] = tp_multiply_high_halves(a[i], b[i]);
    }
}
"""
LOWEST, HIGHEST = -(2**31), 2**31 - 1
EDGES = [0, 1, -1, 2**15 - 1, 2**15, -(2**15), -(2**15) - 1, 2**16 - 1, 2**16, -(2**16), 2**30, -(2**30), 3 * 2**29]


def test_halfwords_give_the_same(tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    (tmp_path / "high.c").write_text(SOURCE)
    headers = content.shipped("firmware_templates") / "engines" / "aot"
    flags = ["-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", f"-I{headers}"]
    subprocess.run(["gcc", *flags, tmp_path / "high.c", "-o", tmp_path / "high.so"], check=True)
    random = np.random.default_rng(20261130)
    noise = random.integers(LOWEST + 1, HIGHEST, (2, 200_000), np.int32, endpoint=True) >> random.integers(
        0, 31, 200_000
    )
    grid = np.array(np.meshgrid([*EDGES, LOWEST + 1, HIGHEST], [*EDGES, LOWEST, HIGHEST]), np.int32).reshape(2, -1)
    a, b = (np.ascontiguousarray(side, np.int32) for side in np.concatenate([noise, grid], axis=1))
    made = np.empty_like(a)
    pointer = ctypes.POINTER(ctypes.c_int32)
    ctypes.CDLL(str(tmp_path / "high.so")).high(*(x.ctypes.data_as(pointer) for x in (a, b, made)), len(a))
    assert (made == multiply_high(a.astype(np.int64), b.astype(np.int64))).all()
