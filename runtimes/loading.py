"""From a file to a model: read and check the file, choose the runtime, open a session."""

import os
from collections.abc import Sequence
from pathlib import Path

from digitrec_edge import artifact
from digitrec_edge.artifact import Artifact, signature
from digitrec_edge.errors import (
    ArtifactError,
    BrokenRuntimeError,
    InputError,
    NotInstalledError,
    RuntimeUnavailableError,
)
from digitrec_edge.pip_lines import install, install_extra
from runtimes import support
from runtimes.model import Model
from runtimes.table import AUTO, RUNTIMES, RuntimeRow, diagnose, find, for_format

MAX_THREADS = 256


def load(
    path: str | os.PathLike[str] | bytes,
    runtime: str = AUTO,
    threads: int = 1,
    *,
    key: Path | None = None,
    sealed: bool = True,
) -> Model:
    """Load an artifact.

    Args:
        path: a .tflite or .onnx file, with or without a card; or the bytes of one.
        runtime: a name of the table of runtimes, or ``auto``: the first installed one that runs the file's
            format; ``model.runtime`` says which it is.
        threads: how many the runtime may use, at least 1.
        sealed: whether a file of ours must be as it was exported; else it is taken as a foreign model, without card.
        key: public key that the file must be signed with; None is the one of this machine's configuration, if any.

    Raises:
        ArtifactError: no such file, damaged, foreign, not a digit recogniser, or not signed with the key.
        RuntimeUnavailableError: the runtime is not installed, is broken, or cannot run this format.
        InputError: an unknown runtime or a number of threads outside 1-256.
    """
    if not 1 <= threads <= MAX_THREADS:
        raise InputError(f"threads is {threads}, 1 to {MAX_THREADS} are allowed")
    rows = candidates(runtime)
    found = artifact.parse(path, sealed=sealed) if isinstance(path, bytes) else artifact.read(path, sealed=sealed)
    able = (row for row in rows if row.installed and row.runs(found.format.name) and not unmet(found, row))
    try:
        row = next(able, None) or choose(found.format.name, rows)
    except InputError as cause:
        raise InputError(f"{found.path}: {cause}") from None
    return open_model(found, row, threads, key)


def candidates(runtime: str) -> tuple[RuntimeRow, ...]:
    """Return the rows that a runtime's name stands for; all of them for ``auto``."""
    return RUNTIMES if runtime == AUTO else (find(runtime),)


def choose(format_name: str, rows: Sequence[RuntimeRow]) -> RuntimeRow:
    """Return the first installed row that runs the format; the first at all when none is installed."""
    able = for_format(format_name, rows)
    installed = [row for row in able if row.installed]
    if not installed and len(able) > 1:
        extras = " or ".join(install_extra(row.extra) for row in able if row.extra)
        raise NotInstalledError(f"no runtime for .{format_name} files is installed: {extras}")
    return (installed or able)[0]


def unmet(found: Artifact, row: RuntimeRow) -> str | None:
    """Say what an artifact needs that an installed runtime does not have; None when it has all."""
    return support.lacking(row, row.version, found.graph)


def open_model(found: Artifact, row: RuntimeRow, threads: int, key: Path | None = None) -> Model:
    """Open a checked artifact in one runtime.

    Raises:
        RuntimeUnavailableError: the runtime is missing or broken, or lacks an operator that the model needs;
            the interpreter has not seen the model.
        ArtifactError: it is not signed with the key, or the runtime refuses the model for another reason.
    """
    signature.check(found, key)
    module = row.load()
    check_release(row)
    lacking = unmet(found, row)
    if lacking:
        raise RuntimeUnavailableError(f"{found.path} {lacking}{_cure(found, row)}")
    try:
        session = module.open_session(found, threads)
    except (ValueError, RuntimeError, TypeError) as cause:
        if "vector::reserve" in str(cause):
            raise BrokenRuntimeError(f"{row.name} does not work here: {diagnose(cause)}") from cause
        text = " ".join(str(cause).split())[:200]
        raise ArtifactError(f"{row.name} {row.version} refuses {found.path}: {text}") from cause
    except (SystemError, ImportError, AttributeError, OSError, MemoryError) as cause:  # numpy 2 shows only here
        raise BrokenRuntimeError(f"{row.name} is installed but does not work: {diagnose(cause)}") from cause
    return Model(session, found, row, threads, key)


def check_release(row: RuntimeRow) -> None:
    """Let pass an installed runtime that is not older than the oldest release that is used.

    Raises:
        RuntimeUnavailableError: names the installed version and the line that brings a newer one.
    """
    if support.version_key(row.version) < support.version_key(row.release):
        raise RuntimeUnavailableError(
            f"{row.name} {row.version} is older than {row.release}, the oldest release that digitrec-edge uses: "
            + install(f"{row.distribution}>={row.release}", upgrade=True)
        )


def _cure(found: Artifact, row: RuntimeRow) -> str:
    """What to do about an operator that a runtime lacks: another runtime, a newer one, or another export."""
    others = [
        other
        for other in for_format(found.format.name)
        if other is not row and other.distribution and support.oldest(other, found.graph)
    ]
    newer = support.oldest(row, found.graph)
    cures = [install(f"{row.distribution}>={newer}", upgrade=True)] if newer and row.distribution else []
    cures += [install_extra(other.extra) for other in others]
    if found.card and support.can_be_made(row, found.card.variant, found.format.name):
        cures.append(f"export with --target {row.name}")
    return f": {', or '.join(cures)}" if cures else ""
