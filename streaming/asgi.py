"""Requests as dialects see them, and their answers as responses; does no I/O."""

from collections.abc import Mapping

from starlette.requests import HTTPConnection
from starlette.responses import Response

from .protocols.base import Denial, Handshake
from .protocols.files import Answer


def handshake_of(request: HTTPConnection) -> Handshake:
    """What dialects see of a request."""
    return Handshake(
        path=request.url.path,
        query={name: request.query_params.getlist(name) for name in request.query_params},
        headers=dict(request.headers),
        subprotocols=tuple(request.scope.get("subprotocols", ())),
    )


def response_of(answer: Denial | Answer) -> Response:
    return Response(answer.body, answer.status, dict(answer.headers), media_type=answer.media_type)


def header_list(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers as ASGI wants them."""
    return [(name.encode(), value.encode()) for name, value in headers.items()]
