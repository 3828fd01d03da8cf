"""API keys: every form in which clients of all dialects show theirs, and whether one is known.

A token that is signed with a key known here is as good as a key, and is shown in the same forms.
"""

import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path

from .config import ServerConfig
from .errors import UnauthorizedError
from .protocols.base import Handshake
from .tokens import JigasiTokens

_HEADERS = ("x-api-key", "api-key")
_PARAMETERS = ("api_key", "auth_token", "token", "key")
_SCHEMES = ("bearer", "token")
_OPENAI_PREFIX = "openai-insecure-api-key."
_HOW = "send it as Authorization: Bearer KEY, or Token KEY"
_NAMED_SUBPROTOCOLS = ("token", "bearer")  # the key is the subprotocol behind them


class Standing(StrEnum):
    """How a request stands that shows a key, or none."""

    MISSING = "missing"
    WRONG = "wrong"
    RIGHT = "right"


class Keyring:
    """The keys of a server. Without any, every client is let in, whatever key it shows.

    `accepts_token`, where there is one, is asked about each key that is not known.
    """

    def __init__(
        self, keys: Iterable[str] = (), accepts_token: Callable[[str], bool] | None = None
    ) -> None:
        self._keys = [key.encode() for key in keys if key]
        self._accepts_token = accepts_token

    @classmethod
    def of(cls, text: str, accepts_token: Callable[[str], bool] | None = None) -> "Keyring":
        """From keys with commas between them; blanks around them do not count."""
        return cls((key.strip() for key in text.split(",")), accepts_token)

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
        if not self._keys and self._accepts_token is None:
            return None
        offered = [key for key in offered_keys(handshake) if key]
        if not offered:
            return Standing.MISSING
        is_known = any(self._knows(key) or self._is_token(key) for key in offered)
        return Standing.RIGHT if is_known else Standing.WRONG

    def _knows(self, key: str) -> bool:
        """Compares with all of them, in a time that says nothing of how much was right."""
        shown = key.encode(errors="replace")
        return sum(hmac.compare_digest(shown, known) for known in self._keys) > 0

    def _is_token(self, key: str) -> bool:
        return self._accepts_token is not None and self._accepts_token(key)


def keyring_of(config: ServerConfig) -> Keyring:
    """The keys and tokens of the settings. Raises ConfigError as `JigasiTokens` does."""
    if not config.jigasi_public_key:
        return Keyring.of(config.api_keys)
    tokens = JigasiTokens(Path(config.jigasi_public_key), config.jigasi_audience)
    return Keyring.of(config.api_keys, tokens.accept)


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
