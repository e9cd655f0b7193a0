"""Pictures as people take them: a few of each kind, with a floor; docs/accuracy.md has the figures of many."""

import numpy as np
import pytest

from digitrec_edge import mnist
from runtimes import Model
from tests import pictures

SEEDS = range(9_000, 9_012)

FLOORS = {
    ("frames", "box"): 10,
    ("frames", "comb"): 10,
    ("frames", "underline"): 10,
    ("frames", "dotted"): 10,
    ("frames", "grid"): 10,
    ("frames", "boxes"): 7,
    ("ruled", "squares"): 8,
    ("ruled", "number-lines"): 9,
    ("sheets", "sheet"): 9,
    ("sheets", "note"): 9,
    ("sheets", "circle"): 10,
    ("dark", "room"): 10,
    ("dark", "glare"): 7,
    ("dark", "faint"): 9,
    ("dark", "coloured"): 10,
    ("touching", "two"): 7,
    ("touching", "three"): 5,
    ("ones", "thin"): 8,
}
"""Of the twelve: below what is measured, they must fail when something breaks, not by chance."""


@pytest.mark.parametrize(("name", "kind"), FLOORS)
def test_pictures_as_people_take_them_are_read(
    name: str, kind: str, mnist_test: mnist.Digits, pretrained_model: Model
) -> None:
    _, make = pictures.module_of(name)
    made = [make(mnist_test, kind, seed) for seed in SEEDS]
    assert sum(pictures.read(one, pretrained_model) == one.text for one in made) >= FLOORS[name, kind]


def test_a_made_picture_is_the_same_for_the_same_seed(mnist_test: mnist.Digits) -> None:
    for name in pictures.SETS:
        kinds, make = pictures.module_of(name)
        one, again, other = (make(mnist_test, kinds[0], seed).data for seed in (1, 1, 2))
        assert one == again
        assert one != other


def test_plain_digits_have_no_frame_and_need_no_repair(mnist_test: mnist.Digits) -> None:
    from digitrec_edge.preprocess import decode, read_stages
    from tests import photographs

    for index in range(20):
        stages = read_stages(decode(photographs.make(mnist_test.images, index, 9_000, 0.4), "photograph"))
        assert stages.cleaned is None
        assert stages.repaired is None


def test_noise_and_empty_paper_are_still_no_digit() -> None:
    from digitrec_edge.errors import PictureError
    from digitrec_edge.preprocess import read_stages

    for seed in range(5):
        noise = np.random.default_rng(seed).normal(60, 9, (480, 640))
        with pytest.raises(PictureError, match="no digit found"):
            read_stages(np.clip(noise, 0, 255).astype(np.uint8)).digits()
