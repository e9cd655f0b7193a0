"""ZIP archives at the end of a model: what they may unpack to is bounded, whatever they say of themselves."""

import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from digitrec_edge.formats import appended_zip, by_name
from digitrec_edge.formats.budget import BUDGET
from digitrec_edge.formats.graph import MalformedError


def bomb(folder: Path, *, count: int = 1, size: int = 1, said: int | None = None, name: str = "labels.txt") -> bytes:
    """A ZIP archive of zeros; ``said`` is what its directory says that they unpack to."""
    path = folder / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for k in range(count):
            archive.writestr(f"{k}{name}", bytes(size))
    data = path.read_bytes()
    if said is not None:
        directory = data.index(b"PK\x01\x02")
        data = data[: directory + 24] + struct.pack("<I", said) + data[directory + 28 :]
        data = data[:22] + struct.pack("<I", said) + data[26:]
    return data


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"count": 17}, "files: 17, at most 16 are allowed"),
        ({"count": 2000, "name": "a" * 200}, "bytes of its directory: "),
        ({"size": BUDGET.attached_bytes + 1}, "bytes unpacked: 4,194,305, at most 4,194,304 are allowed"),
        ({"size": 1 << 20}, "times that '0labels.txt' grows: "),
        ({"size": 64 << 20, "said": 100}, "Bad CRC-32"),
    ],
    ids=["count", "directory", "size", "ratio", "more than it says"],
)
@pytest.mark.parametrize("format_name", ["tflite", "ort"])
def test_attached_archives_are_bounded(tmp_path: Path, format_name: str, options: dict[str, Any], reason: str) -> None:
    data = b"\0" * 64 + bomb(tmp_path, **options)
    with pytest.raises(MalformedError, match="ZIP archive cannot be read") as raised:
        by_name(format_name).load().split(data)
    assert reason in str(raised.value)


def test_what_unpacks_to_more_than_it_says_is_not_unpacked(tmp_path: Path) -> None:
    """64 MB in 64 kB, declared as 100 bytes: no more than a piece is ever in memory."""
    (tmp_path / "a").write_bytes(bomb(tmp_path, size=64 << 20, said=100))
    code = (
        "import resource, sys\n"
        "from digitrec_edge.formats import appended_zip, graph\n"
        "data = open(sys.argv[1], 'rb').read()\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n    appended_zip.split(data)\nexcept graph.MalformedError:\n    pass\n"
        "grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before\n"
        "assert grown < 8 << 10, f'{grown} KiB'\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_archive_of_another_kind_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("labels.txt", "0\n" * 100)
    with pytest.raises(MalformedError, match="is packed by method 14, 0 or 8 are allowed"):
        appended_zip.split((tmp_path / "a").read_bytes())
