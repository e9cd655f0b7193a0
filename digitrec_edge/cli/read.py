"""``digitrec-edge read``."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitrec_edge.cli import terminal
from digitrec_edge.cli.options import ModelOption, RuntimeOption
from digitrec_edge.cli.pictures import expand
from digitrec_edge.cli.reading import default_artifact
from digitrec_edge.errors import DataError, NotInstalledError, OutputError
from runtimes.table import AUTO

if TYPE_CHECKING:
    from digitrec_edge.farm.inputs import Input
    from digitrec_edge.farm.output import Tally
    from digitrec_edge.farm.parts import InputPart
    from digitrec_edge.farm.reader import Reader
    from digitrec_edge.farm.work import Work

SHOWN = 20
"""Parts that cannot be read are named, so many of them."""

NEEDS = ("pyarrow", "dask", "distributed", "cryptography")


def read(
    pictures: Annotated[
        Path,
        typer.Argument(help="Parquet or .npy file, or a folder of them or of picture files.", metavar="PICTURES"),
    ],
    output: Annotated[Path, typer.Option(help="Folder for the answers: a Parquet file for each part.")],
    scheduler: Annotated[
        str | None,
        typer.Option(help="Dask scheduler, such as tcp://10.0.0.5:8786. Default: processes here."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes without --scheduler. Default: one per core.")
    ] = None,
    model: ModelOption = None,
    runtime: RuntimeOption = AUTO,
    column: Annotated[str | None, typer.Option(help="Column of the pictures. Default: the only one of a type.")] = None,
    keep_columns: Annotated[
        list[str] | None, typer.Option(help="Columns to pass through, by comma; may be repeated.")
    ] = None,
    min_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="Report a digit of a lower probability as unsure.")
    ] = 0.0,
    accept_anything: Annotated[
        bool, typer.Option("--accept-anything", help="Name a digit whatever is on the picture.")
    ] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Throw away the answers that are there.")] = False,
) -> None:
    """Read millions of pictures through Dask, part by part: tables of pictures in, tables of answers out.

    In: Parquet with a column of encoded pictures (bytes, or a struct with bytes, as Hugging Face has them) or of
    28 x 28 uint8 pixels; .npy files of (N, 28, 28) uint8; or picture files, one digit on each. Out: a Parquet file for
    each part, with file, row, digit, label, candidate, probability, no_digit, unsure, score and error. Parts that are
    there are not read again: after Ctrl-C, a crash or a lost machine the same command goes on. A picture that cannot
    be read has its error in the table, and the exit status is 1. Needs the extra dask.
    """
    terminal.hold_native_output()
    from digitrec_edge.pip_lines import install_extra

    try:
        from digitrec_edge.farm import cluster  # noqa: F401  needs more than the others
        from digitrec_edge.farm import output as folder
        from digitrec_edge.farm.reader import Reader
        from digitrec_edge.farm.work import Work
    except ModuleNotFoundError as cause:
        if cause.name not in NEEDS:
            raise
        raise NotInstalledError(f"read needs {cause.name}: {install_extra('dask')}") from cause
    from digitrec_edge.recognition import How
    from runtimes import load

    keep = tuple(word for words in keep_columns or [] for word in words.split(",") if word)
    with load(model or default_artifact(runtime), runtime) as loaded:
        reader = Reader(loaded.origin, How(False, min_confidence, accept_anything), column, keep)
        name = f"{loaded.artifact.name} on {loaded.runtime} {loaded.runtime_version}"
        given = _plan(pictures, output, reader)
        manifest = folder.Manifest.of(given, reader, loaded.artifact.name)
    from digitrec_edge.files import locked

    with locked(output, "reading into"):
        finished = folder.begin(output, manifest, given.parts, restart=restart)
        so_far = f", of which {len(finished):,} are there already" if finished else ""
        pictures_here = terminal.counted(given.pictures, "picture")
        print(f"{name}: {pictures_here}, parts: {len(given.parts):,}{so_far}", file=sys.stderr)
        left = [part for part in given.parts if part not in finished]
        run = _Run(sum(part.pictures for part in left), sum(finished.values(), folder.Tally()))
        if left:
            run.read(Work.of(given, reader, output, manifest), left, scheduler, jobs)
        if not run.broken:
            folder.finish(output)
    print(f"{run.summary()}: {output}", file=sys.stderr)
    if run.broken or run.tally.refused:
        raise typer.Exit(1)


def _plan(pictures: Path, output: Path, reader: "Reader") -> "Input":
    from digitrec_edge.farm.inputs import find_tables, plan_pictures, plan_tables

    if pictures.is_dir() and output.resolve().is_relative_to(pictures.resolve()):
        raise OutputError(f"{output} is in {pictures}, where answers would count as pictures: name another folder")
    if found := find_tables(pictures):
        return plan_tables(pictures, *found, reader)
    named = list(expand([str(pictures)], recursive=True))
    for one in named:
        if one.error:
            raise one.error
    return plan_pictures(pictures, [Path(one.name) for one in named], reader)


class _Run:
    """The parts that are left, as they are read: what a terminal shows, and what there is to say at the end."""

    def __init__(self, pictures: int, before: "Tally") -> None:
        self._counter, self._start = terminal.Counter(pictures, "pictures"), time.perf_counter()
        self.tally, self.read_now, self.broken = before, 0, 0

    def read(self, work: "Work", parts: "list[InputPart]", scheduler: str | None, jobs: int | None) -> None:
        """Have the parts read; one that cannot be read is told, and the others go on."""
        from digitrec_edge.cli.cores import usable_cores
        from digitrec_edge.farm.cluster import local_cluster, remote_cluster, run

        processes = min(jobs or usable_cores(), len(parts))
        try:
            with remote_cluster(scheduler) if scheduler else local_cluster(processes) as cluster:
                self._counter.show(0)
                for part, outcome in run(cluster, work, parts):
                    self._note(part, outcome)
        except KeyboardInterrupt:
            self._counter.clear()
            print(f"interrupted: {self.summary()}; the same command goes on", file=sys.stderr)
            raise
        finally:
            self._counter.clear()

    def _note(self, part: "InputPart", outcome: "Tally | DataError") -> None:
        self.read_now += part.pictures
        if isinstance(outcome, DataError):
            self.broken += 1
            self._counter.clear()
            if self.broken <= SHOWN:
                print(f"digitrec-edge: {outcome}", file=sys.stderr)
        else:
            self.tally += outcome
        self._counter.show(self.read_now)

    def summary(self) -> str:
        tally, seconds = self.tally, time.perf_counter() - self._start
        broken = f", {terminal.counted(self.broken, 'part')} not read" if self.broken else ""
        digits = terminal.counted(tally.digits, "digit")
        counts = f"{digits} read, {tally.no_digit:,} no digit, {tally.refused:,} refused"
        return f"{terminal.counted(tally.pictures, 'picture')}: {counts}{broken}, {seconds:.1f} s"
