"""The collection over HTTP: what was kept, by the page, and what a person says that it shows."""

import base64
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from starlette.responses import Response

from digitrec_edge.collection import Collection, Item
from digitrec_edge.collection.items import is_id
from digitrec_edge.errors import CollectionError, NoItemError
from digitrec_edge.service.app import HttpCall, respond
from digitrec_edge.service.guard import HttpRefusal
from digitrec_edge.service.keeping import Keeper
from digitrec_edge.service.routes import HTML, KEPT_TYPES
from digitrec_edge.web.bundle import bundle
from digitrec_edge.web.page import FOLDER as WEB
from digitrec_edge.web.page import digest

BY = "review"
"""Who corrects: whoever has the token."""

_CHOSEN = {"any": None, "yes": True, "no": False}
_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM")
"""Of the files of ``KEPT_TYPES``, but the first."""

_PAGE = Path(__file__).parent / "page"

_Result = TypeVar("_Result")


async def listed(call: HttpCall) -> Response:
    """Return a page of items, and how many there are."""
    values, corrected = call.values, _CHOSEN[call.values["corrected"]]

    def ask(collection: Collection) -> dict[str, Any]:
        items = collection.items(
            order=values["order"], corrected=corrected, limit=values["limit"], offset=values["offset"]
        )
        counts = collection.counts()
        matching = {None: counts.items, True: counts.corrected, False: counts.items - counts.corrected}[corrected]
        return {
            "items": [_as_json(item) for item in items], "all": counts.items, "corrected": counts.corrected,
            "matching": matching, "labels": _labels(call),
        }  # fmt: skip

    return respond(json.dumps(await _ask(call, ask)).encode())


async def picture(call: HttpCall) -> Response:
    """Return the bytes of a picture as it came; a browser is told what it is only where that is a picture."""
    found = await _ask(call, lambda collection: collection.picture(call.values["id"]))
    kinds = zip(_STARTS, KEPT_TYPES[1:], strict=True)
    kind = next((kind for start, kind in kinds if found.startswith(start)), KEPT_TYPES[0])
    return respond(found, kind, headers={"Content-Security-Policy": "default-src 'none'; sandbox"})


async def correct(call: HttpCall) -> Response:
    """Enter what a person says."""
    given = await call.body.read_object("id", "digit")
    name, digit = given["id"], given["digit"]
    if not is_id(name):
        raise HttpRefusal(400, "id must be the 32 hexadecimal digits of an item")
    if digit is not None and (type(digit) is not int or not 0 <= digit < len(_labels(call))):
        raise HttpRefusal(
            400, f"digit is {str(digit)[:40]!r}, allowed is 0 to {len(_labels(call)) - 1}, or null for no digit"
        )

    def enter(collection: Collection) -> Item:
        collection.correct(name, digit, BY)
        return collection.item(name)

    return respond(json.dumps(_as_json(await _ask(call, enter))).encode())


async def undo(call: HttpCall) -> Response:
    """Take the latest correction back."""

    def take_back(collection: Collection) -> Item | None:
        name = collection.undo()
        return collection.item(name) if name else None

    found = await _ask(call, take_back)
    return respond(json.dumps(found and _as_json(found)).encode())


async def page(call: HttpCall) -> Response:
    """Return the page; what it shows it asks for itself."""
    content, policy = _page()
    return respond(content, HTML, headers={"Content-Security-Policy": policy})


async def _ask(call: HttpCall, question: Callable[[Collection], _Result]) -> _Result:
    keeper = _keeper(call)
    try:
        return await keeper.ask(question)
    except NoItemError:
        raise HttpRefusal(404, "there is no such item") from None
    except CollectionError as error:
        raise HttpRefusal(503, str(error)) from None


def _keeper(call: HttpCall) -> Keeper:
    keeper = call.service.keeper
    if keeper is None:
        raise HttpRefusal(404, "no collection is shown here: digitrec-edge serve --keep unsure, or --collection FILE")
    return keeper


def _labels(call: HttpCall) -> tuple[str, ...]:
    return call.service.exchange.serving.card.labels


def _as_json(item: Item) -> dict[str, Any]:
    return {
        "id": item.id, "image": base64.b64encode(item.image.tobytes()).decode(), "digit": item.digit,
        "candidate": item.candidate, "probability": item.probability, "time": item.time, "source": item.source,
        "artifact_sha256": item.artifact_sha256, "picture_bytes": item.picture_bytes,
        "corrected": item.correction is not None, "correction": item.correction.digit if item.correction else None,
    }  # fmt: skip


@cache
def _page() -> tuple[bytes, str]:
    """Return the page with its script and style in it, and the policy that names their hashes and nothing else."""
    script = bundle(_PAGE / "review.mjs", "entry.main()")
    style = (WEB / "page" / "page.css").read_text(encoding="utf-8") + (_PAGE / "review.css").read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; script-src {digest(script)}; style-src {digest(style)}; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    text = (_PAGE / "review.html").read_text(encoding="utf-8")
    return text.replace("@STYLE@", style).replace("@SCRIPT@", script).encode(), policy
