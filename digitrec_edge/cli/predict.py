"""``digitrec-edge predict``."""

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitrec_edge.cli import terminal

if TYPE_CHECKING:
    from runtimes import Model

PRETRAINED = Path(__file__).parents[1] / "data" / "pretrained" / "digitrec-int8.tflite"


def predict(
    pictures: Annotated[list[Path], typer.Argument(help="Pictures of one digit each: PNG, JPEG, ...")],
    model: Annotated[Path | None, typer.Option(help="Artifact to use. Default: the pretrained int8 one.")] = None,
    runtime: Annotated[
        str, typer.Option(help="auto, litert, tflite-runtime or onnxruntime.", callback=terminal.check_runtime)
    ] = "auto",
    threads: Annotated[int, typer.Option(min=1, max=256, help="Threads that the runtime may use.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, an object per picture.")] = False,
) -> None:
    """Read the digit on each picture: digit, probability and latency.

    Dark ink on light paper or light on dark, any size and mode; the digit is scaled and centred as in MNIST.
    The latency is of the model alone, from 28 x 28 pixels to the digit. A picture that cannot be read is
    reported and the others go on; then the exit status is 1.
    """
    terminal.hold_native_output()
    from digitrec_edge.errors import PictureError
    from runtimes import load

    failed = 0
    results: list[dict[str, Any]] = []
    with load(model or PRETRAINED, runtime, threads) as loaded:
        print(f"{loaded.artifact.name} on {loaded.runtime} {loaded.runtime_version}", file=sys.stderr)
        for picture in pictures:
            try:
                result = _predict_one(loaded, picture)
            except PictureError as error:
                failed += 1
                result = {"picture": str(picture), "error": str(error)}
            results.append(result)
            if not as_json:
                _print(result)
    if as_json:
        print(json.dumps(results, indent=1))
    if failed:
        raise typer.Exit(1)


def _predict_one(model: "Model", picture: Path) -> dict[str, Any]:
    from digitrec_edge.preprocess import read_picture

    pixels = read_picture(picture)
    model.classify(pixels)
    start = time.perf_counter_ns()
    digit = model.classify(pixels)
    latency_us = (time.perf_counter_ns() - start) / 1000
    probabilities = model.predict(pixels).probabilities
    return {
        "picture": str(picture),
        "digit": digit,
        "probability": float(probabilities[digit]),
        "probabilities": [float(p) for p in probabilities],
        "latency_us": latency_us,
        "runtime": model.runtime,
        "artifact": model.artifact.name,
    }


def _print(result: dict[str, Any]) -> None:
    if "error" in result:
        print(f"digitrec-edge: {result['error']}", file=sys.stderr)
    else:
        print(
            f"{result['picture']}: {result['digit']}  probability {result['probability']:.1%}  "
            f"latency {result['latency_us']:.0f} us",
            flush=True,
        )
