"""Robustness: accuracy on the test set when its digits are shifted, turned, covered with noise, faded or thickened.

Every set is made from the test images by a stated rule and, where there is chance in it, a seed; numpy
alone, so that a device can measure it too.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.accuracy import accuracy
from digitrec_edge.errors import BenchmarkError
from digitrec_edge.mnist import Digits
from digitrec_edge.quantization import PIXEL_MAX
from digitrec_edge.temperature import calibration_error
from runtimes import Model

Images = NDArray[np.uint8]

SHIFT_PX = 2
ROTATION_DEGREES = 15.0
NOISE = 0.2
CONTRAST = 0.5
BACKGROUND = 0.2
SEED = 0


@dataclass(frozen=True)
class TestSet:
    """A changed test set.

    Attributes:
        rule: what is done to every image, in words.
        make: yields one or several changed copies of ``(N, 28, 28) uint8`` images; accuracy is over all.
    """

    name: str
    rule: str
    make: Callable[[Images], Iterator[Images]]


@dataclass(frozen=True)
class SetResult:
    """Accuracy on one set, 0 to 1."""

    name: str
    images: int
    accuracy: float


@dataclass(frozen=True)
class Robustness:
    """An artifact in a runtime on all sets.

    Attributes:
        calibration_error: expected calibration error on the clean test set, 0 to 1.
        temperature: by which logits were divided, from the card.
    """

    artifact: str
    runtime: str
    results: tuple[SetResult, ...]
    calibration_error: float
    temperature: float


def shift(images: Images, down: int, right: int) -> Images:
    """Move by whole pixels; what leaves the field is lost, what comes in is background."""
    moved = np.zeros_like(images)
    side = images.shape[1]
    rows, columns = _overlap(down, side), _overlap(right, side)
    moved[:, rows[1], columns[1]] = images[:, rows[0], columns[0]]
    return moved


def _overlap(offset: int, side: int) -> tuple[slice, slice]:
    return slice(max(0, -offset), side - max(0, offset)), slice(max(0, offset), side - max(0, -offset))


def rotate(images: Images, degrees: float) -> Images:
    """Turn clockwise about the centre, bilinear, background outside."""
    side = images.shape[1]
    centre = (side - 1) / 2
    down, right = np.mgrid[:side, :side] - centre
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    x, y = cos * right + sin * down + centre, -sin * right + cos * down + centre
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    across, below = x - left, y - top
    padded = np.pad(images, ((0, 0), (1, 2), (1, 2))).astype(np.float32)
    turned = np.zeros(images.shape, np.float32)
    for dy, dx, weight in (
        (0, 0, (1 - below) * (1 - across)),
        (0, 1, (1 - below) * across),
        (1, 0, below * (1 - across)),
        (1, 1, below * across),
    ):
        row, column = np.clip(top + dy + 1, 0, side + 1), np.clip(left + dx + 1, 0, side + 1)
        turned += padded[:, row, column] * weight.astype(np.float32)
    return np.clip(np.rint(turned), 0, PIXEL_MAX).astype(np.uint8)


def add_noise(images: Images, strength: float, seed: int) -> Images:
    """Add Gaussian noise of a standard deviation of ``strength`` of the full range, clipped."""
    noise = np.random.default_rng(seed).standard_normal(images.shape, np.float32) * np.float32(PIXEL_MAX * strength)
    return np.clip(np.rint(images + noise), 0, PIXEL_MAX).astype(np.uint8)


def thicken(images: Images) -> Images:
    """Take the maximum over a 3 x 3 cross."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    parts = (
        padded[:, 1:-1, 1:-1],
        padded[:, :-2, 1:-1],
        padded[:, 2:, 1:-1],
        padded[:, 1:-1, :-2],
        padded[:, 1:-1, 2:],
    )
    thick: Images = np.maximum.reduce(parts)
    return thick


def _shifts(images: Images) -> Iterator[Images]:
    steps = (-SHIFT_PX, 0, SHIFT_PX)
    return (shift(images, down, right) for down in steps for right in steps if down or right)


def _faded(images: Images) -> Iterator[Images]:
    yield np.rint(images * CONTRAST).astype(np.uint8)


def _grey_backed(images: Images) -> Iterator[Images]:
    yield np.clip(np.rint(images + PIXEL_MAX * BACKGROUND), 0, PIXEL_MAX).astype(np.uint8)


TEST_SETS = (
    TestSet("clean", "the test images as they are", lambda images: iter([images])),
    TestSet("shifted", f"moved by {SHIFT_PX} px in 8 directions", _shifts),
    TestSet(
        "rotated",
        f"turned by {ROTATION_DEGREES:g} degrees either way",
        lambda images: (rotate(images, angle) for angle in (-ROTATION_DEGREES, ROTATION_DEGREES)),
    ),
    TestSet(
        "noisy",
        f"Gaussian noise of {NOISE:g} of the range, seed {SEED}",
        lambda images: iter([add_noise(images, NOISE, SEED)]),
    ),
    TestSet("faded", f"contrast x {CONTRAST:g}", _faded),
    TestSet("grey-backed", f"{BACKGROUND:g} of the range added", _grey_backed),
    TestSet("thickened", "maximum over a 3 x 3 cross", lambda images: iter([thicken(images)])),
)


def measure_robustness(
    model: Model, digits: Digits, on_set: Callable[[SetResult], None] = lambda result: None
) -> Robustness:
    """Run a loaded model over every set of ``TEST_SETS``."""
    results = []
    temperature = model.card.temperature if model.card else 1.0
    error = calibration_error(model.logits(digits.images), digits.labels, temperature)
    for test_set in TEST_SETS:
        found = [
            accuracy(model.logits(images).argmax(axis=1), digits.labels) for images in test_set.make(digits.images)
        ]
        results.append(SetResult(test_set.name, len(digits) * len(found), float(np.mean(found))))
        on_set(results[-1])
    runtime = f"{model.runtime} {model.runtime_version}"
    return Robustness(model.artifact.name, runtime, tuple(results), error, temperature)


def check_floor(measured: Robustness, floor: float) -> None:
    """Let pass what is right on at least ``floor`` (0 to 1) of every set.

    Raises:
        BenchmarkError: names the sets below it; a figure that is no number is below.
    """
    low = [f"{r.name} {r.accuracy:.2%}" for r in measured.results if not r.accuracy >= floor]
    if low or not measured.results:
        raise BenchmarkError(f"{measured.artifact} is below {floor:.2%}: {', '.join(low) or 'nothing was measured'}")
