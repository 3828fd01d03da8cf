"""A Pipecat speech-to-text service that hears with a Hark server.

    from hark.clients.bots.pipecat_stt import HarkSTTService

    pipeline = Pipeline([transport.input(), HarkSTTService("ws://127.0.0.1:8765"), ...])

Knows Pipecat, which the user has installed.
"""
# pyright: reportMissingImports=false

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field
from typing import Any, cast

try:
    from loguru import logger
    from pipecat.frames.frames import (
        CancelFrame,
        EndFrame,
        Frame,
        InterimTranscriptionFrame,
        TranscriptionFrame,
        VADUserStoppedSpeakingFrame,
    )
    from pipecat.processors.frame_processor import FrameDirection, FrameProcessorSetup
    from pipecat.services.settings import STTSettings
    from pipecat.services.stt_service import STTService
    from pipecat.transcriptions.language import Language
    from pipecat.utils.errors import ErrorCategory
    from pipecat.utils.network import QuickFailureTracker, exponential_backoff_time
    from pipecat.utils.time import time_now_iso8601
    from pipecat.utils.types import NOT_GIVEN, NotGiven
except ImportError as error:
    raise ImportError(
        "hark.clients.bots.pipecat_stt needs Pipecat: pip install pipecat-ai"
    ) from error

from hark.engine.types import Endpointing
from hark.streaming.events import Error, Event, Final, Finalized, Partial, Ready

from ..errors import HarkError
from ..keys import key_from_environment
from ..settings import Changes, Options, changed
from .lasting import DEFAULT_URL, LastingStream
from .tags import iso_tag, language_of_tag
from .unheard import FLUSH, Piece

MAX_WAITING_PIECES = 1_500  # 30 s of the usual 20 ms frames
LAST_WORDS_TIMEOUT_S = 10.0
TTFS_P99_S = 1.0  # Pipecat's own guess; what to put in its place is in docs/bots.md


@dataclass
class HarkSTTSettings(STTSettings):
    """What may change while the pipeline runs, from the stream's next segment on."""

    context: str | list[str] | NotGiven = field(default_factory=lambda: NOT_GIVEN)
    endpointing: Endpointing | NotGiven = field(default_factory=lambda: NOT_GIVEN)


