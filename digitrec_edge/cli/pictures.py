"""What people name on the command line: files, folders, globs and ``-``, as pictures one by one."""

import glob
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from digitrec_edge.errors import PictureError

if TYPE_CHECKING:
    from digitrec_edge.preprocess.reading import Picture

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Named:
    """A picture to read; or an argument that names none, with the reason."""

    name: str
    error: PictureError | None = None

    def read(self) -> "Picture":
        """Return the picture, decoded.

        Raises:
            PictureError: it cannot be read.
        """
        from digitrec_edge.preprocess.reading import LIMIT_BYTES, open_picture, read

        if self.error:
            raise self.error
        if self.name == STANDARD_INPUT:
            return open_picture(sys.stdin.buffer.read(LIMIT_BYTES + 1), "standard input")
        return read(self.name)


def expand(arguments: list[str]) -> Iterator[Named]:
    """Yield the pictures that the arguments name, in their order.

    A folder stands for the pictures in it, by name; a pattern that is no file's name for what it matches.
    """
    for argument in arguments:
        path = Path(argument)
        if argument == STANDARD_INPUT:
            yield Named(argument)
        elif path.is_dir():
            yield from _folder(path)
        elif glob.has_magic(argument) and not path.exists():
            found = glob.glob(argument, recursive=True)  # noqa: PTH207  (a whole pattern, absolute or not)
            matches = sorted(match for match in found if Path(match).is_file())
            yield from map(Named, matches)
            if not matches:
                yield Named(argument, PictureError(f"no file matches {argument}"))
        else:
            yield Named(argument)


def _folder(folder: Path) -> Iterator[Named]:
    from digitrec_edge.preprocess.reading import SUFFIXES

    try:
        found = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    except OSError as cause:
        yield Named(str(folder), PictureError(f"cannot read folder {folder}: {cause.strerror}"))
        return
    yield from (Named(str(path)) for path in found)
    if not found:
        yield Named(str(folder), PictureError(f"{folder} holds no pictures ({', '.join(SUFFIXES)})"))
