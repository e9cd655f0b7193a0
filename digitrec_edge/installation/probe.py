"""Tries parts of the installation; the doctor asks for each in a child process, which a broken part may crash."""

from collections.abc import Callable
from importlib import import_module, metadata
from pathlib import Path

from digitrec_edge import pretrained
from digitrec_edge.errors import ArtifactError, DataError, DigitrecError, NotInstalledError

IMAGES = 100
MIN_RIGHT = 90
"""Of 100 test images: the pretrained artifact reads 98 in 100; far fewer mean that the runtime computes wrongly."""


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
    from runtimes.table import diagnose, find

    row = find(name)
    row.load()
    bundled = [pretrained.BY_FORMAT[name] for name in row.formats if name in pretrained.BY_FORMAT]
    if not bundled:
        return f"is imported; the package has no .{row.formats[0]} artifact to try it with"
    try:
        return _read_test_images(bundled[0], name)
    except DigitrecError:
        raise
    except Exception as cause:  # whatever a broken runtime raises
        raise DigitrecError(diagnose(cause.__cause__ or cause)) from cause


def _read_test_images(path: Path, runtime: str) -> str:
    from digitrec_edge import artifact, mnist
    from runtimes import load

    try:
        digits = mnist.load("test")
        artifact.read(path)
    except (DataError, ArtifactError) as cause:
        raise CannotTryError(f"install digitrec-edge again: {cause}") from cause
    with load(path, runtime) as model:
        right = sum(
            model.classify(image) == label
            for image, label in zip(digits.images[:IMAGES], digits.labels[:IMAGES], strict=True)
        )
    if right < MIN_RIGHT:
        raise WrongAnswerError(f"it runs but reads {right} of {IMAGES} test images right; about 98 are expected")
    return f"reads {right} of {IMAGES} test images right (int8)"


def try_import(name: str) -> str:
    """Import a module."""
    import_module(name)
    return ""


def _own_version(part: str) -> str:
    from runtimes.table import find

    return find(part.rpartition(":")[2]).version


def try_part(request: dict[str, str]) -> dict[str, str | None]:
    """Try one part.

    Args:
        request: ``target``: ``runtime:NAME``, ``numpy``, ``pillow``, or a module to import; and ``distribution``, in
            the package index; empty for a runtime that is not from there.

    Returns:
        ``status`` (works, missing, broken, not tried), ``version`` and ``detail``.
    """
    part, distribution = request["target"], request["distribution"]
    version = None
    try:
        version = metadata.version(distribution) if distribution else _own_version(part)
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
