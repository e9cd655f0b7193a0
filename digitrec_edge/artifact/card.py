"""The card: what an artifact says of itself. Frozen records here, JSON only at the edge."""

import json
from collections.abc import Callable
from typing import Any

from digitrec_edge.frozen import Frozen
from digitrec_edge.labels import check_labels
from digitrec_edge.no_digit import NoDigit
from digitrec_edge.records import Name, load_json, parse, read_version

CARD_VERSION = 2


class TensorCard(Frozen):
    """An input or output: ``real = scale * (quantised - zero_point)``; both None when it is float."""

    name: str
    shape: tuple[int | str, ...]
    dtype: str
    scale: float | None
    zero_point: int | None


class Preprocessing(Frozen):
    """How pixels become the model's real-valued input."""

    size: tuple[int, int]
    channels: str
    divide_by: float


class Requirements(Frozen):
    """What it takes to run the model, found from the model itself.

    Attributes:
        target: the runtime that the artifact was made for.
        needs: operators (TFLite) or opsets and IR (ONNX) with the lowest version that will do.
        oldest: per runtime, the oldest known release that runs it; None when no known one does.
    """

    target: str
    needs: dict[str, int]
    oldest: dict[str, str | None]


class Calibration(Frozen):
    """Which training images the activation ranges were measured on.

    Attributes:
        blemished: so many of the images, the last ones, were blemished as those of the training.
    """

    images: int
    seed: int
    indices_sha256: str
    blemished: int


class ParityFigures(Frozen):
    """What was measured on the test set after conversion, against the Keras model."""

    runtime: str
    images: int
    accuracy: float
    reference_accuracy: float
    agreement: float
    max_logit_difference: float


class Card(Frozen):
    """Everything that a device needs to know of one model file.

    Attributes:
        variant: precision, such as ``int8``.
        labels: what each of the outputs' numbers stands for, in their order.
        source_sha256: of the Keras file that it was converted from.
        payload_sha256: of the model without its card.
        temperature: logits are divided by it before they become probabilities.
        no_digit: from which score on a picture is taken for a digit; None takes everything for one.
        training: the recipe of the source, None when its history is not known.
        tools: name and version of everything that took part in the conversion.
    """

    name: Name
    format: Name
    variant: Name
    inputs: tuple[TensorCard, ...]
    outputs: tuple[TensorCard, ...]
    preprocessing: Preprocessing
    labels: tuple[str, ...]
    source_sha256: str
    payload_sha256: str
    temperature: float
    no_digit: NoDigit | None
    training: dict[str, float | int | str | None] | None
    calibration: Calibration | None
    requirements: Requirements
    parity: ParityFigures | None
    tools: dict[str, str]
    card_version: int = CARD_VERSION

    def __post_init__(self) -> None:
        """Refuse values that no card can have, before anything is computed with them."""
        ranges: list[tuple[str, float, float, float]] = [
            ("temperature", self.temperature, 0.01, 100.0),
            ("preprocessing.divide_by", self.preprocessing.divide_by, 1e-6, 1e6),
        ]
        for tensor in (*self.inputs, *self.outputs):
            if tensor.scale is not None:
                ranges.append((f"scale of {tensor.name!r}", tensor.scale, 1e-12, 1e12))
        if self.parity:
            shares = {name: getattr(self.parity, name) for name in ("accuracy", "reference_accuracy", "agreement")}
            ranges += [(f"parity.{name}", share, 0.0, 1.0) for name, share in shares.items()]
        for name, value, low, high in ranges:
            if not low <= value <= high:
                raise ValueError(f"card: {name} is {value}, {low:g} to {high:g} is allowed")
        check_labels(self.labels)

    def to_json(self) -> bytes:
        """Return the card as UTF-8 JSON, the same bytes for the same card."""
        from dataclasses import asdict

        return json.dumps(asdict(self), indent=1, sort_keys=True).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "Card":
        """Read a card.

        Raises:
            NewerVersionError: a version that this package does not read yet.
            ValueError: no JSON, a missing or unknown key, or a value of the wrong type.
        """
        raw = load_json(data)
        tools = raw.get("tools") if isinstance(raw, dict) else None
        made_by = str(tools.get("digitrec-edge", "")) if isinstance(tools, dict) else ""
        return read_version(raw, "card_version", _READERS, made_by)


def _from_version_1(raw: dict[str, Any]) -> dict[str, Any]:
    """Version 2 added the threshold of "no digit", and blemished calibration images."""
    calibration = raw.get("calibration")
    if isinstance(calibration, dict):
        calibration = {**calibration, "blemished": 0}
    return {**raw, "calibration": calibration, "no_digit": None, "card_version": CARD_VERSION}


_READERS: dict[int, Callable[[Any], Card]] = {
    1: lambda raw: parse(Card, _from_version_1(raw)),
    CARD_VERSION: lambda raw: parse(Card, raw),
}
"""Version -> reader; what a later version adds, the readers of older ones fill in."""
