"""Export: convert, try in the real runtime, and only then let the artifact take its place.

This is where converters and benchmarks meet; neither knows the other.
"""

import dataclasses
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.measure.logits import RuntimeLogits, runtime_logits
from benchmarks.quality.accuracy import accuracy
from benchmarks.quality.parity import check_gate
from benchmarks.quality.parity_report import ParityReport, report_parity, write_report
from converters import Source, convert
from converters.conversion import tool_versions, write_beside
from digitrec_edge import __version__, artifact, formats, mnist
from digitrec_edge.artifact import golden, sample
from digitrec_edge.artifact.card import Card, ParityFigures, Preprocessing
from digitrec_edge.artifact.golden import Golden
from digitrec_edge.artifact.signature import Sign
from digitrec_edge.describing import payload_fields, suffix
from digitrec_edge.errors import ConversionError, DigitrecError, ParityError
from digitrec_edge.files import CANDIDATES, candidate_for, locked
from digitrec_edge.mnist import Digits
from digitrec_edge.quantization import PIXEL_MAX, SIDE
from digitrec_edge.training import network as model
from digitrec_edge.training.history import read_history
from digitrec_edge.variants import Precision, Variant
from runtimes import support
from runtimes.elsewhere import find_target
from runtimes.loading import choose
from runtimes.table import RUNTIMES, RuntimeRow, Target, for_format, not_run_by

MIN_ACCURACY = 0.5
"""A model that reads less of the test set right is given its pictures in another form than it was trained on, or has
not been trained: guessing reads a tenth."""


@dataclass(frozen=True)
class Exported:
    """An artifact that was written; its parity report lies beside it."""

    variant: Variant
    path: Path
    file_bytes: int
    report: ParityReport


@dataclass(frozen=True)
class Refused:
    """An artifact that was not written; the old one, if any, is untouched."""

    variant: Variant
    path: Path
    error: DigitrecError


@dataclass(frozen=True)
class ParityLimits:
    """How much an artifact may differ from its Keras model, in place of what its variant's gate says; None leaves that.

    Attributes:
        changed: share of the test images that may be read differently, 0 to 1.
        accuracy_drop_pp: accuracy that may be lost, in percentage points.
    """

    changed: float | None = None
    accuracy_drop_pp: float | None = None

    def of(self, precision: Precision) -> Precision:
        """Return a precision with these limits in its gate."""
        gate = precision.gate
        if self.changed is not None:
            gate = dataclasses.replace(gate, min_agreement=1 - self.changed)
        if self.accuracy_drop_pp is not None:
            gate = dataclasses.replace(gate, max_drop_pp=self.accuracy_drop_pp)
        return dataclasses.replace(precision, gate=gate)


GATES = ParityLimits()
"""Those of the table of variants."""


@dataclass(frozen=True)
class _Job:
    """What all variants of one export share."""

    source: Source
    folder: Path
    data: Path | None
    digits: Digits
    reference: Golden
    sign: Sign | None
    limits: ParityLimits


def export(
    source: Source,
    variants: Sequence[Variant],
    folder: Path,
    data: Path | None = None,
    *,
    target: str | None = None,
    sign: Sign | None = None,
    allow_inaccurate: bool = False,
    limits: ParityLimits = GATES,
    on_result: Callable[[Exported | Refused], None] = lambda result: None,
) -> list[Exported | Refused]:
    """Write one artifact per variant, and beside them ``golden.npz`` and parity reports.

    Each candidate runs over the whole test set in its real runtime before it replaces anything.

    Args:
        source: the trained model and its calibration images.
        variants: what to write.
        folder: where to.
        data: data set of the test images, None is the bundled MNIST.
        target: runtime to make the artifacts for; None is the newest one of each format.
        sign: makes the signature beside each artifact, see :mod:`digitrec_edge.artifact.signature`.
        allow_inaccurate: export a model that reads less than ``MIN_ACCURACY`` of the test set right, too.
        limits: of your own, for models that are less sure of their answers than the gates expect.
        on_result: is given each result as it comes.

    Raises:
        ConversionError: the target does not run a variant's format, or the model is inaccurate; nothing was converted.
        RuntimeUnavailableError: a runtime that must try an artifact is missing; nothing was converted.
        DataError: the test set cannot be read.
        OutputError: the folder cannot be written, or another export is at work there.
    """
    plan = [(variant, _target(variant, target)) for variant in variants]
    runnable = [(variant, row, _runner(row, variant).name) for variant, row in plan]
    with locked(folder, "exporting into"):
        job = _prepare(source, folder, data, sign, limits, allow_inaccurate)
        return _export_all(job, runnable, on_result)


