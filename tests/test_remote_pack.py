"""The wheel that is packed from this installation."""

import base64
import csv
import hashlib
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from digitrec_edge.remote.pack import PACKAGES, pack_wheel, repack_wheel


def test_the_same_installation_gives_the_same_bytes(tmp_path: Path) -> None:
    first = pack_wheel(tmp_path).read_bytes()
    assert pack_wheel(tmp_path).read_bytes() == first


def test_it_has_its_metadata_in_a_checkout_in_which_a_wheel_was_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = tmp_path / "digitrec_edge.egg-info"
    built.mkdir()
    (built / "PKG-INFO").write_text("Metadata-Version: 2.4\nName: digitrec-edge\nVersion: 7.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with zipfile.ZipFile(pack_wheel(tmp_path)) as archive:
        assert b"Version: 7.0" in archive.read("digitrec_edge-7.0.dist-info/METADATA")


def test_its_record_fits_every_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(pack_wheel(tmp_path)) as archive:
        (record,) = (name for name in archive.namelist() if name.endswith("RECORD"))
        rows = list(csv.reader(io.StringIO(archive.read(record).decode())))
        assert {row[0] for row in rows} == set(archive.namelist())
        for name, digest, size in rows:
            if name != record:
                data = archive.read(name)
                expected = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
                assert (digest, int(size)) == (f"sha256={expected}", len(data))


def test_it_runs_from_itself_without_this_installation(tmp_path: Path) -> None:
    wheel = pack_wheel(tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "there")
    code = f"import sys; sys.path[:0] = [{str(tmp_path / 'there')!r}]; " + "; ".join(
        f"import {package}; assert {package}.__file__.startswith(sys.path[0])" for package in PACKAGES
    )
    subprocess.run([sys.executable, "-c", code + "; import digitrec_edge.remote.fleet"], check=True, cwd=tmp_path)


def test_it_has_the_test_images_and_says_where_the_others_are(tmp_path: Path) -> None:
    wheel = pack_wheel(tmp_path)
    assert wheel.stat().st_size < 4_000_000
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "there")
    code = f"""
import sys
sys.path[:0] = [{str(tmp_path / "there")!r}]
from digitrec_edge import errors, mnist
assert len(mnist.load("test")) == 10_000
try:
    mnist.load("train")
except errors.DataError as cause:
    print(cause)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, capture_output=True, text=True)
    (line,) = done.stdout.splitlines()
    assert "without training images" in line
    assert "--data" in line


def test_a_wheel_is_packed_again_without_what_devices_do_not_need(tmp_path: Path) -> None:
    first = pack_wheel(tmp_path)
    with zipfile.ZipFile(first, "a") as archive:
        archive.writestr("digitrec_edge/data/mnist/train-images-idx3-ubyte.gz", bytes(100))
    again = repack_wheel(first, tmp_path / "device")
    with zipfile.ZipFile(again) as archive:
        assert not [name for name in archive.namelist() if "train-" in name]
        assert archive.testzip() is None
    assert again.read_bytes() == pack_wheel(tmp_path / "other").read_bytes()
