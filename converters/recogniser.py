"""Anybody's Keras model as a recogniser: ``(N, 28, 28) float32`` pixels / 255 in, logits out.

People's models take other shapes, scale pixels themselves and end in a softmax. What the graph shows of that is found
here, once, so that every converter starts from the same: a scaling of its own is taken into the artifact's, and another
than 1/255 into the weights of a first Dense; a softmax at the end is left off. What the graph does not show, the caller
says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from digitrec_edge.errors import ConversionError
from digitrec_edge.labels import COUNTS, DIGITS
from digitrec_edge.quantization import PIXEL_MAX, SIDE

SHAPES = ((SIDE, SIDE), (SIDE, SIDE, 1), (SIDE * SIDE,))
"""Shapes of a picture that models take, without the batch."""

OF_PIXELS = 0.1
"""A model's own Rescaling by less than this is of pixels 0 to 255 (1/255, 1/127.5), one by more of values up to 1."""

_SMALLEST_PROBABILITY = 1e-7


@dataclass(frozen=True)
class Meaning:
    """What goes into a Keras model and what comes out; None is what its graph shows.

    Attributes:
        input_scale: factor and offset that turn a pixel, 0 to 255, into the model's input. Without a Rescaling in the
            graph it is 1/255 and 0.
        output: what its last layer gives. Without a softmax in the graph it is logits.
    """

    input_scale: tuple[float, float] | None = None
    output: Literal["logits", "probabilities"] | None = None


AS_THE_GRAPH_SHOWS = Meaning()


@dataclass(frozen=True)
class Recogniser:
    """A Keras model from pixels / 255 to logits.

    Attributes:
        model: takes ``(N, 28, 28) float32`` in 0 to 1, gives logits, one for each label.
        notes: what was found in the graph and changed, a line each.
    """

    model: Any
    notes: tuple[str, ...]


def as_recogniser(model: Any, classes: int, meaning: Meaning, path: Path) -> Recogniser:
    """Make a recogniser of a Keras model; one that is a recogniser already comes back as it is.

    Raises:
        ConversionError: it does not take one grey picture of 28 x 28 pixels, or does not give ``classes`` numbers.
    """
    shape = _picture_shape(model, classes, path)
    notes: list[str] = []
    layers = _chain(model)
    core: Any = model if layers is None else _Layers(layers)
    core = _without_softmax(core, meaning, notes)
    core, scale, offset = _without_scaling(core, meaning, notes)
    ahead = _ahead(shape, scale, offset)
    if isinstance(core, _Layers):
        if not ahead and not notes and _is_plain(model):
            return Recogniser(model, ())
        if _scales(scale, offset) and (scaled := _scaled_dense(core.layers, scale, offset)):
            core, ahead = scaled, _ahead(shape, 1 / PIXEL_MAX, 0.0)
        return Recogniser(_sequential([*ahead, *core.layers, *_behind(meaning, core, notes)]), tuple(notes))
    return Recogniser(_functional([*ahead, core, *_behind(meaning, core, notes)]), tuple(notes))


@dataclass(frozen=True)
class _Layers:
    """A model whose layers follow one another."""

    layers: tuple[Any, ...]


def _picture_shape(model: Any, classes: int, path: Path) -> tuple[int, ...]:
    counts = [len(getattr(model, kind, None) or ()) for kind in ("inputs", "outputs")]
    if counts != [1, 1]:
        raise ConversionError(
            f"{path} has {counts[0]} inputs and {counts[1]} outputs that are known; a Sequential or Functional model "
            "with one of each is needed"
        )
    taken, given = tuple(model.input_shape[1:]), tuple(model.output_shape[1:])
    fits = [
        shape
        for shape in SHAPES
        if len(shape) == len(taken) and all(have in (None, want) for have, want in zip(taken, shape, strict=True))
    ]
    if not fits or given != (classes,):
        hint = "; its labels: --labels FILE, one a line" if fits and len(given) == 1 and given[0] in COUNTS else ""
        what = "digit recogniser" if classes == len(DIGITS) else f"recogniser of {classes} labels"
        raise ConversionError(
            f"{path} is no {what}: a model from {', '.join(map(str, SHAPES[:-1]))} or "
            f"{SHAPES[-1]} to ({classes},) is needed, this one is {type(model).__name__} from {taken} to {given}{hint}"
        )
    return fits[0]


def _chain(model: Any) -> tuple[Any, ...] | None:
    """Return the layers of a model where each takes what the one before it gives; None for any other graph."""
    import keras

    if isinstance(model, keras.Sequential):
        found: list[Any] = []
        for layer in model.layers:
            inner = _chain(layer) if isinstance(layer, keras.Sequential) else (layer,)
            if inner is None:
                return None
            found += inner
        return tuple(found)
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    before = model.inputs[0]
    for layer in layers:
        if isinstance(layer, keras.Model) or len(layer._inbound_nodes) != 1 or layer.input is not before:
            return None
        before = layer.output
    return tuple(layers) if before is model.outputs[0] else None


