"""benchmarks.results.statistics: percentiles, intervals, ratios."""

from collections.abc import Callable

import numpy as np
import pytest

from benchmarks.results.statistics import Summary, median_interval, ratio, samples_needed, summarise, supports


@pytest.mark.parametrize(("percentile", "samples"), [(50, 6), (90, 29), (99, 299)])
def test_a_percentile_needs_the_samples_that_bound_it_whatever_the_distribution(
    percentile: float, samples: int
) -> None:
    assert samples_needed(percentile) == samples
    assert supports(percentile, samples)
    assert not supports(percentile, samples - 1)


def test_the_rule_keeps_its_promise_on_drawn_samples() -> None:
    random = np.random.default_rng(0)
    true_p90 = -np.log(0.1)  # of the exponential distribution
    drawn = random.exponential(size=(20_000, samples_needed(90)))
    covered = ((drawn.min(axis=1) <= true_p90) & (true_p90 <= drawn.max(axis=1))).mean()
    assert 0.94 < covered < 0.965


def test_percentiles_without_support_are_left_out() -> None:
    few = summarise([np.arange(1000, 1020)])
    assert few.p90_us is None
    assert few.p99_us is None
    many = summarise([np.arange(1000, 1299)])
    assert many.p99_us == pytest.approx(1.29502, abs=1e-4)


def test_too_few_samples_for_a_median_are_refused() -> None:
    with pytest.raises(ValueError, match="5 samples do not support a median; 6 are needed"):
        summarise([np.arange(5)])


def test_the_figures_of_a_known_sample_are_right() -> None:
    samples = np.array([1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000])
    summary = summarise([samples, samples], block_calls=7, block_us=[4.0, 5.0, 9.0])
    assert (summary.samples, summary.p50_us, summary.mean_us) == (18, 5.0, 5.0)
    assert (summary.min_us, summary.max_us) == (1.0, 9.0)
    assert summary.stdev_us == pytest.approx(np.std([*samples, *samples], ddof=1) / 1000)
    assert summary.round_p50_us == (5.0, 5.0)
    assert (summary.block_calls, summary.block_p50_us) == (7, 5.0)
    assert len(summary.quantiles_us) == 101
    assert (summary.quantiles_us[0], summary.quantiles_us[100]) == (1.0, 9.0)


def test_a_rare_outlier_stays_in_p99_and_maximum() -> None:
    samples = np.full(1000, 10_000)
    samples[::50] = 500_000
    summary = summarise([samples])
    assert summary.p50_us == 10.0
    assert summary.p99_us == 500.0
    assert summary.max_us == 500.0


def test_the_interval_of_the_median_covers_it_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    true_median = 1000 * np.exp(3.0)
    covered = 0
    for k in range(100):
        low, high = median_interval([1000 * random.lognormal(3.0, 0.5, 200) for _ in range(3)], seed=k)
        covered += low <= true_median / 1000 <= high
    assert covered >= 90


@pytest.mark.parametrize("rounds", [5, 10, 20])
def test_it_covers_it_as_often_where_rounds_differ(rounds: int) -> None:
    """As processes do: a plain bootstrap of 5 rounds covers 86 % here, one of 10 92 %."""
    random = np.random.default_rng(rounds)
    covered = 0
    for k in range(200):
        samples = [1000 * random.lognormal(2.0 + random.normal(0, 0.03), 0.05, 40) for _ in range(rounds)]
        low, high = median_interval(samples, seed=k)
        covered += low <= np.exp(2.0) <= high
    assert covered >= 0.92 * 200


def test_rounds_that_differ_make_the_interval_wide_though_each_is_quiet() -> None:
    quiet = [np.full(500, 10_000) + np.arange(500) for _ in range(5)]
    drifting = [samples + 2000 * k for k, samples in enumerate(quiet)]
    narrow, wide = median_interval(quiet), median_interval(drifting)
    assert narrow[1] - narrow[0] < 0.1
    assert wide[1] - wide[0] > 2.0


def test_the_same_seed_gives_the_same_interval() -> None:
    rounds = [np.random.default_rng(k).integers(1000, 2000, 300) for k in range(3)]
    assert median_interval(rounds, 7) == median_interval(rounds, 7)
    assert median_interval(rounds, 7) != median_interval(rounds, 8)


def test_the_interval_contains_its_median() -> None:
    summary = summarise([np.r_[np.full(301, 1000), np.full(300, 9000)]])
    low, high = summary.p50_interval_us
    assert low <= summary.p50_us <= high


def test_a_ratio_and_its_interval(make_summary: Callable[..., Summary]) -> None:
    once = ratio(make_summary(20.0, 0.02), make_summary(10.0, 0.0))
    assert once.value == pytest.approx(2.0)
    assert [once.low, once.high] == pytest.approx([1.96, 2.04])
    wider = ratio(make_summary(20.0, 0.02), make_summary(10.0, 0.02))
    assert wider.low < once.low
    assert wider.high > once.high
    back = ratio(make_summary(10.0, 0.02), make_summary(20.0, 0.02))
    assert [1 / back.high, 1 / back.low] == pytest.approx([wider.low, wider.high])
    assert str(once) == "2.00x [1.96, 2.04]"


def test_the_interval_of_a_ratio_covers_it_as_often_as_it_says() -> None:
    random = np.random.default_rng(2)
    covered = 0
    for k in range(100):
        above, below = (
            summarise([1000 * random.lognormal(mean, 0.3, 150) for _ in range(3)], seed=k) for mean in (3.0, 2.0)
        )
        one = ratio(above, below)
        covered += one.low <= np.e <= one.high
    assert covered >= 90
