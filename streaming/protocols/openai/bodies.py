"""What OpenAI's `response_format` makes of a file that was heard; pure.

A segment of the stream is a `segment` and a cue, as with OpenAI, whose cues are not made for the
screen either. Subtitles that are come from `hark file`.
"""

import html
import math
import zlib
from collections.abc import Collection
from typing import Any

from ...events import Final
from ..files import Transcript
from ..wire import language_code, to_json
from .logprobs import log_of, logprobs_of

FORMATS = ("json", "text", "srt", "verbose_json", "vtt")

_SEEKS_PER_S = 100  # `seek` counts mel frames


def render(
    heard: Transcript, form: str, *, granularities: Collection[str], with_logprobs: bool
) -> tuple[str, str]:
    """The body in one of `FORMATS`, and its media type.

    Of the `granularities` `word` and `segment`, verbose_json has those that are given.
    """
    match form:
        case "text":
            return heard.text + "\n", "text/plain"
        case "srt":
            return _srt(heard), "text/plain"
        case "vtt":
            return _vtt(heard), "text/vtt"
        case "verbose_json":
            return to_json(_verbose(heard, granularities)), "application/json"
        case _:
            return to_json(plain(heard, with_logprobs=with_logprobs)), "application/json"


def plain(heard: Transcript, *, with_logprobs: bool) -> dict[str, Any]:
    """The fields of `json`, which the last event of a stream has, too."""
    languages = [{"code": language_code(name)} for name in heard.languages]
    body: dict[str, Any] = {"text": heard.text, "languages": languages}
    if with_logprobs:
        body["logprobs"] = logprobs_of(heard.finals, heard.pieces)
    return {**body, "usage": usage_of(heard)}


def usage_of(heard: Transcript) -> dict[str, Any]:
    """What was used: seconds begun. Tokens are not counted."""
    return {"type": "duration", "seconds": math.ceil(heard.duration_s)}


def _verbose(heard: Transcript, granularities: Collection[str]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "task": "transcribe",
        "language": (heard.language or "unknown").lower(),
        "duration": round(heard.duration_s, 3),
        "text": heard.text,
    }
    if "word" in granularities:
        body["words"] = [
            {"word": word["text"], "start": word["start_ms"] / 1000, "end": word["end_ms"] / 1000}
            for word in heard.words()
        ]
    if "segment" in granularities:
        body["segments"] = [
            _segment(number, final, piece)
            for number, (final, piece) in enumerate(zip(heard.finals, heard.pieces, strict=True))
        ]
    return {**body, "usage": usage_of(heard)}


def _segment(number: int, final: Final, piece: str) -> dict[str, Any]:
    """A segment as Whisper has it. What speaks against it is low `avg_logprob` alone.

    There is no `no_speech_prob`: segments in which the model heard no speech are not here.
    `compression_ratio` is Whisper's: bytes of the text over bytes of it compressed by zlib.
    """
    text = piece.encode()
    return {
        "id": number,
        "seek": final.start_ms * _SEEKS_PER_S // 1000,
        "start": final.start_ms / 1000,
        "end": final.end_ms / 1000,
        "text": piece,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": log_of(final.confidence),
        "compression_ratio": round(len(text) / len(zlib.compress(text)), 4),
        "no_speech_prob": 0.0,
    }


# --- subtitles -----------------------------------------------------------------------------------


def _srt(heard: Transcript) -> str:
    return "".join(
        f"{number}\n{_times(final, ',')}\n{_line(final)}\n\n"
        for number, final in enumerate(heard.finals, start=1)
    )


def _vtt(heard: Transcript) -> str:
    cues = (
        f"{_times(final, '.')}\n{html.escape(_line(final), quote=False)}\n\n"
        for final in heard.finals
    )
    return "WEBVTT\n\n" + "".join(cues)


def _line(final: Final) -> str:
    """The text on one line: an empty line would end the cue."""
    return " ".join(final.text.split())


def _times(final: Final, decimal_mark: str) -> str:
    """When a cue stands; a cue of no length would not be valid."""
    end_ms = max(final.end_ms, final.start_ms + 1)
    start, end = (_timestamp(ms, decimal_mark) for ms in (final.start_ms, end_ms))
    return f"{start} --> {end}"


def _timestamp(time_ms: int, decimal_mark: str) -> str:
    seconds, ms = divmod(time_ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{decimal_mark}{ms:03}"
