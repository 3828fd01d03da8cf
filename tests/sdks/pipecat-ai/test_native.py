"""Hark's Pipecat service in a real pipeline: transcripts, the VAD's stop, settings, failures."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    MetricsFrame,
    STTUpdateSettingsFrame,
    TranscriptionFrame,
)
from pipecat.metrics.metrics import STTUsageMetricsData, TTFBMetricsData
from pipecat.processors.frame_processor import FrameDirection
from pipecat.tests.utils import SleepFrame, run_test
from pipecat.transcriptions.language import Language
from pipecat.utils.errors import ErrorCategory

from common import (
    HOST,
    KEY,
    KEYED_URL,
    PORT,
    SAMPLES,
    WS_URL,
    assert_times_run_on,
    words,
)
from gateway import gateway_to
from hark.clients import Stream
from hark.clients.bots import lasting, pipecat_stt
from hark.clients.bots.pipecat_stt import HarkSTTService, HarkSTTSettings
from hark.clients.bots.tags import iso_tag
from hark.engine.languages import LANGUAGES
from hark.streaming.events import Final
from pipeline import audio, run, turn


def finals(down: list[Frame]) -> list[TranscriptionFrame]:
    return [frame for frame in down if isinstance(frame, TranscriptionFrame)]


def results(down: list[Frame]) -> list[Final]:
    events = [frame.result for frame in finals(down)]
    assert all(isinstance(event, Final) for event in events)
    return [event for event in events if isinstance(event, Final)]


def text(down: list[Frame]) -> str:
    return " ".join(frame.text for frame in finals(down))


@pytest.mark.parametrize("name", ["lecture", "spanish"])
def test_the_last_words_come_before_the_end(name: str) -> None:
    sample = SAMPLES[name]
    down, _ = run(HarkSTTService(WS_URL), audio(sample))
    assert words(text(down)) == words(sample.text)
    timed = [word for final in results(down) for word in final.words]
    spans = [(word["start_ms"] / 1000, word["end_ms"] / 1000) for word in timed]
    assert_times_run_on(spans, sample.duration_s)
    language = {"English": Language.EN, "Spanish": Language.ES}[sample.language]
    assert {frame.language for frame in finals(down)} == {language}
    interims = [frame for frame in down if isinstance(frame, InterimTranscriptionFrame)]
    assert interims and all(frame.text for frame in interims)
    passed_on = b"".join(frame.audio for frame in down if isinstance(frame, InputAudioRawFrame))
    assert passed_on == sample.pcm()


def test_the_vad_s_stop_finishes_the_segment() -> None:
    first, second = SAMPLES["alarm"], SAMPLES["question"]
    down, _ = run(HarkSTTService(WS_URL), [*turn(first), *audio(second)])
    alarm, *rest = finals(down)
    assert words(alarm.text) == words(first.text) and alarm.finalized
    assert words(" ".join(frame.text for frame in rest)) == words(second.text)
    assert not any(frame.finalized for frame in rest)
    metrics = [data for frame in down if isinstance(frame, MetricsFrame) for data in frame.data]
    assert sum(isinstance(data, TTFBMetricsData) and data.value > 0 for data in metrics) == 1
    heard_s = sum(d.value.audio_seconds for d in metrics if isinstance(d, STTUsageMetricsData))
    assert heard_s == pytest.approx(first.duration_s + second.duration_s, abs=0.01)


def test_settings_change_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the connection is open they are part of its hello, then they are sent to it."""
    asked: dict[str, object] = {}
    connect, configure = lasting.connect, Stream.configure

    def opened(url: str, **settings: Any) -> object:
        asked.update(settings)
        return connect(url, **settings)

    async def changed(stream: Stream, **changes: Any) -> None:
        asked.update(changes)
        await configure(stream, **changes)

    monkeypatch.setattr(lasting, "connect", opened)
    monkeypatch.setattr(Stream, "configure", changed)
    service = HarkSTTService(WS_URL, settings=HarkSTTSettings(language=Language.EN_US))
    assert service.settings.given_fields()["language"] == "en"
    delta = HarkSTTSettings(language=Language.ES_MX, context=["Madrid"])
    down, _ = run(service, [STTUpdateSettingsFrame(delta=delta), *audio(SAMPLES["spanish"])])
    assert words(text(down)) == words(SAMPLES["spanish"].text)
    assert (asked["language"], asked["context"]) == ("es", ["Madrid"])


