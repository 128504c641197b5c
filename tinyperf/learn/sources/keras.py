"""Keras files: .keras and .h5."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from tinyperf import foreign
from tinyperf.errors import ModelError
from tinyperf.learn import reference, train
from tinyperf.learn.sources import Options, Port, Source, _float, _keras_code

if TYPE_CHECKING:
    from pathlib import Path

KINDS = (foreign.KERAS, foreign.HDF5)


def load(path: Path, _options: Options) -> Source:
    """Raises: ModelError: it holds code, Keras cannot read it, or as `source`. MissingExtraError: no TensorFlow."""
    _keras_code.refuse(path)
    train.tensorflow()
    import keras

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = reference.load_keras(path)
    except Exception as exc:  # Keras raises whatever its layers raise
        first = str(exc).strip().splitlines()[0][:200] if str(exc).strip() else type(exc).__name__
        raise ModelError(
            f"{path} cannot be read by Keras {keras.__version__}: {first}",
            means="damaged, or it needs layers of your own",
            hint="save the model with model.save('model.keras') from the version that made it",
        ) from exc
    return source(network, str(path))


def source(network: Any, path: str) -> Source:
    """A `keras.Model` as a source.

    Raises: ModelError: a size other than the batch's is open, Keras cannot build it for a batch of 1, or the converter
        refuses it.
    """
    tf = train.tensorflow()
    shapes = [*(getattr(network, "inputs", None) or []), *(getattr(network, "outputs", None) or [])]
    if not shapes or any(None in tensor.shape[1:] for tensor in shapes):
        seen = ", ".join(str(list(tensor.shape)) for tensor in shapes) or "none: it was never built"
        raise ModelError(
            f"{path} has inputs and outputs {seen}",
            means="all sizes but the batch's must be known",
            hint="build it with keras.Input(shape=...), and save it again",
        )
    fixed = _fixed_batch(_convertible(network, path))
    inputs = {tensor.name: Port(tensor.name, _one(tensor)) for tensor in fixed.inputs}
    outputs = {f"output_{i}": Port(f"output_{i}", _one(tensor)) for i, tensor in enumerate(fixed.outputs)}
    return _float.source(
        lambda: tf.lite.TFLiteConverter.from_keras_model(fixed), path, "a Keras model", inputs=inputs, outputs=outputs
    )


def _one(tensor: Any) -> tuple[int, ...]:
    return (1, *(int(n) for n in tensor.shape[1:]))


def _convertible(network: Any, path: str) -> Any:
    """Layers whose usual form no microcontroller runtime takes, in another: the same function of the same weights.

    Recurrent layers step by step, not as a loop; UpSampling2D of nearest pixels as one operator, not as TILE.

    Raises: ModelError: a layer keeps its state between inferences, or Keras cannot build the model so.
    """
    import keras

    layers = list(network._flatten_layers())  # noqa: SLF001  (the only way into nested models)
    recurrent = [layer for layer in layers if isinstance(layer, keras.layers.RNN)]
    if kept := [layer.name for layer in recurrent if getattr(layer, "stateful", False)]:
        raise ModelError(
            f"{path}: layers {', '.join(kept)} keep their state between inferences (stateful=True)",
            means="TensorFlow's converter has no int8 form for that",
            hint="give the state as an input and an output of the model",
        )
    loops = [layer for layer in recurrent if not layer.unroll]
    if not loops and not any(_enlarges(layer) for layer in layers):
        return network
    try:
        made = keras.models.clone_model(network, clone_function=_other_form)
        made.set_weights(network.get_weights())
    except Exception as exc:  # Keras raises whatever its layers raise
        raise ModelError(
            f"{path}: layers cannot be built in another form: {str(exc).strip().splitlines()[0][:200]}",
            means="TensorFlow's converter has no int8 form for a loop, nor for UpSampling2D as Keras does it",
            hint="build recurrent layers with unroll=True, and save the model again",
        ) from exc
    return made


def _enlarges(layer: Any) -> bool:
    """By repeating pixels of an image that has its channels last."""
    import keras

    nearest = isinstance(layer, keras.layers.UpSampling2D) and layer.interpolation == "nearest"
    return nearest and layer.data_format == "channels_last"


def _other_form(layer: Any) -> Any:
    """A new layer: unrolled, or with TensorFlow's own operator, or as it was."""
    import keras
    import tensorflow as tf

    class Nearest(keras.layers.UpSampling2D):  # type: ignore[misc]  # Keras has no types
        def call(self, inputs: Any) -> Any:
            size = [int(n) * times for n, times in zip(inputs.shape[1:3], self.size, strict=True)]
            return tf.compat.v1.image.resize_nearest_neighbor(inputs, size)

    config = layer.get_config()
    for part in (config, *(config[side]["config"] for side in ("layer", "backward_layer") if config.get(side))):
        if "unroll" in part:
            part["unroll"] = True
    return Nearest.from_config(config) if _enlarges(layer) else layer.__class__.from_config(config)


def _fixed_batch(network: Any) -> Any:
    """The same network for a batch of 1: an open batch size would put SHAPE, STRIDED_SLICE and PACK into the graph.

    Raises: ModelError: Keras cannot build it so.
    """
    import keras

    if all(tensor.shape[0] == 1 for tensor in network.inputs):
        return network
    inputs = [keras.Input(batch_shape=(1, *t.shape[1:]), name=t.name, dtype=t.dtype) for t in network.inputs]
    try:
        return keras.Model(inputs, network(inputs if len(inputs) > 1 else inputs[0]))
    except Exception as exc:  # Keras raises whatever its layers raise
        raise ModelError(
            f"Keras cannot build the model for a batch of 1: {str(exc).strip().splitlines()[0][:200]}",
            means="it has no layers, or one that needs another batch",
            hint="build it from Keras layers, and save it again",
        ) from exc
