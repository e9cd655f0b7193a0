"""benchmarks.results.verdict: the words follow the figures, also where the figures are inconvenient."""

import dataclasses
from collections.abc import Callable

from benchmarks.results.document import Quality, Result, Run
from benchmarks.results.verdict import decide

MakeResult = Callable[..., Result]
MakeRun = Callable[..., Run]
MakeQuality = Callable[..., Quality]


def accurate(share: float) -> Quality:
    return Quality(share, (share,) * 10, None, 0.98, 0.999, 0.1, "")


def test_a_faster_smaller_int8_is_recommended_with_what_is_known_of_its_price(
    make_run: MakeRun, make_result: MakeResult, make_quality: MakeQuality
) -> None:
    run = make_run(
        make_result("float32", p50=37.0, quality=make_quality(range(196))),
        make_result("int8", p50=10.0, quality=make_quality(range(200), 0.999)),
    )
    verdict = decide(run)
    assert verdict.best is run.results[1]
    assert verdict.text == (
        "deploy digitrec-int8.tflite, int8 on litert: 10.0 us, 98.00% [97.71, 98.26] accurate, 244 KB; 3.70x "
        "[3.65, 3.75] faster than float32 on litert, as accurate as far as 10,000 images tell (4 worse, 0 better), "
        "4.0x smaller"
    )
    assert verdict.warnings == ()


def test_a_time_of_several_pictures_or_threads_is_said_to_be_one(make_run: MakeRun, make_result: MakeResult) -> None:
    several = [make_result(precision, p50=60.0, threads=2, batch=32) for precision in ("float32", "int8")]
    assert decide(make_run(*several)).text.startswith(
        "deploy digitrec-int8.tflite, int8 on litert, 2 threads, batch 32: 60.0 us, "
    )


def test_of_results_of_version_1_no_accuracy_is_said_to_be_lower_smaller_int8(
    make_run: MakeRun, make_result: MakeResult
) -> None:
    run = make_run(
        make_result("float32", p50=37.0, quality=accurate(0.9804)),
        make_result("int8", p50=10.0, quality=accurate(0.9800)),
    )
    assert "float32 on litert, 98.00% against 98.04% right, of how many is not known, 4.0x smaller" in decide(run).text


def test_a_slower_artifact_is_recommended_with_the_reason(
    make_run: MakeRun, make_result: MakeResult, make_quality: MakeQuality
) -> None:
    """As it was measured: int4 changed 68 digits and was 0.2 us faster than int8, which changed 17."""
    run = make_run(
        make_result("float32", p50=15.8, quality=make_quality(range(205), 1.0)),
        make_result("int4", p50=4.7, file_bytes=150_000, quality=make_quality(range(32, 230), 0.9932)),
        make_result("int8", p50=4.9, noise=0.001, quality=make_quality(range(205), 0.9983)),
    )
    verdict = decide(run)
    assert verdict.best is run.results[2]
    assert (
        "; about as fast as digitrec-int4.tflite on litert (4.7 us), which changes 0.68% of the float model's digits, "
        "this one 0.17%; 3.22x" in verdict.text
    )


def test_an_int8_slower_than_float32_is_warned_of(make_run: MakeRun, make_result: MakeResult) -> None:
    run = make_run(make_result("float32", "tflite-runtime", p50=16.0), make_result("int8", "tflite-runtime", p50=30.0))
    verdict = decide(run)
    assert verdict.best is run.results[0]
    assert "no valid case that loses at most 0.2 pp is notably faster" in verdict.text
    (warning,) = verdict.warnings
    assert warning.startswith("int8 is 1.88x [1.85, 1.90] slower than float32 on tflite-runtime 1.2.3 here")
    assert "4.0x smaller" in warning


def test_a_difference_within_the_noise_is_no_warning(make_run: MakeRun, make_result: MakeResult) -> None:
    run = make_run(make_result("float32", p50=10.0, noise=0.05), make_result("int8", p50=10.2, noise=0.05))
    verdict = decide(run)
    assert verdict.best is run.results[1]
    assert "as fast (0.98x" in verdict.text
    assert verdict.warnings == ()


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


def test_noise_in_invoke_alone_hides_no_case_and_is_told(make_run: MakeRun, make_result: MakeResult) -> None:
    """int8 on LiteRT at 5.1 us was left out, and tflite-runtime's 29.7 us recommended."""
    noisy = make_result("int8", p50=5.1, unreliable=("invoke",), reasons=("noise",))
    run = make_run(noisy, make_result("int8", "tflite-runtime", p50=29.7))
    verdict = decide(run)
    assert verdict.best is noisy
    assert "uncertain" not in verdict.text
    assert verdict.warnings == ("INVALID invoke: digitrec-int8.tflite on litert: noise",)


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
