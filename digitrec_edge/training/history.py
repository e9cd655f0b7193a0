"""The history of a training run, on file beside its model."""

import dataclasses
import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from digitrec_edge.errors import TrainingError
from digitrec_edge.files import read_file, sha256, write_file
from digitrec_edge.no_digit import NoDigit
from digitrec_edge.records import Count, Name, NewerVersionError, Share, Within, load_json, parse, read_version
from digitrec_edge.training.checkpoint import Epoch, Loss, checkpoint_path
from digitrec_edge.training.network import save
from digitrec_edge.training.recipes import FLOAT_BITS, HIDDEN_UNITS, Recipe

HISTORY_VERSION = 8
Temperature = Annotated[float, Within(0.01, 100)]
_LIMIT_BYTES = 16 << 20


@dataclass(frozen=True)
class Continued:
    """What a model went on from, and with what.

    Attributes:
        base_sha256: of the model file.
        data_sha256: of the new images and labels that it was trained on.
        digits, no_digit: how many these were, and marks that are none.
        split_seed: of the run that trained the first base: what that one held out stays held out.
    """

    base_sha256: Annotated[str, Within(64, 64)]
    data_sha256: Annotated[str, Within(64, 64)]
    digits: Count
    no_digit: Count
    split_seed: int


@dataclass(frozen=True)
class History:
    """A training run.

    Attributes:
        eval_set: ``test`` or ``validation``: the images of ``eval_loss`` and ``eval_accuracy``. They are
            never trained on; of those held out temperature and threshold are fitted, by the test set nothing.
        interrupted: the run was stopped by the user after its last epoch here.
        test_loss, test_accuracy: of the finished model, measured once at the end.
        temperature: logits are divided by it before they become probabilities; 1 where there were no
            images to fit it on that the model had not seen.
        no_digit: from which score on a picture is taken for a digit; None where the recipe has no marks.
        continued: what it went on from; None for a model that was trained anew.
    """

    recipe: Recipe
    seed: int
    train_images: Count
    eval_set: Name
    eval_images: Count
    epochs: Annotated[tuple[Epoch, ...], Within(1, 1_000_000)]
    interrupted: bool
    test_loss: Loss
    test_accuracy: Share
    temperature: Temperature
    no_digit: NoDigit | None
    parameters: Count
    tools: dict[str, str]
    continued: Continued | None = None
    model_sha256: str = ""
    version: int = HISTORY_VERSION


def history_path(model_path: Path) -> Path:
    """Where the history of a model file lies: ``model.keras`` -> ``model.history.json``."""
    return model_path.with_suffix(".history.json")


def write(model: Any, history: History, path: Path) -> History:
    """Write the model and, beside it, its history; returns the history with the model's hash.

    The checkpoint of a finished run goes last: whenever the writing is cut short, ``train --resume`` repeats it, and
    :func:`read_history` refuses what is half replaced.
    """
    save(model, path)
    history = dataclasses.replace(history, model_sha256=sha256(path.read_bytes()))
    write_file(history_path(path), json.dumps(dataclasses.asdict(history), indent=1).encode())
    if not history.interrupted:
        checkpoint_path(path).unlink(missing_ok=True)
    return history


def read_history(model_path: Path) -> History | None:
    """Read the history of a model file; None when there is none or it belongs to another file.

    Raises:
        TrainingError: the history exists but cannot be read, or the run was cut short between model and history.
    """
    history = _read(history_path(model_path))
    if history and history.model_sha256 == sha256(model_path.read_bytes()):
        return history
    unfinished = checkpoint_path(model_path)
    if unfinished.exists():
        raise TrainingError(
            f"{model_path} has no history of its own, and {unfinished} is of a run that was cut short: "
            f"finish it with: digitrec-edge train --resume -o {shlex.quote(str(model_path))}"
        )
    return None


def _read(path: Path) -> History | None:
    if not path.exists():
        return None
    try:
        return parse_history(load_json(read_file(path, limit_bytes=_LIMIT_BYTES, error=TrainingError)))
    except NewerVersionError as cause:
        raise TrainingError(f"{path} was {cause}") from cause
    except ValueError as cause:
        raise TrainingError(f"{path} is not a training history: {cause}; train again") from cause


def parse_history(raw: Any) -> History:
    """Read a history of any version from plain JSON values.

    Raises:
        NewerVersionError: a version that this package does not read yet.
        ValueError: it is something else.
    """
    tools = raw.get("tools") if isinstance(raw, dict) else None
    made_by = str(tools.get("digitrec-edge", "")) if isinstance(tools, dict) else ""
    return read_version(raw, "version", _READERS, made_by)


def _from_version_2(raw: Any) -> History:
    """Version 3 gave fields other names."""

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {_NAMES_OF_VERSION_2.get(name, name): renamed(inner) for name, inner in value.items()}
        return [renamed(inner) for inner in value] if isinstance(value, list) else value

    return _from_version_3(renamed(raw))


def _from_version_3(raw: Any) -> History:
    """Version 4 added marks that are no digit, and blemishes."""
    recipe = raw.get("recipe")
    if isinstance(recipe, dict):
        distortion = recipe.get("distortion")
        if isinstance(distortion, dict):
            distortion = {**distortion, "blemish": [0.0, 0.0]}
        recipe = {**recipe, "distortion": distortion, "marks": 0.0, "marks_weight": 0.0}
    return _from_version_4({**raw, "recipe": recipe, "no_digit": None})


def _from_version_4(raw: Any) -> History:
    """Version 5 added the hidden layers."""
    recipe = raw.get("recipe")
    if isinstance(recipe, dict):
        recipe = {**recipe, "hidden": list(HIDDEN_UNITS)}
    return _from_version_5({**raw, "recipe": recipe})


def _from_version_5(raw: Any) -> History:
    """Version 6 added models that went on from another."""
    return _from_version_6({**raw, "continued": None})


def _from_version_6(raw: Any) -> History:
    """Version 7 added the optimiser, and results that are rounded to what int8 holds."""
    recipe = raw.get("recipe")
    if isinstance(recipe, dict):
        recipe = {**recipe, "optimizer": "adam", "int8_ready": False}
    return _from_version_7({**raw, "recipe": recipe})


def _from_version_7(raw: Any) -> History:
    """Version 8 added results of 4 bits, and squares of pixels that are weighed alike."""
    recipe = raw.get("recipe")
    if isinstance(recipe, dict):
        rest = {name: value for name, value in recipe.items() if name != "int8_ready"}
        recipe = {**rest, "weight_bits": 8 if recipe.get("int8_ready") else FLOAT_BITS, "pooled": False}
    return parse(History, {**raw, "recipe": recipe, "version": HISTORY_VERSION}, "history")


_NAMES_OF_VERSION_2 = {
    "average": "ema_momentum",
    "watched": "eval_set",
    "watched_images": "eval_images",
    "watched_loss": "eval_loss",
    "watched_accuracy": "eval_accuracy",
}
_READERS: dict[int, Callable[[Any], History]] = {
    2: _from_version_2,
    3: _from_version_3,
    4: _from_version_4,
    5: _from_version_5,
    6: _from_version_6,
    7: _from_version_7,
    HISTORY_VERSION: lambda raw: parse(History, raw, "history"),
}
"""Version -> reader."""
