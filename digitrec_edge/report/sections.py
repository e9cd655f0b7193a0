"""What the page's sections show, as plain data for the templates; None or empty when there is nothing."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.quality.significance import wilson
from benchmarks.results.document import Run
from benchmarks.results.statistics import samples_needed
from benchmarks.results.tables import brief_columns, describe, devices_table, explain, tried
from benchmarks.results.validity import NOISE
from benchmarks.results.verdict import decide, standing
from digitrec_edge.report.data import ReportData
from digitrec_edge.report.figures import ReportFigures
from digitrec_edge.report.style import RenderedFigure
from digitrec_edge.training.history import History

NOT_REPORTED = "not reported"


@dataclass(frozen=True)
class PageTable:
    """A table; its first ``words`` columns are words, the others figures."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1


@dataclass(frozen=True)
class DeviceVerdict:
    """What to deploy on a device."""

    device: str
    text: str
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class VerdictSection:
    """The verdict of every device, and what the report does not show."""

    devices: tuple[DeviceVerdict, ...]
    notes: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.devices or self.notes)


@dataclass(frozen=True)
class DeviceSpeed:
    """The measurements of a device.

    Attributes:
        reasons: status, case and why it has this status.
    """

    device: str
    tradeoff: RenderedFigure | None
    latency: RenderedFigure | None
    results: PageTable
    reasons: tuple[tuple[str, str, str], ...]
    explanation: str


@dataclass(frozen=True)
class SpeedSection:
    """All devices side by side, each device alone, and the sizes of the files."""

    together: PageTable | None
    devices: tuple[DeviceSpeed, ...]
    sizes: RenderedFigure | None

    def __bool__(self) -> bool:
        return bool(self.devices or self.sizes)


@dataclass(frozen=True)
class TrainingSection:
    """The curves, the recipe in words, and the model summary."""

    figures: tuple[RenderedFigure, ...]
    recipe: str
    layers: PageTable | None

    def __bool__(self) -> bool:
        return bool(self.recipe or self.layers)


@dataclass(frozen=True)
class PredictionsSection:
    """Figures of the predictions of a model."""

    model: str
    samples: RenderedFigure | None
    confusion: RenderedFigure | None
    class_accuracy: RenderedFigure | None


def lead(data: ReportData) -> str:
    """Say in one sentence what the page is about."""
    accuracies = [model.accuracy(data.test.labels) for model in data.predictions]
    count = len(data.artifacts)
    text = f"{count} artifact{'s' * (count != 1)} on {len(data.test):,} test images"
    if data.reference:
        share = data.reference.accuracy(data.test.labels)
        low, high = wilson(round(share * len(data.test)), len(data.test))
        text += f"; the Keras model is {share:.2%} accurate (95 % interval: {100 * low:.2f} to {100 * high:.2f})"
    if len(accuracies) > 1:
        text += f", the artifacts {min(accuracies):.2%} to {max(accuracies):.2%}"
    return f"{text}."


def verdict(data: ReportData) -> VerdictSection:
    """Return what to deploy, per device, every warning, and everything that is missing."""
    return VerdictSection(tuple(_verdict(run) for run in data.runs), data.notes)


def _verdict(run: Run) -> DeviceVerdict:
    decided = decide(run)
    warnings = [text for text in decided.warnings if not text.startswith("INVALID")]
    invalid = sum(r.status == "invalid" for r in run.results)
    if invalid:
        warnings.append(
            f"{invalid} of {len(run.results)} cases are INVALID; the reasons are below the table of {run.device}"
        )
    return DeviceVerdict(run.device, f"{decided.text[:1].upper()}{decided.text[1:]}.", tuple(warnings))


def speed(data: ReportData, figures: ReportFigures) -> SpeedSection:
    """Return measurements and sizes."""
    return SpeedSection(
        together=PageTable(*devices_table(data.benchmark)) if data.benchmark and len(data.runs) > 1 else None,
        devices=tuple(_speed(run, *pair) for run, pair in zip(data.runs, figures.speed, strict=True)),
        sizes=figures.sizes,
    )


def _speed(run: Run, tradeoff: RenderedFigure | None, latency: RenderedFigure | None) -> DeviceSpeed:
    columns = brief_columns(run)
    rows = [[column.text(result) for column in columns] for result in tried(run)]
    return DeviceSpeed(
        device=run.device,
        tradeoff=tradeoff,
        latency=latency,
        results=PageTable([column.brief for column in columns], rows, words=2),
        reasons=tuple((standing(r), r.label, "; ".join(r.reasons)) for r in run.results if r.reasons),
        explanation=f"{explain(run)} A figure is INVALID when its median is not known to {NOISE.max_noise:.0%} or the "
        "machine throttled, a case when its end to end is.",
    )


