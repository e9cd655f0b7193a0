"""The card: what an artifact says of itself. Frozen dataclasses here, JSON only at the edge."""

import dataclasses
import json
import types
import typing
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

CARD_VERSION = 1
LABELS = tuple("0123456789")

T = TypeVar("T")


@dataclass(frozen=True)
class TensorCard:
    """An input or output: ``real = scale * (quantised - zero_point)``; both None when it is float."""

    name: str
    shape: tuple[int | str, ...]
    dtype: str
    scale: float | None
    zero_point: int | None


@dataclass(frozen=True)
class Preprocessing:
    """How pixels become the model's real-valued input."""

    size: tuple[int, int]
    channels: str
    divide_by: float


@dataclass(frozen=True)
class Requirements:
    """What it takes to run the model, found from the model itself.

    Attributes:
        target: the runtime that the artifact was made for.
        needs: operators (TFLite) or opsets and IR (ONNX) with the lowest version that will do.
        oldest: per runtime, the oldest known release that runs it; None when no known one does.
    """

    target: str
    needs: dict[str, int]
    oldest: dict[str, str | None]


@dataclass(frozen=True)
class Calibration:
    """Which training images the activation ranges were measured on."""

    images: int
    seed: int
    indices_sha256: str


@dataclass(frozen=True)
class ParityFigures:
    """What was measured on the test set after conversion, against the Keras model."""

    runtime: str
    images: int
    accuracy: float
    reference_accuracy: float
    agreement: float
    max_logit_difference: float


@dataclass(frozen=True)
class Card:
    """Everything that a device needs to know of one model file.

    Attributes:
        variant: precision, such as ``int8``.
        source_sha256: of the Keras file that it was converted from.
        payload_sha256: of the model without its card.
        temperature: logits are divided by it before they become probabilities.
        training: the recipe of the source, None when its history is not known.
        tools: name and version of everything that took part in the conversion.
    """

    name: str
    format: str
    variant: str
    inputs: tuple[TensorCard, ...]
    outputs: tuple[TensorCard, ...]
    preprocessing: Preprocessing
    labels: tuple[str, ...]
    source_sha256: str
    payload_sha256: str
    temperature: float
    training: dict[str, float | int | str | None] | None
    calibration: Calibration | None
    requirements: Requirements
    parity: ParityFigures | None
    tools: dict[str, str]
    card_version: int = CARD_VERSION

    def to_json(self) -> bytes:
        """Return the card as UTF-8 JSON, the same bytes for the same card."""
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "Card":
        """Read a card.

        Raises:
            ValueError: no JSON, a missing or unknown key, a value of the wrong type or a newer version.
        """
        try:
            raw = json.loads(data)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        if isinstance(raw, dict) and raw.get("card_version") != CARD_VERSION:
            raise ValueError(f"card version {raw.get('card_version')}, this digitrec-edge reads {CARD_VERSION}")
        return parse(cls, raw)


def parse(kind: type[T], raw: Any, where: str = "card") -> T:
    """Build the dataclass ``kind`` from plain JSON values; nothing missing, nothing unknown.

    Raises:
        ValueError: names the first key that does not fit.
    """
    if not isinstance(raw, dict):
        raise ValueError(f"{where} is {type(raw).__name__}, an object is needed")
    hints = typing.get_type_hints(kind)
    names = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if raw.keys() != names:
        wrong = sorted(raw.keys() ^ names)
        raise ValueError(f"{where}: missing or unknown key {wrong[0]!r}")
    return kind(**{name: _value(hints[name], raw[name], f"{where}.{name}") for name in names})


def _value(hint: Any, raw: Any, where: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if type(raw) in arguments:  # a whole number stays one where both int and float are allowed
            return raw
        reason = ValueError(f"{where} is nothing that is allowed")
        for option in arguments:
            try:
                return _value(option, raw, where)
            except ValueError as cause:
                reason = reason if option is type(None) else cause
        raise reason
    if origin is Literal:
        if raw not in arguments:
            raise ValueError(f"{where} is {raw!r}, one of {', '.join(map(repr, arguments))} is needed")
        return raw
    if origin is tuple:
        if not isinstance(raw, list):
            raise ValueError(f"{where} is not a list")
        kinds = [arguments[0]] * len(raw) if arguments[-1] is Ellipsis else list(arguments)
        if len(kinds) != len(raw):
            raise ValueError(f"{where} has {len(raw)} entries, {len(kinds)} are needed")
        return tuple(_value(kind, item, where) for kind, item in zip(kinds, raw, strict=True))
    if origin is dict:
        if not isinstance(raw, dict):
            raise ValueError(f"{where} is not an object")
        return {str(key): _value(arguments[1], item, f"{where}.{key}") for key, item in raw.items()}
    if dataclasses.is_dataclass(hint):
        return parse(typing.cast(type, hint), raw, where)
    if hint is float and type(raw) in (int, float):
        return float(raw)
    if type(raw) is not hint:
        raise ValueError(f"{where} is {type(raw).__name__}, {hint.__name__} is needed")
    return raw