def test_a_server_that_comes_back_hears_what_was_said_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The line is cut in the middle of a segment: nothing is lost and nothing comes twice."""
    monkeypatch.setattr(pipecat_stt, "LAST_WORDS_TIMEOUT_S", 60.0)
    sample = SAMPLES["lecture"]
    events: list[str] = []

    async def piped() -> tuple[Sequence[Frame], Sequence[Frame]]:
        async with asyncio.timeout(90), gateway_to(f"{HOST}:{PORT}") as line:
            service = HarkSTTService(line.address)

            @service.event_handler("on_connected")
            async def on_connected(_: HarkSTTService) -> None:
                events.append("connected")

            @service.event_handler("on_disconnected")
            async def on_disconnected(_: HarkSTTService) -> None:
                events.append("disconnected")

            push_frame = service.push_frame

            async def push_and_cut(
                frame: Frame, direction: FrameDirection = FrameDirection.DOWNSTREAM
            ) -> None:
                await push_frame(frame, direction)
                if isinstance(frame, InterimTranscriptionFrame) and len(events) == 1:
                    line.drop()

            monkeypatch.setattr(service, "push_frame", push_and_cut)
            return await run_test(service, frames_to_send=audio(sample), start_timeout=30)

    down, up = asyncio.run(piped())
    assert events == ["connected", "disconnected"] * 2
    assert sum(isinstance(frame, ErrorFrame) for frame in up) == 1
    assert words(text(list(down))) == words(sample.text)
    spans = [(f.start_ms / 1000, f.end_ms / 1000) for f in results(list(down))]
    assert_times_run_on(spans, sample.duration_s)


def test_what_the_server_refuses_is_an_error_and_the_pipeline_goes_on() -> None:
    service = HarkSTTService(WS_URL, options={"cadence_ms": 1})
    down, up = run(service, audio(SAMPLES["alarm"]))
    [error] = [frame for frame in up if isinstance(frame, ErrorFrame)]
    assert "cadence_ms" in error.error
    assert finals(down) == [] and not service.is_usable


@pytest.mark.parametrize("place", ["argument", "environment"])
def test_a_key_lets_it_in(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARK_API_KEY", "another" if place == "argument" else KEY)
    service = HarkSTTService(KEYED_URL, api_key=KEY if place == "argument" else None)
    down, up = run(service, audio(SAMPLES["alarm"]))
    assert words(text(down)) == words(SAMPLES["alarm"].text)
    assert not any(isinstance(frame, ErrorFrame) for frame in up)


@pytest.mark.parametrize(("key", "fault"), [("another", "not know this key"), ("", "needs a key")])
def test_a_refused_key_is_permanent_and_said_so(
    key: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that is given counts before the environment's, also where it is none."""
    monkeypatch.setenv("HARK_API_KEY", KEY)
    service = HarkSTTService(KEYED_URL, api_key=key)
    down, up = run(service, audio(SAMPLES["alarm"]))
    [error] = [frame for frame in up if isinstance(frame, ErrorFrame)]  # it is not tried again
    assert fault in error.error and "HARK_API_KEY" in error.error and "api_key" in error.error
    assert error.category is ErrorCategory.AUTHENTICATION
    assert finals(down) == [] and not service.is_usable


def test_settings_that_are_mended_make_it_listen_again() -> None:
    service = HarkSTTService(WS_URL, settings=HarkSTTSettings(language="tlh"))

    def said() -> Iterator[Frame]:
        while service.is_usable:
            yield SleepFrame(sleep=0.05)
        yield STTUpdateSettingsFrame(delta=HarkSTTSettings(language=Language.ES))
        while not service.is_usable:
            yield SleepFrame(sleep=0.05)
        yield from audio(SAMPLES["spanish"])

    down, up = run(service, said())
    assert ["tlh" in frame.error for frame in up if isinstance(frame, ErrorFrame)] == [True]
    assert words(text(down)) == words(SAMPLES["spanish"].text)


def test_pipecat_knows_every_language() -> None:
    assert [Language(iso_tag(name)).value for name in LANGUAGES] == list(LANGUAGES.values())
