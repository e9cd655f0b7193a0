"""The data of a report, read from a folder; what is missing becomes a note."""

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import Document, document, find_artifacts
from benchmarks.measure.logits import runtime_logits
from benchmarks.quality.accuracy import accuracy
from benchmarks.results.document import Run
from benchmarks.results.document import read as read_document
from digitrec_edge import artifact, mnist
from digitrec_edge.artifact import Artifact, golden
from digitrec_edge.artifact.card import Card
from digitrec_edge.errors import ArtifactError, DigitrecError
from digitrec_edge.files import sha256
from digitrec_edge.labels import DIGITS, Numbers
from digitrec_edge.mnist import Digits
from digitrec_edge.quantization import softmax
from digitrec_edge.report.summary import KerasLayer, summarise_model
from digitrec_edge.training.history import History, read_history
from runtimes.table import AUTO

KERAS = "Keras"


@dataclass(frozen=True)
class ModelPredictions:
    """One model's predictions for every test image.

    Attributes:
        name: of the artifact's file, or ``Keras``.
        probabilities: ``(N, 10) float32``, or as many as there are labels.
        digits: ``(N,) int64``; the lower digit where two are equally likely.
    """

    name: str
    probabilities: NDArray[np.float32]
    digits: NDArray[np.int64]

    def accuracy(self, labels: Numbers) -> float:
        """Share of correct digits, 0 to 1."""
        return accuracy(self.digits, labels)

    def misclassified(self, labels: Numbers) -> NDArray[np.int64]:
        """Return the indices of the images with a wrong digit."""
        return np.flatnonzero(self.digits != labels)

    def changed(self, reference: "ModelPredictions") -> NDArray[np.int64]:
        """Return the indices of the images with another digit than the reference's."""
        return np.flatnonzero(self.digits != reference.digits)


@dataclass(frozen=True)
class ReportData:
    """Everything that a report shows.

    Attributes:
        labels: what the classes are called.
        layers: of the Keras model; empty when it is not there.
        reference: the Keras model's predictions; None without golden logits that belong to these artifacts.
        predictions: of each artifact that could be run, in the order of ``artifacts``.
        benchmark: None when there are no results.
        notes: what is missing, stale or could not be run, a sentence each.
    """

    folder: Path
    history: History | None
    layers: tuple[KerasLayer, ...]
    artifacts: tuple[Artifact, ...]
    labels: tuple[str, ...]
    test: Digits
    reference: ModelPredictions | None
    predictions: tuple[ModelPredictions, ...]
    benchmark: Document | None
    notes: tuple[str, ...]

    @property
    def models(self) -> tuple[ModelPredictions, ...]:
        """The predictions of Keras, if they are there, and of all artifacts."""
        return (*([self.reference] if self.reference else []), *self.predictions)

    @property
    def principal(self) -> ModelPredictions | None:
        """The model whose mistakes are shown: Keras, or else the first artifact."""
        return next(iter(self.models), None)

    @property
    def runs(self) -> tuple[Run, ...]:
        """The benchmark's runs, one per device."""
        return self.benchmark.runs if self.benchmark else ()


def collect(
    folder: Path,
    results: Sequence[Path] = (),
    data: Path | None = None,
    *,
    on_step: Callable[[int, int, str], None] = lambda done, total, text: None,
) -> ReportData:
    """Read a folder as ``train``, ``export`` and ``benchmark`` leave it, and run its artifacts over the test set.

    Args:
        folder: with ``artifacts/`` or artifacts, and perhaps ``model.keras`` and benchmark results in JSON.
        results: benchmark results; by default all ``benchmark*.json`` in the folder.
        data: data set of the test images, None is the bundled MNIST.
        on_step: is told done, total and what comes now.

    Raises:
        BenchmarkError: no artifacts there, or results that cannot be read.
        DataError: the test set cannot be read.
    """
    notes: list[str] = []
    inside = folder / "artifacts" if (folder / "artifacts").is_dir() else folder
    paths = find_artifacts([inside])
    labels = _labels(paths)
    test = mnist.load_for(labels, "test", data)
    artifacts: list[Artifact] = []
    predictions: list[ModelPredictions] = []
    for k, path in enumerate(paths):
        on_step(k, len(paths) + 1, f"running {path.name}")
        try:
            found = artifact.read(path)
            if (found.card.labels if found.card else DIGITS) != labels:
                raise ArtifactError(f"its labels are not those of {paths[0].name}, which the report is of")
            artifacts.append(found)
            predictions.append(_predictions(path.name, runtime_logits(path, AUTO, data).logits, found.card))
        except DigitrecError as error:
            notes.append(f"{path.name} could not be run: {error}")
    on_step(len(paths), len(paths) + 1, "drawing")
    history, layers = _training(folder, artifacts, notes)
    reference = _reference(inside, artifacts, test, notes)
    return ReportData(
        folder=folder,
        history=history,
        layers=layers,
        artifacts=tuple(artifacts),
        labels=labels,
        test=test,
        reference=reference,
        predictions=tuple(predictions),
        benchmark=_benchmark(folder, results, artifacts, notes),
        notes=tuple(notes),
    )


