"""Runs on a device: a consistent copy of a SQLite file that others are writing into.

Sent as it is and run by the device's own Python; it knows the standard library only.
"""

import os
import sqlite3
import sys
from pathlib import Path


def main(source: str, target: str, limit_bytes: str) -> None:
    """Copy the file, all of it as it is at one moment; what is only in its log, too. A larger one is not copied."""
    path = Path.home() / Path(source).expanduser()
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as cause:
        sys.exit(f"this login cannot get at it ({cause.strerror}): {path}")
    if not path.is_file():
        sys.exit(f"there is no {path}; say where the device keeps it: --remote-path")
    os.umask(0o077)
    try:
        connection = sqlite3.connect(path.as_uri() + "?mode=rw", uri=True, timeout=30)
        names = ("page_count", "freelist_count", "page_size")
        pages, free, page_bytes = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
        size = (pages - free) * page_bytes
        if size > int(limit_bytes):
            sys.exit(
                f"{path} has {size:,} bytes, at most {int(limit_bytes):,} are fetched; stop what keeps there, copy "
                "it with scp, and type: digitrec-edge collect FILE --import COPY"
            )
        connection.execute("VACUUM INTO ?", (target,))
        connection.close()
    except sqlite3.Error as cause:
        sys.exit(f"{path} cannot be copied: {cause}")


if __name__ == "__main__":
    main(*sys.argv[1:])
