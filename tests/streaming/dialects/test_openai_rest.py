"""OpenAI's transcriptions: fields to options, finals to bodies, errors to its shape."""

import html
import json
import math
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.engine.types import StreamOptions
from hark.streaming.errors import (
    BadAudioError,
    BadMessageError,
    BadOptionError,
    CapacityError,
    StreamError,
    TooLargeError,
    UnauthorizedError,
    internal_error,
)
from hark.streaming.protocols.files import Answer, Order, Transcript
from hark.streaming.protocols.openai.rest import Transcriptions

from .files import ANY_HEARD, HEARD, ID, NOTHING, SOME_HEARD, final, request

DOOR = Transcriptions()


def order(**fields: str | list[str]) -> Order:
    """Brackets in names are written as two underscores at their end."""
    named = {
        name.replace("__", "[]"): [value] if isinstance(value, str) else value
        for name, value in fields.items()
    }
    return DOOR.read(request(named))


def options(**fields: str | list[str]) -> StreamOptions:
    return order(**fields).options


def answer(heard: Transcript = HEARD, **fields: str | list[str]) -> Answer:
    return order(**fields).answer(heard)


def body(heard: Transcript = HEARD, **fields: str | list[str]) -> dict[str, Any]:
    return json.loads(answer(heard, **fields).body)


# --- fields --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "language"),
    [
        ({}, None),
        ({"language": "en"}, "English"),
        ({"language": "es-MX"}, "Spanish"),
        ({"language": "german"}, "German"),
        ({"language": ""}, None),
        ({"language": "auto"}, None),
        ({"languages__": ["de"]}, "German"),
        ({"languages__": ["de", "en"]}, None),
    ],
)
def test_languages(fields: dict[str, Any], language: str | None) -> None:
    assert options(**fields).language == language


def test_prompt_and_keywords_are_context() -> None:
    assert options(prompt="A talk on Goya.").context == "A talk on Goya."
    fields: dict[str, Any] = {"keywords__": ["Goya", " Velázquez ", ""], "prompt": "Painters"}
    assert options(**fields).context == "Painters\nGoya, Velázquez"


def test_a_long_prompt_is_cut_not_refused() -> None:
    context = options(prompt="x" * 5_000 + " the end", keywords=["Goya"]).context
    assert len(context) == 4_000
    assert context.endswith("the end\nGoya")
    assert options(prompt="all of it", keywords=["k" * 5_000]).context == "k" * 4_000


@pytest.mark.parametrize(
    ("fields", "pause_ms", "pad_ms"),
    [
        ({}, 600, 300),
        ({"chunking_strategy": "auto"}, 600, 300),
        ({"chunking_strategy": '{"type": "server_vad", "silence_duration_ms": 900}'}, 900, 300),
        ({"chunking_strategy": '{"silence_duration_ms": 1, "prefix_padding_ms": 1e9}'}, 200, 2_000),
        ({"chunking_strategy[prefix_padding_ms]": "40"}, 600, 40),
    ],
)
def test_chunking_is_endpointing(fields: dict[str, str], pause_ms: int, pad_ms: int) -> None:
    endpointing = options(**fields).endpointing
    assert (endpointing.mode, endpointing.pause_ms) == ("vad", pause_ms)
    assert endpointing.pad_before_ms == pad_ms


def test_unknown_fields_and_models_are_as_good_as_none() -> None:
    told: dict[str, Any] = {"model": "whisper-1", "temperature": "x", "known_speaker_names__": "y"}
    assert options(**told) == options()


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"language": "tlh"}, "language"),
        ({"response_format": "diarized_json"}, "response_format"),
        ({"timestamp_granularities__": "syllable"}, "timestamp_granularities"),
        ({"chunking_strategy": "manual"}, "chunking_strategy"),
        ({"chunking_strategy": '{"silence_duration_ms": "long"}'}, "chunking_strategy"),
        ({"chunking_strategy": '{"type": "semantic_vad"}'}, "chunking_strategy"),
        ({"chunking_strategy[type]": "none"}, "chunking_strategy"),
        ({"stream": "maybe"}, "stream"),
    ],
)
def test_what_there_is_not_is_refused_by_name(fields: dict[str, str], param: str) -> None:
    with pytest.raises(StreamError) as refused:
        order(**fields)
    denial = DOOR.deny(refused.value, ID)
    error = json.loads(denial.body)["error"]
    assert (denial.status, error["type"]) == (400, "invalid_request_error")
    assert (error["param"], "allowed" in error["message"]) == (param, True)


