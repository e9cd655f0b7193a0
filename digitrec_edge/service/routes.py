"""The table of routes: what is asked how, and every way in which it is answered.

Routing, the check of parameters, the OpenAPI document, the labels of the metrics and the table of docs/serving.md
follow from the rows.
"""

from dataclasses import dataclass
from typing import Any

from digitrec_edge.service import schemas
from digitrec_edge.service.schemas import Schema

PICTURE_TYPES = ("application/octet-stream", "image/*")
KEPT_TYPES = ("application/octet-stream", "image/png", "image/jpeg", "image/gif", "image/bmp")
"""What a picture that was kept is called; the first where it is of none of the others."""

JSON, HTML, TEXT = "application/json", "text/html; charset=utf-8", "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Parameter:
    """A value of the query.

    Attributes:
        schema: of JSON Schema: a boolean, a number, an integer or a string of a pattern.
        default: where it is not given; None for one that must be.
    """

    name: str
    help: str
    schema: Schema
    default: Any = None


@dataclass(frozen=True)
class Reply:
    """One way in which a request is answered.

    Attributes:
        content: media type, or several with commas between; empty where there is no body.
        schema: of a JSON body, by its name among the schemas.
    """

    status: int
    help: str
    content: str = JSON
    schema: str = "Error"


@dataclass(frozen=True)
class Route:
    """A row of the table.

    Attributes:
        handler: name of the function in :mod:`digitrec_edge.service.handlers` or ``review``, as ``module:name``.
        body: what is taken: ``picture``, the name of a schema of JSON, or nothing.
        open: no token is asked.
    """

    method: str
    path: str
    summary: str
    handler: str
    answers: tuple[Reply, ...]
    parameters: tuple[Parameter, ...] = ()
    body: str = ""
    open: bool = False

    @property
    def all_answers(self) -> tuple[Reply, ...]:
        """The answers of its own, and those that any request may get."""
        shared = [one for one in _ANY if not (self.open and one.status == 401)]
        if self.parameters or self.body:
            shared.append(_WRONG)
        if self.body:
            shared += _BODY
        return (*self.answers, *sorted(shared, key=lambda one: one.status))


_WRONG = Reply(400, "A parameter or the body is not as it must be.")
_ANY = (
    Reply(401, "The token is missing, or another one."),
    Reply(403, "The request comes from a page of another host."),
    Reply(421, "The Host header names another host."),
    Reply(500, "The service failed; its log tells why."),
)
_BODY = (
    Reply(408, "The body took too long."),
    Reply(413, "The body is larger than it may be."),
)

_MULTI = Parameter("multi", "Read several digits per picture, in reading order.", {"type": "boolean"}, False)
_CONFIDENCE = Parameter(
    "min_confidence", "A digit of a lower probability is called unsure.",
    {"type": "number", "minimum": 0, "maximum": 1}, 0.0,
)  # fmt: skip
_ANYTHING = Parameter("accept_anything", "Name a digit whatever is on the picture.", {"type": "boolean"}, False)
_ID = Parameter("id", "Of an item.", {"type": "string", "pattern": schemas.ID}, None)
_CORRECTED = Parameter(
    "corrected", "Only items that are corrected, or are not.", {"type": "string", "enum": ["any", "yes", "no"]}, "any"
)
_ORDER = Parameter(
    "order", "The newest first, or the most unsure.", {"type": "string", "enum": ["newest", "unsure"]}, "newest"
)
_LIMIT = Parameter("limit", "Items of a page.", {"type": "integer", "minimum": 1, "maximum": 200}, 60)
_OFFSET = Parameter("offset", "Items before the page.", {"type": "integer", "minimum": 0, "maximum": 1 << 31}, 0)

_NO_COLLECTION = Reply(404, "No such item, or no collection: digitrec-edge serve --keep, or --collection.")
_LOST = Reply(503, "The collection cannot be read or written.")

ROUTES = (
    Route("GET", "/", "The page that reads in the browser", "handlers:home", (Reply(200, "The page.", HTML, ""),)),
    Route(
        "POST", "/v1/read", "Read the digit on a picture, or several", "handlers:read",
        (
            Reply(200, "What was read: the object of predict --json.", JSON, "Answer"),
            Reply(422, "It is no picture, too large a one, or there is no digit on it, or more than one."),
            Reply(503, "Too many pictures wait for their turn, or this one has waited too long."),
            Reply(504, "It could not be read within the time that a picture may take."),
        ),
        (_MULTI, _CONFIDENCE, _ANYTHING), "picture",
    ),
    Route("GET", "/v1/card", "The artifact that answers", "handlers:card", (Reply(200, "Its card.", JSON, "Card"),)),
    Route(
        "GET", "/v1/collection", "What was kept, by the page", "review:listed",
        (Reply(200, "A page of items.", JSON, "Items"), _NO_COLLECTION, _LOST),
        (_CORRECTED, _ORDER, _LIMIT, _OFFSET),
    ),
    Route(
        "GET", "/v1/collection/picture", "The picture of an item as it came", "review:picture",
        (Reply(200, "Its bytes.", ", ".join(KEPT_TYPES), ""), _NO_COLLECTION, _LOST), (_ID,),
    ),
    Route(
        "POST", "/v1/collection/correct", "Say what an item shows", "review:correct",
        (Reply(200, "The item as it is now.", JSON, "Item"), _NO_COLLECTION, _LOST), (), "Correction",
    ),
    Route(
        "POST", "/v1/collection/undo", "Take the latest correction back", "review:undo",
        (Reply(200, "The item as it is now; null where there was nothing.", JSON, "MaybeItem"), _NO_COLLECTION, _LOST),
    ),
    Route("GET", "/review", "The page to correct what was kept", "review:page", (Reply(200, "The page.", HTML, ""),)),
    Route(
        "GET", "/healthz", "Whether pictures can be read", "handlers:health",
        (Reply(200, "They can.", JSON, "Health"), Reply(503, "No process that reads pictures is there.")), open=True,
    ),
    Route("GET", "/metrics", "Figures for Prometheus", "handlers:metrics", (Reply(200, "Text.", TEXT, ""),)),
    Route("GET", "/openapi.json", "This description", "handlers:openapi", (Reply(200, "It.", JSON, "Object"),)),
)  # fmt: skip

BY_PATH: dict[str, dict[str, Route]] = {}
for _row in ROUTES:
    BY_PATH.setdefault(_row.path, {})[_row.method] = _row
