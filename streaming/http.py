"""The paths that take whole files: requests in, responses out, and the client watched meanwhile.

What requests and answers mean is for the doors (`protocols/files.py`), how a file is heard for
`Offline`. Only here both meet ASGI.
"""

import asyncio
import io
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Message, Receive, Scope, Send

from .asgi import handshake_of, header_list, response_of
from .body import BodyReader
from .errors import SlowReaderError, StreamError, internal_error
from .events import Final
from .line import SessionLog
from .lines import Lines
from .offline import Offline
from .protocols.base import Denial, Handshake, House
from .protocols.deepgram.prerecorded import DeepgramPrerecorded
from .protocols.files import Answer, FileDoor, FileRequest, Order, Teller, Transcript
from .protocols.openai.chat import ChatCompletions
from .protocols.openai.rest import Transcriptions, describe_model, list_models, openai_denial
from .service import Service

_log = logging.getLogger(__name__)

_LARGE_JSON = 1 << 18  # read on another thread, as the loop would stand still meanwhile
_PIECES_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",  # a proxy must not hold pieces back
}


def file_routes(service: Service) -> list[BaseRoute]:
    """Every path of the HTTP APIs."""
    models = _Models(service)
    doors: dict[str, FileDoor] = {
        "/v1/audio/transcriptions": Transcriptions(),
        "/v1/chat/completions": ChatCompletions(),
        "/v1/listen": DeepgramPrerecorded(),
    }
    return [
        *(Route(path, _FilePath(service, door), methods=["POST"]) for path, door in doors.items()),
        Route("/v1/models", models.list, methods=["GET"]),
        Route("/v1/models/{name:path}", models.describe, methods=["GET"]),
    ]


@dataclass(frozen=True, slots=True)
class _FilePath:
    """An ASGI app: one of the paths that take files."""

    service: Service
    door: FileDoor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _Call(self.service, self.door, scope, receive, send).run()


class _Call:
    """One request with a file, from its headers to the end of its response."""

    def __init__(
        self, service: Service, door: FileDoor, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._service, self._door = service, door
        self._request = Request(scope, receive)
        self._receive = receive
        self._reply = _Reply(self._request, send, service.config.send_timeout_s)
        self._id = uuid.uuid4().hex
        self._log = SessionLog(_log, {"session": self._id})
        self._offline = Offline(self._id, Lines(service.new_line, service.release))
        self._teller: Teller | None = None

    async def run(self) -> None:
        """Answer the request; this is the edge where a bug ends one request, not the server."""
        peer = self._request.client
        self._log.info("%s from %s", self._request.url.path, peer.host if peer else "nowhere")
        outcome = "bye"
        try:
            await self._answer()
        except ClientDisconnect:
            outcome = "gone"
        except StreamError as error:
            outcome = error.code
            await self._refuse(error)
        except Exception:  # noqa: BLE001 - logged and told; other requests must not suffer
            self._log.exception("a bug ended the request")
            outcome = internal_error().code
            await self._refuse(internal_error())
        self._service.count_outcome(outcome)
        self._log.info("ended: %s", outcome)

    async def _answer(self) -> None:
        handshake = handshake_of(self._request)
        self._service.keys.check(handshake)
        async with self._offline.visit():
            self._service.admit()
            with self._service.hosting(self._offline):
                order, file = await self._read(handshake)
                async with self._watching_the_client():
                    heard = await self._hear(order, file)
        if self._teller is None:
            await self._reply.give(order.answer(heard))
        else:
            await self._add(self._teller, self._teller.done(heard), is_last=True)

    async def _hear(self, order: Order, file: BinaryIO) -> Transcript:
        finals: list[Final] = []
        self._teller = order.teller

        async def on_final(final: Final) -> None:
            finals.append(final)
            if self._teller is not None:
                await self._add(self._teller, self._teller.heard(final))

        duration_s = await self._offline.hear(file, order.raw, order.options, on_final)
        return Transcript(finals, duration_s)

    async def _add(self, teller: Teller, piece: str, *, is_last: bool = False) -> None:
        await self._reply.begin(teller.headers)
        await self._reply.add(piece, is_last=is_last)

    async def _refuse(self, error: StreamError) -> None:
        """Say why, unless it is that the client does not read."""
        with suppress(SlowReaderError):
            if not self._reply.has_begun:
                await self._reply.give(self._door.deny(error, self._id))
            elif self._teller is not None and not isinstance(error, SlowReaderError):
                await self._reply.add(self._teller.failed(error), is_last=True)

    async def _read(self, handshake: Handshake) -> tuple[Order, BinaryIO]:
        """What is asked for, and the file, which is kept by the visit."""
        config = self._service.config
        reader = BodyReader(
            self._request.scope,
            self._receive,
            max_bytes=config.max_upload_mb << 20,
            patience_s=config.send_timeout_s,
        )
        body = await reader.read(self._door.body, self._offline.keep)
        request = FileRequest(
            handshake=handshake,
            house=self._service.house(),
            id=self._id,
            arrived_s=time.time(),
            fields=body.fields,
            document=body.document,
            has_file=body.file is not None,
            sha256=body.sha256,
        )
        is_large = len(body.document) > _LARGE_JSON
        read = self._door.read
        order = await asyncio.to_thread(read, request) if is_large else read(request)
        return order, body.file or io.BytesIO(order.audio or b"")

    @asynccontextmanager
    async def _watching_the_client(self) -> AsyncIterator[None]:
        """While this is entered, a client that goes away takes its file with it."""
        watch = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watch.cancel()

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._offline.stop(ClientDisconnect())


class _Reply:
    """The response to one request: an answer, or pieces of one as they come."""

    def __init__(self, request: Request, send: Send, timeout_s: float) -> None:
        self._request, self._send, self._timeout_s = request, send, timeout_s
        self.has_begun = False

    async def begin(self, headers: Mapping[str, str]) -> None:
        """The head of a response in pieces, if it is not out. Raises SlowReaderError."""
        if self.has_begun:
            return
        self.has_begun = True
        fields = header_list({**_PIECES_HEADERS, **headers})
        await self._put({"type": "http.response.start", "status": 200, "headers": fields})

    async def give(self, answer: Answer | Denial) -> None:
        """The whole response. Raises SlowReaderError."""
        self.has_begun = True
        await response_of(answer)(self._request.scope, self._request.receive, self._put)

    async def add(self, piece: str, *, is_last: bool = False) -> None:
        """One or more server-sent events. Raises SlowReaderError."""
        body = piece.encode()
        await self._put({"type": "http.response.body", "body": body, "more_body": not is_last})

    async def _put(self, message: Message) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._send(message)
        except TimeoutError:
            raise SlowReaderError("the answer is not read") from None


# --- models --------------------------------------------------------------------------------------


class _Models:
    """What there is to choose from, for clients that ask first."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._began_s = int(time.time())

    async def list(self, request: Request) -> Response:
        return self._answer(request, list_models)

    async def describe(self, request: Request) -> Response:
        return self._answer(request, partial(describe_model, request.path_params["name"]))

    def _answer(self, request: Request, answer: Callable[[House, int], Answer]) -> Response:
        service = self._service
        try:
            service.keys.check(handshake_of(request))
            if service.bridge.port is None:
                service.admit()  # says why there is no engine
            return response_of(answer(service.house(), self._began_s))
        except StreamError as error:
            return response_of(openai_denial(error, uuid.uuid4().hex))
