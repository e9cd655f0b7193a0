"""``digitrec-edge report``."""

from pathlib import Path
from typing import Annotated

import typer

from digitrec_edge.cli import terminal
from digitrec_edge.cli.options import DataOption, check_apart


def report(
    folder: Annotated[
        Path, typer.Argument(help="Where train, export and benchmark wrote: model.keras, artifacts/, benchmark*.json.")
    ] = Path("build"),
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The page. Default: report.html in the folder.")
    ] = None,
    results: Annotated[
        list[Path] | None,
        typer.Option(help="Results of benchmark --json; may be repeated, one per device. Default: benchmark*.json."),
    ] = None,
    data: DataOption = None,
) -> None:
    """Show all that is known of a model and its artifacts on one page, and every figure as PNG and SVG.

    One HTML file without network, for desktop and phone, light and dark: training, predictions, every mistake,
    what quantisation changed, accuracy against latency, sizes, the machine, every card. Each artifact runs over
    the whole test set. Needs matplotlib and Jinja2, the extra report.
    """
    terminal.hold_native_output()
    from digitrec_edge.errors import InputError, NotInstalledError
    from digitrec_edge.pip_lines import install_extra

    target = output or folder / "report.html"
    if target.suffix not in (".html", ".htm"):
        raise typer.BadParameter(f"{target} must end in .html", param_hint="--output")
    check_apart({"--output": target}, results or ())
    if not folder.is_dir():
        raise InputError(f"no such folder: {folder}; make it with: digitrec-edge train, export and benchmark")
    try:
        from digitrec_edge.report import collect, write
    except ModuleNotFoundError as cause:
        if cause.name not in ("matplotlib", "jinja2"):
            raise
        raise NotInstalledError(f"report needs {cause.name}: {install_extra('report')}") from cause
    with terminal.progress() as bar:
        task = bar.add_task("reading", total=None)
        found = collect(
            folder,
            results or (),
            data,
            on_step=lambda done, total, text: bar.update(task, completed=done, total=total, description=text),
        )
        page, files = write(found, target, on_step=lambda text: bar.update(task, description=text))
    for note in found.notes:
        typer.echo(f"note: {note}", err=True)
    print(f"{page}  {page.stat().st_size / 1024:,.0f} KB, opens in any browser")
    if files:
        print(f"{files[0].parent}  {len(files)} figures, PNG and SVG")
