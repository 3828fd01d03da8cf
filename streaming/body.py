"""The body of a request that brings a file: bounded in size and in patience, on disk if large."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive, Scope

from .errors import BadMessageError, SlowSenderError, TooLargeError
from .protocols.files import BodyKind

MAX_JSON_BYTES = 64 << 20  # a file in JSON is held in memory, several times over

_SPOOL_BYTES = 1 << 20  # smaller files never reach the disk; Starlette's forms do the same
_FILE_FIELD = "file"
_LEAST_BYTES_PER_SECOND = 1000  # in the long run; a slower one would hold a stream for days
_MAX_FIELDS, _MAX_FIELD_BYTES = 256, 1 << 16  # of a form, beside the file: these stay in memory

Keep = Callable[[BinaryIO], None]
"""Takes a file over, to be closed some time."""


@dataclass(slots=True)
class Body:
    """What a request brought; see `FileRequest`."""

    file: BinaryIO | None = None
    fields: dict[str, list[str]] = field(default_factory=dict)
    document: bytes = b""
    sha256: str = ""


class BodyReader:
    """Reads the body of one request."""

    def __init__(
        self, scope: Scope, receive: Receive, *, max_bytes: int, patience_s: float
    ) -> None:
        self._request = Request(scope, self._next)
        self._receive = receive
        self._max_bytes, self._patience_s = max_bytes, patience_s
        self._num_bytes = 0  # so far
        self._credit_s = patience_s

    async def read(self, kind: BodyKind, keep: Keep) -> Body:
        """All of it. `keep` is given every file as soon as it is there.

        Raises:
            TooLargeError: it has, or says that it has, more than `max_bytes`.
            SlowSenderError: nothing of it came for `patience_s`, or under 1000 bytes a second did.
            BadMessageError: it is no form.
            ClientDisconnect: the client is gone.
        """
        if kind is BodyKind.JSON:
            self._max_bytes = min(self._max_bytes, MAX_JSON_BYTES)
        length = self._request.headers.get("content-length", "")
        if length.isdecimal():
            self._check_size(int(length[:20]))
        match kind:
            case BodyKind.FORM:
                return await self._form(keep)
            case BodyKind.JSON:
                return Body(document=await self._request.body())
            case BodyKind.FILE:
                return await self._file(keep)

    async def _form(self, keep: Keep) -> Body:
        try:
            form = await self._request.form(
                max_files=1, max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD_BYTES
            )
        except HTTPException as error:
            raise BadMessageError(f"the form cannot be read: {error.detail}") from None
        body = Body()
        for name, value in form.multi_items():
            if isinstance(value, str):
                body.fields.setdefault(name, []).append(value)
                continue
            keep(value.file)
            if name == _FILE_FIELD:
                body.file = value.file
        return body

    async def _file(self, keep: Keep) -> Body:
        file = cast(BinaryIO, SpooledTemporaryFile(max_size=_SPOOL_BYTES))  # noqa: SIM115 - kept
        keep(file)
        upload, digest = UploadFile(file), hashlib.sha256()
        async for chunk in self._request.stream():
            digest.update(chunk)
            await upload.write(chunk)
        await upload.seek(0)
        return Body(file=file if self._num_bytes else None, sha256=digest.hexdigest())

    async def _next(self) -> Message:
        """The next piece, as ASGI's `receive` gives it."""
        asked_s = time.monotonic()
        try:
            async with asyncio.timeout(self._patience_s):
                message = await self._receive()
        except TimeoutError:
            raise SlowSenderError(
                f"nothing of the file came within {self._patience_s:g} s"
            ) from None
        size = len(message.get("body", b""))
        self._num_bytes += size
        # What came fast is no licence to be slow for longer than the patience.
        earned_s = size / _LEAST_BYTES_PER_SECOND - (time.monotonic() - asked_s)
        self._credit_s = min(self._patience_s, self._credit_s + earned_s)
        if self._credit_s < 0:
            raise SlowSenderError(
                f"the file comes at under {_LEAST_BYTES_PER_SECOND} bytes a second"
            )
        self._check_size(self._num_bytes)
        return message

    def _check_size(self, num_bytes: int) -> None:
        if num_bytes > self._max_bytes:
            raise TooLargeError(f"the request is larger than {self._max_bytes >> 20} MiB")
