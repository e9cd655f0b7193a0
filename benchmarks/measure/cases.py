"""The cases of a benchmark: which artifact in which runtime, with how many threads and pictures at a time."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.quality.answers import Answers
from benchmarks.quality.parity import Parity
from digitrec_edge import artifact, formats
from digitrec_edge.artifact import golden
from digitrec_edge.errors import ArtifactError, BenchmarkError
from digitrec_edge.files import readable
from runtimes.table import RUNTIMES, find

UNKNOWN = "unknown"


def case_label(name: str, threads: int, batch: int, separator: str = ", ") -> str:
    """Call a case by its name, and by its threads and pictures per call where these are several."""
    return separator.join([name, *[f"{threads} threads"] * (threads > 1), *[f"batch {batch}"] * (batch > 1)])


@dataclass(frozen=True)
class Case:
    """What to measure.

    Attributes:
        artifact: path of the file.
        batch: pictures per call.
        golden: path of the golden logits, None when there are none.
        data: data set, None is the bundled MNIST.
    """

    artifact: str
    runtime: str
    threads: int = 1
    batch: int = 1
    golden: str | None = None
    data: str | None = None

    @property
    def label(self) -> str:
        """What to call the case in one line."""
        return case_label(f"{Path(self.artifact).name} on {self.runtime}", self.threads, self.batch)


@dataclass(frozen=True)
class Measured:
    """What an artifact answers in a runtime, over the whole test set.

    Attributes:
        accuracy: share of right digits, 0 to 1.
        class_accuracy: the same for each digit; None for a digit that the test set lacks.
        answers: what each image was read as.
        parity: None when there are no golden logits of the same source model and test set.
    """

    artifact: str
    variant: str
    runtime_version: str
    file_bytes: int
    accuracy: float
    class_accuracy: tuple[float | None, ...]
    answers: Answers
    parity: Parity | None
    parity_note: str


@dataclass(frozen=True)
class Attempt:
    """A case with its result, or with the reason why there is none."""

    case: Case
    measured: Measured | None
    reason: str = ""


def find_artifacts(paths: Sequence[Path]) -> list[Path]:
    """Return the artifacts that files and folders name, each once, in the order given, folders sorted.

    Of a folder, envelopes are left out, since what they hold is measured as the artifact that it is (and a report is a
    page, too), and so is C, which runs elsewhere: name a file of these to have it measured.

    Raises:
        BenchmarkError: nothing is there, or results could not tell the files apart by their names.
    """
    found: dict[str, Path] = {}
    for path in (one for named in paths for one in _named(named)):
        if (name := readable(path.name)) != path.name:
            raise BenchmarkError(f"{name} cannot be measured: results hold the name, which is not UTF-8; rename it")
        if os.path.realpath(found.setdefault(name, path)) != os.path.realpath(path):
            raise BenchmarkError(f"{found[name]} and {path} have one name, by which results tell files: rename one")
    return [*found.values()]


def _named(path: Path) -> list[Path]:
    if path.is_dir():
        inside = sorted(one for one in path.iterdir() if _is_measured(one.name))
        if not inside:
            raise BenchmarkError(f"no artifacts in {path}; make some with: digitrec-edge export")
        return inside
    if not path.exists():
        raise BenchmarkError(f"no such file or folder: {path}; make artifacts with: digitrec-edge export")
    return [path]


def _is_measured(name: str) -> bool:
    row = formats.of_file_name(name)
    return row is not None and row.measured and not name.startswith(".")


def variant_of(path: Path) -> str:
    """Return the precision that an artifact's card names; ``unknown`` for a foreign or damaged file."""
    try:
        card = artifact.read(path).card
    except ArtifactError:
        return UNKNOWN
    return card.variant if card else UNKNOWN


def plan(
    paths: Sequence[Path],
    runtimes: Sequence[str] = (),
    *,
    variants: Sequence[str] = (),
    threads: Sequence[int] = (1,),
    batches: Sequence[int] = (1,),
    data: Path | None = None,
) -> list[Case]:
    """Pair every artifact with every runtime for its format, or with those of them that are asked for.

    Golden logits are looked for beside each artifact.

    Raises:
        BenchmarkError: no artifact, no artifact of a variant, or none that a runtime asked for can be given.
        InputError: a runtime that does not exist.
    """
    for name in runtimes:
        find(name)
    found = find_artifacts(paths)
    if variants:
        there = {path: variant_of(path) for path in found}
        for name in variants:
            if name not in there.values():
                raise BenchmarkError(
                    f"no artifact of variant {name!r}; there are {', '.join(sorted({*there.values()}))}"
                )
        found = [path for path in found if there[path] in variants]
    cases = []
    for path in found:
        beside = path.parent / golden.FILE_NAME
        named = formats.of_file_name(path.name)  # None: let each runtime say why not
        for row in RUNTIMES:
            able = named is None or row.runs(named.name)
            if able and (row.name in runtimes or not runtimes):
                reference = str(beside) if beside.exists() else None
                source = str(data) if data else None
                cases += [Case(str(path), row.name, t, b, reference, source) for t in threads for b in batches]
    if found and not cases:
        rows = [f"{name} runs {' and '.join(f'.{one}' for one in find(name).formats)} files" for name in runtimes]
        names = ", ".join(path.name for path in found[:3]) + (", ..." if len(found) > 3 else "")
        raise BenchmarkError(f"nothing to measure: {', '.join(rows)}; there is {names}; leave --runtime out")
    return cases
