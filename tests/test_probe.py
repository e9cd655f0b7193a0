"""The probe: what it says of parts that work, are missing, are broken, or answer wrongly."""

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pytest

from digitrec_edge import pretrained
from digitrec_edge.errors import BrokenRuntimeError, NotInstalledError
from digitrec_edge.installation import probe
from digitrec_edge.installation.probe import MIN_RIGHT, TINY_ONNX, try_part, try_runtime


class Stuck:
    """A model that answers the same digit to everything."""

    def __enter__(self) -> "Stuck":
        return self

    def __exit__(self, kind: type[BaseException] | None, cause: BaseException | None, tb: TracebackType | None) -> None:
        pass

    def classify(self, image: Any) -> int:
        return 1


def test_runtimes_that_work_say_what_they_did() -> None:
    found = try_part("runtime:litert", "ai-edge-litert")
    assert found["status"] == "works"
    right = int(str(found["detail"]).split()[1])
    assert MIN_RIGHT <= right <= 100
    assert str(found["version"])[0].isdigit()
    assert try_part("runtime:onnxruntime", "onnxruntime")["detail"] == "runs a small ONNX model right"


def test_base_parts_work() -> None:
    assert try_part("numpy", "numpy") == {"status": "works", "version": np.__version__, "detail": ""}
    assert try_part("pillow", "pillow")["status"] == "works"


@pytest.mark.parametrize("part", ["runtime:litert", "runtime:onnxruntime"])
def test_a_runtime_that_computes_wrongly_is_broken(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtimes.load", lambda path, runtime: Stuck())
    found = try_part(part, "numpy")
    assert found["status"] == "broken"
    assert "it runs but" in str(found["detail"])


def test_what_numpy_computes_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "arange", lambda n, dtype: np.zeros(n, dtype))
    assert try_part("numpy", "numpy")["status"] == "broken"


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
    found = try_part("runtime:litert", "numpy")
    assert found["status"] == status
    assert str(found["detail"]).startswith(detail)
    assert "\n" not in str(found["detail"])


def test_a_runtime_that_fails_with_a_model_is_diagnosed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, runtime: str) -> Stuck:
        raise SystemError("returned a result with an exception set") from ImportError("numpy.core.multiarray failed")

    monkeypatch.setattr("runtimes.load", fail)
    found = try_part("runtime:litert", "numpy")
    assert "built for numpy 1" in str(found["detail"])
    assert "pip install 'numpy<2'" in str(found["detail"])


def test_what_is_not_installed_is_missing() -> None:
    missing = {"status": "missing", "version": None, "detail": "not installed"}
    assert try_part("no_such_module", "no-such-distribution") == missing


def test_a_damaged_artifact_is_not_the_runtimes_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / "digitrec-int8.tflite"
    damaged.write_bytes(pretrained.DEFAULT.read_bytes()[:-1])
    monkeypatch.setattr(pretrained, "DEFAULT", damaged)
    found = try_part("runtime:litert", "ai-edge-litert")
    assert found["status"] == "not tried"
    assert "install digitrec-edge again" in str(found["detail"])


def test_an_unknown_runtime_is_no_quiet_success() -> None:
    with pytest.raises(ValueError, match="unpack"):
        try_runtime("no-such-runtime")


def test_output_of_the_parts_does_not_mix_with_the_answers(tmp_path: Path) -> None:
    (tmp_path / "chatty.py").write_text("import os; print('hello'); os.write(1, b'from C')\n")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); "
        "from digitrec_edge.installation.probe import main; main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", code, "chatty=numpy", "pillow=pillow"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == ["works", "works"]
    assert "hello" in done.stderr


@pytest.mark.desktop
def test_the_small_onnx_model_is_flatten_and_slice() -> None:
    onnx = pytest.importorskip("onnx")
    tensor, helper = onnx.TensorProto, onnx.helper
    bounds = [
        helper.make_tensor(name, tensor.INT64, [1], [value]) for name, value in (("start", 0), ("end", 10), ("axis", 1))
    ]
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["image"], ["flat"]),
            helper.make_node("Slice", ["flat", "start", "end", "axis"], ["logits"]),
        ],
        "probe",
        [helper.make_tensor_value_info("image", tensor.FLOAT, ["batch", 28, 28])],
        [helper.make_tensor_value_info("logits", tensor.FLOAT, ["batch", 10])],
        bounds,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7, producer_name="")
    onnx.checker.check_model(model)
    assert onnx.load_from_string(TINY_ONNX) == model
