"""Who made the synthesisers, voices and texts of the corpus, and on which terms.

The terms are those of ``/usr/share/doc/PACKAGE/copyright`` of the Debian packages.
"""

from __future__ import annotations

from training.language.sources import SOURCES
from training.synthesis import flite
from training.synthesis.diphones import SPEAKERS
from training.synthesis.festival import NATIVE
from training.synthesis.voices import LEFT_OUT

_FESTVOX = "free use, also commercial, if the notice stays and changes are marked"
_GPL2 = "GPL-2 or later"
_PACKAGES = {
    "festvox-kallpc16k": ("Alan W Black and Kevin Lenzo, CMU and CSTR Edinburgh", _FESTVOX),
    "festvox-kdlpc16k": ("CSTR, University of Edinburgh", _FESTVOX),
    "festvox-us-slt-hts": ("Carnegie Mellon University; HTS working group", _FESTVOX),
    "festvox-italp16k": ("ISTC-SPFD CNR and ITC-irst", _GPL2),
    "festvox-itapc16k": ("ISTC-SPFD CNR and ITC-irst", _GPL2),
    "festvox-czech-dita": ("Brailcom, o.p.s.", "GPL-3 or later"),
    "festvox-czech-krb": ("Brailcom, o.p.s.", "GPL-3 or later"),
    "festvox-czech-machac": ("Brailcom, o.p.s.", "GPL-3 or later"),
    "festvox-czech-ph": ("Brailcom, o.p.s.", _GPL2),
    "festvox-suopuhe-lj": ("Universities of Helsinki and Joensuu", "LGPL-2 or later"),
    "festvox-suopuhe-mv": ("Universities of Helsinki and Joensuu", "LGPL-2 or later"),
    "festvox-hi-nsk": ("Janabhaaratii, C-DAC Mumbai", _GPL2),
}
"""Holder and licence of each package of recorded voices."""


def voice_rows() -> list[list[str]]:
    """(engine and voice, package, holder, licence) of everything that speaks in the corpus.

    Raises:
        KeyError: a voice was added whose package has no licence here.
    """
    rows = [
        [
            "eSpeak NG, formant synthesis",
            "libespeak-ng1, espeak-ng-data",
            "Jonathan Duddington, Reece H. Dunn and others",
            "GPL-3 or later, which does not extend to its output",
        ],
        [
            f"Flite: {', '.join(flite.VOICES)}",
            "libflite1",
            "Language Technologies Institute, Carnegie Mellon University",
            _FESTVOX,
        ],
        [
            "Festival, the program",
            "festival",
            "CSTR, University of Edinburgh, and others",
            _FESTVOX,
        ],
    ]
    speakers = {name: speaker.package for name, speaker in SPEAKERS.items()}
    speakers |= {name: package for name, (_, _, package) in NATIVE.items()}
    for name, package in speakers.items():
        use = " (only for testing)" if f"festival-{name}" == LEFT_OUT else ""
        rows.append([f"Festival: {name}{use}", package, *_PACKAGES[package]])
    return rows


def text_rows() -> list[list[str]]:
    """(text, language, package, licence, share of the open text of its language)."""
    return [
        [
            source.name,
            source.language,
            source.package,
            source.licence,
            f"{source.share:.0%}" if source.share else "single words",
        ]
        for source in SOURCES
    ]


def packages() -> list[str]:
    """Every Debian package the recipe needs."""
    listed = {name for row in voice_rows() for name in row[1].split(", ")}
    return sorted(listed | {row[2] for row in text_rows()} | {"festlex-cmu"})
