"""The self-test on the device: passes where the artifact came out whole, and can fail."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec_edge import artifact
from digitrec_edge.artifact import Artifact, sample
from digitrec_edge.errors import ArtifactError
from digitrec_edge.formats import SAMPLE_FILE
from digitrec_edge.formats.flatbuffer import Table
from digitrec_edge.variants import INT8, VARIANTS, Precision
from digitrec_edge.verification.selftest import self_test
from runtimes import RUNTIMES, Model, load
from runtimes.loading import unmet

Loaded = Callable[[str, str], Model]
NAME = "digitrec-int8.tflite"
PRECISIONS = sorted({row.precision for row in VARIANTS}, key=lambda precision: precision.name)


class FakeModel:
    """Answers with the logits that it is given."""

    runtime, runtime_version = "fake", "1.0"

    def __init__(self, logits: NDArray[np.float32]) -> None:
        self._logits = logits

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        assert images.shape == (len(self._logits), 28, 28)
        return self._logits


def fake(logits: NDArray[Any]) -> Any:
    return FakeModel(logits.astype(np.float32))


def with_one_weight_changed(path: Path, target: Path) -> Path:
    """Write an artifact anew with one weight of the last layer changed: hashes and card fit."""
    found = artifact.read(path)
    assert found.card is not None
    model = Table.root(found.payload)
    (graph,) = model.tables(2)
    (index,) = [k for k, tensor in enumerate(found.graph.tensors) if tensor.name == "logits/kernel"]
    buffer = model.tables(4)[graph.tables(0)[index].number(2, "I")].vector(0, "u1")
    start = found.payload.index(buffer.tobytes())
    changed = bytearray(found.payload)
    dtype = found.graph.tensors[index].dtype
    weights = np.frombuffer(changed, dtype, buffer.nbytes // np.dtype(dtype).itemsize, start)
    kept = weights.copy()
    weights[5] = 127 if dtype == "int8" else kept[5] + 3
    assert (weights != kept).sum() == 1
    artifact.write(target, bytes(changed), found.card, found.files[SAMPLE_FILE])
    return target


def expected_of(found: Artifact) -> NDArray[np.float32]:
    return sample.unpack(found.files[SAMPLE_FILE], 10).expected


def with_variant(found: Artifact, variant: str) -> Artifact:
    assert found.card is not None
    return dataclasses.replace(found, card=dataclasses.replace(found.card, variant=variant))


def test_every_artifact_passes_in_every_runtime_that_runs_it(
    artifacts: Path, old_artifacts: Path, loaded: Loaded
) -> None:
    tried = set()
    for folder in (artifacts, old_artifacts):
        for path in sorted(p for p in folder.iterdir() if p.suffix in (".tflite", ".onnx", ".ort")):
            found = artifact.read(path)
            for row in RUNTIMES:
                if not row.installed or not row.runs(found.format.name) or unmet(found, row):
                    continue
                result = self_test(found, loaded(path.name, row.name))
                assert result.passed, (path.name, result)
                assert result.images == sample.IMAGES
                assert result.runtime == f"{row.name} {row.version}"
                assert 0.9 <= result.agreement <= 1
                assert 0 <= result.largest_difference <= result.tolerance
                tried.add((path.name, row.name))
    assert len(tried) >= 15


@pytest.mark.parametrize("name", ["digitrec-float32.tflite", "digitrec-int8.tflite", "digitrec-int8-dynamic.tflite"])
def test_one_changed_weight_fails_and_names_the_images(artifacts: Path, tmp_path: Path, name: str) -> None:
    path = with_one_weight_changed(artifacts / name, tmp_path / name)
    found = artifact.read(path)
    with load(path) as model:
        result = self_test(found, model)
    assert not result.passed
    assert result.largest_difference > result.tolerance
    images = sample.unpack(found.files[SAMPLE_FILE], 10)
    by_index = dict(zip(images.indices.tolist(), images.labels.tolist(), strict=True))
    assert {image.index for image in result.differing} <= set(by_index)
    for image in result.differing:
        assert image.label == by_index[image.index]
        assert image.largest_difference > result.tolerance


@pytest.mark.parametrize("precision", PRECISIONS, ids=lambda precision: precision.name)
def test_each_tolerance_lets_pass_what_is_within_and_nothing_more(artifacts: Path, precision: Precision) -> None:
    found = with_variant(artifact.read(artifacts / NAME), precision.name)
    expected = expected_of(found).astype(np.float64)
    tolerance = precision.tolerance.share * float(np.ptp(expected))
    for share, passes in ((0.0, True), (0.9, True), (1.1, False)):
        moved = expected.copy()
        moved[7, 2] += share * tolerance
        result = self_test(found, fake(moved))
        assert result.passed == passes, share
        assert result.tolerance == pytest.approx(tolerance)
        assert len(result.differing) == (0 if passes else 1)


def test_a_changed_digit_is_named_with_what_it_was(artifacts: Path) -> None:
    found = artifact.read(artifacts / NAME)
    images = sample.unpack(found.files[SAMPLE_FILE], 10)
    moved = images.expected.copy()
    digit = int(moved[4].argmax())
    other = (digit + 1) % 10
    moved[4, other] = moved[4, digit] + 1
    (image,) = self_test(found, fake(moved)).differing
    assert (image.index, image.label) == (images.indices[4], images.labels[4])
    assert (image.expected_digit, image.digit) == (digit, other)
    assert image.largest_difference == pytest.approx(float(moved[4, other] - images.expected[4, other]))


def test_a_near_tie_may_turn_within_the_tolerance_but_not_beyond(artifacts: Path) -> None:
    found = artifact.read(artifacts / NAME)
    images = sample.unpack(found.files[SAMPLE_FILE], 10)
    expected = images.expected.copy()
    tolerance = INT8.tolerance.share * float(np.ptp(expected))
    best = int(expected[0].argmax())
    other = (best + 1) % 10
    expected[0, other] = expected[0, best] - tolerance / 2
    tied = dataclasses.replace(images, expected=expected)
    found = dataclasses.replace(found, files={**found.files, SAMPLE_FILE: sample.pack(tied)})
    turned = expected.copy()
    turned[0, other] += 0.9 * tolerance
    assert turned[0].argmax() == other
    assert self_test(found, fake(turned)).passed
    turned[0, other] += 0.2 * tolerance
    assert not self_test(found, fake(turned)).passed


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_fails(artifacts: Path, value: float) -> None:
    found = artifact.read(artifacts / NAME)
    moved = expected_of(found).copy()
    moved[3] = value
    result = self_test(found, fake(moved))
    assert not result.passed
    assert [image.digit for image in result.differing] == [0]


def test_agreement_counts_the_digits_of_keras(artifacts: Path) -> None:
    found = artifact.read(artifacts / NAME)
    images = sample.unpack(found.files[SAMPLE_FILE], 10)
    golden = images.golden.copy()
    golden[:8] = np.roll(images.expected[:8], 1, axis=1)
    golden[8:] = images.expected[8:]
    found = dataclasses.replace(found, files={SAMPLE_FILE: sample.pack(dataclasses.replace(images, golden=golden))})
    result = self_test(found, fake(images.expected))
    assert result.agreement == 1 - 8 / len(golden)
    assert result.passed


def test_a_file_without_a_sample_cannot_be_tested(artifacts: Path) -> None:
    found = artifact.read(artifacts / NAME)
    for without in (dataclasses.replace(found, card=None), dataclasses.replace(found, files={})):
        with pytest.raises(ArtifactError, match="carries no sample to test with; files that digitrec-edge exported do"):
            self_test(without, fake(expected_of(found)))


def test_every_variant_has_a_tolerance_with_a_reason(artifacts: Path) -> None:
    assert all(0 < row.tolerance.share < 0.05 and row.tolerance.reason for row in PRECISIONS)
    cards = [artifact.read(path).card for path in artifacts.glob("*.tflite")]
    assert {card.variant for card in cards if card} == {row.name for row in PRECISIONS}


def test_a_precision_that_this_version_does_not_know_is_refused_by_name(artifacts: Path) -> None:
    found = with_variant(artifact.read(artifacts / NAME), "int2")
    with pytest.raises(ArtifactError, match="'int2' is not known .*: update digitrec-edge"):
        self_test(found, fake(expected_of(found)))
