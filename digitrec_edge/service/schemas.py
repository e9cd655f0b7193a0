"""The JSON that goes in and out, as JSON Schema; objects are complete, so that a client can be made of them."""

from typing import Any

Schema = dict[str, Any]

ID = "^[0-9a-f]{32}$"
_SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_TEXT: Schema = {"type": "string"}
_DIGIT: Schema = {"type": ["integer", "null"], "minimum": 0, "description": "null is 'no digit'"}
_LABEL: Schema = {"type": ["string", "null"]}
_BOX: Schema = {
    "type": "array",
    "items": {"type": "integer"},
    "minItems": 4,
    "maxItems": 4,
    "description": "left, top, right, bottom",
}
_KEPT: Schema = {"type": "array", "items": {"type": "string", "pattern": ID}, "description": "ids in the collection"}


def _object(required: Schema, **optional: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": [*required],
        "additionalProperties": False,
    }


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_DIGIT_FIELDS: Schema = {
    "digit": _DIGIT, "label": _LABEL, "candidate": _TEXT, "probability": _SHARE, "unsure": {"type": "boolean"},
    "score": {"type": ["number", "null"]}, "probabilities": {"type": "array", "items": _SHARE}, "box": _BOX,
}  # fmt: skip
_SHARED: Schema = {
    "turned": {"type": ["integer", "null"], "enum": [90, 180, 270, None]}, "turned_label": _LABEL,
    "latency_us": {"type": "number"}, "file_to_digit_ms": {"type": "number"}, "runtime": _TEXT, "artifact": _TEXT,
}  # fmt: skip

_ITEM = _object(
    {
        "id": {"type": "string", "pattern": ID},
        "image": {"type": "string", "contentEncoding": "base64", "description": "28 x 28 bytes, 0 is background"},
        "digit": _DIGIT,
        "candidate": {"type": "integer", "minimum": 0},
        "probability": _SHARE,
        "time": _TEXT,
        "source": _TEXT,
        "artifact_sha256": _TEXT,
        "picture_bytes": _COUNT,
        "corrected": {"type": "boolean"},
        "correction": _DIGIT,
    }
)

_SCHEMAS: dict[str, Schema] = {
    "Error": _object({"error": {"type": "string", "minLength": 1, "description": "one line"}}),
    "Digit": _object(_DIGIT_FIELDS),
    "One": _object({"picture": _TEXT, **_DIGIT_FIELDS, **_SHARED}, kept=_KEPT),
    "Several": _object(
        {"picture": _TEXT, "text": _TEXT, "digits": {"type": "array", "items": _reference("Digit")}, **_SHARED},
        kept=_KEPT,
    ),
    "Answer": {"oneOf": [_reference("One"), _reference("Several")]},
    "Card": _object(
        {
            "artifact": _TEXT,
            "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "file": _TEXT,
            "runtime": _TEXT,
            "runtime_version": _TEXT,
            "since": _TEXT,
            "labels": {"type": "array", "items": _TEXT},
            "card": {"type": "object"},
        }
    ),
    "Health": _object({"status": {"const": "ok"}, "readers": {"type": "integer", "minimum": 1}}),
    "Item": _ITEM,
    "MaybeItem": {"oneOf": [_reference("Item"), {"type": "null"}]},
    "Items": _object(
        {
            "items": {"type": "array", "items": _reference("Item")},
            "all": _COUNT,
            "corrected": _COUNT,
            "matching": _COUNT,
            "labels": {"type": "array", "items": _TEXT},
        }
    ),
    "Object": {"type": "object"},
}


def schemas_for(labels: int) -> dict[str, Schema]:
    """Return all schemas; a correction is one of so many labels."""
    digit = {**_DIGIT, "maximum": labels - 1, "description": "what it shows; null is 'no digit'"}
    return {**_SCHEMAS, "Correction": _object({"id": {"type": "string", "pattern": ID}, "digit": digit})}
