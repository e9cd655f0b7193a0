"""Every artifact in every runtime: one picture, a batch and the short way all name the same digit."""

import concurrent.futures
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitrec_edge import artifact, mnist
from digitrec_edge.errors import InputError
from digitrec_edge.formats import of_file_name
from runtimes import RUNTIMES, Model, load
from runtimes.loading import unmet

Loaded = Callable[[str, str], Model]
IMAGES = mnist.load("test").images[:500]
LABELS = mnist.load("test").labels[:500]
NAMES = (
    "float32.tflite", "float16.tflite", "int8-dynamic.tflite", "int8.tflite", "int16x8.tflite", "int4.tflite",
    "float32.onnx", "int8.onnx", "float32.ort", "int8.ort", "float32-tflite-runtime.tflite",
    "float16-tflite-runtime.tflite", "int8-dynamic-tflite-runtime.tflite", "int8-tflite-runtime.tflite",
    "int16x8-tflite-runtime.tflite", "int8-c.zip", "int4-c.zip", "int8-java.zip",
)  # fmt: skip


def format_of(name: str) -> str:
    found = of_file_name(name)
    assert found
    return found.name


WHOLE = ("int8.tflite", "int4.tflite", "int8-tflite-runtime.tflite", "int8-c.zip", "int4-c.zip", "int8-java.zip")
"""What computes with int8 alone."""
NEVER = {("int8-dynamic.tflite", "tflite-runtime"), ("int4.tflite", "tflite-runtime")}
PAIRS = [
    (name, row.name)
    for name in NAMES
    for row in RUNTIMES
    if row.installed and row.runs(format_of(name)) and (name, row.name) not in NEVER
    if not row.activations or name in WHOLE
]


@pytest.fixture(params=PAIRS, ids=" on ".join)
def model(request: pytest.FixtureRequest, loaded: Loaded) -> Model:
    name, runtime = request.param
    return loaded(f"digitrec-{name}", runtime)


def test_every_artifact_is_here_in_every_runtime_that_runs_it(artifacts: Path, old_artifacts: Path) -> None:
    expected = set()
    for folder in (artifacts, old_artifacts):
        for path in folder.iterdir():
            row = of_file_name(path.name)
            if row is None or row.envelope_of:
                continue
            found = artifact.read(path)
            expected |= {
                (path.name.removeprefix("digitrec-"), runtime.name)
                for runtime in RUNTIMES
                if runtime.installed and runtime.runs(found.format.name) and not unmet(found, runtime)
            }
    assert set(PAIRS) == expected


def test_classify_names_the_digit_of_predict_picture_by_picture_and_in_a_batch(model: Model) -> None:
    batch = model.logits(IMAGES)
    singles = np.stack([model.logits(image) for image in IMAGES])
    digits = [model.classify(image) for image in IMAGES]
    assert all(type(digit) is int for digit in digits)
    assert digits == singles.argmax(axis=1).tolist() == [int(model.predict(image).digits) for image in IMAGES]
    assert (np.array(digits) == LABELS).mean() > 0.93
    assert model.predict(IMAGES).digits.tolist() == batch.argmax(axis=1).tolist()
    # a batch may take other kernels: the same sums in another order, or rounded one step apart
    step = model.output.scale or 1e-3
    assert np.abs(batch - singles).max() <= (2.01 * step if model.output.scale else 1e-2 * float(np.ptp(singles)))
    ordered = np.sort(singles, axis=1)
    sure = ordered[:, -1] - ordered[:, -2] > 4.02 * step
    assert (batch.argmax(axis=1) == singles.argmax(axis=1))[sure].all()
    assert sure.mean() > 0.9


def test_pictures_that_fill_no_whole_chunk_come_out_in_their_order(model: Model) -> None:
    whole = model.predict(IMAGES).digits
    for count in (1, 7, 255, 257):
        part = model.predict(IMAGES[100 : 100 + count]).digits
        assert (part == whole[100 : 100 + count]).mean() > 0.98


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (IMAGES[:1], r"images have shape \(1, 28, 28\), \(28, 28\) is needed"),
        (IMAGES[0][:, :27], r"images have shape \(28, 27\)"),
        (IMAGES[0].ravel(), r"images have shape \(784,\)"),
        (IMAGES[0][0], r"images have shape \(28,\)"),
        (IMAGES[0] / 255, "images are float64, uint8 is needed; pixels go in unscaled, 0 to 255"),
        (IMAGES[0].astype(np.int8), "images are int8, uint8 is needed"),
        (IMAGES[0].astype(np.int16), "images are int16, uint8 is needed"),
        (IMAGES[0] > 9, "images are bool, uint8 is needed"),
        (IMAGES[0].tolist(), "images are list, a numpy array of uint8 is needed"),
        (None, "images are NoneType"),
        (np.zeros((28, 0), np.uint8), "images have shape"),
    ],
    ids=[
        "a batch of one", "27 columns", "flat", "one row", "float", "int8", "int16", "bool", "a list", "None", "empty"
    ],
)  # fmt: skip
def test_a_bad_picture_is_one_line_and_the_model_lives_on(model: Model, image: Any, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as raised:
        model.classify(image)
    assert "\n" not in str(raised.value)
    assert model.classify(IMAGES[0]) == 7


def test_four_threads_may_share_a_model(model: Model) -> None:
    expected = [model.classify(image) for image in IMAGES[:100]]

    def work(start: int) -> list[int]:
        order = [(start + k) % 100 for k in range(100)]
        answers = {}
        for k in order:
            answers[k] = model.classify(IMAGES[k]) if k % 3 else int(model.predict(IMAGES[k]).digits)
        return [answers[k] for k in range(100)]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(answers == expected for answers in pool.map(work, (0, 25, 50, 75)))


@pytest.mark.parametrize("name", ["float32.onnx", "int8.tflite", "int16x8.tflite", "int8.ort"])
def test_a_closed_model_says_so_in_every_thread(artifacts: Path, name: str) -> None:
    with load(artifacts / f"digitrec-{name}") as model:
        assert model.classify(IMAGES[0]) == 7
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for call in (model.classify, model.predict, model.logits):
            with pytest.raises(InputError, match="the model is closed; load it again"):
                pool.submit(call, IMAGES[0]).result()


def test_where_onnx_runtime_s_private_names_are_missing_the_public_ones_do(
    artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from runtimes import onnxruntime

    path = artifacts / "digitrec-int8.onnx"
    with load(path) as direct:
        expected = [direct.classify(image) for image in IMAGES[:50]]
    used: list[int] = []

    class Public:
        """A session without its native insides."""

        def __init__(self, wrapped: Any) -> None:
            self.wrapped = wrapped

        def run_with_iobinding(self, binding: Any) -> None:
            used.append(1)
            self.wrapped.run_with_iobinding(binding.wrapped)

    bound = onnxruntime._bound_run
    monkeypatch.setattr(onnxruntime, "_bound_run", lambda session, binding: bound(Public(session), Hidden(binding)))

    class Hidden:
        def __init__(self, wrapped: Any) -> None:
            self.wrapped = wrapped

    with load(path) as public:
        assert [public.classify(image) for image in IMAGES[:50]] == expected
        public.invoke()
    assert len(used) == 51
