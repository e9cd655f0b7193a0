"""The threshold of "no digit" as a whole number, for C that has neither division nor a mean."""

from fractions import Fraction
from math import ceil

import numpy as np

_ROUNDING = Fraction(1, 1 << 24)
"""The largest relative error of a float32 operation."""
_MOST_STEPS = 255
"""How far an int8 number can be from its zero point."""
LARGEST = (1 << 31) - 1
"""A threshold in C is an int32."""


def whole_threshold(threshold: float | None, scale: float, labels: int) -> int:
    """Return T, so that ``labels * max(q) - sum(q) >= T`` just when ``no_digit.score(logits) >= threshold``.

    The score is ``scale / labels`` times that whole number, but for what float32 loses on the way: ``scale * (q -
    zero)``, the sum, the division, and the difference round. A sum of n numbers, in whatever order, is off by at most
    n - 1 roundings of the sum of their magnitudes (Higham, Accuracy and Stability of Numerical Algorithms, 4.2).

    Args:
        threshold: of the card; None, for which every picture shows something, is 0.
        scale: of the logits.
        labels: how many there are.

    Raises:
        ValueError: a score that float32 cannot tell from the threshold is possible, or C has no such number.
    """
    if threshold is None:
        return 0
    if not 0 <= threshold * labels <= LARGEST * scale:
        raise ValueError(
            f"the threshold of 'no digit', {threshold:g}, is not between 0 and {LARGEST:,} steps of the logits"
        )
    step, least = Fraction(float(np.float32(scale))) / labels, Fraction(float(np.float32(threshold)))
    largest = _MOST_STEPS * labels * step
    lost = Fraction(101, 100) * _ROUNDING * largest * ((labels - 1) + 1 + 1 + 1 + 2)
    whole = ceil(least / step)
    if whole * step - least <= lost or least - (whole - 1) * step <= lost:
        raise ValueError(
            f"the threshold of 'no digit', {threshold}, lies on a step of the logits, {float(step):g}, where float32 "
            "and whole numbers may disagree; quantise with other --calibration-images"
        )
    return whole
