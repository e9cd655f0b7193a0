"""Plausibility: a meter that goes back or leaps is not believed, unless it is told so or shows it again and again."""

from decimal import Decimal

import pytest

from digitrec_edge.watching.plausibility import Plausibility, Rules


def judged(rules: Rules, *texts: str, seconds: float = 1.0) -> list[str | None]:
    plausibility = Plausibility(rules)
    return [plausibility.judge(text, k * seconds).reason for k, text in enumerate(texts)]


def test_without_rules_every_number_is_plausible() -> None:
    assert judged(Rules(), "123", "7", "99999", "123") == [None] * 4


def test_another_count_of_digits_is_not_the_number() -> None:
    assert judged(Rules(digits=3), "123", "12", "1234", "124") == [
        None, "2 digits, not 3: 12", "4 digits, not 3: 1234", None,
    ]  # fmt: skip


def test_a_monotone_number_does_not_go_back_and_is_compared_with_the_last_that_was_believed() -> None:
    assert judged(Rules(monotone=True), "124", "123", "125", "124") == [
        None, "goes back: 123 after 124", None, "goes back: 124 after 125",
    ]  # fmt: skip


def test_a_step_is_bounded_both_ways_and_a_wrong_one_does_not_move_the_bound() -> None:
    rules = Rules(max_step=Decimal(10))
    assert judged(rules, "100", "1000", "110", "105", "94") == [
        None, "steps by 900, at most 10 allowed: 1000 after 100", None, None,
        "steps by 11, at most 10 allowed: 94 after 105",
    ]  # fmt: skip


def test_each_minute_that_began_allows_one_more_step() -> None:
    rules = Rules(max_step=Decimal(10))
    assert judged(rules, "100", "120", seconds=59) == [None, "steps by 20, at most 10 allowed: 120 after 100"]
    assert judged(rules, "100", "120", seconds=61) == [None, None]


def test_decimals_count_in_steps() -> None:
    rules = Rules(digits=4, decimals=1, max_step=Decimal("0.5"))
    assert rules.number("0123") == Decimal("12.3")
    assert judged(rules, "0123", "0128", "0134") == [
        None, None, "steps by 0.6, at most 0.5 allowed: 0134 after 0128",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "plausible"),
    [
        (Rules(digits=3, monotone=True, max_step=Decimal(5)), True),
        (Rules(digits=3, monotone=True), False),
        (Rules(monotone=True, max_step=Decimal(5)), False),
        (Rules(digits=3, monotone=True, max_step=Decimal(2)), False),
    ],
)
def test_a_counter_begins_again_at_0_where_its_digits_and_its_step_are_known(rules: Rules, plausible: bool) -> None:
    assert (judged(rules, "998", "001")[1] is None) is plausible


def test_without_reset_after_a_lower_number_is_never_taken() -> None:
    assert all(judged(Rules(monotone=True), "500", *["003"] * 500)[1:])


def test_a_real_reset_is_taken_after_so_many_agreements_and_says_so() -> None:
    plausibility = Plausibility(Rules(monotone=True, reset_after=3))
    plausibility.judge("500", 0)
    assert [plausibility.judge(text, 1).reason is None for text in ("003", "004")] == [False, False]
    taken = plausibility.judge("004", 2)
    assert taken.reason is None
    assert taken.note == "taken after 3 agreements in a row, although it goes back: 004 after 500"
    assert plausibility.judge("005", 3).note is None


def test_implausible_numbers_that_contradict_each_other_confirm_nothing() -> None:
    plausibility = Plausibility(Rules(monotone=True, reset_after=3))
    plausibility.judge("500", 0)
    assert all(plausibility.judge(text, 1).reason for text in ("030", "020", "010", "009", "008", "007"))


def test_a_good_number_forgets_what_was_doubted() -> None:
    plausibility = Plausibility(Rules(monotone=True, reset_after=3))
    assert [plausibility.judge(text, 1).reason is None for text in ("500", "003", "003", "500", "003", "003")] == [
        True, False, False, True, False, False,
    ]  # fmt: skip


def test_what_is_no_number_is_told() -> None:
    assert judged(Rules(), "12A") == ["'12A' is no number"]
    assert judged(Rules(), "1" * 20, "1" * 21, "1" * 40) == [
        None, "21 digits, at most 20 are taken", "40 digits, at most 20 are taken",
    ]  # fmt: skip
