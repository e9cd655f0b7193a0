"""benchmarks.results.accuracies: a difference is said only where the test images show it."""

from collections.abc import Callable

import pytest

from benchmarks.results.accuracies import accuracy_text, compare_accuracy
from benchmarks.results.document import Quality

MakeQuality = Callable[..., Quality]


def test_a_difference_that_chance_makes_is_none(make_quality: MakeQuality) -> None:
    """What int4 was recommended for as 0.07 pp more accurate: 25 images worse, 32 better."""
    then, now = make_quality(range(205)), make_quality(range(32, 230))
    compared = compare_accuracy(now, then)
    assert (now.accuracy, then.accuracy) == (0.9802, 0.9795)
    assert compared.shown == 0
    assert compared.text == "as accurate as far as 10,000 images tell (25 worse, 32 better)"


@pytest.mark.parametrize(("worse", "shown"), [(5, 0), (6, 1)])
def test_a_difference_is_shown_from_six_images_to_none_on(worse: int, shown: int, make_quality: MakeQuality) -> None:
    good, bad = make_quality(range(100)), make_quality(range(100 + worse))
    assert compare_accuracy(good, bad).shown == shown
    assert compare_accuracy(bad, good).shown == -shown


def test_what_is_shown_is_said_with_its_counts(make_quality: MakeQuality) -> None:
    good, bad = make_quality(range(100)), make_quality(range(10, 120))
    assert compare_accuracy(bad, good).text == "as accurate as far as 10,000 images tell (20 worse, 10 better)"
    bad = make_quality(range(10, 140))
    assert compare_accuracy(bad, good).text == (
        "0.30 pp less accurate (40 worse, 10 better of 10,000 images, p < 0.001)"
    )
    assert (
        "0.08 pp more accurate (0 worse, 8 better of 10,000 images, p = 0.008)"
        in compare_accuracy(good, make_quality(range(108))).text
    )


def test_on_other_images_the_intervals_speak(make_quality: MakeQuality) -> None:
    good, near, far = make_quality(range(100)), *(make_quality(range(n), test_sha256="b" * 64) for n in (130, 200))
    assert compare_accuracy(near, good).shown == 0
    assert "as accurate as far as the 95 % intervals tell" in compare_accuracy(near, good).text
    assert compare_accuracy(far, good).shown == -1
    assert compare_accuracy(good, far).shown == 1
    assert "1.00 pp more accurate (on other images" in compare_accuracy(good, far).text


def test_of_an_unknown_number_of_images_nothing_is_shown(make_quality: MakeQuality) -> None:
    good, bad = make_quality(range(100)), make_quality(range(3000), answers=False)
    compared = compare_accuracy(bad, good)
    assert (compared.shown, compared.text) == (0, "70.00% against 99.00% right, of how many is not known")


def test_an_accuracy_has_its_interval(make_quality: MakeQuality) -> None:
    assert accuracy_text(make_quality(range(205))) == "97.95% [97.65, 98.21]"
    assert accuracy_text(make_quality(range(205), answers=False)) == "97.95%"
