"""The token sequence of one row: prompt and answer, and where each answer token comes from."""

from __future__ import annotations

import random
from dataclasses import dataclass

from training import mel
from training.language.text import LANGUAGES
from training.language.tokenizer import Prompt
from training.learning.context import bare
from training.learning.rows import Row

FORCED_SHARE = 0.10
"""Share of the spoken rows in which the language is given and only the text is to be written."""
WRONG_SHARE = 0.025
"""The same with another language than the spoken one: the text stays as it is."""
FORCED_SILENT_SHARE = 0.15
"""Share of the rows without speech in which a language is given."""
_LEAST_COPIED = 4
"""Letters of the shortest word whose place in a context counts as its source."""


@dataclass(frozen=True)
class Sequence:
    """Prompt and answer; each answer token has the audio ``span`` of its word and its ``copy``.

    A span is (start, end), both 0 where there is none; a copy is the position of the same token
    in the context, or -1. The first ``skipped`` answer tokens are given, not predicted.
    """

    head: list[int]
    answer: list[int]
    spans: list[tuple[int, int]]
    copies: list[int]
    skipped: int
    text_ids: list[int]


def build(prompt: Prompt, row: Row, rng: random.Random) -> Sequence:
    """The sequence of ``row``."""
    head = prompt.build(mel.token_count(len(row.log_mel)), row.context)
    audio_start = head.index(prompt.audio_id)
    context = head[: audio_start - len(prompt.middle)] if row.context else []
    language, is_given = _written_language(row.language, rng)
    tag = prompt.language[language]
    answer, spans, copies = list(tag), [(0, 0)] * len(tag), [-1] * len(tag)
    for index, (word, (start, end)) in enumerate(zip(row.words, row.spans, strict=True)):
        ids = prompt.word(word, first=index == 0).ids
        span = (
            audio_start + max(0, mel.frame_to_token(start) - 1),
            audio_start + mel.frame_to_token(end) + 2,
        )
        answer += ids
        spans += [span] * len(ids)
        copies += _copies(prompt, word, ids, context)
    text_ids = answer[len(tag) :]
    answer.append(prompt.end_id)
    spans.append((0, 0))
    copies.append(-1)
    return Sequence(head, answer, spans, copies, len(tag) if is_given else 0, text_ids)


def _copies(prompt: Prompt, word: str, ids: tuple[int, ...], context: list[int]) -> list[int]:
    """For each token of a written word its position in the context, -1 where it isn't there.

    The context may hold the word in its form after a space or in its form at a line's start;
    the first token counts as the same one in both.
    """
    nowhere = [-1] * len(ids)
    name = bare(word)
    if not context or len(name) < _LEAST_COPIED:
        return nowhere
    for first in (False, True):
        listed = prompt.word(name, first=first).ids
        place = _find(context, listed)
        if place >= 0:
            same = [i == 0 or token == ids[i] for i, token in enumerate(listed[: len(ids)])]
            found = [place + i if is_same else -1 for i, is_same in enumerate(same)]
            return found + nowhere[len(found) :]
    return nowhere


def _find(ids: list[int], wanted: tuple[int, ...]) -> int:
    """Where ``wanted`` begins in ``ids``, or -1."""
    places = (i for i, token in enumerate(ids) if token == wanted[0])
    return next((i for i in places if tuple(ids[i : i + len(wanted)]) == wanted), -1)


def _written_language(spoken: str, rng: random.Random) -> tuple[str, bool]:
    """(language in the tag, whether it is given instead of predicted)."""
    place = rng.random()
    if spoken == "None":
        given = place < FORCED_SILENT_SHARE
        return (rng.choice(LANGUAGES), True) if given else (spoken, False)
    if place < WRONG_SHARE:
        return rng.choice([name for name in LANGUAGES if name != spoken]), True
    return spoken, place < WRONG_SHARE + FORCED_SHARE
