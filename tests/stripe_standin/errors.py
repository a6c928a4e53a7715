from typing import Any


class ApiError(Exception):
    """An answer that is an error, in Stripe's shape."""

    def __init__(self, status: int, kind: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "message": message} | more}


def missing(what: str, object_id: str) -> ApiError:
    return ApiError(
        404, "invalid_request_error", f"No such {what}: '{object_id}'", code="resource_missing", param="id"
    )


def invalid(message: str, *, code: str = "parameter_invalid", param: str = "") -> ApiError:
    return ApiError(400, "invalid_request_error", message, code=code, param=param)


def declined(message: str, code: str, intent: dict[str, Any]) -> ApiError:
    return ApiError(
        402, "card_error", message, code=code, decline_code="generic_decline", payment_intent=intent
    )
