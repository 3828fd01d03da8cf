"""Deepgram's live protocol, conversation by conversation: what a client says and is told."""

import pytest

from hark.engine import types as engine
from hark.streaming.effects import Hangup
from tests.streaming.dialects.deepgram_client import (
    ALL,
    AUDIO,
    CLOSE,
    FINALIZE,
    RAW,
    STEREO,
    entered,
    kinds,
    let_in,
    transcript,
    transcripts,
)
from tests.streaming.dialects.rig import closed, final, finalized, heard, partial, started, stopped

# --- a talk ---------------------------------------------------------------------------------------


def test_a_talk_is_told_in_deepgram_s_words() -> None:
    rig = entered()
    assert rig.hear(started(0, 500)) == [
        {"type": "SpeechStarted", "channel": [0, 1], "timestamp": 0.5}
    ]
    (interim,) = rig.hear(partial(0, 500, 1500, "Hello", " you"))
    assert (interim["start"], interim["duration"]) == (0.0, 1.5)
    assert (interim["is_final"], transcript(interim)) == (False, "Hello you")
    words = interim["channel"]["alternatives"][0]["words"]
    assert [(word["word"], word["start"], word["end"]) for word in words] == [
        ("hello", 0.5, 1.1),
        ("you", 1.1, 1.5),
    ]
    (told,) = rig.hear(stopped(0, 500, 1500), final(0, 500, 1700, "Hello, you!"))
    request_id = rig.dialect.accept_headers["dg-request-id"]
    assert told == {
        "type": "Results",
        "channel_index": [0, 1],
        "start": 0.0,
        "duration": 1.7,
        "is_final": True,
        "speech_final": True,
        "from_finalize": False,
        "channel": {
            "alternatives": [
                {
                    "transcript": "Hello, you!",
                    "confidence": 0.9,
                    "languages": ["en"],
                    "words": [
                        {
                            "word": "hello",
                            "punctuated_word": "Hello,",
                            "start": 0.5,
                            "end": 1.1,
                            "confidence": 0.9,
                            "language": "en",
                        },
                        {
                            "word": "you",
                            "punctuated_word": "you!",
                            "start": 1.1,
                            "end": 1.7,
                            "confidence": 0.9,
                            "language": "en",
                        },
                    ],
                }
            ]
        },
        "metadata": {
            "request_id": request_id,
            "model_info": {"name": "fake", "version": "", "arch": "qwen3-asr"},
            "model_uuid": told["metadata"]["model_uuid"],
        },
    }


def test_without_punctuation_a_transcript_is_plain() -> None:
    rig = entered(f"{RAW}&language=en")
    (told,) = rig.hear(started(0, 0), final(0, 0, 900, "Well \u2013 don't, O'Neill."))
    (alternative,) = told["channel"]["alternatives"]
    assert alternative["transcript"] == "well don't o'neill"
    assert [word["word"] for word in alternative["words"]] == ["well", "don't", "o'neill"]
    assert "languages" not in alternative
    assert not any({"punctuated_word", "language"} & word.keys() for word in alternative["words"])


def test_silence_is_told_up_to_where_it_is_sure() -> None:
    rig = entered()
    assert rig.hear(heard(5_400)) == []
    (told,) = rig.hear(heard(5_500))
    assert (told["start"], told["duration"], transcript(told)) == (0.0, 5.0, "")
    assert (told["is_final"], told["speech_final"]) == (True, False)
    rig.hear(started(0, 5_050), heard(12_000))
    (told,) = rig.hear(final(0, 5_050, 12_000, "late"))
    assert (told["start"], told["duration"]) == (5.0, 7.0)


