"""``digitrec-edge robustness``."""

import contextlib
import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitrec_edge import pretrained
from digitrec_edge.cli import terminal
from digitrec_edge.cli.options import DataOption, RuntimeOption, ThreadsOption, check_apart, find_artifacts
from digitrec_edge.cli.reading import default_artifact
from runtimes.table import AUTO

if TYPE_CHECKING:
    from benchmarks.quality.corrupted import Corrupted
    from benchmarks.quality.no_digit import Told
    from benchmarks.quality.robustness import Robustness


@dataclasses.dataclass(frozen=True)
class RobustnessTables:
    """What was measured of every artifact, in their order; a part is a table on the terminal and a list in the JSON."""

    robustness: "list[Robustness]"
    corruptions: "tuple[Corrupted, ...]"
    no_digit: "list[Told]"


def robustness(
    artifacts: Annotated[
        list[Path] | None,
        typer.Argument(
            callback=find_artifacts, help="Artifacts. Default: the pretrained int8 one, and float32 where it runs."
        ),
    ] = None,
    runtime: RuntimeOption = AUTO,
    threads: ThreadsOption = 1,
    min_accuracy: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Fail (exit 1) when any set of the first table is below, such as 0.989."),
    ] = None,
    min_corrupted: Annotated[
        float | None, typer.Option(min=0, max=1, help="Fail (exit 1) when the mean of the corruptions is below.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write results and environment to this file.")
    ] = None,
    data: DataOption = None,
) -> None:
    """Measure accuracy on the test set when its digits are shifted, turned, noisy, faded or corrupted.

    Every set is made from all test images by the rule in the table, the same in every run. The first table has a
    column per artifact; its last row is the expected calibration error of the probabilities on the clean set
    (15 bins). Then comes a table per artifact: fifteen corruptions after MNIST-C, each with accuracy, agreement
    with the float32 artifact of the same source, when that is measured too, and calibration error. The last tables
    tell how many digits are taken for digits, and how many letters, shapes, parts and pairs of digits are, too.
    """
    terminal.hold_native_output()
    from benchmarks.measure.environment import describe_environment
    from benchmarks.quality.corrupted import check_mean
    from benchmarks.quality.robustness import check_floor
    from digitrec_edge.files import check_writable, write_file

    paths = artifacts or _at_hand(runtime)
    check_apart({"--json": json_file}, paths)
    if json_file:
        check_writable(json_file)
    measured = _measure(paths, runtime, threads, data)
    show(measured, [path.name for path in paths])
    if json_file:
        found = {"environment": dataclasses.asdict(describe_environment()), **dataclasses.asdict(measured)}
        write_file(json_file, json.dumps(found, indent=1).encode())
    for quick, corrupted in zip(measured.robustness, measured.corruptions, strict=True):
        if min_accuracy is not None:
            check_floor(quick, min_accuracy)
        if min_corrupted is not None:
            check_mean(corrupted, min_corrupted)


def _at_hand(runtime: str) -> list[Path]:
    """Return the pretrained int8 artifact that the runtime runs, and the float32 one where it, or any here, does."""
    from digitrec_edge import artifact
    from runtimes.loading import candidates, unmet

    found = artifact.read(pretrained.FLOAT32)
    rows = [row for row in candidates(runtime) if row.installed and row.runs(found.format.name)]
    if any(not unmet(found, row) for row in rows):
        return [pretrained.DEFAULT, pretrained.FLOAT32]
    path = default_artifact(runtime)
    print(f"no runtime here runs {pretrained.FLOAT32.name}: measuring {path.name} alone", file=sys.stderr)
    return [path]


