"""Host runtimes for a .tflite: what each needs, and one function that runs inputs through any of them.

`tflm` is TensorFlow Lite for Microcontrollers itself, `aot` the C that tinyperf generates, compiled for the host;
these two agree bit for bit with the firmware. `litert` rounds differently (once, not twice) and `tflite-runtime` 2.14
in places: quick, and near, but no oracle for firmware.
"""

from __future__ import annotations

import contextlib
import itertools
import platform
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from tinyperf.engines import ends
from tinyperf.engines.tflm import ops
from tinyperf.errors import MissingExtraError, ModelError, UsageError
from tinyperf.learn.silence import silent_stderr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinyperf.engines.aot.host import HostModel
    from tinyperf.tflite import Model

Backend = Literal["tflm", "litert", "aot", "tflite-runtime"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)

Arrays = Sequence[npt.NDArray[Any]]
"""An array for each input or output of a model, of its type; rows are inferences."""
Runner = Callable[[Arrays], tuple[npt.NDArray[Any], ...]]
"""Inputs [n, *shape] each -> outputs [n, elements] each. A model's variables start anew before the first row, and go on
from row to row.
"""

PILOT = 16  # inferences timed before processes are started
FAN_OUT_S = 2.0  # less work than this is done sooner than processes have started
BATCH = 32
ARENAS = (1 << 24, 1 << 27, 1 << 30)
"""Bytes of TFLM's on this computer, tried in turn: its own default is ten times the file, too few for some."""


