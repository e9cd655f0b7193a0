"""Results as tables: one list of columns, for the terminal, for CSV and for Markdown."""

import csv
import dataclasses
import io
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.results.document import Document, Result, Run
from benchmarks.results.statistics import Summary, samples_needed
from benchmarks.results.validity import Quantity
from benchmarks.results.verdict import decide

NOTHING = "-"
DOUBTFUL = "?"
"""Follows a figure that is INVALID."""


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        unit: empty for words and plain numbers.
        value: number, text, or None when the case has no such figure.
        form: how a number is shown to people.
        brief: heading in a terminal, where few and short columns fit; empty: not there.
        quantity: what was timed; shown to people with a mark where it cannot be relied on.
    """

    name: str
    unit: str
    value: Callable[[Result], float | str | None]
    form: str = ""
    brief: str = ""
    quantity: Quantity | None = None

    @property
    def heading(self) -> str:
        return f"{self.name} {self.unit}".strip()

    def text(self, result: Result) -> str:
        value = self.value(result)
        if value is None:
            return NOTHING
        return format(value, self.form) + (DOUBTFUL if self.quantity in result.unreliable else "")


def _of(part: str, figure: str) -> Callable[[Result], float | None]:
    def value(result: Result) -> float | None:
        summary: Summary | None = getattr(result, part)
        return None if summary is None else getattr(summary, figure)

    return value


def _interval(part: str, end: int) -> Callable[[Result], float | None]:
    def value(result: Result) -> float | None:
        summary: Summary | None = getattr(result, part)
        return None if summary is None else summary.p50_interval_us[end]

    return value


def _start(figure: str) -> Callable[[Result], float | None]:
    def value(result: Result) -> float | None:
        times = getattr(result.starts, figure) if result.starts else ()
        return statistics.median(times) if times else None

    return value


def _percent(figure: str) -> Callable[[Result], float | None]:
    def value(result: Result) -> float | None:
        share = getattr(result.quality, figure) if result.quality else None
        return None if share is None else 100 * share

    return value


def _accuracy_bound(end: int) -> Callable[[Result], float | None]:
    def value(result: Result) -> float | None:
        interval = result.quality.accuracy_interval if result.quality else None
        return None if interval is None else 100 * interval[end]

    return value


def _timing(part: Quantity, name: str) -> list[Column]:
    columns = [
        Column(f"{name} p50", "us", _of(part, "p50_us"), ".1f", "p50 us" if part == "end_to_end" else "invoke us"),
        Column(f"{name} p50 low", "us", _interval(part, 0), ".1f"),
        Column(f"{name} p50 high", "us", _interval(part, 1), ".1f"),
        Column(f"{name} p90", "us", _of(part, "p90_us"), ".1f"),
        Column(f"{name} p99", "us", _of(part, "p99_us"), ".1f", "p99 us" if part == "end_to_end" else ""),
        Column(f"{name} mean", "us", _of(part, "mean_us"), ".1f"),
        Column(f"{name} stdev", "us", _of(part, "stdev_us"), ".1f"),
        Column(f"{name} min", "us", _of(part, "min_us"), ".1f"),
        Column(f"{name} max", "us", _of(part, "max_us"), ".1f"),
        Column(f"{name} in blocks", "us", _of(part, "block_p50_us"), ".1f"),
        Column(f"{name} samples", "", _of(part, "samples"), ",d"),
    ]
    return [dataclasses.replace(column, quantity=part) for column in columns]


COLUMNS = (
    Column("artifact", "", lambda r: r.artifact, "", "artifact"),
    Column("variant", "", lambda r: r.variant),
    Column(
        "runtime", "", lambda r: f"{r.runtime} {r.runtime_version}" if r.runtime_version else r.runtime, "", "runtime"
    ),
    Column("threads", "", lambda r: r.threads, "d", "threads"),
    Column("batch", "", lambda r: r.batch, "d", "batch"),
    Column("size", "KB", lambda r: None if r.file_bytes is None else r.file_bytes / 1024, ",.0f", "KB"),
    Column("accuracy", "%", _percent("accuracy"), ".2f", "acc. %"),
    Column("accuracy low", "%", _accuracy_bound(0), ".2f"),
    Column("accuracy high", "%", _accuracy_bound(1), ".2f"),
    Column("agreement", "%", _percent("agreement"), ".2f", "agree %"),
    Column("logit diff", "", lambda r: r.quality.max_logit_difference if r.quality else None, ".1e"),
    *_timing("end_to_end", "end to end"),
    *_timing("invoke", "invoke"),
    Column("import", "ms", _start("import_ms"), ".1f"),
    Column("load", "ms", _start("load_ms"), ".1f", "load ms"),
    Column("first", "us", _start("first_us"), ".0f"),
    Column("cold start", "ms", _start("cold_start_ms"), ".0f", "cold ms"),
    Column("peak memory", "MB", lambda r: r.memory.peak_bytes / 2**20 if r.memory else None, ".1f", "peak MB"),
    Column("status", "", lambda r: "ok" if r.status == "ok" else r.status.upper(), "", "status"),
    Column("unreliable", "", lambda r: " ".join(r.unreliable)),
    Column("reason", "", lambda r: "; ".join(r.reasons)),
)

SPARED = ("peak MB", "cold ms", "load ms", "invoke us", "p99 us", "agree %", "KB", "acc. %", "p50 us")
"""Brief headings of columns that a narrow terminal can do without, the least important first; what names a case and
its status stay."""


def brief_columns(run: Run) -> list[Column]:
    """Return the columns for a terminal; threads and batch only where one is more than 1."""
    dull = {name for name in ("threads", "batch") if all(getattr(r, name) == 1 for r in run.results)}
    return [column for column in COLUMNS if column.brief and column.name not in dull]


def tried(run: Run) -> list[Result]:
    """Return the cases that could run here: a row each."""
    return [result for result in run.results if result.status != "unsupported"]


def missing_lines(run: Run) -> list[str]:
    """Say of what has no figures, or no agreement, why; what a runtime that is not there would have run is one line."""
    lines = []
    for result in run.results:
        reasons = "; ".join(result.reasons)
        if result.status in ("failed", "skipped"):
            lines.append(f"{result.status.upper()}: {result.label}: {reasons}")
        elif result.status == "unsupported":
            absent = reasons == f"{result.runtime} is not installed"
            lines.append(
                f"left out: {reasons}; digitrec-edge doctor says how to install it"
                if absent
                else f"left out: {result.artifact} on {result.runtime}: {reasons}"
            )
    unknown: dict[str, dict[str, None]] = {}
    for result in run.results:
        if result.quality and result.quality.note:
            unknown.setdefault(result.quality.note, {})[result.artifact] = None
    lines += [f"agreement unknown: {', '.join(names)}: {note}" for note, names in unknown.items()]
    return list(dict.fromkeys(lines))


def to_csv(document: Document) -> bytes:
    """Return one line per case and device, all figures in full, an empty field where there is none."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["device", *(column.heading.replace(" ", "_").replace("%", "percent") for column in COLUMNS)])
    for run in document.runs:
        for result in run.results:
            values = [column.value(result) for column in COLUMNS]
            writer.writerow([run.device, *("" if value is None else value for value in values)])
    return stream.getvalue().encode()


