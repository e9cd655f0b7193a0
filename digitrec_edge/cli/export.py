"""``digitrec-edge export``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitrec_edge.cli import terminal

if TYPE_CHECKING:
    from converters import Variant
    from digitrec_edge.export import Exported, Refused


def export(
    model: Annotated[Path, typer.Argument(help="The trained Keras model.")] = Path("build/model.keras"),
    float32: Annotated[bool, typer.Option("--float32", help="digitrec-float32.tflite: TFLite, float32.")] = False,
    int8: Annotated[
        bool, typer.Option("--int8", help="digitrec-int8.tflite: full integer, weights, activations, input and output.")
    ] = False,
    float16: Annotated[bool, typer.Option("--float16", help="TFLite, float16 weights.")] = False,
    int8_dynamic: Annotated[
        bool, typer.Option("--int8-dynamic", help="TFLite, int8 weights, activations quantised while it runs.")
    ] = False,
    int16x8: Annotated[bool, typer.Option("--int16x8", help="TFLite, int8 weights, int16 activations.")] = False,
    int4: Annotated[bool, typer.Option("--int4", help="TFLite, int4 weights, int8 activations.")] = False,
    onnx: Annotated[bool, typer.Option("--onnx", help="digitrec-float32.onnx: ONNX opset 17, float32.")] = False,
    onnx_int8: Annotated[
        bool, typer.Option("--onnx-int8", help="digitrec-int8.onnx: ONNX, int8 weights and activations (QDQ).")
    ] = False,
    ort: Annotated[bool, typer.Option("--ort", help="digitrec-float32.ort: ONNX Runtime format, float32.")] = False,
    ort_int8: Annotated[bool, typer.Option("--ort-int8", help="digitrec-int8.ort: ONNX Runtime format, int8.")] = False,
    all_variants: Annotated[bool, typer.Option("--all", help="All of them; so does giving none.")] = False,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the artifacts.")] = Path("build/artifacts"),
    calibration_images: Annotated[
        int, typer.Option(min=1, help="Training images to measure activation ranges on, for int8.")
    ] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Draws the calibration images.")] = 0,
    target: Annotated[
        str | None,
        typer.Option(help="Runtime to fit: litert, tflite-runtime, onnxruntime. Default: the newest of each format."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Your own digits: a folder with the four IDX files, or a .npz. Default: MNIST.")
    ] = None,
) -> None:
    """Export a trained model to artifacts, each tried on the whole test set before it is written.

    An artifact is one self-describing file. Beside them lies golden.npz, the Keras model's answers, so that
    a device can check parity without TensorFlow. An artifact that lost too much is refused (exit 1) and the
    old one stays.
    """
    terminal.hold_native_output()
    from converters import VARIANTS, open_source
    from digitrec_edge.errors import DigitrecError
    from digitrec_edge.export import Exported
    from digitrec_edge.export import export as run

    asked = {
        "float32": float32, "float16": float16, "int8-dynamic": int8_dynamic, "int8": int8, "int16x8": int16x8,
        "int4": int4, "onnx": onnx, "onnx-int8": onnx_int8, "ort": ort, "ort-int8": ort_int8,
    }  # fmt: skip
    everything = all_variants or not any(asked.values())
    wanted = [row for row in VARIANTS if everything or asked[row.option]]
    if target is not None:
        wanted = _fitting(wanted, target, everything)
    with terminal.progress() as bar:
        task = bar.add_task("loading TensorFlow", total=len(wanted))
        source = open_source(model, data, calibration_images, seed)
        bar.update(task, description="exporting and trying")

        def on_result(result: "Exported | Refused") -> None:
            bar.update(task, advance=1)
            if isinstance(result, Exported):
                print(_line(result), flush=True)

        results = run(source, wanted, output, data, target=target, on_result=on_result)
    refused = [result for result in results if not isinstance(result, Exported)]
    for result in refused[:-1]:
        typer.echo(f"refused {result.path}: {result.error}", err=True)
    if refused:
        raise DigitrecError(f"refused {refused[-1].path}: {refused[-1].error}")


def _fitting(wanted: "list[Variant]", name: str, everything: bool) -> "list[Variant]":
    """Keep the variants whose format the target runs; one that was asked for by name must be among them."""
    from runtimes.targets import TARGETS

    targets = {row.name: row for row in TARGETS}
    if name not in targets:
        raise typer.BadParameter(f"{name!r} is no target; choose {', '.join(targets)}", param_hint="--target")
    fitting = [row for row in wanted if row.fits(targets[name])]
    if not everything and len(fitting) < len(wanted):
        odd = next(row for row in wanted if row not in fitting)
        raise typer.BadParameter(f"{name} does not run --{odd.option}", param_hint="--target")
    return fitting


def _line(result: "Exported") -> str:
    report, parity = result.report, result.report.parity
    digit, drop_pp = report.weakest_class
    return (
        f"{result.path}  {result.file_bytes / 1024:,.0f} KB  accuracy {parity.accuracy:.2%} "
        f"(Keras {parity.reference_accuracy:.2%})  agreement {parity.agreement:.2%}  "
        f"{len(report.changed)} digits changed  logit difference {report.mean_logit_difference:.2g} mean, "
        f"{parity.max_logit_difference:.2g} largest"
        + (f"  digit {digit} lost most, {drop_pp:.2f} pp" if drop_pp > 0 else "")
        + f"  ({report.runtime})"
    )
