"""One training clip before augmentation, and what can be cut from it without lying about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from training import mel

SILENCE = -10.0
"""Raw log mel of digital silence."""
PUNCTUATION_PAUSE = 20
"""Frames of audio after a word that justify its final punctuation at a cut."""
CLOSING = ".,?!"


@dataclass(frozen=True)
class Row:
    """Raw log mel [T, 128], its words with their (start, end) frames, and phones per frame [T].

    ``names`` are the indices of the words that are invented names. ``language`` is "None" when
    there is no word; ``context`` is the text of the system turn.
    """

    log_mel: np.ndarray
    words: list[str]
    spans: list[tuple[int, int]]
    phones: np.ndarray
    language: str
    names: tuple[int, ...] = ()
    context: str = ""


def silent(frames: int) -> Row:
    """A clip without speech."""
    return Row(silence(frames), [], [], np.zeros(frames, np.int64), "None")


def silence(frames: int) -> np.ndarray:
    """Raw log mel of digital silence."""
    return np.full((frames, mel.BINS), SILENCE, np.float32)


def truncate(row: Row, cut: int) -> Row:
    """Keep the first ``cut`` frames and the words that were heard to their end."""
    # Rounding leaves a word of no frames now and then; at the cut it has not begun.
    count = sum(start < cut and end <= cut for start, end in row.spans)
    words = row.words[:count]
    if words and cut - row.spans[count - 1][1] < PUNCTUATION_PAUSE:
        words[-1] = words[-1].rstrip(CLOSING)
    return replace(
        row,
        log_mel=row.log_mel[:cut],
        words=words,
        spans=row.spans[:count],
        phones=row.phones[:cut],
        language=row.language if words else "None",
        names=tuple(index for index in row.names if index < count),
    )


def drop_words(row: Row, count: int) -> Row:
    """Start at word ``count``, as when a stream begins in mid-sentence.

    What is written still begins with a capital: nobody hears from a first word whether it began
    the sentence, and a model that is to tell would leave capitals out elsewhere, too.
    """
    begin = row.spans[count][0]
    first, *others = row.words[count:]
    return replace(
        row,
        log_mel=row.log_mel[begin:],
        words=[first[:1].upper() + first[1:], *others],
        spans=[(start - begin, end - begin) for start, end in row.spans[count:]],
        phones=row.phones[begin:],
        names=tuple(index - count for index in row.names if index >= count),
    )


def stretch(row: Row, factor: float) -> Row:
    """Play ``factor`` times as long at the same pitch, by resampling the frames."""
    frames = int(len(row.log_mel) * factor)
    source = np.minimum(np.arange(frames) / factor, len(row.log_mel) - 1.001)
    low = source.astype(np.int64)
    part = (source - low).astype(np.float32)[:, None]
    return replace(
        row,
        log_mel=row.log_mel[low] * (1 - part) + row.log_mel[low + 1] * part,
        spans=[(int(start * factor), int(end * factor)) for start, end in row.spans],
        phones=row.phones[low],
    )
