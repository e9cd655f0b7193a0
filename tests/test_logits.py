"""The logits of a whole test set in a process of its own; whatever happens there is one line."""

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.measure import logits as module
from benchmarks.measure.logits import runtime_logits
from digitrec_edge import mnist
from digitrec_edge.errors import ParityError
from runtimes import load

INT8 = Path("digitrec-int8.tflite")
WRITE = "import io, os, sys; import numpy as np; stream = io.BytesIO(); "


def in_child(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(module, "CHILD", code)


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
        (None, "onnxruntime", None, "onnxruntime does not run .tflite files; litert or tflite-runtime does"),
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


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGABRT"])
def test_a_child_that_dies_names_its_signal(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    in_child(monkeypatch, f"import os, signal; os.kill(os.getpid(), signal.{name})")
    with pytest.raises(ParityError, match=f"^digitrec-int8.tflite in litert: the process died of {name}$"):
        runtime_logits(INT8, "litert")


def test_a_signal_without_a_name_has_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    in_child(monkeypatch, "import os, signal; os.kill(os.getpid(), signal.SIGRTMIN + 3)")
    with pytest.raises(ParityError, match=r"the process died of signal \d+$"):
        runtime_logits(INT8, "litert")


def test_a_child_that_hangs_is_no_parity(monkeypatch: pytest.MonkeyPatch) -> None:
    in_child(monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr(module, "TIMEOUT_S", 0.5)
    with pytest.raises(ParityError, match="digitrec-int8.tflite in litert: no answer within 0 s"):
        runtime_logits(INT8, "litert")


def test_a_child_that_fails_gives_its_last_line(monkeypatch: pytest.MonkeyPatch) -> None:
    in_child(monkeypatch, "raise RuntimeError('out of luck')")
    with pytest.raises(ParityError, match="^RuntimeError: out of luck$"):
        runtime_logits(INT8, "litert")
    in_child(monkeypatch, "import os; os._exit(3)")
    with pytest.raises(ParityError, match="no message"):
        runtime_logits(INT8, "litert")


@pytest.mark.parametrize(
    "code",
    [
        "pass",
        "print('hello')",
        "import sys; sys.stdout.buffer.write(bytes(range(256)))",
        "import sys; sys.stdout.buffer.write(b'PK\\x03\\x04' + bytes(50))",
        WRITE + "np.savez(stream, runtime=np.array('x')); sys.stdout.buffer.write(stream.getvalue())",
        WRITE + "np.savez(stream, logits=np.zeros((3, 10), np.float32)); sys.stdout.buffer.write(stream.getvalue())",
        WRITE + "np.savez(stream, logits=np.zeros((9, 10), np.float32), runtime=np.array('x')); "
        "sys.stdout.buffer.write(stream.getvalue()[:-100])",
    ],
    ids=["nothing", "words", "bytes", "half a ZIP", "no logits", "no runtime", "cut"],
)
def test_rubbish_is_no_answer(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    in_child(monkeypatch, code)
    with pytest.raises(ParityError, match="in litert: the process gave no readable answer: ") as raised:
        runtime_logits(INT8, "litert")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "logits", ["np.zeros((3, 9), np.float32)", "np.zeros(10, np.float32)", "np.zeros((3, 10))", "np.array('x')"]
)
def test_logits_of_another_shape_or_kind_are_no_answer(monkeypatch: pytest.MonkeyPatch, logits: str) -> None:
    save = f"np.savez(stream, logits={logits}, runtime=np.array('x')); sys.stdout.buffer.write(stream.getvalue())"
    in_child(monkeypatch, WRITE + save)
    with pytest.raises(ParityError, match="in litert: the process answered "):
        runtime_logits(INT8, "litert")


def test_what_a_runtime_prints_does_not_spoil_the_answer(
    artifacts: Path, few: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_child(
        monkeypatch,
        "import os, sys; sys.path[:] = filter(None, sys.path)\n"
        "import benchmarks.measure.logits as logits\n"
        "old = logits.load\n"
        "def load(*a):\n    os.write(1, b'INFO: native words'); print('words'); return old(*a)\n"
        "logits.load = load\nlogits.main()",
    )
    assert len(runtime_logits(artifacts / INT8, "litert", few).logits) == 60


def test_packages_of_the_same_names_in_the_working_directory_are_not_ours(
    artifacts: Path, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("benchmarks", "runtimes", "json"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('not ours')")
    monkeypatch.chdir(tmp_path)
    assert len(runtime_logits(artifacts / INT8, "litert", few).logits) == 60
    assert os.listdir(tmp_path / "benchmarks") == ["__init__.py"]
