"""Accuracy: over all images, and for each digit."""

import numpy as np

from benchmarks.quality.accuracy import accuracy, class_accuracy


def test_it_is_the_share_of_right_digits() -> None:
    assert accuracy(np.array([3, 1, 4, 1]), np.array([3, 1, 4, 5], np.uint8)) == 0.75


def test_each_digit_has_its_own_and_one_that_the_labels_lack_has_none() -> None:
    digits, labels = np.array([0, 0, 1, 9, 2]), np.array([0, 1, 1, 9, 9], np.uint8)
    assert class_accuracy(digits, labels, 10) == (1.0, 0.5, None, None, None, None, None, None, None, 0.5)
