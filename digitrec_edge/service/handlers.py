"""The answers of the routes; those of the collection are in :mod:`digitrec_edge.service.review`."""

import dataclasses
import json
from datetime import UTC, datetime

from starlette.responses import Response

from digitrec_edge.service.app import HttpCall, respond
from digitrec_edge.service.frames import FrameKind, PipeFrame
from digitrec_edge.service.guard import HttpRefusal
from digitrec_edge.service.openapi import document
from digitrec_edge.service.routes import HTML, TEXT
from digitrec_edge.service.settings import ServiceLimits
from digitrec_edge.service.staff import BusyError, ReaderLostError, Staff, TooSlowError

_AGAIN = (("Retry-After", "1"),)


async def home(call: HttpCall) -> Response:
    """Return the page of the artifact that answers; its own policy is in it."""
    headers = {"Content-Security-Policy": "frame-ancestors 'none'"}
    return respond(call.service.exchange.serving.page, HTML, headers=headers)


async def read(call: HttpCall) -> Response:
    """Have a picture read, and keep what is to be kept before it is answered."""
    service = call.service
    keeper = service.keeper if service.keeper and service.keeper.keeps else None
    line = {**call.values, "type": call.request.headers.get("content-type", ""), "kept": keeper is not None}
    body = await call.body.read()
    if not body:
        raise HttpRefusal(400, "the body is empty; send a picture: curl --data-binary @photo.jpg")
    staff = service.exchange.serving.staff
    found = await _read(staff, PipeFrame(FrameKind.READ, line, body), service.settings.limits)
    service.metrics.read(found.line)
    if keeper is None:
        return respond(found.body)
    return respond(await keeper.keep(found, staff.sha256))


async def _read(staff: Staff, frame: PipeFrame, limits: ServiceLimits) -> PipeFrame:
    try:
        found = await staff.read(frame, limits.read_s, limits.waiting)
    except BusyError:
        raise HttpRefusal(503, "too many pictures wait already; come back in a moment", _AGAIN) from None
    except TooSlowError:
        raise HttpRefusal(504, f"the picture was not read within {limits.read_s:g} s", _AGAIN) from None
    except ReaderLostError:
        raise HttpRefusal(422, "the picture took the process down that read it; save it anew") from None
    if found.kind == FrameKind.REFUSED:
        status, text = found.line
        raise HttpRefusal(status, text)
    if found.kind != FrameKind.ANSWER:
        raise HttpRefusal(500, str(found.line))
    return found


async def card(call: HttpCall) -> Response:
    """Tell which artifact answers: its card, its hash and its runtime."""
    serving = call.service.exchange.serving
    found, running = serving.staff.artifact, serving.staff.running
    content = {
        "artifact": found.name, "sha256": serving.staff.sha256, "file": found.path.name,
        "runtime": running.runtime, "runtime_version": running.runtime_version,
        "since": datetime.fromtimestamp(serving.since, UTC).isoformat(timespec="seconds"),
        "labels": serving.card.labels, "card": dataclasses.asdict(serving.card),
    }  # fmt: skip
    return respond(json.dumps(content).encode())


async def health(call: HttpCall) -> Response:
    """Tell whether somebody is there to read."""
    present = call.service.exchange.serving.staff.present
    if not present:
        raise HttpRefusal(503, "no process that reads pictures is there; one is being started")
    return respond(json.dumps({"status": "ok", "readers": present}).encode())


async def metrics(call: HttpCall) -> Response:
    """Return the figures."""
    return respond(call.service.metrics.text(), TEXT)


async def openapi(call: HttpCall) -> Response:
    """Describe all this."""
    token, labels = bool(call.service.settings.token), len(call.service.exchange.serving.card.labels)
    return respond(json.dumps(document(token=token, labels=labels)).encode())
