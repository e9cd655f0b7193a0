"""What is printed or drawn around digits, taken out of the foreground: printed lines first, then circles."""

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.preprocess.components import Component, find_components
from digitrec_edge.preprocess.enclosures import without_enclosures
from digitrec_edge.preprocess.foreground import Foreground
from digitrec_edge.preprocess.rulings import without_rulings

MAX_COMPONENTS = 1 << 16
"""More are noise, or a texture."""


def without_frames(foreground: Foreground, labels: NDArray[np.int32], components: list[Component]) -> Foreground | None:
    """Take what encloses and underlines digits out of a foreground.

    Args:
        foreground: of a picture.
        labels: ``(H, W) int32``, its components, as :func:`find_components` gives them.
        components: the same, one by one.

    Returns:
        The foreground without it; None when there is nothing of that kind.
    """
    if len(components) > MAX_COMPONENTS:
        return None
    unruled = without_rulings(foreground, labels, components)
    if unruled is None:
        return without_enclosures(foreground, labels, components)
    return without_enclosures(unruled, *find_components(unruled.mask)) or unruled
