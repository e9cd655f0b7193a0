"""The table of wheels: it agrees with the project's own files, and answers why nothing fits."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from digitrec_edge.installation import pythons
from digitrec_edge.installation.machine import Machine, describe_machine
from digitrec_edge.installation.wheels import EXTRAS, WHEELS, wheels_for, why_none
from runtimes.support import version_key
from runtimes.table import RUNTIMES

ROOT = Path(__file__).parents[1]
HERE = describe_machine()
PI = replace(
    HERE, system="linux", libc="glibc", libc_version="2.36", machine="aarch64", python="3.11.2", python_tag="cp311"
)


def test_every_runtime_has_wheels_and_its_extra_in_the_table() -> None:
    assert {(row.extra, row.distribution) for row in RUNTIMES if row.extra} == set(EXTRAS)
    assert {distribution for _, distribution in EXTRAS} <= {wheel.distribution for wheel in WHEELS}


@pytest.mark.checkout
def test_extras_are_those_of_pyproject() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    for extra, distribution in EXTRAS:
        assert re.search(rf'^{extra} = \[\s*"{distribution}\b', text, re.MULTILINE)


@pytest.mark.checkout
def test_the_extra_of_a_runtime_asks_for_the_oldest_release_that_is_used() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    for row in (row for row in RUNTIMES if row.distribution):
        floors = re.findall(rf'"{row.distribution}>=([\d.]+)', text)
        assert floors
        assert {version_key(floor) for floor in floors} <= {
            version_key(row.release), version_key(row.release.removesuffix(".0"))
        }  # fmt: skip


@pytest.mark.checkout
def test_the_table_is_no_older_than_the_pins() -> None:
    pins = dict(re.findall(r"^([\w-]+)==([\d.]+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    for distribution in ("tflite-runtime", "ai-edge-litert", "onnxruntime", "tensorflow"):
        first = next(wheel for wheel in WHEELS if wheel.distribution == distribution)
        assert version_key(first.version) >= version_key(pins[distribution]), "make facts"


def test_what_fits_comes_newest_first() -> None:
    versions = [wheel.version for wheel in wheels_for("onnxruntime", PI)]
    assert len(versions) > 1
    assert versions == sorted(versions, key=version_key, reverse=True)
    old = replace(PI, libc_version="2.27")
    assert [wheel.version for wheel in wheels_for("onnxruntime", old)] == versions[1:]


@pytest.mark.parametrize("minor", range(pythons.OLDEST[1], pythons.NEWEST[1] + 1))
def test_each_supported_python_has_a_runtime_for_each_format_on_a_64_bit_board(minor: int) -> None:
    board = replace(PI, python=f"3.{minor}.1", python_tag=f"cp3{minor}")
    for distribution in ("ai-edge-litert", "onnxruntime", "numpy"):
        assert wheels_for(distribution, board)


@pytest.mark.parametrize(
    ("machine", "distribution", "reason"),
    [
        (replace(PI, machine="armv7l"), "ai-edge-litert", "no wheels for glibc Linux on armv7l"),
        (replace(PI, libc="musl", libc_version="1.2.5"), "onnxruntime", "no wheels for musl Linux on aarch64"),
        (replace(PI, libc="", libc_version=""), "onnxruntime", "no wheels for linux on aarch64"),
        (replace(PI, system="freebsd"), "onnxruntime", "no wheels for freebsd on aarch64"),
        (replace(PI, python_tag="cp313"), "tflite-runtime", "2.14.0 has wheels for cp311, not cp313"),
        (replace(PI, libc_version="2.31"), "tflite-runtime", "2.14.0 needs glibc 2.34, this is 2.31"),
        (replace(PI, libc_version=""), "tflite-runtime", "2.14.0 needs glibc 2.34, this is unknown"),
        (replace(PI, system="macos", os_version="11.7"), "ai-edge-litert", "2.3.0 needs macOS 12.0, this is 11.7"),
        (replace(PI, system="windows", machine="aarch64"), "ai-edge-litert", "no wheels for Windows on aarch64"),
        (PI, "tflite-runtime", ""),
    ],
)
def test_why_nothing_fits(machine: Machine, distribution: str, reason: str) -> None:
    assert why_none(distribution, machine) == reason
    assert bool(wheels_for(distribution, machine)) == (reason == "")


def test_glibc_versions_are_compared_as_numbers() -> None:
    assert wheels_for("ai-edge-litert", replace(PI, libc_version="2.100"))
    assert not wheels_for("ai-edge-litert", replace(PI, libc_version="2.3"))
    assert wheels_for("ai-edge-litert", replace(PI, system="macos", os_version="26"))
