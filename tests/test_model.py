"""The Keras file: what is no digit recogniser is refused in one line."""

import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from digitrec_edge.errors import ConversionError, NotInstalledError, OutputError
from digitrec_edge.training import network as model

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("absent.keras", None, "no such file"),
        ("empty.keras", b"", "is empty"),
        ("text.keras", b"words", r"is not a \.keras file; make one with: digitrec-edge train"),
        ("model.h5", b"\x89HDF\r\n\x1a\n", r"is an HDF5 file, .*load_model\('model.h5', .*save\('model.keras'\)"),
        ("saved/saved_model.pb", b"x", r"saved is a folder; a SavedModel is written as \.keras by"),
    ],
)
def test_what_is_no_keras_file_is_refused_without_tensorflow(
    tmp_path: Path, name: str, content: bytes | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise AssertionError("TensorFlow was imported")

    monkeypatch.setattr(model, "import_tensorflow", fail)
    path = tmp_path / name
    if content is not None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    with pytest.raises(ConversionError, match=reason):
        model.load(path if path.parent == tmp_path else path.parent)


def test_a_missing_tensorflow_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(NotInstalledError, match=r"-m pip install 'tensorflow>="):
        model.import_tensorflow()


@pytest.mark.parametrize(("package", "older"), [("tensorflow", "2.19.1"), ("keras", "3.8.0")])
def test_an_older_release_than_was_tried_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, package: str, older: str
) -> None:
    for name, version in {**model.OLDEST, package: older}.items():
        monkeypatch.setitem(sys.modules, name, SimpleNamespace(__version__=version))
    with pytest.raises(NotInstalledError, match=rf"{package} {older} is older .* pip install -U '{package}>="):
        model.import_tensorflow()


def test_the_package_asks_for_the_releases_that_were_tried() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    for name, version in model.OLDEST.items():
        assert f'"{name}>={version}"' in pyproject


@pytest.mark.desktop
def test_a_zip_that_is_no_keras_model_is_one_line(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.writestr("a.txt", "words")
    with pytest.raises(ConversionError, match="is not loaded: it holds ") as raised:
        model.load(tmp_path / "a.keras")
    assert "\n" not in str(raised.value)


@pytest.mark.desktop
def test_a_layer_of_ones_own_is_loaded_only_when_it_is_given(tmp_path: Path) -> None:
    import keras

    class Doubled(keras.layers.Layer):  # type: ignore[misc]
        def call(self, inputs: object) -> object:
            return inputs * 2  # type: ignore[operator]

    model.save(keras.Sequential([keras.Input((4,)), Doubled()]), tmp_path / "own.keras")
    with pytest.raises(ConversionError, match="it asks for 'Doubled'"):
        model.load(tmp_path / "own.keras")
    loaded = model.load(tmp_path / "own.keras", {"Doubled": Doubled})
    assert isinstance(loaded.layers[-1], Doubled)


@pytest.mark.desktop
def test_a_model_that_cannot_be_written_leaves_no_litter(tmp_path: Path) -> None:
    (tmp_path / "model.keras").mkdir()
    with pytest.raises(OutputError, match="cannot write"):
        model.save(model.build(), tmp_path / "model.keras")
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.keras"]


@pytest.mark.desktop
def test_the_same_model_saved_again_is_the_same_file(tmp_path: Path) -> None:
    """Wherever its objects lie in memory; another process is tested with the training."""
    import keras

    built = []
    for name in ("a.keras", "b.keras"):
        keras.utils.set_random_seed(3)
        built.append(model.build())
        model.save(built[-1], tmp_path / name)
    assert (tmp_path / "a.keras").read_bytes() == (tmp_path / "b.keras").read_bytes()
    assert model.load(tmp_path / "a.keras").count_params() == 251_658
