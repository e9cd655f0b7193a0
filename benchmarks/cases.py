"""The cases of a benchmark: which artifact in which runtime; and what comes of each, one row."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.latency import Effort, Latency
from benchmarks.parity import Parity
from digitrec_edge import formats
from digitrec_edge.errors import BenchmarkError
from runtimes import RUNTIMES


@dataclass(frozen=True)
class Case:
    """What to measure.

    Attributes:
        artifact: path of the file.
        golden: path of the golden logits, None when there are none.
        data: data set, None is the bundled MNIST.
        effort: of the latency measurement, None measures parity alone.
    """

    artifact: str
    runtime: str
    threads: int = 1
    golden: str | None = None
    data: str | None = None
    effort: Effort | None = None


@dataclass(frozen=True)
class Measured:
    """What came of a case.

    Attributes:
        accuracy: share of right digits on the test set, 0 to 1.
        parity: None when there are no golden logits of the same source model and test set.
        load_ms: file to ready model, the runtime's import not counted.
    """

    artifact: str
    variant: str
    runtime_version: str
    file_bytes: int
    import_ms: float
    load_ms: float
    accuracy: float
    parity: Parity | None
    parity_note: str
    latency: Latency | None


@dataclass(frozen=True)
class Answer:
    """What a child process answers: a measurement, or the error that kept it from measuring."""

    measured: Measured | None
    error: str | None


@dataclass(frozen=True)
class Row:
    """A case with its result, or with the reason why there is none."""

    case: Case
    measured: Measured | None
    reason: str = ""


def find_artifacts(paths: Sequence[Path]) -> list[Path]:
    """Return the artifacts that files and folders name, in the order given, folders sorted.

    Raises:
        BenchmarkError: nothing is there.
    """
    suffixes = {row.suffix for row in formats.FORMATS}
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix in suffixes and not p.name.startswith("."))
            if not inside:
                raise BenchmarkError(f"no artifacts in {path}; make some with: digitrec-edge export")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise BenchmarkError(f"no such file or folder: {path}; make artifacts with: digitrec-edge export")
    return found


def plan(
    paths: Sequence[Path], runtimes: Sequence[str], *, threads: int, data: Path | None, effort: Effort | None
) -> list[Case]:
    """Pair every artifact with every runtime for its format, or with those asked for.

    Golden logits are looked for beside each artifact.

    Raises:
        BenchmarkError: no artifact, or a runtime that does not exist.
    """
    known = [row.name for row in RUNTIMES]
    for name in runtimes:
        if name not in known:
            raise BenchmarkError(f"no runtime is called {name!r}; choose from {', '.join(known)}")
    cases = []
    for path in find_artifacts(paths):
        beside = path.parent / "golden.npz"
        suffixed = {f.name for f in formats.FORMATS if f.suffix == path.suffix}  # none: let each runtime say why not
        for row in RUNTIMES:
            able = not suffixed or suffixed & set(row.formats)
            if row.name in runtimes or (not runtimes and able):
                cases.append(
                    Case(
                        artifact=str(path),
                        runtime=row.name,
                        threads=threads,
                        golden=str(beside) if beside.exists() else None,
                        data=str(data) if data else None,
                        effort=effort,
                    )
                )
    return cases
