"""Two documents side by side: what became slower, less accurate, larger or lost, beyond what is allowed."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from benchmarks.quality.answers import AnswerChange
from benchmarks.results.accuracies import answer_change
from benchmarks.results.document import Document, Key, Result, Run
from benchmarks.results.statistics import Ratio, Summary, ratio
from benchmarks.results.validity import QUANTITIES, Quantity
from digitrec_edge.errors import BenchmarkError

Outcome = Literal["same", "faster", "slower", "regression", "unclear", "lost", "invalid", "new", "not comparable"]

FAILING = ("regression", "lost")
"""Outcomes that fail a comparison; a strict one fails for ``invalid`` too."""

Ratios = dict[Quantity, Ratio | None]

EPSILON = 1e-9
"""Differences of shares are taken as they are written, not as they are rounded in binary."""


def _cold_start_ms(result: Result) -> float | None:
    return statistics.median(result.starts.cold_start_ms) if result.starts and result.starts.cold_start_ms else None


FIGURES: dict[str, Callable[[Result], float | None]] = {
    "size": lambda result: result.file_bytes,
    "memory": lambda result: result.memory.peak_bytes if result.memory else None,
    "cold-start": _cold_start_ms,
}
"""What may be given a limit besides latency: the file's bytes, peak memory, median of the cold starts."""


@dataclass(frozen=True)
class Allowed:
    """What may become worse.

    Attributes:
        latency: how much longer a median may be, 0.05 is 5 %.
        accuracy_drop_pp: accuracy that may be lost, in percentage points.
        changed: share of the same images that may be read differently; where their answers are not known, how far the
            agreement with the Keras model may fall.
        figures: how much larger a figure of ``FIGURES`` may be, as a share.
    """

    latency: float = 0.05
    accuracy_drop_pp: float = 0.2
    changed: float = 0.01
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Compared:
    """One case, then and now.

    Attributes:
        end_to_end, invoke: new median over old, each of its own; None where one is missing or INVALID.
        accuracy_pp: accuracy won since, in percentage points.
        change: what became of the same images; None when the answers or the test sets are not the same.
        outcome: ``regression``: something is beyond its limit, in latency with its whole interval above 1;
            ``unclear``: a latency is over the limit, but the interval contains 1; ``slower`` and ``faster``: within the
            limit, the interval does not contain 1; ``lost``: was measured then, cannot be or was not now;
            ``invalid``: its end to end was valid then, is INVALID now.
        beyond: each thing that is beyond its limit, with the limit.
        note: what else is to be known.
    """

    device: str
    label: str
    outcome: Outcome
    note: str
    end_to_end: Ratio | None = None
    invoke: Ratio | None = None
    accuracy_pp: float | None = None
    change: AnswerChange | None = None
    beyond: tuple[str, ...] = ()


def compare_documents(
    old: Document, new: Document, allowed: Allowed = Allowed(), *, force: bool = False
) -> list[Compared]:
    """Compare every case that is in either document.

    Args:
        old: then.
        new: now.
        allowed: what may become worse.
        force: compare even where board, CPU, governor or threads differ.

    Raises:
        BenchmarkError: the machines or their settings differ and ``force`` is not set, or no case is in both.
    """
    rows = []
    common = False
    for before, after in _pairs(old, new, force):
        if not force:
            refuse_different(before, after)
        then, now = _by_key(before, force), _by_key(after, force)
        common |= bool(then.keys() & now.keys())
        for key in dict.fromkeys([*then, *now]):
            rows.append(_compare_case(after.device, then.get(key), now.get(key), allowed))
    if not common:
        raise BenchmarkError(
            "no case is in both documents, so nothing can be compared; measure the same artifacts, runtimes, "
            "threads and batches"
        )
    return rows


def _pairs(old: Document, new: Document, force: bool) -> list[tuple[Run, Run]]:
    """Runs of the same device; the only ones of each document may be called as they like."""
    if len(old.runs) == 1 and len(new.runs) == 1:
        return [(old.runs[0], new.runs[0])]
    there = {run.device: run for run in new.runs}
    pairs = [(run, there[run.device]) for run in old.runs if run.device in there]
    absent = sorted({run.device for run in old.runs} ^ set(there))
    if not pairs or (absent and not force):
        cure = "use --force to compare what both have" if pairs else "no device is in both, so nothing can be compared"
        raise BenchmarkError(f"the documents are of different devices: only one has {', '.join(absent)}; {cure}")
    return pairs


def refuse_different(old: Run, new: Run) -> None:
    """Refuse to compare what was measured under different conditions.

    Raises:
        BenchmarkError: names what differs, then and now.
    """
    a, b = old.environment, new.environment
    differing = [
        f"{name} was {then}, is {now}"
        for name, then, now in (
            ("board", a.board or "not named", b.board or "not named"),
            ("CPU", a.cpu, b.cpu),
            ("governor", a.governor or "not known", b.governor or "not known"),
            ("threads", _threads(old), _threads(new)),
            ("test set", _test_sets(old), _test_sets(new)),
        )
        if then != now and (then and now)
    ]
    if differing:
        raise BenchmarkError(f"not comparable: {'; '.join(differing)}; use --force to compare all the same")


