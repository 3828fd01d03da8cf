"""An engine for the rig: it hears a word in each piece of audio, and answers when it is told to."""

from hark.engine import types as engine

from .rig import Rig, closed, final, finalized, opened, partial, started, stopped

WORD_MS = 400


class Hearing:
    """What an engine says of a rig's one line, of one request after the other.

    `finals` are the texts of all finals so far, "Well0, well1." and so on.
    """

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.finals: list[str] = []
        self._num_answered = 0
        self._num_words = 0
        self._words: list[str] = []  # of the open segment
        self._segment = 0
        self._start_ms = self._now_ms = 0

    @property
    def is_behind(self) -> bool:
        """Whether a request waits."""
        there = "" in self.rig.sessions and self.rig.hangup is None
        return there and self._num_answered < len(self.rig.requests[""])

    def hear(self, *, pause: bool = False) -> None:
        """Answer the next request, if there is one; with a `pause` behind its audio."""
        if not self.is_behind:
            return
        request = self.rig.requests[""][self._num_answered]
        self._num_answered += 1
        updates = self._answer(request)
        if pause and isinstance(request, engine.Feed):
            updates += self._end_segment()
        self.rig.said = self.rig.hear(*updates)  # still to be read by the test

    def hear_all(self) -> None:
        while self.is_behind:
            self.hear()

    def _answer(self, request: engine.EngineRequest) -> list[engine.EngineUpdate]:
        match request:
            case engine.Open():
                return [opened()]
            case engine.Feed():
                return self._hear_word()
            case engine.Finalize(id=str() as flush_id):
                return [*self._end_segment(), finalized(flush_id, self._now_ms)]
            case engine.Finalize():
                return self._end_segment()
            case engine.Close():
                return [*self._end_segment(), closed(self._now_ms)]
            case _:
                return []

    def _hear_word(self) -> list[engine.EngineUpdate]:
        begun = [] if self._words else [started(self._segment, self._now_ms)]
        if not self._words:
            self._start_ms = self._now_ms
        self._words.append(f"Well{self._num_words},")
        self._num_words += 1
        self._now_ms += WORD_MS
        stable, unstable = " ".join(self._words[:-1]), " " + self._words[-1]
        return [*begun, partial(self._segment, self._start_ms, self._now_ms, stable, unstable)]

    def _end_segment(self) -> list[engine.EngineUpdate]:
        if not self._words:
            return []
        text = " ".join(self._words)[:-1] + "."
        self.finals.append(text)
        number, start_ms, self._words = self._segment, self._start_ms, []
        self._segment += 1
        return [
            stopped(number, start_ms, self._now_ms),
            final(number, start_ms, self._now_ms, text),
        ]
