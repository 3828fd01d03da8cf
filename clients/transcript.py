"""A recording's finals as text, JSON, SRT or WebVTT; pure, knows no engine and no server."""

import html
import json
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Literal

from hark.engine.streams.hypothesis import split_units
from hark.streaming.events import Final

from .subtitles import Cue, TimedWord, cues

Format = Literal["text", "json", "srt", "vtt"]


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said in a file. `tokens` are the ids of a one-segment decode, else None."""

    file: str
    duration_s: float
    segments: tuple[Final, ...]
    tokens: tuple[int, ...] | None = None

    @property
    def spoken(self) -> list[Final]:
        return [segment for segment in self.segments if segment.text.strip()]

    @property
    def text(self) -> str:
        return " ".join(segment.text.strip() for segment in self.spoken)

    @property
    def language(self) -> str | None:
        """The language most segments are in."""
        named = Counter(segment.language for segment in self.spoken if segment.language)
        return named.most_common(1)[0][0] if named else None


def render(transcript: Transcript, form: Format) -> str:
    """The transcript in a format, ending in a newline unless it is empty.

    Lines end in LF in all of them. SubRip itself wrote CRLF, but SRT has no standard, its readers
    take both, and on Windows a text file gets CRLF when it is written.
    """
    match form:
        case "text":
            return "".join(f"{segment.text.strip()}\n" for segment in transcript.spoken)
        case "json":
            return json.dumps(_as_map(transcript), ensure_ascii=False) + "\n"
        case "srt":
            numbered = enumerate(_cues(transcript), start=1)
            return "".join(
                f"{number}\n{_times(cue, ',')}\n{_text(cue)}\n\n" for number, cue in numbered
            )
        case "vtt":
            blocks = (f"{_times(cue, '.')}\n{_escape(_text(cue))}\n\n" for cue in _cues(transcript))
            return "WEBVTT\n\n" + "".join(blocks)


def _as_map(transcript: Transcript) -> dict[str, object]:
    whole: dict[str, object] = {
        "file": transcript.file,
        "duration_s": round(transcript.duration_s, 3),
        "language": transcript.language,
        "text": transcript.text,
    }
    if transcript.tokens is not None:
        return {**whole, "tokens": list(transcript.tokens)}
    return {**whole, "segments": [_segment(final) for final in transcript.spoken]}


def _segment(final: Final) -> dict[str, object]:
    return {
        "start_ms": final.start_ms,
        "end_ms": final.end_ms,
        "text": final.text.strip(),
        "language": final.language,
        "confidence": round(final.confidence, 4),
        "times": final.times,
        "words": final.words,
    }


def _cues(transcript: Transcript) -> list[Cue]:
    words = (word for segment in transcript.spoken for word in timed_words(segment))
    return cues(words, end_s=transcript.duration_s)


def timed_words(final: Final) -> list[TimedWord]:
    """The words of a segment, each with the space before it."""
    if not final.words:
        return _evenly(final)
    words, end = [], 0
    for number, word in enumerate(final.words, start=1):
        begin, end = end, final.text.index(word["text"], end) + len(word["text"])
        start_s, end_s = word["start_ms"] / 1000, word["end_ms"] / 1000
        is_last = number == len(final.words)
        words.append(TimedWord(final.text[begin:end], start_s, end_s, ends_segment=is_last))
    return words


def _evenly(final: Final) -> list[TimedWord]:
    """Where a server gives no words: the segment's time, shared out by characters."""
    units = split_units(final.text.strip())
    lengths = [len(unit.strip()) for unit in units]
    until = list(accumulate(lengths, initial=0))
    start_s, end_s = final.start_ms / 1000, final.end_ms / 1000
    times = [start_s + (end_s - start_s) * past / max(1, until[-1]) for past in until]
    return [
        TimedWord(unit, *span, ends_segment=number == len(units))
        for number, (unit, span) in enumerate(zip(units, pairwise(times), strict=True), start=1)
    ]


def _times(cue: Cue, decimal_mark: str) -> str:
    start, end = (_timestamp(ms, decimal_mark) for ms in (cue.start_ms, cue.end_ms))
    return f"{start} --> {end}"


def _text(cue: Cue) -> str:
    return "\n".join(cue.lines)


def _escape(text: str) -> str:
    """Without what WebVTT takes for markup: & and <, and the > of an arrow before times."""
    return html.escape(text, quote=False)


def _timestamp(time_ms: int, decimal_mark: str) -> str:
    seconds, ms = divmod(time_ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{decimal_mark}{ms:03}"
