"""``digitrec-edge train --base``: going on with corrected digits, and the gate that the new model must pass."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from digitrec_edge.cli import terminal
from digitrec_edge.cli.options import check_apart

if TYPE_CHECKING:
    from benchmarks.quality.relearned import Answerer, Relearned
    from digitrec_edge.collection import Corrected
    from digitrec_edge.mnist import Digits
    from digitrec_edge.training.checkpoint import Epoch
    from digitrec_edge.training.history import History


def learn(base: Path, data: Sequence[Path], output: Path | None, seed: int, *, allow_worse: bool) -> None:
    """Train a model further with what was corrected, show what became of it, and write it if it is better.

    Args:
        base: the .keras file; it stays.
        data: collections, and at most one data set that the base was trained on.
        output: None is beside the base.
        seed: of the training.
        allow_worse: write it whatever the gate says.
    """
    from digitrec_edge import mnist
    from digitrec_edge.errors import BenchmarkError, DataError, TrainingError
    from digitrec_edge.files import check_writable
    from digitrec_edge.training import continuing, network
    from digitrec_edge.training.history import history_path, read_history, write

    for path in data:
        if not path.exists():
            raise DataError(f"no such file or folder: {path}")
    collections = [path for path in data if is_collection(path)]
    source = _only([path for path in data if path not in collections])
    if not collections:
        instead = f"{str(source)!r} is none: " if source else ""
        raise typer.BadParameter(f"{instead}name a collection, such as --data collection.sqlite", param_hint="--data")
    output = output or base.with_name(f"{base.stem}-learnt.keras")
    check_apart({"--output": output}, [base, *data])
    check_writable(output)
    before = network.load(base)
    history = read_history(base)
    if history is None:
        raise TrainingError(f"{base} has no history of its own, so nobody knows what it was trained on; train it anew")
    found = _read(collections)
    new, test = _new(found), mnist.load("test", source)
    _print_found(found)
    with terminal.progress() as bar:
        task = bar.add_task("compiling", total=continuing.CONTINUED.epochs)

        def on_epoch(epoch: "Epoch") -> None:
            bar.update(task, advance=1, description=f"epoch {epoch.epoch}")
            print(_line(epoch), flush=True)

        after = network.load(base)
        learnt = continuing.go_on(after, history, new, seed, source, on_epoch=on_epoch)
        bar.update(task, description="comparing with the base")
        verdict = _judge(_reader(before, history), _reader(after, learnt), found, test)
    show(verdict)
    try:
        verdict.check()
    except BenchmarkError as error:
        if not allow_worse:
            raise BenchmarkError(f"{output} is not written: {error}; --allow-worse writes it all the same") from None
        print(f"written all the same: {error}")
    write(after, learnt, output)
    print(f"{output}, {history_path(output)}")


def is_collection(path: Path) -> bool:
    """Whether a file is one by its content; whole or not is for who opens it."""
    from digitrec_edge.collection.schema import is_sqlite

    return path.is_file() and is_sqlite(path)


def _only(sources: Sequence[Path]) -> Path | None:
    if len(sources) > 1:
        raise typer.BadParameter(
            f"{' and '.join(map(str, sources))} are no collections; one data set of old digits at most",
            param_hint="--data",
        )
    return sources[0] if sources else None


def _read(paths: Sequence[Path]) -> "Corrected":
    """Read what was corrected in these collections, no image twice."""
    import tempfile

    from digitrec_edge.collection import Collection, corrected, merge

    if len(paths) == 1:
        with Collection(paths[0], create=False) as one:
            one.check()
            return corrected(one, distinct=True)
    with tempfile.TemporaryDirectory() as folder, Collection(Path(folder) / "all.sqlite") as together:
        for path in paths:
            merge(together, path)
        return corrected(together, distinct=True)


def _new(found: "Corrected") -> "Digits":
    """Return what is for training."""
    import numpy as np

    from digitrec_edge.mnist import Digits
    from digitrec_edge.training.loop import NO_DIGIT

    labels = np.where(found.labels < 0, NO_DIGIT, found.labels)[~found.held_out]
    return Digits(found.images[~found.held_out], labels.astype(np.uint16))


def _print_found(found: "Corrected") -> None:
    marks = int((found.labels < 0).sum())
    held_out = int(found.held_out.sum())
    print(
        f"{terminal.counted(len(found.labels), 'correction')}, {marks:,} of them no digit: "
        f"{len(found.labels) - held_out:,} to learn from, {held_out:,} held out"
    )


def _reader(model: Any, history: "History") -> "Answerer":
    import math

    from benchmarks.quality.relearned import Answerer
    from digitrec_edge.training.network import reference_logits

    threshold = history.no_digit.threshold if history.no_digit else -math.inf
    return Answerer(lambda images: reference_logits(model, images), threshold)


def _judge(before: "Answerer", after: "Answerer", found: "Corrected", test: "Digits") -> "Relearned":
    from benchmarks.quality.relearned import judge

    return judge(before, after, found.images[found.held_out], found.labels[found.held_out], test)


def show(verdict: "Relearned") -> None:
    """Print the table of the gate."""
    from benchmarks.quality.significance import ALPHA

    learnt = verdict.learnt
    count = max(1, learnt.images)
    rows = [
        [
            f"{learnt.images:,} held-out corrections", f"{learnt.before / count:.2%}", f"{learnt.after / count:.2%}",
            f"{learnt.better} better, {learnt.worse} worse", f"better, p up to {ALPHA:.2g}; it is {learnt.chance:.2g}",
            _passed(learnt.passed),
        ]
    ]  # fmt: skip
    rows += [
        [
            one.guard.name, f"{one.before:.2%}", f"{one.after:.2%}", f"{one.change_pp:+.2f} pp",
            f"-{one.guard.tolerance_pp:g} pp or better", _passed(one.passed),
        ]
        for one in verdict.held
    ]  # fmt: skip
    columns = [
        ("what", False), ("base", True), ("new", True), ("change", True), ("needed", False), ("", False),
    ]  # fmt: skip
    terminal.print_table("the new model and its base", columns, rows, drop=("needed",))


def _passed(passed: bool) -> str:
    return "ok" if passed else "FAILED"


def _line(epoch: "Epoch") -> str:
    return (
        f"epoch {epoch.epoch:3d}  loss {epoch.loss:.4f}  accuracy {epoch.accuracy:6.2%}  "
        f"validation accuracy {epoch.eval_accuracy:6.2%}  {epoch.seconds:.2f} s"
    )
