"""What the query of a Deepgram request asks for, live or of a file; knows no messages.

Parameters that mean nothing here are named to the client and otherwise ignored, as its clients
send a dozen of them whatever they need.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hark.engine.types import Endpointing, OptionError, StreamOptions

from ...errors import BadOptionError
from ..base import Handshake, truth
from ..wire import language_of

DEFAULT_ENDPOINTING_MS = 10  # Deepgram's own
PAUSE_MS = (200, 5_000)  # what the engine can do
MAX_UTTERANCE_END_MS = 60_000

READ = {
    *("encoding", "sample_rate", "channels", "multichannel", "language", "detect_language"),
    *("interim_results", "endpointing", "utterance_end_ms", "vad_events", "punctuate"),
    *("smart_format", "keyterm", "keywords"),
}
# Nothing would be different here: any model name is an alias, nothing is kept, all is sent at once.
WITHOUT_EFFECT = {"model", "version", "tag", "extra", "mip_opt_out", "no_delay"}
_CREDENTIALS = {"token", "auth_token", "api_key", "key"}
_MAX_NAMED = 20
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2}(-[A-Za-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked for. Times in milliseconds; None for what is switched off.

    `language` is the model's name for it, None lets the model decide. `ignored` are the parameters
    that have no effect here though they were meant to have one.
    """

    language: str | None = None
    terms: tuple[str, ...] = ()
    interim_results: bool = False
    endpointing_ms: int | None = DEFAULT_ENDPOINTING_MS
    utterance_end_ms: int | None = None
    vad_events: bool = False
    punctuate: bool = False
    smart_format: bool = False
    ignored: tuple[str, ...] = ()

    def options(self) -> StreamOptions:
        """The stream's options. A pause is brought into the engine's range, or is its default.

        Raises:
            BadOptionError: there are too many terms.
        """
        endpointing = Endpointing()
        if self.endpointing_ms is not None:
            pause_ms = min(max(self.endpointing_ms, PAUSE_MS[0]), PAUSE_MS[1])
            endpointing = Endpointing(pause_ms=pause_ms)
        try:
            return StreamOptions(
                language=self.language,
                context=context_of(self.terms),
                endpointing=endpointing,
                partials=self.interim_results,
            )
        except OptionError as error:
            raise BadOptionError(f"keyterm and keywords: {error}") from None


def read_wishes(handshake: Handshake, languages: Sequence[str]) -> Wishes:
    """The query of a request to a server whose model speaks `languages`.

    Raises:
        BadOptionError: a value is not one of its parameter, or a language is not spoken.
    """
    return Wishes(
        language=_language(handshake, languages),
        terms=tuple(_terms(handshake)),
        interim_results=flag(handshake, "interim_results"),
        endpointing_ms=_endpointing(handshake.first("endpointing", "true")),
        utterance_end_ms=whole_number(handshake, "utterance_end_ms", 1, MAX_UTTERANCE_END_MS),
        vad_events=flag(handshake, "vad_events"),
        punctuate=flag(handshake, "punctuate"),
        smart_format=flag(handshake, "smart_format"),
        ignored=tuple(_ignored(handshake.query)),
    )


def context_of(terms: Iterable[str]) -> str:
    """Terms as the model is given them."""
    return ", ".join(terms)


def whole_number(handshake: Handshake, name: str, low: int, high: int) -> int | None:
    """A number within bounds, or None where there is none.

    Raises:
        BadOptionError: it is something else.
    """
    text = handshake.first(name)
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) < 20 and low <= int(text) <= high:
        return int(text)
    raise BadOptionError(f"{name} is {text[:40]!a}, allowed are {low} to {high}")


def flag(handshake: Handshake, name: str) -> bool:
    """A parameter that is true or false, and false where it is missing.

    Raises:
        BadOptionError: it is neither.
    """
    return truth(name, handshake.first(name, "false") or "")


def detects_language(handshake: Handshake) -> bool:
    """`detect_language` may also name the languages it may be, which is a wish like `true`.

    Raises:
        BadOptionError: it is neither true nor false, nor languages.
    """
    tags = [t for t in handshake.query.get("detect_language", ()) if not _is_language(t)]
    if not tags:
        return "detect_language" in handshake.query
    try:
        return truth("detect_language", tags[0])
    except BadOptionError as error:
        raise BadOptionError(f"{error.message}, and codes such as en and pt-BR") from None


def _is_language(tag: str) -> bool:
    return _LANGUAGE_TAG.fullmatch(tag) is not None


def _language(handshake: Handshake, languages: Sequence[str]) -> str | None:
    if detects_language(handshake) or not languages:
        return None
    return language_of(handshake.first("language") or "", languages)


def _endpointing(text: str | None) -> int | None:
    if text is None or text.lower() == "false":
        return None
    if text.lower() == "true":
        return DEFAULT_ENDPOINTING_MS
    if text.isascii() and text.isdigit():
        return int(text[:9])
    raise BadOptionError(f"endpointing is {text[:40]!a}, allowed are milliseconds and false")


def _terms(handshake: Handshake) -> Iterable[str]:
    """Each term once. Of the boosts of `keywords` only the sign counts: below 0 none is wanted."""
    terms = [term.strip() for term in handshake.query.get("keyterm", ())]
    for keyword in handshake.query.get("keywords", ()):
        term, boost = _boosted(keyword)
        if boost >= 0:
            terms.append(term.strip())
    return dict.fromkeys(term for term in terms if term)


def _boosted(keyword: str) -> tuple[str, float]:
    """`word:boost`; a word may hold colons, and need not have a boost."""
    term, _, boost = keyword.rpartition(":")
    try:
        return (term, float(boost)) if term else (keyword, 1.0)
    except ValueError:
        return keyword, 1.0


def _ignored(query: Mapping[str, Sequence[str]]) -> Iterable[str]:
    known = READ | WITHOUT_EFFECT | _CREDENTIALS
    meant = (
        name
        for name, values in query.items()
        if name not in known and any(value.lower() != "false" for value in values)
    )
    return sorted(meant)[:_MAX_NAMED]
