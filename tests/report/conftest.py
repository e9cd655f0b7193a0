"""What the report's tests share: a folder as train, export and benchmark leave it, its data and its page."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from digitrec_edge import artifact, mnist, pretrained
from digitrec_edge.artifact import golden
from digitrec_edge.artifact.golden import Golden
from digitrec_edge.files import sha256

if TYPE_CHECKING:
    from benchmarks.results.document import Result, Run
    from digitrec_edge.report import ReportData

IMAGES = 500
CHANGED = 25
"""So many of the images, the first ones, have another digit in the golden logits."""


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set: the first test images."""
    test = mnist.load("test")
    path = tmp_path_factory.mktemp("digits") / "digits.npz"
    images, labels = test.images[:IMAGES], test.labels[:IMAGES]
    np.savez(path, x_train=images, y_train=labels, x_test=images, y_test=labels)
    return path


@pytest.fixture(scope="session")
def folder(
    tmp_path_factory: pytest.TempPathFactory,
    digits: Path,
    make_result: "Callable[..., Result]",
    make_run: "Callable[..., Run]",
) -> Path:
    """The pretrained artifact, golden logits that differ from it on some images, and results of two devices.

    One result was measured on a file that is no longer there, one in a runtime that this version does not know.
    """
    from benchmarks import document
    from benchmarks.measure.logits import runtime_logits

    folder = tmp_path_factory.mktemp("report")
    artifacts = folder / "artifacts"
    artifacts.mkdir()
    shutil.copy(pretrained.DEFAULT, artifacts / "digitrec-int8.tflite")
    found = artifact.read(artifacts / "digitrec-int8.tflite")
    assert found.card
    logits = runtime_logits(found.path, "auto", digits).logits.copy()
    logits[:CHANGED] = np.roll(logits[:CHANGED], 1, axis=1)
    test_sha256 = mnist.load("test", digits).digest()
    golden.write(artifacts / "golden.npz", Golden(logits, found.card.source_sha256, test_sha256))
    mine = make_result(artifact="digitrec-int8.tflite", artifact_sha256=sha256(found.data))
    stale = make_result("float32", p50=30.0, artifact_sha256="1" * 64)
    noisy = dataclasses.replace(
        mine, runtime="tflite-runtime", status="invalid", unreliable=("end_to_end",), reasons=("noise: <much> & more",)
    )
    unknown = dataclasses.replace(mine, runtime="future-runtime")
    for name, run in (
        ("benchmark.json", make_run(mine, noisy, stale, device="board <one>")),
        ("benchmark-pi.json", make_run(mine, unknown, device="Pi 5", board="Raspberry Pi 5")),
    ):
        (folder / name).write_bytes(document(run).to_json())
    return folder


@pytest.fixture(scope="session")
def data(folder: Path, digits: Path) -> "ReportData":
    """What the report knows of that folder."""
    from digitrec_edge.report import collect

    return collect(folder, data=digits)


@pytest.fixture(scope="session")
def page(data: "ReportData", folder: Path) -> Path:
    """The page of it, with its figures beside it."""
    from digitrec_edge.report import write

    return write(data, folder / "report.html")[0]
