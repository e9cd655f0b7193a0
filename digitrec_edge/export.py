"""Export: convert, try in the real runtime, and only then let the artifact take its place.

This is where converters and benchmarks meet; neither knows the other.
"""

import dataclasses
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import Case, Parity, Row, check_gate, measure
from converters import Source, Variant, convert
from digitrec_edge import __version__, artifact, formats, golden, mnist, model, training
from digitrec_edge.card import LABELS, Card, ParityFigures, Preprocessing, TensorCard
from digitrec_edge.errors import DigitrecError, ParityError
from digitrec_edge.files import sha256
from digitrec_edge.formats.graph import Graph, Tensor
from digitrec_edge.golden import Golden
from digitrec_edge.quantization import PIXEL_MAX
from runtimes.loading import AUTO, choose
from runtimes.table import RUNTIMES, RuntimeRow

__all__ = ["Exported", "Refused", "export"]


@dataclass(frozen=True)
class Exported:
    """An artifact that was written."""

    variant: Variant
    path: Path
    file_bytes: int
    runtime: str
    parity: Parity


@dataclass(frozen=True)
class Refused:
    """An artifact that was not written; the old one, if any, is untouched."""

    variant: Variant
    path: Path
    error: DigitrecError


def export(
    source: Source,
    variants: Sequence[Variant],
    folder: Path,
    data: Path | None = None,
    *,
    on_result: Callable[[Exported | Refused], None] = lambda result: None,
) -> list[Exported | Refused]:
    """Write one artifact per variant, and beside them ``golden.npz``.

    Each candidate runs over the whole test set in its real runtime before it replaces anything.

    Args:
        source: the trained model and its calibration images.
        variants: what to write.
        folder: where to.
        data: data set of the test images, None is the bundled MNIST.
        on_result: is given each result as it comes.

    Raises:
        RuntimeUnavailableError: a runtime that must try an artifact is missing; nothing was converted.
        DataError: the test set cannot be read.
    """
    runtimes = {variant.format: _runtime_for(variant) for variant in variants}
    digits = mnist.load("test", data)
    logits = model.reference_logits(source.fresh_model(), digits.images)
    reference = Golden(logits, source.sha256, digits.digest())
    folder.mkdir(parents=True, exist_ok=True)
    results: list[Exported | Refused] = []
    with tempfile.TemporaryDirectory(prefix=".export-", dir=folder) as scratch:
        candidate_golden = Path(scratch) / golden.FILE_NAME
        golden.write(candidate_golden, reference)
        for variant in variants:
            final = folder / f"{variant.artifact}{formats.by_name(variant.format).suffix}"
            case = Case(
                artifact=str(Path(scratch) / final.name),
                runtime=runtimes[variant.format].name,
                golden=str(candidate_golden),
                data=str(data) if data else None,
            )
            result = _export_one(source, variant, final, case)
            results.append(result)
            on_result(result)
        if any(isinstance(result, Exported) for result in results):
            golden.write(folder / golden.FILE_NAME, reference)
    return results


def _runtime_for(variant: Variant) -> RuntimeRow:
    row = choose(variant.format, RUNTIMES, AUTO)
    row.module()
    return row


def _export_one(source: Source, variant: Variant, final: Path, case: Case) -> Exported | Refused:
    try:
        payload = convert(source, variant)
        card = _card(source, variant, payload)
        artifact.write(case.artifact, payload, card)
        row = measure(case)
        parity = _parity(row)
        check_gate(parity, variant.name)
    except DigitrecError as error:
        return Refused(variant, final, error)
    figures = _figures(row, parity)
    artifact.write(final, payload, dataclasses.replace(card, parity=figures))
    return Exported(variant, final, final.stat().st_size, case.runtime, parity)


def _parity(row: Row) -> Parity:
    if row.measured is None or row.measured.parity is None:
        reason = row.measured.parity_note if row.measured else row.reason
        raise ParityError(f"parity could not be measured in {row.case.runtime}: {reason}")
    return row.measured.parity


def _figures(row: Row, parity: Parity) -> ParityFigures:
    version = row.measured.runtime_version if row.measured else ""
    return ParityFigures(runtime=f"{row.case.runtime} {version}", **dataclasses.asdict(parity))


def _card(source: Source, variant: Variant, payload: bytes) -> Card:
    graph: Graph = formats.by_name(variant.format).module.describe(payload)
    history = training.read_history(source.path)
    recipe = None
    if history:
        recipe = {**history.recipe.summary(), "seed": history.seed, "finished_epochs": len(history.epochs)}
    return Card(
        name=variant.artifact,
        format=variant.format,
        variant=variant.name,
        inputs=tuple(_port(tensor) for tensor in graph.inputs),
        outputs=tuple(_port(tensor) for tensor in graph.outputs),
        preprocessing=Preprocessing((mnist.SIDE, mnist.SIDE), "grey, 0 paper to 255 ink", PIXEL_MAX),
        labels=LABELS,
        source_sha256=source.sha256,
        payload_sha256=sha256(payload),
        temperature=history.temperature if history else 1.0,
        training=recipe,
        calibration=source.calibration if variant.calibrated else None,
        parity=None,
        tools={**variant.tool_versions(), "digitrec-edge": __version__},
    )


def _port(tensor: Tensor) -> TensorCard:
    return TensorCard(
        tensor.name,
        tensor.shape,
        tensor.dtype,
        tensor.scale[0] if tensor.scale else None,
        tensor.zero_point[0] if tensor.zero_point else None,
    )