def _measure(paths: list[Path], runtime: str, threads: int, data: Path | None) -> RobustnessTables:
    from benchmarks.quality.corrupted import measure_corrupted
    from benchmarks.quality.corruptions import CORRUPTIONS
    from benchmarks.quality.no_digit import measure_no_digit
    from benchmarks.quality.robustness import TEST_SETS, measure_robustness
    from digitrec_edge import mnist
    from runtimes import load

    with contextlib.ExitStack() as loaded, terminal.progress() as bar:
        task = bar.add_task("robustness", total=len(paths) * len(TEST_SETS) + len(CORRUPTIONS))
        models = [loaded.enter_context(load(path, runtime, threads)) for path in paths]
        pairs = [(model, mnist.load_for(model.labels, "test", data)) for model in models]
        quick = []
        for path, (model, digits) in zip(paths, pairs, strict=True):
            bar.update(task, description=f"{path.name} on {model.runtime}")
            quick.append(measure_robustness(model, digits, lambda result: bar.update(task, advance=1)))
        bar.update(task, description="corruptions")
        corrupted = measure_corrupted(pairs, lambda: bar.update(task, advance=1))
        bar.update(task, description="no digit")
        return RobustnessTables(quick, corrupted, [measure_no_digit(model, digits) for model, digits in pairs])


def show(measured: RobustnessTables, names: list[str]) -> None:
    """Print the tables, with these names of the artifacts."""
    _print_sets(measured.robustness, names)
    for name, one in zip(names, measured.corruptions, strict=True):
        _print_corrupted(one, name)
    for name, quick, told in zip(names, measured.robustness, measured.no_digit, strict=True):
        _print_no_digit(told, f"{name} on {quick.runtime}")


def _print_sets(measured: "list[Robustness]", names: list[str]) -> None:
    from benchmarks.quality.robustness import TEST_SETS

    rows = [
        [test_set.name, test_set.rule, f"{measured[0].results[k].images:,}"]
        + [f"{one.results[k].accuracy:.2%}" for one in measured]
        for k, test_set in enumerate(TEST_SETS)
    ]
    rows.append(
        ["calibration error", "of probabilities, clean", f"{measured[0].results[0].images:,}"]
        + [f"{one.calibration_error:.4f}" for one in measured]
    )
    headings = [f"{terminal.escaped(name)}\n{one.runtime}" for name, one in zip(names, measured, strict=True)]
    columns = [("set", False), ("every image", False), ("images", True), *((heading, True) for heading in headings)]
    terminal.print_table("accuracy", columns, rows, drop=("images", "every image"))


def _print_corrupted(found: "Corrupted", name: str) -> None:
    from benchmarks.quality.corruptions import CORRUPTIONS

    rules = [*(corruption.rule for corruption in CORRUPTIONS), "of all", "in each column"]
    lines = zip((*found.results, found.mean, found.worst), rules, strict=True)
    rows = [[row.name, f"{row.accuracy:.2%}", f"{row.calibration_error:.4f}", rule] for row, rule in lines]
    columns = [("corruption", False), ("accuracy", True), ("calibration\nerror", True), ("every image", False)]
    if found.reference:
        columns.insert(2, ("as float32", True))
        for cells, row in zip(rows, (*found.results, found.mean, found.worst), strict=True):
            cells.insert(2, f"{row.agreement:.2%}")
    title = f"corruptions, {found.images:,} images each: {name} on {found.runtime}"
    terminal.print_table(title, columns, rows, drop=("every image",))


def _print_no_digit(told: "Told", name: str) -> None:
    from benchmarks.quality.no_digit import MARKS

    rules = {marks.name: marks.rule for marks in MARKS}
    rows = [["test digits", f"{told.digits:,}", f"{told.kept:.2%}", "", "what should be taken for digits"]]
    rows += [
        [one.name, f"{one.images:,}", f"{one.accepted:.2%}", f"{one.auroc:.4f}", rules[one.name]]
        for one in told.results
    ]
    columns = [("marks", False), ("images", True), ("taken for\ndigits", True), ("AUROC", True), ("what", False)]
    rule = "takes everything for digits" if told.threshold is None else f"from a score of {told.threshold:g} on"
    terminal.print_table(f"no digit: {name}, {rule}", columns, rows, drop=("what", "images"))
