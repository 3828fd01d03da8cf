"""A LiveKit Agents speech-to-text plug-in that hears with a Hark server.

    from hark.clients.bots import livekit_stt as hark

    session = AgentSession(stt=hark.STT("ws://127.0.0.1:8765", language="en"), ...)

Knows LiveKit, which the user has installed.
"""
# pyright: reportMissingImports=false

import logging
import time
import weakref
from typing import Unpack

try:
    from livekit import rtc
    from livekit.agents import (
        DEFAULT_API_CONNECT_OPTIONS,
        APIConnectOptions,
        stt,
    )
    from livekit.agents.types import NOT_GIVEN, NotGivenOr
    from livekit.agents.utils import AudioBuffer, is_given
    from livekit.agents.utils.aio import ChanClosed
except ImportError as error:
    raise ImportError(
        "hark.clients.bots.livekit_stt needs LiveKit Agents: pip install livekit-agents"
    ) from error

from hark.engine.types import SAMPLE_RATE
from hark.streaming.events import Error, Event, Final, Partial, Ready, SpeechEnded, SpeechStarted

from ..errors import HarkError
from ..keys import key_from_environment
from ..settings import Changes, Options, changed
from .lasting import DEFAULT_URL, LastingStream
from .livekit_data import api_error, final_data, interim_data, mono
from .tags import language_of_tag
from .unheard import FLUSH, Piece

MAX_CONTEXT_CHARS = 4_000  # the server refuses more

logger = logging.getLogger(__name__)


