"""Packs the installed digitrec-edge into a wheel, from its own files: no build tool and no checkout needed."""

import base64
import hashlib
import io
import zipfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from digitrec_edge.errors import RemoteError

PACKAGES = ("digitrec_edge", "converters", "runtimes", "benchmarks")
_NAME = "digitrec-edge"
_WHEEL = "Wheel-Version: 1.0\nGenerator: digitrec-edge\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def pack_wheel(folder: Path) -> Path:
    """Write the wheel into ``folder``; the same installation gives the same bytes.

    Raises:
        RemoteError: this digitrec-edge is not installed, so it has no metadata.
    """
    try:
        distribution = metadata.distribution(_NAME)
    except metadata.PackageNotFoundError as cause:
        raise RemoteError(f"{_NAME} is run without being installed; pip install it to use it over ssh") from cause
    information = f"digitrec_edge-{distribution.version}.dist-info"
    contents = {name: path.read_bytes() for package in PACKAGES for name, path in _files(package)}
    for name in ("METADATA", "entry_points.txt"):
        contents[f"{information}/{name}"] = (distribution.read_text(name) or "").encode()
    contents[f"{information}/WHEEL"] = _WHEEL.encode()
    contents[f"{information}/RECORD"] = _record(contents, f"{information}/RECORD")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    wheel = folder / f"digitrec_edge-{distribution.version}-py3-none-any.whl"
    wheel.write_bytes(stream.getvalue())
    return wheel


def _files(package: str) -> list[tuple[str, Path]]:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise RemoteError(f"the package {package} is missing from this installation; install digitrec-edge again")
    root = Path(next(iter(spec.submodule_search_locations)))
    found = sorted(path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return [(f"{package}/{path.relative_to(root).as_posix()}", path) for path in found]


def _record(contents: dict[str, bytes], own: str) -> bytes:
    lines = []
    for name, data in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(data)}")
    return "\n".join([*lines, f"{own},,", ""]).encode()
