"""Deepgram's client sends recordings: containers, raw audio, what is asked beside words, errors."""

import io
import wave

import pytest
from deepgram import DeepgramClient
from deepgram.core.api_error import ApiError
from deepgram.environment import DeepgramClientEnvironment

from common import HTTP_URL, SAMPLES, WS_URL, Sample, assert_times_run_on, words

ENVIRONMENT = DeepgramClientEnvironment(
    base=HTTP_URL, production=WS_URL, agent=WS_URL, agent_rest=HTTP_URL
)


@pytest.fixture
def client() -> DeepgramClient:
    return DeepgramClient(api_key="any", environment=ENVIRONMENT)


def wav(sample: Sample) -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as output:
        output.setparams((1, 2, 16_000, 0, "NONE", ""))
        output.writeframes(sample.pcm())
    return content.getvalue()


@pytest.mark.parametrize("name", ["lecture", "spanish"])
def test_a_recording(client: DeepgramClient, name: str) -> None:
    sample = SAMPLES[name]
    heard = client.listen.v1.media.transcribe_file(
        request=wav(sample),
        model="nova-3",
        smart_format=True,
        diarize=True,
        utterances=True,
        detect_language=True,
        keyterm=["Maria"],
    )
    [channel] = heard.results.channels
    [alternative] = channel.alternatives
    assert words(alternative.transcript) == words(sample.text)
    assert [word.word for word in alternative.words] == words(sample.text)
    assert " ".join(word.punctuated_word for word in alternative.words) == alternative.transcript
    spans = [(word.start, word.end) for word in alternative.words]
    assert_times_run_on(spans, sample.duration_s)
    assert channel.detected_language == {"English": "en", "Spanish": "es"}[sample.language]
    assert heard.results.utterances
    said = " ".join(each.transcript for each in heard.results.utterances)
    assert said == alternative.transcript
    assert heard.metadata.duration == pytest.approx(sample.duration_s, abs=0.01)
    assert heard.metadata.channels == 1
    assert len(heard.metadata.sha256) == 64


def test_audio_without_a_header(client: DeepgramClient) -> None:
    sample = SAMPLES["lecture"]
    for audio, encoding, rate in (
        (sample.pcm(), "linear16", 16_000),
        (sample.pcm(24_000), "linear16", 24_000),
        (sample.g711("mulaw"), "mulaw", 8_000),
    ):
        heard = client.listen.v1.media.transcribe_file(
            request=audio,
            encoding=encoding,
            request_options={"additional_query_parameters": {"sample_rate": rate}},
        )
        text = heard.results.channels[0].alternatives[0].transcript
        assert words(text) == words(sample.text)


def test_errors_are_the_client_s_own(client: DeepgramClient) -> None:
    with pytest.raises(ApiError) as refused:
        client.listen.v1.media.transcribe_file(request=b"Dear diary,\n" * 99)
    assert refused.value.status_code == 400
    assert set(refused.value.body) == {"err_code", "err_msg", "request_id"}
    with pytest.raises(ApiError) as refused:
        client.listen.v1.media.transcribe_url(url="https://example.com/a.wav")
    assert "not fetched" in refused.value.body["err_msg"]
