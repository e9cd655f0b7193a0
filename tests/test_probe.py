"""The probe: what it says of parts that work, are missing, are broken, or answer wrongly."""

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pytest

from digitrec_edge import pretrained
from digitrec_edge.errors import BrokenRuntimeError, InputError, NotInstalledError
from digitrec_edge.installation import probe
from digitrec_edge.installation.probe import MIN_RIGHT, try_part, try_runtime


def probed(target: str, distribution: str) -> dict[str, str | None]:
    return try_part({"target": target, "distribution": distribution})


class Stuck:
    """A model that answers the same digit to everything."""

    def __enter__(self) -> "Stuck":
        return self

    def __exit__(self, kind: type[BaseException] | None, cause: BaseException | None, tb: TracebackType | None) -> None:
        pass

    def classify(self, image: Any) -> int:
        return 1


def test_runtimes_that_work_say_what_they_did() -> None:
    for name, distribution in (("litert", "ai-edge-litert"), ("onnxruntime", "onnxruntime")):
        found = probed(f"runtime:{name}", distribution)
        assert found["status"] == "works"
        right = int(str(found["detail"]).split()[1])
        assert MIN_RIGHT <= right <= 100
        assert str(found["version"])[0].isdigit()


def test_base_parts_work() -> None:
    assert probed("numpy", "numpy") == {"status": "works", "version": np.__version__, "detail": ""}
    assert probed("pillow", "pillow")["status"] == "works"


@pytest.mark.parametrize("part", ["runtime:litert", "runtime:onnxruntime"])
def test_a_runtime_that_computes_wrongly_is_broken(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtimes.load", lambda path, runtime: Stuck())
    found = probed(part, "numpy")
    assert found["status"] == "broken"
    assert "it runs but" in str(found["detail"])


def test_what_numpy_computes_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "arange", lambda n, dtype: np.zeros(n, dtype))
    assert probed("numpy", "numpy")["status"] == "broken"


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (NotInstalledError("litert is not installed"), "missing", "not installed"),
        (BrokenRuntimeError("it needs libfoo"), "broken", "it needs libfoo"),
        (KeyError("what\nis this"), "broken", "KeyError: 'what"),
    ],
)
def test_whatever_is_raised_becomes_a_row(
    error: Exception, status: str, detail: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> str:
        raise error

    monkeypatch.setattr(probe, "try_runtime", fail)
    found = probed("runtime:litert", "numpy")
    assert found["status"] == status
    assert str(found["detail"]).startswith(detail)
    assert "\n" not in str(found["detail"])


def test_a_runtime_that_fails_with_a_model_is_diagnosed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, runtime: str) -> Stuck:
        raise SystemError("returned a result with an exception set") from ImportError("numpy.core.multiarray failed")

    monkeypatch.setattr("runtimes.load", fail)
    found = probed("runtime:litert", "numpy")
    assert "built for numpy 1" in str(found["detail"])
    assert "pip install 'numpy<2'" in str(found["detail"])


def test_what_is_not_installed_is_missing() -> None:
    missing = {"status": "missing", "version": None, "detail": "not installed"}
    assert probed("no_such_module", "no-such-distribution") == missing


def test_a_damaged_artifact_is_not_the_runtimes_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / "digitrec-int8.tflite"
    damaged.write_bytes(pretrained.DEFAULT.read_bytes()[:-1])
    monkeypatch.setitem(pretrained.BY_FORMAT, "tflite", damaged)
    found = probed("runtime:litert", "ai-edge-litert")
    assert found["status"] == "not tried"
    assert "install digitrec-edge again" in str(found["detail"])


def test_an_unknown_runtime_is_no_quiet_success() -> None:
    with pytest.raises(InputError, match="no-such-runtime"):
        try_runtime("no-such-runtime")


def test_a_runtime_whose_formats_have_no_bundled_artifact_is_only_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pretrained, "BY_FORMAT", {"onnx": pretrained.BY_FORMAT["onnx"]})
    assert "no .tflite artifact to try it with" in try_runtime("litert")
