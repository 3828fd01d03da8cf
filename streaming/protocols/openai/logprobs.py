"""The words of finals as OpenAI's tokens: each with the logarithm of its confidence."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from ...events import Final

_LEAST_CONFIDENCE = 1e-4  # its logarithm is finite


def log_of(confidence: float) -> float:
    """The logarithm of a confidence, 0 to 1, bounded below."""
    return round(math.log(max(confidence, _LEAST_CONFIDENCE)), 4)


def logprobs_of(finals: Sequence[Final], pieces: Sequence[str]) -> list[dict[str, Any]]:
    """The log probability of each word. Joined, the tokens are the joined `pieces`."""
    return [
        {"token": token, "bytes": list(token.encode()), "logprob": log_of(confidence)}
        for final, piece in zip(finals, pieces, strict=True)
        for token, confidence in _tokens(final, piece)
    ]


def _tokens(final: Final, piece: str) -> Iterator[tuple[str, float]]:
    """The piece cut before the blanks of its words, each with its confidence."""
    ends = [0]
    for word in final.words:
        found = piece.find(word["text"], ends[-1])
        ends.append(ends[-1] if found < 0 else found + len(word["text"]))
    if len(ends) == 1:
        yield piece, final.confidence
        return
    ends[-1] = len(piece)
    for word, begin, end in zip(final.words, ends[:-1], ends[1:], strict=True):
        if end > begin:
            yield piece[begin:end], word["confidence"]
