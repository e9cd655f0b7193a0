"""Rules of what is kept."""

import dataclasses

import numpy as np
import pytest

from digitrec_edge.collection import UNSURE_BELOW, Keep, Said
from digitrec_edge.collection.items import is_held_out
from digitrec_edge.errors import CollectionError
from tests.collected import kept


def test_unsure_keeps_what_is_no_digit_improbable_or_called_unsure() -> None:
    rule = Keep.parse("unsure")
    assert rule.wants(kept(1, digit=None, probability=0.99))
    assert rule.wants(kept(1, probability=UNSURE_BELOW - 0.01))
    assert rule.wants(kept(1, probability=0.99), unsure=True)
    assert not rule.wants(kept(1, probability=UNSURE_BELOW))


def test_all_keeps_everything_and_none_nothing() -> None:
    for digit in (None, 3):
        assert Keep.parse("all").wants(kept(1, digit=digit, probability=1.0))
        assert not Keep.parse("none").wants(kept(1, digit=digit, probability=0.0), unsure=True)


@pytest.mark.parametrize("every", [1, 2, 10, 100])
def test_a_share_keeps_about_so_many_and_the_same_ones_each_time(every: int) -> None:
    rule = Keep.parse(f"1/{every}")
    one = kept(1, probability=1.0)
    others = [dataclasses.replace(one, source=f"source {k}") for k in range(2000)]
    wanted = [rule.wants(other) for other in others]
    assert wanted == [Keep.parse(f"1/{every}").wants(other, unsure=True) for other in others]
    assert sum(wanted) == pytest.approx(2000 / every, rel=0.5)


@pytest.mark.parametrize("text", ["", "some", "1/0", "2/3", "1/", "1/1000001", "0.5", "1/٣", "unsure ", "1/5\n"])
def test_what_is_no_rule_is_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(CollectionError, match="is no rule of what to keep; give unsure, all, none, or a share"):
        Keep.parse(text)


def test_which_corrections_are_held_out_is_the_same_for_ever() -> None:
    """A digit that was trained on must never be one that a later training is judged by."""
    images = [np.full((28, 28), value, np.uint8) for value in range(12)]
    assert [k for k in range(12) if is_held_out(images[k])] == [1, 3, 4, 7, 10]


def test_a_time_that_nothing_comes_after_is_refused() -> None:
    with pytest.raises(CollectionError, match="time is '9999-12-31"):
        Said(1, "ada", "9999-12-31T23:59:59.999999Z")
