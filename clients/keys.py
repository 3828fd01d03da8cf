"""The API key a client shows: where it comes from, and how it is sent."""

import argparse
import os

from .errors import BadKeyError

VARIABLE = "HARK_API_KEY"


def add_key_argument(parser: argparse.ArgumentParser) -> None:
    """`--key`, which the environment can also give."""
    parser.add_argument(
        "--key",
        default=key_from_environment(),
        help=f"the server's API key, if it has any (default: the environment's {VARIABLE})",
    )


def key_from_environment() -> str | None:
    """The key of who gives none in so many words."""
    return os.environ.get(VARIABLE) or None


def key_headers(key: str | None) -> dict[str, str]:
    """The headers that show a key; none without one.

    Raises:
        BadKeyError: it cannot be a key.
    """
    if not key:
        return {}
    if not (key.isascii() and key.isprintable()):
        raise BadKeyError("a key is of printable ASCII characters; this one holds others")
    return {"Authorization": f"Bearer {key}"}


def refusal_of_key(url: str, key: str | None) -> str:
    """What a person is told whose key the server at `url` has refused, or who has shown none."""
    where = f"--key, {VARIABLE}, connect(key=…) or a plug-in's api_key"
    if key:
        return f"{url} does not know this key; another can be given by {where}"
    return f"{url} needs a key; give one by {where}"
