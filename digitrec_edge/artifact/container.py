"""Artifacts: self-describing model files, read whole, checked, and written whole.

An artifact is a payload (the model as its converter wrote it), a card, and a seal over both: the last
71 bytes are ``sha256:`` and the hash of everything before them. A file without a card is foreign; it
may be a perfectly good model, but nothing shows that it is whole.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from digitrec_edge import formats, frozen
from digitrec_edge.artifact.card import Card
from digitrec_edge.errors import ArtifactError, ChangedError, DamagedError
from digitrec_edge.files import read_file, replacing, sha256
from digitrec_edge.formats import CARD_FILE, LABELS_FILE, MARK, SAMPLE_FILE, SEAL_BYTES, Format, is_sealed, sealed
from digitrec_edge.formats.budget import BUDGET
from digitrec_edge.formats.graph import Graph, MalformedError
from digitrec_edge.records import NewerVersionError

IN_MEMORY = Path("a model in memory")
"""What a model without a file is called."""

STRIPPED = b"digitrec_free"
"""Takes the place of the mark in a model that no longer counts as ours; as long as the mark, so that nothing moves."""

_OF_KERAS = b"model.weights.h5"
"""The name of a file in each .keras archive."""

LIMIT_BYTES = BUDGET.file_bytes
"""Larger files are refused unread."""


class Artifact(frozen.Frozen):
    """A model file that was read and found whole.

    Attributes:
        data: the file's bytes.
        payload: the model without its card.
        card: None for a foreign file.
        files: what travels with the model, by name; empty for a foreign file.
        graph: tensors and operators.
        sealed: whether one of ours had to be as it was exported.
    """

    path: Path
    format: Format
    data: bytes
    payload: bytes
    card: Card | None
    files: Mapping[str, bytes]
    graph: Graph
    sealed: bool = True

    @property
    def name(self) -> str:
        """The card's name, or the file's."""
        return self.card.name if self.card else self.path.stem

    @property
    def model(self) -> bytes:
        """What a runtime is given: the file, or of an envelope the model in it."""
        return self.payload if self.format.envelope_of else self.data


def read(path: str | os.PathLike[str], *, sealed: bool = True) -> Artifact:
    """Read a model file and check it.

    Args:
        path: the file.
        sealed: whether one of ours must be as it was exported; else it is taken as a foreign model, without its card.

    Raises:
        ArtifactError: missing, not a regular file, of no known format, malformed, or of a newer version.
        DamagedError: it carries a card but is truncated or was changed.
    """
    path = Path(path)
    return parse(read_file(path, limit_bytes=LIMIT_BYTES, error=ArtifactError), path, sealed=sealed)


def parse(data: bytes, path: Path = IN_MEMORY, *, sealed: bool = True) -> Artifact:
    """Check the bytes of a model file.

    Args:
        data: all of it.
        path: what to call it; beside it lies its signature, if there is one.
        sealed: as for :func:`read`.

    Raises:
        ArtifactError, DamagedError: as :func:`read`.
    """
    if len(data) > LIMIT_BYTES:
        raise ArtifactError(f"{path} has {len(data):,} bytes; at most {LIMIT_BYTES:,} are read")
    kind = formats.recognise(data)
    whole = is_sealed(data)
    if not sealed and kind and MARK in data:
        data, whole = _stripped(data, kind), False
    if not whole and MARK in data:
        raise _not_as_exported(path, data, kind)
    if kind is None:
        raise _no_model_file(path, data)
    try:
        payload, files = kind.load().split(data) if whole else (data, {})
        graph = kind.load().describe(payload)
    except MalformedError as cause:
        raise ArtifactError(f"{path} is not a valid {kind.name} model: {cause}") from cause
    card = _card(path, payload, files) if whole else None
    return Artifact(path, kind, data, payload, card, files, graph, sealed)


def _no_model_file(path: Path, data: bytes) -> ArtifactError:
    if data.startswith(b"PK") and _OF_KERAS in data:
        import shlex

        named = shlex.quote(str(path))
        return ArtifactError(f"{path} is not a model file but a Keras model; try: digitrec-edge export {named}")
    known = ", ".join(row.suffix for row in formats.FORMATS)
    return ArtifactError(f"{path} is not a model file: its content is none of {known}")


def strip(path: str | os.PathLike[str]) -> bytes:
    """Return the model of a file alone, as a foreign one: without card, sample and seal.

    Raises:
        ArtifactError: as :func:`read` for a foreign file; nothing is said of where the model comes from.
        DamagedError: what is attached to the model is damaged, and cannot be told from it.
    """
    payload = read(path, sealed=False).payload
    if CARD_FILE.encode().replace(MARK, STRIPPED) in payload:
        raise DamagedError(f"{path} is damaged: its card and sample cannot be cut off; copy or export it again")
    return payload


def _stripped(data: bytes, kind: Format) -> bytes:
    """Cut off what was attached, and let nothing in the model say that it is ours."""
    try:
        payload, _ = kind.load().split(data)
    except MalformedError:  # another tool has moved or dropped it
        payload = data
    return payload.replace(MARK, STRIPPED)


def _not_as_exported(path: Path, data: bytes, kind: Format | None) -> DamagedError:
    """Tell damage from change: what is damaged is no valid model, or has its seal still behind it."""
    copied = "copy or export it again"
    gone = data[-SEAL_BYTES:][:7] != b"sha256:"
    how = "was changed by another tool, or cut" if gone else "is damaged, or was changed by another tool"
    why = "its seal is gone" if gone else "its sha256 does not fit its content"
    try:
        if kind:
            kind.load().describe(_stripped(data, kind))
            return ChangedError(
                f"{path} {how}, since it was exported, and is no longer vouched for: {why}; {copied}, or take the "
                f"model as it is: digitrec-edge strip {path}"
            )
    except MalformedError:
        pass
    return DamagedError(f"{path} is damaged: its sha256 does not fit its content; {copied}")


def signature_path(path: Path) -> Path:
    """Where the signature of a file lies: ``digitrec-int8.tflite`` -> ``digitrec-int8.tflite.sig``."""
    return path.with_name(f"{path.name}.sig")


def _card(path: Path, payload: bytes, files: Mapping[str, bytes]) -> Card:
    try:
        card = Card.from_json(files.get(CARD_FILE, b"null"))
    except NewerVersionError as cause:
        raise ArtifactError(f"{path} was {cause}") from cause
    except ValueError as cause:
        raise DamagedError(f"{path} has a card that cannot be read: {cause}") from cause
    if card.payload_sha256 != sha256(payload):
        raise DamagedError(f"{path} is damaged: the model is not the one that its card describes; export it again")
    return card


def write(
    path: str | os.PathLike[str], payload: bytes, card: Card, sample: bytes | None = None, envelope: str | None = None
) -> None:
    """Write payload, card, sample and seal to ``path``; see :func:`seal` and :func:`replace`."""
    replace(path, seal(payload, card, sample, envelope))


def replace(path: str | os.PathLike[str], data: bytes) -> None:
    """Write the bytes of a model file to ``path``, atomically; a signature of the file before is removed first."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)
        signature_path(Path(path)).unlink(missing_ok=True)


def seal(payload: bytes, card: Card, sample: bytes | None = None, envelope: str | None = None) -> bytes:
    """Return the bytes of an artifact; the card's payload hash is set here.

    Args:
        payload: the model as its converter wrote it.
        card: what it says of itself.
        sample: test images and their logits for a self-test on the device, see :mod:`digitrec_edge.artifact.sample`.
        envelope: format of the file, where it is one that holds artifacts of the card's; None is the card's own.
    """
    card = frozen.replace(card, payload_sha256=sha256(payload))
    files = {LABELS_FILE: "".join(f"{label}\n" for label in card.labels).encode(), CARD_FILE: card.to_json()}
    if sample is not None:
        files[SAMPLE_FILE] = sample
    return sealed(formats.by_name(envelope or card.format).load().attach(payload, files))