def training(data: ReportData, figures: ReportFigures) -> TrainingSection:
    """Return the recipe, the curves and the model summary."""
    return TrainingSection(figures.learning, _recipe(data.history) if data.history else "", _model_summary(data))


def _recipe(history: History) -> str:
    fields = history.recipe.summary()
    recipe = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in fields.items() if name != "name")
    seconds = sum(epoch.seconds for epoch in history.epochs)
    interrupted = " Training was interrupted by the user." if history.interrupted else ""
    return (
        f"Recipe {history.recipe.name}: {recipe}; seed {history.seed}; {history.train_images:,} training images; "
        f"{len(history.epochs)} epochs in {seconds:.0f} s. {history.eval_images:,} {history.eval_set} images were "
        f"evaluated after each epoch and not trained on.{interrupted}"
    )


def _model_summary(data: ReportData) -> PageTable | None:
    if not data.layers:
        return None
    rows = [
        [
            layer.name, layer.kind, " x ".join(map(str, layer.shape)) if layer.shape else "-",
            "-" if layer.parameters is None else f"{layer.parameters:,}", layer.activation or "-",
        ]
        for layer in data.layers
    ]  # fmt: skip
    known = [layer.parameters for layer in data.layers]
    total = data.history.parameters if data.history else None if None in known else sum(n for n in known if n)
    if total is not None:
        rows.append(["total", "", "", f"{total:,}", ""])
    return PageTable(["layer", "kind", "output", "parameters", "activation"], rows, words=2)


def predictions(data: ReportData, figures: ReportFigures) -> PredictionsSection | None:
    """Return the figures of the principal model's predictions."""
    if data.principal is None:
        return None
    return PredictionsSection(data.principal.name, figures.samples, figures.confusion, figures.class_accuracy)


def machines(data: ReportData) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return each device, what it is, and its state while it was measured."""
    return [(run.device, _machine(run)) for run in data.runs]


def _machine(run: Run) -> list[tuple[str, str]]:
    e, effort = run.environment, run.effort
    libc = e.libc or f"C library {NOT_REPORTED}"
    return [
        ("board", e.board or NOT_REPORTED),
        ("CPU", f"{e.cpu}, {e.machine}, {e.cores} of {e.cores_total} cores"),
        ("instruction sets", ", ".join(e.features) or "none of those that the kernels use"),
        ("governor", e.governor or NOT_REPORTED),
        ("frequency", _range("MHz", [c.frequency_mhz for c in run.conditions])),
        ("temperature", _range("\u00b0C", [c.temperature_c for c in run.conditions])),
        ("load, 1 minute", _range("", [c.load_1m for c in run.conditions], 1)),
        ("throttling", _throttled([c.throttled for c in run.conditions])),
        ("memory", f"{e.memory_bytes / 2**30:.1f} GB" if e.memory_bytes else NOT_REPORTED),
        ("system", f"{e.os}, kernel {e.kernel}, {libc}, Python {e.python}, {e.bits} bit"),
        ("versions", ", ".join(f"{name} {version}" for name, version in e.versions.items())),
        ("measured", f"{run.started}; {describe(run).rpartition('; ')[2]}"),
        (
            "at least",
            f"{effort.warmup_calls} calls and {effort.warmup_ms:g} ms of warm-up, then "
            f"{effort.calls} calls and {effort.measure_ms:g} ms, per round and quantity",
        ),
        ("clock", f"perf_counter_ns, {run.timer.cost_ns:g} ns per reading, included in every single sample"),
        ("p99", f"printed from {samples_needed(99)} samples on"),
    ]


def _range(unit: str, values: Sequence[float | None], digits: int = 0) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return NOT_REPORTED
    ends = dict.fromkeys(f"{value:,.{digits}f}" for value in (min(known), max(known)))
    return f"{' to '.join(ends)} {unit}".strip()


def _throttled(values: Sequence[int | None]) -> str:
    known = [f"{value:#x}" for value in values if value is not None]
    return ", ".join(dict.fromkeys(known)) if known else f"{NOT_REPORTED} (no vcgencmd)"


def cards(data: ReportData) -> list[tuple[str, str]]:
    """Return every artifact's title and its whole card as JSON; an empty text for one without."""
    found = []
    for artifact in data.artifacts:
        size, card = f"{len(artifact.data) / 1024:,.0f} KB", artifact.card
        title = f"{artifact.path.name} ({card.variant}, {size})" if card else f"{artifact.path.name} ({size})"
        found.append((title, json.dumps(dataclasses.asdict(card), indent=1) if card else ""))
    return found
