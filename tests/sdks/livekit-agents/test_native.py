"""Hark's LiveKit plug-in with the real framework: streams, whole recordings, lost servers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from livekit import rtc
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    APIConnectionError,
    APIConnectOptions,
    APIError,
    APIStatusError,
)
from livekit.agents.stt import SpeechData, SpeechEvent, SpeechEventType, STTError
from livekit.agents.types import TimedString
from livekit.agents.utils import is_given

from common import (
    HOST,
    KEY,
    KEYED_URL,
    PORT,
    SAMPLES,
    WS_URL,
    Sample,
    assert_times_run_on,
    word_error_rate,
    words,
)
from gateway import gateway_to
from hark.clients import Stream
from hark.clients.bots.livekit_stt import STT, SpeechStream

START, INTERIM, FINAL, END, USAGE = (
    SpeechEventType.START_OF_SPEECH,
    SpeechEventType.INTERIM_TRANSCRIPT,
    SpeechEventType.FINAL_TRANSCRIPT,
    SpeechEventType.END_OF_SPEECH,
    SpeechEventType.RECOGNITION_USAGE,
)
NO_RETRY = APIConnectOptions(max_retry=0, timeout=5)


def frames(sample: Sample, rate: int = 24_000) -> list[rtc.AudioFrame]:
    """A recording in frames of 20 ms, at the rate of LiveKit's agent sessions."""
    pcm, num_bytes = sample.pcm(rate), rate // 50 * 2
    whole = range(0, len(pcm) - num_bytes + 1, num_bytes)
    return [
        rtc.AudioFrame(
            pcm[at : at + num_bytes], rate, num_channels=1, samples_per_channel=rate // 50
        )
        for at in whole
    ]


def push(stream: SpeechStream, sample: Sample) -> None:
    for frame in frames(sample):
        stream.push_frame(frame)


def of(events: list[SpeechEvent], kind: SpeechEventType) -> list[SpeechData]:
    return [event.alternatives[0] for event in events if event.type is kind]


def text(events: list[SpeechEvent]) -> str:
    return " ".join(data.text for data in of(events, FINAL))


@asynccontextmanager
async def listening(
    hark: STT, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
) -> AsyncIterator[SpeechStream]:
    stream = hark.stream(conn_options=conn_options)
    async with hark, stream:
        yield stream


def span(word: TimedString) -> tuple[float, float]:
    assert is_given(word.start_time) and is_given(word.end_time)
    return word.start_time, word.end_time


async def heard_in(stream: SpeechStream) -> list[SpeechEvent]:
    async with asyncio.timeout(60):
        return [event async for event in stream]


@pytest.mark.parametrize("name", ["lecture", "spanish"])
def test_a_stream_gives_the_words_with_their_times(name: str) -> None:
    sample = SAMPLES[name]

    async def run() -> list[SpeechEvent]:
        async with listening(STT(WS_URL)) as stream:
            stream.start_time_offset = 100.0
            push(stream, sample)
            stream.end_input()
            return await heard_in(stream)

    events = asyncio.run(run())
    assert words(text(events)) == words(sample.text)
    finals = of(events, FINAL)
    language = {"English": "en", "Spanish": "es"}[sample.language]
    assert {final.language for final in finals} == {language}
    timed = [word for final in finals for word in final.words or []]
    assert words(" ".join(timed)) == words(sample.text)
    spans = [span(word) for word in timed]
    assert_times_run_on([(start - 100, end - 100) for start, end in spans], sample.duration_s)
    assert all(is_given(word.confidence) and 0 <= word.confidence <= 1 for word in timed)
    kinds = [event.type for event in events if event.type not in (INTERIM, USAGE)]
    assert kinds == [START, FINAL, END] * len(finals)
    assert of(events, INTERIM), "no interim transcript came"
    used = [event.recognition_usage for event in events if event.type is USAGE]
    total_s = sum(usage.audio_duration for usage in used if usage)
    assert total_s == pytest.approx(sample.duration_s, abs=0.05)


def test_flush_finishes_the_segment_and_the_stream_goes_on() -> None:
    first, second = SAMPLES["alarm"], SAMPLES["question"]

    async def run() -> tuple[list[SpeechEvent], list[SpeechEvent]]:
        before: list[SpeechEvent] = []
        async with listening(STT(WS_URL, language="en-US")) as stream:
            push(stream, first)
            stream.flush()
            async with asyncio.timeout(60):
                while not (before and before[-1].type is END):
                    before.append(await anext(stream))
            push(stream, second)
            stream.end_input()
            return before, await heard_in(stream)

    before, after = asyncio.run(run())
    assert words(text(before)) == words(first.text)
    assert words(text(after)) == words(second.text)
    assert of(after, FINAL)[0].start_time >= of(before, FINAL)[-1].end_time


def test_a_recording_is_recognised_as_a_whole() -> None:
    sample = SAMPLES["server"]

    async def run() -> SpeechEvent:
        async with STT(WS_URL) as hark:
            return await hark.recognize(frames(sample))

    event = asyncio.run(run())
    [data] = event.alternatives
    assert event.type is FINAL and event.request_id
    assert word_error_rate(sample.text, data.text) == 0
    assert data.language == "en"
    assert_times_run_on([span(word) for word in data.words or []], sample.duration_s)


