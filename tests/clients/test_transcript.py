"""A transcript in its four formats."""

import json

from hark.clients.transcript import Transcript, render
from hark.streaming.events import Final


def final(start_ms: int, end_ms: int, text: str, language: str | None = "English") -> Final:
    return Final(
        start_ms=start_ms,
        end_ms=end_ms,
        text=text,
        language=language,
        confidence=0.876543,
        stable_words_replaced=0,
        queue_ms=0.0,
        compute_ms=0.0,
    )


TALK = Transcript(
    "talk.mp3",
    3_725.5,
    (
        final(0, 1_500, "Good morning."),
        final(1_500, 3_000, " ", None),
        final(3_723_004, 3_725_500, "¿Qué tal? " + "palabra " * 8, "Spanish"),
        final(3_725_500, 3_725_500, "Bye.", "English"),
    ),
)
LONG = "¿Qué tal? palabra palabra palabra palabra\npalabra palabra palabra palabra"


def test_text_is_a_line_for_each_segment_that_has_words() -> None:
    spanish = LONG.replace("\n", " ")
    assert render(TALK, "text") == f"Good morning.\n{spanish}\nBye.\n"


def test_json() -> None:
    talk = json.loads(render(TALK, "json"))
    assert (talk["file"], talk["duration_s"], talk["language"]) == ("talk.mp3", 3725.5, "English")
    assert talk["text"].startswith("Good morning. ¿Qué tal?")
    assert talk["segments"][0] == {
        "start_ms": 0,
        "end_ms": 1500,
        "text": "Good morning.",
        "language": "English",
        "confidence": 0.8765,
    }
    assert len(talk["segments"]) == 3 and "tokens" not in talk


def test_json_of_a_token_decode_has_a_flat_list_of_ids() -> None:
    clip = json.loads(render(Transcript("a.wav", 1.0, (final(0, 1, "Hi."),), (5, 6)), "json"))
    assert (clip["tokens"], clip["text"]) == ([5, 6], "Hi.")


def test_srt() -> None:
    assert render(TALK, "srt") == (
        "1\n00:00:00,000 --> 00:00:01,500\nGood morning.\n\n"
        f"2\n01:02:03,004 --> 01:02:05,500\n{LONG}\n\n"
        "3\n01:02:05,500 --> 01:02:05,500\nBye.\n\n"
    )


def test_a_long_segment_shares_its_time_among_cues_of_two_lines() -> None:
    words = " ".join(f"word{number:03}" for number in range(30))
    cues = render(Transcript("a.wav", 20.0, (final(10_000, 20_000, words),)), "srt")
    blocks = [block.splitlines() for block in cues.strip().split("\n\n")]
    assert len(blocks) == 3
    assert all(len(line) <= 42 for block in blocks for line in block[2:])
    assert " ".join(line for block in blocks for line in block[2:]) == words
    times = [block[1].split(" --> ") for block in blocks]
    assert times[0][0] == "00:00:10,000" and times[-1][1] == "00:00:20,000"
    assert [end for _, end in times[:-1]] == [start for start, _ in times[1:]]


def test_vtt() -> None:
    cues = render(TALK, "vtt").split("\n\n")
    assert cues[0] == "WEBVTT"
    assert cues[1] == "00:00:00.000 --> 00:00:01.500\nGood morning."


def test_vtt_escapes_what_would_be_markup() -> None:
    maths = Transcript("a.wav", 1.0, (final(0, 1_000, "a < b & c"),))
    assert "a &lt; b &amp; c" in render(maths, "vtt")
    assert "a < b & c" in render(maths, "srt")


def test_silence() -> None:
    silence = Transcript("a.wav", 2.0, ())
    assert [render(silence, form) for form in ("text", "srt", "vtt")] == ["", "", "WEBVTT\n\n"]
    assert json.loads(render(silence, "json"))["language"] is None
