"""Language tags of the frameworks ("en", "en-US") and languages of Hark ("English"); pure."""

from hark.engine.languages import LANGUAGES


def language_of_tag(tag: str | None) -> str | None:
    """What the server takes for a tag: the language alone, as it tells no regions apart.

    Names of languages stay as they are; so does what is neither, which the server refuses.
    """
    return None if tag is None else tag.replace("_", "-").split("-")[0]


def iso_tag(language: str | None) -> str:
    """The ISO 639 code of a language by its name; "" where there is none."""
    return LANGUAGES.get(language or "", "")
