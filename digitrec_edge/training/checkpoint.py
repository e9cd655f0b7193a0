"""Checkpoints: the state of a training run, from which it resumes to the same result.

The order and the distortion of an epoch depend on seed and epoch number alone, so the weights, the optimiser's
variables and the figures so far are enough.
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from numpy.typing import NDArray

from digitrec_edge.errors import TrainingError
from digitrec_edge.files import read_file, write_file
from digitrec_edge.npz import read_arrays, write_arrays
from digitrec_edge.records import Count, NewerVersionError, Share, Within, load_json, parse, read_version
from digitrec_edge.training.recipes import Recipe

CHECKPOINT_VERSION = 6
_LIMIT_BYTES = 256 << 20
Loss = Annotated[float, Within(0, 1e30)]


@dataclass(frozen=True)
class Epoch:
    """One epoch's figures; ``loss`` and ``accuracy`` are means over the epoch while it trains, as in Keras ``fit``."""

    epoch: Count
    loss: Loss
    accuracy: Share
    eval_loss: Loss
    eval_accuracy: Share
    seconds: Annotated[float, Within(0, 1e9)]


@dataclass(frozen=True)
class TrainingRun:
    """What is being trained: equal runs give equal models on one machine.

    Attributes:
        data_sha256: of training images and labels.
    """

    recipe: Recipe
    seed: int
    data_sha256: str
    version: int = CHECKPOINT_VERSION


@dataclass(frozen=True)
class Checkpoint:
    """A run after its last finished epoch.

    Attributes:
        variables: of the model and then of the optimiser, in their order.
    """

    run: TrainingRun
    epochs: tuple[Epoch, ...]
    variables: tuple[NDArray[Any], ...]


@dataclass(frozen=True)
class _Header:
    run: TrainingRun
    epochs: tuple[Epoch, ...]
    variables: int


def checkpoint_path(model_path: Path) -> Path:
    """Where the checkpoint of a model file lies: ``model.keras`` -> ``model.checkpoint.npz``."""
    return model_path.with_suffix(".checkpoint.npz")


def _names(count: int) -> list[str]:
    return [f"variable_{k:03d}" for k in range(count)]


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write atomically: a run killed while it writes leaves the checkpoint before."""
    header = json.dumps(dataclasses.asdict(_Header(checkpoint.run, checkpoint.epochs, len(checkpoint.variables))))
    named = dict(zip(_names(len(checkpoint.variables)), checkpoint.variables, strict=True))
    write_file(path, write_arrays({"header": header, **named}, level=0))


def read(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        TrainingError: there is none, it is damaged, or of another version than this package resumes.
    """
    if not path.exists():
        raise TrainingError(f"nothing to resume: there is no {path}; train without --resume")
    data = read_file(path, limit_bytes=_LIMIT_BYTES, error=TrainingError)
    try:
        (text,) = read_arrays(data, ["header"])
        header = _read_header(load_json(str(text)))
        variables = tuple(read_arrays(data, _names(header.variables)))
    except NewerVersionError as cause:
        raise TrainingError(f"{path} was {cause}, or train without --resume") from cause
    except ValueError as cause:
        raise TrainingError(f"{path} is not a checkpoint: {cause}; train without --resume") from cause
    if not header.epochs:
        raise TrainingError(f"{path} is not a checkpoint: it has no finished epoch; train without --resume")
    return Checkpoint(header.run, header.epochs, variables)


def _read_header(raw: Any) -> _Header:
    """A run is resumed by the version that began it: its epochs could not be repeated by another one."""

    def refuse(run: Any) -> _Header:
        raise ValueError(f"it is of version {run['version']}, from which this digitrec-edge cannot resume")

    run = raw.get("run") if isinstance(raw, dict) else None
    readers = dict.fromkeys(range(1, CHECKPOINT_VERSION), refuse)
    readers[CHECKPOINT_VERSION] = lambda run: parse(_Header, raw, "checkpoint")
    return read_version(run, "version", readers, "")
