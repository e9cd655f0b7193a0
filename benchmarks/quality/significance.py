"""How surely a share of right answers is known, and whether two artifacts differ or merely seem to."""

import math
from statistics import NormalDist

CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE
"""A difference that chance alone makes less often than this is one that was shown."""

_Z = NormalDist().inv_cdf(1 - ALPHA / 2)


def wilson(right: int, images: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share, 0 to 1.

    With ``p = right / images``, ``n = images`` and ``z = 1.96``: ``(p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) /
    (1 + z^2/n)`` (Wilson, Journal of the American Statistical Association 22, 1927; recommended by Newcombe,
    Statistics in Medicine 17, 1998, as method 3). Unlike ``p -+ z sqrt(p(1-p)/n)`` it holds near 0 and 1, too.

    Args:
        right: images that were read right, 0 to ``images``.
        images: all of them, at least 1.
    """
    share, square = right / images, _Z * _Z / images
    middle = share + square / 2
    half = _Z * math.sqrt(share * (1 - share) / images + square / images / 4)
    low, high = (middle - half) / (1 + square), (middle + half) / (1 + square)
    return max(0.0, min(low, share)), min(1.0, max(high, share))


def mcnemar(worse: int, better: int) -> float:
    """Return how often chance alone parts the changed images at least this unevenly, 0 to 1.

    McNemar's exact test (McNemar, Psychometrika 12, 1947): only images that one of the two reads right and the other
    wrong tell them apart. If both are equally accurate, each of these ``n`` is as likely to be worse as better, so
    ``p = 2 P(X <= min(worse, better))`` with X binomial of ``n`` and 1/2. The sum begins at its largest term, which
    comes from ``lgamma``; its relative error is below 1e-8 for a million images.
    """
    few, count = min(worse, better), worse + better
    if worse == better:
        return 1.0
    logarithm = math.lgamma(count + 1) - math.lgamma(few + 1) - math.lgamma(count - few + 1) - count * math.log(2)
    term = total = 1.0
    for k in range(few, 0, -1):
        term *= k / (count - k + 1)
        total += term
        if term < 1e-17 * total:
            break
    return min(1.0, 2 * total * math.exp(logarithm))
