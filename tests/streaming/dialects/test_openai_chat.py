"""Chat completions with audio, as Qwen3-ASR's documentation has clients ask for them."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.engine.streams.output import parse_output
from hark.streaming.errors import StreamError, internal_error
from hark.streaming.protocols.files import Order, Transcript
from hark.streaming.protocols.openai.chat import ChatCompletions

from .files import ANY_HEARD, HEARD, ID, JSON, NOTHING, request

DOOR = ChatCompletions()
AUDIO = b"RIFF\xfb\xff\xbe audio"
DATA = base64.b64encode(AUDIO).decode()
INPUT = {"type": "input_audio", "input_audio": {"data": DATA, "format": "wav"}}
URL = {"type": "audio_url", "audio_url": {"url": f"data:audio/wav;base64,{DATA}"}}


def order(*content: Any, **fields: Any) -> Order:
    messages = fields.pop("messages", [{"role": "user", "content": list(content)}])
    return DOOR.read(request(document=json.dumps({"messages": messages, **fields}).encode()))


def whole(heard: Transcript, *content: Any) -> dict[str, Any]:
    return json.loads(order(*content).answer(heard).body)


def chunks(heard: Transcript) -> list[dict[str, Any]]:
    teller = order(URL, stream=True).teller
    assert teller is not None
    told = "".join([*map(teller.heard, heard.finals), teller.done(heard)]).split("\n\n")
    assert told[-2:] == ["data: [DONE]", ""]
    return [json.loads(block.removeprefix("data: ")) for block in told[:-2]]


@pytest.mark.parametrize(
    "part",
    [
        INPUT,
        URL,
        {"type": "input_audio", "input_audio": {"data": f"{DATA[:7]}\r\n{DATA[7:]}"}},
        {"type": "input_audio", "input_audio": {"data": base64.urlsafe_b64encode(AUDIO).decode()}},
        {"type": "audio_url", "audio_url": {"url": f"DATA:;BASE64,{DATA}"}},
    ],
)
def test_every_form_of_audio(part: dict[str, Any]) -> None:
    assert order(part).audio == AUDIO
    assert order({"type": "text", "text": "Transcribe this."}, part).audio == AUDIO


def test_context_is_what_the_system_says() -> None:
    system = {"role": "system", "content": [{"type": "text", "text": "Goya"}]}
    other = {"role": "system", "content": "Velázquez"}
    user = {"role": "user", "content": [{"type": "text", "text": "Transcribe this."}, INPUT]}
    assert order(messages=[system, other, user]).options.context == "Goya\nVelázquez"
    long = {"role": "system", "content": "x" * 5_000}
    assert len(order(messages=[long, user]).options.context) == 4_000


def test_the_answer_is_what_the_model_writes() -> None:
    answer = whole(HEARD, URL)
    assert answer["choices"] == [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "language English<asr_text>Turn left, please. ¿Dónde está? Now & then.",
            },
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]
    assert (answer["object"], answer["model"]) == ("chat.completion", "fake")
    assert (answer["id"], answer["created"]) == (f"chatcmpl-{ID}", 1_700_000_000)


def test_nothing_heard() -> None:
    content = "language None<asr_text>"
    assert whole(NOTHING, URL)["choices"][0]["message"]["content"] == content
    assert parse_output(content) == ("", "")
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks(NOTHING)]
    assert deltas == [{"role": "assistant", "content": content}, {}]


@settings(max_examples=300, deadline=None)
@given(ANY_HEARD)
def test_chunks_joined_are_the_whole(heard: Transcript) -> None:
    told = chunks(heard)
    content = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in told)
    assert content == whole(heard, INPUT)["choices"][0]["message"]["content"]
    assert content.endswith(f"<asr_text>{heard.text}")
    assert told[0]["choices"][0]["delta"]["role"] == "assistant"
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in told]
    assert reasons == [*[None] * (len(told) - 1), "stop"]


def test_the_documented_client_finds_language_and_text() -> None:
    content = whole(HEARD, URL)["choices"][0]["message"]["content"]
    assert parse_output(content) == ("English", HEARD.text)


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (b"{", "not JSON"),
        (b"\xff", "not UTF-8"),
        (b"[]", "a JSON object"),
        (b"{}", "messages"),
        (json.dumps({"messages": [1]}).encode(), "messages"),
        (json.dumps({"messages": [{"role": "user", "content": "hello"}]}).encode(), "0 parts"),
        (json.dumps({"messages": [{"content": [INPUT, URL]}]}).encode(), "2 parts"),
        (json.dumps({"messages": [{"content": [{"type": "audio_url"}]}]}).encode(), "no object"),
    ],
)
def test_bodies_that_ask_for_nothing(document: bytes, fault: str) -> None:
    with pytest.raises(StreamError, match=fault) as refused:
        DOOR.read(request(document=document))
    assert DOOR.deny(refused.value, ID).status == 400


@pytest.mark.parametrize(
    "url",
    ["https://example.com/a.wav", "file:///etc/passwd", "data:audio/wav,RIFF", "data:;base64,%%%"],
)
def test_nothing_is_fetched(url: str) -> None:
    with pytest.raises(StreamError) as refused:
        order({"type": "audio_url", "audio_url": {"url": url}})
    error = json.loads(DOOR.deny(refused.value, ID).body)["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", "messages")


def test_a_failure_in_mid_answer_is_an_event() -> None:
    teller = order(INPUT, stream=True).teller
    assert teller is not None
    failure = json.loads(teller.failed(internal_error()).removeprefix("data: "))
    assert failure["error"]["type"] == "server_error"


PARTS = st.sampled_from([INPUT, URL]) | st.fixed_dictionaries(
    {"type": st.sampled_from(["input_audio", "audio_url", "text"])},
    optional={"input_audio": JSON, "audio_url": JSON, "text": JSON},
)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "user"]) | JSON, "content": st.lists(PARTS) | JSON}
    )
    | JSON,
    max_size=3,
)
DOCUMENTS = st.one_of(
    st.binary(max_size=40),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries({"messages": MESSAGES | JSON, "stream": JSON}).map(
        lambda value: json.dumps(value).encode()
    ),
)


@pytest.mark.timeout(600)
@settings(max_examples=2_500, deadline=None)
@given(DOCUMENTS)
def test_any_body_is_answered_or_refused(document: bytes) -> None:
    try:
        placed = DOOR.read(request(document=document))
    except StreamError as error:
        assert json.loads(DOOR.deny(error, ID).body)["error"]["message"] == error.message
        return
    assert placed.audio is not None
    assert json.loads(placed.answer(HEARD).body)["choices"][0]["message"]["content"]