def _is_plain(model: Any) -> bool:
    """Whether it is a Sequential without another one inside."""
    import keras

    return isinstance(model, keras.Sequential) and not any(isinstance(one, keras.Model) for one in model.layers)


def _without_softmax(core: Any, meaning: Meaning, notes: list[str]) -> Any:
    """Leave a softmax at the end off."""
    import keras

    if meaning.output == "logits":
        return core
    last = core.layers[-1] if isinstance(core, _Layers) else core.outputs[0]._keras_history.operation
    if isinstance(last, keras.layers.Softmax) or (
        isinstance(last, keras.layers.Activation) and last.activation is keras.activations.softmax
    ):
        notes.append(f"layer {last.name!r}, a softmax, is left off: artifacts give logits")
        return _Layers(core.layers[:-1]) if isinstance(core, _Layers) else keras.Model(core.inputs, last.input)
    if getattr(last, "activation", None) is keras.activations.softmax:
        notes.append(f"the softmax of layer {last.name!r} is left off: artifacts give logits")
        last.activation = keras.activations.linear
    return core


def _without_scaling(core: Any, meaning: Meaning, notes: list[str]) -> tuple[Any, float, float]:
    """Take a scaling of pixels out of the front; returns factor and offset from pixels to what goes in now."""
    if meaning.input_scale:
        return core, *meaning.input_scale
    import keras

    layers = tuple(layer for layer in core.layers if not isinstance(layer, keras.layers.InputLayer))
    place = _scaling(layers)
    if place is None:
        return core, 1 / PIXEL_MAX, 0.0
    layer = layers[place]
    notes.append(f"layer {layer.name!r} scales pixels by {layer.scale:.6g} {layer.offset:+.6g}: artifacts take pixels")
    if not isinstance(core, _Layers):
        return core, 1.0, 0.0
    return _Layers(layers[:place] + layers[place + 1 :]), float(layer.scale), float(layer.offset)


def _scaling(layers: Sequence[Any]) -> int | None:
    """Find a Rescaling of pixels that nothing but changes of shape stands before."""
    import keras

    for place, layer in enumerate(layers):
        if isinstance(layer, keras.layers.Rescaling):
            plain = isinstance(layer.scale, int | float) and isinstance(layer.offset, int | float)
            return place if plain and abs(layer.scale) < OF_PIXELS else None
        if not isinstance(layer, _of_shape()):
            return None
    return None


def _ahead(shape: tuple[int, ...], scale: float, offset: float) -> list[Any]:
    """Layers from pixels / 255 to what a model takes; none where that is the same."""
    import keras

    layers: list[Any] = [] if shape == SHAPES[0] else [keras.layers.Reshape(shape, name="picture")]
    if _scales(scale, offset):
        layers.append(keras.layers.Rescaling(PIXEL_MAX * scale, offset, name="scaling"))
    return layers


def _scales(scale: float, offset: float) -> bool:
    """Whether a model takes anything but pixels / 255."""
    return abs(PIXEL_MAX * scale - 1) > 1e-6 or bool(offset)


def _scaled_dense(layers: Sequence[Any], scale: float, offset: float) -> _Layers | None:
    """Take a scaling of pixels into the weights of a Dense that nothing but changes of shape stands before.

    Without an operator of their own for it, models fit where Dense layers alone are computed.
    """
    import keras

    place = next((k for k, one in enumerate(layers) if not isinstance(one, _of_shape())), len(layers))
    if place == len(layers) or type(layers[place]) is not keras.layers.Dense:
        return None
    before = layers[place]
    kernel, bias = np.asarray(before.kernel), np.asarray(before.bias) if before.use_bias else 0.0
    after = keras.layers.Dense(before.units, before.activation, name=before.name, dtype=before.dtype_policy)
    after.build((None, len(kernel)))
    after.set_weights([kernel * np.float32(PIXEL_MAX * scale), bias + offset * kernel.sum(axis=0)])
    return _Layers((*layers[:place], after, *layers[place + 1 :]))


def _of_shape() -> tuple[type, ...]:
    """Layers that change a picture's shape alone."""
    import keras

    return keras.layers.Reshape, keras.layers.Flatten


def _behind(meaning: Meaning, core: Any, notes: list[str]) -> list[Any]:
    """Logits of probabilities, where the graph shows no softmax that could be left off."""
    if meaning.output != "probabilities" or any("softmax" in note for note in notes):
        return []
    import keras

    class Logarithm(keras.layers.Layer):  # type: ignore[misc]
        def call(self, probabilities: Any) -> Any:
            return keras.ops.log(keras.ops.maximum(probabilities, _SMALLEST_PROBABILITY))

    return [Logarithm(name="logarithm")]


def _sequential(layers: Sequence[Any]) -> Any:
    import keras

    return keras.Sequential([keras.Input((SIDE, SIDE), name="image"), *layers], name="digitrec")


def _functional(layers: Sequence[Any]) -> Any:
    import keras

    image = keras.Input((SIDE, SIDE), name="image")
    output = image
    for layer in layers:
        output = layer(output)
    return keras.Model(image, output, name="digitrec")
