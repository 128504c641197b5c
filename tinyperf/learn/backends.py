"""Host runtimes for an int8 .tflite: what each needs, and one function that runs inputs through any of them.

`tflm` is TensorFlow Lite for Microcontrollers itself, `aot` the C that tinyperf generates, compiled for the host;
these two agree bit for bit with the firmware. `litert` rounds differently (once, not twice) and `tflite-runtime` 2.14
in places: quick, and near, but no oracle for firmware.
"""

from __future__ import annotations

import contextlib
import platform
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from tinyperf.engines import ends
from tinyperf.errors import MissingExtraError, ModelError, UsageError
from tinyperf.learn.silence import silent_stderr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinyperf.tflite import Model

Backend = Literal["tflm", "litert", "aot", "tflite-runtime"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)

Codes = npt.NDArray[np.int8]
Runner = Callable[[Codes], Codes]
"""int8 [n, *input shape without batch] -> int8 [n, output elements]."""

PILOT = 16  # inferences timed before processes are started
FAN_OUT_S = 2.0  # less work than this is done sooner than processes have started
BATCH = 32


def infer(
    backend: Backend, model: Model, codes: Codes, *, jobs: int = 1, progress: Callable[[int], None] = lambda _: None
) -> Codes:
    """Outputs of `model` for all `codes`, in order, int8 [n, outputs].

    Args:
        codes: int8 [n, *input shape without batch].
        jobs: processes at most; more than one only where the work is worth starting them.
        progress: called with the number of inferences done since the last call.
    Raises: MissingExtraError: the runtime is not installed, or not for this machine. ModelError: it refuses the model.
    """
    with opened(backend, model) as run:
        start = time.perf_counter()
        done = [run(codes[:PILOT])]
        progress(len(done[0]))
        rest = codes[PILOT:]
        expected_s = (time.perf_counter() - start) / PILOT * len(rest)
        # Several chunks for each process, so that one slow core does not hold up the end.
        chunks = [chunk for chunk in np.array_split(rest, 8 * jobs) if len(chunk)]
        if jobs > 1 and expected_s > FAN_OUT_S:
            done += _in_processes(backend, model, chunks, jobs, progress)
        else:
            for chunk in chunks:
                done.append(run(chunk))
                progress(len(chunk))
    return np.concatenate(done)


@contextlib.contextmanager
def opened(backend: Backend, model: Model) -> Iterator[Runner]:
    """One model loaded into one runtime.

    Raises: MissingExtraError, ModelError: as `infer`. UsageError: no such backend.
    """
    if model.boundary and backend != "aot":
        raise ModelError(
            f"{model.name} has float32 at its ends, backend '{backend}' is fed int8",
            means="its QUANTIZE and DEQUANTIZE are the host's work on a device",
            hint="'--backend aot' leaves them out; or convert with inference_input_type = tf.int8",
        )
    if backend == "tflm":
        yield _tflm(model)
    elif backend == "litert":
        kind = _litert()
        ends.check(model)
        yield interpreter(backend, kind, model)
    elif backend == "tflite-runtime":
        kind = _tflite_runtime()
        ends.check(model)
        yield interpreter(backend, kind, model)
    elif backend == "aot":
        from tinyperf.engines.aot.host import HostModel

        with HostModel(model) as host:
            yield lambda codes: host.run(codes)[0]
    else:
        raise UsageError(f"unknown backend '{backend}'", hint=f"choose one of {', '.join(BACKENDS)}")


def _in_processes(
    backend: Backend, model: Model, chunks: list[Codes], jobs: int, progress: Callable[[int], None]
) -> list[Codes]:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # Not fork: the runtimes may have threads.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        done = []
        for outputs in pool.map(_chunk, [backend] * len(chunks), [model] * len(chunks), chunks):
            done.append(outputs)
            progress(len(outputs))
        return done


def _chunk(backend: Backend, model: Model, codes: Codes) -> Codes:
    with opened(backend, model) as run:
        return run(codes)


