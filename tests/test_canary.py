"""A canary: which files are one, and what counts as read right."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitrec_edge import canary, mnist, pretrained
from digitrec_edge.canary import NONE, Canary, right, right_in
from digitrec_edge.errors import DataError, RuntimeUnavailableError
from runtimes import load

FILE = pretrained.FOLDER / "digitrec-int8.tflite"
IMAGES = np.zeros((3, 28, 28), np.uint8)


def written(path: Path, **arrays: Any) -> Path:
    np.savez(path / "c.npz", **arrays)
    return path / "c.npz"


def test_an_export_of_a_collection_and_a_data_set_are_canaries(tmp_path: Path) -> None:
    found = canary.read(written(tmp_path, images=IMAGES, labels=[1, 2, 3], no_digit=IMAGES[:2], ids=["a"] * 5), 10)
    assert found.labels.tolist() == [1, 2, 3, NONE, NONE]
    assert found.images.shape == (5, 28, 28)
    assert canary.read(written(tmp_path, x_test=IMAGES, y_test=[1, 2, 3]), 10).labels.tolist() == [1, 2, 3]
    assert (
        len(canary.read(written(tmp_path, images=IMAGES[:0], labels=np.empty(0, np.uint8), no_digit=IMAGES), 10)) == 3
    )


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"images": IMAGES}, "lacks x_test and y_test; it has images; a canary has images and labels"),
        ({"images": IMAGES[:, :27], "labels": [1, 2, 3]}, r"images are \(3, 27, 28\) uint8"),
        ({"images": IMAGES.astype(float), "labels": [1, 2, 3]}, r"images are \(3, 28, 28\) float64"),
        ({"images": IMAGES, "labels": [1, 2]}, "a whole number for each image is needed"),
        ({"images": IMAGES, "labels": [0.5, 1, 2]}, "a whole number for each image is needed"),
        ({"images": IMAGES, "labels": [1, 2, 10]}, "labels are 1 to 10, 0 to 9 is allowed"),
        ({"images": IMAGES, "labels": [1, 2, -1]}, "labels are -1 to 2, 0 to 9 is allowed"),
        ({"images": IMAGES, "labels": [1, 2, 3], "no_digit": IMAGES[0]}, "no_digit are"),
        ({"images": IMAGES[:0], "labels": np.empty(0, int)}, "has no images"),
        ({"images": np.zeros((43_000, 28, 28), np.uint8), "labels": [0] * 43_000}, "at most 33,554,432 are read"),
    ],
)
def test_what_is_no_canary_is_refused(tmp_path: Path, arrays: dict[str, Any], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        canary.read(written(tmp_path, **arrays), 10)


def test_a_digit_is_right_as_that_digit_and_what_is_none_as_none() -> None:
    digits = mnist.load("test")
    with load(FILE) as model:
        read = model.predict(digits.images[:200])
        answers = np.where(read.accepted, read.digits, NONE)
        assert right(model, Canary(digits.images[:200], answers)) == 200
        assert right(model, Canary(digits.images[:200], np.full(200, NONE))) == (~read.accepted).sum()
        noise = np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8)
        assert right(model, Canary(noise, np.full(20, NONE))) > 10


def test_an_artifact_that_cannot_be_read_reads_nothing_right(tmp_path: Path) -> None:
    digits = mnist.load("test")
    few = Canary(digits.images[:10], digits.labels[:10].astype(np.int64))
    assert right_in(FILE, few) == 10
    (tmp_path / "a.tflite").write_bytes(FILE.read_bytes()[:-100])
    assert right_in(tmp_path / "a.tflite", few) == 0


def test_an_artifact_without_a_runtime_here_is_nothing_to_compare_with(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_fits(path: Path) -> None:
        raise RuntimeUnavailableError(f"{path.name} needs litert")

    monkeypatch.setattr(canary, "load", none_fits)
    assert right_in(FILE, Canary(IMAGES, np.zeros(3, np.int64))) is None
