"""The recorded diphone speakers, and phones of espeak-ng turned into theirs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from training.synthesis import diphone_tables as tables
from training.synthesis.accent import Accent
from training.synthesis.diphone_tables import PhoneTable
from training.synthesis.speech import MissingSynthesiserError

_VOICES = Path("/usr/share/festival/voices")
_HEADER_END = b"EST_Header_End\n"
_GAP = 0.015
"""Seconds of silence put where no recorded diphone joins two phones; the first one gives them."""


@dataclass(frozen=True)
class Speaker:
    """A recorded speaker: where the diphones are, how to say things, the natural pitch in Hz."""

    file: str
    package: str
    table: PhoneTable
    pitch: float

    @property
    def path(self) -> Path:
        """The inventory's file, if its package is installed."""
        path = _VOICES / self.file
        if not path.exists():
            raise MissingSynthesiserError(
                f"no diphone inventory {path}; install it with: apt-get install {self.package}"
            )
        return path


SPEAKERS = {
    "it-lp": Speaker(
        "italian/lp_diphone/group/lp_diphone.group", "festvox-italp16k", tables.ITALIAN, 190
    ),
    "it-pc": Speaker(
        "italian/pc_diphone/group/pc_diphone.group", "festvox-itapc16k", tables.ITALIAN, 115
    ),
    "czech-dita": Speaker(
        "czech/czech_dita/group/dita.group", "festvox-czech-dita", tables.CZECH, 200
    ),
    "czech-krb": Speaker("czech/czech_krb/group/krb.group", "festvox-czech-krb", tables.CZECH, 235),
    "czech-machac": Speaker(
        "czech/czech_machac/group/machac.group", "festvox-czech-machac", tables.CZECH, 115
    ),
    "czech-ph": Speaker("czech/czech_ph/group/ph.group", "festvox-czech-ph", tables.CZECH, 130),
    "finnish-lj": Speaker(
        "finnish/suo_fi_lj_diphone/group/ljlpc.group",
        "festvox-suopuhe-lj",
        tables.FINNISH_LJ,
        190,
    ),
    "finnish-mv": Speaker(
        "finnish/hy_fi_mv_diphone/group/mvlpc.group", "festvox-suopuhe-mv", tables.FINNISH_MV, 95
    ),
    "hindi-nsk": Speaker(
        "hindi/hindi_NSK_diphone/group/NSKlpc.group", "festvox-hi-nsk", tables.HINDI, 120
    ),
    "kal": Speaker(
        "english/kal_diphone/group/kallpc16k.group", "festvox-kallpc16k", tables.RADIO, 105
    ),
}


class Inventory:
    """The diphones a speaker recorded, and his way to say the sounds of espeak-ng."""

    def __init__(self, speaker: Speaker) -> None:
        self.silence = speaker.table.silence
        self._recorded = _read_names(speaker.path)
        self._accent = Accent(speaker.table)

    def pronounce(self, phones: list[tuple[str, float]], language: str) -> list[tuple[str, float]]:
        """(phone, seconds) of the speaker for espeak-ng's (label, seconds); equal ones merge."""
        own: list[tuple[str, float]] = []
        for label, seconds in phones:
            names = self._accent.names(label, language)
            for name in names:
                before = own.pop()[1] if own and own[-1][0] == name else 0.0
                own.append((name, before + seconds / len(names)))
        return self._joinable(own)

    def _joinable(self, phones: list[tuple[str, float]]) -> list[tuple[str, float]]:
        """Replace or separate neighbours that were never recorded together."""
        names = [name for name, _ in phones]
        joined = [phones[0]]
        for i in range(1, len(phones)):
            left, right = joined[-1][0], names[i]
            before = joined[-2][0] if len(joined) > 1 else None
            after = names[i + 1] if i + 1 < len(names) else None
            if not self._has(left, right):
                if new := self._stand_in(right, left, after):
                    right = new
                elif new := self._stand_in_left(left, before, right):
                    joined[-1] = (new, joined[-1][1])
                elif self.silence not in (left, right):
                    gap = min(_GAP, joined[-1][1] / 2)
                    joined[-1] = (left, joined[-1][1] - gap)
                    joined.append((self.silence, gap))
            joined.append((right, phones[i][1]))
        return joined

    def _has(self, left: str | None, right: str | None) -> bool:
        return left is None or right is None or f"{left}-{right}" in self._recorded

    def _stand_in(self, phone: str, left: str, after: str | None) -> str | None:
        """A phone like ``phone`` that joins ``left`` and, as well as it did, the next one."""
        for other in self._accent.similar.get(phone, []):
            if self._has(left, other) and (self._has(other, after) or not self._has(phone, after)):
                return other
        return None

    def _stand_in_left(self, phone: str, before: str | None, right: str) -> str | None:
        for other in self._accent.similar.get(phone, []):
            if self._has(before, other) and self._has(other, right):
                return other
        return None


def _read_names(path: Path) -> frozenset[str]:
    """Names ("a-b") of the diphones in a grouped inventory: text lines after the header."""
    data = path.read_bytes()
    body = data.index(_HEADER_END) + len(_HEADER_END)
    header = data[:body].decode("latin-1")
    count = int(header.split("NumEntries")[1].split()[0])
    lines = data[body : body + 80 * count].split(b"\n", count)[:count]
    return frozenset(line.split()[0].decode("latin-1") for line in lines)
