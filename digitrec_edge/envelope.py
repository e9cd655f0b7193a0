"""An artifact that there is goes into an envelope: the file of another format that holds it, unchanged.

No model is converted, so neither Keras nor TensorFlow is needed; the card, and the parity on it, stay what they are.
"""

import tempfile
from pathlib import Path

from converters.conversion import check_payload, write_beside
from digitrec_edge import artifact, formats
from digitrec_edge.artifact.signature import Sign
from digitrec_edge.errors import ConversionError
from digitrec_edge.files import make_folder
from digitrec_edge.formats import SAMPLE_FILE
from digitrec_edge.variants import VARIANTS, Variant
from digitrec_edge.verification.selftest import self_test
from runtimes.loading import load


def holds_artifacts(path: Path) -> bool:
    """Whether a file is named as artifacts are, and not as Keras models are."""
    return path.suffix in {row.suffix for row in formats.FORMATS}


def wrap(path: Path, variant: Variant, folder: Path, sign: Sign | None = None) -> Path:
    """Write the envelope of an artifact, tested on a runtime of this machine by the images that travel in it.

    Args:
        path: the artifact.
        variant: whose format is an envelope of the artifact's.
        folder: where to.
        sign: makes the signature beside it.

    Raises:
        ArtifactError: no such file, damaged, without card or sample, or it does not answer as at its export.
        ConversionError: the variant holds no such artifacts, or does not run this model.
    """
    found = artifact.read(path)
    kind = formats.by_name(variant.format)
    fits = kind.envelope_of == found.format.name and found.card and found.card.variant == variant.precision.name
    if not fits or found.card is None or SAMPLE_FILE not in found.files:
        held = f"{found.card.variant if found.card else 'a foreign'} .{found.format.name} file"
        raise ConversionError(f"--{variant.option} does not take {path}, {held}: give a Keras model ({_possible()})")
    check_payload(variant, found.payload)
    make_folder(folder)
    final = folder / f"{variant.stem}{kind.suffix}"
    with tempfile.TemporaryDirectory(prefix=".export-", dir=folder) as scratch:
        candidate = Path(scratch) / final.name
        artifact.write(candidate, found.payload, found.card, found.files[SAMPLE_FILE], envelope=variant.format)
        if sign:
            sign(candidate)
        with load(candidate) as model:
            result = self_test(model.artifact, model)
        if not result.passed:
            raise ConversionError(
                f"{path} does not answer on {result.runtime} as at its export: digitrec-edge verify {path}"
            )
    artifact.write(final, found.payload, found.card, found.files[SAMPLE_FILE], envelope=variant.format)
    if sign:
        sign(final)
    write_beside(variant, final)
    return final


def _possible() -> str:
    rows = [(row, formats.by_name(row.format).envelope_of) for row in VARIANTS]
    return ", ".join(f"--{row.option} takes {row.precision.name} .{held} artifacts, too" for row, held in rows if held)
