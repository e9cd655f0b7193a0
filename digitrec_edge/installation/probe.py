"""Tries parts of the installation, in a process of its own: ``main(["litert"])`` prints one line of JSON a part.

A part that crashes the process takes nobody else down, and lines printed before stay said.
"""

import base64
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib import import_module, metadata
from pathlib import Path

from digitrec_edge import pretrained
from digitrec_edge.errors import ArtifactError, DataError, DigitrecError, NotInstalledError

IMAGES = 100
MIN_RIGHT = 90
"""Of 100 test images: the pretrained artifact reads 98 in 100; far fewer mean that the runtime computes wrongly."""

TINY_ONNX = base64.b64decode(
    "CAcSADq2AQoWCgVpbWFnZRIEZmxhdCIHRmxhdHRlbgonCgRmbGF0CgVzdGFydAoDZW5kCgRheGlzEgZsb2dpdHMiBVNsaWNlEgVwcm9iZSoO"
    "CAEQBzoBAEIFc3RhcnQqDAgBEAc6AQpCA2VuZCoNCAEQBzoBAUIEYXhpc1ogCgVpbWFnZRIXChUIARIRCgcSBWJhdGNoCgIIHAoCCBxiHQoG"
    "bG9naXRzEhMKEQgBEg0KBxIFYmF0Y2gKAggKQgQKABAN"
)
"""An ONNX model of Flatten and Slice whose ten logits are the picture's first ten pixels."""


class WrongAnswerError(DigitrecError):
    """A runtime that runs, and computes something else."""


class CannotTryError(DigitrecError):
    """What a runtime would be tried with is damaged; that says nothing about the runtime."""


def try_numpy() -> str:
    """Import numpy and compute with it."""
    import numpy as np

    if int(np.arange(4, dtype=np.int32) @ np.ones(4, np.int32)) != 6:
        raise WrongAnswerError("0 + 1 + 2 + 3 is not 6")
    return ""


def try_pillow() -> str:
    """Import Pillow's compiled part and make a picture."""
    from PIL import Image

    if Image.new("L", (2, 2), 255).tobytes() != b"\xff" * 4:
        raise WrongAnswerError("a white picture is not white")
    return ""


def try_runtime(name: str) -> str:
    """Run real pictures through a runtime; returns what it did.

    Raises:
        RuntimeUnavailableError: missing or broken.
        CannotTryError: a bundled file is damaged.
        WrongAnswerError: its answers are wrong.
    """
    from runtimes.table import RUNTIMES, diagnose

    (row,) = (row for row in RUNTIMES if row.name == name)
    row.load()
    try:
        return _read_test_images(name) if "tflite" in row.formats else _read_pixels(name)
    except DigitrecError:
        raise
    except Exception as cause:  # whatever a broken runtime raises
        raise DigitrecError(diagnose(cause.__cause__ or cause)) from cause


def _read_test_images(runtime: str) -> str:
    from digitrec_edge import artifact, mnist
    from runtimes import load

    try:
        digits = mnist.load("test")
        artifact.read(pretrained.DEFAULT)
    except (DataError, ArtifactError) as cause:
        raise CannotTryError(f"install digitrec-edge again: {cause}") from cause
    with load(pretrained.DEFAULT, runtime) as model:
        right = sum(
            model.classify(image) == label
            for image, label in zip(digits.images[:IMAGES], digits.labels[:IMAGES], strict=True)
        )
    if right < MIN_RIGHT:
        raise WrongAnswerError(f"it runs but reads {right} of {IMAGES} test images right; about 98 are expected")
    return f"reads {right} of {IMAGES} test images right (int8)"


def _read_pixels(runtime: str) -> str:
    import numpy as np

    from digitrec_edge.mnist import CLASSES, SIDE
    from digitrec_edge.quantization import PIXEL_MAX
    from runtimes import load

    pictures = np.zeros((CLASSES, SIDE, SIDE), np.uint8)
    pictures[range(CLASSES), 0, range(CLASSES)] = PIXEL_MAX
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "probe.onnx"
        path.write_bytes(TINY_ONNX)
        with load(path, runtime) as model:
            answers = [model.classify(picture) for picture in pictures]
    if answers != list(range(CLASSES)):
        raise WrongAnswerError(f"it runs but a model that should answer 0 to 9 answers {answers}")
    return "runs a small ONNX model right"


def try_import(name: str) -> str:
    """Import a module."""
    import_module(name)
    return ""


def try_part(part: str, distribution: str) -> dict[str, str | None]:
    """Try one part: a runtime's name, ``numpy``, ``pillow``, or a module to import.

    Returns:
        ``status`` (works, missing, broken, not tried), ``version`` and ``detail``.
    """
    version = None
    try:
        version = metadata.version(distribution)
        attempts: dict[str, Callable[[], str]] = {"numpy": try_numpy, "pillow": try_pillow}
        kind, _, name = part.rpartition(":")
        attempt = attempts.get(part) or (lambda: try_runtime(name) if kind == "runtime" else try_import(name))
        return {"status": "works", "version": version, "detail": attempt()}
    except (metadata.PackageNotFoundError, NotInstalledError):
        return {"status": "missing", "version": version, "detail": "not installed"}
    except CannotTryError as cause:
        return {"status": "not tried", "version": version, "detail": str(cause)}
    except DigitrecError as cause:
        return {"status": "broken", "version": version, "detail": str(cause)}
    except Exception as cause:  # noqa: BLE001  (the probe reports whatever happens)
        text = " ".join(str(cause).split())[:200]
        return {"status": "broken", "version": version, "detail": f"{type(cause).__name__}: {text}"}


def main(parts: Sequence[str]) -> None:
    """Try parts, each as ``part=distribution``, and print a line of JSON after each."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a runtime prints must not mix with the answers
    for argument in parts:
        part, _, distribution = argument.partition("=")
        print(json.dumps(try_part(part, distribution)), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
