"""OpenAI's Realtime API, transcription sessions: `/v1/realtime`, present form and beta.

Clients show each delta as it comes and end at an `error`: deltas hold stable text alone, items
come strictly in order, and nothing is an error that is not the client's mistake.
https://developers.openai.com/api/docs/guides/realtime-transcription
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...errors import StreamError
from ...events import Final, Partial
from ..base import Action, House
from .items import Item
from .machine import RealtimeMachine
from .message import APPEND, Message
from .session import LOGPROBS, Config, in_beta_s_words, is_flat

_SESSION_S = 3600  # shown as `expires_at`; nothing ends then


class OpenAIRealtime(RealtimeMachine[Config]):
    """One connection, in the present form or the beta's."""

    def __init__(self, house: House, model: str, subprotocol: str | None, *, is_beta: bool) -> None:
        super().__init__(house, Config(model))
        self.subprotocol = subprotocol
        self.item_events = ("created",) if is_beta else ("added", "done")
        self._is_beta = is_beta
        self._expires_at = 0

    def opened(self, now: float) -> list[Action]:
        created = int(self._house.epoch + now)
        self._expires_at = created + _SESSION_S
        name = "transcription_session.created" if self._is_beta else "session.created"
        return [self._tell.say(name, id=self._id, created=created, session=self._session())]

    def _handlers(self) -> Mapping[str, Callable[[Message], list[Action]]]:
        return {
            "session.update": self._update,
            "transcription_session.update": self._update,
            APPEND: self._append,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
        }

    def _update(self, message: Message) -> list[Action]:
        session = message.fields.get("session")
        is_beta = is_flat(session) or message.type.startswith("transcription_")
        try:
            config = self._config.changed_by(session, is_beta=is_beta)
            actions = self._change(config)
        except StreamError as error:
            raise in_beta_s_words(error) if is_beta else error from None
        name = "transcription_session.updated" if self._is_beta else "session.updated"
        return [*actions, self._tell.say(name, session=self._session())]

    def _partial(self, item: Item, event: Partial) -> Iterator[Action]:
        if fresh := item.partial(event.stable):
            yield self._tell.delta(item.id, fresh)

    def _last_words(self, item: Item, event: Final) -> Iterator[Action]:
        if fresh := item.final(event):
            yield self._tell.delta(item.id, fresh)

    def _completed(self, item: Item) -> Action:
        with_logprobs = LOGPROBS in self._config.include
        return self._tell.completed(item.id, item.text, item.finals, with_logprobs=with_logprobs)

    def _session(self) -> dict[str, Any]:
        show = self._config.to_beta if self._is_beta else self._config.to_wire
        return show(self._id, self._expires_at)
