"""Which word of one text is which word of another: minimal edits, nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alignment:
    """`matches` holds (reference index, hypothesis index) of equal words, both rising.

    `errors` are the words substituted, left out or put in.
    """

    matches: tuple[tuple[int, int], ...]
    errors: int


def align(
    reference: Sequence[str], hypothesis: Sequence[str], *, to_prefix: bool = False
) -> Alignment:
    """Align with the fewest edits. `to_prefix`: the hypothesis need not reach the reference's end.

    What both begin with is matched first, so of equal words the earlier one is taken.
    """
    same = _common_prefix(reference, hypothesis)
    head = tuple((index, index) for index in range(same))
    if same == len(hypothesis):
        return Alignment(head, 0 if to_prefix else len(reference) - same)
    rest = _align(reference[same:], hypothesis[same:], to_prefix)
    moved = tuple((i + same, j + same) for i, j in rest.matches)
    return Alignment(head + moved, rest.errors)


def _common_prefix(one: Sequence[str], other: Sequence[str]) -> int:
    for index, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return index
    return min(len(one), len(other))


def _align(reference: Sequence[str], hypothesis: Sequence[str], to_prefix: bool) -> Alignment:
    rows = _costs(reference, hypothesis)
    columns = [row[-1] for row in rows]  # of the whole hypothesis and each prefix of the reference
    i = columns.index(min(columns)) if to_prefix else len(reference)
    j, errors = len(hypothesis), columns[i]
    matches: list[tuple[int, int]] = []
    while i and j:
        cost = rows[i][j]
        if cost == rows[i - 1][j - 1] + (reference[i - 1] != hypothesis[j - 1]):
            i, j = i - 1, j - 1
            if reference[i] == hypothesis[j]:
                matches.append((i, j))
        elif cost == rows[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return Alignment(tuple(reversed(matches)), errors)


def _costs(reference: Sequence[str], hypothesis: Sequence[str]) -> list[list[int]]:
    """Entry [i][j]: edits between the first i words of the reference and j of the hypothesis."""
    rows = [list(range(len(hypothesis) + 1))]
    for i, wanted in enumerate(reference, 1):
        above, row = rows[-1], [i]
        for j, heard in enumerate(hypothesis, 1):
            row.append(min(above[j - 1] + (wanted != heard), above[j] + 1, row[j - 1] + 1))
        rows.append(row)
    return rows
