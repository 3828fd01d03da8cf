"""Items of a transcription session: what was said of each, so that its deltas only append."""

from dataclasses import dataclass, field

from ...events import Final
from ..wire import blank_between, joined


@dataclass(slots=True)
class Item:
    """One piece of audio and its text.

    `ends_by_commit`: the client's commit ends it, however many segments the engine makes of it;
    else it is one segment. `flush_id` is that of the commit once there is one.
    """

    id: str
    ends_by_commit: bool
    flush_id: str | None = None
    is_committed: bool = False
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
        return rest

    def _append(self, text: str) -> str:
        fresh = text[len(self._sent) :]
        if not fresh:
            return ""
        between = "" if self._sent else blank_between(self.text, text)
        self._sent = text
        return between + fresh
