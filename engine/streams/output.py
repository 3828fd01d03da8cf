"""What the model wrote → language and text; knows the output format, not how it was decoded.

The model writes `language X<asr_text>TEXT`, `language None<asr_text>` where it hears no speech,
and TEXT alone when the prompt already names the language.
"""

import math
from collections.abc import Sequence

from ..model.tokenizer import Tokenizer

TEXT_TAG = "<asr_text>"
_LANGUAGE_PREFIX = "language "
_MIN_REPEATS = 20
_MAX_UNIT_CHARS = 20


def parse_output(text: str, forced_language: str | None = None) -> tuple[str, str]:
    """The language ("" if none was named) and the text of one whole output string.

    Follows the published package, repetition fix included.
    """
    text = fix_repetitions(text.strip())
    if not text:
        return "", ""
    if forced_language is not None:
        return forced_language, text
    head, tag, body = text.partition(TEXT_TAG)
    if not tag:
        return "", text
    return _head_language(head) or "", body.strip()


def spoken_text(text: str, forced_language: str | None = None) -> tuple[str, str]:
    """`parse_output`, without further tags: a model that is lost may begin its output anew."""
    language, said = parse_output(text, forced_language)
    return language, said.replace(TEXT_TAG, "").strip()


def split_hypothesis(
    ids: Sequence[int], tokenizer: Tokenizer, forced_language: str | None = None
) -> tuple[str | None, str]:
    """The language and the text so far of a hypothesis that may still be growing.

    Works on token ids, so a half-written tag is never shown as text: before the first
    `<asr_text>` the text is empty. The language is None while it is unknown and when the model
    hears no speech. A character whose bytes are not all there yet is left out.
    """
    if forced_language is not None:
        return forced_language, _said(ids, tokenizer)
    if tokenizer.asr_text_id not in ids:
        return None, ""
    at = list(ids).index(tokenizer.asr_text_id)
    return _head_language(tokenizer.decode(ids[:at])), _said(ids[at + 1 :], tokenizer)


def _said(ids: Sequence[int], tokenizer: Tokenizer) -> str:
    return tokenizer.decode([each for each in ids if each != tokenizer.asr_text_id])


def tag_length(ids: Sequence[int], tokenizer: Tokenizer, forced_language: str | None) -> int:
    """How many tokens the language tag takes, `<asr_text>` included; all while it is not whole."""
    if forced_language is not None:
        return 0
    end = tokenizer.asr_text_id
    return list(ids).index(end) + 1 if end in ids else len(ids)


def confidence(logprobs: Sequence[float], num_tag_tokens: int) -> float:
    """Mean probability of the text's tokens, 0 to 1; of the tag where there is no text."""
    text = logprobs[num_tag_tokens:] or logprobs
    return sum(map(math.exp, text)) / len(text) if text else 0.0


def _head_language(head: str) -> str | None:
    if "language none" in head.lower():
        return None
    for line in head.splitlines():
        line = line.strip()
        if line.lower().startswith(_LANGUAGE_PREFIX):
            name = line[len(_LANGUAGE_PREFIX) :].strip()
            return name.capitalize() or None
    return None


def fix_repetitions(text: str) -> str:
    """Text with its loops cut to one copy.

    First every run of one character longer than 20; then, from left to right, every unit of 1 to
    20 characters that stands at least 20 times in a row, the shortest unit first. The last 39
    characters start no unit, as in the published package.
    """
    return _cut_unit_loops(_cut_character_runs(text))


def _cut_character_runs(text: str) -> str:
    kept: list[str] = []
    start = 0
    while start < len(text):
        end = start + 1
        while end < len(text) and text[end] == text[start]:
            end += 1
        kept.append(text[start] if end - start > _MIN_REPEATS else text[start:end])
        start = end
    return "".join(kept)


def _cut_unit_loops(text: str) -> str:
    kept: list[str] = []
    at = 0
    while at <= len(text) - 2 * _MIN_REPEATS:
        unit_chars = _looping_unit_chars(text, at)
        if unit_chars is None:
            kept.append(text[at])
            at += 1
            continue
        unit = text[at : at + unit_chars]
        kept.append(unit)
        while text.startswith(unit, at):
            at += unit_chars
    return "".join(kept) + text[at:]


def _looping_unit_chars(text: str, at: int) -> int | None:
    """The length of the shortest unit that starts at `at` and loops there."""
    for unit_chars in range(1, _MAX_UNIT_CHARS + 1):
        if text.startswith(text[at : at + unit_chars] * _MIN_REPEATS, at):
            return unit_chars
    return None
