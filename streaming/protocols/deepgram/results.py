"""Deepgram's words, alternatives and results as maps, from what streams say; pure functions.

Live streams and answers to uploads are made of the same alternatives.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any
from unicodedata import category, east_asian_width
from uuid import NAMESPACE_URL, uuid5

from hark.engine.languages import LANGUAGES

from ...events import Final, Partial

Map = dict[str, Any]

# A word between blanks, or a character of a script that has none.
_WIDE = r"\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORDS = re.compile(rf"[{_WIDE}][^\w\s]*|[^\s{_WIDE}]+")


@dataclass(frozen=True, slots=True)
class Style:
    """How a client wants its text: `is_formatted` with capitals and marks, else plain.

    `tells_language`: which language was spoken, which a client that has chosen one knows.
    """

    is_formatted: bool
    tells_language: bool


def alternative_of(event: Final | Partial, style: Style) -> Map:
    """The one alternative of a segment: its transcript, confidence (0 to 1) and words.

    Times are seconds of the stream's clock. Those of a partial are a guess: its words share its
    time by their length. Without a known language there is no `languages` either, as clients take
    the first of them unasked.
    """
    is_final = isinstance(event, Final)
    text = event.text if is_final else (event.stable + event.unstable).strip()
    words = event.words if is_final else _spread(text, event)
    code = LANGUAGES.get(event.language or "") if style.tells_language else None
    alternative: Map = {
        "transcript": text if style.is_formatted else plain(text),
        "confidence": event.confidence if text else 0.0,
        "words": [shown for word in words if (shown := _word(word, code, style))],
    }
    if code is not None and text:
        alternative["languages"] = [code]
    return alternative


def silence() -> Map:
    """The alternative of a range in which nothing was said."""
    return {"transcript": "", "confidence": 0.0, "words": []}


def plain(text: str) -> str:
    """A text in lower case, without the marks around its words and those of East Asian scripts."""
    return " ".join(bare for word in text.lower().split() if (bare := _without_marks(word)))


def _without_marks(word: str) -> str:
    marks = "".join(filter(_is_mark, word))
    wide = "".join(mark for mark in marks if east_asian_width(mark) in ("W", "F"))
    return word.translate(str.maketrans("", "", wide)).strip(marks or None)


def _is_mark(letter: str) -> bool:
    """Whether it is punctuation, and not said as a word."""
    return category(letter).startswith("P") and letter not in "%&@#"


def _word(word: Map, code: str | None, style: Style) -> Map | None:
    """A word of an event as Deepgram shows it; None for a mark alone where text is plain."""
    bare = plain(word["text"])
    if not bare and not style.is_formatted:
        return None
    shown: Map = {
        "word": bare or word["text"],
        "start": word["start_ms"] / 1000,
        "end": word["end_ms"] / 1000,
        "confidence": word["confidence"],
    }
    if code is not None:
        shown["language"] = code
    if style.is_formatted:
        shown["punctuated_word"] = word["text"]
    return shown


def _spread(text: str, partial: Partial) -> list[Map]:
    """The words of a partial, each with a share of its time."""
    words = _WORDS.findall(text)
    places = [0, *accumulate(len(word) + 1 for word in words)]
    length_ms = partial.end_ms - partial.start_ms
    times = [partial.start_ms + length_ms * place // (places[-1] or 1) for place in places]
    return [
        {"text": word, "start_ms": start, "end_ms": end, "confidence": partial.confidence}
        for word, (start, end) in zip(words, pairwise(times), strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Range:
    """A piece of a channel, in milliseconds, as far as it is told at once.

    `is_final`: nothing of it changes any more. `speech_final`: an utterance ends with it.
    """

    channel: Sequence[int]
    start_ms: int
    end_ms: int
    is_final: bool
    speech_final: bool = False
    from_finalize: bool = False


def results(range_: Range, alternative: Map, metadata: Map) -> Map:
    """A `Results` message."""
    return {
        "type": "Results",
        "channel_index": list(range_.channel),
        "duration": (range_.end_ms - range_.start_ms) / 1000,
        "start": range_.start_ms / 1000,
        "is_final": range_.is_final,
        "speech_final": range_.speech_final,
        "channel": {"alternatives": [alternative]},
        "metadata": metadata,
        "from_finalize": range_.from_finalize,
    }


def results_metadata(request_id: str, model: str) -> Map:
    """The `metadata` of every `Results`: the request, and the model by its name."""
    return {
        "request_id": request_id,
        "model_info": {"name": model, "version": "", "arch": "qwen3-asr"},
        "model_uuid": str(uuid5(NAMESPACE_URL, model)),
    }
