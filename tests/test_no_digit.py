""" "No digit": the score, its threshold, and what a loaded model and ``predict`` say of it."""

import dataclasses
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitrec_edge import artifact, mnist, pretrained
from digitrec_edge.errors import ArtifactError
from digitrec_edge.no_digit import KEPT, NoDigit, fit_no_digit, score
from digitrec_edge.quantization import dequantize
from runtimes import load

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


def test_the_score_is_the_largest_logit_less_the_mean() -> None:
    logits = np.array([[1, 2, 3, 6], [5, 5, 5, 5]], np.float32)
    assert score(logits).tolist() == [3.0, 0.0]
    assert score(logits[0]) == 3.0
    assert np.allclose(score(logits + 7), score(logits))


def test_of_quantised_logits_it_is_a_whole_number_of_steps() -> None:
    raw = np.random.default_rng(0).integers(-128, 128, (1000, 10)).astype(np.int8)
    steps = 10 * raw.astype(int).max(axis=1) - raw.astype(int).sum(axis=1)
    assert np.allclose(score(dequantize(raw, 0.15, 3)), 0.15 * steps / 10, atol=1e-4)


@pytest.mark.parametrize("images", [10, 160, 5000])
def test_the_threshold_keeps_what_it_says_of_the_digits(images: int) -> None:
    for seed in range(10):
        logits = np.random.default_rng(seed).normal(0, 3, (images, 10)).astype(np.float32)
        found = fit_no_digit(logits)
        assert found.images == images
        assert found.kept == (score(logits) >= found.threshold).mean()
        assert KEPT <= found.kept <= KEPT + max(0.01, 2 / images)


@pytest.fixture(scope="module")
def model_with(tmp_path_factory: pytest.TempPathFactory) -> Callable[[float | None], Path]:
    """Writes the pretrained artifact with another threshold on its card, or none."""
    found, folder = artifact.read(pretrained.DEFAULT), tmp_path_factory.mktemp("thresholds")

    def write(threshold: float | None) -> Path:
        no_digit = None if threshold is None else NoDigit(threshold, 0.99, 5000)
        assert found.card
        path = folder / f"{threshold}.tflite"
        artifact.write(path, found.payload, dataclasses.replace(found.card, no_digit=no_digit))
        return path

    return write


def test_a_model_tells_by_its_cards_threshold(model_with: Callable[[float | None], Path]) -> None:
    images = mnist.load("test").images[:200]
    with load(model_with(None)) as model:
        everything, scores = model.predict(images), score(model.logits(images))
    assert everything.accepted.all()
    assert np.array_equal(everything.scores, scores)
    middle = float(np.median(scores))
    with load(model_with(middle)) as model:
        told = model.predict(images)
        assert np.array_equal(told.accepted, scores >= np.float32(middle))
        assert np.array_equal(told.digits, everything.digits)
        digits, probabilities = told
        assert np.array_equal(digits, told.digits)
        assert np.array_equal(probabilities, told.probabilities)
        for k in (0, int(scores.argmin())):
            one = model.predict(images[k])
            assert (type(one.digits), type(one.scores), type(one.accepted)) == (int, float, bool)
            assert one.accepted == told.accepted[k]
            assert model.classify(images[k]) == one.digits


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A large 7, dark on light."""
    path = tmp_path / "seven.png"
    Image.fromarray(255 - np.pad(mnist.load("test").images[0], 8)).resize((220, 220)).save(path)
    return path


def test_predict_says_no_digit_and_what_it_is_most_like(
    cli: Cli, model_with: Callable[[float | None], Path], picture: Path, tmp_path: Path
) -> None:
    options = ["--model", model_with(999)]
    done = cli("predict", picture, *options, "--explain", tmp_path / "strip.png", ok=False)
    assert done.returncode == 1
    assert done.stdout.startswith(f"{picture}: no digit (most like 7)  score ")
    done = cli("predict", picture, "--json", *options, ok=False)
    assert done.returncode == 1
    (found,) = json.loads(done.stdout)
    assert (found["digit"], found["label"], found["candidate"]) == (None, None, "7")
    assert 0 < found["score"] < 999
    several = cli("predict", picture, "--multi", *options, ok=False)
    assert several.returncode == 1
    assert several.stdout.startswith(f"{picture}: ?  latency")
    folder = cli("predict", picture, picture, *options, ok=False)
    assert "2 pictures: 0 digits read, 2 no digit, 0 refused" in folder.stderr


def test_predict_names_a_digit_when_it_is_told_to_or_the_card_has_no_threshold(
    cli: Cli, model_with: Callable[[float | None], Path], picture: Path
) -> None:
    for options in (["--model", model_with(999), "--accept-anything"], ["--model", model_with(None)]):
        assert cli("predict", picture, *options).stdout.startswith(f"{picture}: 7  probability ")


@pytest.mark.parametrize("threshold", [-0.1, 1001.0, float("nan")])
def test_a_card_with_an_impossible_threshold_is_refused(threshold: float, tmp_path: Path) -> None:
    found = artifact.read(pretrained.DEFAULT)
    assert found.card
    card = dataclasses.replace(found.card, no_digit=NoDigit(threshold, 0.99, 5000))
    artifact.write(tmp_path / "a.tflite", found.payload, card)
    with pytest.raises(ArtifactError, match="threshold|NaN"):
        artifact.read(tmp_path / "a.tflite")
