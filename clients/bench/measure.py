"""From what one stream heard to figures of its utterances; knows no sockets and no clock."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..samples import spoken_words
from .align import align
from .link import Message
from .script import Utterance
from .speaker import Call

LATE = 1.5  # times the cadence


@dataclass(slots=True)
class Steps:
    """Steps of the server seen through two partials; `late` of them broke the cadence.

    `late_audio` are those between which too much audio lay, `late_arrival` those that were too far
    apart in time. `at` is when the later partial came.
    """

    at: float
    num: int
    late_audio: int
    late_arrival: int

    @property
    def late(self) -> int:
        return max(self.late_audio, self.late_arrival)


@dataclass(slots=True)
class UtteranceLog:
    """One utterance as the client saw it. Times are on the shared clock, latencies in seconds.

    `words` holds when each word ended and how long until it was held, None if it never was.
    `finalize_s` is None when no answer came. `texts` are the finals, one for each segment.
    """

    stream: int
    index: int
    ended_at: float
    finalize_s: float | None = None
    first_partial_s: float | None = None
    words: list[tuple[float, float | None]] = field(default_factory=list)
    word_errors: int = 0
    final_words: int = 0
    stable_words: int = 0
    replaced: int = 0
    retracted: int = 0
    revisions: int = 0
    steps: list[Steps] = field(default_factory=list)
    texts: tuple[str, ...] = ()


def measure(
    call: Call, heard: Sequence[tuple[float, Message]], cadence_ms: int
) -> list[UtteranceLog]:
    """A log for each utterance; the last may have been cut off by `close`, which `bye` answers."""
    parts = _split_at_answers(heard)
    logs = []
    for index, utterance in enumerate(call.script.spoken):
        messages, answered_at = next(parts, ([], None))
        log = UtteranceLog(call.order.stream, index, call.time_of(utterance.end))
        if answered_at is not None:
            log.finalize_s = answered_at - log.ended_at
        listener = _Listener(log, cadence_ms)
        for at, message in messages:
            listener.hear(at, message)
        listener.conclude(call, utterance)
        logs.append(log)
    return logs


def late_steps(num: int, audio_ms: float, cadence_ms: float) -> int:
    """How many of `num` successive steps over this much audio kept too great a distance.

    What lies between two partials is known in sum only: of what is possible, the worst is taken.
    """
    if audio_ms > LATE * cadence_ms * num:
        return num
    return min(num, max(0, int(audio_ms / cadence_ms + 0.01) - num)) if num > 1 else 0


def _split_at_answers(
    heard: Sequence[tuple[float, Message]],
) -> Iterator[tuple[list[tuple[float, Message]], float | None]]:
    """What was heard up to each `finalized` or `bye`, and when that came; the rest has None."""
    messages: list[tuple[float, Message]] = []
    for at, message in heard:
        if message.get("type") in ("finalized", "bye"):
            yield messages, at
            messages = []
        else:
            messages.append((at, message))
    yield messages, None


class _Listener:
    """Reads the events of one utterance in order."""

    def __init__(self, log: UtteranceLog, cadence_ms: int) -> None:
        self._log, self._cadence_ms = log, cadence_ms
        self._first_partial_at: float | None = None
        self._stable: list[tuple[str, float]] = []  # of all its segments: word, held since
        self._final: list[tuple[str, float]] = []
        self._begin_segment()

    def _begin_segment(self) -> None:
        self._partial: tuple[float, Message] | None = None
        self._segment_stable: list[tuple[str, float]] = []

    def hear(self, at: float, message: Message) -> None:
        match message.get("type"):
            case "partial":
                self._hear_partial(at, message)
            case "final":
                self._hear_final(at, message)

    def conclude(self, call: Call, utterance: Utterance) -> None:
        """Compare with what was said."""
        self._stable += self._segment_stable
        log, words = self._log, utterance.words
        if self._first_partial_at is not None:
            log.first_partial_s = self._first_partial_at - call.time_of(words[0].end)
        reference = [word.text for word in words]
        final = align(reference, [word for word, _ in self._final])
        stable = align(reference, [word for word, _ in self._stable], to_prefix=True)
        held: dict[int, float] = {i: self._final[j][1] for i, j in final.matches}
        for i, j in stable.matches:
            since = self._stable[j][1]
            if since >= call.time_of(words[i].start):  # else it was another word like it
                held[i] = min(since, held.get(i, since))
        for index, word in enumerate(words):
            ended_at = call.time_of(word.end)
            latency = held[index] - ended_at if index in held else None
            log.words.append((ended_at, latency))
        log.word_errors, log.final_words = final.errors, len(self._final)

    def _hear_partial(self, at: float, message: Message) -> None:
        stable, shown = message["stable"], message["stable"] + message["unstable"]
        if self._first_partial_at is None and shown.strip():
            self._first_partial_at = at
        if self._partial is not None:
            before_at, before = self._partial
            self._log.retracted += not stable.startswith(before["stable"])
            self._log.revisions += _revisions(before["stable"] + before["unstable"], shown)
            self._log.steps.append(self._steps(before_at, before, at, message))
        self._partial = at, message
        self._hold(spoken_words(stable), at)

    def _hear_final(self, at: float, message: Message) -> None:
        words = spoken_words(message["text"])
        self._final += [(word, at) for word in words]
        self._log.texts = (*self._log.texts, message["text"])
        stable = [word for word, _ in self._segment_stable]
        kept = align(words, stable, to_prefix=True).matches
        self._log.stable_words += len(stable)
        self._log.replaced += len(stable) - len(kept)
        self._stable += self._segment_stable
        self._begin_segment()

    def _hold(self, stable: list[str], at: float) -> None:
        """Note the words that are stable from now on; those taken back are forgotten."""
        known = self._segment_stable
        same = 0
        while same < min(len(known), len(stable)) and known[same][0] == stable[same]:
            same += 1
        self._segment_stable = known[:same] + [(word, at) for word in stable[same:]]

    def _steps(self, before_at: float, before: Message, at: float, message: Message) -> Steps:
        """The steps between two partials of a segment.

        A server that does not count them is taken to have made one: what changed nothing then
        looks like a step left out.
        """
        num = max(1, message.get("steps", 1) - before.get("steps", 0))
        audio_ms = message["end_ms"] - before["end_ms"]
        too_far_apart = at - before_at > LATE * num * self._cadence_ms / 1000
        late = late_steps(num, audio_ms, self._cadence_ms)
        return Steps(at, num, late, num if too_far_apart else 0)


def _revisions(before: str, after: str) -> int:
    """Words that were shown and are changed or gone, by their place in the text."""
    old, new = before.split(), after.split()
    changed = sum(a != b for a, b in zip(old, new, strict=False))
    return changed + max(0, len(old) - len(new))
