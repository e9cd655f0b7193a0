"""The generator of wheels.json: names of wheels, what older releases are kept for, and the file as it writes it."""

import json
from dataclasses import replace

import pytest
import wheel_facts
from packaging.version import Version
from wheel_facts import File, read_name, rows, useful

from digitrec_edge.installation.wheels import TABLE, WHEELS, Wheel, WheelTable
from digitrec_edge.records import parse

pytestmark = pytest.mark.checkout
FILE = File(Version("2.0"), "glibc", "aarch64", "cp311", (2, 28))


def table() -> WheelTable:
    return parse(WheelTable, json.loads(TABLE.read_text()), TABLE.name)


def test_the_file_is_as_its_generator_writes_it() -> None:
    assert TABLE.read_text() == wheel_facts.to_json(table())
    assert table().corrections == wheel_facts.CORRECTIONS


def test_each_correction_is_in_the_rows_and_has_a_reason() -> None:
    for correction in table().corrections:
        (row,) = (
            row
            for row in WHEELS
            if (row.distribution, row.version, row.platform, row.machines)
            == (correction.distribution, correction.version, correction.platform, correction.machines)
        )
        assert row.minimum == correction.minimum
        assert correction.reason


def test_versions_are_those_that_the_extras_ask_for() -> None:
    wanted = wheel_facts.wanted_versions()
    assert [name for name, _ in wanted] == [*dict.fromkeys(row.distribution for row in WHEELS), "numpy"]
    for row in WHEELS:
        assert any(row.version in versions for name, versions in wanted if name == row.distribution)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a-2.0-cp311-cp311-manylinux_2_28_aarch64.whl", [FILE]),
        ("a-2.0-cp311-cp311-manylinux2014_aarch64.whl", [replace(FILE, minimum=(2, 17))]),
        ("a-2.0-cp311-cp311-musllinux_1_2_aarch64.whl", [replace(FILE, platform="musl", minimum=(1, 2))]),
        ("a-2.0-cp313-cp313t-win_amd64.whl", [replace(FILE, platform="windows", machine="x86_64", python="cp313t",
                                                      minimum=(0, 0))]),
        ("a-2.0-cp311-cp311-win32.whl", [replace(FILE, platform="windows", machine="i686", minimum=(0, 0))]),
        ("a-2.0-cp311-cp311-macosx_13_0_universal2.whl", [
            replace(FILE, platform="macos", machine=machine, minimum=(13, 0)) for machine in ("x86_64", "aarch64")
        ]),
        ("a-2.0-cp310-cp310-manylinux_2_28_aarch64.whl", []),
        ("a-2.0rc1-cp311-cp311-manylinux_2_28_aarch64.whl", []),
        ("a-2.0-cp311-cp311-ios_13_0_arm64_iphoneos.whl", []),
        ("a-2.0.whl", []),
    ],
)  # fmt: skip
def test_names_of_wheels_are_read(name: str, expected: list[File]) -> None:
    assert read_name(name) == expected


def test_an_older_release_is_kept_for_what_no_newer_one_fits() -> None:
    older = replace(FILE, version=Version("1.9"))
    other = [replace(older, minimum=(2, 17)), replace(older, python="cp312"), replace(older, machine="armv7l")]
    assert useful([FILE, older]) == [FILE]
    for file in other:
        assert useful([file, older, FILE]) == [FILE, file]
    assert useful([FILE, replace(FILE, minimum=(2, 27))]) == [replace(FILE, minimum=(2, 27))]


def test_files_that_differ_in_processor_or_python_are_one_row() -> None:
    files = [
        replace(FILE, machine=machine, python=tag) for machine in ("aarch64", "x86_64") for tag in ("cp312", "cp311")
    ]
    assert rows("a", [*files, replace(FILE, version=Version("10.0"))]) == [
        Wheel("a", "10.0", "glibc", ("aarch64",), ("cp311",), (2, 28)),
        Wheel("a", "2.0", "glibc", ("x86_64", "aarch64"), ("cp311", "cp312"), (2, 28)),
    ]
