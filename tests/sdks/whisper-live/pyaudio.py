"""Stands in for PyAudio: a machine without a sound card, which WhisperLive's client copes with."""

from typing import Any, NoReturn

paInt16 = 8  # noqa: N816 - PyAudio's name


class PyAudio:
    def open(self, **_: Any) -> NoReturn:
        raise OSError("this machine has no sound card")

    def terminate(self) -> None:
        pass