@pytest.mark.parametrize(("query", "last_word_end"), [(ALL, -1), (f"{ALL}&endpointing=false", 1.5)])
def test_an_utterance_ends_a_while_behind_its_last_word(query: str, last_word_end: float) -> None:
    rig = entered(query)
    rig.hear(started(0, 500), stopped(0, 500, 1500))
    (told,) = rig.hear(final(0, 500, 1500, "it is"))
    assert told["speech_final"] is (last_word_end == -1)
    assert rig.hear(heard(2499)) == []
    ended = {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": last_word_end}
    assert rig.hear(heard(2500), heard(3000)) == [ended]


def test_of_an_utterance_s_end_the_next_speech_tells_at_the_latest() -> None:
    """Audio that comes faster than it is spoken is heard in pieces of a second."""
    rig = entered()
    rig.hear(started(0, 0), final(0, 0, 1000, "one"), heard(1900))
    assert kinds(rig.hear(started(1, 2000))) == ["UtteranceEnd", "SpeechStarted"]


def test_speech_cut_at_the_segment_limit_is_final_and_goes_on() -> None:
    rig = entered()
    rig.hear(started(0, 0), stopped(0, 0, 28_000))
    (cut,) = rig.hear(final(0, 0, 28_000, "and so on"))
    assert (cut["is_final"], cut["speech_final"]) == (True, False)
    rig.hear(started(1, 28_000), stopped(1, 28_000, 29_000))
    (end,) = rig.hear(final(1, 28_000, 29_200, "to the end"))
    assert end["speech_final"] is True


# --- Finalize -------------------------------------------------------------------------------------


def test_finalize_gives_the_last_word_and_says_so() -> None:
    rig = entered()
    rig.hear(started(0, 0))
    assert rig.client(FINALIZE) == []
    request = rig.last_request()
    assert isinstance(request, engine.Finalize)
    assert rig.hear(stopped(0, 0, 900), final(0, 0, 1000, "the last word")) == []
    (told,) = rig.hear(finalized(request.id or "", 1000))
    assert transcript(told) == "the last word"
    assert (told["is_final"], told["speech_final"], told["from_finalize"]) == (True, True, True)


def test_a_final_of_before_does_not_wait_for_finalize() -> None:
    rig = entered()
    rig.hear(started(0, 0))
    rig.client(FINALIZE, FINALIZE)
    (told,) = rig.hear(final(0, 0, 1000, "by itself"), heard(1100))
    assert (transcript(told), told["from_finalize"]) == ("by itself", False)
    rig.hear(started(1, 1500))
    told = rig.hear(final(1, 1500, 2000, "both"), finalized("a", 2000), finalized("b", 2000))
    assert [(transcript(each), each["from_finalize"]) for each in told] == [
        ("both", True),
        ("", True),
    ]
    assert [each["start"] + each["duration"] for each in told] == [2.0, 2.0]


def test_finalize_is_answered_with_nothing_to_say_and_without_a_stream() -> None:
    rig = let_in()
    (told,) = rig.client({"type": "KeepAlive"}, FINALIZE)
    assert (told["from_finalize"], transcript(told), told["duration"]) == (True, "", 0.0)
    assert rig.sessions == {}


def test_finalize_of_one_channel() -> None:
    rig = entered(STEREO, num_lines=2)
    rig.client({"type": "Finalize", "channel": 1})
    assert isinstance(rig.last_request("1"), engine.Finalize)
    assert isinstance(rig.last_request("0"), engine.Feed)
    (told,) = rig.hear(finalized("x", 2000), line="1")
    assert told["channel_index"] == [1, 2]
    (error,) = rig.client({"type": "Finalize", "channel": 2})
    assert "0 to 1" in error["description"]


# --- the end --------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["CloseStream", "empty frame", "left", "silence"])
def test_however_it_ends_the_last_word_is_said_and_metadata_is_last(end: str) -> None:
    rig = entered()
    rig.hear(started(0, 0), partial(0, 0, 900, "almost"), heard(900, len(AUDIO)))
    match end:
        case "CloseStream":
            rig.client(CLOSE, AUDIO, CLOSE, FINALIZE, "late")
        case "empty frame":
            rig.client(b"")
        case "left":
            rig.leave()
        case _:
            rig.at(10.0)
    assert isinstance(rig.last_request(), engine.Close)
    rig.perform(rig.dialect.left(rig.now))
    rig.news()
    told = rig.hear(stopped(0, 0, 900), final(0, 0, 950, "almost gone"), closed(1000))
    assert transcripts(told) == ["almost gone", ""]
    assert kinds(told) == ["Results", "Results", "Metadata"]
    assert told[-1] == {
        "type": "Metadata",
        "transaction_key": "deprecated",
        "request_id": rig.dialect.accept_headers["dg-request-id"],
        "sha256": "",
        "created": "2023-11-14T22:13:20.000Z",
        "duration": 1.0,
        "channels": 1,
    }
    assert rig.hangup == (Hangup(1011, "NET-0001") if end == "silence" else Hangup(1000, ""))


def test_a_final_held_for_finalize_is_not_lost_at_the_end() -> None:
    rig = entered()
    rig.hear(started(0, 0))
    rig.client(FINALIZE, CLOSE)
    told = rig.hear(final(0, 0, 1000, "kept"), closed(1000))
    assert transcripts(told) == ["kept"]


def test_without_audio_there_is_nothing_to_wait_for() -> None:
    rig = let_in()
    assert rig.dialect.left(0.0) == []
    (metadata,) = rig.client(CLOSE)
    assert (metadata["type"], metadata["duration"]) == ("Metadata", 0.0)
    assert rig.hangup == Hangup(1000, "")


def test_all_channels_finish_before_the_end() -> None:
    rig = entered(STEREO, num_lines=2)
    rig.client(CLOSE)
    assert kinds(rig.hear(closed(1500), line="0")) == ["Results"]
    assert rig.hangup is None
    told = rig.hear(started(0, 0), final(0, 0, 900, "me too"), closed(1600), line="1")
    assert transcripts(told) == ["me too", ""]
    assert (told[-1]["duration"], told[-1]["channels"]) == (1.6, 2)