def test_a_form_without_a_file() -> None:
    with pytest.raises(BadMessageError) as refused:
        DOOR.read(request({"model": ["m"]}, has_file=False))
    assert json.loads(DOOR.deny(refused.value, ID).body)["error"]["param"] == "file"


@pytest.mark.parametrize(
    ("error", "status", "kind", "code", "param"),
    [
        (
            UnauthorizedError("a key is needed"),
            401,
            "invalid_request_error",
            "invalid_api_key",
            None,
        ),
        (BadAudioError("no audio"), 400, "invalid_request_error", "bad_audio", "file"),
        (TooLargeError("large"), 413, "invalid_request_error", "too_large", None),
        (CapacityError("full", 5.0), 503, "server_error", "capacity", None),
        (internal_error(), 500, "server_error", "internal", None),
    ],
)
def test_errors_have_openai_s_shape(
    error: StreamError, status: int, kind: str, code: str, param: str | None
) -> None:
    denial = DOOR.deny(error, ID)
    told = json.loads(denial.body)["error"]
    assert told == {"message": error.message, "type": kind, "param": param, "code": code}
    assert denial.status == status
    retry = {"Retry-After": "5"} if status == 503 else {}
    assert denial.headers == {"x-request-id": f"req_{ID}", **retry}


# --- bodies --------------------------------------------------------------------------------------

TEXT = "Turn left, please. ¿Dónde está? Now & then."


def test_json() -> None:
    usage = {"type": "duration", "seconds": 3_607}
    assert body() == {"text": TEXT, "languages": [{"code": "en"}, {"code": "es"}], "usage": usage}
    usage["seconds"] = 2
    assert body(NOTHING) == {"text": "", "languages": [], "usage": usage}


def test_texts_and_subtitles() -> None:
    assert answer(response_format="text").body == TEXT + "\n"
    assert answer(response_format="srt").body == (
        "1\n00:00:01,250 --> 00:00:02,000\nTurn left, please.\n\n"
        "2\n01:00:02,500 --> 01:00:03,000\n¿Dónde está?\n\n"
        "3\n01:00:05,000 --> 01:00:05,750\nNow & then.\n\n"
    )
    assert answer(response_format="vtt").body == (
        "WEBVTT\n\n"
        "00:00:01.250 --> 00:00:02.000\nTurn left, please.\n\n"
        "01:00:02.500 --> 01:00:03.000\n¿Dónde está?\n\n"
        "01:00:05.000 --> 01:00:05.750\nNow &amp; then.\n\n"
    )
    kinds = [answer(response_format=form).media_type for form in ("text", "srt", "vtt", "json")]
    assert kinds == ["text/plain", "text/plain", "text/vtt", "application/json"]


def test_verbose_json() -> None:
    whole = body(response_format="verbose_json")
    segments = whole.pop("segments")
    assert whole == {
        "task": "transcribe",
        "language": "english",
        "duration": 3_606.4,
        "text": TEXT,
        "usage": {"type": "duration", "seconds": 3_607},
    }
    compressed = len(zlib.compress(" ¿Dónde está?".encode()))
    assert segments[1] == {
        "id": 1,
        "seek": 360_250,
        "start": 3602.5,
        "end": 3603.0,
        "text": " ¿Dónde está?",
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(math.log(0.25), 4),
        "compression_ratio": round(16 / compressed, 4),
        "no_speech_prob": 0.0,
    }
    assert "".join(segment["text"] for segment in segments) == TEXT


