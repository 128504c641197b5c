"""PyTorch: a program of torch.export (.pt2), by way of ONNX, which PyTorch itself writes.

Loading such a file can run code: tensors may be pickled, operators may be any function of torch, sizes may be text
that sympy evaluates. A file that has any of this is refused before PyTorch sees it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import logging
import re
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf import foreign
from tinyperf.errors import MissingExtraError, ModelError
from tinyperf.learn import train
from tinyperf.learn.silence import silent_stderr
from tinyperf.learn.sources import onnx

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tinyperf.learn.sources import Floats, Options, Source

KINDS = (foreign.EXPORTED,)
MOST_JSON_BYTES = 2**28
SAFE_TARGETS = re.compile(r"(torch\.ops\.aten\.\w+\.\w+|_operator\.(getitem|add|sub|mul|floordiv))\Z")


def load(path: Path, options: Options) -> Source:
    """Raises: ModelError: it cannot be read, or not without running code of its own. MissingExtraError: no PyTorch."""
    try:
        import onnxscript  # noqa: F401  (what torch.onnx needs)
        import torch
    except ImportError as exc:
        raise MissingExtraError(
            "PyTorch programs need the packages torch and onnxscript",
            means="they are large (the extra 'torch'); an ONNX export needs neither here",
            hint="pip install 'tinyperf[torch]', or torch.onnx.export(program, f='model.onnx') where PyTorch is",
        ) from exc
    onnx.package()
    train.tensorflow()
    content = _safe(path)
    try:
        with _quiet():
            program = torch.export.load(io.BytesIO(content))
            model = torch.onnx.export(program, dynamo=True).model_proto
    except Exception as exc:  # torch raises whatever its parts raise
        first = (str(exc).strip().splitlines() or [type(exc).__name__])[0][:200]
        raise ModelError(
            f"{path} cannot be translated by PyTorch {torch.__version__}: {first}",
            means="it was written by another version, or holds operators that ONNX has not",
            hint="export it again with the installed PyTorch: torch.export.save(torch.export.export(model.eval(), "
            "(example,)), 'model.pt2')",
        ) from exc
    made = onnx.source(model, str(path), "a PyTorch program", options)
    return dataclasses.replace(made, exact=_runtime(program))


def _runtime(program: Any) -> Any:
    """PyTorch itself."""

    def run(values: Sequence[Floats]) -> list[Floats]:
        import torch

        with torch.no_grad(), _quiet():
            results = program.module()(*(torch.from_numpy(np.ascontiguousarray(v)) for v in values))
        found = results if isinstance(results, tuple | list) else [results]
        return [np.asarray(r.numpy(), np.float32) for r in found]

    return run


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """PyTorch's exporter writes to the terminal as it likes."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), silent_stderr():
        warnings.simplefilter("ignore")
        yield


def _safe(path: Path) -> bytes:
    """The file's bytes, if loading it runs nothing but operators of ATen on tensors that lie as plain bytes.

    Raises: ModelError: it is damaged, or would do more.
    """
    import torch

    try:
        content = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            texts = {name: _json(archive, name) for name in names if name.endswith(".json")}
            samples = [archive.read(name) for name in names if name.endswith(".pt")]
            forms = [archive.read(name) for name in names if name.endswith("/archive_format")]
    except (OSError, zipfile.BadZipFile, ValueError, RecursionError, KeyError) as exc:
        raise ModelError(
            f"{path} cannot be read as a PyTorch program ({type(exc).__name__})",
            means="it is cut short, or something else",
            hint="torch.export.save writes one",
        ) from exc
    risks = sorted({risk for text in texts.values() for risk in _risks(text)})
    for sample in samples:
        try:
            torch.load(io.BytesIO(sample), weights_only=True)
        except Exception:  # noqa: BLE001  (torch raises what its parts raise; whatever it is, the file is not plain)
            risks.append("example inputs that are no plain tensors")
    if forms != [b"pt2"] or not any("/models/" in name for name in texts):
        risks.append("no program in the form of PyTorch 2.7 or newer")
    if risks:
        raise ModelError(
            f"{path} is not loaded: it has {', '.join(risks)}",
            means="PyTorch would run code of the file to read that",
            hint="export it with fixed sizes, plain tensors and operators of PyTorch's own, or give it as ONNX",
        )
    return content


def _json(archive: zipfile.ZipFile, name: str) -> Any:
    if archive.getinfo(name).file_size > MOST_JSON_BYTES:
        raise ValueError(name)
    return json.loads(archive.read(name))


def _risks(value: Any) -> Iterator[str]:
    """What in a description would be evaluated, unpickled or called."""
    if isinstance(value, list):
        for item in value:
            yield from _risks(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "use_pickle" and item:
                yield "pickled tensors"
            elif key in ("expr_str", "as_expr") and item:
                yield "open sizes"
            elif key == "target" and isinstance(item, str) and not SAFE_TARGETS.match(item):
                yield f"the operator {item[:80]}"
            elif key in ("as_custom_obj", "custom_obj_values") and item:
                yield "objects of its own"
            elif key == "guards_code" and item:
                yield "guards"
            yield from _risks(item)
