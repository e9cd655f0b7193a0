"""A loaded model goes to other processes by its file: the same answers there, and a clear line where it cannot go."""

import copy
import multiprocessing
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec_edge import formats, mnist
from digitrec_edge.errors import ArtifactError, DamagedError, InputError, NotInstalledError
from runtimes import RUNTIMES, Model, load
from runtimes.origin import Origin

PAIRS = [(row.name, kind) for row in RUNTIMES if row.installed for kind in row.formats]


def file_of(artifacts: Path, kind: str) -> Path:
    """Of a format, the int8 artifact."""
    ending = formats.by_name(kind).suffix
    found = [
        path for path in artifacts.iterdir() if path.name.endswith(ending) and path.name.startswith("digitrec-int8")
    ]
    return min(found, key=lambda path: len(path.name)) if found else artifacts / f"digitrec{ending}"


def answers(model: Model, images: NDArray[np.uint8]) -> bytes:
    """What a process that was sent a model answers with."""
    return model.logits(images).tobytes() + model.runtime.encode()


@pytest.mark.parametrize(("runtime", "kind"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
def test_a_copy_and_what_was_pickled_answer_alike_and_outlive_the_first(
    artifacts: Path, mnist_test: mnist.Digits, runtime: str, kind: str
) -> None:
    path, images = file_of(artifacts, kind), mnist_test.images[:20]
    for source in (path, path.read_bytes()):
        first = load(source, runtime, 2)
        expected = answers(first, images)
        others = [copy.copy(first), copy.deepcopy(first), pickle.loads(pickle.dumps(first))]
        first.close()
        for other in others:
            with other:
                assert answers(other, images) == expected
                assert (other.runtime, other.threads) == (runtime, 2)
                assert other.artifact.data == path.read_bytes()


def test_every_runtime_takes_part() -> None:
    assert {row.name for row in RUNTIMES if row.installed} == {runtime for runtime, _ in PAIRS}


@pytest.mark.parametrize("runtime", [row.name for row in RUNTIMES if row.installed])
def test_another_process_is_sent_a_model(artifacts: Path, mnist_test: mnist.Digits, runtime: str) -> None:
    """By spawn, in which nothing is inherited; and in another folder, for which a relative path means nothing."""
    kind = next(row.formats[0] for row in RUNTIMES if row.name == runtime)
    here = os.path.relpath(file_of(artifacts, kind))
    code = "import pickle, sys; print(*pickle.load(sys.stdin.buffer).logits(pickle.load(sys.stdin.buffer))[0].tolist())"
    with load(here, runtime) as model:
        sent = pickle.dumps(model) + pickle.dumps(mnist_test.images[:1])
        done = subprocess.run(
            [sys.executable, "-c", code], input=sent, cwd="/", capture_output=True, check=True, timeout=120
        )
        assert [float(word) for word in done.stdout.split()] == model.logits(mnist_test.images[0]).tolist()


def test_an_executor_of_processes_takes_it_as_an_argument(artifacts: Path, mnist_test: mnist.Digits) -> None:
    images = mnist_test.images[:20]
    spawn = multiprocessing.get_context("spawn")
    with load(artifacts / "digitrec-int8.tflite") as model, ProcessPoolExecutor(1, mp_context=spawn) as pool:
        assert (pool.submit(Model.logits, model, images).result(timeout=120) == model.logits(images)).all()


def test_what_is_pickled_is_the_path_and_the_hash_alone(artifacts: Path) -> None:
    path = artifacts / "digitrec-int8.tflite"
    with load(path) as model, load(path.read_bytes()) as from_bytes:
        assert len(pickle.dumps(model)) < 2000
        assert path.stat().st_size < len(pickle.dumps(from_bytes)) < path.stat().st_size + 2000
        assert model.origin == pickle.loads(pickle.dumps(model.origin))
        assert {model.origin: 1}[model.origin] == 1


def test_a_file_that_has_changed_or_gone_is_refused(artifacts: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes((artifacts / "digitrec-int8.tflite").read_bytes())
    with load(path) as model:
        sent = pickle.dumps(model)
    path.write_bytes((artifacts / "digitrec-float32.tflite").read_bytes())
    with pytest.raises(ArtifactError, match=r"model\.tflite is another file than .* sha256 \w{12} instead of \w{12}"):
        pickle.loads(sent)
    path.write_bytes((artifacts / "digitrec-int8.tflite").read_bytes()[:-1])
    with pytest.raises(DamagedError):
        pickle.loads(sent)
    path.unlink()
    with pytest.raises(ArtifactError, match="no such file"):
        pickle.loads(sent)


def test_sealed_and_key_travel_along(artifacts: Path, tmp_path: Path, mnist_test: mnist.Digits) -> None:
    path = artifacts / "digitrec-int8.tflite"
    with load(path, sealed=False) as model, copy.copy(model) as other:
        assert other.card is None
        assert answers(other, mnist_test.images[:2]) == answers(model, mnist_test.images[:2])
    origin = Origin(path.absolute(), model.origin.sha256, "native", key=tmp_path / "key.pem")
    assert pickle.loads(pickle.dumps(origin)).key == tmp_path / "key.pem"


def test_a_key_that_asks_for_a_signature_asks_again_where_the_model_arrives(artifacts: Path, tmp_path: Path) -> None:
    path = artifacts / "digitrec-int8.tflite"
    with load(path) as model:
        asking = Origin(path.absolute(), model.origin.sha256, model.runtime, key=tmp_path / "key.pem")
    with pytest.raises(ArtifactError, match="is not signed"):
        asking.load()


def test_a_runtime_that_is_missing_where_it_arrives_is_named(artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with load(artifacts / "digitrec-int8.tflite", "native") as model:
        sent = pickle.dumps(model)
    monkeypatch.setattr("digitrec_edge.dense.library.is_here", lambda: False)
    with pytest.raises(NotInstalledError, match="native is not installed"):
        pickle.loads(sent)


@pytest.mark.parametrize("send", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_closed_model_does_not_travel(artifacts: Path, send: Callable[[Any], object]) -> None:
    model = load(artifacts / "digitrec-int8.tflite")
    model.close()
    with pytest.raises(InputError, match="the model is closed; load it again"):
        send(model)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("runtime", [row.name for row in RUNTIMES if row.installed])
def test_one_that_was_loaded_before_a_fork_does_not_travel_on_unless_it_survives(artifacts: Path, runtime: str) -> None:
    """In a process of its own: a fork beside this one's threads would be another test."""
    kind = next(row.formats[0] for row in RUNTIMES if row.name == runtime)
    code = (
        "import os, pickle, sys\n"
        "from runtimes import load\n"
        "model = load(sys.argv[1], sys.argv[2])\n"
        "if os.fork() == 0:\n"
        "    try:\n        print(len(pickle.dumps(model)), flush=True)\n"
        "    except Exception as error:\n        print(error, flush=True)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, str(file_of(artifacts, kind)), runtime]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout.strip()
    reentrant = runtime == "native"
    assert said.isdigit() if reentrant else said == "the model was loaded before this process was forked; load it again"


@pytest.mark.parametrize("runtime", [row.name for row in RUNTIMES if row.installed])
def test_threads_that_share_a_model_get_their_own_answers(
    artifacts: Path, mnist_test: mnist.Digits, runtime: str
) -> None:
    kind = next(row.formats[0] for row in RUNTIMES if row.name == runtime)
    batches = [mnist_test.images[start : start + 50] for start in range(0, 1000, 50)]
    with load(file_of(artifacts, kind), runtime) as model, ThreadPoolExecutor(4) as pool:
        expected = [answers(model, batch) for batch in batches]
        assert list(pool.map(lambda batch: answers(model, batch), batches)) == expected
