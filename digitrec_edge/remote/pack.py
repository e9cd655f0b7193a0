"""Packs wheels for devices: what runs there, without the training images.

Over ssh the installed digitrec-edge is packed from its own files: no build tool and no checkout needed. ``make wheel``
makes one from the wheel that it has just built: ``python -m digitrec_edge.remote.pack WHEEL FOLDER``.
"""

import base64
import hashlib
import io
import sys
import zipfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from digitrec_edge import archives
from digitrec_edge.errors import RemoteError
from digitrec_edge.files import write_file

PACKAGES = ("digitrec_edge", "converters", "runtimes", "benchmarks")
_LEFT_OUT = ("digitrec_edge/data/mnist/train-", "benchmarks/scripts/")
_NAME = "digitrec-edge"
_WHEEL = "Wheel-Version: 1.0\nGenerator: digitrec-edge\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def pack_wheel(folder: Path) -> Path:
    """Write the wheel of this installation for devices into ``folder``; the same installation gives the same bytes.

    Raises:
        RemoteError: this digitrec-edge is not installed, so it has no metadata.
    """
    try:
        distribution = metadata.distribution(_NAME)
    except metadata.PackageNotFoundError as cause:
        raise RemoteError(f"{_NAME} is run without being installed; pip install it to use it over ssh") from cause
    information = f"digitrec_edge-{distribution.version}.dist-info"
    contents = {name: path.read_bytes() for package in PACKAGES for name, path in _files(package)}
    described = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO")  # of a build
    contents[f"{information}/METADATA"] = (described or "").encode()
    contents[f"{information}/entry_points.txt"] = (distribution.read_text("entry_points.txt") or "").encode()
    contents[f"{information}/WHEEL"] = _WHEEL.encode()
    return _write(contents, information, folder / f"digitrec_edge-{distribution.version}-py3-none-any.whl")


def repack_wheel(wheel: Path, folder: Path) -> Path:
    """Write a wheel for devices into ``folder``, made from the whole one; the same wheel gives the same bytes."""
    with zipfile.ZipFile(wheel) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    (record,) = (name for name in contents if name.endswith(".dist-info/RECORD"))
    del contents[record]
    return _write(contents, record.rpartition("/")[0], folder / wheel.name)


def _files(package: str) -> list[tuple[str, Path]]:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise RemoteError(f"the package {package} is missing from this installation; install digitrec-edge again")
    root = Path(next(iter(spec.submodule_search_locations)))
    found = sorted(path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return [(f"{package}/{path.relative_to(root).as_posix()}", path) for path in found]


def _write(contents: dict[str, bytes], information: str, wheel: Path) -> Path:
    kept = {name: data for name, data in contents.items() if not name.startswith(_LEFT_OUT)}
    kept[f"{information}/RECORD"] = _record(kept, f"{information}/RECORD")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in kept.items():
            entry = zipfile.ZipInfo(name, archives.DATE)
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    wheel.parent.mkdir(parents=True, exist_ok=True)
    write_file(wheel, stream.getvalue())
    return wheel


def _record(contents: dict[str, bytes], own: str) -> bytes:
    lines = []
    for name, data in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(data)}")
    return "\n".join([*lines, f"{own},,", ""]).encode()


if __name__ == "__main__":
    print(repack_wheel(Path(sys.argv[1]), Path(sys.argv[2])))
