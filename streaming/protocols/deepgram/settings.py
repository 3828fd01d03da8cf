"""What a Deepgram client may change while it is connected, and how it is answered."""

from hark.engine.types import OptionError

from ...events import ConfigureIn
from ..base import Say
from .messages import Configure
from .query import Wishes, context_of
from .results import Style


class Settings:
    """Terms and features in force, and the one change that the streams have not answered yet."""

    def __init__(self, wishes: Wishes, request_id: str) -> None:
        """Raises BadOptionError where the wishes are more than a stream can have."""
        self.options = wishes.options()
        self._punctuate, self._smart_format = wishes.punctuate, wishes.smart_format
        self._tells_language = wishes.language is None
        self._request_id = request_id
        self._pending: tuple[str, ...] | None = None  # terms

    @property
    def is_pending(self) -> bool:
        return self._pending is not None

    @property
    def style(self) -> Style:
        return Style(self._punctuate or self._smart_format, self._tells_language)

    def change(self, message: Configure, *, are_streams_there: bool) -> Say | ConfigureIn:
        """The answer to the client, or what the streams have to be told first.

        Features are in force at once, terms from the next segment on.
        """
        if self.is_pending:
            return self._refusal("CONFIGURE_ALREADY_PENDING", "another Configure is not done yet")
        try:
            terms = message.terms
            changed: dict[str, object] = {} if terms is None else {"context": context_of(terms)}
            options = self.options.with_changes(**changed)
        except OptionError as error:
            return self._too_many(str(error))
        self._punctuate = message.features.get("punctuate", self._punctuate)
        self._smart_format = message.features.get("smart_format", self._smart_format)
        if changed and are_streams_there:
            self._pending = terms
            return ConfigureIn(changed)
        self.options = options
        return self._success(terms)

    def accepted(self) -> Say:
        """The streams have taken the pending change."""
        terms, self._pending = self._pending, None
        return self._success(terms)

    def refused(self, reason: str) -> Say:
        """The streams have not."""
        self._pending = None
        return self._too_many(reason)

    def _success(self, terms: tuple[str, ...] | None) -> Say:
        told = {} if terms is None else {"keyterms": list(terms)}
        return Say({"type": "ConfigureSuccess", "request_id": self._request_id, **told})

    def _too_many(self, reason: str) -> Say:
        return self._refusal("CONFIGURE_KEYTERM_LIMIT_EXCEEDED", reason)

    def _refusal(self, code: str, description: str) -> Say:
        message = {"type": "ConfigureFailure", "request_id": self._request_id}
        return Say(message | {"code": code, "description": description})
