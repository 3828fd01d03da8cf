"""Errors as OpenAI's interfaces show them: one shape in events and in HTTP answers."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ...errors import StreamError
from ...events import Error
from ..base import HTTP_STATUS, Denial, retry_header
from ..wire import to_json

_CODES = {  # where OpenAI has words of its own
    "unauthorized": "invalid_api_key",
    "bad_option": "invalid_value",
    "bad_message": "invalid_request",
}
_EVENT_CODES = {**_CODES, "bad_message": "invalid_event"}

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


def error_body(
    error: StreamError | Error, param: str | None = None, *, in_event: bool = False
) -> dict[str, Any]:
    """What is told of an error; `param` names the field that is wrong.

    An event that cannot be read has another code than a request that cannot, so `in_event` says
    where it is told.
    """
    codes = _EVENT_CODES if in_event else _CODES
    kind = "invalid_request_error" if _status(error) < 500 else "server_error"
    return body_of(error.message, codes.get(error.code, error.code), param, kind=kind)


def body_of(
    message: str, code: str, param: str | None = None, *, kind: str = "invalid_request_error"
) -> dict[str, Any]:
    """The same of an error that only this interface knows."""
    return {"message": message, "type": kind, "param": param, "code": code}


def denial(
    error: StreamError, param: str | None = None, headers: Mapping[str, str] = _NO_HEADERS
) -> Denial:
    """An HTTP answer that says why there is nothing else."""
    body = to_json({"error": error_body(error, param)})
    return Denial(_status(error), body, headers={**headers, **retry_header(error)})


def _status(error: StreamError | Error) -> int:
    return HTTP_STATUS.get(error.code, 500)
