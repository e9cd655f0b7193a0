"""A loaded model takes pictures as they are and answers alike in every runtime; bad input is one clear line."""

import concurrent.futures
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec_edge import mnist
from digitrec_edge.artifact import golden
from digitrec_edge.artifact.golden import Golden
from digitrec_edge.errors import InputError
from digitrec_edge.formats import FORMATS
from runtimes import RUNTIMES, Model, load

NAMES = ("digitrec-float32.tflite", "digitrec-int8.tflite", "digitrec-float32.onnx", "digitrec-int8.onnx")
PAIRS = [
    (name, row.name)
    for name in NAMES
    for row in RUNTIMES
    if row.installed and any(name.endswith(f.suffix) and f.name in row.formats for f in FORMATS)
    if not row.activations or "int8" in name
]
IMAGES = mnist.load("test").images


@pytest.fixture(scope="module", params=PAIRS, ids=" on ".join)
def model(request: pytest.FixtureRequest, artifacts: Path) -> Iterator[Model]:
    name, runtime = request.param
    with load(artifacts / name, runtime) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def reference(artifacts: Path) -> Golden:
    return golden.read(artifacts / golden.FILE_NAME)


def test_at_least_the_runtimes_of_a_device_are_tested() -> None:
    assert {runtime for _, runtime in PAIRS} >= {"litert", "onnxruntime"}


def test_the_model_says_what_it_runs_on(model: Model) -> None:
    assert model.runtime in {row.name for row in RUNTIMES}
    assert model.runtime_version[0].isdigit()
    assert model.threads == 1
    assert model.card is not None


def test_logits_are_those_of_keras(model: Model, reference: Golden) -> None:
    logits = model.logits(IMAGES)
    assert (logits.shape, logits.dtype) == ((10_000, 10), np.dtype(np.float32))
    agreement = (logits.argmax(axis=1) == reference.logits.argmax(axis=1)).mean()
    difference = np.abs(logits - reference.logits)
    assert model.card is not None
    if model.card.variant == "float32":
        assert agreement == 1.0
        assert difference.max() <= 1e-4
    else:
        assert agreement >= 0.995
        assert difference.mean() < 0.5  # what a label far behind gets is cut off


def test_a_picture_alone_and_in_a_batch_gives_the_same(model: Model) -> None:
    batch = model.logits(IMAGES[:40])
    singles = np.stack([model.logits(image) for image in IMAGES[:40]])
    tolerance = 1e-4 if model.output.scale is None else model.output.scale * 1.01
    assert np.allclose(batch, singles, atol=tolerance)


@pytest.mark.parametrize("count", [1, 2, 3, 255, 256, 257, 1023, 1025])
def test_batches_of_any_size_are_answered_in_their_order(model: Model, count: int) -> None:
    whole = model.logits(IMAGES[:2000])
    start = 100
    part = model.logits(IMAGES[start : start + count])
    assert part.shape == (count, 10)
    tolerance = 1e-4 if model.output.scale is None else model.output.scale * 1.01
    assert np.allclose(part, whole[start : start + count], atol=tolerance)


def test_predict_gives_digits_and_probabilities(model: Model) -> None:
    logits = model.logits(IMAGES[:50])
    digits, probabilities = model.predict(IMAGES[:50])
    assert digits.shape == (50,)
    assert np.issubdtype(digits.dtype, np.integer)
    assert (probabilities.shape, probabilities.dtype) == ((50, 10), np.dtype(np.float32))
    assert np.array_equal(digits, logits.argmax(axis=1))
    assert np.array_equal(digits, probabilities.argmax(axis=1))
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (digits == mnist.load("test").labels[:50]).mean() > 0.9


def test_predict_of_one_picture_has_no_batch(model: Model) -> None:
    digits, probabilities = model.predict(IMAGES[0])
    assert probabilities.shape == (10,)
    assert model.logits(IMAGES[0]).shape == (10,)
    assert json.dumps(digits) == "7"


def test_flat_pictures_are_taken(model: Model) -> None:
    assert np.array_equal(model.logits(IMAGES[:9].reshape(9, 784)), model.logits(IMAGES[:9]))
    assert model.predict(IMAGES[0].ravel()).digits == 7


def test_classify_is_predict_for_one_picture(model: Model) -> None:
    expected = [int(model.predict(image).digits) for image in IMAGES[:100]]
    answers = [model.classify(image) for image in IMAGES[:100]]
    assert answers == expected
    assert all(type(answer) is int for answer in answers)


def test_the_pixels_are_left_as_they_are(model: Model) -> None:
    image = IMAGES[3].copy()
    model.classify(image)
    model.logits(image)
    assert np.array_equal(image, IMAGES[3])


def test_answers_do_not_change_when_the_next_picture_comes(model: Model) -> None:
    first = model.logits(IMAGES[0])
    kept = first.copy()
    model.logits(IMAGES[1])
    model.classify(IMAGES[2])
    assert np.array_equal(first, kept)


@pytest.mark.parametrize(
    "view",
    [
        lambda images: images[::2],
        lambda images: images[:, ::-1, :],
        lambda images: np.asfortranarray(images),
        lambda images: images.transpose(0, 2, 1),
        lambda images: np.broadcast_to(images[:1], (3, 28, 28)),
    ],
    ids=["strided", "mirrored", "Fortran order", "transposed", "broadcast"],
)
def test_any_layout_in_memory_gives_the_same(model: Model, view: Any) -> None:
    images = view(IMAGES[:20])
    copied = np.ascontiguousarray(images)
    assert np.array_equal(model.logits(images), model.logits(copied))
    assert [model.classify(image) for image in images] == [model.classify(image) for image in copied]


