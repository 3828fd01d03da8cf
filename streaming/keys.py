"""API keys: every form in which clients of all dialects show theirs, and whether one is known."""

import hmac
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from .errors import UnauthorizedError
from .protocols.base import Handshake

_HEADERS = ("x-api-key", "api-key")
_PARAMETERS = ("api_key", "auth_token", "token", "key")
_SCHEMES = ("bearer", "token")
_OPENAI_PREFIX = "openai-insecure-api-key."
_HOW = "send it as Authorization: Bearer KEY"
_NAMED_SUBPROTOCOLS = ("token", "bearer")  # the key is the subprotocol behind them


class Standing(StrEnum):
    """How a request stands that shows a key, or none."""

    MISSING = "missing"
    WRONG = "wrong"
    RIGHT = "right"


class Keyring:
    """The keys of a server. Without any, every client is let in, whatever key it shows."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._keys = [key.encode() for key in keys if key]

    @classmethod
    def of(cls, text: str) -> "Keyring":
        """From keys with commas between them; blanks around them do not count."""
        return cls(key.strip() for key in text.split(","))

    def check(self, handshake: Handshake) -> None:
        """Let a client pass.

        Raises:
            UnauthorizedError: there are keys, and it shows none of them.
        """
        match self.standing(handshake):
            case Standing.MISSING:
                raise UnauthorizedError(f"a key is needed; {_HOW}")
            case Standing.WRONG:
                raise UnauthorizedError(f"the key is not one of this server's; {_HOW}")
            case _:
                pass

    def standing(self, handshake: Handshake) -> Standing | None:
        """Whether a client would pass; None where no key is needed."""
        if not self._keys:
            return None
        offered = [key for key in offered_keys(handshake) if key]
        if not offered:
            return Standing.MISSING
        return Standing.RIGHT if any(map(self._knows, offered)) else Standing.WRONG

    def _knows(self, key: str) -> bool:
        """Compares with all of them, in a time that says nothing of how much was right."""
        shown = key.encode(errors="replace")
        return sum(hmac.compare_digest(shown, known) for known in self._keys) > 0


def offered_keys(handshake: Handshake) -> Iterator[str]:
    """Every key a client shows: in headers, in the query, or as a subprotocol as browsers must."""
    scheme, _, key = handshake.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() in _SCHEMES:
        yield key.strip()
    for name in _HEADERS:
        if name in handshake.headers:
            yield handshake.headers[name]
    for name in _PARAMETERS:
        yield from handshake.query.get(name, ())
    yield from _in_subprotocols(handshake.subprotocols)


def _in_subprotocols(offered: Sequence[str]) -> Iterator[str]:
    for place, name in enumerate(offered):
        if name.startswith(_OPENAI_PREFIX):
            yield name.removeprefix(_OPENAI_PREFIX)
        if name.lower() in _NAMED_SUBPROTOCOLS and place + 1 < len(offered):
            yield offered[place + 1]
