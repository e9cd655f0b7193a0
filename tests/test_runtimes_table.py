"""The table of runtimes: each row whole, found by name and by format, and read without numpy."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from digitrec_edge.errors import InputError, NotInstalledError
from digitrec_edge.formats import FORMATS
from runtimes import RUNTIMES, RuntimeRow, support
from runtimes.table import IndexPackage, find, for_format, names


@pytest.mark.parametrize(
    ("format_name", "first"), [("tflite", "litert"), ("onnx", "onnxruntime"), ("ort", "onnxruntime")]
)
def test_the_first_row_of_a_format_is_its_newest_runtime(format_name: str, first: str) -> None:
    assert for_format(format_name)[0].name == first
    assert for_format(format_name, [find(first)]) == [find(first)]


def test_every_format_has_a_runtime_and_every_runtime_runs_known_formats() -> None:
    assert {name for row in RUNTIMES for name in row.formats} == {row.name for row in FORMATS}


def test_names_colours_and_files_of_two_runtimes_do_not_meet() -> None:
    assert len(set(names())) == len(RUNTIMES)
    assert len({row.colour for row in RUNTIMES}) == len(RUNTIMES)
    for row in FORMATS:
        suffixes = [runtime.suffix for runtime in for_format(row.name)]
        assert len(set(suffixes)) == len(suffixes)


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError) as raised:
        find("tensorrt")
    assert (
        str(raised.value) == "no runtime is called 'tensorrt'; choose from litert, tflite-runtime, onnxruntime, native"
    )


@pytest.mark.parametrize(
    ("format_name", "runtime", "able"),
    [
        ("onnx", "litert", "onnxruntime does"),
        ("ort", "tflite-runtime", "onnxruntime does"),
        ("tflite", "onnxruntime", "litert or tflite-runtime or native does"),
    ],
)
def test_a_runtime_that_does_not_run_the_format_names_one_that_does(format_name: str, runtime: str, able: str) -> None:
    with pytest.raises(InputError) as raised:
        for_format(format_name, [find(runtime)])
    assert str(raised.value) == f"{runtime} does not run .{format_name} files; {able}"


class Bundled:
    """A runtime that is no package of the index."""

    distribution = ""

    def __init__(self, version: str | None) -> None:
        self._version = version

    def version(self) -> str | None:
        return self._version


def test_a_runtime_need_not_be_a_package_of_the_index() -> None:
    own = {"name": "own", "module": "runtimes.litert", "extra": "", "formats": ("tflite",), "release": "7.0"}
    row = RuntimeRow(**own, presence=Bundled("7.0"), colour="#000000", installed_mb=0)  # type: ignore[arg-type]
    assert row.installed
    assert row.version == "7.0"
    absent = dataclasses.replace(row, presence=Bundled(None))
    assert not absent.installed
    with pytest.raises(NotInstalledError, match="own is not installed: install digitrec-edge again"):
        absent.load()


def test_a_package_of_the_index_is_found_by_its_module_and_its_version_by_its_distribution() -> None:
    assert IndexPackage("numpy", "numpy").version() == np.__version__
    assert IndexPackage("json", "no-such-distribution").version() is None
    assert IndexPackage("no_such_module", "numpy").version() is None


@pytest.mark.parametrize(
    ("records", "version"),
    [
        (("own_engine-2.1.0rc1.dist-info",), "2.1.0rc1"),
        (("own_engine_more-9.0.dist-info", "own_engine-2.1.dist-info"), "2.1"),
        (("own_engine-2.1.dist-info", "own_engine-2.2.dist-info"), "told by importlib"),
        (("own_engine-2.1.egg-info",), "told by importlib"),
        ((), "told by importlib"),
    ],
    ids=["one", "beside another", "two", "of another kind", "none"],
)
def test_a_version_stands_in_the_name_of_the_one_record_of_its_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, records: tuple[str, ...], version: str
) -> None:
    for folder in ("own_engine", *records):
        (tmp_path / folder).mkdir()
    (tmp_path / "own_engine" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("importlib.metadata.version", lambda distribution: "told by importlib")
    assert IndexPackage("own_engine", "own-engine").version() == version


def test_tables_are_read_without_numpy_and_without_any_runtime() -> None:
    code = (
        "import sys; import runtimes, digitrec_edge.variants, digitrec_edge.formats; runtimes.RUNTIMES; "
        "assert not {'numpy', 'PIL', 'ai_edge_litert', 'onnxruntime', 'tflite_runtime'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_scales_per_channel_of_dense_weights_are_only_for_runtimes_that_know_them() -> None:
    known = {row.name: not support.lacks(row, row.release, "FULLY_CONNECTED", 12) for row in for_format("tflite")}
    assert known == {"litert": True, "tflite-runtime": False, "native": True}
