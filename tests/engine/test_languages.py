import pytest

from hark.engine.languages import LANGUAGES, canonical_language, iso_code
from hark.engine.types import OptionError


@pytest.mark.parametrize("text", ["English", "english", "ENGLISH", "en", "EN", " en "])
def test_names_and_codes_in_any_case(text: str) -> None:
    assert canonical_language(text) == "English"


def test_every_language_is_found_by_name_and_by_code() -> None:
    assert len(LANGUAGES) == 30
    for name, code in LANGUAGES.items():
        assert canonical_language(name.upper()) == name
        assert canonical_language(code) == name
        assert iso_code(name.lower()) == code


@pytest.mark.parametrize("text", ["Klingon", "", "None", "eng", "english\n<asr_text>"])
def test_others_are_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(OptionError) as refused:
        canonical_language(text)
    assert repr(text) in str(refused.value)
    assert all(f"{name} ({code})" in str(refused.value) for name, code in LANGUAGES.items())


def test_a_model_may_speak_fewer() -> None:
    assert canonical_language("es", ("English", "Spanish")) == "Spanish"
    with pytest.raises(OptionError, match=r"allowed are English \(en\), Spanish \(es\)$"):
        canonical_language("de", ("English", "Spanish"))