class HarkSTTService(STTService):
    """Speech to text by the Hark server at `url`, with the options of `hello` in docs/protocol.md.

    Each partial is an InterimTranscriptionFrame and each final a TranscriptionFrame, whose `result`
    is the event itself, words and times included. When the pipeline's VAD hears the end of speech,
    the open segment is finished at once. `sample_rate` is the pipeline's where it is left out.
    `api_key` is one of the server's, if it has any; left out, it is the environment's HARK_API_KEY.
    """

    Settings = HarkSTTSettings

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        api_key: str | None = None,
        options: Options | None = None,
        sample_rate: int | None = None,
        ttfs_p99_latency: float | None = TTFS_P99_S,
        settings: HarkSTTSettings | None = None,
        **kwargs: Any,
    ) -> None:
        self._url = url
        self._key = key_from_environment() if api_key is None else api_key
        self._options = Options() if options is None else options
        in_force = HarkSTTSettings(
            model="qwen3-asr",
            language=self._options.get("language"),
            context=self._options.get("context", ""),
            endpointing=self._options.get("endpointing", Endpointing()),
        )
        if settings is not None:
            in_force.apply_update(settings)
        super().__init__(
            sample_rate=sample_rate,
            ttfs_p99_latency=ttfs_p99_latency,
            settings=in_force,
            **kwargs,
        )
        self._stream: LastingStream | None = None
        self._listening: asyncio.Task[None] | None = None
        self._pieces: asyncio.Queue[Piece | None] = asyncio.Queue()  # bounded by `_put`
        self._is_dropping = False
        self._held: Final | None = None
        self._connected_at: float | None = None

    def can_generate_metrics(self) -> bool:
        return True

    def language_to_service_language(self, language: Language) -> str | None:
        return language_of_tag(language.value)

    async def setup(self, setup: FrameProcessorSetup) -> None:
        await super().setup(setup)
        options = changed(self._options, self._changes(Changes.__annotations__))
        self._stream = LastingStream(
            self._url, key=self._key, sample_rate=self.sample_rate, options=options
        )
        self._connect(self._stream)

    async def stop(self, frame: EndFrame) -> None:
        """Wait for the last transcripts, so that they come before the end of the pipeline."""
        self._put(None)
        if self._listening is not None:
            await asyncio.wait([self._listening], timeout=LAST_WORDS_TIMEOUT_S)
        await self._disconnect()
        await super().stop(frame)

    async def cancel(self, frame: CancelFrame) -> None:
        await super().cancel(frame)
        await self._disconnect()

    async def cleanup(self) -> None:
        await super().cleanup()
        await self._disconnect()

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        """Hand on 16-bit mono samples; transcripts come when the server says them."""
        self._put(audio)
        yield None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, VADUserStoppedSpeakingFrame):
            self.request_finalize()
            self._put(FLUSH)

    async def _update_settings(self, delta: STTSettings) -> dict[str, Any]:
        before = await super()._update_settings(delta)
        if self._stream is not None:
            self._stream.change(**self._changes(before))
            if not self._is_listening:  # what was refused may be right now
                self._connect(self._stream)
        self._warn_unhandled_updated_settings(before.keys() - Changes.__annotations__.keys())
        return before

    def _changes(self, names: Iterable[str]) -> Changes:
        """The settings of these names that the server knows, as they are now."""
        known = {name: getattr(self._settings, name) for name in Changes.__annotations__}
        return cast(Changes, {name: known[name] for name in names if name in known})

    def _put(self, piece: Piece | None) -> None:
        """Queue a piece for who listens; audio is dropped while the connection is far behind."""
        if not self._is_listening:
            return
        is_full = self._pieces.qsize() >= MAX_WAITING_PIECES
        if not (is_full and isinstance(piece, bytes)):
            self._pieces.put_nowait(piece)
        elif not self._is_dropping:
            logger.warning(f"{self}: audio is dropped, the server is unreachable or too slow")
        self._is_dropping = is_full

    @property
    def _is_listening(self) -> bool:
        return self._listening is not None and not self._listening.done()

    def _connect(self, stream: LastingStream) -> None:
        self._listening = self.create_task(self._listen(stream), "hark")

    async def _listen(self, stream: LastingStream) -> None:
        """Keep a connection open until all has been said, or it keeps failing."""
        failures = QuickFailureTracker()
        while True:
            try:
                await stream.attempt(self._pieces.get, self._on_event)
                return
            except HarkError as error:
                lost = error
            finally:
                up_s = await self._has_disconnected()
            if not lost.retry or failures.record(up_s).should_give_up:
                self._listening = None  # from here on, so that mended settings may start anew
                category = _category(lost)
                await self.push_error(
                    f"{lost}", lost, category=category, force_treat_as_permanent=True
                )
                return
            await self.push_error(f"{lost}", lost)
            await asyncio.sleep(lost.retry_after_s or exponential_backoff_time(failures.count))

    async def _has_disconnected(self) -> float:
        """Say what was held back; how many seconds the connection was up."""
        await self._release(None)
        if self._connected_at is None:
            return 0.0
        up_s = time.monotonic() - self._connected_at
        self._connected_at = None
        await self._call_event_handler("on_disconnected")
        return up_s

    async def _disconnect(self) -> None:
        task, self._listening = self._listening, None
        if task is not None:
            await self.cancel_task(task)

    async def _on_event(self, event: Event) -> None:
        await self._release(event)
        match event:
            case Ready():
                self._connected_at = time.monotonic()
                await self._call_event_handler("on_connected")
            case Partial() if event.stable or event.unstable:
                await self.push_frame(
                    InterimTranscriptionFrame(
                        text=(event.stable + event.unstable).strip(),
                        user_id=self._user_id,
                        timestamp=time_now_iso8601(),
                        language=_language(event),
                        result=event,
                    )
                )
            case Final() if event.text:
                self._held = event
                if not self._finalize_requested:
                    await self._release(None)
            case Error():
                logger.warning(f"{self}: the Hark server says: {event.message} ({event.code})")
            case _:
                pass

    async def _release(self, following: Event | None) -> None:
        """Push the final that was held back to see whether the VAD's request made it.

        It did if `following`, the event behind it, acknowledges the request.
        """
        held, self._held = self._held, None
        if held is not None:
            if isinstance(following, Finalized):
                self.confirm_finalize()
            await self._push_final(held)
        elif isinstance(following, Finalized):
            # What the VAD wanted finished was final already: no transcript will come.
            await self.stop_ttfb_metrics()
            await self._cancel_ttfb_timeout()

    async def _push_final(self, final: Final) -> None:
        await self.emit_stt_usage_metrics()
        frame = TranscriptionFrame(
            text=final.text.strip(),
            user_id=self._user_id,
            timestamp=time_now_iso8601(),
            language=_language(final),
            result=final,
        )
        await self.push_frame(frame)


def _category(error: HarkError) -> ErrorCategory | None:
    """Pipecat's word for a key that is refused; None leaves finding one to Pipecat."""
    is_about_key = error.code in ("unauthorized", "bad_key")
    return ErrorCategory.AUTHENTICATION if is_about_key else None


def _language(event: Partial | Final) -> Language | None:
    tag = iso_tag(event.language)
    return Language(tag) if tag else None
