"""Wheels for a device: its markers, its tags, its constraints, whatever this machine is; no index is asked."""

import dataclasses
import subprocess
import zipfile
from pathlib import Path

import pytest

from digitrec_edge.errors import RemoteError
from digitrec_edge.installation.machine import describe_machine
from digitrec_edge.remote import index
from digitrec_edge.remote import resolve as resolving
from digitrec_edge.remote.index import PipIndex, read_configuration
from digitrec_edge.remote.resolve import constraint_lines, fetch, resolve

pytest.importorskip("uv")

BOOKWORM = dataclasses.replace(
    describe_machine(), machine="aarch64", bits=64, libc="glibc", libc_version="2.36", python="3.11.2"
)
TRIXIE = dataclasses.replace(BOOKWORM, libc_version="2.41", python="3.13.5")
BOOKWORM_32 = dataclasses.replace(BOOKWORM, machine="armv7l", bits=32)


@pytest.fixture(scope="module")
def uv_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What uv knows of this Python; wheels lie in another folder for each test."""
    return tmp_path_factory.mktemp("uv-cache")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, uv_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All that there is to choose from."""
    found = tmp_path / "index"
    found.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(found))
    monkeypatch.setenv("UV_CACHE_DIR", str(uv_cache))
    monkeypatch.delenv("PIP_CONSTRAINT", raising=False)
    monkeypatch.setattr(resolving, "pip_index", lambda: PipIndex(None, (), (str(found),), True, None, (), ()))
    return found


