"""A .keras file that runs code, reads another file or takes the machine's memory is refused before Keras sees it."""

import json
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digitrec_edge.errors import ConversionError
from digitrec_edge.training import keras_file, network
from tests import hostile_keras

pytestmark = pytest.mark.desktop


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> hostile_keras.Members:
    """The members of a model as it is trained here."""
    path = tmp_path_factory.mktemp("honest") / "model.keras"
    network.save(network.build(), path)
    return hostile_keras.read_members(path)


@pytest.fixture
def no_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever reaches Keras is a failure."""
    import keras

    def load(path: Path, **options: Any) -> None:
        raise AssertionError(f"Keras was given {path}")

    monkeypatch.setattr(keras.models, "load_model", load)


@pytest.mark.usefixtures("no_keras")
@pytest.mark.parametrize("kind", [kind for kind in hostile_keras.KINDS if kind != "a loss"])
def test_a_hostile_file_never_reaches_keras(kind: str, honest: hostile_keras.Members, tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path = hostile_keras.make(kind, honest, tmp_path)
    made = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ConversionError, match=r"hostile\.keras is not loaded: ") as refused:
        network.load(path)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 400
    assert not (tmp_path / "ran").exists()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - max(before, made) < 100 << 10, "KiB"


def test_what_a_model_was_compiled_with_is_not_looked_at(honest: hostile_keras.Members, tmp_path: Path) -> None:
    path = hostile_keras.make("a loss", honest, tmp_path)
    assert network.load(path).count_params() == 251_658
    assert not (tmp_path / "ran").exists()


def test_the_honest_model_and_a_cnn_with_normalisation_pass(honest: hostile_keras.Members, tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    cnn = keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Reshape((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, activation="relu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Dropout(0.2),
            layers.Flatten(),
            layers.Dense(10, kernel_initializer=keras.initializers.HeNormal(seed=123_456_789)),
        ]
    )
    cnn.compile(optimizer="adam", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    cnn.save(tmp_path / "cnn.keras")
    keras_file.check((tmp_path / "cnn.keras").read_bytes())
    hostile_keras.write_members(tmp_path / "honest.keras", honest)
    assert network.load(tmp_path / "honest.keras").count_params() == 251_658


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda members: {**members, hostile_keras.CONFIG: b"[]"}, "is no model"),
        (lambda members: {**members, hostile_keras.CONFIG: b'{"class_name": 1, "class_name": 2}'}, "is there twice"),
        (lambda members: {**members, hostile_keras.WEIGHTS: b"weights"}, "cannot be read"),
        (lambda members: {name: members[name] for name in (hostile_keras.CONFIG,)}, "each once"),
        (lambda members: {**members, hostile_keras.CONFIG: wide(members, 5000)}, "1 to 4,096"),
        (lambda members: {**members, hostile_keras.CONFIG: wide(members, 4096, copies=8)}, "weights; at most"),
    ],
    ids=["a list", "a key twice", "no HDF5", "no weights", "too wide", "too many"],
)
def test_what_is_no_model_of_digits_is_one_line(
    spoil: Callable[[hostile_keras.Members], hostile_keras.Members],
    said: str,
    honest: hostile_keras.Members,
    tmp_path: Path,
) -> None:
    hostile_keras.write_members(tmp_path / "bad.keras", spoil(honest))
    with pytest.raises(ValueError, match=said):
        keras_file.check((tmp_path / "bad.keras").read_bytes())


def wide(members: hostile_keras.Members, units: int, copies: int = 1) -> bytes:
    """Return the config with more and wider layers."""
    config = json.loads(members[hostile_keras.CONFIG])
    layer = config["config"]["layers"][-2]
    layer["config"]["units"] = units
    config["config"]["layers"] += [layer] * (copies - 1)
    return json.dumps(config).encode()
