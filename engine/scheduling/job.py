"""One run of a step for one segment: started, resumed with answers, restarted or failed."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import cast

from torch import Tensor

from ..decoding.kv_pool import Lease
from ..decoding.runner import Answer, ForwardWork, Work
from ..decoding.sequence import Hypothesis
from ..streams.segment import Segment
from ..types import StreamId
from .scheduler import Rank

JobSteps = Generator[Work, Answer, Hypothesis | None]


@dataclass(slots=True, eq=False)
class Job:
    """A step on its way, and what it waits for.

    `spoken_at` is when the last sample it hears was spoken, `due_at` when that had come, `deadline`
    when it should have ended.
    """

    stream_id: StreamId
    segment: Segment
    rank: Rank
    spoken_at: float
    due_at: float
    deadline: float
    is_final: bool
    make_steps: Callable[[], JobSteps]
    steps: JobSteps | None = None
    work: Work | None = None
    result: Hypothesis | None = None
    started_at: float = 0.0
    error: Exception | None = None

    @property
    def lease(self) -> Lease:
        return cast(ForwardWork, self.work).lease

    @property
    def num_new(self) -> int:
        return cast(ForwardWork, self.work).num_new

    @property
    def num_choices(self) -> int:
        return cast(ForwardWork, self.work).num_choices

    @property
    def done(self) -> bool:
        return self.steps is not None and self.work is None

    def start(self, now: float) -> None:
        self.started_at = now
        self.steps = self.make_steps()
        self.resume(None)

    def resume(self, answer: Answer | None) -> None:
        """Run the step on to its next work, its result or its error."""
        assert self.steps is not None
        try:
            self.work = self.steps.send(cast(Answer, answer))
        except StopIteration as stop:
            self.work, self.result = None, stop.value
        except Exception as error:  # noqa: BLE001 - one stream's failure must not reach another
            self.fail(error)

    def part(self, num_tokens: int) -> ForwardWork:
        """The first tokens of the pass; their answer is of no use unless they are all of it."""
        work = cast(ForwardWork, self.work)
        if num_tokens == work.num_new:
            return work
        return replace(work, inputs=_cut(work.inputs, 0, num_tokens), num_choices=1)

    def fed(self, num_tokens: int, answer: Answer) -> None:
        """The part was fed: go on with the rest of the pass, or with its answer."""
        work = cast(ForwardWork, self.work)
        if num_tokens == work.num_new:
            self.resume(answer)
        else:
            self.work = replace(work, inputs=_cut(work.inputs, num_tokens, work.num_new))

    def fail(self, error: Exception) -> None:
        """End without a result."""
        self.work, self.error = None, error

    def restart(self) -> None:
        """Back to waiting; everything computed so far that may be kept is in the sequence."""
        assert self.steps is not None
        self.steps.close()
        self.steps, self.work = None, None
        self.segment.sequence.release()


def _cut(inputs: list[list[int] | Tensor], begin: int, end: int) -> list[list[int] | Tensor]:
    """Tokens `begin` to `end` of a pass's inputs."""
    parts: list[list[int] | Tensor] = []
    for part in inputs:
        length = len(part)
        if begin < length and end > 0:
            parts.append(part[max(begin, 0) : end])
        begin, end = begin - length, end - length
    return parts
