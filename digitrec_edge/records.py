"""Records: frozen dataclasses from plain JSON values, nothing missing and nothing unknown; a reader per version."""

import dataclasses
import json
import math
import sys
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

T = TypeVar("T")
_LARGEST = sys.float_info.max


def load_json(data: bytes | str) -> Any:
    """Read strict JSON from anywhere: no duplicate keys, no NaN, no endless nesting, no number beyond a float.

    Raises:
        ValueError: it is something else.
    """
    try:
        return json.loads(data, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"key {next(name for name in names if names.count(name) > 1)!r} is there twice")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text[:40]} is beyond the range of a float")
    return number


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
            f"made by a newer digitrec-edge ({made_by or 'unknown'}; {key.replace('_', ' ')} {version}): "
            "update digitrec-edge"
        )
    if type(version) is not int or version not in readers:
        raise ValueError(f"{key.replace('_', ' ')} is {version!r}, 1 to {max(readers)} is needed")
    return readers[version](raw)


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
        if not -_LARGEST <= raw <= _LARGEST:  # false for NaN, too
            raise ValueError(f"{where} is beyond the range of a float")
        return float(raw)
    if type(raw) is not hint:
        raise ValueError(f"{where} is {type(raw).__name__}, {hint.__name__} is needed")
    return raw
