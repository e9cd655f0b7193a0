"""The verdict in words: which artifact to deploy on a device, and why, from its figures alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.measure.cases import case_label
from benchmarks.results.accuracies import accuracy_text, compare_accuracy
from benchmarks.results.choice import BASELINE, MAX_LOSS_PP, Candidate, Choice, candidates, choose
from benchmarks.results.document import Result, Run
from benchmarks.results.statistics import Ratio, ratio
from digitrec_edge.variants import VARIANTS

INTEGER = {row.precision.name for row in VARIANTS if row.precision.integer}


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


def decide(run: Run) -> Verdict:
    """Recommend an artifact and a runtime, by the rule of :func:`benchmarks.results.choice.choose`."""
    warnings = [f"{standing(r)}: {r.label}: {'; '.join(r.reasons)}" for r in run.results if r.unreliable]
    valid = candidates(run.results)
    if not valid:
        return Verdict(None, "no verdict: no case was measured that could be relied on", tuple(warnings))
    choice = choose(valid)
    best = choice.best
    warnings += _slower_than_float(valid)
    text = f"{_doubt(run, best)}deploy {_reason(choice, _baseline(best, valid), run)}{_left_out(run)}"
    return Verdict(best.result, text, tuple(warnings))


def standing(result: Result) -> str:
    """Return a case's status as it is shown where its reasons follow; noise in invoke alone is called that."""
    return "INVALID invoke" if result.status == "ok" and result.unreliable else result.status.upper()


def _doubt(run: Run, best: Candidate) -> str:
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


def _baseline(best: Candidate, valid: Sequence[Candidate]) -> Candidate | None:
    """The float32 artifact on the same runtime, or else the fastest one anywhere."""
    floats = [one for one in valid if one.result.variant == BASELINE]
    same = [one for one in floats if one.result.runtime == best.result.runtime]
    return min(same or floats, key=lambda one: one.latency.p50_us, default=None)


def _reason(choice: Choice, baseline: Candidate | None, run: Run) -> str:
    best, fastest = choice.best, choice.fastest
    where = f"{best.result.artifact}, {best.result.variant} on {best.result.runtime}"
    text = (
        f"{case_label(where, best.result.threads, best.result.batch)}: {best.latency.p50_us:.1f} us, "
        f"{accuracy_text(best.quality)} accurate, {best.file_bytes / 1024:,.0f} KB"
    )
    if choice.why:
        text += f"; about as fast as {fastest.result.label} ({fastest.latency.p50_us:.1f} us), which {choice.why}"
    if baseline is None:
        measured = any(one.variant == BASELINE and one.end_to_end for one in run.results)
        why = "every float32 case that was measured is INVALID" if measured else "no float32 artifact was measured"
        return f"{text}; {why}, so there is nothing to compare it with"
    if baseline is best:
        return f"{text}; no valid case that loses at most {MAX_LOSS_PP} pp is notably faster"
    gain = ratio(baseline.latency, best.latency)
    return (
        f"{text}; {_speed(gain)} {baseline.result.variant} on {baseline.result.runtime}, "
        f"{compare_accuracy(best.quality, baseline.quality).text}, {_size(best.file_bytes, baseline.file_bytes)}"
    )


def _speed(gain: Ratio) -> str:
    if gain.low > 1:
        return f"{gain} faster than"
    if gain.high < 1:
        return f"{Ratio(1 / gain.value, 1 / gain.high, 1 / gain.low)} slower than"
    return f"as fast ({gain}) as"


def _size(one: int, other: int) -> str:
    if abs(one - other) < 0.01 * other:
        return "as large"
    return f"{other / one:.1f}x smaller" if one < other else f"{one / other:.1f}x larger"


def _slower_than_float(valid: Sequence[Candidate]) -> list[str]:
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
