"""benchmarks.results.choice: each clause of the rule decides in made-up runs where no other clause does."""

import dataclasses
from collections.abc import Callable, Sequence

import pytest

from benchmarks.results.choice import Candidate, candidates, choose
from benchmarks.results.document import Quality, Result

MakeResult = Callable[..., Result]
MakeQuality = Callable[..., Quality]


def chosen(*results: Result) -> Result:
    return choose(candidates(results)).best.result


def changed(results: Sequence[Result]) -> list[float | None]:
    return [one.changed for one in candidates(results)]


@pytest.fixture
def two(make_result: MakeResult, make_quality: MakeQuality) -> Callable[..., tuple[Result, Result]]:
    """A fast and a slow case; of each: median, wrong images, agreement, bytes."""

    def make(
        p50: tuple[float, float] = (20.0, 20.0),
        wrong: tuple[Sequence[int], Sequence[int]] = (range(200), range(200)),
        agreement: tuple[float | None, float | None] = (1.0, 1.0),
        file_bytes: tuple[int, int] = (1000, 1000),
        noise: float = 0.001,
    ) -> tuple[Result, Result]:
        rows = zip(("int4", "int8"), p50, wrong, agreement, file_bytes, strict=True)
        first, second = (
            make_result(name, p50=time, noise=noise, quality=make_quality(images, agrees), file_bytes=size)
            for name, time, images, agrees, size in rows
        )
        return first, second

    return make


Two = Callable[..., tuple[Result, Result]]


def test_1_what_loses_too_much_is_not_recommended_however_fast(two: Two) -> None:
    fast, slow = two((4.0, 40.0), (range(221), range(200)))
    assert chosen(fast, slow) is slow
    fast, slow = two((4.0, 40.0), (range(220), range(200)))
    assert chosen(fast, slow) is fast


@pytest.mark.parametrize(
    ("p50", "noise", "better"),
    [
        ((100.0, 109.0), 0.001, "slow"),
        ((100.0, 111.0), 0.001, "fast"),
        ((100.0, 111.0), 0.09, "slow"),
        ((2.0, 2.9), 0.001, "slow"),
        ((2.0, 3.1), 0.001, "fast"),
    ],
)
def test_2_speed_counts_where_it_is_certain_and_matters(
    p50: tuple[float, float], noise: float, better: str, two: Two
) -> None:
    fast, slow = two(p50, agreement=(0.99, 1.0), file_bytes=(1000, 900), noise=noise)
    assert chosen(fast, slow) is (fast if better == "fast" else slow)


def test_3_what_is_shown_to_be_less_accurate_is_not_recommended(two: Two) -> None:
    lucky, better = two((20.0, 21.0), (range(206), range(200)), file_bytes=(500, 1000))
    assert chosen(lucky, better) is better
    assert choose(candidates([lucky, better])).why == "is shown to be less accurate"
    alike, other = two((20.0, 21.0), (range(205), range(200)), file_bytes=(500, 1000))
    assert chosen(alike, other) is alike


def test_4_the_one_that_changes_fewer_digits_is_recommended_whichever_way_they_fell(two: Two) -> None:
    lucky, faithful = two((4.7, 4.9), (range(32, 230), range(205)), (0.9932, 0.9983), (150, 273))
    assert chosen(lucky, faithful) is faithful
    why = choose(candidates([lucky, faithful])).why
    assert why == "changes 0.68% of the float model's digits, this one 0.17%"


def test_4_a_few_changed_digits_do_not_count_against_a_smaller_file(two: Two) -> None:
    small, exact = two(agreement=(0.998, 1.0), file_bytes=(250, 1000))
    assert chosen(small, exact) is small
    assert chosen(*two(agreement=(0.9979, 1.0), file_bytes=(250, 1000))).variant == "int8"
    assert chosen(*two(agreement=(0.9932, 0.9931), file_bytes=(1000, 250))).variant == "int8"


def test_4_digits_that_were_not_counted_are_not_taken_for_unchanged(two: Two) -> None:
    unknown, known = two((20.0, 20.5), agreement=(None, 0.99), file_bytes=(250, 1000))
    assert chosen(unknown, known) is known
    assert choose(candidates([unknown, known])).why == "changes digits that were not counted"


def test_5_the_smaller_file_then_the_faster_one(two: Two) -> None:
    fast, small = two((20.0, 20.5), file_bytes=(1000, 250))
    assert chosen(fast, small) is small
    assert choose(candidates([fast, small])).why == "is a larger file"
    slow, fast = two((20.5, 20.0))
    assert chosen(slow, fast) is fast
    assert choose(candidates([slow, fast])).why == ""


def test_without_the_keras_model_the_float32_artifact_is_what_digits_are_compared_with(
    make_result: MakeResult, make_quality: MakeQuality
) -> None:
    noisy_float = make_result("float32", status="invalid", quality=make_quality(range(200)))
    other_float = make_result("float32", "onnxruntime", quality=make_quality(range(180)))
    one = make_result("int8", quality=make_quality(range(10, 210)))
    assert changed([other_float, noisy_float, one]) == [0.0, 0.002]
    assert changed([other_float, one]) == [0.0, 0.004]
    assert changed([one]) == [None]
    assert changed([noisy_float, dataclasses.replace(one, quality=make_quality(range(200), 0.5))]) == [0.5]


def test_steps_of_changed_digits_are_counted_as_they_are_written(two: Two) -> None:
    (one, *_) = candidates(two())

    def steps(share: float | None) -> float:
        return dataclasses.replace(one, changed=share).change_steps

    assert [steps(share) for share in (0.0, 1 - 0.998, 0.0021, 0.004)] == [1, 1, 2, 2]
    assert steps(None) > steps(1.0)


def test_only_valid_cases_with_figures_compete(make_result: MakeResult) -> None:
    good = make_result("int8")
    others = [
        make_result("int4", status="invalid"),
        make_result("int4", status="failed", end_to_end=None),
        make_result("int4", quality=None),
        make_result("int4", file_bytes=None),
    ]
    assert [one.result for one in candidates([*others, good])] == [good]
    assert candidates(others) == list[Candidate]()


@pytest.mark.parametrize("field", ["threads", "batch"])
def test_cases_with_more_threads_or_pictures_do_not_compete(field: str, make_result: MakeResult) -> None:
    one = make_result("int8", p50=9.0)
    assert chosen(one, make_result("int8", p50=1.0, **{field: 4})) is one
