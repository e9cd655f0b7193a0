"""``digitrec-edge robustness``."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitrec_edge import pretrained
from digitrec_edge.cli import terminal
from digitrec_edge.cli.options import AUTO, DataOption, RuntimeOption, ThreadsOption

if TYPE_CHECKING:
    from benchmarks.quality.robustness import Robustness


def robustness(
    artifacts: Annotated[
        list[Path] | None, typer.Argument(help="Artifacts, one column each. Default: the pretrained int8 one.")
    ] = None,
    runtime: RuntimeOption = AUTO,
    threads: ThreadsOption = 1,
    min_accuracy: Annotated[
        float | None, typer.Option(min=0, max=1, help="Fail (exit 1) when any set is below, such as 0.989.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write results and environment to this file.")
    ] = None,
    data: DataOption = None,
) -> None:
    """Measure accuracy on the test set when it is shifted, turned, noisy, faded, grey-backed or thickened.

    Every set is made from all test images by the rule in the table, the same in every run. The last row is
    the expected calibration error of the probabilities on the clean set (15 bins).
    """
    terminal.hold_native_output()
    from benchmarks.measure.environment import describe_environment
    from benchmarks.quality.robustness import TEST_SETS, check_floor, measure_robustness
    from digitrec_edge import mnist
    from digitrec_edge.files import write_file
    from runtimes import load

    paths = artifacts or [pretrained.DEFAULT]
    measured = []
    with terminal.progress() as bar:
        task = bar.add_task("robustness", total=len(paths) * len(TEST_SETS))
        for path in paths:
            with load(path, runtime, threads) as model:
                digits = mnist.load("test", data, len(model.labels))
                bar.update(task, description=f"{path.name} on {model.runtime}")
                measured.append(measure_robustness(model, digits, lambda result: bar.update(task, advance=1)))
    _print(measured, [path.name for path in paths])
    if json_file:
        environment = dataclasses.asdict(describe_environment())
        results = [dataclasses.asdict(one) for one in measured]
        write_file(json_file, json.dumps({"environment": environment, "robustness": results}, indent=1).encode())
    if min_accuracy is not None:
        for one in measured:
            check_floor(one, min_accuracy)


def _print(measured: "list[Robustness]", names: list[str]) -> None:
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