def test_granularities_choose_words_segments_or_both() -> None:
    def parts(**fields: Any) -> set[str]:
        return body(response_format="verbose_json", **fields).keys() & {"words", "segments"}

    assert parts() == {"segments"}
    assert parts(timestamp_granularities__=["word"]) == {"words"}
    assert parts(timestamp_granularities=["word", "segment"]) == {"words", "segments"}
    words = body(response_format="verbose_json", timestamp_granularities="word")["words"]
    assert words[0] == {"word": "Turn", "start": 1.25, "end": 1.5}
    assert [word["word"] for word in words] == TEXT.split()


def test_logprobs_are_of_words() -> None:
    logprobs = body(include__="logprobs")["logprobs"]
    assert logprobs[3] == {
        "token": " ¿Dónde",
        "bytes": list(" ¿Dónde".encode()),
        "logprob": round(math.log(0.5), 4),
    }
    assert "".join(each["token"] for each in logprobs) == TEXT


def test_words_of_scripts_without_blanks_are_not_parted() -> None:

    heard = Transcript(
        [final("你好。", language="Chinese"), final("我在这里。", language="Chinese")], 2.0
    )
    assert body(heard)["text"] == "你好。我在这里。"


# --- any input -----------------------------------------------------------------------------------

NAMES = st.sampled_from(
    [
        *("language", "languages[]", "prompt", "keywords[]", "response_format", "stream"),
        *("timestamp_granularities[]", "timestamp_granularities", "include[]", "temperature"),
        *("chunking_strategy", "chunking_strategy[type]", "chunking_strategy[silence_duration_ms]"),
    ]
)
VALUES = st.text(max_size=30) | st.sampled_from(
    [
        *("en", "de-DE", "word", "segment", "logprobs", "true", "auto", "json", "text", "srt"),
        *("vtt", "verbose_json", "{}", "[]", '{"silence_duration_ms": []}', "NaN", "-inf"),
        '{"silence_duration_ms": 1e999, "prefix_padding_ms": -1}',
    ]
)
FIELDS = st.dictionaries(NAMES | st.text(max_size=20), st.lists(VALUES, max_size=2), max_size=5)


@pytest.mark.timeout(600)
@settings(max_examples=2_500, deadline=None)
@given(FIELDS, SOME_HEARD)
def test_any_form_is_answered_or_refused(fields: dict[str, list[str]], heard: Transcript) -> None:
    try:
        placed = DOOR.read(request(fields))
    except StreamError as error:
        denial = DOOR.deny(error, ID)
        assert denial.status == 400
        assert json.loads(denial.body)["error"]["message"] == error.message
        return
    whole = placed.answer(heard)
    if whole.media_type == "application/json":
        assert json.loads(whole.body)["text"] == heard.text
    if placed.teller is None:
        return
    blocks = [*map(placed.teller.heard, heard.finals), placed.teller.done(heard)]
    *deltas, done = [json.loads(block.removeprefix("data: ")) for block in blocks]
    assert all(block.endswith("\n\n") and block.count("\n") == 2 for block in blocks)
    assert "".join(event["delta"] for event in deltas) == done["text"] == heard.text
    for event in (*deltas, done):
        joined = "".join(each["token"] for each in event.get("logprobs", ()))
        assert joined in ("", event.get("delta", event.get("text")))


@settings(max_examples=300, deadline=None)
@given(ANY_HEARD)
def test_cues_are_in_order_and_hold_what_was_said(heard: Transcript) -> None:
    for form in ("srt", "vtt"):
        cues = answer(heard, response_format=form).body.split("\n\n")[form == "vtt" : -1]
        shown = [cue.split("\n")[-2:] for cue in cues]
        times = [tuple(time.split(" --> ")) for time, _ in shown]
        assert all(start < end for start, end in times)
        said = [html.unescape(text) if form == "vtt" else text for _, text in shown]
        assert said == [" ".join(final.text.split()) for final in heard.finals]
    verbose = body(heard, response_format="verbose_json")
    assert "".join(each["text"] for each in verbose["segments"]) == heard.text
    assert all(math.isfinite(each["avg_logprob"]) for each in verbose["segments"])


def test_a_language_that_is_not_spoken_is_told_which_are() -> None:
    with pytest.raises(BadOptionError, match=r"allowed are English \(en\), Spanish"):
        order(language="ko")
