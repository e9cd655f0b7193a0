"""``digitrec-edge export``."""

import importlib
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitrec_edge import pretrained
from digitrec_edge.cli import terminal
from digitrec_edge.cli.export_options import TargetOption, flag_per_variant
from digitrec_edge.cli.options import DataOption, listed, one_of, parse_points, parse_share, refuse
from digitrec_edge.cli.sign import needed_signer
from digitrec_edge.variants import KERNEL_NAMES, OUTPUT_TYPES, ROUNDING_NAMES, VARIANTS, ExportChoice, Variant
from runtimes.elsewhere import find_target
from runtimes.table import Target

if TYPE_CHECKING:
    from converters.recogniser import Meaning
    from digitrec_edge.export import Exported, Refused

RoundingOption = Annotated[
    str | None,
    typer.Option(
        help=f"Whose bytes C answers with: {listed([*ROUNDING_NAMES])}. Default: {ROUNDING_NAMES[0]}.",
        callback=one_of(ROUNDING_NAMES),
    ),
]
KernelOption = Annotated[
    str | None,
    typer.Option(
        help=f"Processors that C is for: {listed([*KERNEL_NAMES])}. Default: {KERNEL_NAMES[0]}.",
        callback=one_of(KERNEL_NAMES),
    ),
]
OutputTypeOption = Annotated[
    str | None,
    typer.Option(
        help=f"Type of an int8 or int4 model's logits, which stay the same: {listed([*OUTPUT_TYPES])}. "
        "Default: the first that the target takes.",
        callback=one_of(OUTPUT_TYPES),
    ),
]


@flag_per_variant
def export(
    context: typer.Context,
    model: Annotated[
        Path,
        typer.Argument(
            help="The trained Keras model. For --c, --java and --web an int8 .tflite artifact will do, for --c-int4 "
            f"an int4 one; those that ship in the package are called {' and '.join(pretrained.NAMED)}."
        ),
    ] = Path("build/model.keras"),
    chosen: Sequence[Variant] = (),  # a flag for each
    all_variants: Annotated[bool, typer.Option("--all", help="All of them; so does giving none.")] = False,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the artifacts.")] = Path("build/artifacts"),
    calibration_images: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Training images to measure activation ranges on, for int8. Default: 500, or as many as there are.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws the calibration images.")] = 0,
    target: TargetOption = None,
    data: DataOption = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="Text file: what each of the model's numbers stands for, one a line. Default: 0 to 9."),
    ] = None,
    input_scale: Annotated[
        str | None,
        typer.Option(
            help="What turns a pixel, 0 to 255, into the model's input: 1/255, 1, or with an offset 1/127.5,-1. "
            "Default: a Rescaling in the model, or 1/255."
        ),
    ] = None,
    model_output: Annotated[
        str | None, typer.Option(help="What the model gives: logits or probabilities. Default: its last layer says.")
    ] = None,
    custom_objects: Annotated[
        list[str] | None,
        typer.Option(help="A layer or function of your own in the model, as module:name, to import. May be repeated."),
    ] = None,
    allow_inaccurate: Annotated[
        bool, typer.Option("--allow-inaccurate", help="Export a model that reads less than half of the test set, too.")
    ] = False,
    max_changed: Annotated[
        str | None,
        typer.Option(help="How many images an artifact may read differently, such as 1%. Default: per variant."),
    ] = None,
    max_accuracy_drop: Annotated[
        str | None, typer.Option(help="Accuracy that an artifact may lose, such as 0.5pp. Default: per variant.")
    ] = None,
    rounding: RoundingOption = None,
    kernel: KernelOption = None,
    output_type: OutputTypeOption = None,
    sign: Annotated[
        Path | None, typer.Option(help="Private key in a PEM file: sign each artifact, see digitrec-edge sign.")
    ] = None,
) -> None:
    """Export a trained model to artifacts, each tried on the whole test set before it is written.

    What is made of an artifact is tried on the images in it. An artifact is one self-describing file. Beside them
    lies golden.npz, the Keras model's answers, so that a device can check parity without TensorFlow. An artifact
    that lost too much is refused (exit 1) and the old one stays.
    """
    terminal.hold_native_output()
    from converters import open_source
    from digitrec_edge.export import Exported, ParityLimits
    from digitrec_edge.export import export as run
    from digitrec_edge.labels import DIGITS, read_labels
    from digitrec_edge.reissue import holds_artifacts

    model = pretrained.find(model)
    if holds_artifacts(model):
        _refuse_conversion(model, context)
        choice = _choice(chosen, every=False, rounding=rounding, kernel=kernel)
        _reissue_all(model, chosen, output, sign, choice)
        return
    known = read_labels(labels) if labels else DIGITS
    limits = ParityLimits(
        None if max_changed is None else parse_share(max_changed, "--max-changed"),
        None if max_accuracy_drop is None else parse_points(max_accuracy_drop, "--max-accuracy-drop"),
    )
    meaning = _meaning(input_scale, model_output)
    objects = _import_objects(custom_objects or [])
    signer = needed_signer(sign)
    every = all_variants or not chosen
    choice = _choice(chosen, every=every, rounding=rounding, kernel=kernel, output_type=output_type)
    wanted = list(VARIANTS if every else chosen)
    if target is not None:
        wanted = _fitting(wanted, find_target(target), every=every)
        _check_output_type(output_type, find_target(target))
    with terminal.progress() as bar:
        task = bar.add_task("loading TensorFlow", total=len(wanted))
        source = open_source(
            model, data, calibration_images, seed, labels=known, meaning=meaning, custom_objects=objects,
            choice=choice,
        )  # fmt: skip
        for note in source.notes:
            typer.echo(f"note: {terminal.escaped(note)}", err=True)
        bar.update(task, description="exporting and trying")

        def on_result(result: "Exported | Refused") -> None:
            bar.update(task, advance=1)
            if isinstance(result, Exported):
                print(_line(result, known), flush=True)

        results = run(
            source, wanted, output, data, target=target, sign=signer, allow_inaccurate=allow_inaccurate,
            limits=limits, on_result=on_result,
        )  # fmt: skip
    _tell_refused([result for result in results if not isinstance(result, Exported)], every=every)


