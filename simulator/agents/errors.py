"""The API's errors: status, error type, message and body."""

from __future__ import annotations

from typing import Any

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}


class ApiError(Exception):
    """An error response in its documented form."""

    def __init__(
        self, status: int, message: str, *, code: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = headers or {}

    def body(self, request_id: str) -> dict[str, Any]:
        """Return the JSON body."""
        error: dict[str, Any] = {"type": TYPES[self.status], "message": self.message}
        if self.code:
            error["details"] = {"error_code": self.code}
        return {"type": "error", "error": error, "request_id": request_id}


def bad_request(message: str, code: str | None = None) -> ApiError:
    """Return the error for an invalid request; the API answers 400, never 422."""
    return ApiError(400, message, code=code)


def not_found(message: str, code: str | None = None) -> ApiError:
    """Return the error for an unknown id."""
    return ApiError(404, message, code=code)


def conflict(message: str) -> ApiError:
    """Return the error for a request that conflicts with the present state."""
    # The SDK retries a 409 by itself unless this header forbids it.
    return ApiError(409, message, headers={"x-should-retry": "false"})
