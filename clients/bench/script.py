"""What one stream says and when: clips joined into utterances; knows samples, no time, no sockets.

An utterance is a stretch of speech that the client ends with `finalize`. A script is a function of
(clips, profile, seed, stream) and grows with the seconds asked for without changing its beginning.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from hark.engine.types import SAMPLE_RATE

from .clips import Clip, SpokenWord

ProfileName = Literal["lecture", "conversation", "silence"]


@dataclass(frozen=True, slots=True)
class Profile:
    """How a speaker talks; times in seconds, as (shortest, longest).

    `pause_s` lies between utterances. With `voiced_share` the pause is instead as long as it takes
    to make that share of the stream speech. Gaps between the clips of an utterance are too short
    to end it. `utterance_s` None is a stream in which nobody speaks.
    """

    utterance_s: tuple[float, float] | None
    gap_s: tuple[float, float] = (0.10, 0.20)
    pause_s: tuple[float, float] = (0.4, 0.8)
    voiced_share: float | None = None


PROFILES: dict[ProfileName, Profile] = {
    "lecture": Profile(utterance_s=(10.0, 28.0)),
    "conversation": Profile(utterance_s=(2.2, 9.0), voiced_share=0.4),
    "silence": Profile(utterance_s=None),
}
_LEAD_S = (0.3, 1.3)  # before anybody speaks


@dataclass(frozen=True, slots=True)
class Placed:
    """A clip of the list, by its index, and the sample of the stream it begins at."""

    clip: int
    start: int


@dataclass(frozen=True, slots=True)
class Utterance:
    """From its first clip's first sample to its last one's last; words on the stream's clock."""

    placed: tuple[Placed, ...]
    end: int
    words: tuple[SpokenWord, ...]

    @property
    def start(self) -> int:
        return self.placed[0].start


@dataclass(frozen=True, slots=True)
class Script:
    """A stream of `num_samples`; the last utterance may reach past its end."""

    num_samples: int
    utterances: tuple[Utterance, ...]

    @property
    def whole(self) -> list[Utterance]:
        """The utterances that end before the stream does."""
        return [each for each in self.utterances if each.end <= self.num_samples]

    @property
    def spoken(self) -> list[Utterance]:
        """All utterances, the last one with the words that were spoken to their end."""
        cut = [
            Utterance(each.placed, self.num_samples, words)
            for each in self.utterances[-1:]
            if each.end > self.num_samples
            and (words := tuple(word for word in each.words if word.end <= self.num_samples))
        ]
        return self.whole + cut

    def pieces(self, frame_samples: int) -> Iterator[tuple[int, int, bool]]:
        """The stream in frames as (first sample, end, whether an utterance ends here).

        Frames lie on a fixed grid; the one in which an utterance ends is sent in two pieces, so
        that the flush falls on its last sample.
        """
        ends = {utterance.end for utterance in self.whole}
        grid = range(frame_samples, self.num_samples + 1, frame_samples)
        cuts = sorted({0, *grid, *ends, self.num_samples})
        for start, end in pairwise(cuts):
            yield start, end, end in ends


def compose(
    clips: Sequence[Clip],
    profile: Profile,
    *,
    seed: int,
    stream: int,
    seconds: float,
    joins_midway: bool = False,
) -> Script:
    """The script of stream number `stream`, which one voice speaks.

    With `joins_midway` it begins somewhere in its first utterance: streams that begin together
    would otherwise all have their longest segments at the same time, and then their finals.
    """
    rng = random.Random(f"{seed}/{stream}")
    num_samples = round(seconds * SAMPLE_RATE)
    if profile.utterance_s is None:
        return Script(num_samples, ())
    voice = rng.choice(clips).voice
    choices = _in_turn([i for i, clip in enumerate(clips) if clip.voice == voice], rng)
    utterances: list[Utterance] = []
    at, left = _draw(rng, _LEAD_S), rng.random() if joins_midway else 1.0
    while at < num_samples:
        wanted = round(left * _draw(rng, profile.utterance_s))
        utterance, left = _utterance(clips, choices, profile, rng, at, wanted), 1.0
        utterances.append(utterance)
        at = utterance.end + _pause(clips, utterance, profile, rng)
    return Script(num_samples, tuple(utterances))


def voiced_share(clips: Sequence[Clip], utterances: Sequence[Utterance]) -> float:
    """Share of the time from one utterance's start to the next one's that is speech."""
    spoken = sum(clips[placed.clip].num_samples for u in utterances[:-1] for placed in u.placed)
    return spoken / (utterances[-1].start - utterances[0].start)


def _utterance(
    clips: Sequence[Clip],
    choices: Iterator[int],
    profile: Profile,
    rng: random.Random,
    start: int,
    wanted: int,
) -> Utterance:
    """Clips of `wanted` samples and what is left of the last, never past the profile's longest."""
    assert profile.utterance_s is not None
    longest = round(profile.utterance_s[1] * SAMPLE_RATE)
    placed: list[Placed] = []
    words: list[SpokenWord] = []
    at = end = start
    while not placed or end - start < wanted:
        index = next(choices)
        clip = clips[index]
        if placed and at + clip.num_samples - start > longest:
            break
        placed.append(Placed(index, at))
        words += [word.moved(at) for word in clip.words]
        end = at + clip.num_samples
        at = end + _draw(rng, profile.gap_s)
    return Utterance(tuple(placed), end, tuple(words))


def _in_turn(indices: list[int], rng: random.Random) -> Iterator[int]:
    """All of them in a random order, then in another, without end."""
    while True:
        yield from rng.sample(indices, len(indices))


def _pause(
    clips: Sequence[Clip], utterance: Utterance, profile: Profile, rng: random.Random
) -> int:
    if profile.voiced_share is None:
        return _draw(rng, profile.pause_s)
    spoken = sum(clips[placed.clip].num_samples for placed in utterance.placed)
    return round(spoken / profile.voiced_share) - (utterance.end - utterance.start)


def _draw(rng: random.Random, seconds: tuple[float, float]) -> int:
    return round(rng.uniform(*seconds) * SAMPLE_RATE)
