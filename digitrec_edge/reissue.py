"""An artifact that there is in another form: in the page that holds it, unchanged, or its network as code.

No model is converted, so neither Keras nor TensorFlow is needed; what the card says of training stays, and what it says
of parity where the code rounds as LiteRT does: its answers are the same to the byte then.
"""

import dataclasses
from pathlib import Path

from converters.conversion import payload_of, write_beside
from digitrec_edge import __version__, artifact, formats
from digitrec_edge.artifact.card import Card
from digitrec_edge.artifact.signature import Sign
from digitrec_edge.describing import payload_fields
from digitrec_edge.errors import ArtifactError, ConversionError
from digitrec_edge.files import candidate_for, make_folder
from digitrec_edge.formats import SAMPLE_FILE
from digitrec_edge.variants import AS_USUAL, VARIANTS, ExportChoice, Variant
from digitrec_edge.verification.selftest import self_test
from runtimes.loading import load
from runtimes.table import for_format


def holds_artifacts(path: Path) -> bool:
    """Whether a file is named as artifacts are, and not as Keras models are."""
    return formats.of_file_name(path.name.lower()) is not None


def reissue(
    path: Path, variant: Variant, folder: Path, sign: Sign | None = None, choice: ExportChoice = AS_USUAL
) -> Path:
    """Write an artifact in another form, tested on a runtime of this machine by the images that travel in it.

    Args:
        path: the artifact.
        variant: that takes artifacts of this precision.
        folder: where to.
        sign: makes the signature beside it.
        choice: of what the variant leaves open.

    Raises:
        ArtifactError: no such file, damaged, without card or sample, or it does not answer as at its export.
        ConversionError: the variant takes no such artifacts, or does not compute this model.
    """
    found = artifact.read(path)
    able = [row for row in VARIANTS if found.card and _of(row) == (found.format.name, found.card.variant)]
    if variant not in able or found.card is None or SAMPLE_FILE not in found.files:
        held = f"{found.card.variant if found.card else 'a foreign'} {found.format.suffix} file"
        others = " or ".join(f"--{row.option}" for row in able if row is not variant)
        instead = f"type {others}" if others else f"give a Keras model ({_possible()})"
        raise ConversionError(f"--{variant.option} does not take {path}, {held}: {instead}")
    payload = payload_of(variant, found, choice)
    card = found.card if formats.by_name(variant.format).envelope_of else _card(found.card, variant, payload, choice)
    sample = found.files[SAMPLE_FILE]
    make_folder(folder)
    final = folder / f"{variant.stem}{formats.by_name(variant.format).suffix}"
    with candidate_for(final) as candidate:
        artifact.write(candidate, payload, card, sample, envelope=variant.format)
        if sign:
            sign(candidate)
        _try(candidate, path)
    artifact.write(final, payload, card, sample, envelope=variant.format)
    if sign:
        sign(final)
    write_beside(variant, final)
    return final


def _of(variant: Variant) -> tuple[str, str]:
    """Format and variant of the artifacts that a variant takes."""
    return variant.takes, variant.precision.name


def _try(candidate: Path, path: Path) -> None:
    with load(candidate) as model:
        result = self_test(model.artifact, model)
    if not result.passed:
        raise ArtifactError(f"{path} does not answer on {result.runtime} as at its export: digitrec-edge verify {path}")


def _card(before: Card, variant: Variant, payload: bytes, choice: ExportChoice) -> Card:
    """Return the card of a network that became code."""
    fields = payload_fields(variant, for_format(variant.format)[0], payload)
    parity = before.parity if choice.rounding == AS_USUAL.rounding else None
    return dataclasses.replace(before, **fields, parity=parity, tools={**before.tools, "digitrec-edge": __version__})


def _possible() -> str:
    rows = [row for row in VARIANTS if row.takes]
    return ", ".join(f"--{row.option} takes {row.precision.name} .{row.takes} artifacts, too" for row in rows)
