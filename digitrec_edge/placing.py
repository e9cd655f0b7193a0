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
from collections.abc import Iterator
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

LEAVING = ".leaving"
"""Link to what is in place while another takes its place: in the end PREVIOUS leads there."""

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

    Killed at any moment, it has happened or it has not, and nothing that was in place is lost: what leaves its place is
    kept by a link of its own until PREVIOUS leads there. The next rollback goes on with one that was cut off.

    Raises:
        DigitrecError: there is none, or it fails; the one in place stays there.
    """
    if order.file or target(folder / PREVIOUS) != target(folder / CURRENT):
        _settle(folder)
    before = target(folder / LEAVING) or target(folder / CURRENT)
    wanted = _wanted(folder, order, before)
    try:
        found, report, outcome = _prove(wanted, before, order)
        _check_links(folder)
        if before:
            _lead(folder / LEAVING, before)
        _lead(folder / CURRENT, wanted)
        record(folder, "deployed" if order.file else "rolled back", found, by=order.by)
    except DigitrecError as cause:
        _put_back(folder, before)
        with contextlib.suppress(DigitrecError):  # the disk is full, say: why it failed is what the user is told
            record(folder, "refused", _readable(wanted), by=order.by, why=str(cause))
        raise
    finally:
        _settle(folder)
        _tidy(folder)
    return Placed(wanted.name, sha256(found.data), before.name if before else "", report, outcome)


def target(link: Path) -> Path | None:
    """Return the file that a link of the folder leads to; None where nothing is there."""
    found = link.resolve()
    return found if link.is_symlink() and found.is_file() else None


def _wanted(folder: Path, order: Order, before: Path | None) -> Path:
    if order.file:
        return (folder / order.file).resolve()
    found = target(folder / PREVIOUS)
    if found is None or found == before:
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


def _check_links(folder: Path) -> None:
    for link in (folder / CURRENT, folder / PREVIOUS):
        if link.exists() and not link.is_symlink():
            raise OutputError(f"{link} is no link of deploy's: move it away")


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as cause:
        raise OutputError(f"cannot write {str(path)!r}: {cause.strerror}") from cause


def _lead(link: Path, to: Path) -> None:
    """Have a link lead to a file, from one moment to the next."""
    new = link.with_name(f".{link.name}.new")
    with _writing(link):
        new.unlink(missing_ok=True)
        new.symlink_to(os.path.relpath(to, link.parent))
        new.replace(link)


def _settle(folder: Path) -> None:
    """Have PREVIOUS lead to what has left its place; what was about to and is still there is no longer about to."""
    leaving = folder / LEAVING
    with _writing(folder / PREVIOUS):
        if target(leaving) not in (None, target(folder / CURRENT)):
            leaving.replace(folder / PREVIOUS)
        elif leaving.is_symlink():
            leaving.unlink()


def _put_back(folder: Path, before: Path | None) -> None:
    """Have CURRENT lead to what was in place, where it does not."""
    if target(folder / CURRENT) == before:
        return
    if before:
        _lead(folder / CURRENT, before)
    else:
        with _writing(folder / CURRENT):
            (folder / CURRENT).unlink()


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
