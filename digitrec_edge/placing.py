"""Placing an artifact on a device: proved there first, then put in the place of the one before by one rename.

This is the device's side of ``digitrec-edge deploy``. It runs there as ``python -I -m digitrec_edge.placing ORDER`` in
the folder that :mod:`digitrec_edge.history` describes, and prints what came of it as its last line: JSON, or why not.
"""

import contextlib
import dataclasses
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from digitrec_edge import artifact, canary
from digitrec_edge.artifact import Artifact, signature
from digitrec_edge.canary import CanaryCount
from digitrec_edge.errors import DeploymentError, DigitrecError, OutputError
from digitrec_edge.files import sha256
from digitrec_edge.history import CURRENT, PREVIOUS, record
from digitrec_edge.records import Share, Within, load_json, parse
from digitrec_edge.verification.selftest import self_test
from runtimes.loading import load
from runtimes.model import Model

ARTIFACTS = "artifacts"
"""Folder of the files that the links lead to, each in one of its own; what no link leads to is removed."""

Text = Annotated[str, Within(0, 1000)]


@dataclass(frozen=True)
class Order:
    """What a device is to do.

    Attributes:
        file: to put in place, below the folder; empty: the one before.
        by: for the history.
        canary: file with digits that it must read at least as well as the one in place; empty: none.
        min_accuracy: share of the canary's digits that it must read in any case; None: as many as the one in place.
    """

    file: Text
    by: Text
    canary: Text = ""
    min_accuracy: Share | None = None


@dataclass(frozen=True)
class Placed:
    """What is in place now.

    Attributes:
        artifact: name of its file.
        before: of the one that was in place; empty where there was none.
        report: what its proof said, line by line.
    """

    artifact: Text
    sha256: Text
    before: Text
    report: tuple[Text, ...]
    canary: CanaryCount | None


def place(folder: Path, order: Order) -> Placed:
    """Prove an artifact, put it in place and write the history; one that fails changes nothing, which is written, too.

    Raises:
        DigitrecError: there is none, or it fails; the one in place stays there.
    """
    before = target(folder / CURRENT)
    wanted = _wanted(folder, order)
    try:
        found, report, outcome = _prove(wanted, before, order)
        record(folder, "deployed" if order.file else "rolled back", found, by=order.by)
        if before and wanted != before:
            _lead(folder / PREVIOUS, before)
        _lead(folder / CURRENT, wanted)
    except DigitrecError as cause:
        with contextlib.suppress(DigitrecError):  # the disk is full, say: why it failed is what the user is told
            record(folder, "refused", _readable(wanted), by=order.by, why=str(cause))
        raise
    finally:
        _tidy(folder)
    return Placed(wanted.name, sha256(found.data), before.name if before else "", report, outcome)


def target(link: Path) -> Path | None:
    """Return the file that a link of the folder leads to; None where nothing is there."""
    found = link.resolve()
    return found if link.is_symlink() and found.is_file() else None


def _wanted(folder: Path, order: Order) -> Path:
    if order.file:
        return (folder / order.file).resolve()
    found = target(folder / PREVIOUS)
    if found is None or found == target(folder / CURRENT):
        raise DeploymentError("there is no artifact before the one in place: nothing to bring back")
    return found


def _readable(path: Path) -> Artifact | Path:
    try:
        return artifact.read(path)
    except DigitrecError:
        return path


def _prove(wanted: Path, before: Path | None, order: Order) -> tuple[Artifact, tuple[str, ...], CanaryCount | None]:
    with load(wanted) as model:
        report = [f"whole; {signature.check(model.artifact)}"]
        result = self_test(model.artifact, model)
        report.append(result.summary)
        if not result.passed:
            raise DeploymentError(f"it fails its self-test here: {result.summary}")
        outcome = _try_canary(model, before, order) if order.canary else None
    return model.artifact, tuple(report), outcome


def _try_canary(model: Model, before: Path | None, order: Order) -> CanaryCount:
    digits = canary.read(Path(order.canary), len(model.labels))
    found = CanaryCount(len(digits), canary.right(model, digits), canary.right_in(before, digits) if before else None)
    told = f"it reads {found.right:,} of the canary's {found.images:,} images right"
    if found.right_before is None and order.min_accuracy is None:
        raise DeploymentError(
            f"{told}, and no other that runs is in place to compare with: say what will do, --canary-accuracy"
        )
    if found.right_before is not None and found.right < found.right_before:
        raise DeploymentError(f"{told}, and the one in place {found.right_before:,}")
    if order.min_accuracy is not None and found.right < order.min_accuracy * found.images:
        raise DeploymentError(f"{told}, and {order.min_accuracy:.1%} of them are asked for")
    return found


def _lead(link: Path, to: Path) -> None:
    """Have a link lead to a file, from one moment to the next."""
    new = link.with_name(f".{link.name}.new")
    try:
        if link.exists() and not link.is_symlink():
            raise OutputError(f"{link} is no link of deploy's: move it away")
        new.unlink(missing_ok=True)
        new.symlink_to(os.path.relpath(to, link.parent))
        new.replace(link)
    except OSError as cause:
        raise OutputError(f"cannot write {str(link)!r}: {cause.strerror}") from cause


def _tidy(folder: Path) -> None:
    """Remove what no link leads to: an artifact that failed, one from before the last, a canary, halves of files."""
    kept = {found.parent for found in (target(folder / CURRENT), target(folder / PREVIOUS)) if found}
    for entry in (folder / ARTIFACTS).iterdir():
        if entry.resolve() not in kept:
            shutil.rmtree(entry, ignore_errors=True)


def main() -> None:
    """Follow the order on the command line, in the folder at hand."""
    try:
        placed = place(Path.cwd(), parse(Order, load_json(sys.argv[1]), "order"))
        print(json.dumps(dataclasses.asdict(placed)))
    except (DigitrecError, ValueError) as error:
        print(f"{error}"[:1000])
        sys.exit(1)


if __name__ == "__main__":
    main()
