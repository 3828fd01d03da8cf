"""A small filter that keeps coarse and hateful words out of the text material."""

from __future__ import annotations

import re

_ANYWHERE = (
    "fuck fuk shit cunt kunt nigg bitch whore faggot wank porn rapist raping jizz "
    "päderast pädophil pederast "
    "fick fotz hure schlampe wichs nutte arschl scheiß scheiss neger vergewalt "
    "puta puto mierda joder jodid jodien coño maric follar cabron cabrón violador"
)
_STARTS = (
    "rape rapes raped sex sexy sexual slut tits titty dildo orgasm penis vagina cock cocks dyke "
    "erotic genital masturb prostit brothel nazi hitler negro negroes jew jews jewish kike "
    "muslim islam arab heroin cocaine marijuana suicide genocide holocaust incest pedophil "
    "whoring bastard damn goddam piss nipple breast naked nude lesbian homosexual semen "
    "selbstmord juden jude sexuell nackt busen brüste moslem kokain drogen titten "
    "sexo suicid judí desnud drogas pecho tetas culo prostitu musulm"
)
_STEMS = re.compile("|".join(_ANYWHERE.split()))
_WORDS = re.compile(r"\b(?:" + "|".join(_STARTS.split()) + ")")


def is_decent(text: str) -> bool:
    """False when the text holds a word of the lists above, whatever its case."""
    lower = text.lower()
    return not _STEMS.search(lower) and not _WORDS.search(lower)
