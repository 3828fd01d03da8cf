"""A recording's finals as text, JSON, SRT or WebVTT; pure, knows no engine and no server."""

import html
import json
import textwrap
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from hark.streaming.events import Final

Format = Literal["text", "json", "srt", "vtt"]
SUBTITLE_COLUMNS = 42


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
            cues = enumerate(transcript.spoken, start=1)
            return "".join(f"{number}\n{_cue(cue, cue.text, ',')}\n" for number, cue in cues)
        case "vtt":
            escaped = [(cue, html.escape(cue.text, quote=False)) for cue in transcript.spoken]
            return "WEBVTT\n\n" + "".join(f"{_cue(cue, text, '.')}\n" for cue, text in escaped)


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


def _cue(final: Final, text: str, decimal_mark: str) -> str:
    start, end = (_timestamp(time, decimal_mark) for time in (final.start_ms, final.end_ms))
    lines = "\n".join(textwrap.wrap(text.strip(), SUBTITLE_COLUMNS))
    return f"{start} --> {end}\n{lines}\n"


def _timestamp(time_ms: int, decimal_mark: str) -> str:
    seconds, ms = divmod(time_ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{decimal_mark}{ms:03}"
