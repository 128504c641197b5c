"""Code in a Keras file is named and never executed, in any of the ways in which Keras lets a file hold some."""

from __future__ import annotations

import json
import os
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tinyperf import cli
from tinyperf.errors import ModelError
from tinyperf.learn.sources import _keras_code

if TYPE_CHECKING:
    from pathlib import Path

DENSE = {"class_name": "Dense", "module": "keras.layers", "config": {"units": 2, "activation": "relu"}}
RELU = {"class_name": "function", "module": "keras.activations", "config": "relu"}
LAMBDA = {"class_name": "Lambda", "config": {"function": {"class_name": "__lambda__", "config": {"code": "4wEA"}}}}
SYSTEM = {"class_name": "function", "module": "posix", "config": "system"}
BUILTIN = {"class_name": "function", "module": "builtins", "config": "exec", "registered_name": "function"}
UNSAFE = {"class_name": "function", "module": "keras.config", "config": "enable_unsafe_deserialization"}


def keras(path: Path, layers: list[Any], **beside: Any) -> Path:
    whole = {"class_name": "Sequential", "module": "keras", "config": {"name": "m", "layers": layers}, **beside}
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("config.json", json.dumps(whole))
    return path


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        pytest.param(LAMBDA, "a Lambda layer, a lambda", id="lambda"),
        pytest.param({**DENSE, "config": {"activation": SYSTEM}}, "the function system of posix", id="activation"),
        pytest.param({**DENSE, "config": {"kernel_initializer": BUILTIN}}, "the function exec of builtins", id="exec"),
        pytest.param(UNSAFE, "enable_unsafe_deserialization of keras.config", id="safe mode switched off"),
        pytest.param({"class_name": "TorchModuleWrapper", "config": {"module": "x"}}, "TorchModuleWrapper", id="torch"),
    ],
)
def test_code_is_refused(layer: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds Python code") as caught:
        _keras_code.refuse(keras(tmp_path / "m.keras", [DENSE, layer]))
    assert words in caught.value.seen


def test_what_keras_writes_of_its_own_is_let_through(tmp_path: Path) -> None:
    loss = {"loss": {**BUILTIN, "config": "my_loss"}}  # of the training, which is not loaded
    activated = {**DENSE, "config": {"activation": RELU}}
    _keras_code.refuse(keras(tmp_path / "m.keras", [DENSE, activated], compile_config=loss))


def test_what_is_no_keras_file_is_left_to_keras(tmp_path: Path) -> None:
    (tmp_path / "m.keras").write_bytes(b"no")
    _keras_code.refuse(tmp_path / "m.keras")


def test_code_in_hdf5_is_refused_by_the_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    h5py = pytest.importorskip("h5py", reason="the extra 'train' is not installed")
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"layers": [LAMBDA]}})
    np.savez(tmp_path / "x.npz", x=np.zeros((2, 4), np.float32))
    argv = ["quantize", str(tmp_path / "m.h5"), "--calibration", str(tmp_path / "x.npz"), "-o", os.devnull]
    assert cli.invoke(argv) == 2
    assert "Lambda" in capsys.readouterr().err
