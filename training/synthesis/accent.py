"""The phones with which a speaker says the sounds of espeak-ng."""

from __future__ import annotations

from training.synthesis.diphone_tables import OWN_SOUNDS, SOUNDS, PhoneTable
from training.synthesis.speech import SynthesisError

_SOUND_OF = {label: sound for sound, labels in SOUNDS.items() for label in labels.split()}


class Accent:
    """A phone table, read."""

    def __init__(self, table: PhoneTable) -> None:
        self.silence = table.silence
        self.similar = _parse(table.similar)
        self._sounds = _parse(table.sounds)

    def names(self, label: str, language: str) -> list[str]:
        """The speaker's phones for espeak-ng's ``label`` in ``language``."""
        if label.startswith("_"):
            return [self.silence]
        sound = OWN_SOUNDS[language].get(label) or _SOUND_OF.get(label)
        if sound is None:
            raise SynthesisError(f"no sound for espeak-ng's phone {label!r}")
        return self._sounds[sound]


def _parse(table: str) -> dict[str, list[str]]:
    """``"a=b,c d=e"`` as lists by key; a later entry replaces an earlier one."""
    pairs = (item.split("=") for item in table.split())
    return {key: value.split(",") for key, value in pairs}