def _prepare(
    source: Source, folder: Path, data: Path | None, sign: Sign | None, limits: ParityLimits, allow_inaccurate: bool
) -> _Job:
    digits = mnist.load_for(source.labels, "test", data)
    logits = model.reference_logits(source.fresh_model(), digits.images)
    if logits.min() >= 0 and np.allclose(logits.sum(axis=1), 1, atol=1e-3):
        raise ConversionError(
            f"{source.path} gives probabilities and not logits: --model-output probabilities takes their logarithms"
        )
    right = accuracy(logits.argmax(axis=1), digits.labels)
    if right < MIN_ACCURACY and not allow_inaccurate:
        raise ConversionError(
            f"{source.path} reads {right:.2%} of the test set right, {MIN_ACCURACY:.0%} are needed: it may take pixels "
            "in another range (pixel / 255 is assumed; pixels as they are: --input-scale 1), or not be trained; "
            "--allow-inaccurate exports it all the same"
        )
    return _Job(source, folder, data, digits, Golden(logits, source.sha256, digits.digest()), sign, limits)


def _export_all(
    job: _Job, plan: Sequence[tuple[Variant, Target, str]], on_result: Callable[[Exported | Refused], None]
) -> list[Exported | Refused]:
    folder = job.folder
    results: list[Exported | Refused] = []
    _clear(folder)
    try:
        for variant, row, runner in plan:
            path = folder / f"{variant.stem}{suffix(variant, row)}{formats.by_name(variant.format).suffix}"
            result = _export_one(job, variant, row, path, runner)
            results.append(result)
            on_result(result)
    finally:
        _clear(folder)  # Ctrl-C may come between the making of a folder and the clause that removes it
    if any(isinstance(result, Exported) for result in results):
        golden.write(folder / golden.FILE_NAME, job.reference)
    return results


def _clear(folder: Path) -> None:
    """Remove what candidates have left behind, here or in an export that was killed: nobody else is here now."""
    for left in folder.glob(f"{CANDIDATES}*"):
        shutil.rmtree(left)


def _target(variant: Variant, name: str | None) -> Target:
    """The runtime to make a variant for: the one asked for, or the first of its format."""
    row = for_format(variant.format)[0] if name is None else find_target(name)
    if not row.runs(variant.format):
        raise ConversionError(f"--{variant.option}: {not_run_by([row], variant.format)}")
    return row


def _runner(target: Target, variant: Variant) -> RuntimeRow:
    """The runtime that tries an artifact: the target itself, or another that runs the variant when it is not here."""
    others = [row for row in RUNTIMES if support.fits(row, variant)]
    row = target if isinstance(target, RuntimeRow) and target.installed else choose(variant.format, others)
    row.load()
    return row


def _export_one(job: _Job, variant: Variant, target: Target, final: Path, runtime: str) -> Exported | Refused:
    try:
        payload = convert(job.source, variant, target)
        card = _card(job.source, variant, target, payload)
        with candidate_for(final) as candidate:
            artifact.write(candidate, payload, card, envelope=variant.format)
            if job.sign:
                job.sign(candidate)  # a machine that runs signed files only tries those only
            answer = runtime_logits(candidate, runtime, job.data)
        report = report_parity(final.name, answer.runtime, answer.logits, job.reference.logits, job.digits.labels)
        _check(report, job.limits.of(variant.precision))
    except DigitrecError as error:
        return Refused(variant, final, error)
    figures = ParityFigures(runtime=answer.runtime, **dataclasses.asdict(report.parity))
    card = dataclasses.replace(card, parity=figures)
    artifact.write(final, payload, card, _sample(job, answer), envelope=variant.format)
    if job.sign:
        job.sign(final)
    write_report(report, final)
    write_beside(variant, final)
    return Exported(variant, final, final.stat().st_size, report)


def _check(report: ParityReport, precision: Precision) -> None:
    try:
        check_gate(report.parity, precision)
    except ParityError as lost:
        raise ParityError(f"{lost}; limits of your own: --max-changed, --max-accuracy-drop") from None


def _sample(job: _Job, answer: RuntimeLogits) -> bytes:
    """Pack seeded test images with the Keras model's and this artifact's own logits."""
    chosen = mnist.sample_indices(min(sample.IMAGES, len(job.digits)), len(job.digits), sample.SEED)
    return sample.pack(
        sample.Sample(
            indices=chosen,
            images=job.digits.images[chosen],
            labels=job.digits.labels[chosen],
            golden=job.reference.logits[chosen],
            expected=answer.logits[chosen].astype(np.float32),
        )
    )


def _card(source: Source, variant: Variant, target: Target, payload: bytes) -> Card:
    """Describe the payload.

    Raises:
        ConversionError: the target's release lacks an operator.
    """
    history = read_history(source.path)
    recipe = None
    if history:
        recipe = {**history.recipe.summary(), "seed": history.seed, "finished_epochs": len(history.epochs)}
    return Card(
        **payload_fields(variant, target, payload),
        preprocessing=Preprocessing((SIDE, SIDE), f"grey, 0 background to {PIXEL_MAX} foreground", float(PIXEL_MAX)),
        labels=source.labels,
        source_sha256=source.sha256,
        temperature=history.temperature if history else 1.0,
        no_digit=history.no_digit if history else None,
        training=recipe,
        calibration=source.calibration if variant.calibrated else None,
        parity=None,
        tools={**tool_versions(variant), "digitrec-edge": __version__},
    )