def _labels(paths: Sequence[Path]) -> tuple[str, ...]:
    """Return the labels of the first artifact that can be read."""
    for path in paths:
        with contextlib.suppress(DigitrecError):
            card = artifact.read(path).card
            return card.labels if card else DIGITS
    return DIGITS


def _predictions(name: str, logits: NDArray[np.float32], card: Card | None) -> ModelPredictions:
    temperature = np.float32(card.temperature if card else 1.0)
    return ModelPredictions(name, softmax(logits / temperature), logits.argmax(axis=1))


def _sources(artifacts: Sequence[Artifact]) -> set[str]:
    return {found.card.source_sha256 for found in artifacts if found.card}


def _training(
    folder: Path, artifacts: Sequence[Artifact], notes: list[str]
) -> tuple[History | None, tuple[KerasLayer, ...]]:
    """The history and the layers of the Keras model that these artifacts come from, and of no other."""
    model = folder / "model.keras"
    if not model.exists():
        notes.append(f"no {model}: the training and the model summary are not shown; make it with: digitrec-edge train")
        return None, ()
    if _sources(artifacts) != {sha256(model.read_bytes())}:
        notes.append(f"{model} is not the model that all artifacts here were exported from; export again")
        if sha256(model.read_bytes()) not in _sources(artifacts):
            return None, ()
    layers = summarise_model(model)
    try:
        history = read_history(model)
    except DigitrecError as error:
        notes.append(str(error))
        return None, layers
    if history is None:
        notes.append(f"no training history beside {model}: the training is not shown")
    return history, layers


def _reference(folder: Path, artifacts: Sequence[Artifact], test: Digits, notes: list[str]) -> ModelPredictions | None:
    path = folder / golden.FILE_NAME
    if not path.exists():
        notes.append(f"no {path}: nothing is compared with the Keras model")
        return None
    try:
        found = golden.read(path)
    except DigitrecError as error:
        notes.append(str(error))
        return None
    if found.test_sha256 != test.digest():
        notes.append(f"{path} belongs to another test set: nothing is compared with the Keras model")
        return None
    if _sources(artifacts) != {found.source_sha256}:
        notes.append(f"{path} belongs to another Keras model than some artifacts here: they are not compared with it")
        return None
    shared = next(one.card for one in artifacts if one.card)  # of the same model, and so with its temperature
    return _predictions(KERAS, found.logits, shared)


def _benchmark(
    folder: Path, results: Sequence[Path], artifacts: Sequence[Artifact], notes: list[str]
) -> Document | None:
    """All results, one run per device, the newest; figures of files that are no longer there are left out."""
    paths = list(results) or sorted(folder.glob("benchmark*.json"))
    newest: dict[str, Run] = {}
    for path in paths:
        for run in read_document(path).runs:
            if run.device not in newest or run.started > newest[run.device].started:
                newest[run.device] = run
    if not newest:
        notes.append(
            f"no benchmark results: latency is not shown; measure with: digitrec-edge benchmark --json {folder}"
            "/benchmark.json"
        )
        return None
    there = {sha256(found.data) for found in artifacts}
    runs = []
    for run in newest.values():
        kept = tuple(r for r in run.results if r.artifact_sha256 in there or r.artifact_sha256 is None)
        stale = sorted({r.artifact for r in run.results if r not in kept})
        if stale:
            notes.append(
                f"{run.device}: the figures of {', '.join(stale)} are left out, they were measured on other files than "
                "those here; run digitrec-edge benchmark again"
            )
        if kept:
            runs.append(dataclasses.replace(run, results=kept))
    return document(*runs) if runs else None
