"""The logits of a whole test set in a process of its own; whatever happens there is one line."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.measure import logits as module
from benchmarks.measure.logits import runtime_logits
from digitrec_edge import mnist
from digitrec_edge.errors import ParityError
from runtimes import load

INT8 = Path("digitrec-int8.tflite")
STUB = """
import base64
import numpy as np
from digitrec_edge.npz import write_arrays

def packed(**arrays): return base64.b64encode(write_arrays(arrays)).decode()
def answer(request): return {returned}
"""


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set with the first 60 test images."""
    path = tmp_path_factory.mktemp("few") / "few.npz"
    test = mnist.load("test")
    images, labels = test.images[:60], test.labels[:60]
    np.savez(path, x_train=images[:1], y_train=labels[:1], x_test=images, y_test=labels)
    return path


@pytest.mark.parametrize(("name", "runtime"), [(INT8.name, "litert"), ("digitrec-float32.onnx", "onnxruntime")])
def test_they_are_those_of_the_loaded_model_in_the_order_of_the_images(
    artifacts: Path, few: Path, name: str, runtime: str
) -> None:
    answer = runtime_logits(artifacts / name, runtime, few)
    with load(artifacts / name, runtime) as model:
        assert np.array_equal(answer.logits, model.logits(mnist.load("test").images[:60]))
        assert answer.runtime == f"{runtime} {model.runtime_version}"
    assert (answer.logits.shape, answer.logits.dtype) == ((60, 10), np.dtype(np.float32))


@pytest.mark.parametrize(
    ("artifact", "runtime", "data", "reason"),
    [
        ("absent.tflite", "litert", None, "no such file: absent.tflite"),
        (None, "onnxruntime", None, "onnxruntime does not run .tflite files; litert or tflite-runtime or native does"),
        (None, "litert", "absent", "no such data set: absent"),
    ],
)
def test_what_cannot_be_run_says_why(
    artifacts: Path, artifact: str | None, runtime: str, data: str | None, reason: str
) -> None:
    with pytest.raises(ParityError) as raised:
        runtime_logits(Path(artifact) if artifact else artifacts / INT8, runtime, Path(data) if data else None)
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts another answer in the place of the child's."""

    def install(returned: str) -> None:
        (tmp_path / "stub_of_logits.py").write_text(STUB.format(returned=returned))
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(module, "FUNCTION", "stub_of_logits:answer")

    return install


def test_a_child_that_dies_is_no_parity(stub: Callable[[str], None]) -> None:
    stub("__import__('os').abort()")
    with pytest.raises(ParityError, match="the process died of SIGABRT"):
        runtime_logits(INT8, "litert")


@pytest.mark.parametrize(
    "returned",
    [
        "None",
        "{}",
        "{'arrays': packed(logits=np.zeros((3, 10), np.float32))}",
        "{'runtime': 'x'}",
        "{'arrays': 'no base64', 'runtime': 'x'}",
        "{'arrays': packed(other=np.zeros(3)), 'runtime': 'x'}",
        "{'arrays': packed(logits=np.zeros((9, 10), np.float32))[:-100], 'runtime': 'x'}",
    ],
)
def test_rubbish_is_no_answer(stub: Callable[[str], None], returned: str) -> None:
    stub(returned)
    with pytest.raises(ParityError, match="in litert: the process gave no readable answer: ") as raised:
        runtime_logits(INT8, "litert")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "logits", ["np.zeros((3, 1), np.float32)", "np.zeros(10, np.float32)", "np.zeros((3, 10))", "np.array('x')"]
)
def test_logits_of_another_shape_or_kind_are_no_answer(stub: Callable[[str], None], logits: str) -> None:
    stub(f"{{'arrays': packed(logits={logits}), 'runtime': 'x'}}")
    with pytest.raises(ParityError, match="in litert: the process answered "):
        runtime_logits(INT8, "litert")
