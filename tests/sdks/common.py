"""What the tests of the clients in Python share: the servers, the samples, how to compare words.

Runs in every client's environment, so it imports the standard library alone.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

WS_URL = os.environ["HARK_URL"]
HTTP_URL = WS_URL.replace("ws://", "http://", 1)
KEYED_URL, KEY = os.environ["HARK_KEYED_URL"], os.environ["HARK_KEY"]
HOST, PORT = WS_URL.removeprefix("ws://").rsplit(":", 1)
_AUDIO = Path(os.environ["HARK_AUDIO"])
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Sample:
    """A bundled recording: `text` is what is said in it."""

    name: str
    text: str
    language: str

    def pcm(self, rate: int = 16_000) -> bytes:
        """Mono s16le at 8, 16 or 24 kHz."""
        return (_AUDIO / f"{self.name}-{rate}.pcm").read_bytes()

    def g711(self, law: Literal["mulaw", "alaw"]) -> bytes:
        """Mono G.711 at 8 kHz, a byte for each sample."""
        return (_AUDIO / f"{self.name}-8000.{law}").read_bytes()

    @property
    def duration_s(self) -> float:
        return len(self.pcm()) / 32_000


SAMPLES = {
    name: Sample(name, **facts)
    for name, facts in json.loads((_AUDIO / "samples.json").read_text("utf-8")).items()
}


def frames(audio: bytes, size: int) -> Iterator[bytes]:
    """The same bytes in frames of `size`, the last one shorter."""
    for start in range(0, len(audio), size):
        yield audio[start : start + size]


def words(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation."""
    return re.findall(r"\w+(?:'\w+)*", text.lower())


def word_error_rate(said: str, heard: str) -> float:
    """Levenshtein distance in words over the number of words that were said."""
    wanted, got = words(said), words(heard)
    distances = list(range(len(got) + 1))
    for row, word in enumerate(wanted, start=1):
        diagonal, distances[0] = distances[0], row
        for column, other in enumerate(got, start=1):
            cheapest = min(distances[column], distances[column - 1]) + 1
            diagonal, distances[column] = (
                distances[column],
                min(cheapest, diagonal + (word != other)),
            )
    return distances[-1] / len(wanted)


def assert_times_run_on(spans: Sequence[tuple[float, float]], duration_s: float) -> None:
    """Every (start, end), in seconds, is in order, and within the audio but for the last pause."""
    assert spans, "there are no times"
    for start, end in spans:
        assert 0 <= start <= end <= duration_s + 1, (start, end)
    starts = [start for start, _ in spans]
    assert starts == sorted(starts), starts


def printed_by_page(page: str, place: int = 0) -> str:
    """What a program of docs/dialects prints, as it stands there but for the port and the sample.

    It is given the sample `alarm`; `place` counts the page's programs in Python.
    """
    text = (_ROOT / "docs" / "dialects" / f"{page}.md").read_text("utf-8")
    program = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[place]
    program = program.replace("127.0.0.1:8765", f"{HOST}:{PORT}").replace("lecture", "alarm")
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=_ROOT, capture_output=True, text=True, timeout=90
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
