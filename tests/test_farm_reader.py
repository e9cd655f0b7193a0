"""The function that reads a table: every kind of column, the same answers as by hand, and a reason for what is none."""

import io
import multiprocessing
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge import mnist, pretrained
from digitrec_edge.errors import ArtifactError, DataError
from runtimes import Model, load

pa = pytest.importorskip("pyarrow", reason="the extra dask is not installed")

from digitrec_edge.farm import Reader  # noqa: E402
from digitrec_edge.farm.answers import SCHEMA  # noqa: E402
from digitrec_edge.recognition import How, recognise  # noqa: E402


def as_bytes(images: NDArray[np.uint8]) -> Any:
    return pa.array([image.tobytes() for image in images], pa.binary(784))


def as_list(images: NDArray[np.uint8], kind: Any) -> Any:
    return pa.array([image.reshape(-1).tolist() for image in images], kind)


def as_rows(images: NDArray[np.uint8], kind: Any) -> Any:
    return pa.array(images.tolist(), kind)


COLUMNS: dict[str, Callable[[Any], Any]] = {
    "bytes": as_bytes,
    "list": lambda images: as_list(images, pa.list_(pa.uint8())),
    "large list": lambda images: as_list(images, pa.large_list(pa.uint8())),
    "list of 784": lambda images: as_list(images, pa.list_(pa.uint8(), 784)),
    "tensor": lambda images: pa.FixedShapeTensorArray.from_numpy_ndarray(np.array(images)),
    "lists of lists": lambda images: as_rows(images, pa.list_(pa.list_(pa.uint8()))),
    "28 lists of 28": lambda images: as_rows(images, pa.list_(pa.list_(pa.uint8(), 28), 28)),
}


