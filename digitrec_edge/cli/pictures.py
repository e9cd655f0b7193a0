"""What people name on the command line: files, folders, globs and ``-``, as pictures one by one."""

import os
import sys
from collections.abc import Iterator
from os.path import exists, isdir
from pathlib import Path
from typing import TYPE_CHECKING

from digitrec_edge.errors import PictureError
from digitrec_edge.frozen import Frozen

if TYPE_CHECKING:
    from digitrec_edge.preprocess.reading import Picture

STANDARD_INPUT = "-"


class Named(Frozen):
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


def expand(arguments: list[str], recursive: bool = False) -> Iterator[Named]:
    """Yield the pictures that the arguments name, in their order.

    A folder stands for the pictures in it, by name, with ``recursive`` also for those in its folders; a pattern that is
    no file's name for what it matches.
    """
    import glob

    for argument in arguments:
        if argument == STANDARD_INPUT:
            yield Named(argument)
        elif isdir(argument):  # noqa: PTH112  (Path.is_dir raises where a folder above may not be entered)
            yield from _folder(Path(argument), recursive)
        elif glob.has_magic(argument) and not exists(argument):  # noqa: PTH110
            found = glob.glob(argument, recursive=True)  # noqa: PTH207  (a whole pattern, absolute or not)
            matches = sorted(match for match in found if Path(match).is_file())
            yield from map(Named, matches)
            if not matches:
                yield Named(argument, PictureError(f"no file matches {argument}"))
        else:
            yield Named(argument)


def _folder(folder: Path, recursive: bool) -> Iterator[Named]:
    """Hidden files and folders, and links to folders, are passed over."""
    from digitrec_edge.preprocess.reading import SUFFIXES

    found: list[Named] = []
    below = False

    def keep_error(cause: OSError) -> None:
        if recursive or cause.filename == str(folder):
            reason = f"cannot read folder {cause.filename}: {cause.strerror}"
            found.append(Named(cause.filename, PictureError(reason)))

    for place, folders, names in os.walk(folder, onerror=keep_error):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        pictures = sorted(n for n in names if Path(n).suffix.lower() in SUFFIXES and not n.startswith("."))
        if recursive or place == str(folder):
            found += [Named(str(Path(place) / name)) for name in pictures]
        below = below or bool(pictures)
        if below and not recursive:
            break
    yield from found
    if not found:
        hint = "in folders below it only: add --recursive" if below else f"({', '.join(SUFFIXES)})"
        yield Named(str(folder), PictureError(f"{folder} holds {'' if below else 'no '}pictures {hint}"))
