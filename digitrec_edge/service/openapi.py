"""The OpenAPI document, from the table of routes."""

from typing import Any

from digitrec_edge import __version__
from digitrec_edge.service.guard import COOKIE
from digitrec_edge.service.multipart import FORM
from digitrec_edge.service.routes import JSON, PICTURE_TYPES, ROUTES, Parameter, Reply, Route
from digitrec_edge.service.schemas import schemas_for

VERSION = "3.1.0"
_BINARY: dict[str, Any] = {"type": "string", "minLength": 1, "contentMediaType": "application/octet-stream"}


def document(*, token: bool, labels: int) -> dict[str, Any]:
    """Return the document.

    Args:
        token: whether the service asks for one.
        labels: as many as the artifact has that answers.
    """
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, token=token)
    schemes = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
    }
    return {
        "openapi": VERSION,
        "info": {
            "title": "digitrec-edge serve", "version": __version__,
            "description": "Reads hand-written digits on pictures. Errors are objects with one line, `error`.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {"schemas": schemas_for(labels), **({"securitySchemes": schemes} if token else {})},
    }  # fmt: skip


def _operation(route: Route, *, token: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": f"{route.method.lower()} {route.path}".replace("/", "_").replace(" ", ""),
        "summary": route.summary,
        "responses": _responses(route.all_answers),
    }
    if route.parameters:
        found["parameters"] = [_parameter(one) for one in route.parameters]
    if route.body:
        found["requestBody"] = {"required": True, "content": _body(route.body)}
    if token:
        found["security"] = [] if route.open else [{"bearer": []}, {"cookie": []}]
    return found


def _responses(answers: tuple[Reply, ...]) -> dict[str, Any]:
    """Answers of one status are told in one entry."""
    responses: dict[str, Any] = {}
    for answer in answers:
        entry = responses.setdefault(str(answer.status), {"description": answer.help})
        if answer.help not in entry["description"]:
            entry["description"] += f" {answer.help}"
        if answer.content:
            schema = {"$ref": f"#/components/schemas/{answer.schema}"} if answer.content == JSON else {"type": "string"}
            media = [one.partition(";")[0].strip() for one in answer.content.split(",")]
            entry["content"] = {one: {"schema": schema} for one in media}
    return responses


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema = dict(parameter.schema)
    if parameter.default is not None:
        schema["default"] = parameter.default
    return {
        "name": parameter.name, "in": "query", "description": parameter.help,
        "required": parameter.default is None, "schema": schema,
    }  # fmt: skip


def _body(kind: str) -> dict[str, Any]:
    if kind != "picture":
        return {JSON: {"schema": {"$ref": f"#/components/schemas/{kind}"}}}
    form = {"type": "object", "properties": {"picture": _BINARY}, "required": ["picture"]}
    return {**{media: {"schema": _BINARY} for media in PICTURE_TYPES}, FORM: {"schema": form}}
