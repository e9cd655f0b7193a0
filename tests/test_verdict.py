"""benchmarks.results.verdict: the words follow the figures, also where the figures are inconvenient."""

import dataclasses
from collections.abc import Callable

import pytest

from benchmarks.results.document import Quality, Result, Run
from benchmarks.results.verdict import decide

MakeResult = Callable[..., Result]
MakeRun = Callable[..., Run]


def accurate(share: float) -> Quality:
    return Quality(share, (share,) * 10, None, 0.98, 0.999, 0.1, "")


def test_a_faster_smaller_int8_is_recommended_with_its_price(make_run: MakeRun, make_result: MakeResult) -> None:
    run = make_run(
        make_result("float32", p50=37.0, quality=accurate(0.9804)),
        make_result("int8", p50=10.0, quality=accurate(0.9800)),
    )
    verdict = decide(run)
    assert verdict.best is run.results[1]
    assert verdict.text == (
        "deploy digitrec-int8.tflite, int8 on litert: 10.0 us, 98.00% accurate, 244 KB; 3.70x [3.65, 3.75] faster than "
        "float32 on litert, 0.04 pp less accurate, 4.0x smaller"
    )
    assert verdict.warnings == ()


def test_an_int8_slower_than_float32_is_warned_of(make_run: MakeRun, make_result: MakeResult) -> None:
    run = make_run(make_result("float32", "tflite-runtime", p50=16.0), make_result("int8", "tflite-runtime", p50=30.0))
    verdict = decide(run)
    assert verdict.best is run.results[0]
    assert "no valid case is faster" in verdict.text
    (warning,) = verdict.warnings
    assert warning.startswith("int8 is 1.88x [1.85, 1.90] slower than float32 on tflite-runtime 1.2.3 here")
    assert "4.0x smaller" in warning


def test_a_difference_within_the_noise_is_no_warning_and_the_smaller_file_wins(
    make_run: MakeRun, make_result: MakeResult
) -> None:
    run = make_run(make_result("float32", p50=10.0, noise=0.05), make_result("int8", p50=10.2, noise=0.05))
    verdict = decide(run)
    assert verdict.best is run.results[1]
    assert "as fast (0.98x" in verdict.text
    assert verdict.warnings == ()


def test_what_lost_too_much_is_not_recommended_however_fast(make_run: MakeRun, make_result: MakeResult) -> None:
    run = make_run(make_result("float32", p50=40.0), make_result("int8", p50=4.0, quality=accurate(0.975)))
    assert decide(run).best is run.results[0]
    enough = make_run(run.results[0], make_result("int8", p50=4.0, quality=accurate(0.978)))
    assert decide(enough).best is enough.results[1]


def test_invalid_figures_are_not_used_and_the_verdict_says_so(make_run: MakeRun, make_result: MakeResult) -> None:
    run = make_run(
        make_result("float32", p50=40.0),
        make_result("int8", p50=4.0, status="invalid", reasons=("noise",)),
        make_result("int16x8", status="failed", reasons=("no",), end_to_end=None, invoke=None, quality=None),
    )
    verdict = decide(run)
    assert verdict.best is run.results[0]
    assert verdict.text.startswith(
        "uncertain, because digitrec-int8.tflite on litert may be faster but is INVALID: deploy"
    )
    assert "(of 3 cases 1 INVALID, 1 FAILED: left out)" in verdict.text
    assert verdict.warnings == ("INVALID: digitrec-int8.tflite on litert: noise",)


def test_a_float32_that_is_invalid_is_not_said_to_be_missing(make_run: MakeRun, make_result: MakeResult) -> None:
    invalid = make_result("float32", status="invalid", reasons=("noise",))
    assert "every float32 case that was measured is INVALID" in decide(make_run(make_result(), invalid)).text
    assert "no float32 artifact was measured" in decide(make_run(make_result())).text


def test_nothing_valid_gives_no_verdict(make_run: MakeRun, make_result: MakeResult) -> None:
    verdict = decide(make_run(make_result(status="invalid", reasons=("noise",))))
    assert verdict.best is None
    assert verdict.text.startswith("no verdict")


def test_the_float32_of_the_same_runtime_is_what_one_is_compared_with(
    make_run: MakeRun, make_result: MakeResult
) -> None:
    run = make_run(
        make_result("float32", "tflite-runtime", p50=20.0),
        make_result("float32", "litert", p50=30.0),
        make_result("int8", "litert", p50=5.0),
    )
    assert "6.00x [5.92, 6.09] faster than float32 on litert" in decide(run).text
    elsewhere = dataclasses.replace(run, results=(run.results[0], run.results[2]))
    assert "faster than float32 on tflite-runtime" in decide(elsewhere).text


@pytest.mark.parametrize("field", ["threads", "batch"])
def test_cases_with_more_threads_or_pictures_do_not_compete(
    field: str, make_run: MakeRun, make_result: MakeResult
) -> None:
    run = make_run(make_result("int8", p50=9.0), make_result("int8", p50=1.0, **{field: 4}))
    assert decide(run).best is run.results[0]