def infer(
    backend: Backend,
    model: Model,
    inputs: Arrays,
    *,
    streams: Sequence[int] | None = None,
    jobs: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[npt.NDArray[Any], ...]:
    """Outputs of `model` for all rows of `inputs`, in order: an array [n, elements] for each.

    Args:
        inputs: an array [n, *shape] for each input of the model.
        streams: of a model with variables: how many rows belong together, n in all; the variables start anew before
            each of these streams. None: every row is one.
        jobs: processes at most; more than one only where the work is worth starting them.
        progress: called with the number of inferences done since the last call.
    Raises: MissingExtraError: the runtime is not installed, or not for this machine. ModelError: it refuses the model.
    """
    starts = _starts(model, len(inputs[0]), streams)
    first = next((at for at in starts if at >= PILOT), starts[-1])
    with opened(backend, model) as run:
        start = time.perf_counter()
        done = [_run(run, model, _rows(inputs, 0, first), starts)]
        progress(first)
        rest = [at for at in starts if at >= first]
        expected_s = (time.perf_counter() - start) / max(first, 1) * (starts[-1] - first)
        # Several chunks for each process, so that one slow core does not hold up the end.
        cuts = sorted({rest[(len(rest) - 1) * k // (8 * jobs)] for k in range(8 * jobs + 1)})
        chunks = [(_rows(inputs, low, high), _within(starts, low, high)) for low, high in itertools.pairwise(cuts)]
        if jobs > 1 and expected_s > FAN_OUT_S:
            done += _in_processes(backend, model, chunks, jobs, progress)
        else:
            for chunk in chunks:
                done.append(_run(run, model, *chunk))
                progress(len(chunk[0][0]))
    return tuple(map(np.concatenate, zip(*done, strict=True)))


def _starts(model: Model, count: int, streams: Sequence[int] | None) -> list[int]:
    """The rows at which a call of the runner may begin, and their number at the end."""
    if model.stateful and streams is not None:
        return [0, *itertools.accumulate(streams)]
    return list(range(count + 1))


def _rows(inputs: Arrays, low: int, high: int) -> list[npt.NDArray[Any]]:
    return [rows[low:high] for rows in inputs]


def _within(starts: Sequence[int], low: int, high: int) -> list[int]:
    """Those of the rows from `low` to `high`, counted from there."""
    return [at - low for at in starts if low <= at <= high]


def _run(run: Runner, model: Model, inputs: Arrays, starts: Sequence[int]) -> tuple[npt.NDArray[Any], ...]:
    """All rows at once, or stream by stream."""
    if not model.stateful:
        return run(inputs)
    count = len(inputs[0])
    pairs = itertools.pairwise(at for at in starts if at <= count)
    return tuple(map(np.concatenate, zip(*(run(_rows(inputs, low, high)) for low, high in pairs), strict=True)))


@contextlib.contextmanager
def opened(backend: Backend, model: Model) -> Iterator[Runner]:
    """One model loaded into one runtime.

    Raises: MissingExtraError, ModelError: as `infer`. UsageError: no such backend.
    """
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
            if model.called:  # CALL_ONCE: a reset does not call it again, so no stream shall differ from the others
                host.run(*(np.zeros((1, *t.shape), t.dtype) for t in model.input_tensors))
            yield partial(_compiled, host)
    else:
        raise UsageError(f"unknown backend '{backend}'", hint=f"choose one of {', '.join(BACKENDS)}")


def _compiled(host: HostModel, inputs: Arrays) -> tuple[npt.NDArray[Any], ...]:
    host.reset()
    return host.run(*inputs)


Chunk = tuple[list[npt.NDArray[Any]], list[int]]
"""Inputs, and the rows at which streams begin."""


def _in_processes(
    backend: Backend, model: Model, chunks: list[Chunk], jobs: int, progress: Callable[[int], None]
) -> list[tuple[npt.NDArray[Any], ...]]:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # Not fork: the runtimes may have threads.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        done = []
        for outputs in pool.map(_chunk, [backend] * len(chunks), [model] * len(chunks), chunks):
            done.append(outputs)
            progress(len(outputs[0]))
        return done


def _chunk(backend: Backend, model: Model, chunk: Chunk) -> tuple[npt.NDArray[Any], ...]:
    with opened(backend, model) as run:
        return _run(run, model, *chunk)


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
    found, lines = ends.reasons(model), ops.missing(model)
    if found or lines:
        hints = ["convert the model with operators of TFLM only"] if lines else []
        raise ends.refusal(model, found, lines, hints=hints)
    interpreter = _allocated(runtime, model)
    if model.called:  # as in `opened`
        interpreter.invoke()

    def run(inputs: Arrays) -> tuple[npt.NDArray[Any], ...]:
        outputs = [np.empty((len(inputs[0]), t.elements), t.dtype) for t in model.output_tensors]
        if model.stateful:
            interpreter.reset()
        for row in range(len(inputs[0])):
            for i, rows in enumerate(inputs):
                interpreter.set_input(rows[row], i)
            try:
                interpreter.invoke()
            except RuntimeError as exc:
                raise _refused("tflm", model, exc) from exc
            for i, made in enumerate(outputs):
                made[row] = interpreter.get_output(i).reshape(-1)
        return tuple(outputs)

    return run


def _allocated(runtime: Any, model: Model) -> Any:
    """An interpreter in the smallest of some arenas that it fits into; what is not used of one costs nothing."""
    *smaller, last = ARENAS
    for size in smaller:
        with contextlib.suppress(RuntimeError, ValueError, TypeError), silent_stderr():
            return runtime.Interpreter.from_bytes(model.data, arena_size=size)
    try:
        return runtime.Interpreter.from_bytes(model.data, arena_size=last)
    except (RuntimeError, ValueError, TypeError) as exc:
        raise _refused("tflm", model, exc) from exc


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
    batch = None if all(t.shape[:1] == (1,) for t in model.input_tensors) else single

    def anew(inputs: Arrays) -> tuple[npt.NDArray[Any], ...]:
        """Resetting leaves resource variables as they are, so each stream has an interpreter of its own."""
        fresh = _Batch(backend, kind, model, 1)
        made = [fresh.run(_rows(inputs, row, row + 1)) for row in range(len(inputs[0]))]
        return tuple(map(np.concatenate, zip(*made, strict=True)))

    if model.stateful:
        return anew

    def run(inputs: Arrays) -> tuple[npt.NDArray[Any], ...]:
        nonlocal batch
        count = len(inputs[0])
        whole = count // BATCH * BATCH
        if whole and batch is None:
            batch = _same_in_batches(backend, kind, model, single, [rows[:BATCH] for rows in inputs])
        many = single if batch is None else batch
        starts = [*range(0, whole, many.size), *range(whole, count)]
        parts = [
            (many if at < whole else single).run([rows[at : at + (many.size if at < whole else 1)] for rows in inputs])
            for at in starts
        ]
        return tuple(map(np.concatenate, zip(*parts, strict=True)))

    return run


class _Batch:
    """One interpreter with its inputs resized to `size` samples."""

    def __init__(self, backend: str, kind: Any, model: Model, size: int) -> None:
        try:
            self._interpreter = kind(model_content=model.data, num_threads=1)
            if size > 1:
                for tensor in model.input_tensors:
                    self._interpreter.resize_tensor_input(tensor.index, (size, *tensor.shape[1:]))
            with silent_stderr():  # "Created TensorFlow Lite XNNPACK delegate for CPU."
                self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as exc:
            raise _refused(backend, model, exc) from exc
        self.size = size
        self._model = model

    def run(self, inputs: Arrays) -> tuple[npt.NDArray[Any], ...]:
        """[size, *shape] each -> [size, elements] each."""
        for tensor, rows in zip(self._model.input_tensors, inputs, strict=True):
            first, *others = tensor.shape or (None,)
            self._interpreter.set_tensor(
                tensor.index, rows.reshape(() if first is None else (first * self.size, *others))
            )
        self._interpreter.invoke()
        return tuple(self._interpreter.get_tensor(i).reshape(self.size, -1) for i in self._model.outputs)


def _same_in_batches(backend: str, kind: Any, model: Model, single: _Batch, inputs: Arrays) -> _Batch:
    """A batched interpreter that reproduces `single` on `inputs`; `single` itself where there is none."""
    try:
        batch = _Batch(backend, kind, model, BATCH)
        one_by_one = [single.run([rows[i : i + 1] for rows in inputs]) for i in range(BATCH)]
        wanted = map(np.concatenate, zip(*one_by_one, strict=True))
        same = all(map(np.array_equal, batch.run(inputs), wanted))
    except (ModelError, RuntimeError, ValueError):  # a RESHAPE to a fixed batch of 1 in the model
        return single
    return batch if same else single


def _refused(backend: str, model: Model, exc: Exception) -> ModelError:
    return ModelError(
        f"backend '{backend}' refuses {model.name}: {str(exc).strip() or type(exc).__name__}",
        means="the file is damaged, or holds an operator this runtime does not have",
        hint="'tinyperf models' lists models that are known to work",
    )
