"""Records: frozen dataclasses from plain JSON values, nothing missing and nothing unknown; a reader per version."""

import json
import math
import sys
import types
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from digitrec_edge.frozen import Frozen

T = TypeVar("T")
_LARGEST = sys.float_info.max
_LARGEST_WHOLE = 1 << 64

VALUES_LIMIT = 2_000_000
"""Values in one JSON text: an empty object takes 3 bytes of text and 72 bytes of memory."""


class Within(Frozen):
    """What a field may hold, as ``Annotated[float, Within(0, 1)]``: the ends of a number, or of a length."""

    low: float
    high: float


Text = Annotated[str, Within(0, 4096)]
Name = Annotated[str, Within(1, 255)]
Share = Annotated[float, Within(0, 1)]
Count = Annotated[int, Within(0, 1 << 40)]


def load_json(data: bytes | str) -> Any:
    """Read strict JSON from anywhere.

    No duplicate keys, no NaN, no endless nesting, no number beyond a float or 64 bits, no half of a surrogate pair, and
    no more than ``VALUES_LIMIT`` values.

    Raises:
        ValueError: it is something else.
    """
    try:
        text = data if isinstance(data, str) else data.decode(json.detect_encoding(data))
        if sum(map(text.count, ",[{")) > VALUES_LIMIT:
            raise ValueError(f"more than {VALUES_LIMIT:,} values")
        found = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite, parse_int=_whole
        )
        if "\\ud" in text or "\\uD" in text:
            json.dumps(found, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except MemoryError:
        raise ValueError("too large for the memory here") from None
    return found


def strict_json(value: Any, indent: int | None = None) -> str:
    """Write plain values as strict JSON, which has no NaN and no infinity: they become null."""
    try:
        return json.dumps(value, indent=indent, allow_nan=False)
    except ValueError:
        return json.dumps(_without_infinity(value), indent=indent, allow_nan=False)


def _without_infinity(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_infinity(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_infinity(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"key {_shown(name)} is there twice")
        found[name] = value
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text[:40]} is beyond the range of a float")
    return number


def _whole(text: str) -> int:
    if not -_LARGEST_WHOLE < (number := int(text)) < _LARGEST_WHOLE:
        raise ValueError(f"{text[:40]} is beyond 64 bits")
    return number


def _shown(value: Any) -> str:
    """Return the beginning of a value that may be of any length."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


class NewerVersionError(ValueError):
    """A record of a newer version than this package reads; the message names the package that made it."""


def read_version(raw: Any, key: str, readers: Mapping[int, Callable[[Any], T]], made_by: str) -> T:
    """Read a record by the reader for its version: a file of an older version stays readable for ever.

    Args:
        raw: plain JSON values.
        key: of the version.
        readers: version -> reader.
        made_by: version of digitrec-edge that wrote it, empty when that is not known.

    Raises:
        NewerVersionError: a version above all that there are readers for.
        ValueError: no version, or one that never was; or what the reader raises.
    """
    version = raw.get(key) if isinstance(raw, dict) else None
    if type(version) is int and version > max(readers):
        raise NewerVersionError(
            f"made by a newer digitrec-edge ({made_by[:40] or 'unknown'}; {key.replace('_', ' ')} {version}): "
            "update digitrec-edge"
        )
    if type(version) is not int or version not in readers:
        raise ValueError(f"{key.replace('_', ' ')} is {_shown(version)}, 1 to {max(readers)} is needed")
    try:
        return readers[version](raw)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def parse(kind: type[T], raw: Any, where: str = "card") -> T:
    """Build the dataclass ``kind`` from plain JSON values; nothing missing, nothing unknown.

    Raises:
        ValueError: names the first key that does not fit.
    """
    if not isinstance(raw, dict):
        raise ValueError(f"{where} is {type(raw).__name__}, an object is needed")
    hints = typing.get_type_hints(kind, include_extras=True)
    if raw.keys() != hints.keys():
        wrong = sorted(raw.keys() ^ hints.keys())
        raise ValueError(f"{where}: missing or unknown key {_shown(wrong[0])}")
    return kind(**{name: _value(hint, raw[name], f"{where}.{name}") for name, hint in hints.items()})


def _value(hint: Any, raw: Any, where: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _within(arguments[1], _value(arguments[0], raw, where), where)
    if origin in (Union, types.UnionType):
        if type(raw) in arguments:  # so a whole number stays one where both int and float are allowed
            return _value(type(raw), raw, where)
        reason = ValueError(f"{where} is nothing that is allowed")
        for option in arguments:
            try:
                return _value(option, raw, where)
            except ValueError as cause:
                reason = reason if option is type(None) else cause
        raise reason
    if origin is Literal:
        if raw not in arguments:
            raise ValueError(f"{where} is {_shown(raw)}, one of {', '.join(map(repr, arguments))} is needed")
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
        return {str(key): _value(arguments[1], item, f"{where}.{key[:80]}") for key, item in raw.items()}
    if isinstance(hint, type) and (issubclass(hint, Frozen) or hasattr(hint, "__dataclass_fields__")):
        return parse(hint, raw, where)
    if hint is float and type(raw) in (int, float):
        if not -_LARGEST <= raw <= _LARGEST:  # false for NaN, too
            raise ValueError(f"{where} is beyond the range of a float")
        return float(raw)
    if type(raw) is not hint:
        raise ValueError(f"{where} is {type(raw).__name__}, {hint.__name__} is needed")
    return raw


def _within(range_: Within, value: Any, where: str) -> Any:
    size = value if isinstance(value, int | float) else len(value)
    if not range_.low <= size <= range_.high:
        what = _shown(value) if size is value else f"{size:,} long"
        raise ValueError(f"{where} is {what}, {range_.low:g} to {range_.high:g} is allowed")
    return value
