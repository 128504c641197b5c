"""Folders of TensorFlow's SavedModel with one serving signature."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from tinyperf import foreign
from tinyperf.errors import ModelError
from tinyperf.learn import train
from tinyperf.learn.sources import Options, Port, Source, _float

if TYPE_CHECKING:
    from pathlib import Path

KINDS = (foreign.SAVED_MODEL,)


def load(path: Path, _options: Options) -> Source:
    """Raises: ModelError: it cannot be read, has no signature, or a size other than the batch's is open.

    MissingExtraError: no TensorFlow.
    """
    tf = train.tensorflow()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = tf.saved_model.load(str(path))
    except Exception as exc:  # TensorFlow raises whatever it meets
        first = str(exc).strip().splitlines()[0][:200] if str(exc).strip() else type(exc).__name__
        raise ModelError(
            f"{path} cannot be read by TensorFlow {tf.__version__}: {first}",
            means="damaged, or of another version; a .keras or .h5 file travels better",
            hint="save the model with model.save('model.keras') from the version that made it",
        ) from exc
    name = next((n for n in ("serving_default", "serve") if n in loaded.signatures), None)
    if name is None:
        raise ModelError(
            f"{path} has signatures {sorted(loaded.signatures) or 'none'}, not serving_default",
            hint="save it with model.export(folder), or give a .keras file",
        )
    signature = loaded.signatures[name]
    specs = signature.structured_input_signature[1]
    inputs = {key: Port(key, _one(spec, path)) for key, spec in specs.items()}

    @tf.function(  # type: ignore[untyped-decorator]  # TensorFlow has no types
        input_signature=[tf.TensorSpec(port.shape, specs[key].dtype, key) for key, port in inputs.items()]
    )
    def network(*tensors: Any) -> Any:
        return signature(**dict(zip(inputs, tensors, strict=True)))

    made = network.get_concrete_function()
    outputs = {key: Port(key, _one(spec, path)) for key, spec in made.structured_outputs.items()}
    return _float.source(
        lambda: tf.lite.TFLiteConverter.from_concrete_functions([made], loaded),
        str(path),
        "a SavedModel",
        inputs=inputs,
        outputs=outputs,
    )


def _one(spec: Any, path: Path) -> tuple[int, ...]:
    """The shape for a batch of 1."""
    sizes = None if spec.shape.rank is None else spec.shape.as_list()
    if not sizes or None in sizes[1:]:
        raise ModelError(
            f"{path}: '{spec.name}' has the open shape {spec.shape}",
            means="all sizes but the batch's must be known",
            hint="build it with keras.Input(shape=...), and save it again",
        )
    return (1, *sizes[1:])
