"""Connected components of a mask, in numpy: runs of pixels, joined where they touch, corners included."""

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.frozen import Frozen


class Box(Frozen):
    """Half-open bounds in pixels."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    def union(self, other: "Box") -> "Box":
        """Return the smallest box around both."""
        return Box(
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )


class Component(Frozen):
    """Connected pixels.

    Attributes:
        label: its number in the label picture.
        area: pixels.
    """

    label: int
    box: Box
    area: int

    def cut(self, labels: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Return its pixels, cut at its bounds, of the ``(H, W) int32`` labels that it was found with."""
        box = self.box
        own: NDArray[np.bool_] = labels[box.top : box.bottom, box.left : box.right] == self.label
        return own


def bounds_of(mask: NDArray[np.bool_]) -> Box:
    """Return the smallest box around what is True, an empty one where nothing is."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return Box(0, 0, 0, 0)
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def find_components(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], list[Component]]:
    """Label the 8-connected components of ``(H, W) bool``.

    Returns:
        ``(H, W) int32`` labels, 0 where the mask is False, and the components, largest first.
    """
    height, width = mask.shape
    stride = width + 1
    padded = np.zeros(1 + height * stride, bool)  # a False before the first row and after each
    padded[1:].reshape(height, stride)[:, :width] = mask
    changes = np.flatnonzero(padded[1:] != padded[:-1])  # where a run starts, where it ends, and so on
    rows, starts = np.divmod(changes[::2], stride)
    ends = changes[1::2] - rows * stride
    if not len(rows):
        return np.zeros(mask.shape, np.int32), []
    roots = _join(len(rows), *_touching(rows, starts, ends, width))
    labels = np.zeros(mask.shape, np.int32)
    if not roots.any():  # all is one
        labels[mask] = 1
        box = Box(int(rows[0]), int(starts.min()), int(rows[-1]) + 1, int(ends.max()))
        return labels, [Component(1, box, int((ends - starts).sum()))]
    _, numbers = np.unique(roots, return_inverse=True)
    labels[mask] = np.repeat(numbers + 1, ends - starts)
    count = int(numbers.max()) + 1
    top, left = np.full(count, height), np.full(count, width)
    bottom, right, area = np.zeros(count, int), np.zeros(count, int), np.zeros(count, int)
    np.minimum.at(top, numbers, rows)
    np.maximum.at(bottom, numbers, rows + 1)
    np.minimum.at(left, numbers, starts)
    np.maximum.at(right, numbers, ends)
    np.add.at(area, numbers, ends - starts)
    found = [
        Component(k + 1, Box(int(top[k]), int(left[k]), int(bottom[k]), int(right[k])), int(area[k]))
        for k in range(count)
    ]
    return labels, sorted(found, key=lambda component: -component.area)


def _touching(
    rows: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64], width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs of runs in neighbouring rows that touch, also by a corner."""
    stride = width + 3
    first_keys, last_keys = rows * stride + ends, rows * stride + starts
    below = (rows + 1) * stride
    first = np.searchsorted(first_keys, below + starts)  # runs below that end at or after our start
    last = np.searchsorted(last_keys, below + ends, side="right")  # ... and start at or before our end
    counts = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(len(rows)), counts)
    offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return upper, np.repeat(first, counts) + offsets


def _join(count: int, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the smallest member of each run's set: union-find by hooking roots and halving paths."""
    parents = np.arange(count)
    while True:
        a, b = parents[one], parents[other]
        if (a == b).all():
            return parents
        np.minimum.at(parents, np.maximum(a, b), np.minimum(a, b))
        while True:
            grand = parents[parents]
            if (grand == parents).all():
                break
            parents = grand
