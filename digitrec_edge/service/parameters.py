"""What a request gives: the values of its query, and its body."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from digitrec_edge.service.guard import MOST_VALUES, HttpRefusal
from digitrec_edge.service.routes import Parameter, Route
from digitrec_edge.service.settings import ServiceLimits

SMALL_BYTES = 64 << 10
"""Bodies up to here are bounded by the number of connections alone."""

_WORDS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_CLOSE = (("Connection", "close"),)


def read_query(route: Route, query: bytes) -> dict[str, Any]:
    """Return the values of a query, those that are not given by their defaults.

    Raises:
        HttpRefusal: 400, names the parameter, what it is and what it may be.
    """
    known = {one.name: one for one in route.parameters}
    found = {name: one.default for name, one in known.items()}
    try:
        pairs = parse_qsl(query.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_VALUES, errors="strict")
    except ValueError:
        raise HttpRefusal(400, "the query cannot be read: it is no UTF-8, or has too many values") from None
    for name, text in pairs:
        if name not in known:
            allowed = ", ".join(known) or "none"
            raise HttpRefusal(400, f"{name[:40]!r} is no parameter of {route.path}; there are: {allowed}")
        found[name] = _value(known[name], text)
    missing = [name for name, value in found.items() if value is None]
    if missing:
        raise HttpRefusal(400, f"{route.path} needs {missing[0]}")
    return found


def _value(parameter: Parameter, text: str) -> Any:
    schema = parameter.schema
    read, words = _KINDS[schema["type"]]
    try:
        return read(text, schema)
    except (ValueError, KeyError):
        raise HttpRefusal(400, f"{parameter.name} is {text[:40]!r}, allowed is {words(schema)}") from None


def _read_number(text: str, schema: dict[str, Any]) -> float:
    if not re.fullmatch(r"[0-9.eE+-]{1,32}", text):
        raise ValueError(text)
    return _within(float(text), schema)


def _read_integer(text: str, schema: dict[str, Any]) -> int:
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise ValueError(text)
    return int(_within(int(text), schema))


def _within(value: float, schema: dict[str, Any]) -> float:
    if not schema["minimum"] <= value <= schema["maximum"]:
        raise ValueError(value)
    return value


def _read_text(text: str, schema: dict[str, Any]) -> str:
    if not (text in schema["enum"] if "enum" in schema else re.fullmatch(schema["pattern"], text)):
        raise ValueError(text)
    return text


_KINDS: dict[str, tuple[Callable[[str, dict[str, Any]], Any], Callable[[dict[str, Any]], str]]] = {
    "boolean": (lambda text, _: _WORDS[text.lower()], lambda _: "1 or 0"),
    "number": (_read_number, lambda schema: f"{schema['minimum']} to {schema['maximum']}"),
    "integer": (_read_integer, lambda schema: f"{schema['minimum']} to {schema['maximum']}"),
    "string": (_read_text, lambda schema: ", ".join(schema["enum"]) if "enum" in schema else schema["pattern"]),
}
"""By the type of a schema: how a value is read, and what is allowed in words."""


class BodyRoom:
    """The memory that large bodies share."""

    def __init__(self, limit_bytes: int) -> None:
        self._left = limit_bytes

    def take(self, size: int) -> None:
        """Take so many bytes.

        Raises:
            HttpRefusal: 503, others have them.
        """
        if size > self._left:
            raise HttpRefusal(503, "too many large bodies at once; come back in a moment", (("Retry-After", "1"),))
        self._left -= size

    def give_back(self, size: int) -> None:
        """Give them back."""
        self._left += size


class Body:
    """The body of a request; what it takes of the room is given back with :meth:`release`, when all is answered."""

    def __init__(self, request: Request, limits: ServiceLimits, room: BodyRoom) -> None:
        self._request, self._limits, self._room = request, limits, room
        self._taken = 0

    def release(self) -> None:
        """Give back what was taken."""
        self._room.give_back(self._taken)
        self._taken = 0

    async def read(self) -> bytes:
        """Return all of it; no more is read than there may be.

        Raises:
            HttpRefusal: 413, too large; 408, too slow; 503, no room.
            ClientDisconnect: the client is gone.
        """
        promised = self._request.headers.get("content-length", "")
        if promised.isdecimal() and int(promised) > self._limits.body_bytes:
            raise self._too_large()
        try:
            async with asyncio.timeout(self._limits.body_s):
                return await self._collected()
        except TimeoutError:
            raise HttpRefusal(408, f"the body took longer than {self._limits.body_s:g} s", _CLOSE) from None

    async def _collected(self) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in self._request.stream():
            size += len(part)
            if size > self._limits.body_bytes:
                raise self._too_large()
            if size > SMALL_BYTES:
                self._room.take(size - self._taken)
                self._taken = size
            parts.append(part)
        return b"".join(parts)

    async def read_object(self, *names: str) -> dict[str, Any]:
        """Return the JSON object that it holds, with just these names.

        Raises:
            HttpRefusal: as :meth:`read`; 400, it is something else.
        """
        media = self._request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media != "application/json":
            raise HttpRefusal(400, "the body must be of type application/json")
        try:
            found = json.loads(await self.read())
        except (ValueError, RecursionError):
            raise HttpRefusal(400, "the body is no JSON") from None
        if not isinstance(found, dict) or set(found) != set(names):
            raise HttpRefusal(400, f"the body must be an object with {' and '.join(names)}")
        return found

    def _too_large(self) -> HttpRefusal:
        return HttpRefusal(413, f"the body has more than {self._limits.body_bytes:,} bytes")
