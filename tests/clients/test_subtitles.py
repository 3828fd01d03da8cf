"""Cues from timed words: subtitle practice as properties, and by hand."""

from dataclasses import replace
from functools import lru_cache
from itertools import accumulate, pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hark.clients.line_breaks import columns
from hark.clients.subtitles import Cue, TimedWord, cues

TEXTS = [
    *(" so", " the", " light", " harbour,", " turned.", " Why?", " extraordinarily", ' "yes"', " "),
    *(" Mr.", " A.", "", "\n\n", " " + "wide" * 30, " e\u0301te\u0301", "(" * 50, " 👩‍👩‍👧🏽!"),
    *("今", "日は", "東京タワー。", "っ", "」", "「", " ABC", "สวัสดี", "เก่า", "ំ", " 한국어,"),
    *("👩\u200d" * 40, " ា" + "ា" * 60),
]
X30 = " " + "x" * 30
seconds = st.one_of(
    st.sampled_from([0.0, 0.001, 0.08, 0.3, 0.5, 0.7, 1.0, 3.0, 9.0]), st.floats(0, 2)
)
spoken = st.lists(
    st.tuples(st.sampled_from(TEXTS) | st.text(max_size=6), seconds, seconds, st.booleans()),
    max_size=25,
)


def timed(parts: list[tuple[str, float, float, bool]]) -> list[TimedWord]:
    """Words of (text, silence before it, duration, whether it ends a segment)."""
    words, now_s = [], 0.0
    for text, silence_s, duration_s, ends in parts:
        start_s = now_s + silence_s
        now_s = start_s + duration_s
        words.append(TimedWord(text, start_s, now_s, ends))
    return words


def evenly(text: str, *, seconds: float) -> list[TimedWord]:
    """The words of a text in Latin script, each with its share of the time by its length."""
    words = text.split()
    past = list(accumulate(map(len, words), initial=0))
    times = pairwise(seconds * letters / past[-1] for letters in past)
    return [TimedWord(f" {word}", *span) for word, span in zip(words, times, strict=True)]


def needed_ms(cue: Cue) -> int:
    return max(1000, 50 * sum(map(columns, cue.lines)))


# --- for any words -------------------------------------------------------------------------------


@settings(deadline=None)
@given(spoken)
def test_all_text_is_there_in_order_and_spaces_are_where_they_were(
    parts: list[tuple[str, float, float, bool]],
) -> None:
    found = cues(timed(parts))
    text = "".join(part[0] for part in parts)
    rest = " ".join(text.split())
    for line in (line for cue in found for line in cue.lines):
        assert rest.startswith(line) and line == line.strip() != ""
        rest = rest[len(line) :].lstrip(" ")
    assert rest == ""


@settings(deadline=None)
@given(spoken, st.none() | st.floats(0, 40))
def test_times_and_lines_are_within_the_limits(
    parts: list[tuple[str, float, float, bool]], end_s: float | None
) -> None:
    words = timed(parts)
    found = cues(words, end_s=end_s)
    for cue in found:
        assert 1 <= len(cue.lines) <= 2
        assert all(columns(line) <= 42 for line in cue.lines)
        assert 40 <= cue.end_ms - cue.start_ms <= 7000
    for cue, following in pairwise(found):
        gap_ms, room_ms = following.start_ms - cue.end_ms, following.start_ms - cue.start_ms
        assert gap_ms >= min(80, room_ms - 40) >= 0
        # Nothing is too brief to read while there is silence behind it.
        assert cue.end_ms - cue.start_ms >= min(needed_ms(cue), room_ms - 80)
    if found and end_s is not None:
        ends_ms = max(1000 * end_s, 1000 * max(word.end_s for word in words))
        assert found[-1].end_ms <= max(ends_ms + 1, found[-1].start_ms + 40)


@settings(deadline=None)
@given(spoken)
def test_a_cue_starts_with_its_first_word_and_stays_for_all_of_them(
    parts: list[tuple[str, float, float, bool]],
) -> None:
    # Words with time of their own, so that no cue has to wait for the one before it.
    words = [replace(word, text=f" {number:04}") for number, word in enumerate(timed(parts))]
    words = [word for word in words if word.end_s - word.start_s >= 0.08]
    by_number = {word.text.strip(): word for word in words}
    for cue in cues(words):
        said = [by_number[number] for number in " ".join(cue.lines).split()]
        assert cue.start_ms == round(1000 * said[0].start_s)
        if len(said) > 1:  # the 80 ms before the next cue may be its last word's
            assert cue.end_ms >= round(1000 * said[-1].end_s) - 80
        assert not any(word.ends_segment for word in said[:-1])
        assert all(after.start_s - word.end_s < 0.7005 for word, after in pairwise(said))


