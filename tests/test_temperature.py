"""Calibration: the temperature that was used is found again, and the calibration error is what it says."""

import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec_edge.quantization import softmax
from digitrec_edge.temperature import calibration_error, fit_temperature

Sample = tuple[NDArray[np.float32], NDArray[np.uint8]]


@pytest.fixture(scope="module")
def calibrated() -> Sample:
    """Logits whose probabilities are true: every label is drawn with them."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (20_000, 10)).astype(np.float32)
    drawn = random.random((20_000, 1)) < softmax(logits).cumsum(axis=1)
    return logits, drawn.argmax(axis=1).astype(np.uint8)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_is_found(calibrated: Sample, temperature: float) -> None:
    logits, labels = calibrated
    assert fit_temperature(logits * np.float32(temperature), labels) == pytest.approx(temperature, rel=0.03)


def test_true_probabilities_have_no_error_and_too_sure_ones_have(calibrated: Sample) -> None:
    logits, labels = calibrated
    assert calibration_error(logits, labels, 1.0) < 0.015
    assert calibration_error(logits, labels, 0.3) > 0.1
    assert calibration_error(logits * np.float32(3), labels, 3.0) == pytest.approx(
        calibration_error(logits, labels, 1.0), abs=1e-4
    )


def test_the_error_of_a_known_case() -> None:
    logits = np.zeros((100, 10), np.float32)
    logits[:, 3] = np.log(9.0) + np.log(4.0)  # 36 against 9: probability 0.8 for the digit 3
    labels = np.array([3] * 60 + [1] * 40, np.uint8)
    assert calibration_error(logits, labels, 1.0) == pytest.approx(0.2, abs=1e-6)
