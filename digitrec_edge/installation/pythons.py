"""The Pythons that digitrec-edge runs on. Everything else that names them follows from here or is tested against it.

It is sent to devices as it is and must run on a Python that is too old, which it is there to tell: standard
library only, and the syntax of Python 3.6. Run as a script, it says whether the Python that runs it is one of them.
"""

import platform
import sys
from collections.abc import Sequence

OLDEST, NEWEST = (3, 11), (3, 14)


def name_version(version: "Sequence[int]") -> str:
    """Return ``3.11`` for ``(3, 11, 7)``."""
    return ".".join(map(str, version[:2]))


RANGE = f"{name_version(OLDEST)} to {name_version(NEWEST)}"


def supported(version: "Sequence[int]") -> bool:
    """Whether this package runs on a version of Python."""
    return OLDEST <= tuple(version[:2]) <= NEWEST


if __name__ == "__main__":
    if not supported(sys.version_info[:2]):
        sys.exit(f"{sys.executable} is Python {platform.python_version()}; Python {RANGE} is needed")
