"""converters.recogniser: whatever people's models take and give, artifacts take pixels and give logits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from converters.recogniser import AS_THE_GRAPH_SHOWS, Meaning, as_recogniser
from digitrec_edge import mnist
from digitrec_edge.errors import ConversionError
from digitrec_edge.quantization import softmax

pytestmark = pytest.mark.desktop
PATH = Path("model.keras")


def sequential(shape: tuple[int | None, ...], *layers: Any) -> Any:
    import keras

    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input(shape), *layers])


@pytest.fixture(scope="module")
def pixels() -> NDArray[np.float32]:
    return mnist.load("test").images[:20].astype(np.float32)


def same(model: Any, meaning: Meaning, given: NDArray[np.float32], pixels: NDArray[np.float32]) -> tuple[str, ...]:
    """The recogniser's probabilities on pixels / 255 are the model's own on what it takes; returns the notes."""
    expected = np.asarray(model(given.reshape(-1, *model.input_shape[1:]), training=False))
    if np.allclose(expected.sum(axis=1), 1, atol=1e-5):
        expected = np.log(np.maximum(expected, 1e-7))
    made = as_recogniser(model, 10, meaning, PATH)
    assert made.model.input_shape == (None, 28, 28)
    logits = np.asarray(made.model(pixels / np.float32(255), training=False))
    assert logits.sum(axis=1) != pytest.approx(1.0)
    assert softmax(logits) == pytest.approx(softmax(expected), abs=2e-5)
    return made.notes


def test_a_recogniser_comes_back_as_it_is() -> None:
    from digitrec_edge.training.network import build

    model = build()
    made = as_recogniser(model, 10, AS_THE_GRAPH_SHOWS, PATH)
    assert made.model is model
    assert made.notes == ()


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1), (784,)])
def test_pictures_of_other_shapes_are_reshaped(shape: tuple[int, ...], pixels: NDArray[np.float32]) -> None:
    from keras import layers as kl

    model = sequential(shape, kl.Flatten(), kl.Dense(10))
    assert same(model, AS_THE_GRAPH_SHOWS, pixels / 255, pixels) == ()


@pytest.mark.parametrize(("scale", "offset"), [(1 / 255, 0.0), (1 / 127.5, -1.0)])
def test_a_rescaling_of_pixels_is_taken_into_the_artifacts_scaling(
    scale: float, offset: float, pixels: NDArray[np.float32]
) -> None:
    from keras import layers as kl

    model = sequential((28, 28), kl.Rescaling(scale, offset), kl.Flatten(), kl.Dense(10))
    (note,) = same(model, AS_THE_GRAPH_SHOWS, pixels, pixels)
    assert "rescaling" in note
    assert kinds_of(model) == ["Flatten", "Dense"]


def kinds_of(model: Any, meaning: Meaning = AS_THE_GRAPH_SHOWS) -> list[str]:
    return [type(layer).__name__ for layer in as_recogniser(model, 10, meaning, PATH).model.layers]


@pytest.mark.parametrize("use_bias", [True, False])
def test_a_scaling_of_pixels_is_in_the_weights_of_a_first_dense_layer(
    use_bias: bool, pixels: NDArray[np.float32]
) -> None:
    from keras import layers as kl

    model = sequential((784,), kl.Dense(12, "relu", use_bias=use_bias), kl.Dense(10))
    before = [np.array(one) for one in model.get_weights()]
    said = Meaning(input_scale=(1 / 127.5, -1.0))
    assert same(model, said, pixels / 127.5 - 1, pixels) == ()
    assert kinds_of(model, said) == ["Reshape", "Dense", "Dense"]
    assert all(np.array_equal(one, other) for one, other in zip(before, model.get_weights(), strict=True))


def test_a_scaling_of_pixels_stays_before_other_layers(pixels: NDArray[np.float32]) -> None:
    from keras import layers as kl

    model = sequential(
        (28, 28, 1), kl.Rescaling(1 / 127.5, -1.0), kl.Conv2D(2, 3, padding="same"), kl.Flatten(), kl.Dense(10)
    )
    same(model, AS_THE_GRAPH_SHOWS, pixels, pixels)
    assert kinds_of(model) == ["Reshape", "Rescaling", "Conv2D", "Flatten", "Dense"]


def test_a_rescaling_of_values_up_to_1_is_the_models_own(pixels: NDArray[np.float32]) -> None:
    from keras import layers as kl

    model = sequential((28, 28), kl.Rescaling(2, -1), kl.Flatten(), kl.Dense(10))
    assert same(model, AS_THE_GRAPH_SHOWS, pixels / 255, pixels) == ()


@pytest.mark.parametrize(
    "end",
    [
        lambda kl: [kl.Dense(10, activation="softmax")],
        lambda kl: [kl.Dense(10), kl.Softmax()],
        lambda kl: [kl.Dense(10), kl.Activation("softmax")],
    ],
)
def test_a_softmax_at_the_end_is_left_off(end: Callable[[Any], list[Any]], pixels: NDArray[np.float32]) -> None:
    import keras

    model = sequential((28, 28), keras.layers.Flatten(), *end(keras.layers))
    (note,) = same(model, AS_THE_GRAPH_SHOWS, pixels / 255, pixels)
    assert "softmax" in note
    again = sequential((28, 28), keras.layers.Flatten(), *end(keras.layers))
    assert as_recogniser(again, 10, Meaning(output="logits"), PATH).model is again


def test_a_graph_that_is_no_chain_is_taken_too(pixels: NDArray[np.float32]) -> None:
    import keras
    from keras import layers as kl

    keras.utils.set_random_seed(2)
    image = keras.Input((28, 28, 1))
    scaled = kl.Rescaling(1 / 255)(image)
    one = kl.Conv2D(2, 3, padding="same", activation="relu")(scaled)
    two = kl.Conv2D(2, 3, padding="same")(one)
    output = kl.Dense(10, activation="softmax")(kl.Flatten()(kl.MaxPooling2D(4)(kl.Add()([one, two]))))
    notes = same(keras.Model(image, output), AS_THE_GRAPH_SHOWS, pixels, pixels)
    assert len(notes) == 2


def test_a_model_inside_a_model_is_taken_apart(pixels: NDArray[np.float32]) -> None:
    from keras import layers as kl

    inner = sequential((28, 28), kl.Rescaling(1 / 255), kl.Flatten(), kl.Dense(10))
    assert len(same(sequential((28, 28), inner, kl.Softmax()), AS_THE_GRAPH_SHOWS, pixels, pixels)) == 2


def test_what_the_graph_does_not_show_can_be_said(pixels: NDArray[np.float32]) -> None:
    from keras import layers as kl

    model = sequential((28, 28), kl.Flatten(), kl.Dense(10, kernel_initializer="zeros", bias_initializer="ones"))
    model.layers[-1].kernel.assign(np.random.default_rng(0).normal(0, 0.001, (784, 10)))
    assert same(model, Meaning(input_scale=(1.0, 0.0)), pixels, pixels) == ()
    assert same(model, Meaning(input_scale=(1 / 127.5, -1.0)), pixels / 127.5 - 1, pixels) == ()


def test_probabilities_of_an_unknown_making_become_logits(pixels: NDArray[np.float32]) -> None:
    import keras
    from keras import layers as kl

    image = keras.Input((28, 28))
    powers = kl.Dense(10, activation="exponential")(kl.Flatten()(image))
    model = keras.Model(image, powers / keras.ops.sum(powers, -1, keepdims=True))
    assert same(model, Meaning(output="probabilities"), pixels / 255, pixels) == ()


@pytest.mark.parametrize(
    ("shape", "classes", "words"),
    [((28, 28, 3), 10, r"from \(28, 28, 3\) to \(10,\)"), ((32, 32), 10, r"\(32, 32\)"), ((28, 28), 7, r"to \(7,\)")],
)
def test_what_is_no_digit_recogniser_is_refused(shape: tuple[int, ...], classes: int, words: str) -> None:
    from keras import layers as kl

    with pytest.raises(ConversionError, match=rf"model\.keras is no digit recogniser: .*{words}"):
        as_recogniser(sequential(shape, kl.Flatten(), kl.Dense(classes)), 10, AS_THE_GRAPH_SHOWS, PATH)


def test_several_inputs_and_a_model_of_unknown_ones_are_refused() -> None:
    import keras

    class Own(keras.Model):  # type: ignore[misc]
        pass

    inputs = [keras.Input((28, 28)), keras.Input((3,))]
    flat = keras.layers.Concatenate()([keras.layers.Flatten()(one) for one in inputs])
    for model, words in ((keras.Model(inputs, keras.layers.Dense(10)(flat)), "2 inputs"), (Own(), "0 inputs")):
        with pytest.raises(ConversionError, match=words):
            as_recogniser(model, 10, AS_THE_GRAPH_SHOWS, PATH)
