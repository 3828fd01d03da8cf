"""Items of a transcription session: their order, and what was said of each, as it only grows."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...events import Final
from ..wire import blank_between, joined


@dataclass(slots=True)
class Item:
    """One piece of audio and its text.

    `ends_by_commit`: the client's commit ends it, however many segments the engine makes of it;
    else it is one segment. `flush_id` is that of the commit once there is one. `is_open` while a
    segment of it is.
    """

    id: str
    ends_by_commit: bool
    flush_id: str | None = None
    is_committed: bool = False
    is_open: bool = False
    text: str = ""  # of the segments that are final
    finals: list[Final] = field(default_factory=list)
    _sent: str = ""  # of the open segment, as deltas

    def partial(self, stable: str) -> str:
        """What to append now that this much of the open segment is stable."""
        return self._append(stable)

    def final(self, event: Final) -> str:
        """What to append now that the open segment is final.

        Nothing where the final does not begin with what was appended: the completed transcript
        says it right.
        """
        rest = self._append(event.text) if event.text.startswith(self._sent) else ""
        self.text = joined(self.text, event.text)
        self.finals.append(event)
        self._sent = ""
        self.is_open = False
        return rest

    def _append(self, text: str) -> str:
        fresh = text[len(self._sent) :]
        if not fresh:
            return ""
        between = "" if self._sent else blank_between(self.text, text)
        self._sent = text
        return between + fresh


class Items:
    """The items of a connection that are not complete yet, in order.

    A commit where nothing grows may yet make an item: an empty one, if nothing was said before it.
    Every commit and every clear behind one is a flush of the stream: what is heard before a clear's
    flush and behind the one before it is dropped.
    """

    def __init__(self) -> None:
        self._waiting: deque[Item] = deque()
        self._num_begun = 0
        self._last_committed: str | None = None
        self._empty_commits: dict[str, int] = {}  # flush → items begun by then
        self._flushes: dict[str, bool] = {}  # not answered yet, in order; whether it is a clear's

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._waiting)

    @property
    def first(self) -> Item:
        return self._waiting[0]

    @property
    def last(self) -> Item:
        return self._waiting[-1]

    @property
    def growing(self) -> Item | None:
        """The last, while no commit has ended it."""
        return self.last if self._waiting and not self.last.is_committed else None

    @property
    def are_awaited(self) -> bool:
        """Something was committed and is not complete."""
        has_commit = not all(self._flushes.values())
        return has_commit or any(item.is_committed for item in self._waiting)

    @property
    def are_dropped(self) -> bool:
        """What begins now was cleared away."""
        return next(iter(self._flushes.values()), False)

    def flush(self, flush_id: str, *, is_clear: bool) -> None:
        """The stream was asked to end what is open here."""
        self._flushes[flush_id] = is_clear

    def answered(self, flush_id: str) -> None:
        """The stream has told all from before this flush."""
        self._flushes.pop(flush_id, None)

    def begin(self, name: str, *, ends_by_commit: bool) -> Item:
        item = Item(name, ends_by_commit)
        self._waiting.append(item)
        self._num_begun += 1
        return item

    def commit(self, item: Item) -> str | None:
        """The item is part of the conversation now; behind which one, None for the first."""
        item.is_committed = True
        before, self._last_committed = self._last_committed, item.id
        return before

    def complete(self) -> Item:
        """The first is all said."""
        return self._waiting.popleft()

    def commit_nothing(self, flush_id: str) -> None:
        """A commit came and nothing grows."""
        self._empty_commits[flush_id] = self._num_begun

    def was_empty(self, flush_id: str) -> bool:
        """Whether this is the answer to such a commit, and no item was begun meanwhile."""
        return self._empty_commits.pop(flush_id, None) == self._num_begun

    def clear(self) -> None:
        """Forget those that wait, and the flushes."""
        self._waiting.clear()
        self._flushes.clear()
        self._empty_commits.clear()
