"""What is cut from a training clip, and what its transcript says then."""

import random

import numpy as np
import pytest

from training import mel
from training.learning import rows, sampler
from training.learning.rows import Row
from training.utterances import Clip

WORDS = ["Hello,", "Gannis", "is", "here."]
SPANS = [(10, 40), (45, 80), (80, 95), (100, 150)]


@pytest.fixture
def row() -> Row:
    log_mel = np.arange(200 * mel.BINS, dtype=np.float32).reshape(200, mel.BINS)
    return Row(log_mel, list(WORDS), list(SPANS), np.arange(200), "English", names=(1,))


@pytest.mark.parametrize(
    ("cut", "expected"),
    [
        (200, "Hello, Gannis is here."),
        (160, "Hello, Gannis is here"),  # too little silence to know that the sentence ends
        (120, "Hello, Gannis is"),
        (80, "Hello, Gannis"),
        (79, "Hello,"),
        (45, "Hello"),
        (30, ""),
    ],
)
def test_a_cut_keeps_the_words_heard_to_their_end(row: Row, cut: int, expected: str) -> None:
    kept = rows.truncate(row, cut)
    assert " ".join(kept.words) == expected
    assert len(kept.log_mel) == len(kept.phones) == cut
    assert kept.language == ("English" if expected else "None")
    assert kept.names == ((1,) if "Gannis" in expected else ())
    assert row.words == WORDS


def test_a_start_in_mid_sentence(row: Row) -> None:
    kept = rows.drop_words(row, 1)
    assert kept.words == [WORDS[1].capitalize(), *WORDS[2:]]
    assert kept.spans == [(0, 35), (35, 50), (55, 105)]
    assert kept.names == (0,)
    assert kept.phones[0] == 45
    assert rows.drop_words(row, 2).names == ()


@pytest.mark.parametrize("factor", [0.85, 1.18])
def test_stretching_moves_words_and_phones_along(row: Row, factor: float) -> None:
    longer = rows.stretch(row, factor)
    assert len(longer.log_mel) == len(longer.phones) == int(200 * factor)
    start, end = longer.spans[3]
    assert longer.phones[start] == pytest.approx(100, abs=2)
    assert longer.phones[end - 1] == pytest.approx(150, abs=2)
    assert longer.log_mel[start, 0] == pytest.approx(100 * mel.BINS, abs=2 * mel.BINS)


def shard(rng: random.Random, clips: int) -> tuple[list[Clip], np.ndarray]:
    """Clips whose mel values are their frame's number within the clip."""
    made, frames = [], []
    for index in range(clips):
        length = rng.randint(80, 500)
        cuts = sorted(rng.sample(range(5, length - 5), 6))
        human = index % 5 == 0
        made.append(
            Clip(
                text=f"One two {index}.",
                language="English",
                group="human" if human else "x",
                voice=f"human-{'ab'[index % 2]}" if human else "espeak-en+m1",
                frames=length,
                words=list(zip(cuts[::2], cuts[1::2], strict=True)),
                phones=[("_", cuts[0]), ("a", length - 3)],
                names=[2],
            )
        )
        frames.append(np.repeat(np.arange(length)[:, None], mel.BINS, 1))
    return made, np.concatenate(frames).astype(np.float16)


def test_rows_fit_their_batch_and_their_words() -> None:
    rng = random.Random(3)
    source = sampler.Sampler()
    source.add(*shard(rng, 60))
    for longest in (200, 600, 3000):
        for _ in range(60):
            row = source.row(rng, longest - 90, longest)
            assert 0 < len(row.log_mel) <= longest
            assert len(row.phones) == len(row.log_mel)
            assert len(row.words) == len(row.spans)
            assert all(0 <= a <= b and a < len(row.log_mel) for a, b in row.spans)
            assert all(row.words[index].rstrip(".").isdigit() for index in row.names)
            assert (row.language == "None") == (not row.words)


def test_some_rows_hold_a_long_silence_that_nothing_is_written_for() -> None:
    rng = random.Random(5)
    source = sampler.Sampler()
    source.add(*shard(rng, 60))
    drawn = [source.row(rng, 1100, 1200) for _ in range(400)]
    spoken = [row for row in drawn if row.words]
    quiet = [row for row in spoken if _longest_silence(row) > 2 * sampler.LONGEST_PAUSE]
    assert 0.02 < len(quiet) / len(spoken) < 2 * sampler.LONG_SILENCE_SHARE
    behind = [row for row in quiet if _longest_silence(row, row.spans[-1][1]) > 240]
    assert 0 < len(behind) < len(quiet)


def _longest_silence(row: Row, begin: int = 0) -> int:
    """Frames of the longest stretch of digital silence from a frame on."""
    longest = run = 0
    for is_silent in (row.log_mel[begin:, 0] == rows.SILENCE).tolist():
        run = run + 1 if is_silent else 0
        longest = max(longest, run)
    return longest


def test_human_digits_are_heard_only_when_wanted() -> None:
    clips, features = shard(random.Random(4), 60)
    hours = {}
    for speakers in ((), ("a",), ("a", "b"), None):
        source = sampler.Sampler(speakers)
        source.add(clips, features)
        hours[speakers] = source.hours
    assert hours[()] < hours["a",] < hours["a", "b"] == hours[None]