def _test_sets(run: Run) -> str:
    """The beginnings of their hashes; version 1 of the results does not know them."""
    answers = [result.quality.answers for result in run.results if result.quality]
    return ",".join(sorted({one.test_sha256[:8] for one in answers if one}))


def _threads(run: Run) -> str:
    return ",".join(map(str, sorted({result.threads for result in run.results})))


def _by_key(run: Run, force: bool) -> dict[Key, Result]:
    """With ``force`` and one number of threads on each side, that number does not keep cases apart."""
    alone = force and len({result.threads for result in run.results}) == 1
    return {(r.artifact, r.runtime, 0 if alone else r.threads, r.batch): r for r in run.results}


def _compare_case(device: str, then: Result | None, now: Result | None, allowed: Allowed) -> Compared:
    """A case that was measured then must have been measured now."""
    if then is None:
        assert now is not None
        return Compared(device, now.label, "new", "not in the old document")
    if then.end_to_end is None:
        return Compared(device, then.label, "not comparable", f"{then.status} in the old document")
    if now is None:
        return Compared(device, then.label, "lost", "not in the new document")
    if now.end_to_end is None:
        return Compared(device, then.label, "lost", f"{now.status}: {'; '.join(now.reasons)}")
    ratios = {quantity: _ratio(then.reliable(quantity), now.reliable(quantity)) for quantity in QUANTITIES}
    change = answer_change(then.quality, now.quality)
    gain = 100 * (now.quality.accuracy - then.quality.accuracy) if then.quality and now.quality else None
    beyond = (*_slower(ratios, allowed), *_less_right(then, now, change, allowed), *_larger(then, now, allowed))
    outcome = _outcome(then, ratios, beyond, allowed)
    return Compared(
        device, now.label, outcome, _note(then, now), **ratios, accuracy_pp=gain, change=change, beyond=beyond
    )


def _ratio(then: Summary | None, now: Summary | None) -> Ratio | None:
    return ratio(now, then) if then and now else None


def _slower(ratios: Ratios, allowed: Allowed) -> list[str]:
    return [
        f"{name.replace('_', ' ')} takes {one} as long (at most {1 + allowed.latency:.3g}x)"
        for name, one in ratios.items()
        if one and one.value > 1 + allowed.latency and one.low > 1
    ]


def _less_right(then: Result, now: Result, change: AnswerChange | None, allowed: Allowed) -> list[str]:
    """Accuracy and agreement; noise in the timings says nothing about them."""
    found = []
    if then.quality is None or now.quality is None:
        return ["accuracy was not measured in both"]
    drop_pp = 100 * (then.quality.accuracy - now.quality.accuracy)
    if drop_pp > allowed.accuracy_drop_pp + EPSILON:
        found.append(
            f"accuracy fell from {then.quality.accuracy:.2%} to {now.quality.accuracy:.2%}, by {drop_pp:.2f} pp "
            f"(at most {allowed.accuracy_drop_pp:g})"
        )
    if change:
        lost, what = change.share, f"{change} are read differently"
    else:
        pair = then.quality.agreement, now.quality.agreement
        lost = pair[0] - pair[1] if pair[0] is not None and pair[1] is not None else 0.0
        what = "fewer images are read as by the Keras model"
    if lost > allowed.changed + EPSILON:
        found.append(f"{what}, {lost:.2%} (at most {100 * allowed.changed:g}%)")
    return found


def _larger(then: Result, now: Result, allowed: Allowed) -> list[str]:
    found = []
    for name, limit in allowed.figures.items():
        before, after = FIGURES[name](then), FIGURES[name](now)
        if not before or after is None:
            found.append(f"{name} was not measured in both")
        elif after > before * (1 + limit) * (1 + EPSILON):
            found.append(f"{name} grew to {after / before:.2f}x (at most {1 + limit:.3g}x)")
    return found


def _outcome(then: Result, ratios: Ratios, beyond: Sequence[str], allowed: Allowed) -> Outcome:
    if beyond:
        return "regression"
    if ratios["end_to_end"] is None:
        return "invalid" if then.status == "ok" else "not comparable"
    known = [one for one in ratios.values() if one]
    if any(one.value > 1 + allowed.latency for one in known):
        return "unclear"
    if any(one.low > 1 for one in known):
        return "slower"
    return "faster" if any(one.high < 1 for one in known) else "same"


def _note(then: Result, now: Result) -> str:
    notes = []
    if then.unreliable:
        notes.append(f"{_invalid(then)} in the old document")
    if now.unreliable:
        notes.append(f"{_invalid(now)}: {'; '.join(now.reasons)}")
    if then.runtime_version != now.runtime_version:
        notes.append(f"{now.runtime} {then.runtime_version} -> {now.runtime_version}")
    if then.artifact_sha256 != now.artifact_sha256:
        notes.append("another file")
    return ", ".join(notes)


def _invalid(result: Result) -> str:
    return "INVALID" if result.status == "invalid" else "invoke INVALID"
