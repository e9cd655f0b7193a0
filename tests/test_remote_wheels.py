"""Wheels for a device: its markers, its tags, its constraints, whatever this machine is."""

import zipfile
from pathlib import Path

import pytest

from digitrec_edge.errors import RemoteError
from digitrec_edge.remote import resolve as wheels
from digitrec_edge.remote.resolve import Platform, applicable, constraints_for, fetch

BOOKWORM = Platform("aarch64", "3.11.2", "2.36")
TRIXIE = Platform("aarch64", "3.13.5", "2.41")
NUMPY = ["numpy<2; python_version < '3.12' and extra == 'tflite'", "numpy>=1.24"]


def make_wheel(folder: Path, name: str, version: str = "1.0", tag: str = "py3-none-any", requires: str = "") -> Path:
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        lines = "".join(f"Requires-Dist: {line}\n" for line in requires.split("; and ") if line)
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{lines}"
        archive.writestr(f"{name}-{version}.dist-info/METADATA", metadata)
    return path


@pytest.fixture(autouse=True)
def _no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_CONSTRAINT", raising=False)

    def refuse(lines: list[str], platform: Platform, folder: Path) -> None:
        raise RemoteError(f"asked for {lines}")

    monkeypatch.setattr(wheels, "_download", refuse)


@pytest.mark.parametrize(
    ("platform", "extras", "expected"),
    [
        (BOOKWORM, ("tflite",), ["numpy<2", "numpy>=1.24"]),
        (BOOKWORM, ("litert",), ["numpy>=1.24"]),
        (TRIXIE, ("tflite",), ["numpy>=1.24"]),
    ],
)
def test_markers_are_those_of_the_device(platform: Platform, extras: tuple[str, ...], expected: list[str]) -> None:
    assert applicable(NUMPY, platform, extras) == expected


def test_tags_end_at_the_devices_c_library() -> None:
    tags = BOOKWORM.tags()
    assert "manylinux_2_36_aarch64" in tags
    assert "manylinux_2_37_aarch64" not in tags
    assert all(tag.endswith("aarch64") for tag in tags)


def test_dependencies_of_dependencies_come_too_and_only_those_that_fit(tmp_path: Path) -> None:
    make_wheel(tmp_path, "top", requires="middle>=1; and other; python_version < '3.0'")
    make_wheel(tmp_path, "middle", "2.0", "cp311-cp311-manylinux_2_28_aarch64", "bottom<2")
    make_wheel(tmp_path, "middle", "3.0", "cp311-cp311-manylinux_2_40_aarch64", "bottom<2")
    make_wheel(tmp_path, "middle", "4.0", "cp312-cp312-manylinux_2_28_aarch64", "bottom<2")
    make_wheel(tmp_path, "bottom", "1.5")
    make_wheel(tmp_path, "bottom", "2.5")
    found = fetch(["top"], BOOKWORM, tmp_path)
    assert sorted(path.name.split("-")[0:2] for path in found) == [["bottom", "1.5"], ["middle", "2.0"], ["top", "1.0"]]


def test_what_the_device_has_is_not_fetched_when_it_is_good_enough(tmp_path: Path) -> None:
    assert fetch(["numpy>=1.24"], BOOKWORM, tmp_path, installed={"numpy": "1.24.2"}) == []
    with pytest.raises(RemoteError, match=r"numpy>=1\.25"):
        fetch(["numpy>=1.25"], BOOKWORM, tmp_path, installed={"numpy": "1.24.2"})


def test_a_later_requirement_narrows_an_earlier_one(tmp_path: Path) -> None:
    make_wheel(tmp_path, "top", requires="numpy<2")
    make_wheel(tmp_path, "numpy", "2.1")
    make_wheel(tmp_path, "numpy", "1.26.4")
    found = fetch(["numpy>=1.24", "top"], BOOKWORM, tmp_path)
    assert sorted(path.name for path in found if path.name.startswith("numpy")) == ["numpy-1.26.4-py3-none-any.whl"]


def test_pips_constraint_files_count_with_the_devices_markers(tmp_path: Path) -> None:
    file = tmp_path / "constraints.txt"
    file.write_text("# both\nnumpy==1.26.4; python_version < '3.12'\nnumpy==2.1; python_version >= '3.12'\n")
    assert constraints_for(TRIXIE, {"PIP_CONSTRAINT": str(file)}) == ["numpy==2.1"]
    assert constraints_for(BOOKWORM, {"PIP_CONSTRAINT": str(file)}) == ["numpy==1.26.4"]
    assert constraints_for(BOOKWORM, {}) == []


def test_a_constraint_file_that_is_not_there_is_named() -> None:
    with pytest.raises(RemoteError, match="/no/such"):
        constraints_for(BOOKWORM, {"PIP_CONSTRAINT": "/no/such"})
