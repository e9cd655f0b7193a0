"""From a file to a model: read and check the file, choose the runtime, open a session."""

import os

from digitrec_edge import artifact
from digitrec_edge.artifact import Artifact
from digitrec_edge.errors import (
    ArtifactError,
    BrokenRuntimeError,
    InputError,
    NotInstalledError,
    RuntimeUnavailableError,
)
from runtimes import support
from runtimes.model import Model
from runtimes.table import RUNTIMES, RuntimeRow, diagnose

AUTO = "auto"
MAX_THREADS = 256


def load(path: str | os.PathLike[str], runtime: str = AUTO, threads: int = 1) -> Model:
    """Load an artifact.

    Args:
        path: a .tflite or .onnx file, with or without a card.
        runtime: ``litert``, ``tflite-runtime``, ``onnxruntime``, or ``auto``: the first installed one
            that runs the file's format; ``model.runtime`` says which it is.
        threads: how many the runtime may use, at least 1.

    Raises:
        ArtifactError: no such file, damaged, foreign, or not a digit recogniser.
        RuntimeUnavailableError: the runtime is not installed, is broken, or cannot run this format.
        InputError: an unknown runtime or a number of threads outside 1-256.
    """
    if not 1 <= threads <= MAX_THREADS:
        raise InputError(f"threads is {threads}, 1 to {MAX_THREADS} are allowed")
    rows = candidates(runtime)
    found = artifact.read(path)
    able = [row for row in rows if row.installed and row.runs(found.format.name) and not unmet(found, row)]
    row = able[0] if able else choose(found.format.name, rows, runtime)
    return open_model(found, row, threads)


def candidates(runtime: str) -> tuple[RuntimeRow, ...]:
    """Return the rows that a runtime's name stands for; all of them for ``auto``."""
    if runtime == AUTO:
        return RUNTIMES
    rows = tuple(row for row in RUNTIMES if row.name == runtime)
    if not rows:
        raise InputError(f"no runtime is called {runtime!r}; choose {AUTO}, {', '.join(r.name for r in RUNTIMES)}")
    return rows


def choose(format_name: str, rows: tuple[RuntimeRow, ...], asked: str) -> RuntimeRow:
    """Return the first installed row that runs the format; the first at all when none is installed."""
    able = [row for row in rows if row.runs(format_name)]
    if not able:
        others = " or ".join(row.name for row in RUNTIMES if format_name in row.formats)
        raise InputError(f"{asked} does not run .{format_name} files; {others} does")
    installed = [row for row in able if row.installed]
    if not installed and len(able) > 1:
        extras = " or ".join(f"pip install 'digitrec-edge[{row.extra}]'" for row in able)
        raise NotInstalledError(f"no runtime for .{format_name} files is installed: {extras}")
    return (installed or able)[0]


def unmet(found: Artifact, row: RuntimeRow) -> str | None:
    """Say what an artifact needs that an installed runtime does not have; None when it has all."""
    return support.lacking(row.name, row.version, found.graph)


def open_model(found: Artifact, row: RuntimeRow, threads: int) -> Model:
    """Open a checked artifact in one runtime.

    Raises:
        RuntimeUnavailableError: the runtime is missing or broken, or lacks an operator that the model needs;
            the interpreter has not seen the model.
        ArtifactError: the runtime refuses the model for another reason.
    """
    module = row.module()
    lacking = unmet(found, row)
    if lacking:
        raise RuntimeUnavailableError(
            f"{found.card.variant if found.card else found.path} {lacking}: {_cure(found, row)}"
        )
    try:
        session = module.open_session(found.data, threads)
    except (ValueError, RuntimeError, TypeError) as cause:
        if "vector::reserve" in str(cause):
            raise BrokenRuntimeError(f"{row.name} does not work here: {diagnose(row, cause)}") from cause
        text = " ".join(str(cause).split())[:200]
        raise ArtifactError(f"{row.name} {row.version} refuses {found.path}: {text}") from cause
    except (SystemError, ImportError, AttributeError, OSError, MemoryError) as cause:  # numpy 2 shows only here
        raise BrokenRuntimeError(f"{row.name} is installed but does not work: {diagnose(row, cause)}") from cause
    return Model(session, found, row, threads)


def _cure(found: Artifact, row: RuntimeRow) -> str:
    """What to do about an operator that a runtime lacks: another runtime, a newer one, or another export."""
    others = [
        other
        for other in RUNTIMES
        if other.name != row.name and other.runs(found.format.name) and support.oldest(other.name, found.graph)
    ]
    newer = support.oldest(row.name, found.graph)
    cures = [f"pip install -U '{row.distribution}>={newer}'"] if newer else []
    cures += [f"install {other.distribution}" for other in others]
    return ", or ".join([*cures, f"export with --target {row.name}"])