def _tflm(model: Model) -> Runner:
    machine = f"{platform.system()} {platform.machine()}"
    if machine != "Linux x86_64":
        raise MissingExtraError(
            f"backend 'tflm' does not exist for {machine}",
            means="the tflite-micro wheel is published for Linux x86-64 only",
            hint="'--backend aot' gives the same outputs, bit for bit",
        )
    try:
        from tflite_micro import runtime
    except ImportError as exc:
        raise MissingExtraError(
            "backend 'tflm' needs the Python package tflite-micro", hint="pip install 'tinyperf[tflm]'"
        ) from exc
    ends.check(model)
    try:
        interpreter = runtime.Interpreter.from_bytes(model.data, arena_size=max(10 * len(model.data), 1 << 24))
    except (RuntimeError, ValueError, TypeError) as exc:
        raise _refused("tflm", model, exc) from exc

    def run(codes: Codes) -> Codes:
        outputs = []
        for code in codes:
            interpreter.set_input(code[None], 0)
            interpreter.invoke()
            outputs.append(interpreter.get_output(0).reshape(-1))
        return np.array(outputs, np.int8)

    return run


def _litert() -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as exc:
        raise MissingExtraError(
            "backend 'litert' needs the Python package ai-edge-litert", hint="pip install 'tinyperf[litert]'"
        ) from exc
    return Interpreter


def _tflite_runtime() -> Any:
    """Checked before the import, which ends in a raw SystemError with a numpy it was not built for."""
    means = "tflite-runtime 2.14, the last one published, is built for Python below 3.12 and numpy below 2"
    hint = "make an environment of its own with Python 3.11 and pip install 'tinyperf[tflite-runtime]'; or use litert"
    if sys.version_info >= (3, 12):
        raise MissingExtraError(
            f"backend 'tflite-runtime' cannot run on Python {platform.python_version()}", means=means, hint=hint
        )
    if int(np.__version__.split(".", 1)[0]) >= 2:
        raise MissingExtraError(
            f"backend 'tflite-runtime' cannot run with numpy {np.__version__}", means=means, hint=hint
        )
    try:
        from tflite_runtime.interpreter import Interpreter
    except ImportError as exc:
        raise MissingExtraError(
            "backend 'tflite-runtime' needs the Python package tflite-runtime",
            means=means,
            hint="pip install 'tinyperf[tflite-runtime]'",
        ) from exc
    return Interpreter


def interpreter(backend: str, kind: Any, model: Model) -> Runner:
    """LiteRT and its predecessor have the same interface.

    Inputs go in batches of 32 where the model takes them and where the first batch gives the bits of batch 1.
    """
    single = _Batch(backend, kind, model, 1)
    batch: _Batch | None = None

    def run(codes: Codes) -> Codes:
        nonlocal batch
        whole = len(codes) // BATCH * BATCH
        if whole and batch is None:
            batch = _same_in_batches(backend, kind, model, single, codes[:BATCH])
        many = single if batch is None else batch
        parts = [many.run(codes[at : at + many.size]) for at in range(0, whole, many.size)]
        return np.concatenate(parts + [single.run(codes[at : at + 1]) for at in range(whole, len(codes))])

    return run


class _Batch:
    """One interpreter with its input resized to `size` samples."""

    def __init__(self, backend: str, kind: Any, model: Model, size: int) -> None:
        try:
            self._interpreter = kind(model_content=model.data, num_threads=1)
            details = self._interpreter.get_input_details()[0]
            if size > 1:
                self._interpreter.resize_tensor_input(details["index"], (size, *details["shape"][1:]))
            with silent_stderr():  # "Created TensorFlow Lite XNNPACK delegate for CPU."
                self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as exc:
            raise _refused(backend, model, exc) from exc
        self.size = size
        self._input = details["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def run(self, codes: Codes) -> Codes:
        """int8 [size, ...] -> int8 [size, outputs]."""
        self._interpreter.set_tensor(self._input, codes)
        self._interpreter.invoke()
        outputs: Codes = self._interpreter.get_tensor(self._output).reshape(len(codes), -1)
        return outputs


def _same_in_batches(backend: str, kind: Any, model: Model, single: _Batch, codes: Codes) -> _Batch:
    """A batched interpreter that reproduces `single` on `codes`; `single` itself where there is none."""
    try:
        batch = _Batch(backend, kind, model, BATCH)
        same = np.array_equal(batch.run(codes), np.concatenate([single.run(codes[i : i + 1]) for i in range(BATCH)]))
    except (ModelError, RuntimeError, ValueError):  # a RESHAPE to a fixed batch of 1 in the model
        return single
    return batch if same else single


def _refused(backend: str, model: Model, exc: Exception) -> ModelError:
    return ModelError(
        f"backend '{backend}' refuses {model.name}: {str(exc).strip() or type(exc).__name__}",
        means="the file is damaged, or holds an operator this runtime does not have",
        hint="'tinyperf models' lists models that are known to work",
    )
