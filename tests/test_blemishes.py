"""Blemishes: as many images as asked for, each kind changes them, the same for the same seed."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec_edge import mnist
from digitrec_edge.training import blemishes
from digitrec_edge.training.blemishes import KINDS, Blemish, add_blemishes

pytestmark = pytest.mark.desktop


@pytest.fixture(scope="module")
def images() -> NDArray[np.uint8]:
    return mnist.load("test").images[:1000]


def test_a_share_of_the_images_is_blemished_and_the_given_ones_stay(images: NDArray[np.uint8]) -> None:
    before = images.copy()
    for probability in (0.0, 0.3, 1.0):
        changed = (add_blemishes(images, probability, np.random.default_rng(0)) != images).any(axis=(1, 2)).mean()
        assert probability - 0.08 <= changed <= probability + 0.05
    assert np.array_equal(images, before)


def test_the_same_seed_gives_the_same_images(images: NDArray[np.uint8]) -> None:
    one, again, other = (add_blemishes(images, 0.5, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_changes_images_and_leaves_them_alike(
    images: NDArray[np.uint8], kind: Blemish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blemishes, "KINDS", (dataclasses.replace(kind, share=1.0),))
    changed = add_blemishes(images, 1.0, np.random.default_rng(0))
    assert (changed != images).any(axis=(1, 2)).mean() > 0.5
    alike = [np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in zip(images, changed, strict=True)]
    assert np.median(alike) > 0.4


def test_shares_sum_to_one() -> None:
    assert sum(kind.share for kind in KINDS) == pytest.approx(1)
