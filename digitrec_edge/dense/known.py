"""What the self-test of exported code knows: pictures, noise, and a checksum of the answers to both."""

import zlib

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.dense.c_tables import Tables, answers
from digitrec_edge.quantization import SIDE

KNOWN = 10
"""So many pictures are in the self-test, one for each of the first labels."""
NOISE = 30
"""... and so many of noise, which take no flash; docs/microcontrollers.md says what each sees."""
NOISE_SEED = 1

_MOST_RUN = 255


def choose_known(tables: Tables, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Take the first picture that the network reads as each label, and the first ones where a label has none."""
    read = answers(tables, images).argmax(axis=1)
    first = [int(np.argmax(read == label)) for label in range(KNOWN) if (read == label).any()]
    rest = [k for k in range(len(images)) if k not in first]
    return images[sorted([*first, *rest][:KNOWN])]


def classify(tables: Tables, images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Compute what ``digitrec_classify`` gives, ``(N,)``: the number of a label, or -1."""
    logits = answers(tables, images).astype(np.int64)
    labels = logits.shape[1]
    return np.where(labels * logits.max(axis=1) - logits.sum(axis=1) < tables.threshold, -1, logits.argmax(axis=1))


def noise(count: int = NOISE) -> NDArray[np.uint8]:
    """Make the self-test's pictures of noise, ``(count, 28, 28)``, 1 to 64; the twin of ``fill_with_noise`` in C."""
    state, numbers = NOISE_SEED, []
    for _ in range(count * SIDE * SIDE):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        numbers.append((state >> 26) + 1)
    return np.array(numbers, np.uint8).reshape(count, SIDE, SIDE)


def answers_crc(tables: Tables, images: NDArray[np.uint8]) -> int:
    """Return the checksum of the answers to known pictures ``(N, 28, 28)`` and to the noise."""
    shown = np.concatenate([images, noise()])
    numbers = (classify(tables, shown) & 0xFF).astype(np.uint8)
    return zlib.crc32(np.concatenate([answers(tables, shown).view(np.uint8), numbers[:, None]], axis=1).tobytes())


def pack_pictures(images: NDArray[np.uint8]) -> bytes:
    """Write pictures one behind the other, see :func:`pack_picture`."""
    return bytes(value for image in images for value in pack_picture(image))


def pack_picture(image: NDArray[np.uint8]) -> list[int]:
    """Write a picture as bytes: paper as 0 and how many pixels of it there are, at most 255; all else as it is."""
    packed: list[int] = []
    run = 0
    for pixel in [*image.reshape(-1).tolist(), None]:
        if run and (pixel != 0 or run == _MOST_RUN):
            packed += [0, run]
            run = 0
        if pixel == 0:
            run += 1
        elif pixel is not None:
            packed.append(pixel)
    return packed
