"""``digitrec-edge train --base``: a model that became better is written, one that did not is refused with the table."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from digitrec_edge import mnist
from digitrec_edge.collection import Collection, Kept
from digitrec_edge.training.history import read_history
from tests.test_training import small_set

pytestmark = pytest.mark.desktop
Cli = Callable[..., "subprocess.CompletedProcess[str]"]
COUNT = 160


@pytest.fixture(scope="module")
def folder(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a data set, a base that was trained on it, and collections of digits far off the middle."""
    folder = tmp_path_factory.mktemp("learning")
    small_set(folder / "own.npz", 640, 200)
    cli("train", "--recipe", "reference", "--epochs", "2", "--data", "own.npz", "-o", "base.keras", cwd=folder)
    make_collection(folder / "right.sqlite", 0)
    make_collection(folder / "wrong.sqlite", 1)
    with Collection(folder / "empty.sqlite"):
        pass
    return folder


def make_collection(path: Path, error: int) -> None:
    """Collect digits far off the middle; a person says what they are, and is off by so much on those held out."""
    digits = mnist.load("test")
    with Collection(path) as collection:
        kept = [
            as_kept(np.roll(digits.images[k], 6, axis=1), int(digits.labels[k]), k) for k in range(1000, 1000 + COUNT)
        ]
        for name, one in zip(collection.keep_all(kept), kept, strict=True):
            off = error if collection.item(name).held_out else 0
            collection.correct(name, (one.candidate + off) % 10, "ada")


def as_kept(image: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", digit: int, number: int) -> Kept:
    return Kept(
        image=image, digit=None, candidate=digit, probability=0.5, score=1.0, artifact_sha256="",
        time=f"2026-11-28T10:00:00.{number:06d}Z", source="a crooked camera",
    )  # fmt: skip


def test_a_model_that_became_better_is_written_beside_its_base(cli: Cli, folder: Path) -> None:
    base = (folder / "base.keras").read_bytes()
    done = cli("train", "--base", "base.keras", "--data", "own.npz", "--data", "right.sqlite", cwd=folder)
    assert f"{COUNT} corrections, 0 of them no digit" in done.stdout
    assert "FAILED" not in done.stdout
    assert done.stdout.count(" ok") == 6
    history = read_history(folder / "base-learnt.keras")
    assert history
    assert history.continued
    with Collection(folder / "right.sqlite") as collection:
        held_out = sum(item.held_out for item in collection.everything())
    assert history.continued.digits == COUNT - held_out < COUNT - 20
    assert (folder / "base.keras").read_bytes() == base


@pytest.mark.long
def test_one_that_did_not_is_refused_with_the_table_unless_that_is_allowed(cli: Cli, folder: Path) -> None:
    arguments = ["train", "--base", "base.keras", "--data", "wrong.sqlite", "--data", "own.npz", "-o", "worse.keras"]
    done = cli(*arguments, cwd=folder, ok=False)
    assert done.returncode == 1
    assert "held-out corrections" in done.stdout
    assert "FAILED" in done.stdout
    assert "worse.keras is not written: that it reads the" in done.stderr
    assert "--allow-worse writes it all the same" in done.stderr
    assert not list(folder.glob("worse*"))
    assert "written all the same: that it reads" in cli(*arguments, "--allow-worse", cwd=folder).stdout
    assert read_history(folder / "worse.keras")


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (["--base", "base.keras"], 2, "name a collection, such as --data collection.sqlite"),
        (["--base", "base.keras", "--data", "own.npz"], 2, "'own.npz' is none: name a collection"),
        (["--base", "base.keras", "--data", "rigth.sqlite"], 1, "no such file or folder: rigth.sqlite"),
        (["--base", "base.keras", "--data", "right.sqlite", "--data", "b"], 1, "no such file or folder: b"),
        (["--base", "base.keras", "--data", "right.sqlite", "--recipe", "robust"], 2, "not with --base"),
        (["--base", "base.keras", "--data", "right.sqlite", "--resume"], 2, "not with --base"),
        (["--base", "base.keras", "--data", "own.npz", "--data", "own.npz"], 2, "are no collections"),
        (["--data", "right.sqlite"], 2, "is a collection: name the model that learns from it"),
        (["--data", "own.npz", "--data", "own.npz"], 2, "2 data sets are named"),
        (["--allow-worse"], 2, "give --base"),
        (["--base", "none.keras", "--data", "right.sqlite"], 1, "no such file: none.keras"),
        (["--base", "base.keras", "--data", "empty.sqlite", "--data", "own.npz"], 1, "there is nothing new to learn"),
    ],
)
def test_what_cannot_be_is_one_line(arguments: list[str], status: int, reason: str, cli: Cli, folder: Path) -> None:
    before = sorted(folder.iterdir())
    done = cli("train", *arguments, cwd=folder, ok=False)
    assert done.returncode == status, done.stderr
    assert reason in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr
    assert sorted(folder.iterdir()) == before
