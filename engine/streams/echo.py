"""Whether a text says nothing but words of its biasing context.

A model that hears no speech may write its context down. Such a text is no proof of that, names are
listed in order to be said; but then they are heard without the context too, spelled otherwise.
"""

import re

_WORD = re.compile(r"\w+")


class Context:
    """The words of a context, for comparing texts with it."""

    def __init__(self, context: str) -> None:
        self._words = _words(context)

    def holds(self, text: str) -> bool:
        """Whether the words of `text`, at least one, stand in the context in one run."""
        words = _words(text)
        return words != "  " and words in self._words


def _words(text: str) -> str:
    """The words in lower case, a space around each."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "
