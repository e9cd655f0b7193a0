"""Loops over pixels in plain Python, compiled by numba at their first call (seconds; kept for later runs)."""

from collections.abc import Callable

from digitrec_edge.errors import NotInstalledError
from digitrec_edge.pip_lines import install_extra


def compile_loop(loop: Callable[..., None]) -> Callable[..., None]:
    """Compile a loop over pixels; it runs without the interpreter's lock.

    Raises:
        NotInstalledError: numba is missing.
    """
    try:
        import numba
    except ImportError as cause:
        raise NotInstalledError(
            f"numba is needed to make training images and cannot be imported ({cause}): {install_extra('convert')}"
        ) from cause
    compiled: Callable[..., None] = numba.njit(nogil=True, cache=True, fastmath=True)(loop)
    return compiled
