"""OpenAI's client sends whole files: every format, streaming, chat completions, and errors."""

import asyncio
import base64
import io
import wave

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from common import HTTP_URL, SAMPLES, Sample, assert_times_run_on, words


def wav(sample: Sample) -> io.BytesIO:
    content = io.BytesIO()
    with wave.open(content, "wb") as output:
        output.setparams((1, 2, 16_000, 0, "NONE", ""))
        output.writeframes(sample.pcm())
    content.name = "audio.wav"
    content.seek(0)
    return content


@pytest.fixture
def client() -> OpenAI:
    return OpenAI(base_url=f"{HTTP_URL}/v1", api_key="any")


@pytest.mark.parametrize("name", ["lecture", "spanish"])
def test_json_and_text(client: OpenAI, name: str) -> None:
    sample = SAMPLES[name]
    heard = client.audio.transcriptions.create(model="whisper-1", file=wav(sample))
    assert words(heard.text) == words(sample.text)
    text = client.audio.transcriptions.create(
        model="whisper-1", file=wav(sample), response_format="text"
    )
    assert text == heard.text + "\n"


def test_verbose_json(client: OpenAI) -> None:
    sample = SAMPLES["lecture"]
    heard = client.audio.transcriptions.create(
        model="whisper-1",
        file=wav(sample),
        language="en",
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert heard.segments and heard.words
    assert words("".join(segment.text for segment in heard.segments)) == words(sample.text)
    assert words(" ".join(word.word for word in heard.words)) == words(sample.text)
    assert_times_run_on([(word.start, word.end) for word in heard.words], sample.duration_s)
    assert_times_run_on([(part.start, part.end) for part in heard.segments], sample.duration_s)
    assert heard.duration == pytest.approx(sample.duration_s, abs=0.01)
    assert heard.language == "english"
    assert all(part.avg_logprob > -1 and part.no_speech_prob < 0.6 for part in heard.segments)
    assert all(part.compression_ratio < 2.4 for part in heard.segments)


@pytest.mark.parametrize(("form", "begin"), [("srt", "1\n00:00:0"), ("vtt", "WEBVTT\n\n00:00:0")])
def test_subtitles(client: OpenAI, form: str, begin: str) -> None:
    heard = client.audio.transcriptions.create(
        model="whisper-1",
        file=wav(SAMPLES["lecture"]),
        response_format=form,  # pyright: ignore[reportArgumentType] - one of those it takes
    )
    assert str(heard).startswith(begin)
    assert "captions for the talk" in str(heard)


def test_pieces(client: OpenAI) -> None:
    sample = SAMPLES["lecture"]
    stream = client.audio.transcriptions.create(
        model="gpt-4o-transcribe",
        file=wav(sample),
        stream=True,
        include=["logprobs"],
        chunking_strategy={"type": "server_vad", "silence_duration_ms": 300},
    )
    *deltas, done = list(stream)
    assert [event.type for event in deltas] == ["transcript.text.delta"] * len(deltas)
    assert done.type == "transcript.text.done" and len(deltas) > 1
    assert "".join(event.delta for event in deltas if event.type == deltas[0].type) == done.text
    assert words(done.text) == words(sample.text)
    assert done.logprobs and "".join(each.token or "" for each in done.logprobs) == done.text


def test_chat_completions(client: OpenAI) -> None:
    sample = SAMPLES["lecture"]
    data = base64.b64encode(wav(sample).read()).decode()
    content = [{"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}]
    asked = {
        "model": client.models.list().data[0].id,
        "messages": [{"role": "user", "content": content}],
    }
    whole = client.chat.completions.create(**asked)
    tag, _, text = (whole.choices[0].message.content or "").partition("<asr_text>")
    assert tag == "language English"
    assert words(text) == words(sample.text)
    chunks = list(client.chat.completions.create(**asked, stream=True))
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks]
    assert "".join(pieces) == whole.choices[0].message.content


def test_models(client: OpenAI) -> None:
    [model] = client.models.list().data
    assert client.models.retrieve(model.id) == model
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("whisper-1")


def test_errors_are_the_client_s_own(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.audio.transcriptions.create(model="m", file=b"Dear diary,\n" * 99)
    assert (refused.value.param, refused.value.code) == ("file", "bad_audio")
    assert (refused.value.request_id or "").startswith("req_")
    with pytest.raises(openai.BadRequestError) as refused:
        client.audio.transcriptions.create(model="m", file=wav(SAMPLES["alarm"]), language="tlh")
    assert refused.value.param == "language"


def test_several_at_once() -> None:
    async def hear(client: AsyncOpenAI, sample: Sample) -> str:
        return (await client.audio.transcriptions.create(model="m", file=wav(sample))).text

    async def run() -> list[str]:
        async with AsyncOpenAI(base_url=f"{HTTP_URL}/v1", api_key="any") as client:
            return await asyncio.gather(*(hear(client, sample) for sample in several))

    several = [SAMPLES[name] for name in ("alarm", "question", "journey")]
    assert [words(text) for text in asyncio.run(run())] == [words(each.text) for each in several]
