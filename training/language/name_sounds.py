"""How the sounds of invented names are written, in each language, see ``training.names``."""

from __future__ import annotations

from dataclasses import dataclass

from training.language.wordlists import items, words


@dataclass(frozen=True)
class Sounds:
    """Spellings of the parts of a name; those between two bars share a sound."""

    onsets: tuple[list[str], ...]
    vowels: tuple[list[str], ...]
    inner: tuple[list[str], ...]
    codas: tuple[list[str], ...]
    endings: tuple[list[str], ...]


def _sounds(block: str) -> tuple[list[str], ...]:
    return tuple(words(sound) for sound in items(block))


SOUNDS: dict[str, Sounds] = {
    "English": Sounds(
        onsets=_sounds("""
            c k|f ph|s|z|j|b|d|g|h|l|m|n|p|r rh|t th|v|w wh|br|cr kr chr|dr|gr|tr|bl
            |cl kl|fl phl|gl|st|sk sc|sh|qu kw"""),
        vowels=_sounds("a|e|i y|o|u|ee ea ie|ai ay|oo|au aw"),
        inner=_sounds("""
            l ll|n nn|r rr|m mm|t tt|d dd|b bb|c ck k|s ss|f ff ph|v|z s|x cks|lm|nd|rn|lv
            |rt|nt|ld|mb|nk nc|sk sc|st|rv"""),
        codas=_sounds("n nn ne|l ll le|r|s ss ce|t tt te|ck k c|m|d|x cks|rn|nt|ld|v ve|th"),
        endings=_sounds("a ah|o oe|ie y ey|en in yn|on an|el ell|er or ar|is iss|ix yx|ia ea ya"),
    ),
    "Spanish": Sounds(
        onsets=_sounds("b v|c k|z|d|f|g|j|l|ll|m|n|p|r|s|t|qu|br|tr|cr|gr|fl|ch"),
        vowels=_sounds("a|e|i|o|u|ia|ue"),
        inner=_sounds("l|n|r|rr|m|t|d|b v|s|z|ñ|ll y|nd|rt|st|lv lb|nt|mb nv|rz rs"),
        codas=_sounds("n|l|r|s|z"),
        endings=_sounds("a|o|e|ena|ino|ado|ira|elo|ez es|anda"),
    ),
    "German": Sounds(
        onsets=_sounds(
            "b|d|f v ph|g|h|j|k c|l|m|n|p|r|s|t th|w|z|sch|st|br|dr|fr|gr|kr|tr|kl|schw"
        ),
        vowels=_sounds("a ah|e eh|i ie|o oh|u uh|ei ai|au|eu äu|ä e|ü|ö"),
        inner=_sounds(
            "l ll|n nn|r rr|m mm|t tt|d|b|ck k|s ss|f ff|z tz|lm|nd|rn|rt|nt|ld lt|nk|st|ch"
        ),
        codas=_sounds("n nn|l ll|r|s|t dt th|ck k|m mm|rt rd|nd nt|ld lt|z tz|lf lph"),
        endings=_sounds("er|en|el|ing|a|e|ow|ert|in|ach"),
    ),
}
