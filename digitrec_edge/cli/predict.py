"""``digitrec-edge predict``."""

import io
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitrec_edge import pretrained
from digitrec_edge.cli import terminal
from digitrec_edge.cli.options import AUTO, RuntimeOption, ThreadsOption
from digitrec_edge.cli.pictures import STANDARD_INPUT, Named, expand

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digitrec_edge.preprocess import Stages
    from runtimes import Model, Prediction


def predict(
    pictures: Annotated[
        list[str],
        typer.Argument(help="Pictures: files, folders, 'globs', or - for standard input.", metavar="PICTURE..."),
    ],
    model: Annotated[Path | None, typer.Option(help="Artifact to use. Default: the pretrained int8 one.")] = None,
    runtime: RuntimeOption = AUTO,
    threads: ThreadsOption = 1,
    multi: Annotated[bool, typer.Option("--multi", help="Read several digits per picture, in reading order.")] = False,
    min_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="Report a digit of a lower probability as unsure.")
    ] = 0.0,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Of folders, also those in them.")] = False,
    explain: Annotated[
        Path | None, typer.Option(help="Write a strip of all stages to this picture file (for one picture).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, an object per picture.")] = False,
) -> None:
    """Read the digit on each picture: digit, probability and latency.

    PNG, JPEG, WebP, BMP, GIF, TIFF or AVIF of any mode and size, HEIC with the extra heif: scans, drawings,
    photographs of paper in uneven light, chalk on a board; the digit is found, scaled and centred as in MNIST.
    Several digits on one picture need --multi. Two times are printed: the model's own, from 28 x 28 pixels to the
    digit, and that from the file to the digit. A picture that cannot be read, or has no digit, is reported and the
    others go on; then the exit status is 1.
    """
    terminal.hold_native_output()
    from runtimes import load

    named = list(expand(pictures, recursive))
    if [one.name for one in named].count(STANDARD_INPUT) > 1:
        raise typer.BadParameter("standard input (-) can be read once", param_hint="PICTURE")
    if explain and len(named) != 1:
        raise typer.BadParameter(f"explains one picture, {len(named)} are given", param_hint="--explain")
    if explain and explain.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise typer.BadParameter(f"{explain} must end in .png, .jpg or .webp", param_hint="--explain")
    with load(model or default_artifact(runtime), runtime, threads) as loaded:
        print(f"{loaded.artifact.name} on {loaded.runtime} {loaded.runtime_version}", file=sys.stderr)
        start = time.perf_counter()
        results = []
        for result in _read_all(loaded, named, multi, min_confidence, explain):
            results.append(result)
            if not as_json:
                _print(result)
    if as_json:
        terminal.print_json(results)
    if len(results) > 1:
        print(_summary(results, time.perf_counter() - start), file=sys.stderr)
    if any("error" in result for result in results):
        raise typer.Exit(1)


def _read_all(
    model: "Model", named: list[Named], multi: bool, min_confidence: float, explain: Path | None
) -> Iterator[dict[str, Any]]:
    """Yield what was read on each picture; of one that cannot be read, why."""
    import digitrec_edge.preprocess  # noqa: F401  (not within the time of the first picture)
    from digitrec_edge.errors import PictureError

    for one in named:
        try:
            yield _read(model, one, multi, min_confidence, explain)
        except PictureError as error:
            yield {"picture": one.name, "error": str(error)}


def _summary(results: list[dict[str, Any]], seconds: float) -> str:
    refused = sum("error" in result for result in results)
    digits = sum(len(result.get("digits", [0])) for result in results if "error" not in result)
    return f"{len(results)} pictures: {digits} digits read, {refused} refused, {seconds:.1f} s"


def default_artifact(runtime: str) -> Path:
    """Return the pretrained artifact of the first format that the runtime, or any installed one, runs."""
    from runtimes import RUNTIMES
    from runtimes.loading import AUTO

    able = [row for row in RUNTIMES if runtime == row.name or (runtime == AUTO and row.installed)]
    formats = {name for row in able for name in row.formats}
    return next((path for name, path in pretrained.BY_FORMAT.items() if name in formats), pretrained.DEFAULT)


def _read(model: "Model", one: Named, multi: bool, min_confidence: float, explain: Path | None) -> dict[str, Any]:
    """Find and read the digits of one picture; the stages that were reached are drawn even when there is no answer."""
    from digitrec_edge.errors import PictureError
    from digitrec_edge.preprocess import read_stages

    start = time.perf_counter_ns()
    picture = one.read()
    stages = read_stages(picture.grey, picture.reduction)
    answers = [model.predict(digit.image) for digit in stages.found]
    file_to_digit_ms = (time.perf_counter_ns() - start) / 1e6
    if explain:
        _explain(stages, answers, model.labels, explain)
    try:
        found = stages.digits() if multi else (stages.single(),)
    except PictureError as error:
        raise PictureError(f"{one.name}: {error}") from None
    digits = [
        {
            "digit": answer.digits,
            "label": model.labels[answer.digits],
            "probability": float(answer.probabilities[answer.digits]),
            "unsure": bool(answer.probabilities[answer.digits] < min_confidence),
            "probabilities": [float(p) for p in answer.probabilities],
            "box": [digit.box.left, digit.box.top, digit.box.right, digit.box.bottom],
        }
        for digit, answer in zip(found, answers, strict=True)
    ]
    shared = {
        "latency_us": _latency_us(model, found[0].image),
        "file_to_digit_ms": file_to_digit_ms,
        "runtime": model.runtime,
        "artifact": model.artifact.name,
    }
    if not multi:
        return {"picture": one.name, **digits[0], **shared}
    text = "".join("?" if digit["unsure"] else digit["label"] for digit in digits)
    return {"picture": one.name, "text": text, "digits": digits, **shared}


def _latency_us(model: "Model", image: "NDArray[np.uint8]") -> float:
    model.classify(image)
    start = time.perf_counter_ns()
    model.classify(image)
    return (time.perf_counter_ns() - start) / 1000


def _explain(stages: "Stages", answers: "list[Prediction]", labels: Sequence[str], path: Path) -> None:
    from PIL import Image

    from digitrec_edge.files import write_file
    from digitrec_edge.preprocess.explain import draw_strip

    stream = io.BytesIO()
    strip = draw_strip(stages, [answer.probabilities for answer in answers], labels)
    strip.save(stream, Image.registered_extensions()[path.suffix.lower()])
    write_file(path, stream.getvalue())


def _print(result: dict[str, Any]) -> None:
    if "error" in result:
        print(f"digitrec-edge: {result['error']}", file=sys.stderr)
        return
    latency = (
        f"latency {result['latency_us']:.0f} us of the model, {result['file_to_digit_ms']:.1f} ms from file to digit"
    )
    if "text" in result:
        print(f"{result['picture']}: {result['text']}  {latency}", flush=True)
        for digit in result["digits"]:
            left, top, right, bottom = digit["box"]
            print(f"  {_answer(digit)}  box {left},{top} to {right},{bottom}", flush=True)
        return
    print(f"{result['picture']}: {_answer(result)}  {latency}", flush=True)


def _answer(result: dict[str, Any]) -> str:
    unsure = f"unsure, perhaps {result['label']}" if result["unsure"] else result["label"]
    return f"{unsure}  probability {result['probability']:.1%}"