@pytest.fixture
def asking_pip(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pip says where packages come from, as it does for a user; half a second each time."""
    monkeypatch.setattr(resolving, "pip_index", index.pip_index)


def make_wheel(folder: Path, name: str, version: str = "1.0", tag: str = "py3-none-any", *requires: str) -> Path:
    path = folder / f"{name.replace('-', '_')}-{version}-{tag}.whl"
    information = f"{name.replace('-', '_')}-{version}.dist-info"
    lines = "".join(f"Requires-Dist: {line}\n" for line in requires)
    extras = "Provides-Extra: tflite\n" if "extra ==" in lines else ""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            f"{information}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{extras}{lines}"
        )
        archive.writestr(f"{information}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        archive.writestr(f"{information}/RECORD", "")
    return path


@pytest.mark.usefixtures("asking_pip")
def test_markers_are_those_of_the_device(folder: Path) -> None:
    make_wheel(folder, "numpy", "1.26.4")
    make_wheel(folder, "numpy", "2.1")
    lines = ["numpy<2; python_version < '3.12' and platform_machine != 'x86_64'", "numpy>=1.24"]
    assert resolve(lines, BOOKWORM) == ["numpy==1.26.4"]
    assert resolve(lines, TRIXIE) == ["numpy==2.1"]


@pytest.mark.parametrize("machine", ["aarch64", "armv7l"])
def test_an_earlier_choice_is_given_up_for_a_later_requirement(folder: Path, machine: str) -> None:
    make_wheel(folder, "top", "2.0", "py3-none-any", "middle", "bottom<2")
    make_wheel(folder, "middle", "3.0", "py3-none-any", "bottom>=2")
    make_wheel(folder, "middle", "2.0", "py3-none-any", "bottom>=1")
    make_wheel(folder, "bottom", "1.5")
    make_wheel(folder, "bottom", "2.5")
    found = resolve(["top"], dataclasses.replace(BOOKWORM, machine=machine))
    assert found == ["bottom==1.5", "middle==2.0", "top==2.0"]


@pytest.mark.parametrize(
    ("glibc", "version"), [("2.36", "2.0"), ("2.41", "3.0"), ("2.33", "1.0")], ids=lambda value: str(value)
)
def test_a_wheel_fits_the_devices_python_and_c_library(folder: Path, tmp_path: Path, glibc: str, version: str) -> None:
    make_wheel(folder, "a", "1.0", "cp311-cp311-manylinux_2_17_aarch64")
    make_wheel(folder, "a", "2.0", "cp311-cp311-manylinux_2_36_aarch64")
    make_wheel(folder, "a", "3.0", "cp311-cp311-manylinux_2_40_aarch64")
    make_wheel(folder, "a", "4.0", "cp312-cp312-manylinux_2_17_aarch64")
    make_wheel(folder, "a", "5.0", "cp311-cp311-manylinux_2_17_x86_64")
    (wheel,) = fetch(["a"], dataclasses.replace(BOOKWORM, libc_version=glibc), tmp_path / "got")
    assert wheel.name.startswith(f"a-{version}-cp311")


def test_32_bits_get_wheels_of_their_own(folder: Path, tmp_path: Path) -> None:
    make_wheel(folder, "a", "1.0", "cp311-cp311-manylinux_2_34_armv7l")
    make_wheel(folder, "a", "2.0", "cp311-cp311-manylinux_2_34_aarch64")
    make_wheel(folder, "a", "3.0", "cp312-cp312-manylinux_2_34_armv7l")
    assert [path.name for path in fetch(["a"], BOOKWORM_32, tmp_path / "got")] == [
        "a-1.0-cp311-cp311-manylinux_2_34_armv7l.whl"
    ]


@pytest.mark.parametrize(("libc", "libc_version"), [("musl", "1.2.5"), ("musl", ""), ("", "")])
def test_another_c_library_gets_no_wheels_for_glibc(folder: Path, tmp_path: Path, libc: str, libc_version: str) -> None:
    other = dataclasses.replace(BOOKWORM, machine="x86_64", libc=libc, libc_version=libc_version)
    make_wheel(folder, "pure", "1.0")
    assert [path.name for path in fetch(["pure"], other, tmp_path / "pure")] == ["pure-1.0-py3-none-any.whl"]
    make_wheel(folder, "a", "1.0", "cp311-cp311-manylinux_2_17_x86_64")
    with pytest.raises(RemoteError, match=r"^no wheels for Python 3\.11\.2 on x86_64: "):
        fetch(["a"], other, tmp_path / "got")


def test_musl_gets_the_wheels_that_are_made_for_it(folder: Path, tmp_path: Path) -> None:
    make_wheel(folder, "a", "1.0", "cp311-cp311-musllinux_1_1_x86_64")
    make_wheel(folder, "a", "2.0", "cp311-cp311-manylinux_2_17_x86_64")
    alpine = dataclasses.replace(BOOKWORM, machine="x86_64", libc="musl", libc_version="1.2.5")
    assert [path.name for path in fetch(["a"], alpine, tmp_path / "got")] == [
        "a-1.0-cp311-cp311-musllinux_1_1_x86_64.whl"
    ]


def test_what_the_device_provides_is_left_out(folder: Path) -> None:
    make_wheel(folder, "tflite-runtime", "2.14.0", "cp311-cp311-manylinux_2_34_armv7l", "numpy>=1.23")
    with pytest.raises(RemoteError, match=r"no wheels for Python 3\.11\.2 on armv7l: .*numpy") as caught:
        resolve(["tflite-runtime"], BOOKWORM_32)
    assert "\n" not in str(caught.value)
    assert resolve(["tflite-runtime"], BOOKWORM_32, provided=["numpy"]) == ["tflite-runtime==2.14.0"]


def test_extras_of_a_wheel_of_ours_come_without_itself(folder: Path, tmp_path: Path) -> None:
    make_wheel(folder, "tflite-runtime", "2.14.0")
    make_wheel(folder, "numpy", "1.26.4")
    requires = ("numpy", "tflite-runtime; extra == 'tflite'")
    wheel = make_wheel(tmp_path, "digitrec-edge", "1.0", "py3-none-any", *requires)
    assert resolve([f"digitrec-edge @ {wheel.as_uri()}"], BOOKWORM) == ["numpy==1.26.4"]
    assert len(resolve([f"digitrec-edge[tflite] @ {wheel.as_uri()}"], BOOKWORM)) == 2


def test_constraints_count_with_the_devices_markers(folder: Path, tmp_path: Path) -> None:
    for version in ("1.26.4", "2.0", "2.1"):
        make_wheel(folder, "numpy", version)
    lines = ["numpy==1.26.4; python_version < '3.12'", "numpy==2.0; python_version >= '3.12'"]
    assert resolve(["numpy"], BOOKWORM, lines) == ["numpy==1.26.4"]
    (wheel,) = fetch(["numpy"], TRIXIE, tmp_path / "got", lines)
    assert wheel.name.startswith("numpy-2.0-")


@pytest.mark.usefixtures("asking_pip")
def test_pips_constraint_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "constraints.txt"
    file.write_text("# both\nnumpy==1.26.4; python_version < '3.12'  # old\n\nnumpy==2.1; python_version >= '3.12'\n")
    monkeypatch.setenv("PIP_CONSTRAINT", str(file))
    assert constraint_lines() == ["numpy==1.26.4; python_version < '3.12'", "numpy==2.1; python_version >= '3.12'"]
    monkeypatch.setenv("PIP_CONSTRAINT", "/no/such")
    with pytest.raises(RemoteError, match="/no/such"):
        constraint_lines()
    file.write_text("-c more.txt\n")
    monkeypatch.setenv("PIP_CONSTRAINT", str(file))
    with pytest.raises(RemoteError, match="-c more.txt"):
        constraint_lines()
    monkeypatch.delenv("PIP_CONSTRAINT")
    assert constraint_lines() == []


@pytest.mark.usefixtures("asking_pip")
@pytest.mark.parametrize("place", ["wheels", "./with space, comma/wheels"])
def test_folders_of_wheels_are_found_from_where_digitrec_edge_is_run(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / place).mkdir(parents=True)
    make_wheel(tmp_path / place, "a")
    monkeypatch.chdir((tmp_path / place).parent)
    monkeypatch.setenv("PIP_FIND_LINKS", "./wheels")
    assert [path.name for path in fetch(["a"], BOOKWORM, tmp_path / "got")] == ["a-1.0-py3-none-any.whl"]


def test_names_of_files_in_pips_configuration_count_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "ours.pem").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIP_FIND_LINKS", "wheels https://a.invalid/wheels none")
    monkeypatch.setenv("PIP_CERT", "ours.pem")
    found = index.pip_index()
    assert found.find_links == ((tmp_path / "wheels").as_uri(), "https://a.invalid/wheels", "none")
    assert found.certificates == str(tmp_path / "ours.pem")
    assert found.pip_variables() == {"PIP_FIND_LINKS": " ".join(found.find_links), "PIP_CERT": found.certificates}
    assert read_configuration("").pip_variables() == {}


def test_uv_knows_each_platform_that_is_asked_for() -> None:
    done = subprocess.run([resolving.find_uv(), "pip", "compile", "--help"], capture_output=True, text=True, check=True)
    for machine, minors in resolving._UV_GLIBC.items():
        for minor in minors:
            assert f"{machine}-manylinux_2_{minor}" in done.stdout


def test_uv_takes_packages_from_where_pip_does() -> None:
    listed = (
        ":env:.extra-index-url='https://b.invalid/simple https://c.invalid/simple'\n"
        "download.index-url='https://a.invalid/simple'\n"
        "global.cert='/certificates.pem'\nglobal.extra-index-url='https://not.invalid/simple'\n"
        "global.find-links='\\n/one\\n/two'\nglobal.index-url='https://not.invalid/simple'\nglobal.no-index='false'\n"
        "global.trusted-host='a.invalid'\ninstall.user='true'\n"
    )
    assert read_configuration(listed).uv_variables() == {
        "UV_DEFAULT_INDEX": "https://a.invalid/simple",
        "UV_INDEX": "https://b.invalid/simple https://c.invalid/simple",
        "UV_FIND_LINKS": "/one,/two",
        "SSL_CERT_FILE": "/certificates.pem",
        "UV_INSECURE_HOST": "a.invalid",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }
    assert read_configuration("global.no-index='1'\n").no_index
    assert read_configuration("").constraints == ()
