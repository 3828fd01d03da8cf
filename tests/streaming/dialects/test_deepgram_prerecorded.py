"""Deepgram's answers to recordings: queries to options, finals to results, errors to its shape."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hark.engine.types import Encoding, RawAudio, StreamOptions
from hark.streaming.errors import StreamError
from hark.streaming.protocols.deepgram.prerecorded import DeepgramPrerecorded
from hark.streaming.protocols.files import Order, Transcript

from .files import HEARD, ID, NOTHING, SOME_HEARD, request

DOOR = DeepgramPrerecorded()
UUID = "01234567-89ab-cdef-0123-456789abcdef"


def order(query: Mapping[str, Sequence[str] | str] | None = None, **headers: str) -> Order:
    listed = {
        name: [value] if isinstance(value, str) else value for name, value in (query or {}).items()
    }
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return DOOR.read(request(query=listed, headers=named))


def body(query: Mapping[str, Any] | None = None, heard: Transcript = HEARD) -> dict[str, Any]:
    return json.loads(order(query).answer(heard).body)


def test_the_query_is_options() -> None:
    query = {"language": "es-419", "keyterm": ["Goya", "El Greco"], "keywords": "Dalí:2"}
    options = order(query).options
    assert (options.language, options.context) == ("Spanish", "Goya, El Greco, Dalí")
    live = {"interim_results": "true", "endpointing": "25", "vad_events": "true"}
    assert order({"language": "multi"}).options == StreamOptions(partials=False)
    assert order(live).options.endpointing == StreamOptions().endpointing
    pauses = [
        order({"utt_split": text}).options.endpointing.pause_ms for text in ("1.2", "0", "99")
    ]
    assert pauses == [1_200, 200, 5_000]


@pytest.mark.parametrize(
    ("query", "raw"),
    [
        ({}, None),
        ({"encoding": "linear16", "sample_rate": "8000"}, RawAudio(Encoding.PCM_S16LE, 8_000)),
        (
            {"encoding": "MULAW", "sample_rate": "16000", "channels": "2"},
            RawAudio(Encoding.MULAW, 16_000, 2),
        ),
        ({"encoding": "ogg-opus", "sample_rate": "48000"}, None),
    ],
)
def test_audio_without_a_header(query: dict[str, str], raw: RawAudio | None) -> None:
    assert order(query).raw == raw


def test_results_have_every_field() -> None:
    whole = body({"punctuate": "true", "diarize": "true", "model": "nova-3"})
    [channel] = whole["results"].pop("channels")
    assert whole["results"] == {}
    [alternative] = channel.pop("alternatives")
    assert channel == {}
    words = alternative.pop("words")
    assert alternative == {
        "transcript": HEARD.text,
        "confidence": 0.6167,
        "languages": ["en", "es"],
    }
    assert words[3] == {
        "word": "dónde",
        "start": 3602.5,
        "end": 3602.75,
        "confidence": 0.5,
        "punctuated_word": "¿Dónde",
        "language": "es",
    }
    metadata = whole["metadata"]
    [model_id] = metadata["models"]
    assert metadata == {
        "transaction_key": "deprecated",
        "request_id": UUID,
        "sha256": "00ff",
        "created": "2023-11-14T22:13:20.250Z",
        "duration": 3606.4,
        "channels": 1,
        "models": [model_id],
        "model_info": {model_id: {"name": "fake", "version": "", "arch": "qwen3-asr"}},
        "warnings": metadata["warnings"],
    }
    assert [warning["parameter"] for warning in metadata["warnings"]] == ["diarize"]


def test_what_is_ignored_is_told() -> None:
    query = {"multichannel": "true", "diarize": "true", "redact": "pci", "paragraphs": "false"}
    answer = order({**query, "utterances": "true", "model": "nova-3"}).answer(HEARD)
    assert answer.headers == {
        "dg-request-id": UUID,
        "dg-warning": "ignored: diarize, redact, multichannel",
    }
    assert order({"smart_format": "true"}).answer(HEARD).headers == {"dg-request-id": UUID}


def test_plain_text_where_no_marks_are_asked_for() -> None:
    [alternative] = body({"language": "en"})["results"]["channels"][0]["alternatives"]
    assert alternative["transcript"] == "turn left please dónde está now & then"
    assert set(alternative) == {"transcript", "confidence", "words"}
    assert set(alternative["words"][0]) == {"word", "start", "end", "confidence"}


def test_what_is_asked_for_beside_words() -> None:
    [channel] = body({"detect_language": "true"})["results"]["channels"]
    assert (channel["detected_language"], channel["language_confidence"]) == ("en", 0.9)
    results = body({"utterances": "false"})["results"]
    assert "utterances" not in results
    assert "utterances" in body({"utterances": ""})["results"], "as every flag without a value"
    results = body({"utterances": "true"})["results"]
    transcripts = [each["transcript"] for each in results["utterances"]]
    assert transcripts == ["turn left please", "dónde está", "now & then"]
    first = results["utterances"][0]
    assert (first["start"], first["end"], first["channel"]) == (1.25, 2.0, 0)
    assert [word["word"] for word in first["words"]] == ["turn", "left", "please"]


def test_nothing_heard() -> None:
    [channel] = body({"detect_language": "true"}, NOTHING)["results"]["channels"]
    assert channel["alternatives"] == [{"transcript": "", "confidence": 0.0, "words": []}]
    assert channel["detected_language"] is None


@pytest.mark.parametrize(
    ("query", "headers", "fault"),
    [
        ({}, {"content_type": "application/json; charset=utf-8"}, "url is not fetched"),
        ({"callback": "http://example.com"}, {}, "callback is not called"),
        ({"encoding": "linear16"}, {}, "sample_rate is needed"),
        ({"encoding": "linear16", "sample_rate": "fast"}, {}, "sample_rate is 'fast'"),
        ({"encoding": "alaw", "sample_rate": "1"}, {}, "sample_rate is '1', allowed are 8000"),
        ({"encoding": "alaw", "sample_rate": "8000", "channels": "99"}, {}, "channels is '99'"),
        ({"utt_split": "long"}, {}, "utt_split is 'long'"),
        ({"language": "tlh"}, {}, "language is 'tlh'"),
        ({"utterances": "some"}, {}, "utterances is 'some', allowed are true and false"),
    ],
)
def test_what_there_is_not_is_refused(
    query: dict[str, str], headers: dict[str, str], fault: str
) -> None:
    with pytest.raises(StreamError, match=fault) as refused:
        order(query, **headers)
    denial = DOOR.deny(refused.value, ID)
    assert denial.status == 400
    message = refused.value.message
    told = {"err_code": "INVALID_QUERY_PARAMETER", "err_msg": message, "request_id": UUID}
    assert json.loads(denial.body) == told
    assert denial.headers == {"dg-request-id": UUID, "dg-error": message}


NAMES = st.sampled_from(
    ["encoding", "sample_rate", "channels", "language", "utt_split", "keyterm", "keywords", "tag"]
)
VALUES = st.text(max_size=20) | st.sampled_from(
    ["linear16", "mulaw", "8000", "-1", "0", "1e3", "true", "en-US", "1.5", "9" * 30, "a:b"]
)
QUERIES = st.dictionaries(
    NAMES | st.text(max_size=20), st.lists(VALUES, min_size=1, max_size=2), max_size=5
)


@pytest.mark.timeout(600)
@settings(max_examples=2_500, deadline=None)
@given(QUERIES, SOME_HEARD)
def test_any_query_is_answered_or_refused(query: dict[str, list[str]], heard: Transcript) -> None:
    try:
        placed = order(query)
    except StreamError as error:
        denial = DOOR.deny(error, ID)
        assert json.loads(denial.body)["err_msg"] == error.message
        assert denial.headers["dg-error"].isascii()
        return
    results = json.loads(placed.answer(heard).body)["results"]
    [alternative] = results["channels"][0]["alternatives"]
    assert bool(alternative["transcript"]) == bool(heard.text)
