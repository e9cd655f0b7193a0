"""Loading: the right runtime for a file, and one clear line for each reason why there is none."""

import os
import re
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitrec_edge.errors import (
    ArtifactError,
    BrokenRuntimeError,
    DamagedError,
    InputError,
    NotInstalledError,
    RuntimeUnavailableError,
)
from digitrec_edge.pip_lines import install_extra
from runtimes import RUNTIMES, load
from runtimes.loading import candidates, choose
from runtimes.table import IndexPackage, RuntimeRow, diagnose

INT8 = "digitrec-int8.tflite"
EXTRAS = {"litert": "litert", "tflite-runtime": "tflite", "onnxruntime": "onnx"}
IMAGE = np.zeros((28, 28), np.uint8)


def row(name: str) -> RuntimeRow:
    (found,) = candidates(name)
    return found


def package_of(row: RuntimeRow) -> str:
    return row.presence.package if isinstance(row.presence, IndexPackage) else row.module


def uninstall(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Make the import system find no such package, as on a machine without it."""
    for name in names:
        monkeypatch.setitem(sys.modules, package_of(row(name)), None)
        if not isinstance(row(name).presence, IndexPackage):
            monkeypatch.setattr("digitrec_edge.dense.library.is_here", lambda: False)


def replace_package(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, source: str) -> None:
    """Put another package in the place of a runtime's own, for this test only."""
    package = package_of(row(name))
    (folder / package).mkdir()
    (folder / package / "__init__.py").write_text(source if name == "onnxruntime" else "")
    (folder / package / "interpreter.py").write_text(source)
    for module in [key for key in sys.modules if key.split(".")[0] == package or key == row(name).module]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(IndexPackage, "version", lambda self: "99.0")


@pytest.fixture
def forget() -> Any:
    """Drop modules that were imported from a replaced package."""
    yield
    for found in RUNTIMES:
        module = sys.modules.get(package_of(found))
        if module is not None and "pytest" in str(getattr(module, "__file__", "")):
            for key in [k for k in sys.modules if k.split(".")[0] == package_of(found) or k == found.module]:
                del sys.modules[key]


def test_auto_takes_the_first_installed_runtime_and_says_which(artifacts: Path) -> None:
    with load(artifacts / INT8) as model:
        assert model.runtime == "litert"
        assert model.runtime_version == row("litert").version
    with load(artifacts / "digitrec-int8.onnx", "auto") as model:
        assert model.runtime == "onnxruntime"


def test_auto_takes_the_next_when_the_first_is_missing(artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not row("tflite-runtime").installed:
        pytest.skip("tflite-runtime is not installed here: there is no next one")
    uninstall(monkeypatch, "litert")
    with load(artifacts / INT8) as model:
        assert model.runtime == "tflite-runtime"


@pytest.mark.parametrize("name", [row.name for row in RUNTIMES])
def test_a_runtime_that_is_not_installed_names_its_extra(
    artifacts: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    uninstall(monkeypatch, name)
    file = "digitrec-int8.onnx" if name == "onnxruntime" else INT8
    with pytest.raises(NotInstalledError) as raised:
        load(artifacts / file, name)
    cure = install_extra(EXTRAS[name]) if name in EXTRAS else "it has no kernels for this machine; "
    assert str(raised.value).startswith(f"{name} is not installed: {cure}")


def test_auto_names_all_extras_when_no_runtime_is_installed(artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uninstall(monkeypatch, *EXTRAS, "native")
    either = f"{install_extra('litert')} or {install_extra('tflite')}"
    with pytest.raises(NotInstalledError, match=rf"no runtime for \.tflite .*{re.escape(either)}"):
        load(artifacts / INT8)
    with pytest.raises(NotInstalledError, match=r"onnxruntime is not installed: .* 'onnxruntime>="):
        load(artifacts / "digitrec-int8.onnx")


NUMPY_2 = {
    "at import": "raise AttributeError('_ARRAY_API not found')",
    "at import, as numpy says it": "raise ImportError('numpy.core.multiarray failed to import')",
    "at the first model": """
class Interpreter:
    def __init__(self, **options):
        try:
            try:
                raise AttributeError('_ARRAY_API not found')
            except AttributeError:
                raise ImportError('numpy.core.multiarray failed to import')
        except ImportError as cause:
            raise SystemError('<built-in method> returned a result with an exception set') from cause
""",
}


def needs_numpy_1(name: str) -> None:
    """Beside numpy 2, tflite-runtime is told broken before anything of it is imported."""
    if name == "tflite-runtime" and not np.__version__.startswith("1."):
        pytest.skip(f"tflite-runtime cannot be beside numpy {np.__version__}")


@pytest.mark.usefixtures("forget")
@pytest.mark.parametrize("source", NUMPY_2.values(), ids=NUMPY_2)
@pytest.mark.parametrize("name", ["litert", "tflite-runtime"])
def test_a_runtime_broken_by_numpy_2_names_cause_and_cure(
    artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, source: str
) -> None:
    replace_package(monkeypatch, tmp_path, name, source)
    with pytest.raises(BrokenRuntimeError) as raised:
        load(artifacts / INT8, name)
    assert "built for numpy 1" in str(raised.value)
    assert "pip install 'numpy<2'" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.usefixtures("forget")
def test_tflite_runtime_is_not_even_tried_with_numpy_2(
    artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_package(monkeypatch, tmp_path, "tflite-runtime", "raise RuntimeError('was imported')")
    monkeypatch.setattr(np, "__version__", "2.2.6")
    with pytest.raises(BrokenRuntimeError, match="built for numpy 1 .* pip install 'numpy<2'"):
        load(artifacts / INT8, "tflite-runtime")


@pytest.mark.usefixtures("forget")
@pytest.mark.parametrize("name", list(EXTRAS))
@pytest.mark.parametrize("failure", ["ImportError('libgomp.so.1: cannot open')", "OSError('wrong ELF class')"])
def test_a_runtime_that_cannot_be_imported_says_what_it_said(
    artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, failure: str
) -> None:
    needs_numpy_1(name)
    replace_package(monkeypatch, tmp_path, name, f"raise {failure}")
    file = "digitrec-int8.onnx" if name == "onnxruntime" else INT8
    with pytest.raises(BrokenRuntimeError, match=f"{name} is installed but does not work: .*(libgomp|ELF)"):
        load(artifacts / file, name)


@pytest.mark.usefixtures("forget")
def test_tflite_runtime_after_tensorflow_names_the_cause(
    artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_numpy_1("tflite-runtime")
    source = "class Interpreter:\n    def __init__(self, **options):\n        raise ValueError('vector::reserve')\n"
    replace_package(monkeypatch, tmp_path, "tflite-runtime", source)
    with pytest.raises(BrokenRuntimeError, match="TensorFlow is loaded in the same process"):
        load(artifacts / INT8, "tflite-runtime")


def test_a_diagnosis_of_the_unknown_is_one_line_with_the_kind_of_error() -> None:
    assert diagnose(OSError("two\nlines")) == "OSError: two lines"


def test_a_runtime_does_not_run_what_it_cannot_run(artifacts: Path) -> None:
    with pytest.raises(
        InputError, match=r"onnxruntime does not run \.tflite files; litert or tflite-runtime or native does"
    ):
        load(artifacts / INT8, "onnxruntime")
    with pytest.raises(InputError, match=r"litert does not run \.onnx files; onnxruntime does"):
        load(artifacts / "digitrec-int8.onnx", "litert")


def test_an_unknown_runtime_is_refused_with_those_there_are(artifacts: Path) -> None:
    with pytest.raises(InputError, match="no runtime is called 'tensorrt'; choose from litert, tflite-runtime, onnx"):
        load(artifacts / INT8, "tensorrt")


@pytest.mark.parametrize("threads", [0, -1, 257, 10**9])
def test_a_senseless_number_of_threads_is_refused(artifacts: Path, threads: int) -> None:
    with pytest.raises(InputError, match=f"threads is {threads}, 1 to 256 are allowed"):
        load(artifacts / INT8, threads=threads)


def test_choose_prefers_what_is_installed() -> None:
    installed = [found for found in RUNTIMES if found.installed and "tflite" in found.formats]
    assert choose("tflite", RUNTIMES) == installed[0]


@pytest.mark.parametrize("path_type", [str, Path, lambda path: os.fspath(path)])
def test_a_path_may_be_text_or_a_path(artifacts: Path, path_type: Callable[[Path], Any]) -> None:
    with load(path_type(artifacts / INT8)) as model:
        assert 0 <= model.classify(IMAGE) <= 9


def test_the_bytes_of_a_file_are_taken_as_the_file_is(artifacts: Path) -> None:
    data = (artifacts / INT8).read_bytes()
    with load(data) as model, load(artifacts / INT8) as same:
        assert np.array_equal(model.logits(IMAGE), same.logits(IMAGE))
        assert model.card == same.card
    with pytest.raises(DamagedError, match="^a model in memory was changed by another tool, or cut"):
        load(data[:-1])


@pytest.mark.parametrize("suffix", [".tflite", ".onnx"])
def test_missing_foreign_and_damaged_files_are_refused_before_a_runtime_sees_them(
    artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    def fail(self: RuntimeRow) -> types.ModuleType:
        raise AssertionError("a runtime was imported")

    monkeypatch.setattr(RuntimeRow, "load", fail)
    whole = (artifacts / f"digitrec-int8{suffix}").read_bytes()
    path = tmp_path / f"a{suffix}"
    with pytest.raises(ArtifactError, match="no such file"):
        load(path)
    path.write_bytes(b"hello")
    with pytest.raises(ArtifactError, match="is not a model file"):
        load(path)
    path.write_bytes(whole[:-1000])
    with pytest.raises(DamagedError, match="is damaged|was changed by another tool, or cut"):
        load(path)
    path.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    with pytest.raises(DamagedError, match="is damaged"):
        load(path)


def test_a_foreign_model_without_a_card_is_run_as_it_says_of_itself(artifacts: Path, tmp_path: Path) -> None:
    from digitrec_edge import artifact
    from digitrec_edge.formats import MARK

    for name in (INT8, "digitrec-float32.tflite", "digitrec-float32.onnx", "digitrec-int8.onnx"):
        path = tmp_path / name
        path.write_bytes(artifact.read(artifacts / name).payload.replace(MARK, b"x" * len(MARK)))
        with load(path) as foreign, load(artifacts / name) as ours:
            assert foreign.card is None
            assert foreign.artifact.name == path.stem
            assert np.array_equal(foreign.logits(IMAGE), ours.logits(IMAGE))


@pytest.mark.usefixtures("forget")
@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ("shape=[513, 28, 28], dtype='float32', quantization=(0.0, 0)", "a batch of 1 is needed"),
        ("shape=[1, 32, 32], dtype='float32', quantization=(0.0, 0)", r"its input has shape \(32, 32\)"),
        ("shape=[1, 28, 28], dtype='int8', quantization=(0.0, 0)", "its input is int8 without scale and zero point"),
    ],
)
def test_a_model_of_something_else_is_no_digit_recogniser(
    artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, details: str, reason: str
) -> None:
    source = f"""
class Interpreter:
    def __init__(self, **options): pass
    def allocate_tensors(self): pass
    def set_tensor(self, index, value): pass
    def invoke(self): pass
    def get_tensor(self, index): pass
    def get_input_details(self): return [dict(index=0, name='image', {details})]
    def get_output_details(self):
        return [dict(index=1, name='logits', shape=[1, 10], dtype='float32', quantization=(0.0, 0))]
"""
    replace_package(monkeypatch, tmp_path, "litert", source)
    with pytest.raises(ArtifactError, match=reason):
        load(artifacts / INT8, "litert")


@pytest.mark.usefixtures("forget")
def test_what_the_runtime_refuses_is_said_in_one_line(
    artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (
        "class Interpreter:\n    def __init__(self, **options):\n"
        "        raise ValueError(\"Didn't find op for builtin opcode\\n'FULLY_CONNECTED' version '12'\")\n"
    )
    replace_package(monkeypatch, tmp_path, "litert", source)
    with pytest.raises(ArtifactError, match=r"litert 99\.0 refuses .*Didn't find op .* version '12'") as raised:
        load(artifacts / INT8, "litert")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("name", "artifact_name"), [("litert", INT8), ("onnxruntime", "digitrec-int8.onnx")])
def test_a_runtime_older_than_the_oldest_that_is_used_is_refused_by_name(
    artifacts: Path, monkeypatch: pytest.MonkeyPatch, name: str, artifact_name: str
) -> None:
    monkeypatch.setattr(IndexPackage, "version", lambda self: "1.0.9")
    with pytest.raises(
        RuntimeUnavailableError, match=rf"{name} 1\.0\.9 is older than {row(name).release}.*pip install -U"
    ):
        load(artifacts / artifact_name, name)


def test_every_reason_is_a_runtime_unavailable_error() -> None:
    assert issubclass(NotInstalledError, RuntimeUnavailableError)
    assert issubclass(BrokenRuntimeError, RuntimeUnavailableError)