def _tell_refused(refused: "list[Refused]", *, every: bool) -> None:
    """End with what was refused; where every variant was tried, one that cannot hold the model is only told."""
    from digitrec_edge.errors import DigitrecError, UnfitModelError

    lost = [result for result in refused if not (every and isinstance(result.error, UnfitModelError))]
    for result in refused:
        if result not in lost:
            typer.echo(f"left out {result.path}: {result.error}", err=True)
    for result in lost[:-1]:
        typer.echo(f"refused {result.path}: {result.error}", err=True)
    if lost:
        raise DigitrecError(f"refused {lost[-1].path}: {lost[-1].error}")


OF_REISSUING = ("model", "output", "sign", "rounding", "kernel", *(row.option for row in VARIANTS))
"""Parameters that have a meaning where an artifact gets another form."""


def _refuse_conversion(path: Path, context: typer.Context) -> None:
    """Let no option of a conversion be ignored where nothing is converted."""
    names = (parameter.name or "" for parameter in context.command.params)
    ignored = [name for name in names if name.replace("_", "-") not in OF_REISSUING]
    refuse(
        context, ignored, f"{path} is an artifact, which is not converted again: leave it out, or give the Keras model"
    )


def _reissue_all(path: Path, chosen: Sequence[Variant], output: Path, sign: Path | None, choice: ExportChoice) -> None:
    """Write an artifact in the forms that were asked for."""
    from digitrec_edge.reissue import reissue

    if not chosen:
        able = listed([f"--{row.option}" for row in VARIANTS if row.takes])
        raise typer.BadParameter(f"{path} is an artifact: say what to make of it: {able}", param_hint="MODEL")
    signer = needed_signer(sign)
    for variant in chosen:
        written = reissue(path, variant, output, signer, choice)
        print(f"{written}  {written.stat().st_size / 1024:,.0f} KB  of {path}, tested by its own images")