def png(image: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(255 - image).resize((56, 56)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    with load(pretrained.DEFAULT, "native") as model:
        yield model


@pytest.mark.parametrize("kind", COLUMNS)
def test_every_column_of_pixels_is_answered_as_by_hand(model: Model, mnist_test: mnist.Digits, kind: str) -> None:
    images = mnist_test.images[:50]
    table = pa.table({"id": np.arange(100, 150), "image": COLUMNS[kind](images), "split": ["test"] * 50})
    expected = model.predict(images)
    read = Reader(model.origin, keep=("id", "split"))
    for given, rows in (
        (table, slice(0, 50)),
        (table.slice(7, 20), slice(7, 27)),
        (table.to_batches()[0].slice(3), slice(3, 50)),
        (pa.concat_tables([table.slice(40), table.slice(0, 9)]), [*range(40, 50), *range(9)]),
    ):
        answers = read(given)
        assert answers.schema == pa.schema([table.schema.field("id"), table.schema.field("split"), *SCHEMA])
        assert answers["id"].to_pylist() == np.arange(100, 150)[rows].tolist()
        assert answers["candidate"].to_pylist() == [model.labels[digit] for digit in expected.digits[rows]]
        assert answers["no_digit"].to_pylist() == (~expected.accepted[rows]).tolist()
        assert answers["score"].to_numpy().tolist() == expected.scores[rows].tolist()
        assert answers["probability"].to_numpy().tolist() == expected.probabilities.max(axis=1)[rows].tolist()
        named = [d if a else None for d, a in zip(expected.digits[rows], expected.accepted[rows], strict=True)]
        assert answers["digit"].to_pylist() == named
        assert answers["error"].null_count == len(answers)


def test_rows_that_are_no_pictures_have_a_reason_and_the_others_their_answers(
    model: Model, mnist_test: mnist.Digits
) -> None:
    flat = [image.reshape(-1).tolist() for image in mnist_test.images[:4]]
    nested = mnist_test.images[:4].tolist()
    holed = [[None, *flat[1][1:]], *flat[:3], None]
    shorter, holey = [*nested[2][:27], nested[2][27][:-1]], [*nested[3][:27], None]
    ragged: list[Any] = [nested[0], nested[1][:27], shorter, holey, None]
    for rows, kind, good in (
        ([flat[0], flat[1][:-1], [], None, [*flat[2], 0]], pa.list_(pa.uint8()), [0]),
        ([flat[0], None, flat[1]], pa.list_(pa.uint8(), 784), [0, 2]),
        (holed, pa.list_(pa.uint8()), [1, 2, 3]),
        (ragged, pa.list_(pa.list_(pa.uint8())), [0]),
        ([bytes(flat[0]), None, bytes(flat[1])], pa.binary(784), [0, 2]),
        ([None, None], pa.list_(pa.uint8()), []),
    ):
        answers = Reader(model.origin)(pa.table({"image": pa.array(rows, kind)})).to_pylist()
        assert [k for k, answer in enumerate(answers) if answer["error"] is None] == good
        assert {a["error"] for a in answers} - {None} == ({"is not 28 x 28 pixels"} if len(good) < len(rows) else set())
        assert all(set(a.values()) == {None, a["error"]} for a in answers if a["error"])
        assert [answers[k]["digit"] for k in good][:1] == ([7] if good else [])


@pytest.mark.parametrize("struct", [False, True])
@pytest.mark.parametrize("large", [False, True])
def test_encoded_pictures_are_found_and_read_as_predict_does(
    model: Model, mnist_test: mnist.Digits, struct: bool, large: bool
) -> None:
    seven, two, blank = (png(image) for image in (*mnist_test.images[:2], np.zeros((28, 28), np.uint8)))
    files = [seven, b"no picture", blank, b"", None, two]
    binary = pa.large_binary() if large else pa.binary()
    if struct:
        kind = pa.struct([("bytes", binary), ("path", pa.string())])
        column = pa.array([{"bytes": file, "path": f"{k}.png"} for k, file in enumerate(files)], kind)
    else:
        column = pa.array(files, binary)
    answers = Reader(model.origin)(pa.table({"image": column})).to_pylist()
    assert [answer["digit"] for answer in answers] == [7, None, None, None, None, 2]
    name = "{}.png" if struct else "the picture file"
    assert answers[1]["error"].startswith(f"{name.format(1)} is not a picture")
    assert answers[2]["error"].startswith(f"{name.format(2)}: no digit")
    assert answers[3]["error"] == f"{name.format(3)} is empty (0 bytes)"
    assert answers[4]["error"] == f"{name.format(4)} is null: its bytes are not in the table"
    with Image.open(io.BytesIO(seven)) as picture:
        from digitrec_edge.preprocess.reading import Picture, to_grey

        found = recognise(model, "0.png", lambda: Picture(to_grey(picture), 1), How())
    assert answers[0]["probability"] == pytest.approx(found.as_json()["probability"])


def test_a_path_in_the_table_is_never_opened(model: Model, tmp_path: Path, mnist_test: mnist.Digits) -> None:
    (tmp_path / "seven.png").write_bytes(png(mnist_test.images[0]))
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    column = pa.array([{"bytes": None, "path": str(tmp_path / "seven.png")}], kind)
    (answer,) = Reader(model.origin)(pa.table({"image": column})).to_pylist()
    assert answer["digit"] is None
    assert "seven.png is null" in answer["error"]


def test_how_pictures_are_read_is_heeded(model: Model, mnist_test: mnist.Digits) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8)
    table = pa.table({"image": as_bytes(np.concatenate([noise, mnist_test.images[:20]]))})
    plain, named = Reader(model.origin)(table), Reader(model.origin, How(False, 0.999, True))(table)
    assert plain["digit"].null_count > 15
    assert named["digit"].null_count == 0
    assert named["label"] == named["candidate"] == plain["candidate"]
    assert sum(plain["unsure"].to_pylist()) == 0
    assert named["unsure"].to_pylist() == [p < np.float32(0.999) for p in plain["probability"].to_numpy()]


def test_the_column_is_found_or_asked_for(model: Model, mnist_test: mnist.Digits) -> None:
    images = as_bytes(mnist_test.images[:3])
    two = pa.table({"a": images, "b": images, "c": pa.array([1, 2, 3])})
    assert Reader(model.origin, column="b")(two)["digit"].to_pylist() == [7, 2, 1]
    for table, options, reason in (
        (two, {}, "columns a, b may hold pictures: name one by --column"),
        (two, {"column": "c"}, "column 'c' is int64; encoded pictures"),
        (two, {"column": "d"}, "no single column is called 'd'; there are a, b, c"),
        (two.select(["c"]), {}, r"no column holds pictures; .* and there are c \(int64\)"),
        (pa.table({"a": pa.array([[0.5] * 784])}), {}, r"there are a \(list<"),
        (pa.table({"a": pa.array([b"ab"], pa.binary(2))}), {}, "no column holds pictures"),
        (pa.table({"a": pa.array([[0] * 784], pa.list_(pa.int64()))}), {"column": "a"}, "column 'a' is list<.*int64"),
        (pa.table([images, images], names=["a", "a"]), {"column": "a"}, "no single column is called 'a'"),
        (two, {"column": "a", "keep": ("d",)}, "no single column is called 'd'"),
        (pa.table({"a": images, "digit": images}), {"column": "a", "keep": ("digit",)}, "'digit' cannot be kept"),
        (pa.table({"a": images, "row": [1, 2, 3]}), {"keep": ("row",)}, "'row' cannot be kept"),
    ):
        with pytest.raises(DataError, match=reason):
            Reader(model.origin, **options)(table)


def test_a_table_without_rows_gives_one(model: Model) -> None:
    answers = Reader(model.origin)(pa.table({"image": pa.array([], pa.binary(784))}))
    assert (len(answers), answers.schema) == (0, SCHEMA)


def test_other_processes_call_it(model: Model, mnist_test: mnist.Digits) -> None:
    """As Ray, Spark and Dask do: the function is pickled, and loads its model where it is called, once."""
    read = Reader(model.origin)
    table = pa.table({"image": as_bytes(mnist_test.images[:200])})
    tables = [table.slice(start, 40) for start in range(0, 200, 40)]
    assert len(pickle.dumps(read)) < 2000
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        assert pa.concat_tables(pool.map(read, tables, timeout=120)) == read(table)


def test_a_model_that_has_changed_is_refused_where_it_is_called(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(pretrained.DEFAULT.read_bytes())
    with load(path) as other:
        read = Reader(other.origin)
    path.write_bytes(b"")
    with pytest.raises(ArtifactError, match="is empty"):
        read(pa.table({"image": pa.array([bytes(784)], pa.binary(784))}))
