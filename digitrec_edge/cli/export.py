"""``digitrec-edge export``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitrec_edge.cli import terminal

if TYPE_CHECKING:
    from digitrec_edge.export import Exported, Refused


def export(
    model: Annotated[Path, typer.Argument(help="The trained Keras model.")] = Path("build/model.keras"),
    float32: Annotated[bool, typer.Option("--float32", help="digitrec-float32.tflite: TFLite, float32.")] = False,
    int8: Annotated[
        bool, typer.Option("--int8", help="digitrec-int8.tflite: full integer, weights, activations, input and output.")
    ] = False,
    onnx: Annotated[bool, typer.Option("--onnx", help="digitrec-float32.onnx: ONNX opset 17, float32.")] = False,
    onnx_int8: Annotated[
        bool, typer.Option("--onnx-int8", help="digitrec-int8.onnx: ONNX, int8 weights and activations (QDQ).")
    ] = False,
    all_variants: Annotated[bool, typer.Option("--all", help="All of them; so does giving none.")] = False,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the artifacts.")] = Path("build/artifacts"),
    calibration_images: Annotated[
        int, typer.Option(min=1, help="Training images to measure activation ranges on, for int8.")
    ] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Draws the calibration images.")] = 0,
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

    asked = {"float32": float32, "int8": int8, "onnx": onnx, "onnx-int8": onnx_int8}
    wanted = [row for row in VARIANTS if all_variants or asked[row.option] or not any(asked.values())]
    with terminal.progress() as bar:
        task = bar.add_task("loading TensorFlow", total=len(wanted))
        source = open_source(model, data, calibration_images, seed)
        bar.update(task, description="exporting and trying")

        def on_result(result: "Exported | Refused") -> None:
            bar.update(task, advance=1)
            if isinstance(result, Exported):
                print(_line(result), flush=True)

        results = run(source, wanted, output, data, on_result=on_result)
    refused = [result for result in results if not isinstance(result, Exported)]
    for result in refused[:-1]:
        typer.echo(f"refused {result.path}: {result.error}", err=True)
    if refused:
        raise DigitrecError(f"refused {refused[-1].path}: {refused[-1].error}")


def _line(result: "Exported") -> str:
    parity = result.parity
    return (
        f"{result.path}  {result.file_bytes / 1024:,.0f} KB  accuracy {parity.accuracy:.2%} "
        f"(Keras {parity.reference_accuracy:.2%})  agreement {parity.agreement:.2%}  "
        f"largest logit difference {parity.max_logit_difference:.2g}  ({result.runtime})"
    )
