"""A transcript in its four formats."""

import html
import json
import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from hark.clients.subtitles import TimedWord
from hark.clients.transcript import Transcript, render, timed_words
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
LONG = "¿Qué tal? palabra palabra palabra\npalabra palabra palabra palabra palabra"


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
        "times": "estimated",
        "words": [],
    }
    assert len(talk["segments"]) == 3 and "tokens" not in talk


def test_json_of_a_token_decode_has_a_flat_list_of_ids() -> None:
    clip = json.loads(render(Transcript("a.wav", 1.0, (final(0, 1, "Hi."),), (5, 6)), "json"))
    assert (clip["tokens"], clip["text"]) == ([5, 6], "Hi.")


def test_srt() -> None:
    # The last segment has no time of its own and the recording is over: a frame.
    assert render(TALK, "srt") == (
        "1\n00:00:00,000 --> 00:00:01,500\nGood morning.\n\n"
        f"2\n01:02:03,004 --> 01:02:05,420\n{LONG}\n\n"
        "3\n01:02:05,500 --> 01:02:05,540\nBye.\n\n"
    )


def test_a_long_segment_shares_its_time_among_cues_of_two_lines() -> None:
    words = " ".join(f"word{number:03}" for number in range(30))
    subtitles = render(Transcript("a.wav", 22.0, (final(10_000, 22_000, words),)), "srt")
    blocks = [block.splitlines() for block in subtitles.strip().split("\n\n")]
    assert [block[2:] for block in blocks] == [
        ["word000 word001 word002 word003 word004", "word005 word006 word007 word008 word009"],
        ["word010 word011 word012 word013 word014", "word015 word016 word017 word018 word019"],
        ["word020 word021 word022 word023 word024", "word025 word026 word027 word028 word029"],
    ]
    assert [block[1] for block in blocks] == [
        "00:00:10,000 --> 00:00:13,920",
        "00:00:14,000 --> 00:00:17,920",
        "00:00:18,000 --> 00:00:22,000",
    ]


def test_vtt() -> None:
    cues = render(TALK, "vtt").split("\n\n")
    assert cues[0] == "WEBVTT"
    assert cues[1] == "00:00:00.000 --> 00:00:01.500\nGood morning."


def test_vtt_escapes_what_would_be_markup() -> None:
    maths = Transcript("a.wav", 1.0, (final(0, 1_000, "a < b & c --> d"),))
    assert "a &lt; b &amp; c --&gt; d" in render(maths, "vtt")
    assert "a < b & c --> d" in render(maths, "srt")


@given(st.lists(st.text("a<&>;-1:. \n\r\t今。", max_size=99), max_size=4))
def test_what_reads_subtitles_finds_the_text_in_them(texts: list[str]) -> None:
    talk = Transcript("a.wav", 40.0, tuple(final(0, 40_000, text) for text in texts))
    for form, blocks in (
        ("srt", render(talk, "srt").split("\n\n")),
        ("vtt", render(talk, "vtt").split("\n\n")[1:]),
    ):
        assert blocks.pop() == ""
        found = ""
        for number, block in enumerate(blocks, start=1):
            counted = block.removeprefix(f"{number}\n") if form == "srt" else block
            times, *lines = counted.split("\n")
            assert re.fullmatch(r"(\d\d:\d\d:\d\d[.,]\d\d\d( --> |$)){2}", times)
            assert 1 <= len(lines) <= 2 and all(lines)
            assert form == "srt" or "-->" not in "".join(lines)
            found += "".join(lines if form == "srt" else map(html.unescape, lines))
        assert "".join(found.split()) == "".join("".join(texts).split())


def test_words_come_with_the_spaces_before_them() -> None:
    said = replace(
        final(0, 9_000, " ¿Qué? 今日。"),
        words=[
            {"text": "¿Qué?", "start_ms": 1_000, "end_ms": 1_500, "confidence": 0.9},
            {"text": "今", "start_ms": 2_000, "end_ms": 2_100, "confidence": 0.9},
            {"text": "日。", "start_ms": 2_100, "end_ms": 2_400, "confidence": 0.9},
        ],
    )
    assert timed_words(said) == [
        TimedWord(" ¿Qué?", 1.0, 1.5),
        TimedWord(" 今", 2.0, 2.1),
        TimedWord("日。", 2.1, 2.4, ends_segment=True),
    ]


def test_word_times_are_estimated_by_characters() -> None:
    assert timed_words(final(1_000, 5_500, " Oh, 今日 yes. ")) == [
        TimedWord("Oh,", 1.0, 2.5),
        TimedWord(" 今", 2.5, 3.0),
        TimedWord("日", 3.0, 3.5),
        TimedWord(" yes.", 3.5, 5.5, ends_segment=True),
    ]
    assert timed_words(final(1_000, 3_000, "  ")) == []


def test_silence() -> None:
    silence = Transcript("a.wav", 2.0, ())
    assert [render(silence, form) for form in ("text", "srt", "vtt")] == ["", "", "WEBVTT\n\n"]
    assert json.loads(render(silence, "json"))["language"] is None