def to_markdown(document: Document) -> bytes:
    """Return a section per device, and a table with a column per device when there are several."""
    parts = ["# digitrec-edge benchmark\n"]
    if len(document.runs) > 1:
        parts += ["## End to end, median us, by device\n", _by_device(document)]
    for run in document.runs:
        columns = brief_columns(run)
        verdict = decide(run)
        parts += [f"## {run.device}\n", f"{describe(run)}\n", f"**{verdict.text}**\n"]
        parts += [f"- Warning: {text}\n" for text in verdict.warnings]
        rows = [[column.text(result) for column in columns] for result in tried(run)]
        parts.append(markdown_table([column.brief for column in columns], rows))
        parts += [f"- {line}\n" for line in missing_lines(run)]
        parts.append(f"{explain(run)}\n")
    return "\n".join(parts).encode()


def devices_table(document: Document) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows of the table with a row per case and a column per device."""
    keys = list(dict.fromkeys(result.key for run in document.runs for result in run.results))
    rows = []
    for key in keys:
        there = [{result.key: result for result in run.results}.get(key) for run in document.runs]
        label = next(result.label for result in there if result)
        rows.append([label, *(_device_cell(result) for result in there)])
    return ["case", *(run.device for run in document.runs)], rows


def _device_cell(result: Result | None) -> str:
    if result is None or result.end_to_end is None:
        return NOTHING if result is None or result.status == "unsupported" else result.status
    mark = " INVALID" if result.status == "invalid" else ""
    return f"{result.end_to_end.p50_us:.1f}{mark}"


def _by_device(document: Document) -> str:
    return markdown_table(*devices_table(document))


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [list(headings), ["---"] * len(headings), *map(list, rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def describe(run: Run) -> str:
    """Say in one line what the machine is and how it was measured."""
    environment, effort = run.environment, run.effort
    parts = [
        *([environment.board] if environment.board else []),
        environment.cpu,
        f"{environment.cores} of {environment.cores_total} cores",
        *([f"governor {environment.governor}"] if environment.governor else []),
        environment.os,
        f"Python {environment.python} ({environment.bits} bit)",
    ]
    rounds, ended = f"{effort.rounds} rounds", ""
    if run.interrupted:
        done = max((len(one.end_to_end.round_p50_us) for one in run.results if one.end_to_end), default=0)
        rounds, ended = f"{done} of {rounds}", ", interrupted"
    return f"{', '.join(parts)}; effort {effort.name}, {rounds} in {run.duration_s:.0f} s{ended}"


def explain(run: Run) -> str:
    """Say how to read the figures."""
    doubtful = f" {DOUBTFUL}: INVALID, not to be relied on." if any(r.unreliable for r in run.results) else ""
    return (
        f"End to end: uint8 pictures in, digits out, one call. invoke: the model alone. Every single sample contains "
        f"the clock's own {run.timer.cost_ns / 1000:.2f} us. p99 needs {samples_needed(99)} samples. "
        f"Load, cold start: medians of fresh processes.{doubtful}{_explain_accuracy(run)}"
    )


def _explain_accuracy(run: Run) -> str:
    """Say how surely the accuracies are known: the widest interval of them."""
    widths = [
        (interval[1] - interval[0], quality.answers.images)
        for quality in (result.quality for result in run.results)
        if quality and quality.answers and (interval := quality.accuracy_interval)
    ]
    if not widths:
        return ""
    width, images = max(widths)
    return f" Accuracy: {images:,} images tell it to +-{50 * width:.2f} pp (95 %)."
