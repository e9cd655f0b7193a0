"""The archive's two kinds of matrices are read upright, with their labels, and an empty picture is wrong."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge import mnist
from runtimes import Model
from tests import usps

COUNT = 6


def shrunk(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A digit that fills 16 x 16 pixels."""
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    inside = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.asarray(Image.fromarray(inside).resize((16, 16), Image.Resampling.BOX))


@pytest.fixture(scope="module")
def pictures() -> NDArray[np.uint8]:
    """``(10, COUNT, 16, 16)``: some of each digit."""
    digits = mnist.load("test")
    return np.stack([[shrunk(image) for image in digits.images[digits.labels == k][:COUNT]] for k in range(10)])


@pytest.fixture
def archive(pictures: NDArray[np.uint8], tmp_path: Path) -> Path:
    """Laid out as the package's: pictures column by column in one file, row by row in the other."""
    scipy_io = pytest.importorskip("scipy.io")
    order = [*range(1, 10), 0]
    plain = pictures[order].transpose(0, 1, 3, 2).reshape(10, COUNT, 256).transpose(2, 1, 0)
    values = pictures.reshape(-1, 256).T / 127.5 - 1
    labels = np.where(np.repeat(np.arange(10), COUNT) == np.arange(10)[:, None], 1, -1).astype(np.int16)
    train, test = slice(0, 20), slice(20, None)
    resampled = {
        "train_patterns": values[:, train], "train_labels": labels[:, train],
        "test_patterns": values[:, test], "test_labels": labels[:, test],
    }  # fmt: skip
    path = tmp_path / "made-up.tar.gz"
    with tarfile.open(path, "w:gz") as file:
        for name, content in (("usps_all", {"data": plain}), ("usps_resampled", resampled)):
            stream = io.BytesIO()
            scipy_io.savemat(stream, content)
            member = tarfile.TarInfo(f"{usps.FOLDER}/{name}.mat")
            member.size = len(stream.getvalue())
            file.addfile(member, io.BytesIO(stream.getvalue()))
    return path


def test_pictures_are_upright_and_have_their_labels(archive: Path, pictures: NDArray[np.uint8]) -> None:
    plain, resampled = usps.read(archive)
    order = [*range(1, 10), 0]
    assert np.array_equal(plain.images, pictures[order].reshape(-1, 16, 16))
    assert np.array_equal(plain.labels, np.repeat(order, COUNT))
    assert np.array_equal(resampled.images, pictures.reshape(-1, 16, 16))
    assert np.array_equal(resampled.labels, np.repeat(np.arange(10), COUNT))
    assert plain.images.dtype == resampled.images.dtype == np.uint8


def test_they_are_read_right_and_an_empty_one_is_wrong(pictures: NDArray[np.uint8], pretrained_model: Model) -> None:
    labels = np.repeat(np.arange(10), COUNT)
    digits = usps.normalised(pictures.reshape(-1, 16, 16))
    assert digits.shape == (10 * COUNT, 28, 28)
    assert usps.share_right(pretrained_model, digits, labels) > 0.9
    empty = usps.normalised(np.zeros((10, 16, 16), np.uint8))
    assert not empty.any()
    assert usps.share_right(pretrained_model, empty, np.arange(10)) == 0


def test_the_command_says_a_line_for_each_set(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert usps.main(["--archive", str(archive)]) == 0
    lines = capsys.readouterr().out.splitlines()
    sets = [line.partition(" of ")[2] for line in lines]
    assert sets == [f"{10 * COUNT} digits of {name} read right" for name in ("usps_all", "usps_resampled")]