@given(
    st.lists(
        st.tuples(
            st.sampled_from([" so", " yes.", " harbour,", " extraordinary.", X30]),
            st.sampled_from([100, 300, 600, 1500, 4000]),
            st.sampled_from([0, 50, 400]),
        ),
        min_size=1,
        max_size=7,
    ),
    st.sampled_from([0, 600, 3000]),
    st.booleans(),
)
# The best ends of cues would make one of them a little too fast; the last one much too brief.
@example(
    [(" extraordinary.", 994, 0), (" so", 221, 0), (X30, 1716, 0), (" so", 123, 0), (X30, 1503, 0)],
    3000,
    False,
)
@example([(X30, 4000, 0), (" harbour,", 2500, 0), (" so", 300, 0), (" yes.", 300, 0)], 0, True)
def test_reading_time_is_short_only_where_no_way_of_cutting_gives_enough(
    parts: list[tuple[str, int, int]], silence_ms: int, goes_on: bool
) -> None:
    """The slow twin tries all ways to cut words of (text, ms, ms of silence before)."""
    ends = list(accumulate(duration + silence for _, duration, silence in parts))
    starts = [end - part[1] for end, part in zip(ends, parts, strict=True)]
    until = ends[-1] + silence_ms

    def width(first: int, end: int) -> int:
        return len("".join(part[0] for part in parts[first:end]).strip())

    def fits(first: int, end: int) -> bool:
        folds = [end, *range(first + 1, end)]
        after = starts[end] - 80 if end < len(parts) else until
        return (
            any(width(first, fold) <= 42 and width(fold, end) <= 42 for fold in folds)
            and (ends[end - 1] - starts[first] <= 7000 or end == first + 1)
            and after - starts[first] >= max(1000, 50 * width(first, end))
        )

    @lru_cache
    def possible(first: int) -> bool:
        cuts = range(first + 1, len(parts) + 1)
        return first == len(parts) or any(fits(first, end) and possible(end) for end in cuts)

    words = timed([(text, silence / 1000, ms / 1000, False) for text, ms, silence in parts])
    if goes_on:  # what follows is the next segment, else the end of the recording
        words[-1] = replace(words[-1], ends_segment=True)
        words.append(TimedWord(" Next.", (until + 80) / 1000, until / 1000 + 2))
    found = cues(words, end_s=until / 1000)
    assert possible(0) == all(
        cue.end_ms - cue.start_ms >= max(1000, 50 * len(" ".join(cue.lines)))
        for cue in found[: -1 if goes_on else None]
    )


# --- by hand -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "lasts_s", "lines"),
    [
        # Sentences share a cue while they are short, and have one each when they are not.
        ("Yes. No. Maybe.", 2.0, [("Yes. No. Maybe.",)]),
        (
            "The first was built in Alexandria. It stood for a thousand years.",
            6.0,
            [("The first was built in Alexandria.", "It stood for a thousand years.")],
        ),
        (
            "The first one was built in Alexandria. It stood there for a thousand years.",
            6.0,
            [
                ("The first one was built in Alexandria.",),
                ("It stood there for a thousand years.",),
            ],
        ),
        # Behind the comma; not behind `the` and not behind `Mr.`, the lower line the longer.
        (
            "Ladies and gentlemen, thank you for coming here.",
            4.0,
            [("Ladies and gentlemen,", "thank you for coming here.")],
        ),
        (
            "We have never before seen anything like the lighthouse.",
            4.0,
            [("We have never before seen", "anything like the lighthouse.")],
        ),
        (
            "Yesterday evening we met old Mr. Quilter by the sea.",
            4.0,
            [("Yesterday evening we met", "old Mr. Quilter by the sea.")],
        ),
        # Seven seconds are not enough for the whole sentence.
        ("And very slowly, he left us.", 9.0, [("And very slowly,",), ("he left us.",)]),
        (
            "Acknowledgement acknowledgement acknowledgement",
            4.0,
            [("Acknowledgement", "acknowledgement acknowledgement")],
        ),
        # A word longer than a line is broken in the middle, nothing else is.
        ("Oh, " + "ab" * 30, 4.0, [("Oh, " + "ab" * 14, "ab" * 16)]),
    ],
)
def test_where_cues_and_lines_end(text: str, lasts_s: float, lines: list[tuple[str, ...]]) -> None:
    assert [cue.lines for cue in cues(evenly(text, seconds=lasts_s))] == lines


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        # Full-width characters are two columns, so 21 are a line; inside a word last of all.
        (
            ["今日は", "天気が", "とても", "いい", "ので、", "公園へ", "散歩に", "行きました。"],
            [("今日は天気がとてもいいので、", "公園へ散歩に行きました。")],
        ),
        (["東京都" * 6, "まで", "行きます"], [("東京都" * 6, "まで行きます")]),
        # Thai vowels and marks stay with their consonants.
        (["เก่า" * 10, "ใหม่" * 13], [("เก่า" * 10, "ใหม่" * 13)]),
    ],
)
def test_scripts_without_spaces(words: list[str], lines: list[tuple[str, ...]]) -> None:
    spans = [TimedWord(word, 0.4 * at, 0.4 * (at + 1)) for at, word in enumerate(words)]
    assert [cue.lines for cue in cues(spans, end_s=9)] == lines


