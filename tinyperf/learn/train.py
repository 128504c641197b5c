"""`tinyperf train`: from training data to a float Keras model, in a run folder that can be resumed and repeated.

A run folder holds `run.json` (recipe, seed, versions, digests of the data, what was dropped), `state.npz` (everything
needed to go on, after each epoch), `log.csv`, `curve.png` and `model.keras` (averaged weights, after every epoch).
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import itertools
import json
import os
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyperf import __version__, content
from tinyperf.datasets import originals
from tinyperf.errors import DataError, DiskError, Interrupted, MissingExtraError, UsageError
from tinyperf.learn import arrays, reference
from tinyperf.learn.recipe import Recipe, Rows, Samples, Sources, Task
from tinyperf.learn.silence import silent_stderr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VALIDATION_BATCH = 256
STATISTICS_BATCHES = 40
AVERAGED_SHARE = 0.2
"""Of a run's steps, the most that averaged weights reach back: in a short run they would still be the first ones."""


@dataclass(frozen=True)
class Epoch:
    """One line of `log.csv`. `accuracy` is the mean of the classes' recalls on the validation part, None for ad.

    `loss` is the training loss with regularisation; `validation_loss` without (ad: squared error, standardised).
    """

    epoch: int
    epochs: int
    loss: float
    validation_loss: float
    accuracy: float | None
    rate: float
    seconds: float
    seconds_left: float


@dataclass(frozen=True)
class Trained:
    """What a run ended with; `minutes` is the sum of all epochs, interrupted ones not counted."""

    benchmark: str
    run: str
    model: str
    epochs: int
    seed: int
    validation_loss: float
    validation_accuracy: float | None
    minutes: float
    dropped: tuple[str, ...]
    notes: tuple[str, ...]


def task(name: str) -> Task:
    """The task of `models/NAME.py`.

    Raises: UsageError: there is none.
    """
    known = content.names("models", ".py")
    if name not in known:
        raise UsageError(f"no training for '{name}'", hint=f"choose one of {', '.join(known)}")
    found: Task = content.load_module("models", known[name]).TASK
    return found


