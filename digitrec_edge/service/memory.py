"""Memory that a large picture took goes back to the system, instead of staying in gaps of the heap."""

import ctypes

_MMAP_THRESHOLD = -3
"""M_MMAP_THRESHOLD of glibc's malloc.h; setting it also ends its growth with every large block that was freed."""

LARGE_BYTES = 256 << 10


def return_large_blocks() -> None:
    """Let each large block be a mapping of its own, which ends with it; other C libraries than glibc do so anyway."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, LARGE_BYTES)
