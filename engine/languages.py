"""The languages the models were trained to name; knows their English names and ISO codes only.

The 22 Chinese dialects the released models also hear have no name of their own in the output:
they come out as Chinese or Cantonese.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from .types import OptionError

LANGUAGES: Mapping[str, str] = MappingProxyType(
    {
        "Chinese": "zh",
        "English": "en",
        "Cantonese": "yue",
        "Arabic": "ar",
        "German": "de",
        "French": "fr",
        "Spanish": "es",
        "Portuguese": "pt",
        "Indonesian": "id",
        "Italian": "it",
        "Korean": "ko",
        "Russian": "ru",
        "Thai": "th",
        "Vietnamese": "vi",
        "Japanese": "ja",
        "Turkish": "tr",
        "Hindi": "hi",
        "Malay": "ms",
        "Dutch": "nl",
        "Swedish": "sv",
        "Danish": "da",
        "Finnish": "fi",
        "Polish": "pl",
        "Czech": "cs",
        "Filipino": "fil",
        "Persian": "fa",
        "Greek": "el",
        "Romanian": "ro",
        "Hungarian": "hu",
        "Macedonian": "mk",
    }
)
"""English name of each language, as the model writes it, to its ISO 639 code."""


def canonical_language(text: str, allowed: Sequence[str] = tuple(LANGUAGES)) -> str:
    """The name the model uses ("English") for a name or ISO code in any case.

    `allowed` are the names a particular model speaks. Raises OptionError, which names them all.
    """
    wanted = text.strip().lower()
    for name in allowed:
        if wanted in (name.lower(), LANGUAGES.get(name)):
            return name
    choices = ", ".join(f"{name} ({LANGUAGES[name]})" for name in allowed if name in LANGUAGES)
    raise OptionError(f"language is {text!r}, allowed are {choices}")


def iso_code(name: str) -> str:
    """The ISO 639 code of a language by its English name; raises OptionError as above."""
    return LANGUAGES[canonical_language(name)]
