"""What the schema says of all operations alike: drf-spectacular's postprocessing hooks."""

from collections.abc import Iterator
from typing import Any

from accounts.api.idempotency import HEADER
from accounts.api.problems import MEDIA_TYPE

PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457). `code` is stable; `detail` says what to do.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/ProblemField"}},
    },
}
PROBLEM_FIELD = {
    "type": "object",
    "description": "A field at fault: `limits.0.price_fen` is in the first of `limits`, `body` the whole.",
    "required": ["field", "detail"],
    "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
}
REFUSALS = {
    "400": "The request cannot be read.",
    "401": "The API key is missing, unknown, revoked or expired.",
    "403": "The role or the key's scopes do not include this.",
    "404": "There is no such row, or it is not yours.",
    "405": "This address does not take this method.",
    "406": "The answer is JSON, which Accept does not include.",
    "409": "The row's state does not allow this.",
    "413": "The body is too long.",
    "415": "The body is not sent as JSON.",
    "422": "A field, or the terms as a whole, cannot be used as they stand.",
    "429": "Too many requests: wait for Retry-After seconds.",
    "500": "The fault is the exchange's; nothing was half-done.",
}
HEADERS = {
    "401": {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "Bearer."}},
    "429": {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}},
}
REPLAY = {
    "schema": {"type": "string", "enum": ["true"]},
    "description": "This is the first answer again, to the same request with the same key.",
}

Schema = dict[str, Any]


def describe_problems(result: Schema, **context: object) -> Schema:
    """Every operation may answer with problem details."""
    result["components"]["schemas"] |= {"Problem": PROBLEM, "ProblemField": PROBLEM_FIELD}
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operation in _operations(result):
        for status, description in REFUSALS.items():
            refusal: Schema = {"description": description, "content": content}
            if status in HEADERS:
                refusal["headers"] = HEADERS[status]
            operation["responses"].setdefault(status, refusal)
    return result


def describe_replays(result: Schema, **context: object) -> Schema:
    """An operation that takes an Idempotency-Key says how its answer comes again."""
    for operation in _operations(result):
        if any(parameter["name"] == HEADER for parameter in operation.get("parameters", [])):
            for status, response in operation["responses"].items():
                if status.startswith("2"):
                    response["headers"] = {"Idempotent-Replay": REPLAY}
    return result


def close_requests(result: Schema, **context: object) -> Schema:
    """A body takes no field that its schema does not name; `accounts.api.bodies` refuses it."""
    for name, component in result["components"]["schemas"].items():
        if name.endswith("Request") and component["type"] == "object":
            component["additionalProperties"] = False
    return result


def require_in_answers(result: Schema, **context: object) -> Schema:
    """An answer has all of its fields, those too that a request may leave out."""
    for name, component in result["components"]["schemas"].items():
        if not name.endswith("Request") and "properties" in component:
            component["required"] = sorted(component["properties"])
    return result


def name_query_enums(result: Schema, **context: object) -> Schema:
    """A filter by an enum takes the same type as the field that it filters by, not a second one like it."""
    components = result["components"]["schemas"]
    named = {frozenset(each["enum"]): name for name, each in components.items() if "enum" in each}
    for operation in _operations(result):
        for parameter in operation.get("parameters", []):
            schema = parameter["schema"]
            name = named.get(frozenset(schema.get("enum", [])))
            if name:
                named_one = {"$ref": f"#/components/schemas/{name}"}
                default = {"allOf": [named_one], "default": schema.get("default")}
                parameter["schema"] = default if "default" in schema else named_one
    return result


def _operations(result: Schema) -> Iterator[Schema]:
    for operations in result["paths"].values():
        yield from operations.values()