def _meaning(input_scale: str | None, output: str | None) -> "Meaning":
    from converters.recogniser import Meaning

    if output not in (None, "logits", "probabilities"):
        raise typer.BadParameter(f"{output!r}; choose from logits, probabilities", param_hint="--model-output")
    return Meaning(parse_scale(input_scale) if input_scale else None, output)  # type: ignore[arg-type]


def parse_scale(text: str) -> tuple[float, float]:
    """Read factor and offset: ``1/255``, ``1``, ``1/127.5,-1``."""
    factor, _, offset = text.partition(",")
    above, _, below = factor.partition("/")
    try:
        scale, shift = float(above) / float(below or 1), float(offset or 0)
    except (ValueError, ZeroDivisionError):
        scale = shift = math.nan
    if not (1e-6 <= abs(scale) <= 1e6 and abs(shift) <= 1e6):
        raise typer.BadParameter(
            f"{text!r} is no scale; give a factor, and an offset if there is one: 1/255, 1, 1/127.5,-1",
            param_hint="--input-scale",
        )
    return scale, shift


def _import_objects(names: Sequence[str]) -> dict[str, Any]:
    """Import what the user names, from the working folder too; nothing else is ever imported for a model."""
    found = {}
    sys.path.insert(0, str(Path.cwd()))
    try:
        for text in names:
            module, _, name = text.partition(":")
            if not module or not name:
                raise typer.BadParameter(f"{text!r} is not module:name", param_hint="--custom-objects")
            try:
                found[name] = getattr(importlib.import_module(module), name)
            except (ImportError, AttributeError) as cause:
                raise typer.BadParameter(f"{text}: {cause}", param_hint="--custom-objects") from None
    finally:
        sys.path.pop(0)
    return found


def _choice(chosen: Sequence[Variant], *, every: bool, **given: str | None) -> ExportChoice:
    """Take what is chosen for the variants that know such a choice; one that was asked for by its option must."""
    made = {name: value for name, value in given.items() if value is not None}
    for name in made:
        odd = None if every else next((row for row in chosen if name not in row.choices), None)
        if odd:
            able = ", ".join(f"--{row.option}" for row in VARIANTS if name in row.choices)
            raise typer.BadParameter(
                f"--{odd.option} has no such choice; {able} have", param_hint=f"--{name.replace('_', '-')}"
            )
    return ExportChoice(**made)


def _check_output_type(output_type: str | None, target: Target) -> None:
    """Let pass a type of logits that the target takes, at a model's borders and among what it computes with."""
    for able in (target.borders, target.activations):
        if output_type is not None and able and output_type not in able:
            raise typer.BadParameter(
                f"{output_type} logits are nothing for {target.name}; it takes {listed([*able])}",
                param_hint="--output-type",
            )


def _fitting(wanted: list[Variant], target: Target, *, every: bool) -> list[Variant]:
    """Keep the variants that the target runs; one that was asked for by its option must be among them."""
    from runtimes.support import fits

    fitting = [row for row in wanted if fits(target, row)]
    if not every and len(fitting) < len(wanted):
        odd = next(row for row in wanted if row not in fitting)
        raise typer.BadParameter(f"{target.name} does not run --{odd.option}", param_hint="--target")
    return fitting


def _line(result: "Exported", labels: Sequence[str]) -> str:
    from digitrec_edge.labels import noun

    report, parity = result.report, result.report.parity
    weakest, drop_pp = report.weakest_class
    return (
        f"{result.path}  {result.file_bytes / 1024:,.0f} KB  accuracy {parity.accuracy:.2%} "
        f"(Keras {parity.reference_accuracy:.2%})  agreement {parity.agreement:.2%}  "
        f"{len(report.changed)} {noun(labels)}s changed  logit difference {report.mean_logit_difference:.2g} mean, "
        f"{parity.max_logit_difference:.2g} largest"
        + (f"  {noun(labels)} {labels[weakest]} lost most, {drop_pp:.2f} pp" if drop_pp > 0 else "")
        + f"  ({report.runtime})"
    )