def test_a_read_only_picture_is_taken(model: Model) -> None:
    image = IMAGES[0].copy()
    image.flags.writeable = False
    assert model.classify(image) == 7


BAD: list[tuple[str, Any, str]] = [
    ("float", IMAGES[:2] / 255, "images are float64, uint8 is needed; pixels go in unscaled, 0 to 255"),
    ("float32", IMAGES[0].astype(np.float32), "images are float32, uint8 is needed"),
    ("NaN", np.full((28, 28), np.nan), "they hold NaN or infinity"),
    ("infinity", np.full((28, 28), np.inf, np.float32), "they hold NaN or infinity"),
    ("int64", IMAGES[:2].astype(np.int64), "images are int64, uint8 is needed"),
    ("bool", IMAGES[0] > 0, "images are bool, uint8 is needed"),
    ("text", np.full((28, 28), "7"), "images are <U1, uint8 is needed"),
    ("objects", np.full((28, 28), None), "images are object, uint8 is needed"),
    ("list", [[0] * 28] * 28, "images are list, a numpy array of uint8 is needed"),
    ("None", None, "images are NoneType"),
    ("flat and short", IMAGES[0].ravel()[1:], r"images have shape \(783,\), .* is needed"),
    ("27 rows", IMAGES[0][:27], r"images have shape \(27, 28\)"),
    ("channels last", IMAGES[:2, :, :, None], r"images have shape \(2, 28, 28, 1\)"),
    ("four dimensions", IMAGES[None, :2], r"images have shape \(1, 2, 28, 28\)"),
    ("scalar", np.uint8(3), "images are uint8, a numpy array|images have shape"),
    ("no dimension", np.array(3, np.uint8), r"images have shape \(\)"),
    ("empty", np.zeros((0, 28, 28), np.uint8), "no images: the array is empty"),
    ("empty rows", np.zeros((2, 0, 28), np.uint8), "images have shape"),
]


@pytest.mark.parametrize(("images", "reason"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_input_is_one_clear_line_and_the_model_lives_on(model: Model, images: Any, reason: str) -> None:
    for call in (model.predict, model.logits):
        with pytest.raises(InputError, match=reason) as raised:
            call(images)
        assert "\n" not in str(raised.value)
    with pytest.raises(InputError):
        model.classify(images)
    assert model.classify(IMAGES[0]) == 7


def test_classify_takes_one_picture_only(model: Model) -> None:
    with pytest.raises(InputError, match=r"images have shape \(1, 28, 28\), \(28, 28\) is needed"):
        model.classify(IMAGES[:1])


def test_bad_input_is_a_value_error_too(model: Model) -> None:
    with pytest.raises(ValueError, match="uint8 is needed"):
        model.predict(IMAGES[0] / 255)


def test_threads_that_share_a_model_get_right_answers(model: Model) -> None:
    expected = model.logits(IMAGES[:200]).argmax(axis=1).tolist()

    def work(k: int) -> tuple[int, int, int]:
        image = IMAGES[k]
        return k, model.classify(image), int(model.predict(image).digits)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, list(range(200)) * 3))
    assert all(expected[k] == classified == predicted for k, classified, predicted in results)


def test_a_closed_model_says_so(artifacts: Path) -> None:
    for name, runtime in PAIRS:
        with load(artifacts / name, runtime) as loaded:
            assert loaded.classify(IMAGES[0]) == 7
        calls: list[Any] = [loaded.classify, loaded.predict, loaded.logits]
        for call in calls:
            with pytest.raises(InputError, match="the model is closed; load it again"):
                call(IMAGES[0])
        loaded.close()


def test_a_model_is_closed_when_its_block_fails(artifacts: Path) -> None:
    loaded = load(artifacts / NAMES[1])
    with pytest.raises(KeyError), loaded:
        raise KeyError
    with pytest.raises(InputError, match="closed"):
        loaded.classify(IMAGES[0])


def test_runtimes_agree_on_the_same_artifact(artifacts: Path) -> None:
    answers: dict[str, list[NDArray[np.float32]]] = {}
    for name, runtime in PAIRS:
        with load(artifacts / name, runtime) as loaded:
            answers.setdefault(name, []).append(loaded.logits(IMAGES))
    for name, (first, *others) in answers.items():
        for other in others:
            if "float32" in name:
                assert np.abs(first - other).max() < 1e-4
            else:  # int8 kernels may round the last bit otherwise
                step = np.diff(np.unique(first)).min()
                assert np.abs(first - other).max() <= 2 * step * 1.01
            assert (first.argmax(axis=1) == other.argmax(axis=1)).mean() > 0.998


@pytest.mark.parametrize(("name", "runtime"), PAIRS, ids=[" on ".join(pair) for pair in PAIRS])
@pytest.mark.parametrize("threads", [2, 4])
def test_more_threads_give_the_same_digits(artifacts: Path, name: str, runtime: str, threads: int) -> None:
    with load(artifacts / name, runtime) as one, load(artifacts / name, runtime, threads=threads) as many:
        assert many.threads == threads
        assert np.allclose(one.logits(IMAGES[:500]), many.logits(IMAGES[:500]), atol=1e-3)
        assert [many.classify(image) for image in IMAGES[:20]] == [one.classify(image) for image in IMAGES[:20]]
