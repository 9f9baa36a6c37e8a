"""What is refused, and how it is told: problems as of RFC 9457."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):  # noqa: N818 - an answer rather than an error; never leaves the gateway
    """Ends a request with an answer that says what is wrong.

    Parameters
    ----------
    status : int
    reason : str
        A stable word for programs.
    detail : str
        For people; names fields, never what they hold.
    headers : mapping of str to str, optional
    """

    def __init__(
        self, status: int, reason: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """Return the answer."""
        told = {
            "status": self.status,
            "title": HTTPStatus(self.status).phrase,
            "detail": self.detail,
            "reason": self.reason,
        }
        body = msgspec.json.encode(told)
        return Response(body, self.status, self.headers, MEDIA_TYPE)


def json_response(content: object, status: int = 200) -> Response:
    """Return an answer whose body is JSON; nobody but the one who asked may keep it."""
    headers = {"cache-control": "no-store"}
    return Response(msgspec.json.encode(content), status, headers, "application/json")


def on_problem(_request: Request, error: Exception) -> Response:
    """Answer with a problem."""
    if not isinstance(error, Problem):
        raise TypeError(type(error).__name__)
    return error.response()


def on_http_exception(_request: Request, error: Exception) -> Response:
    """Tell a path or a method that there is not as a problem, too."""
    if not isinstance(error, HTTPException):
        raise TypeError(type(error).__name__)
    reason = {404: "no_such_path", 405: "no_such_method"}.get(error.status_code, "bad_request")
    return Problem(error.status_code, reason, error.detail, error.headers).response()
