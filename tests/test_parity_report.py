"""The parity report: every changed digit with both margins, accuracy per class, mean and largest difference."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.quality.parity_report import (
    REPORT_VERSION,
    ChangedDigit,
    ParityReport,
    report_parity,
    report_path,
    write_report,
)
from digitrec_edge import mnist
from digitrec_edge.artifact import golden as golden_logits
from digitrec_edge.errors import OutputError, ParityError
from digitrec_edge.files import sha256
from digitrec_edge.formats import of_file_name
from runtimes import load

LABELS = np.array([0, 0, 1, 1, 2, 2], np.uint8)


def scores(*rows: dict[int, float]) -> NDArray[np.float32]:
    """Logits that are 0 but for the given digits."""
    logits = np.zeros((len(rows), 10), np.float32)
    for k, row in enumerate(rows):
        for digit, value in row.items():
            logits[k, digit] = value
    return logits


GOLDEN = scores({0: 5}, {0: 5, 8: 4}, {1: 6}, {1: 6, 7: 5.5}, {2: 3}, {3: 2})
LOGITS = scores({0: 5}, {0: 4, 8: 4.5}, {1: 6}, {1: 5.25, 7: 5.5}, {2: 3}, {2: 1, 3: 0.5})
"""The Keras model misses the last one; the artifact changes the second and fourth, and gets the last one right."""


@pytest.fixture(scope="module")
def report() -> ParityReport:
    return report_parity("a.tflite", "litert 2.3.0", LOGITS, GOLDEN, LABELS)


def test_every_changed_digit_is_listed_with_both_digits_and_both_margins(report: ParityReport) -> None:
    assert report.changed == (
        ChangedDigit(1, label=0, reference_digit=0, digit=8, reference_margin=1.0, margin=0.5),
        ChangedDigit(3, label=1, reference_digit=1, digit=7, reference_margin=0.5, margin=0.25),
        ChangedDigit(5, label=2, reference_digit=3, digit=2, reference_margin=2.0, margin=0.5),
    )


def test_accuracy_is_given_per_class_before_and_after(report: ParityReport) -> None:
    assert report.reference_class_accuracy == (1.0, 1.0, 0.5, *[None] * 7)
    assert report.class_accuracy == (0.5, 0.5, 1.0, *[None] * 7)


def test_the_class_that_lost_most_is_named(report: ParityReport) -> None:
    assert report.weakest_class == (0, 50.0)
    won = dataclasses.replace(report, class_accuracy=(1.0, 1.0, 0.6, *[None] * 7))
    digit, drop_pp = won.weakest_class
    assert (digit, drop_pp) == (0, 0.0)


def test_mean_and_largest_logit_difference(report: ParityReport) -> None:
    # 0: 1, 8: 0.5 | 1: 0.75 | 2: 1, 3: 1.5, of 60 logits
    assert report.mean_logit_difference == pytest.approx((1 + 0.5 + 0.75 + 1 + 1.5) / 60)
    assert report.parity.max_logit_difference == 1.5
    assert report.parity.agreement == 0.5
    assert report.parity.accuracy == pytest.approx(4 / 6)
    assert report.parity.reference_accuracy == pytest.approx(5 / 6)


def test_a_tie_has_no_margin_and_goes_to_the_lower_digit() -> None:
    tied = report_parity("a", "r", scores({4: 2, 7: 2}), scores({7: 2}), np.array([7], np.uint8))
    assert tied.changed == (ChangedDigit(0, 7, 7, 4, reference_margin=2.0, margin=0.0),)


def test_nothing_changed_is_an_empty_list() -> None:
    same = report_parity("a", "r", GOLDEN, GOLDEN, LABELS)
    assert same.changed == ()
    assert same.mean_logit_difference == 0
    assert same.weakest_class[1] == 0


@pytest.mark.parametrize(
    ("logits", "labels"),
    [(GOLDEN[:5], LABELS), (GOLDEN, LABELS[:5]), (GOLDEN[:, :9], LABELS)],
    ids=["a row too few", "a label too few", "a class too few"],
)
def test_what_does_not_fit_together_is_not_compared(logits: NDArray[np.float32], labels: NDArray[np.uint8]) -> None:
    with pytest.raises(ParityError, match="cannot be compared"):
        report_parity("a", "r", logits, GOLDEN, labels)


def test_no_images_are_no_report() -> None:
    with pytest.raises(ParityError, match="cannot be compared"):
        report_parity("a", "r", GOLDEN[:0], GOLDEN[:0], LABELS[:0])


def test_it_is_written_beside_the_artifact_as_json(report: ParityReport, tmp_path: Path) -> None:
    (tmp_path / "digitrec-int8.tflite").write_bytes(b"the artifact")
    path = write_report(report, tmp_path / "digitrec-int8.tflite")
    assert path == tmp_path / "digitrec-int8.tflite.parity.json" == report_path(tmp_path / "digitrec-int8.tflite")
    written = json.loads(path.read_text())
    assert written["version"] == REPORT_VERSION
    assert written["changed"][0] == {
        "index": 1, "label": 0, "reference_digit": 0, "digit": 8, "reference_margin": 1.0, "margin": 0.5,
    }  # fmt: skip
    assert written["class_accuracy"][:4] == [0.5, 0.5, 1.0, None]
    assert written["parity"]["agreement"] == 0.5
    assert written["artifact_sha256"] == sha256(b"the artifact")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["digitrec-int8.tflite", path.name]


def test_a_report_that_cannot_be_written_is_one_line(report: ParityReport, tmp_path: Path) -> None:
    (tmp_path / "a.tflite").write_bytes(b"the artifact")
    (tmp_path / "a.tflite.parity.json").mkdir()
    with pytest.raises(OutputError, match="cannot write"):
        write_report(report, tmp_path / "a.tflite")


@pytest.mark.parametrize("name", ["digitrec-int8.tflite", "digitrec-int4.tflite", "digitrec-float32.onnx"])
def test_the_report_of_an_exported_artifact_is_what_its_runtime_answers(artifacts: Path, name: str) -> None:
    written = json.loads(report_path(artifacts / name).read_text())
    assert written["artifact_sha256"] == sha256((artifacts / name).read_bytes())
    test, reference = mnist.load("test"), golden_logits.read(artifacts / golden_logits.FILE_NAME)
    with load(artifacts / name) as model:
        again = report_parity(
            name, f"{model.runtime} {model.runtime_version}", model.logits(test.images), reference.logits, test.labels
        )
        assert model.card is not None
        assert model.card.parity is not None
        assert model.card.parity.agreement == written["parity"]["agreement"]
    again = dataclasses.replace(again, artifact_sha256=written["artifact_sha256"])
    assert json.loads(json.dumps(dataclasses.asdict(again))) == written
    assert len(written["changed"]) == round(10_000 * (1 - written["parity"]["agreement"]))


def test_every_artifact_has_its_report(artifacts: Path, old_artifacts: Path) -> None:
    for folder in (artifacts, old_artifacts):
        models = {path.name for path in folder.iterdir() if of_file_name(path.name)}
        reports = {path.name.removesuffix(".parity.json") for path in folder.glob("*.parity.json")}
        assert models == reports