def test_key_terms_join_the_context_of_open_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, object]] = []
    configure = Stream.configure

    async def recorded(stream: Stream, **changes: Any) -> None:
        asked.append(changes)
        await configure(stream, **changes)

    monkeypatch.setattr(Stream, "configure", recorded)

    async def run() -> list[SpeechEvent]:
        hark = STT(WS_URL, context="a talk")
        async with listening(hark) as stream:
            first, *rest = frames(SAMPLES["question"], rate=16_000)
            stream.push_frame(first)
            async with asyncio.timeout(10):
                while not stream._lasting.taken_s:  # noqa: ASYNC110 - it is open then
                    await asyncio.sleep(0.01)
            hark._update_session_keyterms(["Edinburgh", "Amsterdam"])
            hark.update_options(language="en-GB")
            for frame in rest:
                stream.push_frame(frame)
            stream.end_input()
            return await heard_in(stream)

    assert words(text(asyncio.run(run()))) == words(SAMPLES["question"].text)
    assert asked == [{"context": ["a talk", "Edinburgh", "Amsterdam"], "language": "en"}]


def test_key_terms_never_outgrow_what_the_server_takes() -> None:
    hark = STT(WS_URL, context=["Hark"])
    hark._update_session_keyterms([f"term number {number}" for number in range(1_000)])
    context = hark._options.get("context", [])
    assert context[:2] == ["Hark", "term number 0"]
    assert 3_980 < len(", ".join(context)) <= 4_000


@pytest.mark.parametrize(
    ("hark", "error", "retryable"),
    [
        (STT("ws://127.0.0.1:9"), APIConnectionError, True),
        (STT("ftp://nowhere"), APIError, False),
        (STT(WS_URL, language="tlh"), APIError, False),
        (STT(WS_URL, cadence_ms=1), APIError, False),
    ],
)
def test_failures_are_livekit_s_own(hark: STT, error: type[APIError], retryable: bool) -> None:
    async def run() -> None:
        async with listening(hark, NO_RETRY) as stream:
            push(stream, SAMPLES["alarm"])
            await heard_in(stream)

    with pytest.raises(error) as caught:
        asyncio.run(run())
    assert caught.value.retryable is retryable


@pytest.mark.parametrize("place", ["argument", "environment"])
def test_a_key_lets_streams_and_recordings_in(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = SAMPLES["alarm"]
    monkeypatch.setenv("HARK_API_KEY", "another" if place == "argument" else KEY)
    hark = STT(KEYED_URL, api_key=KEY) if place == "argument" else STT(KEYED_URL)

    async def run() -> tuple[list[SpeechEvent], SpeechEvent]:
        async with listening(hark) as stream:
            push(stream, sample)
            stream.end_input()
            return await heard_in(stream), await hark.recognize(frames(sample))

    events, whole = asyncio.run(run())
    assert words(text(events)) == words(whole.alternatives[0].text) == words(sample.text)


@pytest.mark.parametrize(("key", "fault"), [("another", "not know this key"), ("", "needs a key")])
def test_a_refused_key_is_fatal_and_said_so(
    key: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that is given counts before the environment's, also where it is none."""
    monkeypatch.setenv("HARK_API_KEY", KEY)
    errors: list[STTError] = []

    async def stream_in(hark: STT) -> None:
        async with listening(hark) as stream:
            await heard_in(stream)

    async def recognise_in(hark: STT) -> None:
        async with hark:
            await hark.recognize(frames(SAMPLES["alarm"]))

    for use in (stream_in, recognise_in):
        hark = STT(KEYED_URL, api_key=key)
        hark.on("error", errors.append)
        with pytest.raises(APIStatusError, match=f"{fault}.*HARK_API_KEY.*api_key") as caught:
            asyncio.run(use(hark))
        assert (caught.value.status_code, caught.value.retryable) == (401, False)
    assert [error.recoverable for error in errors] == [False, False]  # none is tried again


def test_a_server_that_comes_back_hears_what_was_said_meanwhile() -> None:
    """The line is cut in the middle of a segment: nothing is lost and nothing comes twice."""
    sample = SAMPLES["lecture"]

    whole = frames(sample)
    half = len(whole) // 2
    errors: list[STTError] = []

    async def run() -> list[SpeechEvent]:
        async with gateway_to(f"{HOST}:{PORT}") as line, listening(STT(line.address)) as stream:
            stream._stt.on("error", errors.append)
            for frame in whole[:half]:
                stream.push_frame(frame)
            async with asyncio.timeout(60):
                before = [await anext(stream)]
                while before[-1].type is not INTERIM:
                    before.append(await anext(stream))
            line.drop()
            for frame in whole[half:]:
                stream.push_frame(frame)
            stream.end_input()
            return before + await heard_in(stream)

    events = asyncio.run(run())
    assert [error.recoverable for error in errors] == [True]
    assert words(text(events)) == words(sample.text)
    finals = of(events, FINAL)
    assert_times_run_on([(f.start_time, f.end_time) for f in finals], sample.duration_s)
    kinds = [event.type for event in events if event.type in (START, END)]
    assert kinds == [START, END] * len(finals)
