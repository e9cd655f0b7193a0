"""The verdict in words: which artifact to deploy on a device, and why, from its figures alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.results.document import Quality, Result, Run
from benchmarks.results.statistics import Ratio, Summary, ratio
from digitrec_edge.variants import FLOAT32, VARIANTS

BASELINE = FLOAT32.name
INTEGER = {row.precision.name for row in VARIANTS if row.precision.integer}

MAX_LOSS_PP = 0.2
"""An artifact that is less accurate than the best one by more than this is not recommended, however fast: it is
what the parity gate lets a fully quantised artifact lose, two images in a thousand."""


@dataclass(frozen=True)
class Verdict:
    """What the figures of one run say.

    Attributes:
        best: the result to deploy; None when nothing valid was measured.
        text: one line.
        warnings: what must not be overlooked, a line each.
    """

    best: Result | None
    text: str
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Candidate:
    result: Result
    latency: Summary
    quality: Quality
    file_bytes: int


def decide(run: Run) -> Verdict:
    """Recommend an artifact and a runtime.

    Among the valid cases with the fewest threads and pictures per call: those that lose no more than
    ``MAX_LOSS_PP`` to the most accurate one; of these the fastest end to end; of those that cannot be told
    from the fastest (the interval of their ratio contains 1) the smallest file.
    """
    warnings = [f"INVALID: {r.label}: {'; '.join(r.reasons)}" for r in run.results if r.status == "invalid"]
    valid = _candidates(run.results)
    if not valid:
        return Verdict(None, "no verdict: no case was measured that could be relied on", tuple(warnings))
    top = max(one.quality.accuracy for one in valid)
    able = [one for one in valid if 100 * (top - one.quality.accuracy) <= MAX_LOSS_PP + 1e-9]
    fastest = min(able, key=lambda one: one.latency.p50_us)
    equal = [one for one in able if one is fastest or ratio(one.latency, fastest.latency).low <= 1]
    best = min(equal, key=lambda one: (one.file_bytes, one.latency.p50_us))
    warnings += _slower_than_float(valid)
    text = f"{_doubt(run, best)}deploy {_reason(best, _baseline(best, valid), run)}{_left_out(run)}"
    return Verdict(best.result, text, tuple(warnings))


def _doubt(run: Run, best: _Candidate) -> str:
    """A case that is INVALID but might be the fastest of all makes the verdict uncertain."""
    rivals = [
        r.label
        for r in run.results
        if r.status == "invalid"
        and (r.batch, r.threads) == (best.result.batch, best.result.threads)
        and r.end_to_end
        and r.end_to_end.p50_interval_us[0] < best.latency.p50_us
    ]
    return f"uncertain, because {' and '.join(rivals)} may be faster but is INVALID: " if rivals else ""


def _left_out(run: Run) -> str:
    """A verdict over a part of the cases says so."""
    counts = {status: sum(r.status == status for r in run.results) for status in ("invalid", "failed", "skipped")}
    words = [f"{count} {status.upper()}" for status, count in counts.items() if count]
    return f" (of {len(run.results)} cases {', '.join(words)}: left out)" if words else ""


def _candidates(results: Sequence[Result]) -> list[_Candidate]:
    found = [
        _Candidate(r, r.end_to_end, r.quality, r.file_bytes)
        for r in results
        if r.status == "ok" and r.end_to_end and r.quality and r.file_bytes
    ]
    simplest = min(((one.result.batch, one.result.threads) for one in found), default=None)
    return [one for one in found if (one.result.batch, one.result.threads) == simplest]


def _baseline(best: _Candidate, valid: Sequence[_Candidate]) -> _Candidate | None:
    """The float32 artifact on the same runtime, or else the fastest one anywhere."""
    floats = [one for one in valid if one.result.variant == BASELINE]
    same = [one for one in floats if one.result.runtime == best.result.runtime]
    return min(same or floats, key=lambda one: one.latency.p50_us, default=None)


def _reason(best: _Candidate, baseline: _Candidate | None, run: Run) -> str:
    result = best.result
    text = (
        f"{result.artifact}, {result.variant} on {result.runtime}: {best.latency.p50_us:.1f} us, "
        f"{best.quality.accuracy:.2%} accurate, {best.file_bytes / 1024:,.0f} KB"
    )
    if baseline is None:
        measured = any(one.variant == BASELINE and one.end_to_end for one in run.results)
        why = "every float32 case that was measured is INVALID" if measured else "no float32 artifact was measured"
        return f"{text}; {why}, so there is nothing to compare it with"
    if baseline is best:
        return f"{text}; no valid case is faster here without being less accurate"
    other = baseline.result
    gain = ratio(baseline.latency, best.latency)
    words = [_speed(gain), _accuracy(best.quality, baseline.quality), _size(best.file_bytes, baseline.file_bytes)]
    return f"{text}; {words[0]} {other.variant} on {other.runtime}, {words[1]}, {words[2]}"


def _speed(gain: Ratio) -> str:
    if gain.low > 1:
        return f"{gain} faster than"
    if gain.high < 1:
        return f"{Ratio(1 / gain.value, 1 / gain.high, 1 / gain.low)} slower than"
    return f"as fast ({gain}) as"


def _accuracy(one: Quality, other: Quality) -> str:
    difference = 100 * (one.accuracy - other.accuracy)
    if abs(difference) < 0.005:
        return "as accurate"
    return f"{abs(difference):.2f} pp {'more' if difference > 0 else 'less'} accurate"


def _size(one: int, other: int) -> str:
    if abs(one - other) < 0.01 * other:
        return "as large"
    return f"{other / one:.1f}x smaller" if one < other else f"{one / other:.1f}x larger"


def _slower_than_float(valid: Sequence[_Candidate]) -> list[str]:
    """A quantised artifact is expected to be faster; where it is slower, that must be said."""
    warnings = []
    for one in valid:
        result = one.result
        if result.variant not in INTEGER:
            continue
        for other in valid:
            same = (other.result.variant, other.result.runtime, other.result.format)
            if same != (BASELINE, result.runtime, result.format):
                continue
            loss = ratio(one.latency, other.latency)
            if loss.low > 1:
                warnings.append(
                    f"{result.variant} is {loss} slower than {BASELINE} on {result.runtime} {result.runtime_version} "
                    f"here; it is {_size(one.file_bytes, other.file_bytes)}"
                )
    return warnings
