"""The application: a request finds its row in the table of routes, is let pass or refused, answered and counted."""

import json
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from digitrec_edge.service.exchange import ModelExchange
from digitrec_edge.service.guard import Guard, HttpRefusal
from digitrec_edge.service.keeping import Keeper
from digitrec_edge.service.metrics import Metrics
from digitrec_edge.service.parameters import Body, BodyRoom, read_query
from digitrec_edge.service.routes import BY_PATH, JSON, Route
from digitrec_edge.service.settings import Settings

LOG = logging.getLogger("digitrec_edge.service")
NO_ROUTE = "none"
"""What the metrics call a path that is in no row: paths of others make no labels."""

_SAFE = {
    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}  # fmt: skip


@dataclass(frozen=True)
class Service:
    """What answers need: one of each for as long as the service runs."""

    settings: Settings
    exchange: ModelExchange
    metrics: Metrics
    keeper: Keeper | None
    room: BodyRoom


@dataclass(frozen=True)
class HttpCall:
    """A request that was let pass: its values by name, and its body where it is asked for."""

    request: Request
    values: dict[str, Any]
    body: Body
    service: Service = field(repr=False)


Handler = Callable[[HttpCall], Awaitable[Response]]


class App:
    """The ASGI application."""

    def __init__(self, service: Service) -> None:
        self._service, self._guard = service, Guard(service.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        start = time.perf_counter()
        request = Request(scope, receive)
        rows = BY_PATH.get(scope["path"], {})
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        route = rows.get(method)
        body = Body(request, self._service.settings.limits, self._service.room)
        try:
            response = await self._answer(request, route, rows, body)
        except ClientDisconnect:
            return
        finally:
            body.release()
        await response(scope, receive, send)
        label = scope["path"] if rows else NO_ROUTE
        self._service.metrics.answered(label, response.status_code, time.perf_counter() - start)

    async def _answer(self, request: Request, route: Route | None, rows: dict[str, Route], body: Body) -> Response:
        try:
            self._guard.check_place(request)
            if entered := self._guard.enter(request):
                return entered
            if not (route and route.open):
                self._guard.check_token(request)
            if route is None:
                raise _no_route(request, rows)
            values = read_query(route, request.scope["query_string"])
            return await handler(route)(HttpCall(request, values, body, self._service))
        except HttpRefusal as refusal:
            return refused(refusal)
        except ClientDisconnect:
            raise
        except Exception:
            LOG.exception("%s %s", request.method, request.scope["path"][:80])
            return refused(HttpRefusal(500, "the service failed; its log tells why"))


def _no_route(request: Request, rows: dict[str, Route]) -> HttpRefusal:
    path = request.scope["path"][:80]
    if not rows:
        return HttpRefusal(404, f"there is no {path!r}; /openapi.json tells what there is")
    allowed = ", ".join([*rows, *(["HEAD"] if "GET" in rows else [])])
    return HttpRefusal(405, f"{request.method} is no method of {path}; allowed: {allowed}", (("Allow", allowed),))


def handler(route: Route) -> Handler:
    """Return the function that answers a route."""
    return _imported(route.handler)


@cache
def _imported(place: str) -> Handler:
    module, _, name = place.partition(":")
    found: Handler = getattr(import_module(f"{__package__}.{module}"), name)
    return found


def refused(refusal: HttpRefusal) -> Response:
    """Return the answer that tells a refusal."""
    return respond(json.dumps({"error": refusal.text}).encode(), JSON, refusal.status, dict(refusal.headers))


def respond(
    content: bytes, media_type: str = JSON, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Return an answer with the headers that all have."""
    return Response(content, status, {**_SAFE, **(headers or {}), "Content-Type": media_type})
