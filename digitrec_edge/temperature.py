"""Calibrated probabilities: one temperature, and how far probabilities are from frequencies.

Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks" (ICML 2017): temperature
scaling (section 4.2) and the expected calibration error (equation 3). Brier, "Verification of forecasts
expressed in terms of probability" (Monthly Weather Review, 1950): the score that the temperature is fitted by.
"""

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.labels import Numbers
from digitrec_edge.quantization import softmax

BINS = 15
"""Equally wide bins of confidence, as in the paper."""

_RANGE = (0.25, 4.0)
_STEPS = 40


def fit_temperature(logits: NDArray[np.float32], labels: Numbers) -> float:
    """Find the temperature of the least Brier score, by golden-section search in 0.25 to 4.

    The score is that of the probability which is shown, the named digit's. The paper's negative log-likelihood looks
    at the labelled digit's: a few images whose label nobody would guess then decide, and a network that was trained to
    be unsure of marks that are no digit stays too unsure of digits.

    Args:
        logits: ``(N, 10)``, of images that were not trained on.
        labels: ``(N,)``.
    """
    golden = (np.sqrt(5) - 1) / 2
    low, high = np.log(_RANGE)
    for _ in range(_STEPS):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if _brier_score(logits, labels, left) <= _brier_score(logits, labels, right):
            high = right
        else:
            low = left
    return round(float(np.exp((low + high) / 2)), 4)


def _brier_score(logits: NDArray[np.float32], labels: Numbers, log_temperature: float) -> float:
    """Return the mean square of how far the named digit's probability is from 1 where it is right, from 0 elsewhere."""
    scaled = logits.astype(np.float64) / np.exp(log_temperature)
    shown = 1 / np.exp(scaled - scaled.max(axis=1, keepdims=True)).sum(axis=1)
    return float(((shown - (logits.argmax(axis=1) == labels)) ** 2).mean())


def calibration_error(logits: NDArray[np.float32], labels: Numbers, temperature: float) -> float:
    """Return the expected calibration error of the named digits' probabilities, 0 to 1.

    Args:
        logits: ``(N, 10)``.
        labels: ``(N,)``.
        temperature: logits are divided by it.
    """
    probabilities = softmax(logits / np.float32(temperature))
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [abs(right[bins == k].mean() - confidence[bins == k].mean()) * (bins == k).mean() for k in set(bins)]
    return float(sum(gaps))
