"""A recording's finals as text, JSON, SRT or WebVTT; pure, knows no engine and no server."""

import html
import json
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from hark.streaming.events import Final

Format = Literal["text", "json", "srt", "vtt"]
CUE_COLUMNS = 42
CUE_LINES = 2


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
    """The transcript in a format, ending in a newline unless it is empty."""
    match form:
        case "text":
            return "".join(f"{segment.text.strip()}\n" for segment in transcript.spoken)
        case "json":
            return json.dumps(_as_map(transcript), ensure_ascii=False) + "\n"
        case "srt":
            cues = enumerate(_cues(transcript), start=1)
            return "".join(f"{number}\n{cue.times(',')}\n{cue.text}\n\n" for number, cue in cues)
        case "vtt":
            cues = [f"{cue.times('.')}\n{_escape(cue.text)}\n\n" for cue in _cues(transcript)]
            return "WEBVTT\n\n" + "".join(cues)


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
    }


@dataclass(frozen=True, slots=True)
class _Cue:
    """What stands on the screen at a time: at most two lines."""

    start_ms: int
    end_ms: int
    text: str

    def times(self, decimal_mark: str) -> str:
        start, end = (_timestamp(ms, decimal_mark) for ms in (self.start_ms, self.end_ms))
        return f"{start} --> {end}"


def _cues(transcript: Transcript) -> Iterator[_Cue]:
    """The segments in readable pieces.

    Only segments have known times: a long one's is shared out by the length of its pieces.
    """
    for segment in transcript.spoken:
        lines = textwrap.wrap(segment.text.strip(), CUE_COLUMNS)
        pieces = ["\n".join(lines[i : i + CUE_LINES]) for i in range(0, len(lines), CUE_LINES)]
        num_chars = sum(map(len, pieces))
        duration_ms = segment.end_ms - segment.start_ms
        start_ms, num_shown = segment.start_ms, 0
        for piece in pieces:
            num_shown += len(piece)
            end_ms = segment.start_ms + duration_ms * num_shown // num_chars
            yield _Cue(start_ms, end_ms, piece)
            start_ms = end_ms


def _escape(text: str) -> str:
    return html.escape(text, quote=False)


def _timestamp(time_ms: int, decimal_mark: str) -> str:
    seconds, ms = divmod(time_ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{decimal_mark}{ms:03}"