HI, HELLO = TimedWord("Hi.", 1.0, 1.2), TimedWord(" Hello you.", 5.0, 5.5)
BLANK = TimedWord(" ", 1.2, 1.2)


@pytest.mark.parametrize(
    ("words", "end_s", "times"),
    [
        # A second at the least, where nobody speaks; not behind the recording's end.
        ([HI, HELLO], None, [(1000, 2000), (5000, 6000)]),
        ([HI, HELLO], 5.7, [(1000, 2000), (5000, 5700)]),
        # Twenty characters take a second to read: 60 take three.
        ([TimedWord("x" * 30 + " " + "y" * 29, 1.0, 2.0)], None, [(1000, 4000)]),
        # The next cue comes first: two frames before it this one ends.
        ([HI, replace(HELLO, start_s=1.9, end_s=3.0)], None, [(1000, 1820), (1900, 3000)]),
        # A gap too short to notice but as a flicker is closed to two frames.
        (
            [replace(HI, end_s=2.2, ends_segment=True), replace(HELLO, start_s=2.6)],
            None,
            [(1000, 2520), (2600, 5500)],
        ),
        # A pause of 0.7 s parts, a shorter one does not, the end of a segment always does.
        ([HI, replace(HELLO, start_s=1.8, end_s=3.0)], None, [(1000, 3000)]),
        (
            [replace(HI, ends_segment=True), BLANK, replace(HELLO, start_s=1.8, end_s=3.0)],
            None,
            [(1000, 1720), (1800, 3000)],
        ),
        # Seven seconds at the most.
        ([TimedWord("Ooooh!", 0.0, 9.0)], None, [(0, 7000)]),
        # No time at all: a frame each, none lost; and times that go back count as the latest.
        (
            [TimedWord("A.", 2, 2, True), TimedWord("B.", 2, 2, True), replace(HI, text="C.")],
            2.0,
            [(2000, 2040), (2040, 2080), (2080, 2120)],
        ),
        ([], 9.0, []),
        ([BLANK], 9.0, []),
    ],
)
def test_times(words: list[TimedWord], end_s: float | None, times: list[tuple[int, int]]) -> None:
    assert [(cue.start_ms, cue.end_ms) for cue in cues(words, end_s=end_s)] == times


def test_fast_speech_leaves_what_it_can_to_the_silence_behind_it() -> None:
    text = (
        "It is late, and the people who came from the other side of the river want to go home "
        "before the rain begins again."
    )
    from_the = "from the other side of the river want"
    to_go = "to go home before the rain begins again."
    assert cues(evenly(text, seconds=9.1)) == [
        Cue(0, 5720, ("It is late, and the people who came", from_the)),
        Cue(5800, 9100, (to_go,)),
    ]
    # 24 of 91 letters too fast, 83 characters at 20 a second.
    assert cues(evenly(text, seconds=4.55)) == [
        Cue(0, 1120, ("It is late, and the people who",)),
        Cue(1200, 5350, (f"came {from_the}", to_go)),
    ]


def test_the_pause_can_be_chosen() -> None:
    words = [HI, replace(HELLO, start_s=1.6)]
    assert [len(cues(words, pause_s=pause_s)) for pause_s in (0.3, 0.5)] == [2, 1]