def tensorflow() -> Any:
    """The tensorflow module, quiet.

    Raises: MissingExtraError: not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        with silent_stderr():
            import tensorflow as tf
    except ImportError as exc:
        raise MissingExtraError(
            "training and quantizing need TensorFlow, which is not installed",
            means="everything else of tinyperf works without it, the shipped models included",
            hint="pip install 'tinyperf[train]'",
        ) from exc
    return tf


def sources(known: Task, place: Path) -> Sources:
    """Training files by name: those of the folder; or the file given, under its own name, and the extras beside it.

    Raises: DataError: no training file of the task is there, or no such place.
    """
    folder = place.parent if place.is_file() else place
    names = () if place.is_file() else known.files
    found = {name: folder / name for name in (*names, *known.extras) if (folder / name).is_file()}
    if place.is_file():
        found[place.name if place.name in known.files else known.files[0]] = place
    if not set(found) & set(known.files):
        raise DataError(
            f"no {' or '.join(known.files)} in {folder}",
            means=f"that is what training '{known.name}' starts from",
            hint=f"'tinyperf data {known.name} --from DIR --out DIR' makes it from the original dataset",
        )
    teacher = reference.find(known.teacher_file) if known.teacher_file else None
    return found | ({known.teacher_file: teacher} if known.teacher_file and teacher else {})


def drop_official(known: Task, samples: Samples) -> tuple[Samples, tuple[str, ...]]:
    """The samples without those that are official evaluation inputs, by content; and the names of the dropped."""
    from tinyperf.datasets import official

    listed = official.digests(known.name)
    hit = np.array([official.digest(known.official(samples, unit)) in listed for unit in range(len(samples.y))], bool)
    if not hit.any():
        return samples, ()
    keep: list[int] = np.flatnonzero(~hit).tolist()
    x = samples.x[keep] if isinstance(samples.x, np.ndarray) else [samples.x[i] for i in keep]
    kept = dataclasses.replace(
        samples,
        x=x,
        y=samples.y[keep],
        names=[samples.names[i] for i in keep],
        validation=samples.validation[keep],
        share=samples.share[keep],
        soft=None if samples.soft is None else samples.soft[keep],
    )
    return kept, tuple(samples.names[i] for i in np.flatnonzero(hit).tolist())


def train(
    benchmark: str,
    place: Path,
    out: Path,
    *,
    epochs: int | None = None,
    seed: int = 0,
    notice: Callable[[str], None] = lambda _: None,
    progress: Callable[[Epoch], None] = lambda _: None,
) -> Trained:
    """Train one benchmark's network from `place` (a folder, or the first training file) into the run folder `out`.

    `notice` is told, before the first epoch, what a user should know then: no teacher at hand, samples dropped.
    Raises: UsageError: unknown benchmark, or `out` holds a run. DataError: no data. MissingExtraError: no TensorFlow.
    """
    known = task(benchmark)
    tensorflow()
    if (out / "run.json").exists():
        raise UsageError(f"{out} already holds a run", hint=f"--resume {out} finishes it, or choose another --out")
    if (out / "state.npz").exists():
        raise UsageError(
            f"{out} holds the state of a run, but no run.json",
            means="what the state belongs to is not known, so nothing can go on from it",
            hint="choose another --out, or delete the folder",
        )
    found = sources(known, place)
    recipe = dataclasses.replace(known.recipe, epochs=epochs or known.recipe.epochs)
    run = {
        "benchmark": benchmark,
        "seed": seed,
        "recipe": asdict(recipe),
        "data": {name: {"path": str(p.resolve()), "sha256": _sha256(p)} for name, p in found.items()},
        "versions": _versions(),
    }
    return _go_on(out, run, notice, progress)


def resume(
    out: Path,
    *,
    benchmark: str | None = None,
    notice: Callable[[str], None] = lambda _: None,
    progress: Callable[[Epoch], None] = lambda _: None,
) -> Trained:
    """Go on with an interrupted run: same recipe, seed, schedule and data.

    Raises: UsageError: `out` is no run folder, or a run of another `benchmark`. DataError: it is damaged, or the data
        are gone or changed. MissingExtraError. DiskError.
    """
    run = read_run(out, benchmark)
    tensorflow()
    return _go_on(out, run, notice, progress)


def read_run(out: Path, benchmark: str | None = None) -> dict[str, Any]:
    """run.json of a run folder.

    Raises: UsageError: no run folder, or a run of another `benchmark`. DataError: it is damaged.
    """
    path = out / "run.json"
    if not path.is_file():
        raise UsageError(f"{out} is no run folder: no run.json", hint="'tinyperf train BENCH --out RUN' starts a run")
    try:
        run: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        _check_run(run)
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise _damaged(path, exc) from exc
    if benchmark not in (None, run["benchmark"]):
        raise UsageError(f"{out} is a run of '{run['benchmark']}', not of '{benchmark}'", hint="leave BENCH out")
    return run


def _check_run(run: dict[str, Any]) -> None:
    """Raises: ValueError, KeyError, TypeError, AttributeError: a field is missing, of another kind or out of range."""
    recipe = Recipe(**run["recipe"])
    texts = [run["benchmark"], *(entry[key] for entry in run["data"].values() for key in ("path", "sha256"))]
    whole = [run["seed"], recipe.epochs, recipe.batch, *recipe.hints]
    if not run["data"] or not all(isinstance(t, str) for t in texts) or not all(isinstance(n, int) for n in whole):
        raise ValueError("a field is missing or of another kind")
    if not 0 <= run["seed"] < 2**32 or min(recipe.epochs, recipe.batch) < 1:
        raise ValueError("a number is out of range")


def parts_of(run: dict[str, Any]) -> tuple[Task, Recipe, Sources]:
    """Task, recipe and training files of a run, these as they were when it began.

    Raises: DataError: a training file is gone or has changed.
    """
    recipe = Recipe(**run["recipe"] | {"hints": tuple(run["recipe"]["hints"])})
    found = {name: Path(entry["path"]) for name, entry in run["data"].items()}
    for name, path in found.items():
        if not path.is_file() or _sha256(path) != run["data"][name]["sha256"]:
            raise DataError(
                f"{path} is gone or is not the file this run began with",
                means="going on with other data would make a model that nothing describes",
                hint="put the file back, or start a new run",
            )
    return task(run["benchmark"]), recipe, found


def _damaged(path: Path, exc: Exception) -> DataError:
    return DataError(
        f"{path} is damaged ({type(exc).__name__}: {exc})",
        means="this run cannot go on",
        hint="start a new one in another folder",
    )


def _go_on(out: Path, run: dict[str, Any], notice: Callable[[str], None], progress: Callable[[Epoch], None]) -> Trained:
    known, recipe, found = parts_of(run)
    _writable(out)
    samples, dropped = drop_official(known, known.load(found, run["seed"]))
    notes = list(samples.notes)
    if known.teacher_file and known.teacher_file not in found:
        notes.append(f"no {known.teacher_file} at hand ('tinyperf models pull'): trained from labels alone")
        recipe = dataclasses.replace(recipe, distil=0.0, hint=0.0)
    for note in notes:
        notice(note)
    if dropped:
        notice(f"{len(dropped)} samples are official inputs and left out")
    trainer = Trainer(known, recipe, samples, run["seed"], found)
    log = trainer.restore(out)
    # Only now: a run that cannot even begin must not stand in the way of the next.
    text = json.dumps(run | {"dropped_official": dropped, "notes": notes}, indent=2) + "\n"
    originals.whole(out / "run.json", lambda part: part.write_text(text, encoding="utf-8"))
    notice(f"{trainer.steps} steps an epoch; 'tinyperf train --resume {out}' goes on after a stop")
    try:
        for epoch in range(len(log), recipe.epochs):
            log.append(trainer.epoch(epoch, log))
            trainer.save(out, log)
            progress(log[-1])
    except KeyboardInterrupt as exc:
        raise Interrupted(hint=f"'tinyperf train --resume {out}' goes on after epoch {len(log)}") from exc
    originals.whole(out / "model.keras", trainer.finished_model().save)
    _plot(out / "curve.png", log, benchmark=known.name)
    return Trained(
        benchmark=known.name,
        run=str(out),
        model=str(out / "model.keras"),
        epochs=recipe.epochs,
        seed=run["seed"],
        validation_loss=log[-1].validation_loss,
        validation_accuracy=log[-1].accuracy,
        minutes=sum(e.seconds for e in log) / 60,
        dropped=dropped,
        notes=tuple(notes),
    )


class Trainer:
    """One network in training: it, the average of its weights, its optimizer. Only whole epochs exist outside."""

    def __init__(self, known: Task, recipe: Recipe, samples: Samples, seed: int, found: Sources) -> None:
        import keras

        tf = tensorflow()
        keras.utils.set_random_seed(seed)
        self.known, self.recipe, self.samples, self.seed = known, recipe, samples, seed
        self.network, self.average = known.architecture(), known.architecture()
        make = keras.optimizers.Adam if recipe.optimizer == "adam" else keras.optimizers.SGD
        options = {} if recipe.optimizer == "adam" else {"momentum": 0.9, "nesterov": True}
        self.optimizer = make(recipe.rate, **options)
        self.optimizer.build(self.network.trainable_variables)
        self.steps = int((samples.share * ~samples.validation).sum() * samples.windows) // recipe.batch
        if self.steps == 0 or not samples.validation.any():
            raise DataError(
                f"{len(samples.y)} samples, {samples.validation.sum()} held out, make no batch of {recipe.batch}",
                means="training needs at least one batch, and something to validate on",
                hint="use more data",
            )
        live = known.teacher and recipe.distil and known.teacher_file in found
        teacher = known.teacher(found[known.teacher_file]) if live and known.teacher and known.teacher_file else None
        self._hinted = bool(teacher and recipe.hint)
        if recipe.loss == "classes":
            _check_labels(samples, self.network.output_shape[-1])
        self._step = _step_function(tf, self, teacher)
        norms = [layer for layer in self.average.layers if isinstance(layer, keras.layers.BatchNormalization)]
        self._norms = [(layer.moving_mean, layer.moving_variance) for layer in norms]
        before = keras.Model(self.average.input, [layer.input for layer in norms])
        self._moments = tf.function(
            lambda x: [tf.nn.moments(v, list(range(v.ndim - 1))) for v in before(x, training=True)],
            reduce_retracing=True,
        )
        self._answer = tf.function(lambda x: self.average(x, training=False), reduce_retracing=True)

    def epoch(self, number: int, log: list[Epoch]) -> Epoch:
        """Train one epoch and look at the validation part with the averaged weights."""
        tf = tensorflow()
        began, loss, rate = time.monotonic(), 0.0, 0.0
        total = self.steps * self.recipe.epochs
        average = max(0.0, min(self.recipe.average, 1 - 1 / (AVERAGED_SHARE * total)))
        signature = tuple(tf.TensorSpec((None, *part.shape[1:]), tf.float32) for part in next(self._batches(number)))
        data = tf.data.Dataset.from_generator(lambda: self._batches(number), output_signature=signature).prefetch(4)
        for i, batch in enumerate(data):
            at = number * self.steps + i
            rate = one_cycle(self.recipe, at / total)
            keep = average if at >= self.recipe.average_from * total else 0.0
            forced = self._hinted and at < self.recipe.forced * total
            loss += float(self._step(batch, tf.constant(rate), tf.constant(keep), forced=forced))
        if not np.isfinite(loss):
            raise DataError(
                f"the loss of epoch {number + 1} is no finite number",
                means="training has diverged; the epochs before are kept",
                hint="a lower rate in models/, or data without extreme values",
            )
        self._measure_statistics(number)
        validation_loss, accuracy = self._validate()
        seconds = time.monotonic() - began
        mean = (sum(e.seconds for e in log) + seconds) / (len(log) + 1)
        left = mean * (self.recipe.epochs - number - 1)
        return Epoch(number + 1, self.recipe.epochs, loss / self.steps, validation_loss, accuracy, rate, seconds, left)

    def _batches(self, epoch: int) -> Iterator[tuple[Any, ...]]:
        """(inputs, targets, teacher's logits) of one epoch; the same for the same seed and epoch."""
        samples, recipe = self.samples, self.recipe
        rng = np.random.default_rng([self.seed, 2, epoch])
        units = np.flatnonzero(~samples.validation & (rng.random(len(samples.y)) < samples.share))
        rows = (units[:, None] * samples.windows + np.arange(samples.windows)).reshape(-1)
        order = np.resize(rng.permutation(rows), self.steps * recipe.batch)  # wraps around where an epoch drew too few
        for first in range(0, len(order), recipe.batch):
            part = order[first : first + recipe.batch]
            x = (self.known.augment(samples, part, rng, epoch) - samples.mean) / samples.std
            y = self._targets(part)
            soft = np.zeros_like(y) if samples.soft is None else samples.soft[part]
            if recipe.mixup:
                x, y = _mix(x, y, recipe.mixup, rng)
            yield x.astype(np.float32), y, soft

    def _measure_statistics(self, epoch: int) -> None:
        """Batch norm of the averaged weights: means and variances that they have, not those of the weights averaged.

        As torch.optim.swa_utils.update_bn does for stochastic weight averaging (Izmailov et al., 2018).
        """
        batches = itertools.islice(self._batches(epoch), STATISTICS_BATCHES)
        found = [[[m.numpy() for m in layer] for layer in self._moments(x)] for x, *_ in batches]
        for norm, moments in zip(self._norms, zip(*found, strict=True), strict=True):
            for variable, values in zip(norm, zip(*moments, strict=True), strict=True):
                variable.assign(np.mean(values, axis=0))

    def _targets(self, rows: Rows) -> Any:
        """Reconstruction: the clean input; classes: one-hot float32, all zero where there is no label."""
        if self.recipe.loss == "reconstruction":
            return (self.known.plain(self.samples, rows) - self.samples.mean) / self.samples.std
        classes = self.network.output_shape[-1]
        label = self.samples.y[rows // self.samples.windows]
        return np.asarray(np.arange(classes) == label[:, None], np.float32)

    def _validate(self) -> tuple[float, float | None]:
        samples = self.samples
        rows = samples.rows(validation=True)
        losses, right = [], []
        for first in range(0, len(rows), VALIDATION_BATCH):
            part = rows[first : first + VALIDATION_BATCH]
            x = (self.known.plain(samples, part) - samples.mean) / samples.std
            answer = self._answer(x.astype(np.float32)).numpy()
            wanted = self._targets(part)
            if self.recipe.loss == "reconstruction":
                losses.append(((answer - wanted) ** 2).mean(1))
            else:
                losses.append(-np.log((answer * wanted).sum(1) + 1e-7))
                right.append(answer.argmax(1) == samples.y[part // samples.windows])
        loss = float(np.concatenate(losses).mean())
        if not right:
            return loss, None
        label, hit = samples.y[rows // samples.windows], np.concatenate(right)
        return loss, float(np.mean([hit[label == c].mean() for c in np.unique(label)]))

    def save(self, out: Path, log: list[Epoch]) -> None:
        """Everything needed to go on, and the averaged model as it is now. A kill in between leaves the old files."""
        state: dict[str, Any] = {f"v{i:03}": np.asarray(v) for i, v in enumerate(self._variables())}
        originals.save(out / "state.npz", **state, log=np.array(json.dumps([asdict(e) for e in log])))
        originals.whole(out / "model.keras", self.finished_model().save)
        lines = io.StringIO()
        writer = csv.DictWriter(lines, [f.name for f in dataclasses.fields(Epoch)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(e) for e in log)
        originals.whole(out / "log.csv", lambda part: part.write_text(lines.getvalue(), encoding="utf-8"))

    def restore(self, out: Path) -> list[Epoch]:
        """Log of the epochs done; empty for a run that has not begun.

        Raises: DataError: the state is damaged.
        """
        path = out / "state.npz"
        if not path.is_file():
            return []
        state = arrays.read(path)
        try:
            for i, variable in enumerate(self._variables()):
                variable.assign(state[f"v{i:03}"])
            return [Epoch(**entry) for entry in json.loads(str(state["log"]))]
        except (KeyError, TypeError, ValueError) as exc:
            raise _damaged(path, exc) from exc

    def _variables(self) -> list[Any]:
        return [*self.network.variables, *self.average.variables, *self.optimizer.variables]

    def finished_model(self) -> Any:
        """The averaged model for inputs as `Task.plain` gives them: standardisation folded in."""
        samples = self.samples
        if samples.std == 1.0 and samples.mean == 0.0:
            return self.average
        model = self.known.architecture()
        model.set_weights(self.average.get_weights())
        first, last = model.layers[1], model.layers[-1]
        kernel, bias = (np.asarray(w) for w in first.get_weights())
        first.set_weights([kernel / samples.std, bias - kernel.sum(0) * samples.mean / samples.std])
        kernel, bias = (np.asarray(w) for w in last.get_weights())
        last.set_weights([kernel * samples.std, bias * samples.std + samples.mean])
        return model


def _check_labels(samples: Samples, classes: int) -> None:
    """Raises: DataError: a label that is no class of the network and not -1."""
    wrong = np.flatnonzero((samples.y >= classes) | (samples.y < -1))
    if wrong.size:
        raise DataError(
            f"label {samples.y[wrong[0]]} of {samples.names[wrong[0]]} is out of range 0 to {classes - 1}",
            means=f"{wrong.size} of {len(samples.y)} samples have no class that the network knows",
            hint="mend the labels, or leave these samples out",
        )


def _step_function(tf: Any, trainer: Trainer, teacher: Any) -> Any:
    """One optimizer step on (inputs, targets, teacher's logits), compiled."""
    import keras

    recipe, network, average = trainer.recipe, trainer.network, trainer.average
    last = network.layers[-1]
    hints = recipe.hints if teacher and recipe.hint else ()
    relus = [layer.output for layer in network.layers if isinstance(layer, keras.layers.ReLU)]
    points = [network.input, *[relus[i] for i in hints]]
    whole = keras.Model(network.input, [last.input, last.output, *points[1:]])
    pieces = [keras.Model(start, end) for start, end in itertools.pairwise([*points, last.input])] if hints else []
    kernels = [v for v in network.trainable_variables if "kernel" in v.path.rsplit("/", 1)[-1]]

    def loss_of(x: Any, y: Any, soft: Any, *, forced: bool) -> Any:
        taught: list[Any] = []
        if teacher:
            soft, *taught = teacher(x)
        if forced:
            *own, before = [piece(part, training=True) for piece, part in zip(pieces, [x, *taught], strict=True)]
            output = None
        else:
            before, output, *own = whole(x, training=True)
        if recipe.loss == "reconstruction":
            return tf.reduce_mean(tf.square(output - y))
        logits = tf.linalg.matmul(before, last.kernel.value) + last.bias.value
        loss = _class_loss(tf, recipe, logits, y, soft)
        for mine, wanted in zip(own, taught, strict=bool(own)):
            loss += recipe.hint / len(own) * _power(tf, mine - wanted) / _power(tf, wanted)
        return loss

    def step(batch: Any, rate: Any, keep: Any, *, forced: bool) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(*batch, forced=forced)
            if recipe.decay:
                loss += recipe.decay * tf.add_n([tf.nn.l2_loss(k.value) for k in kernels])
        weights = network.trainable_variables
        gradients = tape.gradient(loss, [w.value for w in weights])
        trainer.optimizer.learning_rate.assign(rate)
        trainer.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        for own, mean in zip(weights, average.trainable_variables, strict=True):
            mean.assign(keep * mean.value + (1 - keep) * own.value)
        return loss

    return tf.function(step)


def _power(tf: Any, x: Any) -> Any:
    return tf.reduce_mean(tf.square(x))


def _class_loss(tf: Any, recipe: Recipe, logits: Any, y: Any, soft: Any) -> Any:
    """Cross-entropy on the labelled samples, Kullback-Leibler divergence to the teacher (times T^2, Hinton) on all."""
    classes = logits.shape[-1]
    labelled = tf.reduce_sum(y, 1, keepdims=True)
    target = (1 - recipe.smoothing) * y + labelled * recipe.smoothing / classes
    loss = (1 - recipe.distil) * tf.reduce_mean(-tf.reduce_sum(target * tf.nn.log_softmax(logits), 1))
    if recipe.distil:
        wanted = tf.nn.log_softmax(soft / recipe.temperature)
        given = tf.nn.log_softmax(logits / recipe.temperature)
        divergence = tf.reduce_mean(tf.reduce_sum(tf.exp(wanted) * (wanted - given), 1))
        loss += recipe.distil * recipe.temperature**2 * divergence
    return loss


def one_cycle(recipe: Recipe, at: float) -> float:
    """Learning rate at a share of all steps: linear up, then linear to zero."""
    if at < recipe.warmup:
        return recipe.rate * at / recipe.warmup
    return recipe.rate * (1 - at) / (1 - recipe.warmup)


def _mix(x: Any, y: Any, share: float, rng: np.random.Generator) -> tuple[Any, Any]:
    """Blend a share of the batch with other samples of it, inputs and targets alike."""
    other = rng.permutation(len(x))
    part = np.where(rng.random(len(x)) < share, rng.uniform(0.3, 1.0, len(x)), 1.0).astype(np.float32)
    wide = part.reshape(-1, *[1] * (x.ndim - 1))
    return wide * x + (1 - wide) * x[other], part[:, None] * y + (1 - part[:, None]) * y[other]


def _plot(path: Path, log: list[Epoch], *, benchmark: str) -> None:
    """Loss and validation accuracy over the epochs; left out where matplotlib (extra `plot`) is missing."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    numbers = [e.epoch for e in log]
    axes.plot(numbers, [e.loss for e in log], label="loss, training")
    axes.plot(numbers, [e.validation_loss for e in log], label="loss, validation")
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss")
    if log[0].accuracy is not None:
        right = axes.twinx()
        right.plot(numbers, [100 * (e.accuracy or 0.0) for e in log], "k--", label="accuracy, validation")
        right.set_ylabel("mean recall of the classes, %")
    figure.legend(loc="outside lower center", ncols=3)
    figure.suptitle(f"tinyperf train {benchmark}")
    originals.whole(path, lambda part: figure.savefig(part, dpi=110))


def _versions() -> dict[str, str]:
    import keras

    return {
        "tinyperf": __version__,
        "python": platform.python_version(),
        "tensorflow": tensorflow().__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }


def _writable(out: Path) -> None:
    """Find out before the data are loaded.

    Raises: DiskError: nothing can be written there.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "log.csv").touch()
    except OSError as exc:
        raise DiskError(f"{out} cannot be written: {exc.strerror}", hint="choose another --out") from exc


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
