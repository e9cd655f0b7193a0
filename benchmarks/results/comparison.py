"""Two documents side by side: what became slower, beyond doubt and beyond what is allowed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.results.document import Document, Key, Result, Run
from benchmarks.results.statistics import Ratio, ratio
from digitrec_edge.errors import BenchmarkError

Outcome = Literal["same", "faster", "slower", "regression", "unclear", "lost", "new", "not comparable"]


@dataclass(frozen=True)
class Compared:
    """One case, then and now.

    Attributes:
        end_to_end, invoke: new median over old; None where one is missing.
        accuracy_pp: accuracy won since, in percentage points.
        outcome: ``regression``: the worse of the two ratios is over the limit and its whole interval is over 1;
            ``unclear``: over the limit, but the interval contains 1; ``slower`` and ``faster``: within the
            limit, the interval does not contain 1; ``lost``: was measured then, cannot be now.
    """

    device: str
    label: str
    end_to_end: Ratio | None
    invoke: Ratio | None
    accuracy_pp: float | None
    outcome: Outcome
    note: str


def compare_documents(
    old: Document, new: Document, *, max_regression: float = 0.05, force: bool = False
) -> list[Compared]:
    """Compare every case that is in either document.

    Args:
        old: then.
        new: now.
        max_regression: how much longer a median may be, 0.05 is 5 %.
        force: compare even where board, CPU, governor or threads differ.

    Raises:
        BenchmarkError: the machines or their settings differ and ``force`` is not set, or no case is in both.
    """
    rows = []
    for before, after in _pairs(old, new, force):
        if not force:
            refuse_different(before, after)
        rows += _compare_runs(before, after, max_regression, force)
    if not any(row.end_to_end for row in rows):
        raise BenchmarkError(
            "no case was measured in both documents, so nothing can be compared; measure the same artifacts, runtimes, "
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
        raise BenchmarkError(
            f"the documents are of different devices: only one has {', '.join(absent)}; "
            "use --force to compare what both have"
        )
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
        )
        if then != now
    ]
    if differing:
        raise BenchmarkError(f"not comparable: {'; '.join(differing)}; use --force to compare all the same")


def _threads(run: Run) -> str:
    return ",".join(map(str, sorted({result.threads for result in run.results})))


def _compare_runs(old: Run, new: Run, limit: float, force: bool) -> list[Compared]:
    before, after = _by_key(old, force), _by_key(new, force)
    rows = []
    for key in dict.fromkeys([*before, *after]):
        then, now = before.get(key), after.get(key)
        if then and now:
            rows.append(_compare_results(new.device, then, now, limit))
        elif then:
            rows.append(Compared(new.device, then.label, None, None, None, "not comparable", "not in the new document"))
        elif now:
            rows.append(Compared(new.device, now.label, None, None, None, "new", "not in the old document"))
    return rows


def _by_key(run: Run, force: bool) -> dict[Key, Result]:
    """With ``force`` and one number of threads on each side, that number does not keep cases apart."""
    alone = force and len({result.threads for result in run.results}) == 1
    return {(r.artifact, r.runtime, 0 if alone else r.threads, r.batch): r for r in run.results}


def _compare_results(device: str, then: Result, now: Result, limit: float) -> Compared:
    def row(outcome: Outcome, note: str, *ratios: Ratio) -> Compared:
        whole, alone = ratios or (None, None)
        gain = None
        if then.quality and now.quality:
            gain = 100 * (now.quality.accuracy - then.quality.accuracy)
        return Compared(device, now.label, whole, alone, gain, outcome, note)

    if then.status == "ok" and now.status == "failed":
        return row("lost", "; ".join(now.reasons))
    for when, result in (("old", then), ("new", now)):
        if result.status != "ok":
            return row("not comparable", f"{result.status} in the {when} document")
    if then.end_to_end and now.end_to_end and then.invoke and now.invoke:
        ratios = [ratio(now.end_to_end, then.end_to_end), ratio(now.invoke, then.invoke)]
    else:
        return row("not comparable", "a document has the status ok without figures")
    notes = []
    if then.runtime_version != now.runtime_version:
        notes.append(f"{now.runtime} {then.runtime_version} -> {now.runtime_version}")
    if then.artifact_sha256 != now.artifact_sha256:
        notes.append("another file")
    return row(_outcome(ratios, limit), ", ".join(notes), *ratios)


def _outcome(ratios: Sequence[Ratio], limit: float) -> Outcome:
    over = [one for one in ratios if one.value > 1 + limit]
    if any(one.low > 1 for one in over):
        return "regression"
    if over:
        return "unclear"
    if any(one.low > 1 for one in ratios):
        return "slower"
    return "faster" if any(one.high < 1 for one in ratios) else "same"