class STT(stt.STT):
    """Speech to text by the Hark server at `url`, with the options of `hello` in docs/protocol.md.

    `api_key` is one of the server's, if it has any; left out, it is the environment's HARK_API_KEY.
    `language` may be a tag ("en-US") as well. LiveKit's key terms join the `context`.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        api_key: NotGivenOr[str] = NOT_GIVEN,
        **options: Unpack[Options],
    ) -> None:
        is_by_word = options.get("granularity", "word") != "segment"
        super().__init__(
            capabilities=stt.STTCapabilities(
                streaming=True,
                interim_results=options.get("partials", True),
                aligned_transcript="word" if is_by_word else "chunk",
                offline_recognize=True,
                keyterms=True,
                manual_flush=True,
            )
        )
        self._url = url
        self._key = api_key if is_given(api_key) else key_from_environment()
        self._options = options
        if "language" in options:
            options["language"] = language_of_tag(options["language"])
        self._context = options.get("context", "")
        self._keyterms: list[str] = []
        self._streams = weakref.WeakSet[SpeechStream]()

    @property
    def model(self) -> str:
        return "qwen3-asr"

    @property
    def provider(self) -> str:
        return "Hark"

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> "SpeechStream":
        lasting = self._lasting(SAMPLE_RATE, self._options_in(language))
        stream = SpeechStream(stt=self, lasting=lasting, conn_options=conn_options)
        self._streams.add(stream)
        return stream

    def update_options(self, **changes: Unpack[Changes]) -> None:
        """Change what streams are asked for; open ones from their next segment on."""
        if "language" in changes:
            changes["language"] = language_of_tag(changes["language"])
        if "context" in changes:
            self._context = changes["context"]
            changes["context"] = self._whole_context()
        self._options = changed(self._options, changes)
        for stream in self._streams:
            stream.change(**changes)

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        frame = rtc.combine_audio_frames(buffer)
        pieces = iter([mono(frame)])
        finals: list[Final] = []
        session = ""

        async def receive() -> Piece | None:
            return next(pieces, None)

        async def take(event: Event) -> None:
            nonlocal session
            if isinstance(event, Ready):
                session = event.session
            elif isinstance(event, Final) and event.text:
                finals.append(event)

        options = self._options_in(language) | Options(partials=False)
        stream = self._lasting(frame.sample_rate, options)
        try:
            await stream.attempt(receive, take, open_timeout_s=conn_options.timeout)
        except HarkError as error:
            raise api_error(error) from error
        return stt.SpeechEvent(
            type=stt.SpeechEventType.FINAL_TRANSCRIPT,
            request_id=session,
            alternatives=[final_data(finals)],
        )

    def _update_session_keyterms(self, keyterms: list[str]) -> None:
        if keyterms != self._keyterms:
            self._keyterms = list(keyterms)
            self.update_options(context=self._context)

    def _whole_context(self) -> str | list[str]:
        """The user's context and LiveKit's key terms."""
        if not self._keyterms:
            return self._context
        own = [self._context] if isinstance(self._context, str) else self._context
        terms = list(filter(None, own))
        for term in self._keyterms:  # LiveKit finds ever more of them
            if len(", ".join([*terms, term])) <= MAX_CONTEXT_CHARS and term not in terms:
                terms.append(term)
        return terms

    def _lasting(self, sample_rate: int, options: Options) -> LastingStream:
        return LastingStream(self._url, key=self._key, sample_rate=sample_rate, options=options)

    def _options_in(self, language: NotGivenOr[str]) -> Options:
        if not is_given(language):
            return self._options
        return changed(self._options, {"language": language_of_tag(language)})


class SpeechStream(stt.RecognizeStream):
    """One speaker's audio in, LiveKit's speech events out; made by `STT.stream`."""

    def __init__(
        self, *, stt: STT, lasting: LastingStream, conn_options: APIConnectOptions
    ) -> None:
        super().__init__(stt=stt, conn_options=conn_options, sample_rate=SAMPLE_RATE)
        self._lasting = lasting
        self._has_run = False
        self._offset_s = 0.0
        self._opened = 0.0
        self._session = ""
        self._is_speaking = False
        self._ended_at: float | None = None
        self._reported_s = 0.0

    def change(self, **changes: Unpack[Changes]) -> None:
        """Change options from the next segment on."""
        self._lasting.change(**changes)

    async def _run(self) -> None:
        # LiveKit calls this again after a failure, and adds the time since the last call to the
        # offset. Hark's times count on over connections, so the first offset holds for all.
        if not self._has_run:
            self._has_run, self._offset_s = True, self.start_time_offset
        self.start_time_offset = self._offset_s
        self._opened = time.perf_counter()
        is_anchored = False

        async def receive() -> Piece | None:
            nonlocal is_anchored
            try:
                item = await self._input_ch.recv()
            except ChanClosed:
                return None
            if not isinstance(item, rtc.AudioFrame):
                return FLUSH
            if not is_anchored:
                is_anchored = True
                self.start_time = time.time() - item.duration - self._lasting.taken_s
            return mono(item)

        try:
            await self._lasting.attempt(
                receive, self._on_event, open_timeout_s=self._conn_options.timeout
            )
        except HarkError as error:
            raise api_error(error) from error
        finally:
            self._report_usage()

    async def _on_event(self, event: Event) -> None:
        match event:
            case Ready():
                self._session = event.session
                self._report_connection_acquired(time.perf_counter() - self._opened, False)
            case SpeechStarted() if not self._is_speaking:
                self._is_speaking = True
                began = self.start_time + event.start_ms / 1000
                self._emit(stt.SpeechEventType.START_OF_SPEECH, speech_start_time=began)
            case Partial() if event.stable or event.unstable:
                self._emit(
                    stt.SpeechEventType.INTERIM_TRANSCRIPT, interim_data(event, self._offset_s)
                )
            case SpeechEnded():
                self._ended_at = self.start_time + event.end_ms / 1000
            case Final():
                self._is_speaking = False
                self._report_usage()
                if event.text:
                    data = final_data([event], self._offset_s)
                    self._emit(stt.SpeechEventType.FINAL_TRANSCRIPT, data)
                self._emit(stt.SpeechEventType.END_OF_SPEECH, speech_end_time=self._ended_at)
            case Error():
                logger.warning("the Hark server says: %s (%s)", event.message, event.code)
            case _:
                pass

    def _emit(
        self,
        kind: stt.SpeechEventType,
        data: stt.SpeechData | None = None,
        *,
        speech_start_time: float | None = None,
        speech_end_time: float | None = None,
    ) -> None:
        event = stt.SpeechEvent(
            type=kind,
            request_id=self._session,
            alternatives=[] if data is None else [data],
            speech_start_time=speech_start_time,
            speech_end_time=speech_end_time,
        )
        self._event_ch.send_nowait(event)

    def _report_usage(self) -> None:
        """Tell LiveKit's metrics how much audio has been sent since the last report."""
        usage = stt.RecognitionUsage(audio_duration=self._lasting.taken_s - self._reported_s)
        self._reported_s = self._lasting.taken_s
        if usage.audio_duration > 0:
            self._event_ch.send_nowait(
                stt.SpeechEvent(
                    type=stt.SpeechEventType.RECOGNITION_USAGE,
                    request_id=self._session,
                    recognition_usage=usage,
                )
            )
